"""The rows of Wonde's API (v1.0) as far as we read them, and what one value of them says.

Lenient on purpose: any key may be missing, null or empty, because that differs from MIS to MIS and from permission to
permission. `UNSET` is a key that is not there; None is null.
"""

import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")

_FLAGS: Final = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


class RowError(ValueError):
    """A row that cannot be read; the message is for the data manager and holds no value (R28)."""


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all rows and parts of rows."""


class Box(msgspec.Struct, Generic[T], frozen=True):
    """What every included relation comes wrapped in; nothing there is null or an empty list."""

    data: T | list[Any] | None = None


Scalar = str | int | float | bool | UnsetType | None
# A relation that was not included is the bare identifier of the other row.
One = Box[T] | list[Any] | str | UnsetType | None


class Stamp(Wire, frozen=True, kw_only=True):
    """A moment as PHP prints it; of a date without a time it is midnight at the school."""

    date: str | None = None
    timezone: Scalar = UNSET


Moment = Stamp | str | UnsetType | None


class Education(Wire, frozen=True, kw_only=True):
    """education_details of a student."""

    upn: Scalar = UNSET
    current_nc_year: Scalar = UNSET


class Extended(Wire, frozen=True, kw_only=True):
    """extended_details of a student."""

    dietary_needs: Scalar = UNSET


class Ways(Wire, frozen=True, kw_only=True):
    """phones or emails of contact_details: `phone` and `email` are Wonde's own choice among the others."""

    phone: Scalar = UNSET
    email: Scalar = UNSET
    primary: Scalar = UNSET
    mobile: Scalar = UNSET
    home: Scalar = UNSET
    work: Scalar = UNSET


class Reach(Wire, frozen=True, kw_only=True):
    """contact_details of anybody."""

    phones: Ways | list[Any] | UnsetType | None = UNSET
    emails: Ways | list[Any] | UnsetType | None = UNSET


class Named(Wire, frozen=True, kw_only=True):
    """A year, a registration group or a subject, inside another row."""

    id: Scalar = UNSET
    name: Scalar = UNSET
    code: Scalar = UNSET
    description: Scalar = UNSET


class Row(Wire, frozen=True, kw_only=True):
    """A row of a list; `id` is unique within its type only."""

    id: str | int


class PersonRow(Row, frozen=True, kw_only=True):
    """Anybody. `forename` and `surname` are what the school calls them."""

    forename: Scalar = UNSET
    surname: Scalar = UNSET
    title: Scalar = UNSET
    contact_details: One[Reach] = UNSET


class StudentRow(PersonRow, frozen=True, kw_only=True):
    """A row of `students`."""

    legal_forename: Scalar = UNSET
    legal_surname: Scalar = UNSET
    date_of_birth: Moment = UNSET
    education_details: One[Education] = UNSET
    extended_details: One[Extended] = UNSET
    year: One[Named] = UNSET
    registration: One[Named] = UNSET


class Relationship(Wire, frozen=True, kw_only=True):
    """What a contact is to a student; a plain object, not wrapped."""

    relationship: Scalar = UNSET
    priority: Scalar = UNSET
    parental_responsibility: Scalar = UNSET
    court_order: Scalar = UNSET


class ContactStudentRow(Row, frozen=True, kw_only=True):
    """A student inside a contact."""

    relationship: Relationship | list[Any] | UnsetType | None = UNSET


class Employment(Wire, frozen=True, kw_only=True):
    """employment_details of an employee."""

    current: Scalar = UNSET
    employment_end_date: Moment = UNSET


class EmployeeRow(PersonRow, frozen=True, kw_only=True):
    """A row of `employees`."""

    employment_details: One[Employment] = UNSET


class ClassRow(Row, frozen=True, kw_only=True):
    """A row of `classes` or `groups`."""

    name: Scalar = UNSET
    code: Scalar = UNSET
    description: Scalar = UNSET
    type: Scalar = UNSET
    subject: One[Named] = UNSET


class ConditionRow(Row, frozen=True, kw_only=True):
    """A row of medical_conditions; which of these keys hold the words is not documented, `description` is seen."""

    description: Scalar = UNSET
    name: Scalar = UNSET
    title: Scalar = UNSET
    notes: One[Any] = UNSET


class NoteRow(Wire, frozen=True, kw_only=True):
    """A note of a medical condition; the first of these keys that says something is taken."""

    text: Scalar = UNSET
    content: Scalar = UNSET
    note: Scalar = UNSET
    description: Scalar = UNSET
    summary: Scalar = UNSET
    title: Scalar = UNSET


class SessionRow(Row, frozen=True, kw_only=True):
    """A row of `attendance/session`: one student's mark of one half of a day."""

    date: Moment = UNSET
    session: Scalar = UNSET
    student: One[Named] = UNSET
    attendance_code: One[Named] = UNSET
    minutes_late: Scalar = UNSET
    updated_at: Moment = UNSET


class CodeRow(Row, frozen=True, kw_only=True):
    """A row of `attendance-codes`; the values of `type` are not documented."""

    code: Scalar = UNSET
    description: Scalar = UNSET
    type: Scalar = UNSET


R = TypeVar("R", bound=Wire)


def read(shape: type[R], raw: Any) -> R:
    """Read one row.

    Raises:
        RowError: it has no identifier, or a value of another shape than we know.
    """
    try:
        row = msgspec.convert(raw, shape)
    except msgspec.ValidationError as fault:
        _, _, path = str(fault).partition(" - at `$.")
        field = path.rstrip("`") or "the row"
        raise RowError(f"Wonde sent {field} in a shape we do not know; our own people have to look at it.") from None
    if isinstance(row, Row) and not ref_in(raw):
        raise RowError("Wonde sent a row without an identifier.")
    return row


def ref_in(raw: Any) -> str:
    """Return the identifier of a row, readable or not; "" if it has none."""
    ref = raw.get("id") if isinstance(raw, dict) else None
    known = str(ref) if isinstance(ref, str | int) and not isinstance(ref, bool) else ""
    return known if known.strip() else ""


def inside(relation: Any) -> Any:
    """Return what is in a relation to one; None if nothing is there, `UNSET` if we were not told."""
    data = relation.data if isinstance(relation, Box) else relation
    if isinstance(data, list):
        return UNSET if data else None
    return UNSET if isinstance(data, str) else data


def ref_of(relation: Any) -> str:
    """Return the identifier of the other row, included or not; "" if there is none."""
    data = relation.data if isinstance(relation, Box) else relation
    found = text(data.id) if isinstance(data, Named) else data
    return found if isinstance(found, str) else ""


def rows_in(raw: Any, relation: str) -> list[Any] | None:
    """Return the rows in a relation to many; None where Wonde did not send them, which is not the same as none."""
    box = raw.get(relation) if isinstance(raw, dict) else None
    rows = box.get("data") if isinstance(box, dict) else box
    return rows if isinstance(rows, list) else None


def text(value: Scalar) -> str | UnsetType | None:
    """Return a text; numbers become text as they stand."""
    return str(value) if isinstance(value, str | int | float) else value


def first_text(part: Any, *names: str) -> str | UnsetType | None:
    """Return the first of these values that says something; else whether one was at least empty, null or missing."""
    said = [text(getattr(part, name)) if isinstance(part, Wire) else UNSET for name in names]
    spoken = [value for value in said if isinstance(value, str)]
    unspoken = None if None in said else UNSET
    return next((value for value in spoken if value.strip()), spoken[0] if spoken else unspoken)


def day(value: Moment, *, field: str) -> datetime.date | UnsetType | None:
    """Return a date as it is written; it is never moved to another time zone, or birthdays would shift by a day.

    Raises:
        RowError: it is no date.
    """
    written = value.date if isinstance(value, Stamp) else value
    if not isinstance(written, str):
        return written
    if not written.strip():
        return None
    try:
        return datetime.date.fromisoformat(written.strip()[:10])
    except ValueError:
        raise RowError(f"{field} is not a date.") from None


def moment(value: Moment) -> datetime.datetime | None:
    """Return a moment that is given in UTC, as Wonde gives when a row changed; None for anything else."""
    if not isinstance(value, Stamp) or value.timezone != "UTC" or not value.date:
        return None
    try:
        return datetime.datetime.fromisoformat(value.date).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def flag(value: Scalar, *, field: str) -> bool | UnsetType | None:
    """Return yes or no; null stays unknown and is never a no.

    Raises:
        RowError: it is neither.
    """
    if value is None or isinstance(value, bool | UnsetType):
        return value
    written = str(value).strip().lower()
    if written and written not in _FLAGS:
        raise RowError(f"{field} is neither yes nor no.")
    return _FLAGS.get(written)


def count(value: Scalar, *, field: str) -> int | UnsetType | None:
    """Return a whole number.

    Raises:
        RowError: it is none.
    """
    if value is None or isinstance(value, UnsetType):
        return value
    written = str(value).strip()
    try:
        return int(written) if written else None
    except ValueError:
        raise RowError(f"{field} is not a whole number.") from None
