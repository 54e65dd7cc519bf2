"""The registers of iSAMS as its REST API shows them: codes, periods of today, and one register for each period.

    GET /api/registration/{absencecodes,presentcodes,periods}
    GET /api/registration/register/{periodId}[/students/{schoolId}]

Nulls are rendered, `isRegistered` is a number, and the school has two divisions with registers of their own.
"""

import datetime
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from local.simulators.server import Reply, Request, as_json
from local.world.model import SchoolWorld
from local.world.registers import Half, WorldMark, picture_on, register

PREFIX: Final = "/api/registration/"
FAULTS: Final[Mapping[str, str]] = {
    "rest-no-right": "403: the client has no right to the Registration Manager",
    "rest-no-right-401": "the same with status 401",
    "rest-no-right-200": "the same message as if it were data",
    "rest-expired": "the first token is refused after two requests",
    "rest-no-token": "no token is ever taken",
    "rest-once": "500 for the first request, then success",
    "rest-paged": "registers come in pages",
    "rest-page-lost": "registers come in pages and the second is empty",
    "rest-bare": "a register is a bare list",
    "rest-untyped": "no period says that it is AM or PM",
    "rest-lessons": "lessons have registers too",
    "rest-yesterday": "the periods are those of the day before",
    "rest-no-periods": "there are no periods: null instead of a list",
    "rest-no-government-codes": "no absence code has the government's",
    "rest-unknown-code": "absences have codes that are in no list",
    "rest-doubled": "every student twice in a register, first as not registered",
    "rest-disagreeing": "the first student with a mark of a register twice, with different marks",
    "rest-no-single": "404 for the register of one student",
    "rest-two-registers": "a student stands in the registers of both divisions, with different marks",
    "rest-foreseen": "nobody has looked yet: who is expected is pre-set as present, who is out is announced",
    "rest-nobody": "the last row of a register has no schoolId",
}
ABSENT: Final[Mapping[int, tuple[str, str, str]]] = {  # id → code, name, the government's code
    5: ("ILL", "Illness", "I"),
    6: ("?", "No reason yet", "N"),
    7: ("TRIP", "Educational visit", "V"),
    39: ("ZX", "Head's list", ""),
}
PRESENT: Final[Mapping[int, tuple[str, str]]] = {1: ("/", "Present (AM)"), 2: ("\\", "Present (PM)"), 3: ("L", "Late")}
_ABSENCES: Final[Mapping[str, int]] = {"excused": 5, "absent": 6, "elsewhere": 7, "unknown": 39}
_PERIODS: Final[Mapping[int, tuple[Half, int]]] = {
    30518: ("am", 1),
    30519: ("am", 2),
    30520: ("pm", 1),
    30521: ("pm", 2),
}
_HOURS: Final[Mapping[Half, int]] = {"am": 8, "pm": 13}
_PAGE: Final = 7
_NO_RIGHT: Final = {"message": "The user is not authorised for this request"}


class Registers:
    """What one school's registers show today."""

    def __init__(self, school: SchoolWorld, today: Callable[[], datetime.date], faults: frozenset[str]) -> None:
        self.school, self._today, self.faults = school, today, faults

    @property
    def day(self) -> datetime.date:
        """The day whose registers are shown."""
        return self._today()

    def reply(self, request: Request) -> Reply:
        """Answer a request that has a token."""
        right = {"rest-no-right": 403, "rest-no-right-401": 401, "rest-no-right-200": 200}
        for fault, status in right.items():
            if fault in self.faults:
                return as_json(_NO_RIGHT, status)
        match request.path.partition(PREFIX)[2].split("/"):
            case ["absencecodes"]:
                return as_json({"absenceCodes": list(self._absence_codes())})
            case ["presentcodes"]:
                return as_json({"presentCodes": list(_present_codes())})
            case ["periods"]:
                none = "rest-no-periods" in self.faults
                return as_json({"registrationPeriods": None if none else list(self._periods())})
            case ["register", period] if int(period) in _PERIODS:
                return self._register(list(self._rows(int(period))), int(request.query.get("page", "1")))
            case ["register", period, "students", student] if int(period) in _PERIODS:
                rows = [row for row in self._rows(int(period)) if row["schoolId"] == student]
                found = bool(rows) and "rest-no-single" not in self.faults
                return as_json(rows[0]) if found else as_json({"message": "Not found"}, 404)
        return Reply(404)

    def _register(self, rows: list[dict[str, Any]], page: int) -> Reply:
        if "rest-bare" in self.faults:
            return as_json(rows)
        if not self.faults & {"rest-paged", "rest-page-lost"}:
            return as_json({"registrationStatuses": rows})
        pages = -(-len(rows) // _PAGE)
        shown = rows[(page - 1) * _PAGE : page * _PAGE] if page != 2 or "rest-paged" in self.faults else []
        counts = {"count": len(shown), "page": page, "pageSize": _PAGE, "totalCount": len(rows), "totalPages": pages}
        return as_json({**counts, "registrationStatuses": shown})

    def _absence_codes(self) -> Iterator[dict[str, Any]]:
        for number, (code, name, government) in ABSENT.items():
            known = {"id": number, "code": code, "description": None, "displayOrder": number, "isOOSActive": False}
            official = None if "rest-no-government-codes" in self.faults else government or None
            yield {**known, "governmentCode": official, "governmentCodeName": None, "name": name}

    def _periods(self) -> Iterator[dict[str, Any]]:
        for number, (half, division) in _PERIODS.items():
            yield self._period(number, division, half.upper(), _HOURS[half])
            if "rest-untyped" in self.faults:
                yield self._period(number + 100, division, "", _HOURS[half] + 2)
        if "rest-lessons" in self.faults:
            yield self._period(90, 1, "Lesson", 9)

    def _period(self, number: int, division: int, kind: str, hour: int) -> dict[str, Any]:
        day = self.day - datetime.timedelta(days="rest-yesterday" in self.faults)
        zone = zoneinfo.ZoneInfo(self.school.timezone)
        start = datetime.datetime.combine(day, datetime.time(hour, 30), zone)
        return {
            "id": number,
            "divisions": [{"id": division, "code": f"D{division}", "name": f"Division {division}"}],
            "start": start.isoformat(),
            "time": (start + datetime.timedelta(minutes=10)).isoformat(),
            "finish": (start + datetime.timedelta(minutes=30)).isoformat(),
            "friendlyName": f"{kind or 'Registration'} {division}",
            "numberOfStudents": len(self._marks(number)) if number in _PERIODS else 0,
            "registrationRuleId": 3,
            "registrationType": None if "rest-untyped" in self.faults else kind,
        }

    def _marks(self, period: int) -> Mapping[str, WorldMark]:
        """Return the marks of a period's division: that of the younger or of the older half of the years."""
        half, division = _PERIODS[period]
        older = set(self.school.year_labels[len(self.school.year_labels) // 2 :])
        year_of = {one.ref: one.year for one in picture_on(self.school, self.day).students.values()}
        marks = register(self.school, self.day, half)
        return {ref: mark for ref, mark in marks.items() if (year_of[ref] in older) == (division == 2)}

    def _rows(self, period: int) -> Iterator[dict[str, Any]]:
        half, division = _PERIODS[period]
        marks = self._marks(period)
        disputed = next((ref for ref, mark in marks.items() if mark.meaning != "not_taken"), "")
        for ref, mark in marks.items():
            row = self._row(ref, period, half, mark)
            if "rest-doubled" in self.faults and mark.meaning != "not_taken":
                yield self._row(ref, period, half, WorldMark(meaning="not_taken"))
            yield row
            if ref == disputed and "rest-disagreeing" in self.faults:
                other = WorldMark(meaning="present" if mark.meaning == "absent" else "absent")
                yield self._row(ref, period, half, other)
        if "rest-two-registers" in self.faults and division == 2:
            ref = next(ref for ref, mark in self._marks(period - 1).items() if mark.meaning == "present")
            yield self._row(ref, period, half, WorldMark(meaning="absent"))
        if "rest-nobody" in self.faults:
            yield {"schoolId": None, "registrationPeriodId": period, "isRegistered": 1}

    def _row(self, ref: str, period: int, half: Half, mark: WorldMark) -> dict[str, Any]:
        here, absence = mark.meaning in {"present", "late"}, _ABSENCES.get(mark.meaning)
        if absence and "rest-unknown-code" in self.faults:
            absence = 999
        present = (3 if mark.meaning == "late" else {"am": 1, "pm": 2}[half]) if here else None
        foreseen = "rest-foreseen" in self.faults
        out = foreseen and mark.meaning == "excused"
        return {
            "schoolId": ref,
            "registrationPeriodId": period,
            "isRegistered": int(mark.meaning != "not_taken" and not foreseen),
            "isPresent": here,
            "isLate": mark.meaning == "late",
            "isOutOfSchool": out,
            "isFutureAbsence": out,
            "numberOfMinutesLate": mark.minutes_late if mark.meaning == "late" else 0,
            "leavingOrLeftDateTime": None,
            "presentCodeId": present,
            "absenceCodeId": None if out else absence,
            "registrationComment": None,
            "alertSent": False,
            "parentNotificationSent": False,
        }


def _present_codes() -> Iterator[dict[str, Any]]:
    for number, (code, name) in PRESENT.items():
        known = {"id": number, "code": code, "displayOrder": number, "isOOCActive": False}
        yield {**known, "name": name, "showOnRegister": True}
