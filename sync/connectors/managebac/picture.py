"""One night of ManageBac as a roster: kind by kind, and which kinds are proven."""

from collections.abc import Iterator
from typing import NamedTuple

from sync.connectors.managebac import people, seats, ties
from sync.connectors.managebac.homerooms import Homerooms
from sync.connectors.managebac.tables import Tables
from sync.records import Complete, Kind, Remark, RosterRecord


def records(tables: Tables, homerooms: Homerooms) -> Iterator[RosterRecord]:
    """Yield the remarks and then every kind, each proven one followed by its `Complete`."""
    yield from (Remark(text=text) for text in _remarks(tables, homerooms))
    for strand in _strands(tables, homerooms):
        rows = 0
        for record in strand.records:
            rows += 1
            yield record
        if rows and strand.proven:  # nothing at all proves nothing
            yield Complete(kind=strand.kind, rows=rows)


class _Strand(NamedTuple):
    """The records of one kind; `proven` if they are all there are: nobody else is there."""

    kind: Kind
    records: Iterator[RosterRecord]
    proven: bool


def _strands(tables: Tables, homerooms: Homerooms) -> Iterator[_Strand]:
    classes = tables.classes.whole and homerooms.known
    links = tables.memberships.whole and classes
    yield _Strand(Kind.STUDENTS, people.students(tables, homerooms), tables.students.whole)
    yield _Strand(Kind.GUARDIANS, people.guardians(tables), tables.parents.whole)
    yield _Strand(Kind.STAFF, people.staff(tables, homerooms), tables.teachers.whole)
    yield _Strand(Kind.CLASSES, seats.classes(tables, homerooms), classes)
    yield _Strand(Kind.TIES, ties.ties(tables), ties.known(tables))
    yield _Strand(Kind.ENROLMENTS, seats.enrolments(tables, homerooms), links)
    yield _Strand(Kind.TEACHING, seats.teaching(tables, homerooms), links)


def _remarks(tables: Tables, homerooms: Homerooms) -> Iterator[str]:
    """Yield what a person should know about this night's lists."""
    lists = (tables.students, tables.parents, tables.teachers, tables.classes, tables.memberships)
    yield from (table.remark for table in lists if table.remark)
    yield from homerooms.remarks()
    yield from people.remarks(tables)
    yield from ties.remarks(tables)
