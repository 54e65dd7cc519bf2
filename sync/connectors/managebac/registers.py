"""Attendance: what the homeroom registers say of one day.

A homeroom register has one mark a day for each student, and is read with one request for each year group. Attendance
by class would take one for each class, hundreds a day, and is not read.
"""

import datetime
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sync.connectors.managebac.api import Api, NotPermitted, not_permitted, rows_in
from sync.connectors.managebac.labels import Labels
from sync.connectors.managebac.listing import Lists
from sync.connectors.managebac.wire import YearGroupRow, ref_in, text_in
from sync.http import Answer
from sync.keys import OK
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark
from sync.spool import Spool

# By number, for schools rename the labels. 5 (dismissed) and 14 to 18 (other, and four of the school's own) are not
# here: what they mean is for the school to say.
MEANINGS: Final[Mapping[str, Meaning]] = {
    "-1": Meaning.UNCONFIRMED,  # present by default: nobody took the register
    "0": Meaning.ABSENT,
    "1": Meaning.PRESENT,
    "2": Meaning.LATE,
    "3": Meaning.PRESENT,  # against the dress code
    "4": Meaning.LATE,  # the same
    "10": Meaning.EXCUSED,  # health
    "11": Meaning.ELSEWHERE,  # sports
    "12": Meaning.ELSEWHERE,  # field trip
    "13": Meaning.EXCUSED,
}
REGISTERS_NOT_SHARED: Final = (
    f"{not_permitted('attendance', 'Year Groups', 'Attendance')} Registers also need ManageBac's Attendance add-on."
)
_NO_REGISTER: Final = frozenset({400, 404})  # the day lies outside the year group's terms, or the group is gone
_NOTHING: Final = (
    "attendance: ManageBac has no homeroom register for this day. Either there was no school, or the school takes "
    "attendance by class only, which is not read."
)
_CLOSED: Final = (
    "attendance: ManageBac has no register for this day in {number} of the year groups; those of the others were read."
)
_LOST: Final = (
    "attendance: a year group cannot be read, so neither can its register; look at the year groups in ManageBac."
)
_TWICE: Final = "The student is in the registers of two year groups with different marks; look at both in ManageBac."
_NO_MARK: Final = "{field} is missing or not in the form we know; look at this student's register in ManageBac."


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What a register says of one student; `code` is "" if it was not taken."""

    student: str
    code: str = ""
    label: str = ""


def marks(api: Api, day: datetime.date) -> Iterator[MarkRecord]:
    """Yield the marks of a day, at most one for each student, or a remark that says why there are none.

    Raises:
        Refused, Busy, Broken: see `Lists.read`.
    """
    with Lists(api) as lists, Spool(Entry) as spool:
        groups = lists.read("year-groups", YearGroupRow)
        said, closed = groups.remark, 0
        try:
            for group in groups.present():
                rows = _rows_of(api, group.ref, day)
                closed += rows is None
                for entry in map(entry_of, rows or ()):
                    if isinstance(entry, Entry):
                        spool.put(entry.student, entry)
                    else:
                        yield entry
        except NotPermitted:
            said = REGISTERS_NOT_SHARED
        yield from _remarks(said, closed=closed, lost=groups.spoilt, nothing=not len(spool))
        labels = Labels(api, day)
        yield from (_mark(entry, day, labels) for entry in spool.rows())
        yield from (UnreadableMark(student_ref=ref, reason=_TWICE) for ref in spool.torn())


def _remarks(said: str, *, closed: int, lost: bool, nothing: bool) -> Iterator[Remark]:
    if said or nothing:
        yield Remark(text=said or _NOTHING)
    elif closed:
        yield Remark(text=_CLOSED.format(number=closed))
    if lost:
        yield Remark(text=_LOST)


def register(api: Api, group: str, day: datetime.date) -> Answer:
    """Return the answer to the question for one year group's register; errors as in `Api.try_get`."""
    path = f"year-groups/{urllib.parse.quote(group, safe='')}/homeroom/attendance/date/{day.isoformat()}"
    return api.try_get(path, permission="Year Groups", accept=OK | _NO_REGISTER)


def _rows_of(api: Api, group: str, day: datetime.date) -> list[Any] | None:
    """Return the rows of a register, None if there is no such register."""
    answer = register(api, group, day)
    return None if answer.status in _NO_REGISTER else rows_in(answer.json(), "students")


def entry_of(raw: object) -> Entry | UnreadableMark:
    """Read one row of a register, which may be anything."""
    student = ref_in(raw)
    said = raw.get("attendance") if isinstance(raw, Mapping) else None
    if not student or not isinstance(said, Mapping):
        return UnreadableMark(student_ref=student, reason=_NO_MARK.format(field="attendance" if student else "id"))
    if not said:
        return Entry(student=student)
    code = ref_in(said.get("category"), "status")
    if not code:
        return UnreadableMark(student_ref=student, reason=_NO_MARK.format(field="category"))
    return Entry(student=student, code=code, label=text_in(said.get("status")))


def _mark(entry: Entry, day: datetime.date, labels: Labels) -> Mark:
    return Mark(
        student_ref=entry.student,
        date=day,
        session=Session.DAY,
        code=entry.code,
        meaning=MEANINGS.get(entry.code, Meaning.UNKNOWN) if entry.code else Meaning.NOT_TAKEN,
        label=entry.label or (labels.of(entry.code) if entry.code else NOT_SHARED),
    )
