"""Answers about accounts and people, whole: a template never starts another query."""

import dataclasses
import datetime
import functools
import operator
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet

from tenants import scope
from tenants.models import School
from users import years
from users.models import (
    Account,
    DietaryNeed,
    Enrolment,
    Guardian,
    MedicalNote,
    Membership,
    Person,
    RoleGrant,
    SchoolClass,
    StaffMember,
    Student,
    SupportGrant,
    Teaching,
    Tie,
)
from users.roles import GRANTABLE, Can, SuperUser, rights_of

Mode = Literal["staff", "parent", "reception"]
P = TypeVar("P", bound=Person)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """What one account is at the open school, read anew for every request."""

    account_id: int
    staff_member: StaffMember | None = None
    guardian: Guardian | None = None
    roles: frozenset[str] = frozenset()
    waits: bool = False  # a membership here waits for the owner's yes (R32)
    elsewhere: bool = False  # the account belongs to other schools as well

    @property
    def rights(self) -> frozenset[Can]:
        """What the staff member may do; a guardian's rights hang on ties instead (R41, R69)."""
        return rights_of(self.roles) if self.staff_member else frozenset()

    @property
    def modes(self) -> tuple[Mode, ...]:
        """The modes this account may choose between, never their union (R40)."""
        found: list[Mode] = []
        if self.staff_member:
            found.append("staff")
        if Can.SEE_SYNC in self.rights:
            found.append("reception")
        if self.guardian:
            found.append("parent")
        return tuple(found)


def standing(*, account_id: int) -> Standing:
    """Return what this account is at the open school; two queries for staff, one for others."""
    others = Membership.objects.filter(account_id=OuterRef("account_id")).exclude(school_id=OuterRef("school_id"))
    rows = list(
        Membership.objects.filter(account_id=account_id, school_id=scope.current())
        .select_related("staff_member", "guardian")
        .filter(refused_at=None)
        .annotate(elsewhere=Exists(others))
        .order_by("id")
    )
    said_yes = [row for row in rows if row.confirmed_at]
    staff_member = _first(row.staff_member for row in said_yes)
    return Standing(
        account_id=account_id,
        staff_member=staff_member,
        guardian=_first(row.guardian for row in said_yes),
        roles=_roles_of(staff_member),
        waits=len(said_yes) < len(rows),
        elsewhere=any(row.elsewhere for row in rows),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Way:
    """One way in: a school and a mode."""

    school: School
    mode: Mode

    @property
    def key(self) -> str:
        """Return `northgate/staff`, as the cookie remembers it."""
        return f"{self.school.slug}/{self.mode}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ways:
    """Every way in of one account, and the schools that wait for its owner's yes."""

    open: tuple[Way, ...]
    waiting: tuple[School, ...]


def ways_of(*, account_id: int) -> Ways:
    """Return where this account may enter, over all schools, in one query (R32, R40)."""
    with scope.everywhere(reason="the ways in of one account"):
        runs_school = RoleGrant.objects.filter(
            staff_member_id=OuterRef("staff_member_id"), role=SuperUser.key, revoked_at__isnull=True
        )
        rows = list(
            Membership.objects.filter(account_id=account_id, school__status=School.Status.ACTIVE, refused_at=None)
            .select_related("school", "staff_member", "guardian")
            .annotate(runs_school=Exists(runs_school))
            .order_by("school__name", "school_id", F("staff_member_id").asc(nulls_last=True), "id")
        )
    ways: dict[str, Way] = {}
    for row in rows:
        for mode in _modes_of(row) if row.confirmed_at else ():
            way = Way(school=row.school, mode=mode)
            ways.setdefault(way.key, way)
    waiting = {row.school_id: row.school for row in rows if row.confirmed_at is None}
    return Ways(open=tuple(ways.values()), waiting=tuple(waiting.values()))


def signed_in(kind: str) -> dict[int, str]:
    """Return the people of this kind ("student", "guardian", "staff") whose login was used: a stake (D4, R33)."""
    column = {"student": "student_id", "guardian": "guardian_id", "staff": "staff_member_id"}[kind]
    used = Membership.objects.filter(school_id=scope.current(), account__activated_at__isnull=False)
    return dict.fromkeys(used.exclude(**{column: None}).values_list(column, flat=True), "has signed in")


def accounts_with(right: Can) -> list[Account]:
    """Return the logins in use whose owners were granted this right at the open school, by address; one query (R27)."""
    roles = [key for key, role in GRANTABLE.items() if right in role.grants]
    granted = RoleGrant.objects.filter(
        staff_member_id=OuterRef("staff_member_id"), role__in=roles, revoked_at__isnull=True
    )
    here = Membership.objects.filter(Exists(granted), school_id=scope.current(), refused_at=None)
    here = here.exclude(confirmed_at=None).exclude(staff_member__status=Person.Status.LEFT)
    used = Account.objects.filter(is_active=True, activated_at__isnull=False)
    return list(used.filter(pk__in=here.values("account_id")).order_by("email"))


def open_grant(*, account_id: int, at: datetime.datetime) -> SupportGrant | None:
    """Return the grant under which this supporter looks into a school now, or None."""
    return SupportGrant.objects.open_at(at).filter(account_id=account_id).select_related("school").first()


def students() -> QuerySet[Student]:
    """Return the students who belong to the open school now, by name (R34)."""
    found: QuerySet[Student] = Student.objects.here().defer("upn", "date_of_birth", "mis_email")
    return found


def year_labels() -> list[str]:
    """Return the year labels in use, in the order a school reads them."""
    labels = Student.objects.here().exclude(year=None).exclude(year="").order_by().values_list("year", flat=True)
    return years.in_order(labels.distinct())


def classes() -> QuerySet[SchoolClass]:
    """Return the classes of today, by name."""
    found: QuerySet[SchoolClass] = SchoolClass.objects.filter(ended_on=None).order_by("name", "id")
    return found


def classes_taught(standing: Standing) -> QuerySet[SchoolClass]:
    """Return the classes of today that a member of staff teaches, by name."""
    teachings = Teaching.objects.filter(staff_member=standing.staff_member, school_class_id=OuterRef("pk"))
    return classes().filter(Exists(teachings))


def sized(found: QuerySet[SchoolClass]) -> list[SchoolClass]:
    """Return these classes, each with the number of its students as `size`."""
    here = Q(enrolments__student__status__in=[Person.Status.ACTIVE, Person.Status.MISSING])
    return list(found.annotate(size=Count("enrolments", filter=here, distinct=True)))


def students_in(school_class: SchoolClass) -> QuerySet[Student]:
    """Return the students who sit in a class, by name."""
    seats = Enrolment.objects.filter(school_class=school_class, student_id=OuterRef("pk"))
    return students().filter(Exists(seats))


def sees_marks_of(standing: Standing, student: Student) -> bool:
    """Whether a member of staff may see this student's attendance: every student's, or of who sits in their classes."""
    if Can.SEE_MARKS in standing.rights:
        return True
    seats = Enrolment.objects.filter(student=student, school_class__in=classes_taught(standing))
    return seats.exists()


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A class a student sits in and who teaches it."""

    name: str
    subject: str
    teachers: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudentPage:
    """One student with their classes and contacts; medical notes come apart: reading them is logged."""

    student: Student
    classes: tuple[ClassRow, ...]
    contacts: tuple[Tie, ...]


def student_page(student: Student) -> StudentPage:
    """Return what the page of a student shows, in three queries."""
    ties = Tie.objects.filter(student=student, ended_on=None).select_related("guardian")
    return StudentPage(
        student=student,
        classes=classes_of(student),
        contacts=tuple(ties.order_by(F("priority").asc(nulls_last=True), "guardian__folded", "id")),
    )


def classes_of(student: Student) -> tuple[ClassRow, ...]:
    """Return the student's classes with their teachers, in two queries."""
    teachings = Prefetch(
        "school_class__teachings",
        Teaching.objects.select_related("staff_member").order_by("staff_member__folded", "id"),
    )
    rows = (
        Enrolment.objects.filter(student=student, school_class__ended_on=None)
        .select_related("school_class")
        .prefetch_related(teachings)
        .order_by("school_class__name", "id")
    )
    return tuple(_class_row(row.school_class) for row in rows)


def children_of(guardian: Guardian) -> QuerySet[Student]:
    """Return the students whom this guardian may see: a tie in force each, nothing through "family" (R50, R69)."""
    ties = Tie.objects.in_force().filter(guardian=guardian, student_id=OuterRef("pk"))
    found: QuerySet[Student] = Student.objects.here().filter(Exists(ties))
    return found


def has_restricted_tie(guardian: Guardian) -> bool:
    """Whether a tie of this guardian is restricted, so that an empty page can send them to the school."""
    found: bool = Tie.objects.filter(guardian=guardian, restricted=True, ended_on=None).exists()
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class LosesParentMode:
    """A guardian whom a block of the school's own domains would shut out: nothing of theirs is lost but the way in."""

    guardian: Guardian
    children: int
    signed_in: bool


def effect_of_domain_block(school: School) -> tuple[LosesParentMode, ...]:
    """Return whom of the feed's guardians a block of the school's domains shuts out, by name (R42); one query more."""
    ours = [Q(email__iendswith=f"@{domain}") for domain in school.domains.values_list("domain", flat=True)]
    if not ours:
        return ()
    used = Membership.objects.filter(guardian_id=OuterRef("pk"), account__activated_at__isnull=False)
    found = (
        Guardian.objects.here()
        .filter(functools.reduce(operator.or_, ours), source=Person.Source.FEED, email_is_dummy=False)
        .annotate(children=Count("ties", filter=Q(ties__ended_on=None)), signed_in=Exists(used))
        .order_by("folded", "id")
    )
    return tuple(LosesParentMode(guardian=each, children=each.children, signed_in=each.signed_in) for each in found)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deletion:
    """What the deletion of a member of staff would end (R48)."""

    classes: tuple[str, ...]  # to be given to somebody else
    roles: tuple[str, ...]
    stays_parent: bool  # the same login goes on in parent mode


def effect_of_deleting(staff_member: StaffMember) -> Deletion:
    """Return what would end with a member of staff, in three queries."""
    classes = SchoolClass.objects.filter(teachings__staff_member=staff_member, ended_on=None).order_by("name", "id")
    logins = Membership.objects.filter(staff_member=staff_member).values("account_id")
    parent = Membership.objects.filter(school_id=scope.current(), account_id__in=logins, guardian__isnull=False)
    return Deletion(
        classes=tuple(classes.values_list("name", flat=True)),
        roles=tuple(GRANTABLE[key].label for key in sorted(_roles_of(staff_member))),
        stays_parent=parent.exclude(guardian__status=Person.Status.LEFT).exists(),
    )


def medical_notes(student: Student) -> tuple[MedicalNote, ...]:
    """Return the medical notes; whoever shows them to staff logs it first."""
    return tuple(MedicalNote.objects.filter(student=student))


def dietary_needs(student: Student) -> tuple[DietaryNeed, ...]:
    """Return the dietary needs."""
    return tuple(DietaryNeed.objects.filter(student=student))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """How many people of one kind there are, and how many need a look."""

    here: int
    missing: int
    without_email: int


def heads() -> dict[str, Head]:
    """Count students, guardians and staff of the open school, one query each."""
    kinds: dict[str, type[Person]] = {"students": Student, "guardians": Guardian, "staff": StaffMember}
    return {kind: _head(model) for kind, model in kinds.items()}


def _head(model: type[Person]) -> Head:
    row = model.objects.here().aggregate(
        here=Count("id"),
        missing=Count("id", filter=Q(status=Person.Status.MISSING)),
        without_email=Count("id", filter=Q(email_is_dummy=True)),
    )
    return Head(**row)


def _first(people: Iterable[P | None]) -> P | None:
    return next((person for person in people if person and person.status != Person.Status.LEFT), None)


def _roles_of(staff_member: StaffMember | None) -> frozenset[str]:
    if staff_member is None:
        return frozenset()
    grants = RoleGrant.objects.filter(staff_member=staff_member, revoked_at__isnull=True)
    return frozenset(grants.values_list("role", flat=True))


def _modes_of(row: Any) -> tuple[Mode, ...]:
    person = row.staff_member or row.guardian
    if person is None or person.status == Person.Status.LEFT:
        return ()
    if row.staff_member:
        return ("staff", "reception") if row.runs_school else ("staff",)
    return ("parent",)


def _class_row(school_class: SchoolClass) -> ClassRow:
    return ClassRow(
        name=school_class.name,
        subject=school_class.subject or "",
        teachers=tuple(teaching.staff_member.name for teaching in school_class.teachings.all()),
    )
