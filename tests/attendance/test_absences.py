"""Flags for any list of students, the monitors' list, corrections and the last weeks (R15, R16, R81)."""

import datetime
from typing import Any

import pytest

from attendance.queries import absences
from attendance.sources import Verdict
from tests.attendance.conftest import AT, TUESDAY
from tests.factories import attendance, people
from users.models import Guardian, Student

MONDAY = TUESDAY - datetime.timedelta(days=1)
MIDNIGHT = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)


@pytest.mark.parametrize("number", [1, 3, 30])
def test_flags_cost_two_queries_for_any_list(ana: Student, number: int, django_assert_num_queries: Any) -> None:
    students = [ana, *(people.student(f"Child {place}") for place in range(number - 1))]
    for student in students:
        attendance.mark(student, "absent")
        attendance.report(student)
    with django_assert_num_queries(2):
        flags = absences.flags([student.pk for student in students], TUESDAY)
    assert [flags[student.pk].verdict for student in students] == [Verdict.REPORTED] * number


def test_flags_are_of_the_day_and_of_those_asked_for(ana: Student) -> None:
    other = people.student("Kofi Mensah")
    attendance.mark(ana, "absent", date=MONDAY)
    attendance.mark(other, "absent")
    attendance.report(ana, first=MONDAY)
    flags = absences.flags([ana.pk], TUESDAY)
    assert set(flags) == {ana.pk}
    assert flags[ana.pk].verdict is Verdict.NOTHING
    assert absences.flags([], TUESDAY) == {}


def test_a_withdrawn_report_says_nothing(ana: Student) -> None:
    made = attendance.report(ana)
    made.withdrawn_at, made.withdrawn_by = AT, made.reported_by
    made.save()
    assert absences.flags([ana.pk], TUESDAY)[ana.pk].verdict is Verdict.NOTHING
    assert absences.rows(TUESDAY) == ()


def test_the_list_is_whoever_is_more_than_present_the_most_urgent_first(ana: Student, tom: Guardian) -> None:
    names = {
        "Late One": "late",
        "Code One": "unknown",
        "Here One": "present",
        "Away One": "absent",
        "Trip": "elsewhere",
    }
    for name, meaning in names.items():
        attendance.mark(people.student(name), meaning)
    attendance.mark(ana, "present")
    attendance.report(ana, tom)
    found = absences.rows(TUESDAY)
    assert [row.student.name for row in found] == ["Away One", "Ana Reyes", "Code One", "Late One"]
    assert found[1].day.verdict is Verdict.CONTRADICTION
    assert [report.guardian for report in found[1].reports] == [tom]
    tally = absences.tally(found)
    assert (tally["look"], tally["late"], tally["all"], tally["settled"]) == (3, 1, 4, 0)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(ana: Student, number: int, django_assert_num_queries: Any) -> None:
    for place in range(number):
        student = people.student(f"Child {place}")
        attendance.mark(student, "absent")
        attendance.report(student, people.guardian(f"Adult {place}"))
        attendance.settled(student, TUESDAY)
    with django_assert_num_queries(4):
        found = absences.rows(TUESDAY)
        assert (
            len([row.reports[0].guardian.name for row in found if row.resolution and row.resolution.by.email]) == number
        )


def test_a_row_is_the_same_alone_and_in_the_list(ana: Student, tom: Guardian) -> None:
    attendance.mark(ana, "absent")
    attendance.report(ana, tom)
    attendance.settled(ana, TUESDAY)
    assert absences.rows(TUESDAY) == (absences.row(ana, TUESDAY),)


def test_corrections_are_of_earlier_days_and_of_who_was_away(ana: Student) -> None:
    yesterday, today = attendance.mark(ana, "absent", date=MONDAY), attendance.mark(ana, "absent")
    shown = [
        attendance.corrected(yesterday, "present", at=AT),
        attendance.corrected(attendance.mark(ana, "unknown", "pm", date=MONDAY), "present", at=AT),
    ]
    attendance.corrected(today, "present", at=AT)  # of the day itself
    attendance.corrected(yesterday, "present", at=MIDNIGHT - datetime.timedelta(seconds=1))  # known before
    attendance.corrected(yesterday, "excused", at=AT)  # away as before
    late = attendance.mark(ana, "late", "day", date=MONDAY)
    attendance.corrected(late, "present", at=AT)  # there as before
    shown.append(attendance.corrected(late, "absent", at=AT))  # was away, and is not
    found = absences.corrections(TUESDAY, since=MIDNIGHT, until=MIDNIGHT + datetime.timedelta(days=1))
    assert set(found) == set(shown)


def test_counts_are_of_students_not_of_marks(ana: Student) -> None:
    for session in ("am", "pm"):
        attendance.mark(ana, "absent", session)
    attendance.mark(people.student("Kofi Mensah"), "late")
    attendance.mark(people.student("Mei Li"), "excused", date=MONDAY)
    monday, tuesday = absences.counts([TUESDAY, MONDAY])
    assert (monday.date, monday.absent, monday.excused, monday.late) == (MONDAY, 0, 1, 0)
    assert (tuesday.date, tuesday.absent, tuesday.excused, tuesday.late) == (TUESDAY, 1, 0, 1)


@pytest.mark.parametrize("number", [1, 3])
def test_the_history_of_a_student(ana: Student, number: int, django_assert_num_queries: Any) -> None:
    days = [TUESDAY - datetime.timedelta(days=ago) for ago in range(number)]
    for day in days:
        attendance.mark(ana, "late", "pm", date=day)
        attendance.corrected(attendance.mark(ana, "absent", date=day), "not taken")
    attendance.report(ana, first=days[-1], last=days[0])
    with django_assert_num_queries(3):
        found = absences.history(ana, days)
        changes = [list(mark.changes.all()) for one in found for mark in one.marks]
    assert [one.date for one in found] == sorted(days)
    assert {one.letters for one in found} == {"N L"}
    assert {one.day.verdict for one in found} == {Verdict.RETURNED}
    assert [len(each) for each in changes] == [1, 0] * number
    assert absences.history(ana, []) == ()
