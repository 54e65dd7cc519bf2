"""Which letters a file is written in: tried in a fixed order, proved over the whole file, and said aloud (R64)."""

import codecs
import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sync.errors import Broken

_CHUNK: Final = 1 << 20
_SAMPLE: Final = 4096
_ESCAPED: Final = re.compile("[\udc80-\udcff]")
_NUL_SHARE: Final = 0.25  # of all bytes; English text in UTF-16 has one half, names in other scripts less


@dataclasses.dataclass(frozen=True, kw_only=True)
class Encoding:
    """A codec that is proved to read the file, and what its owner should know about it ("" if nothing)."""

    codec: str
    remark: str = ""


def encoding_of(path: Path) -> Encoding:
    """Find the encoding: BOM, UTF-16 by its pattern of NULs, strict UTF-8, then Windows-1252.

    Raises:
        Broken: the file is empty, has NUL characters, or no encoding reads all of it.
    """
    sample = _sample(path)
    if not sample:
        raise Broken(f"{path.name} is empty (0 bytes); nothing was changed. Export it again and upload it.")
    codec = _by_bom(sample) or _by_nuls(sample)
    if codec:
        return _declared(path, codec=codec)
    line = _first_fault(path, codec="utf-8")
    return Encoding(codec="utf-8") if line is None else _windows(path, line=line)


def _sample(path: Path) -> bytes:
    with path.open("rb") as raw:
        return raw.read(_SAMPLE)


def _by_bom(sample: bytes) -> str:
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    return "utf-16" if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ""


def _by_nuls(sample: bytes) -> str:
    """Headers are mostly ASCII: UTF-16 without a BOM has a NUL beside nearly every letter, on the same side."""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even + odd < len(sample) * _NUL_SHARE:
        return ""
    if odd and not even:
        return "utf-16-le"
    return "utf-16-be" if even and not odd else ""


def _declared(path: Path, *, codec: str) -> Encoding:
    name = "UTF-8" if codec == "utf-8-sig" else "UTF-16"
    line = _first_fault(path, codec=codec)
    if line is not None:
        raise Broken(f"{path.name}, line {line}: not valid {name}, as the file begins. Save it as CSV UTF-8 again.")
    if name == "UTF-8":
        return Encoding(codec=codec)
    return Encoding(codec=codec, remark=f"{path.name} was read as UTF-16; UTF-8 is the safer choice when exporting.")


def _windows(path: Path, *, line: int) -> Encoding:
    # A UTF-8 file that was cut, or two files glued together, would turn every accent into two wrong letters.
    if _mostly_utf8(path):
        raise Broken(f"{path.name}, line {line}: the file is cut or mixes two encodings. Save it as CSV UTF-8 again.")
    undefined = _first_fault(path, codec="cp1252")
    if undefined is not None:
        raise Broken(f"{path.name}, line {undefined}: neither UTF-8 nor Windows-1252. Save it as CSV UTF-8.")
    return Encoding(
        codec="cp1252",
        remark=f"{path.name} was read as Windows-1252, because line {line} is not UTF-8; save as UTF-8 to be sure that "
        "every name keeps its letters.",
    )


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the file in pieces, and an empty piece at its end."""
    with path.open("rb") as raw:
        while chunk := raw.read(_CHUNK):
            yield chunk
    yield b""


def _first_fault(path: Path, *, codec: str) -> int | None:
    """Return the line of the first byte that `codec` cannot read, None if there is none.

    Raises:
        Broken: there is a NUL character.
    """
    decoder = codecs.getincrementaldecoder(codec)()
    line = 1
    for chunk in _chunks(path):
        try:
            text = decoder.decode(chunk, not chunk)
        except UnicodeDecodeError as fault:
            return line + fault.object.count(b"\n", 0, fault.start)
        if "\0" in text:
            at = line + text.count("\n", 0, text.index("\0"))
            raise Broken(f"{path.name}, line {at}: NUL characters; the file is damaged. Export it again.")
        line += text.count("\n")
    return None


def _mostly_utf8(path: Path) -> bool:
    """Whether more letters are good UTF-8 than not, beyond ASCII."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    good = bad = 0
    for chunk in _chunks(path):
        text = decoder.decode(chunk, not chunk)
        faults = len(_ESCAPED.findall(text))
        bad += faults
        good += len(text) - len(text.encode("ascii", "ignore")) - faults
    return good > bad
