"""The part of a night's plan that is about one person or class, so that it need not wait for the night.

Pure, and only ever less than the plan it is given: that one was made by the whole engine, so every rule, hold and brake
has spoken already. What is taken is what the one person needs to be as the MIS says, with whoever a new link of theirs
leads to. Nobody else changes and nobody goes; the night that follows ends where it would have ended alone.
"""

import enum
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, Self

import msgspec

from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.plan.model import Action, Amendment, Arrival, Case, EditEnd, Hold, LinkArrival, Plan
from sync.pipeline.roster import Refusal, Roster
from sync.records import PARTS, Kind

Who = tuple[Kind, int | str]  # one of our rows, or the ref of somebody who arrives

SUBJECTS: Final = (*PEOPLE, Kind.CLASSES)
_BY_REF: Final = "ref:"
_ADDRESS: Final = frozenset({"email", "mis_email", "domain_recognised"})
# Where one of these is held, nothing of the list is believed, whoever is asked about.
_OF_LISTS: Final = frozenset({Case.EMPTY, Case.UNREADABLE, Case.ID_SCHEME})


class Only(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a run is about, as `Run.only` has it: “students:41”, or “students:ref:S4711” for who may be new."""

    kind: Kind
    row: int | None = None
    ref: str = ""

    @classmethod
    def of(cls, told: str) -> Self:
        """Return whom this names.

        Raises:
            ValueError: it names nobody; the message says how it is written.
        """
        kind, _, rest = told.partition(":")
        if kind in SUBJECTS and rest.removeprefix(_BY_REF):
            if rest.startswith(_BY_REF):
                return cls(kind=Kind(kind), ref=rest.removeprefix(_BY_REF))
            if rest.isascii() and rest.isdigit():
                return cls(kind=Kind(kind), row=int(rest))
        raise ValueError("One person or class is written kind:number, or kind:ref:id of the MIS.")

    def __str__(self) -> str:
        return f"{self.kind}:{_BY_REF}{self.ref}" if self.row is None else f"{self.kind}:{self.row}"


class Left(enum.Enum):
    """What about this person is not done by a run of theirs alone, and what becomes of it."""

    ADDRESS = (
        "An address waits for the next sync of the whole school, because it goes from one person to another and both "
        "must change at once."
    )
    GOING = (
        "Your MIS says that they have left. Nobody goes by a sync of one person: the next sync of the whole school "
        "does that, by its own rules."
    )
    APPROVED = (
        "Something waits for the next sync of the whole school, because somebody has approved there exactly what it is "
        "part of."
    )


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a plan that is about one; `named` is whether the MIS names them at all."""

    plan: Plan
    left: frozenset[Left]
    named: bool


def narrow(
    only: Only, whole: Plan, snapshot: Snapshot, roster: Roster, *, approved: AbstractSet[Kind] = frozenset()
) -> Part:
    """Return the part of a gated plan that is about one person or class.

    Of the kinds in `approved` somebody has let exactly these go or be numbered anew: none of them is taken out of that.
    """
    return _Narrowing(only, whole, snapshot, roster, approved).part()


class _Narrowing:
    """One narrowing: who the one is, and whom the new links of theirs lead to."""

    def __init__(
        self, only: Only, whole: Plan, snapshot: Snapshot, roster: Roster, approved: AbstractSet[Kind]
    ) -> None:
        self.whole, self.snapshot, self.roster, self.approved = whole, snapshot, roster, approved
        self.rows = {kind: dict(snapshot.identities[kind]) for kind in SUBJECTS}
        for rekey in whole.rekeys:
            self.rows[rekey.kind][rekey.ref] = rekey.id
        self.rekeyed: set[Who] = {(rekey.kind, rekey.id) for rekey in whole.rekeys}
        self.one: Who = (only.kind, only.row) if only.row is not None else self.who(only.kind, only.ref)
        known = {ref for ref, row in self.rows[only.kind].items() if (only.kind, row) == self.one}
        self.refs = (known | {only.ref}) - {""}
        wished = [link for link in whole.link_arrivals if self.one in self.ends(link)]
        self.links = [link for link in wished if not any(map(self.waits, self.ends(link)))]
        self.near = {self.one} | {end for link in self.links for end in self.ends(link)}
        self.near = {who for who in self.near if not self.waits(who)}
        self.stuck = self._stuck()
        self.left = {Left.APPROVED} if len(self.links) < len(wished) or self.waits(self.one) else set()

    def who(self, kind: Kind, ref: str) -> Who:
        """Return whom a ref of the plan names."""
        return (kind, self.rows[kind].get(ref, ref))

    def ends(self, link: LinkArrival) -> list[Who]:
        """Return whom a new link joins."""
        return [self.who(kind, ref) for kind, ref in zip(PARTS[link.kind], link.key, strict=True) if kind]

    def waits(self, who: Who) -> bool:
        """Whether this one comes, or gets a new id, among those whom an approval is exactly of."""
        return who[0] in self.approved and (isinstance(who[1], str) or who in self.rekeyed)

    def part(self) -> Part:
        """Return what is taken and what is left."""
        whole, near = self.whole, self.near
        held = self._held_links()
        ends = [end for end in whole.link_ends if (end.kind, end.id) in held]
        if any(end.kind in self.approved for end in ends):
            self.left.add(Left.APPROVED)
        if any((s.kind, s.id) == self.one and s.action is not Action.REJOIN for s in whole.standings):
            self.left.add(Left.GOING)
        if self.stuck:
            self.left.add(Left.ADDRESS)
        taken = Plan(
            night=whole.night,
            rekeys=tuple(rekey for rekey in whole.rekeys if (rekey.kind, rekey.id) in near),
            edit_ends=tuple(filter(self._is_theirs, whole.edit_ends)),
            arrivals=tuple(self._arrivals()),
            amendments=tuple(filter(self._is_theirs, whole.amendments)),
            standings=tuple(s for s in whole.standings if (s.kind, s.id) in near and s.action is Action.REJOIN),
            link_arrivals=tuple(self.links),
            link_amendments=tuple(change for change in whole.link_amendments if (change.kind, change.id) in held),
            link_ends=tuple(end for end in ends if end.kind not in self.approved),
            holds=tuple(hold for hold in whole.holds if self._is_about(hold)),
            refusals=tuple(refusal for refusal in whole.refusals if self._names(refusal)),
        )
        return Part(plan=taken, left=frozenset(self.left), named=not self.refs.isdisjoint(self.roster.of(self.one[0])))

    def _arrivals(self) -> Iterator[Arrival]:
        for arrival in self.whole.arrivals:
            who = (arrival.kind, arrival.ref)
            if who in self.stuck:
                yield msgspec.structs.replace(arrival, email="", domain_recognised=False)
            elif who in self.near:
                yield arrival

    def _is_theirs(self, change: Amendment | EditEnd) -> bool:
        """Whether a change is of the one themselves; an address that cannot move stays with all that belongs to it."""
        who = (change.kind, change.id)
        return who == self.one and not (who in self.stuck and change.field in _ADDRESS)

    def _held_links(self) -> set[tuple[Kind, int]]:
        """Return the links that we hold of the one."""
        kind, row = self.one
        return {
            (of, link.id)
            for of, parts in PARTS.items()
            if kind in parts
            for key, link in self.snapshot.links[of].items()
            if key[parts.index(kind)] == row
        }

    # --- addresses ---

    def _stuck(self) -> set[Who]:
        """Return those whose address goes to or comes from somebody who does not change now: it waits, for both."""
        moves = dict(_moves(self.whole))
        gives, takes = defaultdict(set), defaultdict(set)
        for who, (old, new) in moves.items():
            gives[old].add(who)
            takes[new].add(who)
        free = {who for who in self.near if who == self.one or isinstance(who[1], str)}
        return {who for who in free & moves.keys() if not _chain(who, moves, gives, takes) <= free}

    # --- what is told ---

    def _is_about(self, hold: Hold) -> bool:
        """Whether a hold keeps anything from the one: it names them or whom they are linked to, or stops a list."""
        if hold.case is Case.DEPARTURES:
            return False  # nobody goes by this run
        if hold.case in _OF_LISTS:
            return hold.kind in self._lists()
        sides = {(side.kind, side.ref) for side in hold.sides} | {(hold.kind, ref) for ref in hold.refs}
        return not sides.isdisjoint(self._told_about())

    def _lists(self) -> set[Kind]:
        """Return the lists that speak of the one: their own, those of their links, and those these lead to."""
        links = {kind for kind, parts in PARTS.items() if self.one[0] in parts}
        return {self.one[0]} | links | {part for kind in links for part in PARTS[kind] if part}

    def _told_about(self) -> set[tuple[Kind, str]]:
        """Return the refs of the one and of whoever the MIS links to them."""
        found = {(self.one[0], ref) for ref in self.refs}
        for kind, parts in PARTS.items():
            if self.one[0] in parts:
                place = parts.index(self.one[0])
                keys = (key for key in self.roster.of(kind) if key[place] in self.refs)
                found |= {(part, ref) for key in keys for part, ref in zip(parts, key, strict=True) if part}
        return found

    def _names(self, refusal: Refusal) -> bool:
        """Whether something was refused about the one, or about somebody who comes for them."""
        if refusal.kind in SUBJECTS:
            return self.who(refusal.kind, refusal.ref) in self.near
        return self.one[0] in PARTS[refusal.kind] and not self.refs.isdisjoint({refusal.ref, refusal.other_ref})


def _moves(whole: Plan) -> Iterator[tuple[Who, tuple[str, str]]]:
    """Yield (who, (address given up, address taken)) of everybody whose address changes; "" is none."""
    for change in whole.amendments:
        if change.field == "email":
            yield (change.kind, change.id), (str(change.old).casefold(), str(change.new).casefold())
    for arrival in whole.arrivals:
        if arrival.email:
            yield (arrival.kind, arrival.ref), ("", arrival.email.casefold())


def _chain(
    who: Who,
    moves: Mapping[Who, tuple[str, str]],
    gives: Mapping[str, Iterable[Who]],
    takes: Mapping[str, Iterable[Who]],
) -> set[Who]:
    """Return all whose addresses change hands together with this one's."""
    chain: set[Who] = set()
    new = {who}
    while new:
        chain |= new
        found = {
            other
            for one in new
            for old, to in [moves[one]]
            for other in (*(takes[old] if old else ()), *(gives[to] if to else ()))
        }
        new = found - chain
    return chain
