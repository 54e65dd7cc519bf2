"""Marks, reports and what was found out, of today unless told otherwise."""

import datetime
from typing import Any

from django.utils import timezone

from attendance.models import AbsenceReport, Mark, MarkChange, Resolution
from attendance.queries import absences
from tests.factories import people
from users.models import Account, Guardian, Student

CODES = {
    "present": "/", "late": "L", "absent": "N", "excused": "M", "elsewhere": "V", "not expected": "X",
    "unconfirmed": "-", "not taken": "", "unknown": "Q7",
}  # fmt: skip


def mark(student: Student, meaning: str, session: str = "am", **fields: Any) -> Mark:
    """Make a mark that says this, fetched a minute ago."""
    at = fields.pop("at", None) or timezone.now() - datetime.timedelta(minutes=1)
    return Mark.objects.create(
        **{
            "student": student,
            "date": timezone.localdate(),
            "session": session,
            "code": CODES[meaning],
            "said": meaning,
            "meaning": meaning,
            "first_fetched_at": at,
            "fetched_at": at,
            "changed_at": at,
            "run": 1,
            **fields,
        }
    )


def corrected(of: Mark, old: str, **fields: Any) -> MarkChange:
    """Note that a mark said something else before."""
    return MarkChange.objects.create(
        **{
            "mark": of,
            "at": timezone.now(),
            "run": 2,
            "old_code": CODES[old],
            "new_code": of.code,
            "old_meaning": old,
            "new_meaning": of.meaning,
            **fields,
        }
    )


def report(student: Student, guardian: Guardian | None = None, **fields: Any) -> AbsenceReport:
    """Make a report of the whole day, because of an illness."""
    first = fields.pop("first", None) or timezone.localdate()
    return AbsenceReport.objects.create(
        **{
            "student": student,
            "guardian": guardian,
            "first": first,
            "last": first,
            "reason": "ill",
            "reported_by": somebody(),
            "reported_at": timezone.now(),
            **fields,
        }
    )


def settled(student: Student, day: datetime.date, **fields: Any) -> Resolution:
    """Settle what is said of a student's day now."""
    facts = absences.row(student, day).day.facts
    values = {"facts": facts, "reason": "The mother rang.", "by": somebody(), "at": timezone.now()} | fields
    return Resolution.objects.create(student=student, date=day, **values)


def somebody() -> Account:
    """Return an account that is nobody's person."""
    found = Account.objects.filter(email="somebody@mail.example").first()
    return found or people.account("somebody@mail.example")
