"""Schools, their e-mail domains, the base of everything a school owns, and the audit trail."""

import datetime
import zoneinfo
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from tenants import scope


def check_timezone(name: str) -> None:
    """Accept the name of an IANA zone.

    Raises:
        ValidationError: no such zone.
    """
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("“%(name)s” is not a time zone; choose one such as Europe/London."), params={"name": name}
        )


def monday_to_friday() -> list[int]:
    """Return the days most schools teach on, as ISO weekdays: 1 is Monday."""
    return [1, 2, 3, 4, 5]


def check_weekdays(days: object) -> None:
    """Accept a list of ISO weekdays, each once and in order.

    Raises:
        ValidationError: it is none, or empty.
    """
    if not isinstance(days, list) or not days or days != sorted(set(days) & set(range(1, 8))):
        raise ValidationError(_("Give at least one day of the week, as numbers from 1 (Monday) to 7."))


class School(models.Model):
    """One school: a tenant. A global table, because the dispatcher and sign-in must find schools before one is open."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        SUSPENDED = "suspended", _("suspended")

    class MorningSlot(models.TextChoices):
        EARLY = "09:30", _("09:30")
        LATE = "10:30", _("10:30")

    slug = models.SlugField(unique=True, help_text=_("The part of the address: /s/<slug>/."))
    name = models.CharField()
    status = models.CharField(choices=Status.choices, default=Status.ACTIVE)
    timezone = models.CharField(validators=[check_timezone], default="Europe/London")
    confirmed_timezone = models.CharField(
        blank=True, editable=False, help_text=_("The time zone that somebody at the school said yes to (R1).")
    )
    opened_at = models.DateTimeField(
        default=now, editable=False, help_text=_("No slot before this moment is theirs (R10).")
    )
    morning_slot = models.CharField(
        choices=MorningSlot.choices,
        default=MorningSlot.EARLY,
        help_text=_("When the morning’s attendance marks are read, in the school’s own time (R14, D6)."),
    )
    weekdays = models.JSONField(
        default=monday_to_friday,
        validators=[check_weekdays],
        help_text=_("The days there is school, 1 (Monday) to 7; in many countries Sunday to Thursday (R14)."),
    )
    locale = models.CharField(default="en-gb")
    currency = models.CharField(validators=[RegexValidator(r"^[A-Z]{3}$")], default="GBP")
    country = models.CharField(validators=[RegexValidator(r"^[A-Z]{2}$")], default="GB")
    hue = models.PositiveSmallIntegerField(
        default=176, validators=[MaxValueValidator(359)], help_text=_("The school's colour, 0–359.")
    )

    # The rules the roster plan follows (sync.pipeline.rules).
    primary_years = models.JSONField(
        default=list, blank=True, help_text=_("Year labels whose students get a dummy address (R58).")
    )
    student_access_years = models.JSONField(
        default=list, blank=True, help_text=_("Year labels whose students use their real address (R59).")
    )
    block_own_domains_for_guardians = models.BooleanField(default=False, help_text=_("R42"))
    staff_leavers_authoritative = models.BooleanField(
        default=False, help_text=_("Staff missing from the feed leave by themselves (R49).")
    )
    medical_synced = models.BooleanField(default=True, help_text=_("R35"))
    leaving_percent = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("More than this share of a kind leaving in one night is held for a person (R12)."),
    )
    leaving_count = models.PositiveSmallIntegerField(
        default=5, help_text=_("Up to this many may leave in one night whatever the share.")
    )

    rollover_from = models.DateField(
        null=True, blank=True, help_text=_("From this day classes are rebuilt for the new year, and may all change.")
    )
    rollover_until = models.DateField(null=True, blank=True, help_text=_("The last day of the roll-over."))

    class Meta:
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(rollover_from__isnull=True, rollover_until__isnull=True)
                | models.Q(
                    rollover_from__isnull=False,  # a comparison with NULL would let one end stand alone
                    rollover_until__isnull=False,
                    rollover_until__gte=models.F("rollover_from"),
                ),
                name="school_rollover_has_both_ends",
            ),
            models.CheckConstraint(
                condition=models.Q(morning_slot__in=["09:30", "10:30"]), name="school_morning_slot_is_one_of_two"
            ),
            models.CheckConstraint(condition=models.Q(hue__lt=360), name="school_hue_is_an_angle"),
            models.CheckConstraint(
                condition=models.Q(leaving_percent__gte=1, leaving_percent__lte=100), name="school_leaving_percent"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The school's time zone."""
        return zoneinfo.ZoneInfo(self.timezone)

    def lets_students_in(self, year: str | None) -> bool:
        """Whether students of this year use their real address (R58, R59)."""
        return year in self.student_access_years and year not in self.primary_years

    def local(self, instant: datetime.datetime) -> datetime.datetime:
        """Say an instant in the school's own time."""
        return instant.astimezone(self.zone)

    def rolls_over(self, day: datetime.date) -> bool:
        """Whether classes are rebuilt for the new year on this day; both ends of the calendar belong to it."""
        return bool(self.rollover_from and self.rollover_until and self.rollover_from <= day <= self.rollover_until)


class SchoolDomain(models.Model):
    """An e-mail domain of a school's staff, matched exactly (R38, R39). Schools of one trust may share one."""

    school = models.ForeignKey(School, models.CASCADE, related_name="domains")
    domain = models.CharField(validators=[RegexValidator(r"^[a-z0-9.-]+\.[a-z0-9-]+$", _("A domain in lower case."))])

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("school", Lower("domain"), name="domain_once_per_school"),
            models.CheckConstraint(condition=models.Q(domain=Lower("domain")), name="domain_is_lower_case"),
        ]

    def __str__(self) -> str:
        return self.domain


class OwnedKey(models.ForeignKey[Any, Any]):
    """A foreign key between two rows of one school; `walls.Enclose` writes its constraint as `(school_id, …)`.

    It has no index of its own: whoever looks along it declares one that begins with the school.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = kwargs["db_index"] = False
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> Any:
        """Leave out what the class itself says."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        kwargs.pop("db_index", None)
        return name, path, args, kwargs


class SchoolOwned(models.Model):
    """The base of every row that belongs to a school (R9): scoped in Python, enclosed in PostgreSQL."""

    school = models.ForeignKey(School, models.PROTECT, related_name="+", default=scope.current, editable=False)

    objects = scope.OwnedManager()

    class Meta:
        abstract = True


class Closure(SchoolOwned):
    """Days on which a school is closed: holidays and training days. No marks are expected on them (R14, R72)."""

    first = models.DateField()
    last = models.DateField(help_text=_("This day is closed as well."))
    name = models.CharField(help_text=_("What it is called: “Half-term”."))

    class Meta:
        ordering: ClassVar[list[str]] = ["first", "id"]
        constraints: ClassVar[list[Any]] = [
            models.CheckConstraint(
                condition=models.Q(last__gte=models.F("first")), name="closure_ends_after_it_begins"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["school", "first"], name="closure_by_day")]

    def __str__(self) -> str:
        return self.name


class AuditEvent(SchoolOwned):
    """One thing somebody did or looked at; added, never changed (R63)."""

    at = models.DateTimeField()
    actor_id = models.BigIntegerField(null=True, help_text=_("The account, or empty for the system itself."))
    action = models.CharField(help_text=_("noun.verb, such as medical.read"))
    subject = models.CharField(blank=True, help_text=_("What it was about, as kind:id; never a name."))
    reason = models.CharField(blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "-at"], name="audit_by_time"),
            models.Index(fields=["school", "subject", "-at"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
