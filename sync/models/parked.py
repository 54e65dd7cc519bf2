"""Marks of students whom we do not know yet (R15)."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import SchoolOwned


class ParkedMark(SchoolOwned):
    """A mark of somebody the roster has not brought yet: it waits here until a roster run knows its `student_ref`.

    The same columns as `attendance.Mark`, but for the student. It is kept by the MIS's own ref, so it lives here:
    people do not know their MIS.
    """

    generation = models.PositiveSmallIntegerField()
    student_ref = models.CharField()
    date = models.DateField()
    session = models.CharField()
    lesson = models.CharField(blank=True)
    code = models.CharField(blank=True)
    said = models.CharField()
    label = models.CharField(blank=True)
    minutes_late = models.PositiveSmallIntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField(null=True, blank=True)
    fetched_at = models.DateTimeField()
    run = models.BigIntegerField(help_text=_("The id of the run that read it."))

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "generation", "student_ref", "date", "session", "lesson"], name="one_parked_mark"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session} of {self.date}"
