"""Classes, who sits in them and who teaches them."""

from collections.abc import Iterator
from typing import TypeVar

from sync.connectors.managebac.homerooms import Homerooms
from sync.connectors.managebac.tables import Tables
from sync.connectors.managebac.wire import MembershipRow
from sync.records import Class, Enrolment, Kind, Teaching, Unreadable, key_of
from sync.spool import Spool

Link = TypeVar("Link", Enrolment, Teaching)


def classes(tables: Tables, homerooms: Homerooms) -> Iterator[Class | Unreadable]:
    """Yield the classes that are not archived, and the homerooms."""
    table = tables.classes
    for row in table.present():
        yield Class(
            ref=row.ref,
            name=row.name or "",
            year=table.text(row, "grade"),
            subject=table.text(row, "subject_name"),
        )
    yield from table.unreadable(Kind.CLASSES)
    yield from homerooms.classes.values()


def enrolments(tables: Tables, homerooms: Homerooms) -> Iterator[Enrolment | Unreadable]:
    """Yield who sits where, in classes and homerooms."""

    def seats() -> Iterator[Enrolment]:
        for row in tables.seats():
            if _is_student(row):
                yield Enrolment(class_ref=str(row.class_id), student_ref=str(row.user_id))
        for room, member in homerooms.members():
            yield Enrolment(class_ref=room, student_ref=member.ref)

    yield from _once(Enrolment, seats())
    yield from tables.memberships.unreadable(Kind.ENROLMENTS)


def teaching(tables: Tables, homerooms: Homerooms) -> Iterator[Teaching | Unreadable]:
    """Yield who teaches what."""
    yield from _once(Teaching, posts(tables, homerooms))
    yield from tables.memberships.unreadable(Kind.TEACHING)


def posts(tables: Tables, homerooms: Homerooms) -> Iterator[Teaching]:
    """Yield who teaches what, some of it twice; archived teachers still hold homerooms, and teach nothing."""

    def named() -> Iterator[tuple[str, str]]:
        for row in tables.seats():
            if not _is_student(row):
                yield str(row.class_id), str(row.user_id)
        for room, member in homerooms.members():
            for advisor in (member.homeroom_advisor_id, *(member.additional_homeroom_advisor_ids or ())):
                yield room, str(advisor)

    for room, ref in named():
        teacher = tables.teachers.get(ref)
        if not (teacher and teacher.archived):
            yield Teaching(class_ref=room, staff_ref=ref)


def _once(shape: type[Link], links: Iterator[Link]) -> Iterator[Link]:
    """Yield each link once: a homeroom has its advisor from every student, a class may have a student twice."""
    with Spool(shape) as spool:
        for link in links:
            spool.put("\n".join(key_of(link)), link)
        yield from spool.rows()


def _is_student(row: MembershipRow) -> bool:
    """Whether the seat is a student's; every other role, administrators' too, teaches."""
    return row.role.strip().lower() == "student"
