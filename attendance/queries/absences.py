"""Who is away on a day, from all sources side by side (R16, R81): one student's flag, a list's, the monitors' list."""

import collections
import dataclasses
import datetime
import functools
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from django.db.models import Count, Prefetch, Q

from attendance.models import AWAY, AbsenceReport, Mark, MarkChange, Meaning, Resolution, Session
from attendance.sources import Day, Said, Told, Verdict, day_of
from users.models import Student

CORRECTIONS_SHOWN: Final = 50
LOOK, SETTLED, ALL = "look", "settled", "all"  # the lists that are no verdict

# Marks that make a student worth a row of the monitors' list.
_TELLING: Final = frozenset(Meaning) - {Meaning.PRESENT, Meaning.ELSEWHERE, Meaning.NOT_EXPECTED}


def said(mark: Mark) -> Said:
    """Return what a mark says, as a value."""
    return Said(
        session=mark.session,
        meaning=mark.meaning,
        code=mark.code,
        fetched_at=mark.fetched_at,
        lesson=mark.lesson,
        label=mark.label,
        minutes_late=mark.minutes_late,
    )


def told(report: AbsenceReport) -> Told:
    """Return what a report tells, as a value."""
    return Told(report=report.pk, part=report.part, by_guardian=report.guardian_id is not None)


def flags(student_ids: Collection[int], day: datetime.date) -> dict[int, Day]:
    """Return the day of each of these students from all sources, in two queries however many there are."""
    marks = Mark.objects.filter(student_id__in=student_ids, date=day)
    reports = AbsenceReport.objects.standing().filter(student_id__in=student_ids, first__lte=day, last__gte=day)
    return _days(student_ids, marks, reports)


def _days(students: Collection[int], marks: Iterable[Mark], reports: Iterable[AbsenceReport]) -> dict[int, Day]:
    saying: dict[int, list[Said]] = collections.defaultdict(list)
    telling: dict[int, list[Told]] = collections.defaultdict(list)
    for mark in marks:
        saying[mark.student_id].append(said(mark))
    for report in reports:
        telling[report.student_id].append(told(report))
    return {pk: day_of(saying[pk], telling[pk]) for pk in students}


# The monitors' list.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One student on the monitors' list: what each source says, and what a monitor has said about exactly that."""

    student: Student
    day: Day
    reports: tuple[AbsenceReport, ...]
    resolution: Resolution | None = None
    outdated: Resolution | None = None  # settled once, and something else is said since

    @property
    def needs_a_look(self) -> bool:
        """Whether it waits for a monitor."""
        return self.resolution is None and self.day.verdict.needs_a_look

    def is_on(self, which: str) -> bool:
        """Whether it is on this list: “look”, “settled”, “all”, or those of a verdict."""
        listed = {LOOK: self.needs_a_look, SETTLED: self.resolution is not None, ALL: True}
        return listed.get(which, self.day.verdict == which)


def rows(day: datetime.date) -> tuple[Row, ...]:
    """Return everybody of whom a mark or a report says more than “present”, the most urgent first, in four queries."""
    reports = list(
        AbsenceReport.objects.standing().filter(first__lte=day, last__gte=day).select_related("guardian").order_by("id")
    )
    telling = Mark.objects.filter(date=day, meaning__in=_TELLING).values("student_id")
    reported = {report.student_id for report in reports}
    students = {found.pk: found for found in Student.objects.filter(Q(pk__in=telling) | Q(pk__in=reported))}
    days = _days(students, Mark.objects.filter(date=day, student_id__in=students), reports)
    words: dict[int, list[Resolution]] = collections.defaultdict(list)
    for resolution in Resolution.objects.filter(date=day).select_related("by"):
        words[resolution.student_id].append(resolution)
    found = [_row(student, days[pk], reports, words[pk]) for pk, student in students.items()]
    return tuple(sorted(found, key=lambda row: (row.day.verdict.rank, row.student.folded, row.student.pk)))


def row(student: Student, day: datetime.date) -> Row:
    """Return one student's row, in three queries."""
    reports = list(
        AbsenceReport.objects.standing()
        .filter(student=student, first__lte=day, last__gte=day)
        .select_related("guardian")
        .order_by("id")
    )
    days = _days([student.pk], Mark.objects.filter(date=day, student=student), reports)
    words = list(Resolution.objects.filter(date=day, student=student).select_related("by"))
    return _row(student, days[student.pk], reports, words)


def _row(student: Student, day: Day, reports: Iterable[AbsenceReport], words: Sequence[Resolution]) -> Row:
    """`words` are a student's resolutions of the day, the newest first."""
    standing = next((word for word in words if word.facts == day.facts), None)
    return Row(
        student=student,
        day=day,
        reports=tuple(report for report in reports if report.student_id == student.pk),
        resolution=standing,
        outdated=None if standing or not words else words[0],
    )


def tally(found: Iterable[Row]) -> Mapping[str, int]:
    """Count the rows of each list: of each verdict, and of “look”, “settled” and “all”."""
    lists = (LOOK, SETTLED, ALL, *Verdict)
    return collections.Counter(which for each in found for which in lists if each.is_on(which))


def corrections(day: datetime.date, *, since: datetime.datetime, until: datetime.datetime) -> tuple[MarkChange, ...]:
    """Return what marks of earlier days came to say between these instants: who was away and was not, or the reverse.

    One query; the newest first, no more than a page holds.
    """
    now_away, was_away = Q(new_meaning__in=AWAY), Q(old_meaning__in=AWAY)
    changed = (now_away & ~was_away) | (was_away & ~now_away) | Q(new_meaning=Meaning.UNKNOWN)
    found = MarkChange.objects.filter(changed, mark__date__lt=day, at__gte=since, at__lt=until)
    return tuple(found.select_related("mark__student").order_by("-at", "-id")[:CORRECTIONS_SHOWN])


# The last weeks.


@dataclasses.dataclass(frozen=True, kw_only=True)
class DayCounts:
    """How many students the MIS's marks of a day call absent, absent with leave, and late."""

    date: datetime.date
    absent: int
    excused: int
    late: int


def counts(days: Collection[datetime.date]) -> tuple[DayCounts, ...]:
    """Count the students of each of these days, in one query; who was both absent and late counts as each."""
    meanings = (Meaning.ABSENT, Meaning.EXCUSED, Meaning.LATE)
    found = Mark.objects.filter(date__in=days, meaning__in=meanings).order_by().values_list("date", "meaning")
    by_day = {(date, meaning): number for date, meaning, number in found.annotate(Count("student", distinct=True))}
    return tuple(
        DayCounts(**{"date": day, **{meaning.value: by_day.get((day, meaning), 0) for meaning in meanings}})
        for day in sorted(days)
    )


# One student.


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudentDay:
    """One day of one student: what all say, and the marks with their history."""

    date: datetime.date
    day: Day
    marks: tuple[Mark, ...]
    reports: tuple[AbsenceReport, ...]

    @property
    def letters(self) -> str:
        """The codes of the MIS, as a register shows them: “/ N”."""
        return " ".join(mark.code or "–" for mark in self.marks)


def history(student: Student, days: Collection[datetime.date]) -> tuple[StudentDay, ...]:
    """Return these days of a student, each mark with its changes, in three queries."""
    changes = Prefetch("changes", MarkChange.objects.order_by("-id"))
    marks = list(Mark.objects.filter(student=student, date__in=days).prefetch_related(changes))
    covering = [Q(first__lte=day, last__gte=day) for day in days] or [Q(pk=None)]
    reports = list(
        AbsenceReport.objects.standing()
        .filter(functools.reduce(operator.or_, covering), student=student)
        .order_by("id")
    )
    return tuple(_student_day(day, marks, reports) for day in sorted(days))


def _student_day(date: datetime.date, marks: Iterable[Mark], reports: Iterable[AbsenceReport]) -> StudentDay:
    order = list(Session)
    ours = sorted(
        (one for one in marks if one.date == date), key=lambda one: (order.index(Session(one.session)), one.lesson)
    )
    told_then = tuple(report for report in reports if report.first <= date <= report.last)
    day = day_of(map(said, ours), map(told, told_then))
    return StudentDay(date=date, day=day, marks=tuple(ours), reports=told_then)
