"""The five lists of one night, and the questions that more than one kind of record asks of them."""

import dataclasses
from collections.abc import Iterator

from sync.connectors.managebac.table import Table
from sync.connectors.managebac.wire import ClassRow, MembershipRow, ParentRow, StudentRow, TeacherRow
from sync.records import Day


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tables:
    """One night. Archived people and classes are gone, save students if the school wants its `leavers`' last days."""

    students: Table[StudentRow]
    parents: Table[ParentRow]
    teachers: Table[TeacherRow]
    classes: Table[ClassRow]
    memberships: Table[MembershipRow]
    leavers: bool

    def enrolled(self) -> Iterator[StudentRow]:
        """Yield the students whom the roster lists."""
        return filter(self._is_listed, self.students.rows())

    def may_be_student(self, ref: str) -> bool:
        """Whether a child that a parent names is a student; parents keep their archived children."""
        return self.students.may_hold(ref, here=self._is_listed)

    def seats(self) -> Iterator[MembershipRow]:
        """Yield the memberships of classes that are there; a class without an id may be any of those not listed."""
        for row in self.memberships.present():
            if self.classes.may_hold(str(row.class_id), here=lambda one: not one.archived):
                yield row

    def _is_listed(self, row: StudentRow) -> bool:
        return not row.archived or (self.leavers and left_on(row) is not None)


def left_on(row: StudentRow) -> Day:
    """Return the day of leaving that is written in a row, which says nothing about whether they have left."""
    return row.withdrawn_on or row.graduated_on
