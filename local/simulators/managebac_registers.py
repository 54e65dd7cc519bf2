"""The world's registers as ManageBac's homeroom attendance: one mark a day, by the number of its category.

The labels are the school's own, so that only the number tells what a mark means. Where the world's register is not
taken, every other student has ManageBac's “present by default”, and the rest have nothing.
"""

import datetime
import functools
from collections.abc import Mapping
from typing import Final

from local.simulators.managebac_rows import LEVELS, Json, user_id, without_nulls, year_group_id
from local.world.model import SchoolWorld, StudentTruth
from local.world.registers import WorldMark, picture_on, register

REGISTER_FAULTS: Final[Mapping[str, str]] = {
    "no-add-on": "the school has no Attendance add-on: 403 for every register",
    "no-labels": "a mark has no status text, so that only the academic year's categories name it",
    "bad-marks": "the first mark of a register has no category, the second no attendance, the third no id",
    "class-only": "the school takes attendance by class only: homeroom registers are empty",
    "two-groups": "the first student of the first year group is in the second one's register as well, differently",
    "group-gone": "404 for the first year group's register",
    "no-students": "a register has no list of students",
}
LABELS: Final[Mapping[int, str]] = {
    -1: "Present",
    0: "Missing without a note",
    1: "Here",
    2: "Here, but late",
    5: "Sent home",
    12: "Out with the school",
    13: "Away with leave",
    15: "Study leave",
    99: "Something new",
}
NUMBERS: Final[Mapping[str, int]] = {
    "present": 1,
    "late": 2,
    "absent": 0,
    "excused": 13,
    "elsewhere": 12,
    "unknown": 99,
}
YEAR_STARTS, YEAR_ENDS = "2026-08-10", "2027-06-25"
FIRST_ACADEMIC_YEAR: Final = 5_100


def number_of(student: StudentTruth, mark: WorldMark) -> int | None:
    """Return the category of a student's mark; None where the register says nothing of them."""
    if mark.meaning == "not_taken":
        return -1 if user_id(student) % 2 else None
    return NUMBERS[mark.meaning]


class Registers:
    """What the calls for attendance answer; `given` are the rows of every register instead of the world's."""

    def __init__(
        self, school: SchoolWorld, *, faults: frozenset[str] = frozenset(), given: list[Json] | None = None
    ) -> None:
        self.school, self.faults, self.given = school, faults, given

    def of(self, group: str, day: str) -> Json:
        """Return the homeroom register of a year group on a day; empty on a day without school."""
        if "no-students" in self.faults:
            return {"student": []}
        if self.given is not None:
            return {"students": self.given}
        marked = [] if "class-only" in self.faults else self._marked(day)
        rows = [self._row(one, mark) for one, mark in marked if self._group(one) == group]
        second = str(year_group_id(self.school, self.school.year_labels[1]))
        if "two-groups" in self.faults and marked and group == second:
            rows.append({"id": user_id(marked[0][0]), "attendance": _attendance(15)})
        return {"students": self._with_bad_rows(rows)}

    @functools.lru_cache(maxsize=4)  # noqa: B019 a simulator lives as long as its test
    def _marked(self, day: str) -> list[tuple[StudentTruth, WorldMark]]:
        date = datetime.date.fromisoformat(day)
        marks = register(self.school, date, "am")
        return [(one, marks[one.ref]) for one in picture_on(self.school, date).students.values() if one.ref in marks]

    def academic_years(self) -> Json:
        """Return the academic years of each programme: one that is over, and the present one."""
        return {"academic_years": {code: {"academic_years": _years(place)} for place, (code, _) in enumerate(LEVELS)}}

    def categories(self, year: int) -> Json | None:
        """Return the labels of an academic year; None if there is no such year."""
        known = {row["id"] for place in range(len(LEVELS)) for row in _years(place)}
        if year not in known:
            return None
        # The programmes agree on all labels but one, and the years before had others.
        odd = {15: f"Study leave {year}"}
        labels = {**LABELS, **odd} if year >= FIRST_ACADEMIC_YEAR else dict.fromkeys(LABELS, "Of old")
        rows = [{"status": number, "label": label, "enabled": True} for number, label in labels.items()]
        return {"categories": rows}

    def _row(self, student: StudentTruth, mark: WorldMark) -> Json:
        number = number_of(student, mark)
        said = {} if number is None else _attendance(number)
        if "no-labels" in self.faults and said:
            said["status"] = ""
        return {"id": user_id(student), "attendance": said}

    def _group(self, student: StudentTruth) -> str:
        return str(year_group_id(self.school, student.year))

    def _with_bad_rows(self, rows: list[Json]) -> list[Json]:
        if "bad-marks" not in self.faults:
            return rows
        spoilt: list[Json] = [{"attendance": {"status": "Present", "note": ""}}, {"attendance": None}, {"id": None}]
        return [without_nulls(row | change) for row, change in zip(rows, spoilt, strict=False)] + rows[len(spoilt) :]


def _attendance(number: int) -> Json:
    return {"status": LABELS[number], "note": "", "category": {"status": number}}


def _years(place: int) -> list[Json]:
    before, now = FIRST_ACADEMIC_YEAR - len(LEVELS) + place, FIRST_ACADEMIC_YEAR + place
    return [
        {"id": before, "name": "2025–2026", "active": False, "starts_on": "2025-08-11", "ends_on": "2026-06-26"},
        {
            "id": now,
            "name": "2026–2027",
            "active": True,
            "starts_on": YEAR_STARTS,
            "ends_on": YEAR_ENDS,
            "academic_terms": [{"id": now * 10, "name": "Term 1", "starts_on": YEAR_STARTS, "ends_on": "2026-12-18"}],
        },
    ]
