"""Text folded for search and order, so that `Munoz` finds `Muñoz` (R64). What is shown is never folded."""

import unicodedata
from typing import Final

# Letters whose plain form is not a decomposition in Unicode.
_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
    | dict.fromkeys("'’‘`´ʼ", "")
    | dict.fromkeys("-‐‑–", " ")
)


def fold(*parts: str | None) -> str:
    """Join the parts, lower their case and take their accents, apostrophes and hyphens away."""
    text = " ".join(part for part in parts if part).casefold()
    plain = unicodedata.normalize("NFKD", text).casefold()  # twice: the plain form of a letter may be a capital
    letters = (letter for letter in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(letter))
    return " ".join("".join(letters).translate(_PLAIN).split())
