"""The rows as ManageBac sends them, lenient: only the fields we use, every one of which a school can switch off.

ManageBac leaves out what is null, so a field is `None` here whether it is empty or not shared; `listing.Table` knows
which. Ids are integers today and kept as the text they are.
"""

import datetime
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeVar

import msgspec

Id = int | str

_FIELD: Final = re.compile(r"\$\.(\w+)|required field `(\w+)`$")
_HALF: Final = re.compile("[\ud800-\udfff]")
_TIME_OF_DAY: Final = re.compile(r"T[0-9:.+Z-]*$")
_DAYS: Final = ("birthday", "withdrawn_on", "graduated_on")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What all rows have. `key` are the fields that name what a row is about."""

    key: ClassVar[tuple[str, ...]] = ("id",)

    id: Id
    archived: bool | None = None

    @property
    def ref(self) -> str:
        """The id as text."""
        return str(self.id)


class PersonRow(Row, frozen=True, kw_only=True):
    """What all people have."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    mobile_phone_number: str | None = None
    phone_number: str | None = None


class StudentRow(PersonRow, frozen=True, kw_only=True):
    """One of `/students`."""

    nickname: str | None = None
    birthday: datetime.date | None = None
    class_grade: str | None = None
    year_group_id: Id | None = None
    homeroom_advisor_id: Id | None = None
    additional_homeroom_advisor_ids: list[Id] | None = None
    parent_ids: list[Id] | None = None
    withdrawn_on: datetime.date | None = None
    graduated_on: datetime.date | None = None


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A parent's relation to one student."""

    id: Id
    relationship: str | None = None


class ParentRow(PersonRow, frozen=True, kw_only=True):
    """One of `/parents`. `title` is a job there, so it is not read; `salutation` is Mr or Ms."""

    salutation: str | None = None
    children: list[Child] | None = None
    child_ids: list[Id] | None = None


class TeacherRow(PersonRow, frozen=True, kw_only=True):
    """One of `/teachers`."""


class ClassRow(Row, frozen=True, kw_only=True):
    """One of `/classes`."""

    name: str | None = None
    grade: str | None = None
    subject_name: str | None = None


class MembershipRow(Row, frozen=True, kw_only=True):
    """One of `/memberships`: a person of some role in a class."""

    key: ClassVar[tuple[str, ...]] = ("class_id", "user_id")

    user_id: Id
    class_id: Id
    role: str


class YearGroupRow(Row, frozen=True, kw_only=True):
    """One of `/year-groups`."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What a page says of its list."""

    total_pages: int
    current_page: int | None = None
    total_count: int | None = None


class BadRow(ValueError):
    """A row does not have the form we know; the message names the field, never its value."""


R = TypeVar("R", bound=Row)


def ref_in(raw: object, field: str = "id") -> str:
    """Return an id of a row that may be anything, "" if it has none."""
    value = raw.get(field) if isinstance(raw, Mapping) else None
    return text_in(str(value)) if isinstance(value, int | str) and not isinstance(value, bool) else ""


def text_in(value: object) -> str:
    """Return a text that may be anything, "" if it is none; JSON can spell half a character, which no file can hold."""
    return value if isinstance(value, str) and not _HALF.search(value) else ""


def decode(raw: Mapping[str, Any], shape: type[R]) -> R:
    """Read one row; true and false may come as text.

    Raises:
        BadRow: a field is not what we know.
    """
    days = {field: _day(raw[field]) for field in _DAYS if field in raw}
    try:
        row = msgspec.convert({**raw, **days}, shape, strict=False)
        msgspec.msgpack.encode(row)  # as it will be kept
    except (UnicodeEncodeError, OverflowError):
        reason = "A text holds half a character, as of an emoji cut in two, or a number is too long; enter it anew."
    except msgspec.ValidationError as fault:
        found = _FIELD.search(str(fault))
        field = (found.group(1) or found.group(2)) if found else ""
        reason = f"{field or 'A field'} is missing or not in the form we know; look at this record in ManageBac."
    else:
        return row
    raise BadRow(reason)  # here, for both faults quote what came


def _day(value: object) -> object:
    """Leave the time of day away and nothing else: a birthday is the day that is written, in whatever zone."""
    return (_TIME_OF_DAY.sub("", value) or None) if isinstance(value, str) else value
