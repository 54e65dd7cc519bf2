"""Marks of the open school as pages show them, each with its age (R15)."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping

from attendance.models import Mark


def of_student(student: int, *, first: datetime.date, last: datetime.date) -> tuple[Mark, ...]:
    """Return one student's marks of a span of days with their `changes`, the latest day first; two queries."""
    found = Mark.objects.filter(student=student, date__range=(first, last))
    return tuple(found.prefetch_related("changes"))


def of_day(students: Iterable[int], *, day: datetime.date) -> Mapping[int, tuple[Mark, ...]]:
    """Return the marks of many students on one day: {student: marks}, in the order of the day; one query.

    Who has none is not among them: that is neither present nor absent.
    """
    found: dict[int, list[Mark]] = defaultdict(list)
    for mark in Mark.objects.filter(date=day, student__in=list(students)):
        found[mark.student_id].append(mark)
    return {student: tuple(sorted(marks, key=_place)) for student, marks in found.items()}


_ORDER = ("day", "am", "lesson", "pm")


def _place(mark: Mark) -> tuple[int, str]:
    return _ORDER.index(mark.session), mark.lesson
