"""The ids that MISs have given to people and classes."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import OwnedKey, SchoolOwned
from users.models import Guardian, SchoolClass, StaffMember, Student


class MisIdentity(SchoolOwned):
    """The id a MIS gave to one person or class: unique, never deleted, never re-pointed (a trigger says so; R23)."""

    generation = models.PositiveSmallIntegerField()
    kind = models.CharField()
    external_id = models.CharField()
    student = OwnedKey(Student, models.PROTECT, null=True, blank=True, related_name="+")
    guardian = OwnedKey(Guardian, models.PROTECT, null=True, blank=True, related_name="+")
    staff_member = OwnedKey(StaffMember, models.PROTECT, null=True, blank=True, related_name="+")
    school_class = OwnedKey(SchoolClass, models.PROTECT, null=True, blank=True, related_name="+")
    first_seen_on = models.DateField()

    class Meta:
        verbose_name_plural = _("MIS identities")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "generation", "kind", "external_id"], name="one_meaning_per_external_id"
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(
                        kind="students", student__isnull=False, guardian=None, staff_member=None, school_class=None
                    )
                    | models.Q(
                        kind="guardians", student=None, guardian__isnull=False, staff_member=None, school_class=None
                    )
                    | models.Q(kind="staff", student=None, guardian=None, staff_member__isnull=False, school_class=None)
                    | models.Q(
                        kind="classes", student=None, guardian=None, staff_member=None, school_class__isnull=False
                    )
                ),
                name="identity_is_one_record",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "student"], name="identity_by_student"),
            models.Index(fields=["school", "guardian"], name="identity_by_guardian"),
            models.Index(fields=["school", "staff_member"], name="identity_by_staff"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.external_id}"
