"""Names that a wrong decoding broke, and what they were (R67). Pure: it proposes, and never changes anything.

What is genuine is never flagged: `São`, `JOÃO`, `Nguyễn` say nothing of UTF-8 read as something else. A proposal is
`sure` only if reading its bytes the wrong way gives exactly what is held; everything else a person has to know.
"""

import re
import unicodedata
from typing import Final

import msgspec
from ftfy import TextFixerConfig, fix_encoding_and_explain

LOST: Final = "\ufffd"  # what stands where a letter could not be decoded: nobody can tell which it was

_CONFIG: Final = TextFixerConfig(explain=True)
# A question mark beside a letter or another one: an export could not write what stood there.
_ASKED: Final = re.compile(r"[^\W\d_]\?|\?[^\W\d_]|\?\?")
_DECODED_WRONG: Final = frozenset({"encode", "decode"})
# What UTF-8 is mistaken for, the most frequent first. ftfy spares texts that could be prose; names have no “»” or “…”.
_MISTAKEN_FOR: Final = ("sloppy-windows-1252", "sloppy-windows-1250", "sloppy-windows-1251", "macroman")
_OF_NAMES: Final = frozenset("'’‘‛ʼ`´-‐‑–—.,()/&·\"“”«»ªº")  # signs that a genuine name may hold


class Suspicion(msgspec.Struct, frozen=True, kw_only=True):
    """Why a text looks broken, and what it was: "" where that cannot be told from the text."""

    why: str
    proposed: str = ""
    sure: bool = False


def suspicious(text: str) -> Suspicion | None:
    """Return what looks broken in a name, None if nothing does."""
    if text.isascii():
        return Suspicion(why=_WHY_ASKED) if _ASKED.search(text) else None
    fixed, steps = fix_encoding_and_explain(text, config=_CONFIG)
    mended = unicodedata.normalize("NFC", fixed)
    if mended == unicodedata.normalize("NFC", text):
        return _mistaken(text) or _lost(text)
    if LOST in mended or _ASKED.search(mended) or not _is_name(mended):
        return Suspicion(why=_WHY_DECODED)  # broken twice, and the second time for good
    whole = all(step.action in _DECODED_WRONG for step in steps or ())
    return Suspicion(why=_WHY_DECODED, proposed=mended, sure=whole)


_WHY_DECODED: Final = "Letters were read in the wrong character set."
_WHY_LOST: Final = "A letter was lost: “�” stands in its place."
_WHY_ASKED: Final = "A question mark stands where a letter should be."


def _mistaken(text: str) -> Suspicion | None:
    """Judge a text whose signs no name holds, if its bytes are UTF-8 of one in which every sign is at home."""
    if all(map(_at_home, text)):
        return None
    for charset in _MISTAKEN_FOR:
        try:
            read = unicodedata.normalize("NFC", text.encode(charset).decode())
        except UnicodeError:
            continue
        if all(map(_at_home, read)):
            return Suspicion(why=_WHY_DECODED, proposed=read, sure=True)
    return None


def _at_home(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMZ" or letter.isdigit() or letter in _OF_NAMES


def _lost(text: str) -> Suspicion | None:
    if LOST in text:
        return Suspicion(why=_WHY_LOST)
    return Suspicion(why=_WHY_ASKED) if _ASKED.search(text) else None


def _is_name(text: str) -> bool:
    """Whether a text could be a name at all: controls and unassigned code points never are."""
    return not any(unicodedata.category(letter) in {"Cc", "Cn", "Cs", "Co"} for letter in text)
