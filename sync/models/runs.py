"""Runs, what they did, and what they could not take."""

import datetime
from typing import Any, ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.models import OwnedKey, SchoolOwned


class RunQuerySet(models.QuerySet["Run"]):
    """Filters of runs."""

    def whole(self, kind: str) -> Self:
        """Runs of this kind that are about the whole school: one about a single person says nothing of the others."""
        return self.filter(kind=kind, only="")

    def rosters(self) -> Self:
        """Runs of the whole school's roster; attendance has runs of its own (R17)."""
        return self.whole(Run.Kind.ROSTER)

    def finished(self) -> Self:
        """Runs that reached the database, whole or in their safe part."""
        return self.filter(status__in=[Run.Status.OK, Run.Status.PARTIAL])


class Run(SchoolOwned):
    """One run of one kind: queued, running, then one of its ends. The run row and what it wrote commit together."""

    class Kind(models.TextChoices):
        ROSTER = "roster", _("roster")
        ATTENDANCE = "attendance", _("attendance")

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("scheduled")
        RETRY = "retry", _("tried again")
        ONE_OFF = "one_off", _("one-off")
        COMMAND = "command", _("command line")
        FIRST = "first", _("first sync")
        DECISION = "decision", _("after a decision")
        UNDO = "undo", _("undo")
        MIS_CHANGE = "mis_change", _("change of MIS")

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        OK = "ok", _("finished")
        PARTIAL = "partial", _("finished, part held")
        HELD = "held", _("held")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(choices=Kind.choices, default=Kind.ROSTER)
    trigger = models.CharField(choices=Trigger.choices)
    status = models.CharField(choices=Status.choices, default=Status.QUEUED)
    local_date = models.DateField(help_text=_("The school's own date of the slot this run belongs to."))
    slot = models.CharField(blank=True, help_text=_("night, morning or afternoon; empty: nobody's slot (R19)."))
    late = models.BooleanField(default=False, help_text=_("It was caught up behind its time (R10)."))
    only = models.CharField(blank=True, help_text=_("One person or class, as kind:id; empty: the whole school."))
    generation = models.PositiveSmallIntegerField(default=1)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(blank=True, help_text=_("Why a person asked for it."))
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.JSONField(
        default=dict, help_text=_("While it runs: {stage, pages, rows}, for whoever watches; not of any decision.")
    )
    cancel_asked_at = models.DateTimeField(null=True, blank=True)
    cancel_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    unheard = models.BooleanField(
        default=False, help_text=_("It has ended, and nobody has looked yet whether that is a trouble.")
    )
    error_kind = models.CharField(blank=True, help_text=_("refused, busy, slow, broken, doubtful or internal."))
    error = models.CharField(blank=True, help_text=_("What happened and what to do next; no personal data."))
    plan_hash = models.CharField(blank=True)
    expects = models.CharField(
        blank=True, help_text=_("The plan a person has seen and confirmed; another one is not carried out (R3).")
    )
    counts = models.JSONField(
        default=dict, help_text=_("{kind: {arrived, amended, missing, left, returned, held, rows}}")
    )
    kinds = models.JSONField(default=dict, help_text=_("{kind: rows read} of the kinds proven complete."))
    stages = models.JSONField(default=list, help_text=_("[{name, seconds, note}] of each stage."))
    remarks = models.JSONField(default=list)
    fingerprint = models.CharField(blank=True, help_text=_("Of the roster as read; equal means the same feed."))
    feed = models.CharField(blank=True, help_text=_("Fingerprint of the records as they came."))
    standstill = models.CharField(
        blank=True, help_text=_("Fingerprint of what was held and the rules, where it found nothing to do.")
    )
    undoes = OwnedKey("self", models.PROTECT, null=True, blank=True, related_name="undone_by")

    objects = scope.OwnedManager.from_queryset(RunQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        ordering: ClassVar[list[str]] = ["-queued_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "kind"], condition=models.Q(status="running"), name="one_running_run_per_kind"
            ),
            models.UniqueConstraint(
                fields=["school", "kind", "local_date", "slot"],
                condition=models.Q(trigger="schedule"),
                name="one_scheduled_run_a_slot",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running"], finished_at__isnull=True)
                | models.Q(status__in=["ok", "partial", "held", "failed", "cancelled"], finished_at__isnull=False),
                name="run_has_ended_or_not",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "-queued_at"], name="run_by_time"),
            models.Index(
                fields=["school", "queued_at"],
                condition=models.Q(status__in=["queued", "running"]),
                name="run_under_way",
            ),
            models.Index(fields=["school", "finished_at"], condition=models.Q(status="failed"), name="run_failed"),
            models.Index(fields=["school"], condition=models.Q(unheard=True), name="run_unheard"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_over(self) -> bool:
        """Whether it reached one of its ends."""
        return self.finished_at is not None

    @property
    def took(self) -> datetime.timedelta | None:
        """How long it ran."""
        return self.finished_at - self.started_at if self.finished_at and self.started_at else None


BY_ITSELF: Final = frozenset({Run.Trigger.SCHEDULE, Run.Trigger.RETRY})  # nobody asked for them, so a pause stops them


class Change(SchoolOwned):
    """One thing a run did to one record: who, field, old, new, why (R13). Added, never changed."""

    class Action(models.TextChoices):
        ARRIVE = "arrive", _("added")
        AMEND = "amend", _("updated")
        MISS = "miss", _("missing")
        LEAVE = "leave", _("left")
        REJOIN = "rejoin", _("came back")
        END = "end", _("ended")
        REKEY = "rekey", _("new id")
        RELEASE = "release", _("your edit ended")

    run = OwnedKey(Run, models.CASCADE, related_name="changes")
    kind = models.CharField(
        help_text=_("students, guardians, staff, classes, ties, enrolments, teaching, medical, dietary")
    )
    person_id = models.BigIntegerField(null=True, help_text=_("The row of that kind, or of the student it is about."))
    label = models.CharField(help_text=_("The name as it was then."))
    ref = models.CharField(blank=True, help_text=_("The MIS's own id."))
    action = models.CharField(choices=Action.choices)
    field = models.CharField(blank=True)
    old = models.CharField(blank=True)
    new = models.CharField(blank=True)
    why = models.CharField(blank=True)
    exact = models.JSONField(
        null=True, help_text=_("What an undo needs, to the letter; see sync.pipeline.exact. Never of a note.")
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "run", "id"], name="change_by_run"),
            models.Index(fields=["school", "kind", "person_id", "-id"], name="change_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.kind} {self.person_id}"


class Refusal(SchoolOwned):
    """One record or address a run could not take as it stands, and what to change in the MIS (R28)."""

    run = OwnedKey(Run, models.CASCADE, related_name="refusals")
    kind = models.CharField()
    ref = models.CharField(blank=True)
    other_ref = models.CharField(blank=True)
    fault = models.CharField(blank=True, help_text=_("A word of sync.pipeline.roster.Fault: the bucket it lies in."))
    field = models.CharField(blank=True)
    reason = models.CharField()
    place = models.CharField(blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "run", "id"], name="refusal_by_run")]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"
