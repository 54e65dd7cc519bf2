"""What waits for a person, and what the person decided about it."""

import datetime
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from sync.models.runs import Run
from tenants import scope
from tenants.models import OwnedKey, SchoolOwned


class Hold(SchoolOwned):
    """A part of a run's plan that waits for a person; the safe rest went in (R12).

    Every run judges afresh. `digest` names the very facts: the same case on the next night has the same one, and what a
    person decided about it holds only as long as they do.
    """

    run = OwnedKey(Run, models.CASCADE, related_name="holds")
    kind = models.CharField()
    case = models.CharField(blank=True, help_text=_("A word of sync.pipeline.plan.Case."))
    digest = models.CharField(blank=True)
    sides = models.JSONField(default=list, help_text=_("[{title, kind, id, ref, facts: [[field, value]]}]"))
    options = models.JSONField(default=list, help_text=_("[{key, label, effect}]: what a person may choose."))
    reason = models.CharField(help_text=_("One sentence: what would have happened and why it waits."))
    refs = models.JSONField(default=list, help_text=_("The MIS's ids it is about."))
    labels = models.JSONField(default=list, help_text=_("Their names as they were then."))

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "run", "id"], name="hold_by_run")]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Filters of decisions."""

    def standing(self) -> Self:
        """Decisions that nobody took back and, of the approvals that run out, none that a run has used up."""
        return self.filter(models.Q(expires_at=None) | models.Q(run=None), withdrawn_at=None)

    def in_force(self, at: datetime.datetime) -> Self:
        """Decisions that a run at this moment goes by."""
        return self.standing().filter(models.Q(expires_at=None) | models.Q(expires_at__gt=at))


class Decision(SchoolOwned):
    """What a person decided about a hold: of exactly these facts, for they are its digest (R12, R22–R24, D4).

    An approval that runs out (`expires_at`) lets one run do it, once; every other decision is gone by every night.
    """

    digest = models.CharField()
    case = models.CharField()
    kind = models.CharField()
    choice = models.CharField(help_text=_("The key of one of the hold's options."))
    says = models.CharField(help_text=_("The option in words, and the hold's reason, as they were shown."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("NULL: it holds as long as the facts do."))
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    run = OwnedKey(Run, models.PROTECT, null=True, blank=True, related_name="decisions")  # that carried it out

    objects = scope.OwnedManager.from_queryset(DecisionQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "digest"], condition=models.Q(withdrawn_at=None), name="one_decision_per_case"
            ),
        ]

    def __str__(self) -> str:
        return f"decision {self.pk}"

    def holds_at(self, moment: datetime.datetime) -> bool:
        """Whether it has not come to its end; withdrawn and used ones are the queryset's affair."""
        return self.expires_at is None or self.expires_at > moment

    @property
    def is_used_up(self) -> bool:
        """Whether it was an approval for one time, and a run has carried it out."""
        return self.expires_at is not None and self.run_id is not None
