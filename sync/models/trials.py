"""Looks at a MIS that change nobody."""

import datetime
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import SchoolOwned

TRIAL_LOST_AFTER: Final = datetime.timedelta(minutes=15)  # longer than the waits for one partner's answer together


class Trial(SchoolOwned):
    """A look at the MIS that changes nobody: a connection test (R2), the first sync tried out (R3), or tonight's.

    One at a time for each kind. It speaks of the settings it was made with: `made_with` is their fingerprint.
    """

    class Kind(models.TextChoices):
        TEST = "test", _("connection test")
        PREVIEW = "preview", _("preview of the first sync")
        TONIGHT = "tonight", _("what changes tonight")
        REHEARSAL = "rehearsal", _("rehearsal of a change of MIS")

    kind = models.CharField(choices=Kind.choices)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    made_with = models.CharField(help_text=_("The fingerprint of the connection's settings."))
    error_kind = models.CharField(blank=True, help_text=_("refused, busy, broken, doubtful, internal or lost."))
    error = models.CharField(blank=True, help_text=_("What happened and what to do next; no personal data."))
    findings = models.JSONField(default=list, help_text=_("Of a test: [{part, reach, text}]."))
    summary = models.JSONField(
        default=dict,
        help_text=_("Of a preview, without personal data; of what changes tonight, with names, soon forgotten."),
    )
    plan_hash = models.CharField(blank=True, help_text=_("Of a preview: the plan it shows, without its night."))
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text=_("Of a preview: a person said “do it”."))

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "kind"], condition=models.Q(ended_at__isnull=True), name="one_trial_at_a_time"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "kind", "-asked_at"], name="trial_by_kind"),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk}"

    @property
    def went_well(self) -> bool:
        """Whether it came to its end without an error, and nothing that is needed was faulty."""
        return bool(self.ended_at) and not self.error_kind and all(row["reach"] != "faulty" for row in self.findings)

    def is_lost(self, now: datetime.datetime) -> bool:
        """Whether its worker must be gone: it may be asked for anew."""
        return self.ended_at is None and now - self.asked_at > TRIAL_LOST_AFTER
