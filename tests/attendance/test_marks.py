"""Marks come in: added, corrected, never taken away (R15)."""

import datetime
import time
from typing import Any

import pytest

from attendance.marking import Said, ToldTwice
from attendance.models import Code, Mark, MarkChange, Meaning
from attendance.operations import marks
from tenants import scope
from tenants.models import School
from tests.factories import people
from users.models import Student

DAY = datetime.date(2026, 9, 14)
MORNING = datetime.datetime(2026, 9, 14, 8, 31, tzinfo=datetime.UTC)
NOON = MORNING + datetime.timedelta(hours=5)


def said(student: Student | int, code: str = "N", meaning: str = Meaning.ABSENT, **more: Any) -> Said:
    """Make a mark of a morning."""
    pk = student if isinstance(student, int) else student.pk
    fields: dict[str, Any] = {"student": pk, "date": DAY, "session": "am", "code": code, "said": meaning}
    return Said(**fields | more)


def told(mark: Mark) -> list[tuple[Any, ...]]:
    """What history tells of a mark, oldest first."""
    return [
        (change.run, change.old_code, change.new_code, change.old_meaning, change.new_meaning)
        for change in mark.changes.all()
    ]


@pytest.fixture
def ana(northgate: School) -> Student:
    with scope.school(northgate.pk):
        return people.student("Ana Reyes", year="4", form="4B")


@pytest.fixture
def ben(northgate: School) -> Student:
    with scope.school(northgate.pk):
        return people.student("Ben Reyes", year="4", form="4B")


def test_absent_then_late_is_one_row_with_its_history(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        first = marks.take_in(marks=[said(ana)], run=1, at=MORNING)
        late = said(ana, "L", Meaning.LATE, minutes_late=20, label="Late")
        second = marks.take_in(marks=[late], run=2, at=NOON)
        mark = Mark.objects.get()
        assert told(mark) == [(2, "N", "L", "absent", "late")]
    assert (first.new, first.meanings) == (1, {"absent": 1})
    assert (second.changed, second.withdrawn, second.absent) == (1, 1, 0)
    assert (mark.code, mark.meaning, mark.label, mark.minutes_late, mark.run) == ("L", "late", "Late", 20, 2)
    assert (mark.first_fetched_at, mark.fetched_at, mark.changed_at) == (MORNING, NOON, NOON)


def test_the_same_again_moves_the_age_only(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana)], run=1, at=MORNING)
        before = Mark.objects.values().get()
        done = marks.take_in(marks=[said(ana)], run=2, at=NOON)
        after = Mark.objects.values().get()
        assert not MarkChange.objects.exists()
    assert (done.same, done.changed, done.new) == (1, 0, 0)
    assert after == before | {"fetched_at": NOON}


def test_what_does_not_come_stays_with_its_own_age(northgate: School, ana: Student, ben: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana), said(ben)], run=1, at=MORNING)
        before = Mark.objects.filter(student=ben).values().get()
        marks.take_in(marks=[said(ana)], run=2, at=NOON)
        assert Mark.objects.filter(student=ben).values().get() == before
        assert Mark.objects.get(student=ana).fetched_at == NOON


def test_a_register_that_is_taken_back_is_a_change_like_any_other(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana)], run=1, at=MORNING)
        done = marks.take_in(marks=[said(ana, "", Meaning.NOT_TAKEN)], run=2, at=NOON)
        mark = Mark.objects.get()
        assert (mark.code, mark.meaning, done.withdrawn) == ("", "not taken", 1)
        assert told(mark) == [(2, "N", "", "absent", "not taken")]
        assert set(Code.objects.values_list("code", flat=True)) == {"N"}


def test_what_is_older_than_what_is_held_changes_nothing(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "L", Meaning.LATE)], run=2, at=NOON)
        before = Mark.objects.values().get()
        done = marks.take_in(marks=[said(ana)], run=1, at=MORNING)
        assert Mark.objects.values().get() == before
    assert (done.older, done.changed, done.same, done.meanings) == (1, 0, 0, {})


def test_every_session_and_lesson_of_a_day_is_a_mark_of_its_own(northgate: School, ana: Student) -> None:
    lessons = [said(ana, session="lesson", lesson=lesson) for lesson in ("maths", "art")]
    all_of_them = [said(ana), said(ana, session="pm"), said(ana, session="day"), *lessons]
    with scope.school(northgate.pk):
        assert marks.take_in(marks=all_of_them, run=1, at=MORNING).new == 5
        marks.take_in(marks=[said(ana, "L", Meaning.LATE, session="lesson", lesson="art")], run=2, at=NOON)
        found = list(Mark.objects.order_by("session", "lesson").values_list("session", "lesson", "code"))
    assert found == [
        ("am", "", "N"),
        ("day", "", "N"),
        ("lesson", "art", "L"),
        ("lesson", "maths", "N"),
        ("pm", "", "N"),
    ]


def test_two_marks_of_one_session_are_not_chosen_between(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        with pytest.raises(ToldTwice):
            marks.take_in(marks=[said(ana), said(ana, "L", Meaning.LATE)], run=1, at=MORNING)
        assert not Mark.objects.exists()


def test_a_label_or_a_moment_of_entry_is_no_other_statement(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana)], run=1, at=MORNING)
        marks.take_in(marks=[said(ana, label="No reason yet", recorded_at=NOON)], run=2, at=NOON)
        mark = Mark.objects.get()
        assert not MarkChange.objects.exists()
    assert (mark.label, mark.recorded_at, mark.changed_at, mark.run) == ("No reason yet", NOON, MORNING, 1)


def test_another_lateness_is_another_statement(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        for run, minutes in enumerate((5, 20), start=1):
            marks.take_in(marks=[said(ana, "L", Meaning.LATE, minutes_late=minutes)], run=run, at=NOON)
        change = MarkChange.objects.get()
    assert (change.run, change.old_minutes, change.new_minutes, change.new_meaning) == (2, 5, 20, "late")


def test_marks_of_another_school_are_neither_seen_nor_touched(
    northgate: School, himal: School, ana: Student, gita: Student
) -> None:
    with scope.school(himal.pk):
        marks.take_in(marks=[said(gita)], run=1, at=MORNING)
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "L", Meaning.LATE)], run=2, at=NOON)
        assert [mark.student_id for mark in Mark.objects.all()] == [ana.pk]
    with scope.school(himal.pk):
        assert Mark.objects.get().fetched_at == MORNING


def test_two_thousand_marks_take_well_under_a_second(northgate: School) -> None:
    with scope.school(northgate.pk):
        crowd = [people.student(f"Child Number{number}").pk for number in range(1000)]
        both = [said(pk, session=half) for pk in crowd for half in ("am", "pm")]
        marks.take_in(marks=both, run=1, at=MORNING)
        turned = [said(pk, "L", Meaning.LATE, session=half) for pk in crowd for half in ("am", "pm")]
        began = time.perf_counter()
        assert marks.take_in(marks=turned, run=2, at=NOON).changed == 2000
        assert time.perf_counter() - began < 1
