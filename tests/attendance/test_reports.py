"""What can be reported, by whom, for when; and taking it back (R81)."""

import datetime
from typing import Any

import pytest

from attendance.models import AbsenceReport, Mark
from attendance.operations import reports
from attendance.queries.reports import beside, callers, of_child
from tenants.models import AuditEvent, Closure, School
from tests.attendance.conftest import AT, TUESDAY
from tests.factories import attendance, people
from users.models import Account, Guardian, Student, Tie


def day(number: int) -> datetime.date:
    """So many days after that Tuesday."""
    return TUESDAY + datetime.timedelta(days=number)


@pytest.fixture
def say(oakfield: School, ana: Student, tom: Guardian, account: Account) -> Any:
    """Report Ana away on these days, as Tom unless told otherwise."""

    def said(first: int = 0, last: int | None = None, part: str = "day", **fields: Any) -> AbsenceReport:
        return reports.report(
            **{
                "school": oakfield,
                "student": ana,
                "guardian": tom,
                "first": day(first),
                "last": day(first if last is None else last),
                "part": part,
                "reason": "ill",
                "by": account.pk,
                "at": AT,
                **fields,
            }
        )

    return said


def test_a_report_is_kept_as_it_was_said_and_noted_without_its_reason(say: Any, ana: Student, tom: Guardian) -> None:
    made = say(note="  Sore throat ")
    made.refresh_from_db()
    assert (made.student, made.guardian, made.note) == (ana, tom, "Sore throat")
    event = AuditEvent.objects.get()
    assert (event.action, event.subject) == ("absence.reported", f"student:{ana.pk}")
    assert event.reason == "24 November, the whole day"


@pytest.mark.parametrize(
    ("first", "last", "part", "why"),
    [
        (1, 0, "day", "before the first"),
        (0, 1, "morning", "Half a day is of one day only"),
        (0, 14, "day", "No more than 14 days"),
        (-2, 0, "day", "That day is over"),
        (91, 91, "day", "too far ahead"),
        (4, 5, "day", "There is no school then: no school on a Saturday, no school on a Sunday"),
    ],
)
def test_days_that_make_no_sense_are_refused_with_a_reason(
    say: Any, first: int, last: int, part: str, why: str
) -> None:
    with pytest.raises(reports.UnableToReport, match=why):
        say(first, last, part)
    assert not AbsenceReport.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(("first", "last"), [(-1, -1), (0, 13), (90, 90), (3, 6)])
def test_days_at_the_edge_are_taken(say: Any, first: int, last: int) -> None:
    assert say(first, last).last == day(last)


def test_a_closure_is_told_by_its_name(say: Any) -> None:
    Closure.objects.create(first=day(1), last=day(3), name="Half-term")
    with pytest.raises(reports.UnableToReport, match="no school then: Half-term"):
        say(2)
    assert say(0, 2)  # the first day of it has school


def test_the_date_is_the_schools_own(say: Any, oakfield: School) -> None:
    """At 20:00 UTC it is Wednesday in Kathmandu, so Monday is over there."""
    oakfield.timezone = "Asia/Kathmandu"
    evening = datetime.datetime(2026, 11, 24, 20, 0, tzinfo=datetime.UTC)
    with pytest.raises(reports.UnableToReport, match="That day is over"):
        say(-1, at=evening)
    assert say(0, at=evening)


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ((0, 0, "day"), (0, 0, "day"), False),
        ((0, 0, "day"), (0, 0, "morning"), False),
        ((0, 0, "morning"), (0, 0, "morning"), False),
        ((0, 0, "morning"), (0, 0, "afternoon"), True),
        ((0, 2, "day"), (2, 3, "day"), False),
        ((0, 1, "day"), (2, 3, "day"), True),
    ],
)
def test_a_guardian_reports_the_same_time_once(
    say: Any, first: tuple[int, int, str], second: tuple[int, int, str], *, taken: bool
) -> None:
    made = say(*first)
    if taken:
        assert say(*second)
        return
    with pytest.raises(reports.UnableToReport, match="reported already"):
        say(*second)
    made.withdrawn_at, made.withdrawn_by = AT, made.reported_by
    made.save()
    assert say(*second)


def test_two_guardians_and_the_school_each_say_what_they_say(say: Any, ana: Student) -> None:
    mother = people.guardian("Ines Reyes")
    people.tie(mother, ana)
    assert say()
    assert say(guardian=mother)
    assert say(guardian=None)
    with pytest.raises(reports.UnableToReport, match="reported already"):
        say(guardian=None)


@pytest.mark.parametrize("end", [{"ended_on": day(-1)}, {"restricted": True}, {"blocked_at": AT}])
def test_a_tie_that_is_not_in_force_says_nothing(say: Any, end: dict[str, Any], ana: Student) -> None:
    Tie.objects.update(**end)
    with pytest.raises(reports.UnableToReport, match="Only a contact whom the school lists"):
        say()
    assert callers(ana) == ()
    assert say(guardian=None)  # who takes the call may still note it


def test_who_has_left_is_not_reported(say: Any, ana: Student) -> None:
    ana.status = Student.Status.LEFT
    with pytest.raises(reports.UnableToReport, match="Ana Reyes has left"):
        say()


def test_a_report_changes_no_mark(say: Any, ana: Student) -> None:
    attendance.mark(ana, "present")
    before = list(Mark.objects.values())
    say()
    assert list(Mark.objects.values()) == before


def test_withdrawing_keeps_what_was_said_and_twice_is_once(say: Any, oakfield: School, account: Account) -> None:
    made = say()
    for _ in range(2):
        reports.withdraw(report=made, school=oakfield, by=account.pk, at=AT)
    made.refresh_from_db()
    assert (made.withdrawn_at, made.withdrawn_by) == (AT, account)
    assert AuditEvent.objects.filter(action="absence.withdrawn").count() == 1
    assert not AbsenceReport.objects.standing().exists()


def test_what_is_over_stands(oakfield: School, ana: Student, tom: Guardian, account: Account) -> None:
    over, edge = (attendance.report(ana, tom, first=day(number)) for number in (-2, -1))
    with pytest.raises(reports.UnableToWithdraw, match="over"):
        reports.withdraw(report=over, school=oakfield, by=account.pk, at=AT)
    assert reports.withdraw(report=edge, school=oakfield, by=account.pk, at=AT).withdrawn_at


def test_the_marks_stand_beside_each_report_up_to_today(
    ana: Student, tom: Guardian, django_assert_num_queries: Any
) -> None:
    made = attendance.report(ana, tom, first=day(-1), last=day(2))
    attendance.report(ana, tom, first=day(5))
    for number, meaning in ((-2, "absent"), (-1, "absent"), (0, "present")):
        attendance.mark(ana, meaning, date=day(number))
    with django_assert_num_queries(2):
        later, first = of_child(ana, today=TUESDAY)
    assert later.days == ()
    assert [(one.date, [mark.meaning for mark in one.marks]) for one in first.days] == [
        (day(-1), ["absent"]),
        (day(0), ["present"]),
    ]
    assert beside(made, today=TUESDAY) == first


def test_callers_come_in_the_order_of_calling(ana: Student, tom: Guardian) -> None:
    mother, gone = people.guardian("Ines Reyes"), people.guardian("Old Friend", status="left")
    Tie.objects.update(priority=2)
    people.tie(mother, ana, priority=1)
    people.tie(gone, ana, priority=3)
    assert callers(ana) == (mother, tom)
