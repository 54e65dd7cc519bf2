"""The connector for ManageBac: five lists, read whole each night onto disk and joined from there."""

import datetime
from collections.abc import Iterator
from typing import ClassVar

from sync.connector import Connector, Finding
from sync.connectors.managebac import picture, probe, registers
from sync.connectors.managebac.api import NO_STUDENTS, Api
from sync.connectors.managebac.homerooms import Homerooms
from sync.connectors.managebac.listing import Lists
from sync.connectors.managebac.settings import ManageBacSettings
from sync.connectors.managebac.tables import Tables
from sync.connectors.managebac.wire import ClassRow, MembershipRow, ParentRow, StudentRow, TeacherRow
from sync.errors import Doubtful
from sync.records import Kind, MarkRecord, RosterRecord, Session


class ManageBac(Connector):
    """Reads students, parents, teachers, classes, memberships and homeroom registers.

    ManageBac has no medical or dietary notes.
    """

    key: ClassVar[str] = "managebac"
    label: ClassVar[str] = "ManageBac"
    Settings: ClassVar[type] = ManageBacSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}
    staff_leave: ClassVar[bool] = True
    # Faria's page on rate limits: 50 a second is its example, for one address of ours and so for all schools together;
    # it may be less elsewhere, and Faria asks to be read sparingly.
    pace: ClassVar[float] = 10.0
    sessions: ClassVar[frozenset[Session]] = frozenset({Session.DAY})

    def roster(self) -> Iterator[RosterRecord]:
        """Yield the whole picture, each proven kind followed by its `Complete`; see `Connector.roster`."""
        with Lists(Api(self.http, self.settings)) as lists:
            tables = _tables(lists, leavers=self.settings.leavers == "yes")
            yield from picture.records(tables, Homerooms(tables, wanted=self.settings.homerooms == "yes"))

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the homeroom marks of that day, one for each student; see `Connector.attendance`."""
        return registers.marks(Api(self.http, self.settings), day)

    def probe(self) -> Iterator[Finding]:
        """Ask for a page of each list and for one register; see `Connector.probe`."""
        return probe.findings(Api(self.http, self.settings))


def _tables(lists: Lists, *, leavers: bool) -> Tables:
    # Without the filter, people come archived or not, but classes only if they are not.
    students = lists.read("students", StudentRow, needed=True, **({} if leavers else {"archived": "0"}))
    if not len(students):
        raise Doubtful(NO_STUDENTS)
    return Tables(
        students=students,
        parents=lists.read("parents", ParentRow, archived="0"),
        # All of them: an archived teacher has left, but one who is not listed may have become an administrator.
        teachers=lists.read("teachers", TeacherRow),
        classes=lists.read("classes", ClassRow),
        memberships=lists.read("memberships", MembershipRow),
        leavers=leavers,
    )
