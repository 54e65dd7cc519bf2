"""People, per school: students, guardians, staff, and the ties between guardians and students.

Text that a MIS may not share is nullable on purpose: NULL is "not shared", "" is "the MIS says there is nothing".
"""

from typing import Any, ClassVar, Self, TypeVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tenants import scope
from tenants.models import OwnedKey, SchoolOwned
from users.emails import DUMMY_SUFFIX
from users.folding import fold

P = TypeVar("P", bound="Person")


class PersonQuerySet(models.QuerySet[P]):
    """Filters that every kind of person shares."""

    def here(self) -> Self:
        """Those who belong to the school now; `missing` still does (D9)."""
        return self.exclude(status=Person.Status.LEFT)

    def named(self, words: str) -> Self:
        """Those whose names contain each of these words, accents and case aside (R64)."""
        found = self
        for word in fold(words).split():
            found = found.filter(folded__contains=word)
        return found


def shared_text(**kwargs: Any) -> models.CharField[Any, Any]:
    """A text column where NULL means "not shared by the MIS" and "" means "nothing"."""
    return models.CharField(null=True, blank=True, **kwargs)


class Person(SchoolOwned):
    """What all people have: names as the MIS says them, an address or a dummy, and whether they are still here."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("active")
        MISSING = "missing", _("missing from the MIS")
        LEFT = "left", _("left")

    class Source(models.TextChoices):
        FEED = "feed", _("from the MIS")
        MANUAL = "manual", _("added by hand")
        EXTERNAL = "external", _("external")

    given_name = models.CharField()
    family_name = models.CharField()
    folded = models.CharField(editable=False, help_text=_("Names folded for search and order."))
    email = models.CharField(help_text=_("A real address or a dummy; see email_is_dummy."))
    email_is_dummy = models.BooleanField()
    mis_email = shared_text(help_text=_("The address exactly as the MIS says it, usable or not (R28)."))
    status = models.CharField(choices=Status.choices, default=Status.ACTIVE)
    missing_since = models.DateField(
        null=True, blank=True, help_text=_("The first night without them in a complete feed.")
    )
    left_on = models.DateField(null=True, blank=True)
    source = models.CharField(choices=Source.choices, default=Source.FEED)

    objects = scope.OwnedManager.from_queryset(PersonQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        abstract = True
        ordering: ClassVar[list[str]] = ["folded", "id"]
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint("school", Lower("email"), name="%(class)s_address_once"),
            models.CheckConstraint(
                condition=models.Q(email_is_dummy=models.Q(email__iendswith=DUMMY_SUFFIX)), name="%(class)s_dummy_flag"
            ),
            models.CheckConstraint(
                condition=models.Q(status="left") | models.Q(left_on__isnull=True), name="%(class)s_left_on"
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index("school", "folded", "id", name="%(class)s_by_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """The name to show."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def initials(self) -> str:
        """Two letters for the avatar."""
        return (self.given_name[:1] + self.family_name[:1]).upper()

    @property
    def real_email(self) -> str:
        """The address mail may go to, or ""."""
        return "" if self.email_is_dummy else self.email


class Student(Person):
    """A child at the school."""

    preferred_name = shared_text()
    date_of_birth = models.DateField(null=True, blank=True)
    year = shared_text(help_text=_("The school's own label: 7, Year 7, Reception."))
    form = shared_text()
    upn = shared_text(help_text=_("A number that follows the child between schools."))

    class Meta(Person.Meta):
        indexes: ClassVar[list[Any]] = [
            *Person.Meta.indexes,
            models.Index("school", "year", "form", "folded", name="student_by_year"),
        ]

    @property
    def known_as(self) -> str:
        """The given name in use."""
        return self.preferred_name or self.given_name


class Guardian(Person):
    """An adult who is a contact of a student; *parent* is the audience, guardian the person."""

    title = shared_text()
    phone = shared_text()

    class Meta(Person.Meta):
        pass


class StaffMember(Person):
    """A member of staff."""

    title = shared_text()
    phone = shared_text()
    domain_recognised = models.BooleanField(
        default=False, help_text=_("The address is on one of the school's domains, so a login may exist (R38).")
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Deleted by hand: stays so, whatever the MIS sends, until restored (R48).")
    )

    class Meta(Person.Meta):
        constraints: ClassVar[list[Any]] = [
            *Person.Meta.constraints,
            models.CheckConstraint(
                condition=models.Q(status="left") | models.Q(deleted_at__isnull=True), name="staff_deleted_has_left"
            ),
        ]


class TieQuerySet(models.QuerySet["Tie"]):
    """Filters of ties."""

    def in_force(self) -> Self:
        """Ties that give a guardian sight of the student: not ended, not restricted, not blocked by the school."""
        return self.filter(ended_on__isnull=True, restricted=False, blocked_at__isnull=True)


class Tie(SchoolOwned):
    """A guardian's relation to one student. Rights hang on it, never on a "family" (R69)."""

    guardian = OwnedKey(Guardian, models.CASCADE, related_name="ties")
    student = OwnedKey(Student, models.CASCADE, related_name="ties")
    relationship = shared_text()
    priority = models.PositiveIntegerField(null=True, blank=True, help_text=_("1 is called first."))
    parental_responsibility = models.BooleanField(null=True, blank=True)
    restricted = models.BooleanField(default=False, help_text=_("A court order or the like: may see nothing."))
    ended_on = models.DateField(null=True, blank=True)
    by_hand = models.BooleanField(
        default=False, db_default=False, help_text=_("Added in Reception: the feed never ends it (R43, R66).")
    )
    blocked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The school's own safety block: it beats the feed (R66).")
    )
    blocked_why = models.CharField(blank=True, default="", db_default="")

    objects = scope.OwnedManager.from_queryset(TieQuerySet)()  # type: ignore[misc] # more than the base's

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["guardian", "student"], name="one_tie_per_pair"),
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["school", "student"], name="tie_by_student"),
            models.Index(fields=["school", "guardian"], name="tie_by_guardian"),
        ]

    def __str__(self) -> str:
        return f"{self.guardian_id}–{self.student_id}"
