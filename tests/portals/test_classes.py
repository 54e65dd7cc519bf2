"""A teacher's classes: who is away, from all sources, of their own students only (R15, R16)."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from sync.models import Connection, Run
from tenants import scope
from tenants.models import Closure, School
from tests.conftest import Person
from tests.factories import attendance, people
from tests.portals.conftest import EVERY_REQUEST
from tests.portals.test_absence import FETCHED, TUESDAY, page
from users.models import SchoolClass, Student

CLASSES = "/s/northgate/staff/classes/"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """A Tuesday in November, a quarter to ten in London."""
    with time_machine.travel(datetime.datetime(2026, 11, 24, 9, 45, tzinfo=datetime.UTC), tick=False):
        yield


@pytest.fixture
def willow(alice: Person, northgate: School, ana: Student) -> SchoolClass:
    """Alice's class, in which Ana sits."""
    with scope.school(northgate.pk):
        return people.school_class("Willow", ana, teacher=alice.staff_member, subject="Registration")


def test_a_teacher_sees_their_own_classes_and_meets_404_elsewhere(
    alice: Person, mona: Person, rhea: Person, northgate: School, willow: SchoolClass, ana: Student
) -> None:
    with scope.school(northgate.pk):
        other = people.school_class("Oak", people.student("Kofi Mensah"))
        ended = people.school_class("Old", ana, teacher=alice.staff_member, ended_on="2026-07-01")
    text = page(alice.client, CLASSES)
    assert "Willow" in text
    assert "1 student" in text
    assert "Oak" not in text
    assert "Old" not in text
    for foreign in (other, ended):
        assert alice.client.get(f"{CLASSES}{foreign.pk}/").status_code == 404
    for seer in (mona, rhea):
        assert "Oak" in page(seer.client, CLASSES)
        assert "Kofi Mensah" in page(seer.client, f"{CLASSES}{other.pk}/")


def test_a_parent_and_another_school_see_none(
    bob: Person, charlie: Person, willow: SchoolClass, himal: School, alice: Person
) -> None:
    assert bob.client.get(f"{CLASSES}{willow.pk}/").status_code == 302
    assert charlie.client.get(f"{CLASSES}{willow.pk}/").status_code == 404
    with scope.school(himal.pk):
        foreign = people.school_class("Foreign")
    assert alice.client.get(f"{CLASSES}{foreign.pk}/").status_code == 404


def test_a_row_reads_as_the_requirement_says(
    alice: Person, northgate: School, willow: SchoolClass, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent", at=FETCHED)
    text = page(alice.client, f"{CLASSES}{willow.pk}/")
    assert "absent from school (AM mark, fetched 09:31)" in text
    assert "From CSV files, " in text


def test_a_report_is_shown_without_its_reason_and_both_where_both_speak(
    alice: Person, bob: Person, northgate: School, willow: SchoolClass, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.report(ana, bob.guardian, note="Sore throat")
    text = page(alice.client, f"{CLASSES}{willow.pk}/")
    assert "reported away by a guardian: the whole day" in text
    for private in ("Sore throat", "ill<", "Bob"):
        assert private not in text
    with scope.school(northgate.pk):
        attendance.mark(ana, "present", at=FETCHED)
    text = page(alice.client, f"{CLASSES}{willow.pk}/")
    assert "present (AM mark, fetched 09:31)" in text
    assert "reported away by a guardian" in text
    assert "the two do not agree: ask the office" in text


def test_back_at_noon_shows_both_marks(
    alice: Person, northgate: School, willow: SchoolClass, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "absent", at=FETCHED)
        attendance.mark(ana, "present", "pm", at=FETCHED)
    text = page(alice.client, f"{CLASSES}{willow.pk}/")
    assert text.index("absent from school (AM mark") < text.index("present (PM mark")


def test_not_taken_no_mark_not_shared_and_no_school_are_four_things(
    alice: Person, northgate: School, willow: SchoolClass, ana: Student, marked: Run
) -> None:
    path = f"{CLASSES}{willow.pk}/"
    assert "no mark yet" in page(alice.client, path)
    with scope.school(northgate.pk):
        closure = Closure.objects.create(first=TUESDAY, last=TUESDAY, name="Half-term")
    text = page(alice.client, path)
    assert "No marks expected: Half-term" in text
    assert "no mark yet" not in text
    with scope.school(northgate.pk):
        closure.delete()
        Connection.objects.update(connector="gg4l")
    text = page(alice.client, path)
    assert "Attendance marks are not shared by your MIS" in text
    assert "no mark yet" not in text
    with scope.school(northgate.pk):
        attendance.mark(ana, "not taken")
    assert "register not taken yet" in page(alice.client, path)


@pytest.mark.parametrize("number", [1, 3])
def test_a_class_list_costs_the_same_for_one_and_three(
    alice: Person, northgate: School, marked: Run, number: int, django_assert_num_queries: Any
) -> None:
    with scope.school(northgate.pk):
        students = [people.student(f"Child Number{place}") for place in range(number)]
        made = people.school_class("Willow", *students, teacher=alice.staff_member)
        for student in students:
            attendance.mark(student, "absent")
            attendance.report(student)
    page(alice.client, "/account/")  # the first request of a session notes the session
    # standing, roles, class, students, marks, reports, four about the feed, closures
    with django_assert_num_queries(EVERY_REQUEST + 11):
        assert page(alice.client, f"{CLASSES}{made.pk}/").count("absent from school") == number
    with django_assert_num_queries(EVERY_REQUEST + 5):  # standing, roles, classes, run, connection
        page(alice.client, CLASSES)


def test_empty_pages_say_what_to_do(alice: Person, northgate: School, synced: Run) -> None:
    assert "You teach no class" in page(alice.client, CLASSES)
    with scope.school(northgate.pk):
        empty = people.school_class("Empty", teacher=alice.staff_member)
        Run.objects.update(kinds={"students": 1})
    assert "Nobody in this class" in page(alice.client, f"{CLASSES}{empty.pk}/")
    with scope.school(northgate.pk):
        empty.delete()
    assert "is not shared by your MIS" in page(alice.client, CLASSES)


# The student's page.


def test_attendance_is_for_who_teaches_and_who_monitors(
    alice: Person, mona: Person, rhea: Person, northgate: School, willow: SchoolClass, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        other = people.student("Kofi Mensah")
        for student in (ana, other):
            attendance.corrected(attendance.mark(student, "absent", at=FETCHED), "not taken")
    own, foreign = (page(alice.client, f"/s/northgate/staff/students/{pk}/") for pk in (ana.pk, other.pk))
    assert "absent from school (AM mark, fetched 09:31)" in own
    assert "register not taken yet until 09:45 today, then absent (N)" in own
    assert "absent from school" not in foreign
    assert "Shown to who teaches this student" in foreign
    for seer in (mona, rhea):
        assert "absent from school" in page(seer.client, f"/s/northgate/staff/students/{other.pk}/")
