"""A monitor's word: of exactly the facts that were looked at, and open again once something else is said (R81)."""

from typing import Any

import pytest

from attendance.models import AbsenceReport, Mark, Resolution
from attendance.operations import resolutions
from attendance.queries import absences
from tenants.models import AuditEvent
from tests.attendance.conftest import AT, TUESDAY
from tests.factories import attendance
from users.models import Account, Guardian, Student


@pytest.fixture
def settle(ana: Student, account: Account) -> Any:
    def settled(facts: str | None = None, reason: str = "The mother rang: a cold.") -> Resolution:
        shown = absences.row(ana, TUESDAY).day.facts if facts is None else facts
        return resolutions.settle(student=ana, date=TUESDAY, facts=shown, reason=reason, by=account.pk, at=AT)

    return settled


def test_a_word_settles_and_changes_nothing_else(settle: Any, ana: Student, tom: Guardian) -> None:
    attendance.mark(ana, "present")
    attendance.report(ana, tom)
    before = list(Mark.objects.values()), list(AbsenceReport.objects.values())
    settle()
    assert (list(Mark.objects.values()), list(AbsenceReport.objects.values())) == before
    assert not absences.row(ana, TUESDAY).needs_a_look
    event = AuditEvent.objects.get()
    assert (event.action, event.subject) == ("absence.settled", f"student:{ana.pk}")


def test_the_first_word_on_the_same_facts_stands(settle: Any, ana: Student) -> None:
    attendance.mark(ana, "absent")
    first = settle()
    assert settle(reason="Something else.") == first
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_word_needs_words(settle: Any, ana: Student, reason: str) -> None:
    attendance.mark(ana, "absent")
    with pytest.raises(resolutions.UnableToSettle, match="what you found out"):
        settle(reason=reason)


def test_nothing_to_settle(settle: Any, ana: Student) -> None:
    with pytest.raises(resolutions.UnableToSettle, match="Nothing is said"):
        settle()


def test_what_was_looked_at_must_still_be_so(settle: Any, ana: Student) -> None:
    mark = attendance.mark(ana, "absent")
    shown = absences.row(ana, TUESDAY).day.facts
    mark.meaning, mark.code = "late", "L"
    mark.save()
    with pytest.raises(resolutions.UnableToSettle, match="Something else is said"):
        settle(shown)
    assert not Resolution.objects.exists()


def test_a_day_is_open_again_once_something_else_is_said(settle: Any, ana: Student) -> None:
    attendance.mark(ana, "absent")
    word = settle()
    attendance.mark(ana, "absent", "pm")
    row = absences.row(ana, TUESDAY)
    assert row.needs_a_look
    assert (row.resolution, row.outdated) == (None, word)


def test_a_mark_that_is_only_fetched_again_leaves_it_settled(settle: Any, ana: Student) -> None:
    mark = attendance.mark(ana, "absent")
    settle()
    mark.fetched_at = AT
    mark.save()
    assert absences.row(ana, TUESDAY).resolution


def test_reopening_takes_the_word_back_and_the_trail_keeps_it(settle: Any, ana: Student, account: Account) -> None:
    attendance.mark(ana, "absent")
    settle()
    assert resolutions.reopen(student=ana, date=TUESDAY, by=account.pk, at=AT)
    assert absences.row(ana, TUESDAY).needs_a_look
    assert "a cold" in AuditEvent.objects.get(action="absence.reopened").reason
    assert not resolutions.reopen(student=ana, date=TUESDAY, by=account.pk, at=AT)
    assert settle(reason="Again.").reason == "Again."
