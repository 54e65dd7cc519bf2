"""What the registers of a school say: one mark for each student in the morning and one in the afternoon.

The same for the same school, day and session, whatever was asked before. Each day and session one register form (the
class without a subject) has not been taken yet, and some marks bear a code that nobody has explained to us.
"""

import datetime
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from local.world.dice import Dice
from local.world.model import FIRST_DAY, NIGHTS, Night, SchoolWorld, StudentTruth

Half = Literal["am", "pm"]
Meaning = Literal["present", "late", "absent", "excused", "elsewhere", "not_taken", "unknown"]

LATEST: Final = 45  # minutes: who comes later than that has missed the register

# Of a thousand children on a school day; who is away in the morning is away in the afternoon.
_DAYS: Final[tuple[tuple[int, Meaning], ...]] = (
    (895, "present"),
    (35, "late"),
    (20, "absent"),
    (25, "excused"),
    (15, "elsewhere"),
    (10, "unknown"),
)
_SENT_HOME: Final = 0.01  # of those who came in the morning


class WorldMark(msgspec.Struct, frozen=True, kw_only=True):
    """One mark. `meaning` is the lower-case name of a `sync.records.Meaning`; `minutes_late` is of "late" only."""

    meaning: Meaning
    minutes_late: int | None = None


def picture_on(school: SchoolWorld, day: datetime.date) -> Night:
    """Return who is there on a day; before the first night that is the first picture, after the last the last."""
    number = (day - FIRST_DAY).days + 1
    return school.at(min(max(number, NIGHTS[0]), NIGHTS[-1]))


def register(school: SchoolWorld, day: datetime.date, session: Half) -> Mapping[str, WorldMark]:
    """Return the marks by `StudentTruth.ref`: of everybody who has not left, and of nobody on a day without school."""
    if day.isoweekday() not in school.school_days:
        return {}
    picture = picture_on(school, day)
    dice = Dice(seed=f"{school.slug}/{day}")
    forms = [key for key, one in picture.classes.items() if not one.subject]
    untaken = dice.child(session).pick(forms)
    return {
        student.ref: WorldMark(meaning="not_taken") if student.form == untaken else _mark(dice, student, session)
        for student in picture.students.values()
        if student.left_on is None
    }


def _mark(dice: Dice, student: StudentTruth, session: Half) -> WorldMark:
    own = dice.child(student.key)
    meaning = own.weighted(_DAYS)
    if meaning == "late" and session == "am":
        return WorldMark(meaning="late", minutes_late=own.below(LATEST) + 1)
    if session == "pm" and meaning in {"present", "late"}:
        return WorldMark(meaning="excused" if own.chance(_SENT_HOME) else "present")
    return WorldMark(meaning=meaning)
