"""The rows of OneRoster 1.1 as they come: only the fields that we read, so passwords and the like are never held.

Everything but the identity may be missing or null, whatever the specification says; both mean "not said".
"""

import datetime
import re
from typing import Any, Final, TypeVar

import msgspec

from sync.records import NOT_SHARED, Day, Text

Word = str | int  # some servers send numbers where the specification has text
Words = list[Word] | Word | None

# Midnight only: a later hour would mean that the day was moved into another time zone, and which day is unknown.
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?")
_PLACE: Final = re.compile(r"at `\$\.?([A-Za-z.\[\]]*)")
_GONE: Final = frozenset({"tobedeleted", "inactive"})


class Ref(msgspec.Struct, frozen=True, rename="camel"):
    """A reference; `href` is often wrong, so only the identity counts."""

    sourced_id: Word

    @property
    def ref(self) -> str:
        """The identity as text."""
        return str(self.sourced_id)


class Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What every row has."""

    sourced_id: Word
    status: str | None = None
    metadata: dict[str, Any] | None = None

    @property
    def ref(self) -> str:
        """The identity as text."""
        return str(self.sourced_id)

    @property
    def is_gone(self) -> bool:
        """Whether the partner itself says that this row is no longer there."""
        return (self.status or "").strip().lower() in _GONE


class Org(Row, frozen=True, kw_only=True, rename="camel"):
    """A school, or what it belongs to, or a part of it."""

    type: str | None = None
    parent: Ref | None = None


class User(Row, frozen=True, kw_only=True, rename="camel"):
    """A person in one role. `enabledUser` is about a login in the MIS, not about being there, so it is not read."""

    role: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    sms: str | None = None
    phone: str | None = None
    agents: list[Ref] | None = None
    orgs: list[Ref] | None = None
    grades: Words = None


class Class(Row, frozen=True, kw_only=True, rename="camel"):
    """A class; a form or registration group has the type "homeroom"."""

    title: str | None = None
    class_type: str | None = None
    grades: Words = None
    subjects: Words = None
    school: Ref | None = None


class Enrollment(Row, frozen=True, kw_only=True, rename="camel"):
    """A user in a class. The end is the first day after it in many feeds, the last day in others."""

    user: Ref
    class_ref: Ref = msgspec.field(name="class")
    school: Ref | None = None
    role: str | None = None
    begin_date: str | None = None
    end_date: str | None = None


class Demographics(Row, frozen=True, kw_only=True, rename="camel"):
    """More about a user of the same identity."""

    birth_date: str | None = None


Shape = TypeVar("Shape", bound=Row)


class Misshapen(ValueError):
    """A row that cannot be read; the message names the field, never the value."""


def row_of(shape: type[Shape], said: object) -> Shape:
    """Read one row.

    Raises:
        Misshapen: it has another shape.
    """
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as fault:
        place = _PLACE.search(str(fault))
        field = f"“{place[1]}”" if place and place[1] else "a field that must be there"
        raise Misshapen(f"{field} is not what OneRoster says it is.") from None


def raw_text(said: object, field: str) -> str:
    """Return a field of a row that may be anything, "" if it is no text or number."""
    value = said.get(field) if isinstance(said, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def raw_ref(said: object, field: str) -> str:
    """Return the identity that a field of a row that may be anything refers to, "" if there is none."""
    return raw_text(said.get(field), "sourcedId") if isinstance(said, dict) else ""


def text(value: Word | None) -> Text:
    """Return what was said; missing and null are not shared, blank is empty."""
    return NOT_SHARED if value is None else str(value)


def first(words: Words) -> Text:
    """Return the first of several words; an empty list is empty, null is not shared."""
    if isinstance(words, list):
        return str(words[0]) if words else ""
    return text(words)


def day(written: str | None) -> Day:
    """Return a day as it is written, never shifted; blank is None, missing is not shared.

    Raises:
        Misshapen: it is no day.
    """
    if written is None:
        return NOT_SHARED
    if not written.strip():
        return None
    match = _DAY.fullmatch(written.strip())
    try:
        if match:
            return datetime.date.fromisoformat(match[1])
    except ValueError:
        pass  # the thirtieth of February: the same complaint
    raise Misshapen("It is not a day written 2015-04-03.")
