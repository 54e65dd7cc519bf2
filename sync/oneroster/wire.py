"""The rows of OneRoster 1.1 and 1.2 as they come: only the fields that we read, so that no password is ever held.

Anything may be missing or null, whatever the specification says. Where the difference matters a field is UNSET if it is
missing and None if it is null. References are resolved by identity alone: `href` is often relative or wrong.
"""

import datetime
import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from sync.records import NOT_SHARED, Day, Text

Word = str | int  # some services send numbers where the specification has text
Said = Word | UnsetType | None
Words = list[Word] | Word | UnsetType | None

# Midnight only: a later hour would mean that the day was moved into another time zone, and which day is unknown.
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?")
_PLACE: Final = re.compile(r"at `\$\.?([A-Za-z.\[\]]*)")
_GONE: Final = frozenset({"tobedeleted", "inactive"})


class Ref(msgspec.Struct, frozen=True, rename="camel"):
    """A reference to a row of another collection."""

    sourced_id: Word

    @property
    def ref(self) -> str:
        """The identity as text."""
        return str(self.sourced_id)


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What every row has, and two things of ours.

    `fault` is why the row cannot be used; its other fields are then what can be read by itself, `lost` those that
    cannot.
    """

    sourced_id: Word = ""
    status: str | None = None
    metadata: dict[str, Any] | None = None
    fault: str = msgspec.field(name="!fault", default="")
    lost: tuple[str, ...] = msgspec.field(name="!lost", default=())

    @property
    def ref(self) -> str:
        """The identity as text, "" if there is none."""
        return str(self.sourced_id)

    @property
    def is_gone(self) -> bool:
        """Whether the service itself says that this row is no longer there."""
        return word(self.status) in _GONE


class Org(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A school, or what it belongs to, or a part of it."""

    type: str | None = None
    parent: Ref | None = None


class Session(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A term or a school year; `endDate` is its last day in some feeds and the day after it in others."""

    end_date: str | None = None


class Role(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a user is at one org (1.2). Its dates are not read: one left over must not end whoever is still listed."""

    role: str | None = None
    org: Ref | None = None


class User(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A person. `enabledUser` is about a login to the MIS, not about being there, so it is not read."""

    role: str | None = None
    orgs: list[Ref] | None = None
    roles: list[Role] | None = None  # 1.2 has these instead of a role and orgs
    given_name: str | None = None
    family_name: str | None = None
    preferred_first_name: str | UnsetType | None = UNSET  # 1.2; its CSV says GivenName
    preferred_given_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    sms: Said = UNSET
    phone: Said = UNSET
    agents: list[Ref] | None = None
    agent_source_ids: list[Word] | None = None  # met in the field instead of agents
    grades: Words = UNSET

    @property
    def is_masked(self) -> bool:
        """Whether a name is nothing but asterisks: it hides one, and must not take its place."""
        return any(name and not name.strip("* ") for name in (self.given_name, self.family_name))

    @property
    def places(self) -> list[Role]:
        """What the user is and where, whichever version said it."""
        if self.roles:
            return self.roles
        return [Role(role=self.role, org=org) for org in self.orgs or ()] or [Role(role=self.role)]

    @property
    def agent_refs(self) -> Iterator[str]:
        """The identities of those whom the user names as family."""
        yield from (agent.ref for agent in self.agents or ())
        yield from map(str, self.agent_source_ids or ())


class Class(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A class; a form or registration group has the type "homeroom"."""

    title: str | None = None
    class_type: str | None = None
    grades: Words = UNSET
    subjects: Words = UNSET
    school: Ref | None = None
    terms: list[Ref] | None = None


class Enrollment(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A user in a class."""

    user: Ref | None = None
    class_: Ref | None = msgspec.field(name="class", default=None)
    school: Ref | None = None
    role: str | None = None
    begin_date: str | None = None
    end_date: str | None = None

    @property
    def class_ref(self) -> str:
        """The identity of the class, "" if it cannot be read."""
        return self.class_.ref if self.class_ else ""

    @property
    def user_ref(self) -> str:
        """The identity of the user, "" if it cannot be read."""
        return self.user.ref if self.user else ""


class Demographics(Row, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """More about a user of the same identity."""

    birth_date: str | None = None


Shape = TypeVar("Shape", bound=Row)


def row_of(shape: type[Shape], said: object) -> Shape:
    """Read one row; of one that has another shape, whatever can be read by itself, and the `fault`."""
    try:
        return msgspec.convert(said, shape)
    except msgspec.ValidationError as fault:
        place = _PLACE.search(str(fault))
    field = f"“{place[1]}”" if place and place[1] else "The row"
    return _salvaged(shape, said, fault=f"{field} is not what OneRoster says it is.")


def _salvaged(shape: type[Shape], said: object, *, fault: str) -> Shape:
    given = said if isinstance(said, dict) else {}
    fields: dict[str, Any] = {}
    lost: list[str] = []
    for field in msgspec.structs.fields(shape):
        try:
            if field.encode_name in given:
                fields[field.name] = msgspec.convert(given[field.encode_name], field.type)
        except msgspec.ValidationError:
            lost.append(field.name)
    return shape(**{**fields, "fault": fault, "lost": tuple(lost)})


def word(said: str | None) -> str:
    """Return a word of OneRoster's vocabulary in lower case, "" if there is none."""
    return (said or "").strip().lower()


def first(words: Words) -> Said:
    """Return the first of several words; an empty list is blank."""
    if isinstance(words, list):
        return words[0] if words else ""
    return words


def text(said: Said) -> Text:
    """Return what was said; missing and null are not shared, blank is empty."""
    return str(said) if isinstance(said, str | int) else NOT_SHARED


def day(written: str | None) -> Day:
    """Return a day as it is written, never shifted; blank is None, missing and null are not shared.

    Raises:
        ValueError: it is no day; the message does not quote it.
    """
    if written is None:
        return NOT_SHARED
    if not written.strip():
        return None
    match = _DAY.fullmatch(written.strip())
    try:
        if match:
            return datetime.date.fromisoformat(match[1])
    except ValueError:
        pass  # the thirtieth of February: the same complaint
    raise ValueError("It is not a day written 2015-04-03.")
