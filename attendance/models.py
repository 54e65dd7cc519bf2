"""Marks as the MIS says them, with their history; what codes mean at a school; what guardians report; what is settled.

Three sources stand beside each other and none writes over another (R81): the MIS's marks, guardians' reports, and the
registers of activities once there are any.
"""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.models import OwnedKey, SchoolOwned
from users.models import Guardian, Student


class Session(models.TextChoices):
    """The part of a day that a mark is of; the words of `sync.records.Session`."""

    AM = "am", _("morning")
    PM = "pm", _("afternoon")
    DAY = "day", _("whole day")
    LESSON = "lesson", _("lesson")


class Meaning(models.TextChoices):
    """What a mark says; the words of `sync.records.Meaning`. “Not taken” is neither present nor absent (R15)."""

    NOT_TAKEN = "not taken", _("register not taken yet")
    UNCONFIRMED = "unconfirmed", _("in, says the MIS by itself")
    PRESENT = "present", _("present")
    LATE = "late", _("late")
    ABSENT = "absent", _("absent")
    EXCUSED = "excused", _("absent with leave")
    ELSEWHERE = "elsewhere", _("on the school’s business elsewhere")
    NOT_EXPECTED = "not expected", _("not expected")
    UNKNOWN = "unknown", _("nobody has said what this code means")


AWAY: frozenset[str] = frozenset({Meaning.ABSENT, Meaning.EXCUSED})  # not at school, with or without leave
THERE: frozenset[str] = frozenset({Meaning.PRESENT, Meaning.LATE})  # at school, and somebody has seen them


class MarkQuerySet(models.QuerySet["Mark"]):
    """Filters of marks."""

    def away(self) -> Self:
        """Marks that say that a student is not at school."""
        return self.filter(meaning__in=AWAY)


class Mark(SchoolOwned):
    """One mark of one student: unique by date, session and lesson, corrected by later runs (R15).

    `said` is what the MIS says the code means, `meaning` what holds at the school: the same, unless the school has said
    otherwise (`Code`). It is never guessed: a code that nobody has explained is `unknown` and shown as it is.
    """

    student = OwnedKey(Student, models.CASCADE, related_name="marks")
    date = models.DateField(help_text=_("The register's own date."))
    session = models.CharField(choices=Session.choices)
    lesson = models.CharField(blank=True, help_text=_("The MIS's own id of the lesson."))
    code = models.CharField(blank=True, help_text=_("The MIS's own code; empty: the register was not taken."))
    said = models.CharField(choices=Meaning.choices)
    meaning = models.CharField(choices=Meaning.choices)
    label = models.CharField(blank=True, help_text=_("What the MIS calls the code."))
    minutes_late = models.PositiveSmallIntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField(null=True, blank=True, help_text=_("When the MIS says it was entered."))
    first_fetched_at = models.DateTimeField()
    fetched_at = models.DateTimeField(help_text=_("When the MIS last said so: the age of the mark."))
    changed_at = models.DateTimeField(help_text=_("When what it says changed last."))
    run = models.BigIntegerField(help_text=_("The id of the run that changed it last."))

    objects = scope.OwnedManager.from_queryset(MarkQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        ordering: ClassVar[list[str]] = ["-date", "session", "lesson", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["school", "student", "date", "session", "lesson"], name="one_mark_a_session"
            ),
            models.CheckConstraint(
                condition=models.Q(session=Session.LESSON) | models.Q(lesson=""), name="only_lessons_have_a_lesson"
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "date", "meaning"], name="mark_by_day"),
            models.Index(fields=["school", "code"], name="mark_by_code"),
        ]

    def __str__(self) -> str:
        return f"{self.session} of {self.date}"


class MarkChange(SchoolOwned):
    """What a mark said before, when it changed and why; added, never changed (R15)."""

    mark = OwnedKey(Mark, models.CASCADE, related_name="changes")
    at = models.DateTimeField()
    run = models.BigIntegerField(null=True, help_text=_("The id of the run; empty: the school said what a code means."))
    old_code = models.CharField(blank=True)
    new_code = models.CharField(blank=True)
    old_meaning = models.CharField(choices=Meaning.choices)
    new_meaning = models.CharField(choices=Meaning.choices)
    old_minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    new_minutes = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[str]] = ["id"]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "mark", "id"], name="mark_change_by_mark"),
            models.Index(fields=["school", "at"], name="mark_change_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.old_code} → {self.new_code}"


class Code(SchoolOwned):
    """A code that came in a mark: what the MIS says it means, and what the school has said, if it has (R15)."""

    code = models.CharField()
    label = models.CharField(blank=True, help_text=_("What the MIS calls it."))
    said = models.CharField(choices=Meaning.choices, help_text=_("What the MIS says it means."))
    meaning = models.CharField(
        choices=[choice for choice in Meaning.choices if choice[0] not in {Meaning.UNKNOWN, Meaning.NOT_TAKEN}],
        blank=True,
        help_text=_("What the school says it means; empty: as the MIS says."),
    )
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    first_seen_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["code"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "code"], name="one_row_a_code"),
            models.CheckConstraint(
                condition=models.Q(meaning="", decided_at__isnull=True)
                | (~models.Q(meaning="") & models.Q(decided_at__isnull=False)),
                name="code_was_decided_or_not",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def holds(self) -> str:
        """What the code means here."""
        return self.meaning or self.said


class AbsenceReportQuerySet(models.QuerySet["AbsenceReport"]):
    """Filters of reports."""

    def standing(self) -> Self:
        """Reports that were not withdrawn."""
        return self.filter(withdrawn_at=None)


class AbsenceReport(SchoolOwned):
    """What a guardian tells the school: their child will not be there (R81). It changes no mark, nor is it changed."""

    class Part(models.TextChoices):
        DAY = "day", _("the whole day")
        MORNING = "morning", _("the morning")
        AFTERNOON = "afternoon", _("the afternoon")

    class Reason(models.TextChoices):
        ILL = "ill", _("ill")
        APPOINTMENT = "appointment", _("an appointment")
        FAMILY = "family", _("a family matter")
        RELIGION = "religion", _("a religious day")
        OTHER = "other", _("something else")

    student = OwnedKey(Student, models.CASCADE, related_name="absence_reports")
    guardian = OwnedKey(Guardian, models.PROTECT, null=True, blank=True, related_name="+", help_text=_("Who says so."))
    first = models.DateField()
    last = models.DateField(help_text=_("The last day, absent as well."))
    part = models.CharField(choices=Part.choices, default=Part.DAY, help_text=_("Of a single day."))
    reason = models.CharField(choices=Reason.choices)
    note = models.CharField(blank=True, max_length=500)
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reported_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = scope.OwnedManager.from_queryset(AbsenceReportQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        ordering: ClassVar[list[str]] = ["-first", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(condition=models.Q(last__gte=models.F("first")), name="report_ends_after_it_begins"),
            models.CheckConstraint(
                condition=models.Q(part="day") | models.Q(last=models.F("first")), name="half_a_day_is_one_day"
            ),
            models.CheckConstraint(
                condition=models.Q(withdrawn_at__isnull=True, withdrawn_by=None)
                | models.Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="report_was_withdrawn_by_somebody",
            ),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "first", "last"], name="report_by_day"),
            models.Index(fields=["school", "student", "-first"], name="report_by_student"),
        ]

    def __str__(self) -> str:
        return f"{self.first} – {self.last}"


class Resolution(SchoolOwned):
    """A monitor's word on one student's day: looked into, and settled. It changes neither mark nor report (R81).

    `facts` is a hash of what was compared then, so that a day of which something else is said later is open again.
    """

    student = OwnedKey(Student, models.CASCADE, related_name="+")
    date = models.DateField()
    facts = models.CharField()
    reason = models.CharField(help_text=_("What was found out."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-at", "-id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["school", "student", "date", "facts"], name="one_word_on_the_same_facts"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "date"], name="resolution_by_day")]

    def __str__(self) -> str:
        return f"{self.date}"
