"""What a monitor found out about one student's day (R81). It changes neither mark nor report."""

import datetime

from django.db import transaction

from attendance.models import Resolution
from attendance.queries import absences
from tenants.operations import record
from users.models import Student


class UnableToSettle(Exception):
    """It cannot be settled like that; the message says why."""


@transaction.atomic
def settle(
    *, student: Student, date: datetime.date, facts: str, reason: str, by: int, at: datetime.datetime
) -> Resolution:
    """Note what was found out about a student's day; `facts` is what the monitor was looking at.

    Settling the same facts twice changes nothing: the first word stands until it is reopened.

    Raises:
        UnableToSettle: no reason; nothing is said of that day; or something else is said by now.
    """
    if not reason.strip():
        raise UnableToSettle("Say what you found out, so that whoever looks next need not ask again.")
    Student.objects.select_for_update().get(pk=student.pk)
    row = absences.row(student, date)
    if not row.day.marks and not row.reports:
        raise UnableToSettle("Nothing is said of this day any more.")
    if row.day.facts != facts:
        raise UnableToSettle("Something else is said of this day by now. Look at it again before you settle it.")
    if row.resolution:
        return row.resolution
    made: Resolution = Resolution.objects.create(
        student=student, date=date, facts=facts, reason=reason.strip(), by_id=by, at=at
    )
    record(action="absence.settled", by=by, at=at, subject=f"student:{student.pk}", reason=f"{date}: {made.reason}")
    return made


@transaction.atomic
def reopen(*, student: Student, date: datetime.date, by: int, at: datetime.datetime) -> bool:
    """Take back the word that stands on a student's day, and say whether there was one; the audit trail keeps it."""
    Student.objects.select_for_update().get(pk=student.pk)
    standing = absences.row(student, date).resolution
    if standing is None:
        return False
    record(
        action="absence.reopened", by=by, at=at, subject=f"student:{student.pk}", reason=f"{date}: {standing.reason}"
    )
    standing.delete()
    return True
