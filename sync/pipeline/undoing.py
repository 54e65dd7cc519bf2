"""What an undo would do: a run's changes and what is held now → what is restored, what is left alone, and why.

Pure: no database, no clock. Nothing that has changed since is touched, nobody is deleted, ids are for ever, and an
address that somebody else has meanwhile stays theirs.
"""

import datetime
import enum
import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from sync.pipeline.exact import Exact, Facts
from sync.pipeline.held import PEOPLE
from sync.records import PARTS, Kind

Who = tuple[Kind, int] | tuple[Kind, int, int]  # a person or class, or a link by its two ends
Person = tuple[Kind, int]

# Staff and guardian of one address are one human in two modes (R40).
_SHARES: Final = frozenset({(Kind.STAFF, Kind.GUARDIANS), (Kind.GUARDIANS, Kind.STAFF)})
_STANDING: Final = frozenset({"status", "missing_since", "left_on"})


class Why(enum.StrEnum):
    """Why something is left as it is, in a sentence; `CHANGED` is told better by whoever can look up by what."""

    CHANGED = "It was changed since."
    ALREADY = "It is so again already."
    HEALTH = "What notes and needs say is not kept here; the next sync brings what your MIS says."
    IDS = "Ids are for ever: the person keeps both, and the history of each."
    EDIT = "The correction made by hand ended then; correct it again if you still want it."
    UNKNOWN = "This run is from before we kept what an undo needs."
    GONE = "The record is no longer kept."
    BY_HAND = "It was corrected by hand, and that correction stands."
    STAKED = "They have come in with us since, so it matters who they are."
    WITH_THEM = "It belongs to somebody who came with this run and stays."
    DELETED = "The school has deleted this member of staff by hand since."
    SIGNED_IN = "Somebody has signed in with the present address since."
    TAKEN = "Somebody else has that address by now."
    DOMAIN = "It goes with the address, which is not restored or not on one of the school’s domains."


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the run, as it was recorded."""

    id: int
    kind: Kind
    row: int | None
    label: str
    ref: str
    action: str
    field: str
    old: str
    new: str
    exact: Exact | None

    @property
    def who(self) -> Who | None:
        """The record it is about, if that is known to the letter."""
        if self.exact is None:
            return None
        if self.exact.ends is not None:
            return (self.kind, *self.exact.ends)
        return (self.kind, self.exact.row) if self.exact.row is not None else None


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """What is held now of everything the run touched, and who has the addresses that would come back."""

    rows: dict[Who, Facts]
    stakes: dict[Person, tuple[str, ...]] = {}
    edited: frozenset[tuple[Person, str]] = frozenset()  # fields with an open correction made by hand
    addresses: dict[Person, str] = {}  # in lower case
    signed_in: frozenset[str] = frozenset()  # addresses whose account was activated after the run
    domains: frozenset[str] = frozenset()


class Restore(msgspec.Struct, frozen=True, kw_only=True):
    """One record put back: the columns from `was` (as held) to `to`. None: the link is not there."""

    done: Done
    was: Facts | None
    to: Facts | None

    @property
    def kind(self) -> Kind:
        """The kind of the record."""
        return self.done.kind

    @property
    def label(self) -> str:
        """Its name as it was then."""
        return self.done.label

    @property
    def field(self) -> str:
        """The field, where one field goes back."""
        return self.done.field if self.action == "amend" else ""

    @property
    def old(self) -> str:
        """What is told of it before."""
        if self.action == "amend":
            return self.done.new
        return self._about if self.action == "end" else ""

    @property
    def new(self) -> str:
        """What is told of it after."""
        if self.action == "amend":
            return self.done.old
        if self.action == "arrive":
            return self._about
        return "" if self.action == "end" or self.day is None else self.day.isoformat()

    @property
    def _about(self) -> str:
        return self.done.new or self.done.old

    @property
    def action(self) -> str:
        """What happens to the record; a word of `Change.Action`."""
        if self.to is None:
            return "end"
        if "status" in self.to:
            return {"active": "rejoin", "missing": "miss"}.get(str(self.to["status"]), "leave")
        if "ended_on" in self.to:
            gone = self.to["ended_on"] is not None
            return _CLASS[gone] if self.done.kind is Kind.CLASSES else _LINK[gone]
        return "arrive" if self.was is None else "amend"

    @property
    def day(self) -> datetime.date | None:
        """The day of a departure or of the first night without them."""
        days = [(self.to or {}).get(name) for name in ("left_on", "missing_since", "ended_on")]
        return next((day for day in days if isinstance(day, datetime.date)), None)


_CLASS: Final = {True: "leave", False: "rejoin"}
_LINK: Final = {True: "end", False: "arrive"}


class LeftAlone(msgspec.Struct, frozen=True, kw_only=True):
    """Something of the run that stays as it is. `columns` are the facts that are meant."""

    done: Done
    why: str
    columns: tuple[str, ...] = ()


class Undoing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an undo would do, in the order in which the run did it."""

    restores: tuple[Restore, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    @property
    def opens(self) -> int:
        """How many guardians get sight of a student again: a tie in force again, or a restriction lifted."""
        ties = [one.to for one in self.restores if one.done.kind is Kind.TIES and one.to is not None]
        return sum(1 for to in ties if to.get("ended_on", "") is None or to.get("restricted") is False)

    def digest(self) -> str:
        """Return what a confirmation is tied to: the records and what they become, whatever the day."""
        told = [(one.done.id, sorted((one.to or {"": None}).keys())) for one in self.restores]
        return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """Columns that go back together or not at all; `riders` only if they too are as the run left them."""

    done: Done
    was: Facts | None
    now: Facts | None
    riders: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(sorted(self.now or self.was or {}))


def undoing(done: Iterable[Done], present: Present, *, day: datetime.date) -> Undoing:
    """Return what undoing these changes would do on this day (the school's own)."""
    wishes: list[tuple[_Part, Facts | None]] = []
    left: list[LeftAlone] = []
    for part in (part for change in done for part in _parts(change, day)):
        why = _objection(part, present)
        if why:
            left.append(LeftAlone(done=part.done, why=why, columns=part.columns))
        else:
            wishes.append((part, _goal(part, present)))
    for rule in (_companions, _addresses, _domains):
        barred = rule(wishes, left, present)
        left += [
            LeftAlone(done=wishes[place][0].done, why=why, columns=wishes[place][0].columns) for place, why in barred
        ]
        refused = {place for place, _ in barred}
        wishes = [wish for place, wish in enumerate(wishes) if place not in refused]
    return Undoing(
        restores=tuple(_together(wishes, present)), left_alone=tuple(sorted(left, key=lambda one: one.done.id))
    )


# --- one change, in the parts that stand or fall by themselves ---


def _parts(done: Done, day: datetime.date) -> Iterator[_Part]:
    exact = done.exact
    if exact is None:
        yield _Part(done=done, was={}, now={})
    elif exact.was is None and exact.now is not None:
        yield _arrival(done, exact.now, day)
    elif exact.now is None or not exact.now:
        yield _Part(done=done, was=exact.was, now=exact.now)
    else:
        yield from _groups(done, exact.was or {}, exact.now)


def _arrival(done: Done, now: Facts, day: datetime.date) -> _Part:
    """Undo an arrival: nobody is deleted, they leave and give up their address; places in a class go."""
    if done.kind in PEOPLE:
        here: Facts = {"status": "active", "missing_since": None, "left_on": None}
        gone: Facts = {"status": "left", "missing_since": None, "left_on": day}
        address: Facts = {"email": ""} if now.get("email") else {}
        return _Part(done=done, was=gone | address, now=here | now, riders=frozenset({"email"}))
    if done.kind in {Kind.CLASSES, Kind.TIES}:
        return _Part(done=done, was={"ended_on": day}, now={"ended_on": None})
    return _Part(done=done, was=None, now={})


def _groups(done: Done, was: Facts, now: Facts) -> Iterator[_Part]:
    together = _STANDING if "status" in now else frozenset({"email", "mis_email"}) if "email" in now else frozenset()
    rest = [frozenset({name}) for name in now if name not in together]
    for names in (together, *rest) if together else rest:
        yield _Part(
            done=done,
            was={name: was.get(name) for name in now if name in names},
            now={name: value for name, value in now.items() if name in names},
            riders=frozenset({"mis_email"}) if "email" in names else frozenset(),
        )


# --- what speaks against it, seen by itself ---


def _objection(part: _Part, present: Present) -> str:
    """Return why a part is left alone, or ""."""
    who = part.done.who
    if who is None:
        return _not_exact(part.done)
    held = present.rows.get(who)
    if part.now is None:
        return _taken_away(who, held, present)
    if held is None:
        return Why.GONE if len(who) == 2 else Why.CHANGED
    if part.was is None:
        return ""
    decisive = [name for name in part.now if name not in part.riders]
    if all(_same(held.get(name), part.was.get(name)) for name in decisive):
        return Why.ALREADY
    if any((who, name) in present.edited for name in decisive):
        return Why.BY_HAND
    if any(not _same(held.get(name), part.now[name]) for name in decisive):
        return Why.CHANGED
    return _person_objects(part, (who[0], who[1]), held, present)


def _not_exact(done: Done) -> str:
    if done.kind in {Kind.MEDICAL, Kind.DIETARY}:
        return Why.HEALTH
    return {"rekey": Why.IDS, "release": Why.EDIT}.get(done.action, Why.UNKNOWN)


def _taken_away(who: Who, held: Facts | None, present: Present) -> str:
    """Judge a place in a class that the run took away."""
    if held is not None:
        return Why.ALREADY
    ends = zip(PARTS[who[0]], who[1:], strict=True)
    return "" if all((kind, row) in present.rows for kind, row in ends) else Why.GONE


def _person_objects(part: _Part, who: Person, held: Facts, present: Present) -> str:
    arrived = part.done.exact is not None and part.done.exact.was is None
    if arrived and present.stakes.get(who):
        return Why.STAKED
    was = part.was or {}
    if held.get("deleted_at") and was.get("status") not in {None, "left"}:
        return Why.DELETED
    if "email" in was and str(held.get("email")).lower() in present.signed_in:
        return Why.SIGNED_IN
    return ""


def _same(one: object, other: object) -> bool:
    return one == other


def _goal(part: _Part, present: Present) -> Facts | None:
    """Return the columns as they become; a rider that has moved on since stays where it is."""
    if part.was is None or part.done.who is None or part.now is None:
        return part.was
    held = present.rows[part.done.who]
    return {
        name: value
        for name, value in part.was.items()
        if name not in part.riders or _same(held.get(name), part.now.get(name))
    }


# --- what speaks against it, seen beside the others ---

Wishes = list[tuple[_Part, Facts | None]]
Barred = list[tuple[int, str]]


def _companions(wishes: Wishes, left: list[LeftAlone], present: Present) -> Barred:  # noqa: ARG001 one shape for all rules
    """Leave the ties and places of newcomers who stay: they came for them."""
    staying = {one.done.who for one in left if one.why == Why.STAKED}
    return [
        (place, Why.WITH_THEM)
        for place, (part, _) in enumerate(wishes)
        if part.done.action == "arrive" and staying & set(_ends(part.done.who))
    ]


def _ends(who: Who | None) -> list[Who]:
    if who is None or len(who) == 2:
        return []
    return [(kind, row) for kind, row in zip(PARTS[who[0]], who[1:], strict=True) if kind is not None]


def _addresses(wishes: Wishes, left: list[LeftAlone], present: Present) -> Barred:  # noqa: ARG001 one shape for all rules
    """Bar each address that would meet another one; whoever keeps theirs may be in the way of the next."""
    wanted: dict[Person, tuple[int, str]] = {}
    for place, (part, to) in enumerate(wishes):
        if to is not None and "email" in to and part.done.row is not None:
            wanted[part.done.kind, part.done.row] = (place, str(to["email"]).lower())
    barred: set[Person] = set()
    while True:
        final = present.addresses | {who: to for who, (_, to) in wanted.items() if who not in barred}
        holders: dict[str, list[Person]] = {}
        for who, address in final.items():
            holders.setdefault(address, []).append(who)
        met = {
            who
            for who, (_, to) in wanted.items()
            if to and who not in barred and any(_clash(who, other) for other in holders[to])
        }
        if not met:
            return [(wanted[who][0], Why.TAKEN) for who in sorted(barred)]
        barred |= met


def _clash(one: Person, other: Person) -> bool:
    return one != other and (one[0], other[0]) not in _SHARES


def _domains(wishes: Wishes, left: list[LeftAlone], present: Present) -> Barred:
    """Never give a login back by a domain that is not the school's, or to another address than it was for (R38)."""
    final = dict(present.addresses)
    final |= {
        (part.done.kind, part.done.row or 0): str(to["email"]).lower() for part, to in wishes if to and "email" in to
    }
    stuck = {one.done.who for one in left if "email" in one.columns and one.why != Why.ALREADY}
    return [
        (place, Why.DOMAIN)
        for place, (part, to) in enumerate(wishes)
        if to and "domain_recognised" in to and (part.done.who in stuck or not _ours(part, to, final, present))
    ]


def _ours(part: _Part, to: Facts, final: dict[Person, str], present: Present) -> bool:
    address = final.get((part.done.kind, part.done.row or 0), "")
    return not to["domain_recognised"] or address.rpartition("@")[2] in present.domains


def _together(wishes: Wishes, present: Present) -> Iterator[Restore]:
    """Put the parts of one change together again."""
    found: dict[int, Restore] = {}
    for part, to in wishes:
        before = found.get(part.done.id)
        held = present.rows.get(part.done.who) if part.done.who else None
        was = None if held is None else {name: held.get(name) for name in to or {}}
        found[part.done.id] = Restore(
            done=part.done,
            was=was if before is None or before.was is None or was is None else before.was | was,
            to=to if before is None or before.to is None or to is None else before.to | to,
        )
    yield from found.values()
