"""The morning and afternoon marks of one day, and what their codes mean."""

import contextlib
import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.connectors.wonde import wire
from sync.connectors.wonde.pages import Api, NotOffered
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark
from sync.spool import Spool

# Marks can be asked for by when they changed, not by their own day. One that is made longer before its day is not seen.
AHEAD: Final = datetime.timedelta(days=7)
_NO_CODES: Final = (
    "Wonde sends this day's marks without their codes: allow the attendance code in the school's Wonde portal."
)
_SESSIONS: Final = {"am": Session.AM, "pm": Session.PM}
_TWICE: Final = "Wonde sent two different marks for one session; the register may have been changed while we read."

# By `type`, whose values are not documented: these are the names of Wonde's own counters (attendance-summaries).
_BY_TYPE: Final[Mapping[str, Meaning]] = {
    "PRESENT": Meaning.PRESENT,
    "APPROVED_EDUCATION_ACTIVITY": Meaning.ELSEWHERE,
    "AUTHORISED_ABSENCE": Meaning.EXCUSED,
    "UNAUTHORISED_ABSENCE": Meaning.ABSENT,
    "UNEXPLAINED_ABSENCE": Meaning.ABSENT,
    "LATE_BEFORE_REGISTRATION": Meaning.LATE,
    "LATE_AFTER_REGISTRATION": Meaning.LATE,
    "ATTENDANCE_NOT_REQUIRED": Meaning.NOT_EXPECTED,
    "MISSING_MARK": Meaning.NOT_TAKEN,
}
# The codes of the Department for Education (England, August 2024). What F, H, J and Y once meant is left unknown.
_BY_CODE: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys(("/", "\\"), Meaning.PRESENT),
    **dict.fromkeys(("K", "V", "P", "W", "B"), Meaning.ELSEWHERE),
    **dict.fromkeys(("C", "C1", "C2", "M", "J1", "S", "T", "R", "I", "E"), Meaning.EXCUSED),
    **dict.fromkeys(("G", "N", "O"), Meaning.ABSENT),
    **dict.fromkeys(("D", "X", "Q", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"), Meaning.NOT_EXPECTED),
    "-": Meaning.NOT_TAKEN,
}
# Both are in school, whatever the statistics count them as: U came after the register was closed.
_HERE_LATE: Final = frozenset({"L", "U"})


class Registers:
    """The registers of one school; `english` says whether its codes can be understood without their type."""

    def __init__(self, api: Api, *, english: bool) -> None:
        self._api, self._english = api, english
        self._codes: dict[str, wire.CodeRow] = {}

    def marks(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the marks of one day. A student of whom none came is neither present nor absent.

        Raises:
            Refused, Busy, Broken: see `sync.errors`.
        """
        since = datetime.datetime.combine(day - AHEAD, datetime.time())
        try:
            listing = self._api.listing("attendance/session", updated_after=f"{since}")
            with Spool(wire.SessionRow) as rows:
                yield from _sort(listing.rows(), day, rows)
                yield from self._told(rows, day)
        except NotOffered as missing:
            yield Remark(text=_not_offered(missing))

    def _told(self, rows: Spool[wire.SessionRow], day: datetime.date) -> Iterator[MarkRecord]:
        if not len(rows):
            return
        used = {wire.ref_of(row.attendance_code) for row in rows.rows()} - {""}
        if not used:
            yield Remark(text=_NO_CODES)
            return
        self._codes = self._read_codes(used)
        for row in rows.rows():
            yield self._mark(row, day)
        for key in rows.torn():
            yield UnreadableMark(student_ref=key.partition("\0")[0], reason=_TWICE)

    def _read_codes(self, used: set[str]) -> dict[str, wire.CodeRow]:
        """Return the codes by identifier: the school's own list, and that of all schools for what is not on it.

        Raises:
            NotOffered: we may read marks, but not what they mean.
        """
        codes = self._list_of_codes("attendance-codes")
        if used - (codes or {}).keys():
            of_all = self._list_of_codes("/attendance-codes")
            if codes is None and of_all is None:
                raise NotOffered("attendance-codes.read")
            return {**(of_all or {}), **(codes or {})}
        return codes or {}

    def _list_of_codes(self, path: str) -> dict[str, wire.CodeRow] | None:
        codes = {}
        try:
            for raw in self._api.listing(path).rows():
                with contextlib.suppress(wire.RowError):  # its marks will be unreadable, which says enough
                    codes[wire.ref_in(raw)] = wire.read(wire.CodeRow, raw)
        except NotOffered:
            return None
        return codes

    def _mark(self, row: wire.SessionRow, day: datetime.date) -> Mark | UnreadableMark:
        student, ref = wire.ref_of(row.student), wire.ref_of(row.attendance_code)
        told = self._codes.get(ref)
        if ref and not told:
            return UnreadableMark(student_ref=student, reason="Wonde's attendance codes lack the code of this mark.")
        code, kind, label = (
            (_said(told.code) or ref, _said(told.type), _said(told.description)) if told else ("", "", "")
        )
        minutes = wire.count(row.minutes_late, field="minutes_late")
        return Mark(
            student_ref=student,
            date=day,
            session=_SESSIONS[_said(row.session).lower()],
            code=code,
            meaning=meaning_of(code, kind, english=self._english) if ref else Meaning.NOT_TAKEN,
            label=label or NOT_SHARED,
            minutes_late=minutes if isinstance(minutes, int) else NOT_SHARED,
            recorded_at=wire.moment(row.updated_at) or NOT_SHARED,
        )


def meaning_of(code: str, kind: str, *, english: bool) -> Meaning:
    """Return what a code means by its type if we know that, else by the English table; never a guess."""
    letters = code.strip().upper() if english else ""
    by_code = Meaning.LATE if letters in _HERE_LATE else _BY_CODE.get(letters, Meaning.UNKNOWN)
    return by_code if letters in _HERE_LATE else _BY_TYPE.get(_singular(kind), by_code)


def _singular(kind: str) -> str:
    """Return a type as Wonde's documents spell some of them, and its own answers others."""
    return re.sub(r"[ -]+", "_", kind.strip().upper()).replace("AUTHORIZED", "AUTHORISED").removesuffix("S")


def _sort(raws: Iterator[Any], day: datetime.date, into: Spool[wire.SessionRow]) -> Iterator[UnreadableMark]:
    """Put the marks of the day under student and session; yield those that cannot be read."""
    for raw in raws:
        try:
            row = wire.read(wire.SessionRow, raw)
            if _day_of(row) == day:
                into.put(f"{_student_of(row)}\0{_session_of(row)}", row)
        except wire.RowError as fault:
            student = raw.get("student") if isinstance(raw, dict) else None
            yield UnreadableMark(student_ref=student if isinstance(student, str) else "", reason=str(fault))


def _day_of(row: wire.SessionRow) -> datetime.date:
    day = wire.day(row.date, field="date")
    if not isinstance(day, datetime.date):
        raise wire.RowError("The mark does not say of which day it is.")
    return day


def _student_of(row: wire.SessionRow) -> str:
    wire.count(row.minutes_late, field="minutes_late")
    if not wire.ref_of(row.student):
        raise wire.RowError("The mark does not say whose it is.")
    return wire.ref_of(row.student)


def _session_of(row: wire.SessionRow) -> Session:
    if _said(row.session).lower() not in _SESSIONS:
        raise wire.RowError("session is neither AM nor PM.")
    return _SESSIONS[_said(row.session).lower()]


def _said(value: wire.Scalar) -> str:
    said = wire.text(value)
    return said.strip() if isinstance(said, str) else ""


def _not_offered(missing: NotOffered) -> str:
    scope = missing.scope or "attendance.read"
    return (
        f"Wonde does not give us attendance: the permission {scope} is missing, or the MIS has none. "
        "Allow it in the school's Wonde portal; until then no marks are shown."
    )
