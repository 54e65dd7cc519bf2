"""Who may enter where: an account's people, staff roles, and support's time-boxed grants."""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import OwnedKey, School, SchoolOwned
from users.models.people import Guardian, StaffMember, Student


class Membership(models.Model):
    """An account is this person at this school. A global table of ids: sign-in must find schools before one is open."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    school = models.ForeignKey(School, models.CASCADE, related_name="memberships")
    student = OwnedKey(Student, models.CASCADE, null=True, blank=True, related_name="memberships")
    guardian = OwnedKey(Guardian, models.CASCADE, null=True, blank=True, related_name="memberships")
    staff_member = OwnedKey(StaffMember, models.CASCADE, null=True, blank=True, related_name="memberships")
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("A second school waits until the account's owner says yes (R32).")
    )
    refused_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The owner said: not me. It is kept, so that no night asks again.")
    )

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["student"], name="one_account_per_student"),
            models.UniqueConstraint(fields=["guardian"], name="one_account_per_guardian"),
            models.UniqueConstraint(fields=["staff_member"], name="one_account_per_staff_member"),
            models.CheckConstraint(
                condition=(
                    models.Q(student__isnull=False, guardian__isnull=True, staff_member__isnull=True)
                    | models.Q(student__isnull=True, guardian__isnull=False, staff_member__isnull=True)
                    | models.Q(student__isnull=True, guardian__isnull=True, staff_member__isnull=False)
                ),
                name="membership_is_one_person",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_at__isnull=True) | models.Q(refused_at__isnull=True),
                name="membership_is_confirmed_or_refused",
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "account"], name="membership_by_school")]

    def __str__(self) -> str:
        return f"account {self.account_id} at school {self.school_id}"


class RoleGrant(SchoolOwned):
    """A staff member holds a role (users.roles) from `granted_at` until `revoked_at`."""

    staff_member = OwnedKey(StaffMember, models.CASCADE, related_name="role_grants")
    role = models.CharField(help_text=_("A key of users.roles."))
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    reason = models.CharField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "staff_member", "role"],
                condition=models.Q(revoked_at__isnull=True),
                name="role_held_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} of staff member {self.staff_member_id}"


class SupportGrantQuerySet(models.QuerySet["SupportGrant"]):
    """Filters of grants."""

    def open_at(self, at: Any) -> Self:
        """Grants in force at this instant."""
        return self.filter(closed_at__isnull=True, expires_at__gt=at)


class SupportGrant(models.Model):
    """One of our people may look into one school for a while, for a reason, recorded. Global: it opens."""

    account = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="support_grants")
    school = models.ForeignKey(School, models.PROTECT, related_name="support_grants")
    reason = models.CharField()
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = SupportGrantQuerySet.as_manager()

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="support_grant_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("opened_at")), name="support_grant_ends_after_it_opened"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["account", "-opened_at"], name="grant_by_account")]

    def __str__(self) -> str:
        return f"support grant {self.pk}"
