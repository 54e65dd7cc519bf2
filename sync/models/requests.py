"""What a school asks of support (R19): a sync now."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.models.runs import Run
from tenants.models import OwnedKey, SchoolOwned


class RunRequest(SchoolOwned):
    """A super user's wish for a one-off sync: support grants it with a run, or declines it with a reason.

    One a kind waits at a time.
    """

    kind = models.CharField(choices=Run.Kind.choices)
    only = models.CharField(blank=True, help_text=_("One person or class, as kind:id; empty: the whole school."))
    reason = models.CharField(help_text=_("Why the school wants it now."))
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    declined = models.CharField(blank=True, help_text=_("Why support did not do it; the school reads this."))
    run = OwnedKey(Run, models.PROTECT, null=True, blank=True, related_name="requests")

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "kind", "only"],
                condition=models.Q(answered_at__isnull=True),
                name="one_request_waits_a_kind",
            ),
            models.CheckConstraint(
                condition=models.Q(answered_at__isnull=True, run=None, declined="")
                | (models.Q(answered_at__isnull=False) & (models.Q(run__isnull=False) ^ ~models.Q(declined=""))),
                name="request_was_granted_or_declined",
            ),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"
