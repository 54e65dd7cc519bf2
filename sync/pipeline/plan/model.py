"""What a plan is: everything a night would do, as a value that can be read, hashed, held in part, and applied."""

import datetime
import enum
import hashlib
from typing import Final

import msgspec

from sync.pipeline.held import FIELDS, Value, Values
from sync.pipeline.roster import Refusal
from sync.records import Kind


class Action(enum.StrEnum):
    """What happens to one record; the same words as `sync.models.Change.Action`."""

    ARRIVE = "arrive"
    AMEND = "amend"
    MISS = "miss"
    LEAVE = "leave"
    REJOIN = "rejoin"
    END = "end"
    REKEY = "rekey"
    RELEASE = "release"


class Case(enum.StrEnum):
    """Why a part of a plan waits for a person."""

    ID_REUSED = "id reused"  # R23: a known id describes somebody else
    IDS_SWAPPED = "ids swapped"  # R24: two or more ids describe each other's people
    NEW_ID = "new id"  # R22, R68: somebody new who may well be somebody we hold
    ADDRESS_MOVES = "address moves"  # D4: an address would go from one person to another, and it matters
    ADDRESS_SHARED = "address shared"  # R33: staff and guardian of one address, and their names differ
    DEPARTURES = "departures"  # R12: more would go than the school allows in one night
    ID_SCHEME = "id scheme"  # R12: so many ids changed that the MIS must number people anew
    ROLE_LEAVES = "role leaves"  # R45, R49: somebody with a role of the school's is gone from an authoritative feed
    EMPTY = "empty"  # R12: a list without a row; no choice lets it pass
    UNREADABLE = "unreadable"  # R12: so many rows of a list are unusable that the rest is not believed


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One thing a person may choose about a hold: `key` is what a decision keeps, `effect` what will happen then."""

    key: str
    label: str
    effect: str


KEEP: Final = "keep"  # every case: leave all as it is, and do not ask again while the facts are these
APPROVE: Final = "approve"  # a brake: let exactly this go in
SAME: Final = "same"  # the same person; with `same:<row>` where several could be meant
OTHER: Final = "other"  # somebody else


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the records that a hold sets side by side. `id` is our row, None for what only the feed knows."""

    title: str
    kind: Kind
    ref: str
    id: int | None = None
    facts: tuple[tuple[str, str], ...] = ()  # (field, value) in the order of FIELDS, and the address; never a note


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody (or a class) the MIS names for the first time. `email` "" means that a dummy stands in (R29)."""

    kind: Kind
    ref: str
    values: Values
    email: str = ""
    mis_email: str | None = None
    domain_recognised: bool = False

    @property
    def name(self) -> str:
        """The name to show."""
        return str(self.values[0]) if self.kind is Kind.CLASSES else f"{self.values[0]} {self.values[1]}".strip()

    @property
    def facts(self) -> str:
        """The two or three facts that somebody new is recognised by."""
        values = dict(zip(FIELDS[self.kind], self.values, strict=True))
        facts = (values.get("year"), values.get("form"), values.get("subject"), self.email)
        return " · ".join(str(fact) for fact in facts if fact)


class Amendment(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one row we hold. For `email`, "" means a dummy."""

    kind: Kind
    id: int
    ref: str
    label: str
    field: str
    old: Value
    new: Value
    why: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A person's or class's being here: missing, left, or back (D9, R68)."""

    action: Action
    kind: Kind
    id: int
    ref: str
    label: str
    missing_since: datetime.date | None = None
    left_on: datetime.date | None = None
    why: str = ""


class LinkArrival(msgspec.Struct, frozen=True, kw_only=True):
    """A tie, enrolment, teaching, note or need to add; `id` is an ended row that comes back, else None."""

    kind: Kind
    key: tuple[str, str]  # refs, as in the roster
    values: Values
    label: str
    about: str  # the other side, in words a person reads; "" for health
    id: int | None = None


class LinkAmendment(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a link."""

    kind: Kind
    id: int
    row: int  # the student it is about, or the class of a teaching
    label: str
    about: str
    field: str
    old: Value
    new: Value


class LinkEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A link the MIS no longer names."""

    kind: Kind
    id: int
    row: int
    label: str
    about: str


class Rekey(msgspec.Struct, frozen=True, kw_only=True):
    """A new id of somebody we hold (R22), or the first of somebody who was added by hand (R43)."""

    kind: Kind
    id: int
    ref: str
    was: str  # their id so far, "" if they had none
    label: str
    why: str


class EditEnd(msgspec.Struct, frozen=True, kw_only=True):
    """A correction made by hand that no longer stands, because the MIS says something new (R66)."""

    kind: Kind
    id: int
    field: str
    label: str
    old: str  # the correction
    new: str  # what holds from now on
    why: str


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A part that waits for a person: one sentence, whom it is about, the records, and what can be chosen.

    `facts` is all that a decision is about: as long as they are these, and only then, it holds.
    """

    kind: Kind
    case: Case
    reason: str
    refs: tuple[str, ...]
    labels: tuple[str, ...]
    facts: tuple[str, ...] = ()
    sides: tuple[Side, ...] = ()
    options: tuple[Option, ...] = ()

    @property
    def digest(self) -> str:
        """64 hex digits that name the case: kind and facts, in whatever words it is told."""
        return hashlib.sha256(msgspec.json.encode([self.case, self.kind, *self.facts])).hexdigest()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One night's plan for one school. Every tuple is sorted, so equal intentions are equal plans."""

    night: datetime.date
    rekeys: tuple[Rekey, ...] = ()
    edit_ends: tuple[EditEnd, ...] = ()
    arrivals: tuple[Arrival, ...] = ()
    amendments: tuple[Amendment, ...] = ()
    standings: tuple[Standing, ...] = ()
    link_arrivals: tuple[LinkArrival, ...] = ()
    link_amendments: tuple[LinkAmendment, ...] = ()
    link_ends: tuple[LinkEnd, ...] = ()
    holds: tuple[Hold, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def writes(self) -> int:
        """How many rows it would touch."""
        return sum(
            map(
                len,
                (
                    self.rekeys,
                    self.edit_ends,
                    self.arrivals,
                    self.amendments,
                    self.standings,
                    self.link_arrivals,
                    self.link_amendments,
                    self.link_ends,
                ),
            )
        )

    def digest(self) -> str:
        """Return the hash an approval is tied to: any other plan has another one."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()
