"""Attendance by the REST API: the registers of one day, morning and afternoon (R14, R15)."""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec

from sync.connectors.isams.settings import IsamsSettings
from sync.errors import Broken, Busy, Refused
from sync.http import Http
from sync.keys import Bearer
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark
from sync.spool import Spool

_ANSWERED: Final = frozenset({200, 401, 403})  # which status says that a right is missing is not known
_NOON: Final = 12
_NO_RIGHT: Final = (
    "iSAMS does not let us read registers: in Control Panel › API Services Manager › Manage REST API Clients, give our "
    "client the right to read the Registration Manager. Until then send attendance by CSV."
)
_NOT_OURS: Final = "A row of a register is not in the form we know."
_TWICE: Final = "The registers of iSAMS say different things about this student in the same session."
# `governmentCode` is the English one, which means the same in every school that fills it in.
_MEANINGS: Final[Mapping[str, Meaning]] = {
    **dict.fromkeys(("L", "U"), Meaning.LATE),
    **dict.fromkeys(("G", "N", "O"), Meaning.ABSENT),
    **dict.fromkeys(("C", "C1", "C2", "E", "H", "I", "J1", "M", "R", "S", "T"), Meaning.EXCUSED),
    **dict.fromkeys(("B", "D", "J", "K", "P", "V", "W"), Meaning.ELSEWHERE),
    **dict.fromkeys(("Q", "X", "Y", "Y1", "Y2", "Y3", "Y4", "Y5", "Y6", "Y7", "Z", "#"), Meaning.NOT_EXPECTED),
}

S = TypeVar("S", bound=msgspec.Struct)


class NoRight(Exception):
    """The client may not read registers; `str` is the sentence."""


class Code(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A code of the school."""

    id: int | str
    code: str | None = None
    name: str | None = None
    government_code: str | None = None


class Division(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the school with registers of its own."""

    id: int | str


class Period(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A register to be taken. `start` is a moment as the school's clocks show it, with an offset."""

    id: int | str
    start: datetime.datetime
    registration_type: str | None = None
    divisions: list[Division] | None = None

    @property
    def kind(self) -> str:
        """The type in lower case: am, pm, "" or the school's own."""
        return (self.registration_type or "").strip().lower()


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one register says about one student."""

    school_id: int | str
    is_registered: bool | int | None = None
    is_present: bool | int | None = None
    is_late: bool | int | None = None
    is_out_of_school: bool | int | None = None
    number_of_minutes_late: int | None = None
    present_code_id: int | str | None = None
    absence_code_id: int | str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A mark before it is compared with those of other registers."""

    student: str
    session: str
    code: str
    meaning: str
    label: str | None
    minutes_late: int | None

    @property
    def key(self) -> str:
        """What there is one mark of."""
        return f"{self.student}\0{self.session}"


class Registers:
    """Reads the registers of one school."""

    def __init__(self, http: Http, settings: IsamsSettings) -> None:
        self._http, self._base = http, settings.base
        self._keys = Bearer(
            token_url=settings.token_url,
            client_id=settings.client_id,
            client_secret=settings.client_secret,
            proof="form",
        )

    def marks(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the marks of a day; of a register that is missing there are none, which is not "absent".

        Raises:
            NoRight: our client may not read them.
            Refused, Busy, Broken: see `sync.errors`.
        """
        present = _by_id(self._listed("presentcodes", "presentCodes"))
        absent = _by_id(self._listed("absencecodes", "absenceCodes"))
        periods = [_read(raw, Period) for raw in self._listed("periods", "registrationPeriods")]
        ours = [period for period in periods if period.start.date() == day]
        if not ours:
            other = "lists those of another day only" if periods else "lists none at all"
            yield Remark(text=f"iSAMS has no registers of {day.isoformat()} for us: it {other}.")
        with Spool(Found) as taken, Spool(Found) as open_:
            for session, period in _sessions(ours):
                for row in self._register(period):
                    if isinstance(row, UnreadableMark):
                        yield row
                        continue
                    mark = _found(row, session, present, absent)
                    rows = open_ if mark.meaning == Meaning.NOT_TAKEN else taken
                    rows.put(mark.key, mark)
            yield from (_mark(found, day) for found in taken.rows())
            yield from (UnreadableMark(student_ref=key.partition("\0")[0], reason=_TWICE) for key in taken.torn())
            yield from (_mark(found, day) for found in open_.rows() if found.key not in taken)

    def count(self) -> int:
        """Return how many registers iSAMS lists today; errors as in `marks`."""
        return sum(1 for _ in self._listed("periods", "registrationPeriods"))

    def _register(self, period: Period) -> Iterator[Status | UnreadableMark]:
        """Yield one row for each student of a register, of whom iSAMS may send several."""
        rows: dict[str, list[Status]] = {}
        for raw in self._listed(f"register/{period.id}", ""):
            try:
                row = _read(raw, Status)
            except Broken:
                ref = raw.get("schoolId") if isinstance(raw, dict) else None
                yield UnreadableMark(student_ref=ref if isinstance(ref, str) else "", reason=_NOT_OURS)
            else:
                rows.setdefault(str(row.school_id), []).append(row)
        for student, versions in rows.items():
            best = max(map(_weight, versions))
            first, *others = dict.fromkeys(row for row in versions if _weight(row) == best)
            yield first if not others else self._one(period, student)

    def _one(self, period: Period, student: str) -> Status | UnreadableMark:
        """Ask for one student of a register, where the rows of the whole disagree."""
        try:
            return _read(self._ask(f"register/{period.id}/students/{quote(student, safe='')}"), Status)
        except Broken:
            return UnreadableMark(student_ref=student, reason=_TWICE)

    def _listed(self, name: str, key: str) -> Iterator[Any]:
        """Yield the rows of a list, which may have pages or not; `key` is "" where its name is not known."""
        body = self._ask(name)
        rows = _rows(body, key)
        pages, total = (body.get(field) if isinstance(body, dict) else None for field in ("totalPages", "totalCount"))
        came = len(rows)
        yield from rows
        for page in range(2, (pages if isinstance(pages, int) else 1) + 1):
            rows = _rows(self._ask(name, page=page), key)
            if not rows:
                break
            came += len(rows)
            yield from rows
        if isinstance(total, int) and came != total:
            raise Busy(f"iSAMS counts {total} rows in a list of {came}; it may have been edited while we read.")

    def _ask(self, name: str, **params: int) -> Any:
        url = f"{self._base}/api/registration/{name}"
        answer = self._keys.get(self._http, url, params=params, accept=_ANSWERED)
        body = answer.json() if answer.status == 200 or answer.body.lstrip()[:1] == b"{" else None
        # Even a 200 may hold nothing but the message that a right is missing.
        if answer.status == 403 or (isinstance(body, dict) and body.keys() == {"message"}):
            raise NoRight(_NO_RIGHT)
        if answer.status == 401:
            raise Refused("iSAMS takes neither the REST client ID nor its token: enter ID and secret again.")
        return body


def _rows(body: Any, key: str) -> list[Any]:
    """Return the rows in an answer; null stands for none."""
    if isinstance(body, list):
        return body
    if isinstance(body, dict):
        lists = [value for name, value in body.items() if name == key or (not key and isinstance(value, list))]
        if len(lists) == 1 and (lists[0] is None or isinstance(lists[0], list)):
            return lists[0] or []
    raise Broken("iSAMS answered without the list that was asked for.")


def _read(raw: Any, shape: type[S]) -> S:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError:
        pass  # raised below, because the fault itself may hold a value
    raise Broken(f"iSAMS answered with a {shape.__name__.lower()} that is not as we know it.")


def _by_id(rows: Iterable[Any]) -> dict[str, Code]:
    return {str(code.id): code for code in (_read(raw, Code) for raw in rows)}


def _sessions(periods: Sequence[Period]) -> Iterator[tuple[Session, Period]]:
    """Yield what is morning and what is afternoon; other registers, those of lessons, are neither."""
    named = [(Session(period.kind), period) for period in periods if period.kind in {"am", "pm"}]
    if named:
        yield from named
        return
    # Where no type says so: the first of a division before noon and the first after it, as the school's clocks show.
    seen: set[tuple[str, Session]] = set()
    for period in sorted(periods, key=lambda one: one.start.replace(tzinfo=None)):
        session = Session.AM if period.start.hour < _NOON else Session.PM
        places = {(str(division.id), session) for division in period.divisions or ()} or {("", session)}
        if places - seen:
            yield session, period
        seen |= places


def _weight(row: Status) -> tuple[bool, bool]:
    return bool(row.is_registered), bool(row.is_present) or row.absence_code_id is not None


def _found(row: Status, session: Session, present: Mapping[str, Code], absent: Mapping[str, Code]) -> Found:
    number, codes = (row.present_code_id, present) if row.is_present else (row.absence_code_id, absent)
    code = codes.get(str(number))
    return Found(
        student=str(row.school_id),
        session=session,
        code=(code.code if code else None) or ("" if number is None else str(number)),
        meaning=_meaning(row, code),
        label=(code.name or "") if code else None,
        minutes_late=row.number_of_minutes_late if row.is_late else None,
    )


def _meaning(row: Status, code: Code | None) -> Meaning:
    if row.is_present and row.is_registered == 0:
        return Meaning.UNCONFIRMED
    if row.is_present:
        return Meaning.LATE if row.is_late else Meaning.PRESENT
    if row.absence_code_id is not None:
        hint = (code.government_code or "") if code else ""
        return _MEANINGS.get(hint.strip().upper(), Meaning.UNKNOWN)
    if row.is_out_of_school:
        return Meaning.EXCUSED  # a trip, a music lesson, an appointment: iSAMS does not say which
    return Meaning.ABSENT if row.is_registered else Meaning.NOT_TAKEN


def _mark(found: Found, day: datetime.date) -> Mark:
    return Mark(
        student_ref=found.student,
        date=day,
        session=Session(found.session),
        code=found.code,
        meaning=Meaning(found.meaning),
        label=NOT_SHARED if found.label is None else found.label,
        minutes_late=found.minutes_late,
    )
