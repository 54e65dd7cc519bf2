"""One person as Reception shows them: each field with a lock or a pencil, and what the MIS says of it (R21, R66)."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, Final

from django.core.paginator import Page

from sync import sentences
from sync.models import MisIdentity
from sync.queries import histories, sources
from tenants.models import School
from users import directory, years
from users.models import LocalEdit, Person, StaffMember, Tie
from users.operations.people import CORRECTABLE, UNTIL_TONIGHT
from users.reasons import Kind, Reason, blocked
from users.roles import GRANTABLE

KIND_NAMES: Final[Mapping[str, str]] = {"students": "Student", "guardians": "Guardian", "staff": "Member of staff"}
_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    "students": ("given_name", "family_name", "preferred_name", "date_of_birth", "year", "form", "upn", "email"),
    "guardians": ("given_name", "family_name", "title", "phone", "email"),
    "staff": ("given_name", "family_name", "title", "phone", "email"),
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One field: its value (None: not shared), whether it may be corrected, and the correction that stands."""

    name: str
    label: str
    value: str | None
    correctable: bool
    edit: LocalEdit | None = None
    said: str | None = None  # by the MIS, where a correction stands in its place or a placeholder does
    placeholder: bool = False
    until_tonight: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonPage:
    """Everything the page of one person shows."""

    person: Person
    kind: Kind
    kind_name: str
    source: str
    fields: tuple[Field, ...]
    identities: tuple[MisIdentity, ...]
    reasons: tuple[Reason, ...]
    modes: tuple[str, ...]
    roles: tuple[str, ...]
    ties: tuple[Tie, ...]
    classes: tuple[str, ...]
    history: "Page[histories.Entry]"

    @property
    def comes_in(self) -> bool:
        """Whether nothing keeps them out."""
        return not blocked(self.reasons)

    @property
    def from_feed(self) -> bool:
        """Whether a MIS speaks of them."""
        return self.person.source == Person.Source.FEED

    @property
    def deleted(self) -> bool:
        """Whether a super user deleted them."""
        return isinstance(self.person, StaffMember) and self.person.deleted_at is not None


def person_page(person: Person, *, school: School, page: str | int | None = 1) -> PersonPage:
    """Return the page of a person, in the same number of queries however much there is."""
    kind = directory.kind_of(person)
    known = histories.identities(person)
    reasons = directory.why_not_in(person, school, histories.feed_about(person, known))
    roles = directory.roles_of(person)
    return PersonPage(
        person=person,
        kind=kind,
        kind_name=KIND_NAMES[kind],
        source=sources.source(),
        fields=fields_of(person, directory.open_edits(person)),
        identities=known,
        reasons=reasons,
        modes=_modes(kind, roles) if not blocked(reasons) else (),
        roles=tuple(GRANTABLE[key].label for key in sorted(roles)),
        ties=directory.ties_of(person),
        classes=directory.classes_with(person),
        history=histories.history(person, page=page),
    )


def fields_of(person: Person, edits: Mapping[str, LocalEdit]) -> tuple[Field, ...]:
    """Return the fields of a person in the order of the page."""
    return tuple(field_of(person, name, edits.get(name)) for name in _FIELDS[directory.kind_of(person)])


def field_of(person: Person, name: str, edit: LocalEdit | None) -> Field:
    """Return one field with what the MIS says where that is something else (R66)."""
    placeholder = name == "email" and person.email_is_dummy
    return Field(
        name=name,
        label=label(name),
        value=_shown(person, name),
        correctable=name in CORRECTABLE[type(person)],
        edit=edit,
        said=person.mis_email if name == "email" else edit.replaced if edit else None,
        placeholder=placeholder,
        until_tonight=name in UNTIL_TONIGHT,
    )


def label(field: str) -> str:
    """Return a field as the page names it: “First name”."""
    name = sentences.field_name(field)
    return name[0].upper() + name[1:]


def _shown(person: Person, name: str) -> str | None:
    value: Any = person.real_email if name == "email" else getattr(person, name)
    if isinstance(value, datetime.date):
        return f"{value.day} {value:%B %Y}"
    return years.say(value) if name == "year" and value else value


def _modes(kind: Kind, roles: frozenset[str]) -> tuple[str, ...]:
    if kind == "guardians":
        return ("Parent",)
    return ("Staff", "Reception") if roles else ("Staff",)
