"""What a super user corrected by hand, kept beside what the MIS said when they did (R66)."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.models import OwnedKey, SchoolOwned
from users.models.people import Guardian, StaffMember, Student, shared_text


class LocalEditQuerySet(models.QuerySet["LocalEdit"]):
    """Filters of edits."""

    def open(self) -> Self:
        """Edits that still stand."""
        return self.filter(closed_at=None)


class LocalEdit(SchoolOwned):
    """A field of one person that the school corrected: the person's column holds `value`, as everybody sees it.

    `replaced` is what the MIS said then: while it goes on saying that, the edit of a name stands. A field has one open
    edit at most.
    """

    student = OwnedKey(Student, models.CASCADE, null=True, blank=True, related_name="+")
    guardian = OwnedKey(Guardian, models.CASCADE, null=True, blank=True, related_name="+")
    staff_member = OwnedKey(StaffMember, models.CASCADE, null=True, blank=True, related_name="+")
    field = models.CharField(help_text=_("A column of the person: given_name, email, phone …"))
    value = models.CharField(blank=True)
    replaced = shared_text(help_text=_("What the MIS said; NULL: it was not shared."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_why = models.CharField(blank=True)

    objects = scope.OwnedManager.from_queryset(LocalEditQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        constraints: ClassVar[list[Any]] = [
            *(
                models.UniqueConstraint(
                    fields=["school", person, "field"],
                    condition=models.Q(closed_at=None, **{f"{person}__isnull": False}),
                    name=f"one_open_edit_of_a_{person}",
                )
                for person in ("student", "guardian", "staff_member")
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(student__isnull=False, guardian=None, staff_member=None)
                    | models.Q(student=None, guardian__isnull=False, staff_member=None)
                    | models.Q(student=None, guardian=None, staff_member__isnull=False)
                ),
                name="edit_is_of_one_person",
            ),
        ]

    def __str__(self) -> str:
        return f"edit {self.pk} of {self.field}"
