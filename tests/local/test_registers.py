"""The registers of the demo world: everybody who is there has a mark, and it never depends on what was asked before."""

import collections
import datetime
from typing import get_args

import pytest

from local.world.build import world
from local.world.model import FIRST_DAY, NIGHTS, SchoolWorld
from local.world.registers import LATEST, Half, Meaning, WorldMark, picture_on, register
from sync import records

WORLD = world()
DAYS = [FIRST_DAY + datetime.timedelta(days=night - 1) for night in NIGHTS]
REGISTERS: list[tuple[SchoolWorld, datetime.date, Half]] = [
    (school, day, half)
    for school in WORLD.schools
    for day in DAYS
    if day.isoweekday() in school.school_days
    for half in get_args(Half)
]
registers = pytest.mark.parametrize(
    ("school", "day", "half"), REGISTERS, ids=[f"{school.slug}-{day}-{half}" for school, day, half in REGISTERS]
)


def test_meanings_are_those_of_our_records() -> None:
    assert {name.upper() for name in get_args(Meaning)} <= {meaning.name for meaning in records.Meaning}


@registers
def test_a_register_names_everybody_who_has_not_left(school: SchoolWorld, day: datetime.date, half: Half) -> None:
    students = picture_on(school, day).students.values()
    assert register(school, day, half).keys() == {one.ref for one in students if one.left_on is None}


@registers
def test_one_form_has_not_been_registered_yet(school: SchoolWorld, day: datetime.date, half: Half) -> None:
    marks = register(school, day, half)
    forms = collections.defaultdict(set)
    for one in picture_on(school, day).students.values():
        if one.left_on is None:
            forms[one.form].add(marks[one.ref].meaning == "not_taken")
    assert [taken for taken in forms.values() if True in taken] == [{True}]


@pytest.mark.parametrize("school", WORLD.schools, ids=lambda school: school.slug)
def test_a_week_shows_every_meaning_and_most_are_present(school: SchoolWorld) -> None:
    seen = collections.Counter(mark.meaning for day in DAYS for mark in register(school, day, "am").values())
    assert seen.keys() == set(get_args(Meaning))
    assert seen["present"] > 0.8 * (seen.total() - seen["not_taken"])


def test_only_the_late_have_minutes() -> None:
    for school, day, half in REGISTERS:
        for mark in register(school, day, half).values():
            assert (mark.minutes_late is not None) == (mark.meaning == "late")
            assert mark.minutes_late is None or 1 <= mark.minutes_late <= LATEST


def test_who_is_absent_in_the_morning_is_absent_in_the_afternoon() -> None:
    school = WORLD.school("northgate")
    morning, afternoon = register(school, FIRST_DAY, "am"), register(school, FIRST_DAY, "pm")
    absent = {ref for ref, mark in morning.items() if mark.meaning == "absent"}
    assert absent
    assert {afternoon[ref].meaning for ref in absent} <= {"absent", "not_taken"}


def test_nobody_is_registered_on_a_day_without_school() -> None:
    saturday = FIRST_DAY - datetime.timedelta(days=2)
    assert register(WORLD.school("himal"), saturday, "am") == {}


def test_days_before_the_first_night_and_after_the_last_have_their_pictures() -> None:
    school = WORLD.school("northgate")
    week = datetime.timedelta(days=7)
    assert picture_on(school, FIRST_DAY - week) == school.at(1)
    assert picture_on(school, DAYS[-1] + week) == school.at(5)


def test_a_register_is_the_same_however_often_and_in_whatever_order_it_is_asked_for() -> None:
    school = WORLD.school("himal")
    first = register(school, FIRST_DAY, "am")
    register(school, DAYS[2], "pm")
    assert register(school, FIRST_DAY, "am") == first
    assert register(world().school("himal"), FIRST_DAY, "am") == first
    assert register(school, DAYS[1], "am") != first


def test_the_marks_are_pinned() -> None:
    marks = register(WORLD.school("himal"), FIRST_DAY, "am")
    late = {ref: mark for ref, mark in marks.items() if mark.meaning == "late"}
    assert min(late.items()) == ("000111", WorldMark(meaning="late", minutes_late=42))
