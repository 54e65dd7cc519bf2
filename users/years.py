"""Year labels as schools write them ("7", "Year 7", "Reception"): their order and how they are shown."""

import re
from collections.abc import Iterable
from typing import Final

_NUMBER: Final = re.compile(r"\d+")
_BEFORE_ONE: Final = ("nursery", "pre-school", "preschool", "pre-kindergarten", "kindergarten", "kg", "reception")


def order(label: str) -> tuple[int, int, str]:
    """Return a key that sorts Nursery, Reception, Year 2, Year 10, and anything else last."""
    plain = label.strip().casefold()
    number = _NUMBER.search(plain)
    early = next((place for place, word in enumerate(_BEFORE_ONE) if plain.startswith(word)), None)
    if early is not None:
        return (0, early * 100 + (int(number.group()) if number else 0), plain)
    if number:
        return (1, int(number.group()), plain)
    return (2, 0, plain)


def in_order(labels: Iterable[str]) -> list[str]:
    """Return the labels as a school reads them, each once."""
    return sorted(set(labels), key=order)


def say(label: str | None) -> str:
    """Return the label for a reader: a bare number gets its noun; what is not shared is left out."""
    if not label:
        return ""
    return f"Year {label}" if label.strip().isdecimal() else label
