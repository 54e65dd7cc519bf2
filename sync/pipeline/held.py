"""What we hold of one school's roster, as a slim value: the other half of what a plan is made from."""

import datetime
from typing import Final

import msgspec

from sync.records import Kind

PEOPLE: Final = (Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF)
LINKS: Final = (Kind.TIES, Kind.ENROLMENTS, Kind.TEACHING, Kind.MEDICAL, Kind.DIETARY)

# The fields of each kind, in the order of every `values` tuple; names are those of the record and of the column.
FIELDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STUDENTS: ("given_name", "family_name", "preferred_name", "date_of_birth", "year", "form", "upn"),
    Kind.GUARDIANS: ("given_name", "family_name", "title", "phone"),
    Kind.STAFF: ("given_name", "family_name", "title", "phone"),
    Kind.CLASSES: ("name", "year", "subject"),
    Kind.TIES: ("relationship", "priority", "parental_responsibility", "restricted"),
    Kind.ENROLMENTS: (),
    Kind.TEACHING: (),
    Kind.MEDICAL: ("condition", "details"),
    Kind.DIETARY: ("need",),
}

Value = str | int | bool | datetime.date | None
Values = tuple[Value, ...]


def written(value: Value) -> str:
    """Return a value as a log and a sentence have it; what is not shared, or empty, is nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime.date():
            return value.isoformat()
        case _:
            return str(value)


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """A correction made by hand: what it says, and what the MIS said then (None: not shared)."""

    value: str
    replaced: str | None


class Held(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # plain values, as `records.Record`
    """A person or class as held. `values` follow `FIELDS`; None is "not shared" (or no date)."""

    id: int
    values: Values
    here: bool = True  # not left
    since: datetime.date | None = None  # the night the MIS first named them; None: before any we count
    missing_since: datetime.date | None = None
    from_feed: bool = True
    email: str = ""  # the real address, or "" while a dummy stands in
    mis_email: str | None = None
    domain_recognised: bool = False  # staff only
    stakes: tuple[str, ...] = ()
    edits: dict[
        str, Edit
    ] = {}  # open corrections made by hand, by field (or "email"); `values` hold the corrected text
    declined: bool = False  # the owner of this address said: not me (R32)
    roles: tuple[str, ...] = ()  # staff only: what the school granted them, in words (R46)
    runs_school: bool = False  # staff only: one of those is that of a super user (R45)
    deleted: bool = False  # staff only: by hand, and so not to come back by a feed (R48)


class HeldLink(msgspec.Struct, frozen=True, kw_only=True, gc=False):  # plain values, as `records.Record`
    """A tie, enrolment, teaching, note or need as held."""

    id: int
    values: Values
    here: bool = True
    by_hand: bool = False  # ties only: no feed ends it (R43)


LinkKey = tuple[int, int | str]  # the two rows it joins; for notes and needs the student and the MIS's own ref


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything held. `identities` maps the MIS's ids of this generation, old ones included, to our rows."""

    records: dict[Kind, dict[int, Held]]
    identities: dict[Kind, dict[str, int]]
    links: dict[Kind, dict[LinkKey, HeldLink]]

    def refs(self, kind: Kind) -> dict[int, str]:
        """Return one MIS id of each of our rows of this kind (the last one given)."""
        return {row: ref for ref, row in self.identities.get(kind, {}).items()}

    def name(self, kind: Kind, row: int) -> str:
        """Return the name of a row as it is now."""
        values = self.records[kind][row].values
        return str(values[0]) if kind is Kind.CLASSES else f"{values[0]} {values[1]}".strip()
