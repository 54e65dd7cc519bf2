"""Saying that a student will not be there, and taking it back (R81). Nothing here changes a mark."""

import datetime
from typing import Final

from django.db import transaction

from attendance.models import AbsenceReport
from tenants.models import School
from tenants.operations import record
from tenants.queries import days_without_school
from users.models import Guardian, Student, Tie

LONGEST: Final = 14  # days; who is away for longer speaks with the school
FURTHEST: Final = 90  # days ahead
Reported = AbsenceReport.Part


class UnableToReport(Exception):
    """The absence cannot be reported like that; the message says why and what to do."""


class UnableToWithdraw(Exception):
    """The report cannot be withdrawn any more."""


@transaction.atomic
def report(
    *,
    school: School,
    student: Student,
    guardian: Guardian | None,
    first: datetime.date,
    last: datetime.date,
    reason: str,
    by: int,
    at: datetime.datetime,
    part: str = Reported.DAY,
    note: str = "",
) -> AbsenceReport:
    """Note that a guardian says a student will be away, or, without one, that the school was told otherwise.

    Raises:
        UnableToReport: days that make no sense or have no school, a report of theirs for the same time, no tie in
            force, or a student who has left.
    """
    Student.objects.select_for_update().get(pk=student.pk)  # two reports at once would both find no other
    check(school=school, student=student, guardian=guardian, first=first, last=last, part=part, at=at)
    made: AbsenceReport = AbsenceReport.objects.create(
        student=student,
        guardian=guardian,
        first=first,
        last=last,
        part=part,
        reason=reason,
        note=note.strip(),
        reported_by_id=by,
        reported_at=at,
    )
    record(action="absence.reported", by=by, at=at, subject=f"student:{student.pk}", reason=_said(made))
    return made


def check(
    *,
    school: School,
    student: Student,
    guardian: Guardian | None,
    first: datetime.date,
    last: datetime.date,
    part: str,
    at: datetime.datetime,
) -> None:
    """Check that this can be reported.

    Raises:
        UnableToReport: it cannot; the message says why.
    """
    _check_days(first, last, part, today=school.local(at).date())
    closed = days_without_school(school, first, last)
    if len(closed) > (last - first).days:
        why = ", ".join(dict.fromkeys(closed.values()))
        raise UnableToReport(f"There is no school then: {why}. Nothing needs to be reported.")
    _check_people(student, guardian)
    _check_others(student, guardian, first, last, part)


def _check_days(first: datetime.date, last: datetime.date, part: str, *, today: datetime.date) -> None:
    if last < first:
        raise UnableToReport("The last day lies before the first.")
    if part != Reported.DAY and first != last:
        raise UnableToReport("Half a day is of one day only. For several days, choose the whole day.")
    if (last - first).days >= LONGEST:
        raise UnableToReport(f"No more than {LONGEST} days at once. Speak with the school about a longer absence.")
    if first < today - datetime.timedelta(days=1):
        raise UnableToReport("That day is over. Tell the school’s office about days before yesterday.")
    if first > today + datetime.timedelta(days=FURTHEST):
        raise UnableToReport(f"That is too far ahead. Report it within {FURTHEST} days of the first day.")


def _check_people(student: Student, guardian: Guardian | None) -> None:
    if student.status == Student.Status.LEFT:
        raise UnableToReport(f"{student.name} has left the school.")
    if guardian and not Tie.objects.in_force().filter(guardian=guardian, student=student).exists():
        raise UnableToReport("Only a contact whom the school lists for this student can report that.")


def _check_others(
    student: Student, guardian: Guardian | None, first: datetime.date, last: datetime.date, part: str
) -> None:
    same = AbsenceReport.objects.standing().filter(student=student, guardian=guardian, first__lte=last, last__gte=first)
    whole = Reported.DAY
    other = next((one for one in same if whole in {one.part, part} or one.part == part), None)
    if other:
        raise UnableToReport(f"That is reported already: {_said(other)}. Withdraw that report first.")


@transaction.atomic
def withdraw(*, report: AbsenceReport, school: School, by: int, at: datetime.datetime) -> AbsenceReport:
    """Take a report back; it stays, marked as withdrawn. Withdrawing twice changes nothing.

    Raises:
        UnableToWithdraw: its days are over, so that what was said then stands.
    """
    report.refresh_from_db(from_queryset=AbsenceReport.objects.select_for_update())
    if report.withdrawn_at:
        return report
    if not can_be_withdrawn(report, today=school.local(at).date()):
        raise UnableToWithdraw("These days are over. Tell the school’s office if it was wrong.")
    report.withdrawn_by_id, report.withdrawn_at = by, at
    report.save(update_fields=["withdrawn_by", "withdrawn_at"])
    record(action="absence.withdrawn", by=by, at=at, subject=f"student:{report.student_id}", reason=_said(report))
    return report


def can_be_withdrawn(report: AbsenceReport, *, today: datetime.date) -> bool:
    """Whether a report can still be taken back: until the day after it."""
    return report.withdrawn_at is None and report.last >= today - datetime.timedelta(days=1)


def _said(report: AbsenceReport) -> str:
    """Say of a report when it is for, and nothing of why: the audit trail holds no reason of anybody's health."""
    days = f"{report.first.day} {report.first:%B}"
    if report.last != report.first:
        return f"{days} to {report.last.day} {report.last:%B}"
    return f"{days}, {Reported(report.part).label}"
