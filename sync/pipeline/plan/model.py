"""What a plan is: everything a night would do, as a value that can be read, hashed, held in part, and applied."""

import datetime
import enum
import hashlib

import msgspec

from sync.pipeline.held import Value, Values
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


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody (or a class) the MIS names for the first time. `email` "" means that a dummy stands in (R29)."""

    kind: Kind
    ref: str
    values: Values
    email: str = ""
    mis_email: str | None = None
    domain_recognised: bool = False


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


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A part that waits for a person: one sentence, and whom it is about."""

    kind: Kind
    reason: str
    refs: tuple[str, ...]
    labels: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One night's plan for one school. Every tuple is sorted, so equal intentions are equal plans."""

    night: datetime.date
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
