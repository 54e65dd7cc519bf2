"""A guardian reports and withdraws for a child of theirs, and reads what may be read (R4, R50, R69, R81, D10)."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from attendance.models import AbsenceReport
from sync.models import Connection, Run
from tenants import scope
from tenants.models import Closure, School
from tests.conftest import Person, signed_in
from tests.factories import attendance, people
from tests.portals.conftest import EVERY_REQUEST
from tests.portals.test_absence import FETCHED, page, post
from users.models import Student, Tie

PARENT = "/s/northgate/parent/"
TODAY = {"first": "2026-11-24", "part": "day", "reason": "ill", "note": "Sore throat"}


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    """A Tuesday in November, a quarter to ten in London."""
    with time_machine.travel(datetime.datetime(2026, 11, 24, 9, 45, tzinfo=datetime.UTC), tick=False):
        yield


@pytest.fixture
def ines(northgate: School, ana: Student) -> Person:
    """Ana's mother."""
    account = people.account("ines@mail.example")
    with scope.school(northgate.pk):
        row = people.guardian("Ines Elsewhere", email=account.email)
        people.membership(account, guardian=row)
        people.tie(row, ana, relationship="Mother")
    return Person(account=account, client=signed_in(account), guardian=row)


def reports_of(school: School) -> list[AbsenceReport]:
    with scope.school(school.pk):
        return list(AbsenceReport.objects.order_by("id"))


def test_said_checked_and_only_then_reported(bob: Person, northgate: School, ana: Student) -> None:
    path = f"{PARENT}children/{ana.pk}/absence/"
    assert 'value="2026-11-24"' in page(bob.client, path)
    asked = post(bob.client, path, **TODAY)
    for word in ("Is this right?", "Tuesday 24 November", "the whole day", "Sore throat", "without the reason"):
        assert word in asked
    assert reports_of(northgate) == []
    receipt = post(bob.client, path, sure="on", **TODAY)
    assert "Thank you. The school knows." in receipt
    assert "Reported by you, 09:45 today" in receipt
    (made,) = reports_of(northgate)
    who = bob.guardian.pk  # type: ignore[union-attr] # Bob is a guardian
    assert (made.guardian_id, made.student_id, made.last) == (who, ana.pk, datetime.date(2026, 11, 24))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"last": "2026-11-23"}, "The last day lies before the first."),
        ({"last": "2026-11-25", "part": "morning"}, "Half a day is of one day only."),
        ({"first": "2026-11-28"}, "There is no school then: no school on a Saturday."),
        ({"first": "2026-11-20"}, "That day is over."),
        ({"first": "tomorrow"}, "Enter a valid date."),
        ({"first": ""}, "This field is required."),
        ({"reason": "none of those"}, "Select a valid choice."),
        ({"note": "x" * 501}, "at most 500"),
        ({"note": "\x00"}, "Null characters are not allowed."),
    ],
)
@pytest.mark.parametrize("sure", [{}, {"sure": "on"}])
def test_what_makes_no_sense_comes_back_with_the_reason(
    bob: Person, northgate: School, ana: Student, change: dict[str, str], why: str, sure: dict[str, str]
) -> None:
    assert why in post(bob.client, f"{PARENT}children/{ana.pk}/absence/", **TODAY | change | sure)
    assert reports_of(northgate) == []


def test_a_second_report_of_the_same_time_is_refused_before_the_question(
    bob: Person, northgate: School, ana: Student
) -> None:
    with scope.school(northgate.pk):
        attendance.report(ana, bob.guardian)
    assert "That is reported already" in post(bob.client, f"{PARENT}children/{ana.pk}/absence/", **TODAY)


def test_days_without_school_in_between_are_told(bob: Person, northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        Closure.objects.create(first="2026-11-26", last="2026-11-26", name="Training day")
    asked = post(bob.client, f"{PARENT}children/{ana.pk}/absence/", **TODAY | {"last": "2026-11-28"})
    assert "There is no school on Thu 26 November (Training day), Sat 28 November (no school on a Saturday)" in asked


def test_both_guardians_read_days_and_reason_and_neither_reads_the_note_or_the_name(
    bob: Person, ines: Person, northgate: School, ana: Student
) -> None:
    with scope.school(northgate.pk):
        made = attendance.report(ana, bob.guardian, note="Sore throat")
        attendance.report(ana, None, part="morning", note="The office wrote this")
    mine, hers = (page(each.client, f"{PARENT}children/{ana.pk}/absence/") for each in (bob, ines))
    assert "Sore throat" in mine
    assert "Reported by you" in mine
    assert "Reported by another contact" in hers
    for text in (mine, hers):
        assert "The whole day · ill" in text
        assert "Reported by the school, who was told" in text
        assert "The office wrote this" not in text
    for private in ("Sore throat", "Bob", "bob@"):
        assert private not in hers
    for path in ("", "withdraw/"):
        assert ines.client.get(f"{PARENT}absences/{made.pk}/{path}").status_code == 404
        assert ines.client.post(f"{PARENT}absences/{made.pk}/{path}").status_code in {404, 405}
    assert reports_of(northgate)[0].withdrawn_at is None


@pytest.mark.parametrize("end", [{"ended_on": "2026-11-01"}, {"restricted": True}, {"blocked_at": "2026-11-01T00:00Z"}])
def test_a_tie_that_is_not_in_force_sees_and_says_nothing(
    bob: Person, northgate: School, ana: Student, end: dict[str, Any]
) -> None:
    with scope.school(northgate.pk):
        made = attendance.report(ana, bob.guardian)
        attendance.mark(ana, "absent")
        Tie.objects.update(**end)
    for path in (f"children/{ana.pk}/absence/", f"absences/{made.pk}/", f"absences/{made.pk}/withdraw/"):
        assert bob.client.get(PARENT + path).status_code == 404
        assert bob.client.post(PARENT + path, TODAY | {"sure": "on"}).status_code in {404, 405}
    assert [each.withdrawn_at for each in reports_of(northgate)] == [None]


def test_another_child_is_404(bob: Person, northgate: School, gita: Student) -> None:
    with scope.school(northgate.pk):
        sibling = people.student("Ben Reyes")
        made = attendance.report(sibling)
    for path in (f"children/{sibling.pk}/absence/", f"children/{gita.pk}/absence/", f"absences/{made.pk}/"):
        assert bob.client.get(PARENT + path).status_code == 404


def test_the_schools_mark_stands_beside_and_withdrawing_is_asked_first(
    bob: Person, northgate: School, ana: Student, marked: Run
) -> None:
    with scope.school(northgate.pk):
        made = attendance.report(ana, bob.guardian)
        attendance.mark(ana, "present", at=FETCHED)
    for path in (f"children/{ana.pk}/absence/", f"absences/{made.pk}/"):
        assert "present (AM mark, fetched 09:31)" in page(bob.client, PARENT + path)
    assert "Withdraw your report?" in page(bob.client, f"{PARENT}absences/{made.pk}/withdraw/")
    assert reports_of(northgate)[0].withdrawn_at is None
    assert "Withdrawn. The school knows" in post(bob.client, f"{PARENT}absences/{made.pk}/withdraw/")
    assert reports_of(northgate)[0].withdrawn_by == bob.account


def test_what_is_over_is_not_withdrawn(bob: Person, northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        made = attendance.report(ana, bob.guardian, first=datetime.date(2026, 11, 2))
    assert "Withdraw it" not in page(bob.client, f"{PARENT}absences/{made.pk}/")
    assert "These days are over" in post(bob.client, f"{PARENT}absences/{made.pk}/withdraw/")


def test_the_panel_of_a_child_says_marks_in_words(bob: Person, northgate: School, ana: Student, marked: Run) -> None:
    with scope.school(northgate.pk):
        attendance.mark(ana, "late", minutes_late=12, at=FETCHED)
    text = page(bob.client, f"{PARENT}children/{ana.pk}/")
    assert "late, 12 minutes (AM mark, fetched 09:31)" in text
    assert f"{PARENT}children/{ana.pk}/absence/" in text


def test_not_shared_is_not_none(bob: Person, northgate: School, ana: Student, marked: Run) -> None:
    path = f"{PARENT}children/{ana.pk}/"
    assert "no mark" in page(bob.client, path)
    with scope.school(northgate.pk):
        Connection.objects.update(connector="gg4l")  # GG4L has no attendance
    text = page(bob.client, path)
    assert "Attendance marks are not shared by the school’s system" in text
    assert "no mark" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    bob: Person, northgate: School, ana: Student, marked: Run, number: int, django_assert_num_queries: Any
) -> None:
    with scope.school(northgate.pk):
        for place in range(number):
            day = datetime.date(2026, 11, 24) - datetime.timedelta(days=place)
            attendance.report(ana, bob.guardian, first=day)
            attendance.mark(ana, "absent", date=day)
    page(bob.client, "/account/")  # the first request of a session notes the session
    # standing, child, reports, marks, four about the feed
    with django_assert_num_queries(EVERY_REQUEST + 8):
        assert page(bob.client, f"{PARENT}children/{ana.pk}/absence/").count("Reported by you") == number
