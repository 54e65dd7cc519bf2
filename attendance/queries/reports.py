"""What guardians reported, and what the school's marks say beside it (R81)."""

import dataclasses
import datetime
from collections.abc import Collection, Iterable
from typing import Final

from attendance.models import AbsenceReport, Mark
from attendance.queries.absences import said
from attendance.sources import Said
from users.models import Guardian, Student, Tie

SHOWN: Final = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class DayBeside:
    """One day of a report, and the school's marks of it."""

    date: datetime.date
    marks: tuple[Said, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Beside:
    """A report with the school's marks of its days beside it, up to today."""

    report: AbsenceReport
    days: tuple[DayBeside, ...]


def of_child(student: Student, *, today: datetime.date) -> tuple[Beside, ...]:
    """Return the last reports about a student, whoever made them, with the marks beside each, in two queries.

    Withdrawn ones as well: they were said. Whose they are decides what of them is shown.
    """
    reports = list(AbsenceReport.objects.filter(student=student).order_by("-first", "-id")[:SHOWN])
    days = {day for report in reports for day in days_of(report) if day <= today}
    marks = list(Mark.objects.filter(student=student, date__in=days))
    return tuple(_beside(report, marks, today) for report in reports)


def beside(report: AbsenceReport, *, today: datetime.date) -> Beside:
    """Return one report with the marks beside it, in one query."""
    marks = Mark.objects.filter(student_id=report.student_id, date__in=days_of(report))
    return _beside(report, list(marks), today)


def _beside(report: AbsenceReport, marks: Collection[Mark], today: datetime.date) -> Beside:
    dates = {mark.date for mark in marks} & {day for day in days_of(report) if day <= today}
    return Beside(report=report, days=tuple(DayBeside(date=day, marks=_said_on(day, marks)) for day in sorted(dates)))


def _said_on(day: datetime.date, marks: Iterable[Mark]) -> tuple[Said, ...]:
    return tuple(said(mark) for mark in marks if mark.date == day)


def days_of(report: AbsenceReport) -> list[datetime.date]:
    """Return the days of a report."""
    return [report.first + datetime.timedelta(days=number) for number in range((report.last - report.first).days + 1)]


def callers(student: Student) -> tuple[Guardian, ...]:
    """Return the guardians who may say that a student is away: those with a tie in force, by the order of calling."""
    ties = Tie.objects.in_force().filter(student=student).select_related("guardian").order_by("priority", "id")
    return tuple(tie.guardian for tie in ties if tie.guardian.status != Guardian.Status.LEFT)
