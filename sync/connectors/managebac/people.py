"""Students, guardians and staff, each made of one row."""

from collections.abc import Iterator
from typing import Final, TypeVar

from sync.connectors.managebac.homerooms import Homerooms
from sync.connectors.managebac.seats import posts
from sync.connectors.managebac.table import Table
from sync.connectors.managebac.tables import Tables, left_on
from sync.connectors.managebac.wire import PersonRow, StudentRow
from sync.records import NOT_SHARED, Day, Guardian, Kind, Staff, Student, Text, Unreadable

_ADMINISTRATOR: Final = (
    "This person teaches, but is not listed among the teachers: administrators are not shown to us. Nobody leaves "
    "because of it; give them a teacher's account as well if they should be listed."
)
_STILL_HERE: Final = (
    "students: {number} with a leaving or graduation date but not archived; they are taken as enrolled. If they have "
    "left, archive them in ManageBac; if not, clear the date."
)

P = TypeVar("P", bound=PersonRow)


def students(tables: Tables, homerooms: Homerooms) -> Iterator[Student | Unreadable]:
    """Yield the students who are enrolled, and leavers if they are wanted."""
    table = tables.students
    for row in tables.enrolled():
        yield Student(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            preferred_name=table.text(row, "nickname"),
            date_of_birth=row.birthday or (None if "birthday" in table.shared else NOT_SHARED),
            email=table.text(row, "email"),
            # Who is archived is taken out of year group and homeroom: that is no news about where they were.
            year=NOT_SHARED if row.archived else table.text(row, "class_grade"),
            form=NOT_SHARED if row.archived else homerooms.form(row),
            left_on=_last_day(row, leavers=tables.leavers),
        )
    yield from table.unreadable(Kind.STUDENTS)


def guardians(tables: Tables) -> Iterator[Guardian | Unreadable]:
    """Yield the parents who are not archived."""
    table = tables.parents
    for row in table.present():
        yield Guardian(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            title=table.text(row, "salutation"),
            email=table.text(row, "email"),
            phone=_phone(table, row),
        )
    yield from table.unreadable(Kind.GUARDIANS)


def staff(tables: Tables, homerooms: Homerooms) -> Iterator[Staff | Unreadable]:
    """Yield the teachers who are not archived, and as unreadable whoever teaches without being among them."""
    table = tables.teachers
    for row in table.present():
        yield Staff(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            email=table.text(row, "email"),
            phone=_phone(table, row),
        )
    yield from table.unreadable(Kind.STAFF)
    if table.whole:
        for ref in sorted({post.staff_ref for post in posts(tables, homerooms) if post.staff_ref not in table}):
            yield Unreadable(kind=Kind.STAFF, ref=ref, reason=_ADMINISTRATOR, place="memberships and homerooms")


def remarks(tables: Tables) -> Iterator[str]:
    """Say how many students have a date of leaving left over."""
    if odd := sum(1 for row in tables.students.rows() if row.archived is False and left_on(row)):
        yield _STILL_HERE.format(number=odd)


def _last_day(row: StudentRow, *, leavers: bool) -> Day:
    """Return the day an archived student left. Who is not archived is enrolled, whatever date is left over."""
    if row.archived is False:
        return None
    told = row.archived or leavers  # without the field, we asked for those who are not archived
    return (left_on(row) if told else None) or NOT_SHARED


def _phone(table: Table[P], row: P) -> Text:
    return table.text(row, "mobile_phone_number", "phone_number")
