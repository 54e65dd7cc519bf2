"""Which slots were claimed, and that the dispatcher is alive. Global: both must answer before a school is open."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from sync import clock
from tenants.models import School


class Slot(models.Model):
    """One claimed slot of one school's date. That the row can be there once only is what makes a run happen once (R10).

    Every slot that was due is claimed, also where nothing could run: `outcome` says what became of it.
    """

    class Outcome(models.TextChoices):
        RUN = "run", _("a run was queued")
        SUSPENDED = "suspended", _("the school is suspended")
        NOT_CONNECTED = "not connected", _("no MIS is connected")
        NOT_CONFIRMED = "not confirmed", _("the first sync was not confirmed yet")
        PAUSED = "paused", _("reading is paused until somebody mends it")
        FROZEN = "frozen", _("the school changes its MIS")
        NO_SCHOOL = "no school", _("no school on this day")
        NOT_SHARED = "not shared", _("this MIS shares no marks")

    school = models.ForeignKey(School, models.CASCADE, related_name="slots")
    kind = models.CharField(help_text=_("roster or attendance."))
    slot = models.CharField(choices=[(slot.value, slot.value) for slot in clock.Slot])
    local_date = models.DateField(help_text=_("The date of the school's own calendar."))
    due_at = models.DateTimeField()
    claimed_at = models.DateTimeField()
    late = models.BooleanField(default=False, help_text=_("Caught up behind its time."))
    outcome = models.CharField(choices=Outcome.choices)
    run = models.BigIntegerField(null=True, help_text=_("The id of the run; the run itself is the school's own."))
    retry_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it is tried again, because the MIS was busy.")
    )
    retries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar[list[str]] = ["-due_at", "school_id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "kind", "local_date", "slot"], name="one_claim_a_slot"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["local_date", "slot"], name="slot_by_date"),
            models.Index(fields=["retry_at"], condition=models.Q(retry_at__isnull=False), name="slot_to_retry"),
        ]

    def __str__(self) -> str:
        return f"{self.slot} of {self.local_date}"


class Pulse(models.Model):
    """That something which must never fall silent was here: one row a name, written over each time."""

    DISPATCH: ClassVar[str] = "dispatch"

    name = models.CharField(primary_key=True)
    at = models.DateTimeField()
    seconds = models.FloatField(default=0, help_text=_("How long it took."))
    claimed = models.PositiveIntegerField(default=0, help_text=_("How many slots it claimed."))
    left = models.PositiveIntegerField(default=0, help_text=_("How many are due and wait for its next turn."))

    def __str__(self) -> str:
        return self.name
