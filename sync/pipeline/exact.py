"""What a change did, to the letter: what an undo needs. Kept beside the words that people read, in `Change.exact`.

"Not shared" (None) and "the MIS says there is nothing" ("") stay two things. Nothing of a medical note or a dietary
need is ever kept here (R63): those changes have no exact record.
"""

import datetime
from typing import Any, Final

import msgspec

from sync.pipeline.held import Value

Facts = dict[str, Value]  # columns of one row; an address of "" stands for a dummy
DATES: Final = frozenset({"date_of_birth", "missing_since", "left_on", "ended_on"})


class Exact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One record before and after one change; only the columns that changed.

    `row` is a person's or class's key; a link is known by its two `ends`, in the order of `snapshot.ENDS`, because its
    row may be deleted and made anew. `was` None: it was not there; `now` None: it is there no more.
    """

    row: int | None = None
    ends: tuple[int, int] | None = None
    was: Facts | None = None
    now: Facts | None = None


class _Told(msgspec.Struct, frozen=True, kw_only=True):
    """The same as JSON tells it: a date is text."""

    row: int | None = None
    ends: tuple[int, int] | None = None
    was: dict[str, str | int | bool | None] | None = None
    now: dict[str, str | int | bool | None] | None = None


def encoded(exact: Exact | None) -> str | None:
    """Return the JSON of a record, or None."""
    return None if exact is None else msgspec.json.encode(exact).decode()


def decoded(told: Any) -> Exact | None:
    """Return the record that a column holds."""
    if told is None:
        return None
    raw = msgspec.convert(told, _Told)
    return Exact(row=raw.row, ends=raw.ends, was=_typed(raw.was), now=_typed(raw.now))


def _typed(facts: dict[str, str | int | bool | None] | None) -> Facts | None:
    if facts is None:
        return None
    return {
        name: datetime.date.fromisoformat(value) if name in DATES and isinstance(value, str) else value
        for name, value in facts.items()
    }
