"""Answers about people for those who run the school: who there is, one person whole, and why they cannot come in."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, Final, cast

from django.core.paginator import Page, Paginator
from django.db.models import BooleanField, CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from tenants import scope
from tenants.models import School
from users import years
from users.emails import domain_of
from users.folding import fold
from users.models import Guardian, LocalEdit, Membership, Person, RoleGrant, StaffMember, Student, Tie
from users.queries import classes_of, effect_of_deleting
from users.reasons import NO_GUARDIAN, Entry, Kind, Login, Reason, Sight, blocked, entry, sight

PEOPLE_PER_PAGE: Final = 50
MODELS: Final[Mapping[str, type[Person]]] = {"students": Student, "guardians": Guardian, "staff": StaffMember}
# The column by which memberships, edits and identities point at a person of this kind.
COLUMNS: Final[Mapping[str, str]] = {"students": "student", "guardians": "guardian", "staff": "staff_member"}
GONE: Final = "gone"  # the tab of those who left or were deleted, whatever their kind
CHILDREN_SHOWN: Final = 10
GUARDIANS_ASKED: Final = 3  # more than one has the same address only while a sync sorts it out


def kind_of(person: Person) -> Kind:
    """Return the kind of a person, as addresses and the sync say it."""
    return cast("Kind", next(kind for kind, model in MODELS.items() if isinstance(person, model)))


# The list.


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonRow:
    """One line of the list; `states` are (word, tone) in the order of their weight."""

    kind: str
    pk: int
    name: str
    initials: str
    detail: str
    states: tuple[tuple[str, str], ...]


def people(tab: str, *, words: str = "", page: str | int | None = 1) -> "Page[PersonRow]":
    """Return a page of the people of a tab whose names contain these words; a count and a query (R64)."""
    kinds = list(MODELS) if tab == GONE else [tab]
    first, *others = (_rows(kind, words, gone=tab == GONE) for kind in kinds)
    found = first.union(*others, all=True) if others else first
    listed: Page[Any] = Paginator(found.order_by("folded", "kind", "pk"), PEOPLE_PER_PAGE).get_page(page)
    listed.object_list = [_row(values) for values in listed.object_list]
    return listed


def _rows(kind: str, words: str, *, gone: bool) -> QuerySet[Any, dict[str, Any]]:
    people: Any = MODELS[kind].objects
    found = people.filter(status=Person.Status.LEFT) if gone else people.here()
    corrected = LocalEdit.objects.open().filter(**{COLUMNS[kind]: OuterRef("pk")})
    text = CharField()
    return cast(
        "QuerySet[Any, dict[str, Any]]",
        found.named(words).values(
            "pk", "folded", "given_name", "family_name", "status", "email_is_dummy", "source", "left_on",
            kind=Value(kind, text),
            in_year=Coalesce(F("year"), Value("")) if kind == "students" else Value("", text),
            in_form=Coalesce(F("form"), Value("")) if kind == "students" else Value("", text),
            deleted=Q(deleted_at__isnull=False) if kind == "staff" else Value(False, BooleanField()),
            corrected=Exists(corrected),
        ),
    )  # fmt: skip


def _row(values: Mapping[str, Any]) -> PersonRow:
    given, family = values["given_name"], values["family_name"]
    return PersonRow(
        kind=values["kind"],
        pk=values["pk"],
        name=f"{given} {family}".strip(),
        initials=(given[:1] + family[:1]).upper(),
        detail=" · ".join(filter(None, (years.say(values["in_year"]), values["in_form"]))),
        states=tuple(_states(values)),
    )


def _states(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    left = values["status"] == Person.Status.LEFT
    said = [
        (values["deleted"], "Deleted by hand", "bad"),
        (left and not values["deleted"], f"Left{_on(values['left_on'])}", "muted"),
        (values["status"] == Person.Status.MISSING, "Missing from the MIS", "warn"),
        (values["email_is_dummy"] and not left, "No e-mail address", "muted"),
        (values["corrected"], "Corrected by you", "info"),
        (values["source"] == Person.Source.MANUAL, "Added by hand", "brandy"),
    ]
    return [(word, tone) for holds, word, tone in said if holds]


def _on(day: datetime.date | None) -> str:
    return f" on {day.day} {day:%B %Y}" if day else ""


# One person.


def open_edits(person: Person) -> dict[str, LocalEdit]:
    """Return the corrections that stand, by field."""
    found = LocalEdit.objects.open().filter(**{COLUMNS[kind_of(person)]: person}).select_related("by")
    return {edit.field: edit for edit in found}


def ties_of(person: Person) -> tuple[Tie, ...]:
    """Return every tie of a student or a guardian, the ended ones last."""
    if isinstance(person, StaffMember):
        return ()
    one, other = ("student", "guardian") if isinstance(person, Student) else ("guardian", "student")
    order = (F("ended_on").desc(nulls_first=True), F("priority").asc(nulls_last=True), f"{other}__folded", "id")
    return tuple(Tie.objects.filter(**{one: person}).select_related("guardian", "student").order_by(*order))


def classes_with(person: Person) -> tuple[str, ...]:
    """Return the names of the classes a student sits in or a member of staff teaches."""
    if isinstance(person, Student):
        return tuple(row.name for row in classes_of(person))
    return effect_of_deleting(person).classes if isinstance(person, StaffMember) else ()


def roles_of(person: Person) -> frozenset[str]:
    """Return the keys of the roles that a person holds; only staff hold any."""
    if not isinstance(person, StaffMember):
        return frozenset()
    held = RoleGrant.objects.filter(staff_member=person, revoked_at=None)
    return frozenset(held.values_list("role", flat=True))


# Why they cannot come in.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feed:
    """What only the sync knows about a person: it could not use their address; it holds something about them back."""

    malformed: bool = False
    mailbox: bool = False
    held: bool = False


NOTHING_SAID: Final = Feed()


def entry_of(person: Person, school: School, feed: Feed = NOTHING_SAID) -> Entry:
    """Return the facts that decide whether a person comes in; up to five queries."""
    kind = kind_of(person)
    link = Membership.objects.filter(**{COLUMNS[kind]: person}).select_related("account").first()
    address = person.real_email or person.mis_email or ""
    year = person.year if isinstance(person, Student) else None
    return Entry(
        kind=kind,
        login=_login(link),
        account_active=link is None or link.account.is_active,
        activated=bool(link and link.account.activated_at),
        school_active=school.status == School.Status.ACTIVE,
        left=person.status == Person.Status.LEFT,
        missing=person.status == Person.Status.MISSING,
        deleted=isinstance(person, StaffMember) and person.deleted_at is not None,
        by_hand=person.source != Person.Source.FEED,
        dummy=person.email_is_dummy,
        address=person.mis_email,
        malformed=feed.malformed,
        mailbox=feed.mailbox,
        held=feed.held,
        taken_by=_holder(person, address) if person.email_is_dummy and address else "",
        own_domain=bool(address) and school.domains.filter(domain=domain_of(address)).exists(),
        domains_blocked=school.block_own_domains_for_guardians,
        primary=year in school.primary_years,
        year_open=school.lets_students_in(year),
    )


def why_not_in(person: Person, school: School, feed: Feed = NOTHING_SAID) -> tuple[Reason, ...]:
    """Return why a person cannot come in as what they are here."""
    return entry(entry_of(person, school, feed))


def _login(link: Membership | None) -> Login:
    if link is None:
        return Login.NONE
    if link.refused_at:
        return Login.REFUSED
    return Login.OPEN if link.confirmed_at else Login.WAITS


def _holder(person: Person, address: str) -> str:
    """Return the name of who has this address, "" if nobody or if they are this human in another mode (R40)."""
    for model in MODELS.values():
        if {model, type(person)} == {Guardian, StaffMember}:
            continue
        holder = model.objects.filter(email__iexact=address).exclude(pk=person.pk if model is type(person) else None)
        if found := holder.first():
            return str(found.name)
    return ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class AsParent:
    """The guardian whom a member of staff is in parent mode, or would be, and why they cannot come in as that (R40)."""

    guardian: Guardian | None
    reasons: tuple[Reason, ...]


def as_parent(staff_member: StaffMember, school: School) -> AsParent:
    """Return how the parent mode of a member of staff stands: by their login, or by an equal address (R40–R42)."""
    logins = Membership.objects.filter(staff_member=staff_member).values("account_id")
    same = Q(memberships__account_id__in=logins)
    if address := staff_member.real_email:
        same |= Q(email__iexact=address) | Q(mis_email__iexact=address)
    found = [
        AsParent(guardian=guardian, reasons=why_not_in(guardian, school))
        for guardian in Guardian.objects.filter(same).distinct().order_by("id")[:GUARDIANS_ASKED]
    ]
    best = sorted(found, key=lambda each: blocked(each.reasons))
    return best[0] if best else AsParent(guardian=None, reasons=(NO_GUARDIAN,))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Child:
    """One student, and why a guardian cannot see them; no blocking reason: they do."""

    student: Student
    tie: Tie | None
    reasons: tuple[Reason, ...]

    @property
    def is_seen(self) -> bool:
        """Whether nothing stands in the way."""
        return not blocked(self.reasons)


def children_seen(guardian: Guardian, *, words: str = "") -> tuple[Child, ...]:
    """Return each student a guardian is or was tied to, and those of this name, with why they are not seen."""
    ties = {tie.student_id: tie for tie in ties_of(guardian)}
    students = {tie.student_id: tie.student for tie in ties.values()}
    students |= {found.pk: found for found in students_named(words)[:CHILDREN_SHOWN]}
    return tuple(
        Child(student=student, tie=ties.get(pk), reasons=sight(sight_of(ties.get(pk), student)))
        for pk, student in students.items()
    )


def sight_of(tie: Tie | None, student: Student) -> Sight:
    """Return the facts that decide whether a guardian sees a student."""
    if tie is None:
        return Sight()
    return Sight(
        tied=True,
        ended=tie.ended_on is not None,
        restricted=tie.restricted,
        blocked=tie.blocked_at is not None,
        blocked_why=tie.blocked_why,
        child_left=student.status == Person.Status.LEFT,
        no_responsibility=tie.parental_responsibility is False,
    )


def students_named(words: str) -> QuerySet[Student]:
    """Return the students of today whose names contain these words; without words none."""
    found: QuerySet[Student] = Student.objects.here().named(words)
    return found if fold(words) else found.none()


# What the school's rules do.


@dataclasses.dataclass(frozen=True, kw_only=True)
class YearRule:
    """One year label: how many students it has, how many use a real address, and what the school has decided of it."""

    label: str
    students: int
    with_address: int  # that the MIS says
    primary: bool
    open: bool


def year_rules(school: School) -> tuple[YearRule, ...]:
    """Return the years in use and those the rules name, in a school's order, in one query."""
    found: dict[str, list[bool]] = {label: [] for label in (*school.primary_years, *school.student_access_years)}
    for label, said in Student.objects.here().exclude(year=None).exclude(year="").values_list("year", "mis_email"):
        found.setdefault(label, []).append(bool(said))
    return tuple(
        YearRule(
            label=label,
            students=len(found[label]),
            with_address=sum(found[label]),
            primary=label in school.primary_years,
            open=school.lets_students_in(label),
        )
        for label in years.in_order(found)
    )


def open_school() -> School:
    """Return the open school's own row."""
    return School.objects.get(pk=scope.current())
