"""Connections to a MIS, runs and what they did, and the identities a MIS has given to people."""

import datetime
from typing import Any, ClassVar, Final, Self

from django.conf import settings
from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.models import OwnedKey, SchoolOwned
from tenants.secrets import EncryptedJSONField
from users.models import Guardian, SchoolClass, StaffMember, Student

ROLL_BACK_WITHIN: Final = datetime.timedelta(days=14)  # R25
TRIAL_LOST_AFTER: Final = datetime.timedelta(minutes=15)  # longer than the waits for one partner's answer together


class MisProduct(models.Model):
    """A school information system, and the partner through which we reach it. Adding one is no deploy (R7)."""

    name = models.CharField()
    partner = models.CharField(blank=True, help_text=_("Wonde, GG4L, or empty when we read it ourselves."))
    connector = models.CharField(help_text=_("The key of a connector in sync.registry."))
    abilities = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("{ability: {says, note}} of sync.catalogue (R4)."),
    )
    notes = models.TextField(blank=True, help_text=_("What is special about this system; a paragraph a line."))
    ours = models.BooleanField(
        default=False, help_text=_("Support wrote or changed this row, so a deploy leaves it as it is.")
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["name", "partner"]
        verbose_name = _("MIS")
        verbose_name_plural = _("MISs")
        constraints: ClassVar[list[Any]] = [
            # One system may be reached through two partners, and they may share different things.
            models.UniqueConstraint(fields=["name", "partner"], name="one_product_per_name_and_partner"),
        ]

    def __str__(self) -> str:
        return f"{self.name} via {self.partner}" if self.partner else self.name

    @property
    def slug(self) -> str:
        """Its part of an address: “sims-via-wonde”."""
        return slugify(str(self).replace("/", " "))


class Connection(SchoolOwned):
    """How one school's MIS is reached: one active connection a school; `generation` counts MIS changes (R25)."""

    product = models.ForeignKey(MisProduct, models.PROTECT, null=True, blank=True, related_name="+")
    connector = models.CharField(help_text=_("The key of a connector in sync.registry."))
    settings = EncryptedJSONField(default=dict, help_text=_("The connector's settings, encrypted at rest."))
    generation = models.PositiveSmallIntegerField(default=1)
    active = models.BooleanField(default=True)
    paused_reason = models.CharField(blank=True, help_text=_("Why nothing is read: what the MIS refused."))

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school"], condition=models.Q(active=True), name="one_active_connection"),
        ]

    def __str__(self) -> str:
        return str(self.product) if self.product else self.connector


class RunQuerySet(models.QuerySet["Run"]):
    """Filters of runs."""

    def finished(self) -> Self:
        """Runs that reached the database, whole or in their safe part."""
        return self.filter(status__in=[Run.Status.OK, Run.Status.PARTIAL])


class Run(SchoolOwned):
    """One roster run: queued, running, then one of four ends. The run row, the data and the changes commit together."""

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("nightly")
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

    kind = models.CharField(default="roster")
    trigger = models.CharField(choices=Trigger.choices)
    status = models.CharField(choices=Status.choices, default=Status.QUEUED)
    local_date = models.DateField(help_text=_("The school's own date of the night this run belongs to."))
    generation = models.PositiveSmallIntegerField(default=1)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(blank=True, help_text=_("Why a person asked for it."))
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_kind = models.CharField(blank=True, help_text=_("refused, busy, broken, doubtful or internal."))
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
                fields=["school", "kind", "local_date"],
                condition=models.Q(trigger="schedule"),
                name="one_scheduled_run_a_night",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["queued", "running"], finished_at__isnull=True)
                | models.Q(status__in=["ok", "partial", "held", "failed"], finished_at__isnull=False),
                name="run_has_ended_or_not",
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "-queued_at"], name="run_by_time")]

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


class CharacterReview(SchoolOwned):
    """Names that look broken (`MuÃ±oz`) with a proposal for each; support looks at them, none applies itself (R67).

    `proposals` are [{kind, id, field, now, proposed, sure, why}] in the order shown; `proposed` is "" where nobody can
    tell from the text what stood there.
    """

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    proposals = models.JSONField(default=list)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    applied = models.PositiveIntegerField(default=0, help_text=_("How many proposals were taken."))

    class Meta:
        ordering: ClassVar[list[str]] = ["-asked_at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school"], condition=models.Q(reviewed_at=None), name="one_open_character_review"
            ),
        ]

    def __str__(self) -> str:
        return f"character review {self.pk}"


class MisChange(SchoolOwned):
    """A school's move to another MIS, as a project with stages (R25). While one is open nobody has anything read.

    `answers` are by the key of a question (`sync.pipeline.cutover.Question`). `records` are what the new MIS says of
    those in doubt, to stand beside ours; they are forgotten when the change ends.
    """

    class State(models.TextChoices):
        ANNOUNCED = "announced", _("announced: reading is frozen")
        REHEARSED = "rehearsed", _("rehearsed: people are matched")
        CUT_OVER = "cut_over", _("cut over")
        ROLLED_BACK = "rolled_back", _("rolled back")
        CANCELLED = "cancelled", _("cancelled")

    OPEN: ClassVar = (State.ANNOUNCED, State.REHEARSED)

    state = models.CharField(choices=State.choices, default=State.ANNOUNCED)
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    consultation = models.TextField(blank=True, help_text=_("Who was consulted, what was agreed, when it happens."))
    old = OwnedKey(Connection, models.PROTECT, related_name="+")
    new = OwnedKey(Connection, models.PROTECT, null=True, blank=True, related_name="+")
    rehearsed_at = models.DateTimeField(null=True, blank=True)
    matching = models.JSONField(default=dict, help_text=_("See sync.pipeline.matching.Matching; ids, no names."))
    digest = models.CharField(blank=True, help_text=_("Of the matching that was reviewed; another one is refused."))
    found = models.JSONField(default=dict, help_text=_("What the rehearsal counted, see sync.operations.mis_change."))
    records = EncryptedJSONField(default=dict, help_text=_("{key of a question: [[field, value]]}"))
    answers = models.JSONField(default=dict, help_text=_("{key of a question: what a person chose}"))
    proof = models.JSONField(default=dict, help_text=_("Logins and stakes before and after, counted and hashed."))
    run = OwnedKey(Run, models.PROTECT, null=True, blank=True, related_name="+")  # that cut over
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("Cut over, rolled back or cancelled."))
    rolled_back_at = models.DateTimeField(null=True, blank=True)
    rolled_back_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at", "-id"]
        verbose_name = _("change of MIS")
        verbose_name_plural = _("changes of MIS")
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school"],
                condition=models.Q(state__in=["announced", "rehearsed"]),
                name="one_open_change_of_mis",
            ),
        ]

    def __str__(self) -> str:
        return f"change of MIS {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it is under way, so that nothing is read."""
        return self.state in self.OPEN

    @property
    def back_until(self) -> datetime.datetime | None:
        """Until when it may be rolled back, once it was cut over."""
        return self.ended_at + ROLL_BACK_WITHIN if self.state == self.State.CUT_OVER and self.ended_at else None


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
