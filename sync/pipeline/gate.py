"""What a night may do by itself: what is beyond belief waits for a person, the safe rest goes in (R12).

Pure. A person's approval is of exactly the people and rows named in it: one more or one fewer, and it is asked anew.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import msgspec

from sync.pipeline import brakes
from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.plan import NOTHING_DECIDED, Decided, plan
from sync.pipeline.plan.model import APPROVE, Case, Hold, Plan
from sync.pipeline.renumbering import renumbered
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import PARTS, Kind, Record

Brake = tuple[Case, Kind]

_ABOUT_DEPARTURES: Final = frozenset({Case.DEPARTURES, Case.ID_SCHEME})
_ABOUT_LISTS: Final = frozenset({Case.UNREADABLE, Case.ID_SCHEME})


def gate(
    wish: Plan,
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    *,
    decided: Decided = NOTHING_DECIDED,
    approved: AbstractSet[Brake] = frozenset(),
) -> Plan:
    """Return the part of the wish that may go in, with a hold for each part that waits.

    `approved` are the brakes with an approval that no run has carried out, of whomever it is: where it is not of
    those who would go now, the hold says so.
    """
    found = list(_found(wish, snapshot, roster, rules))
    free = {(hold.case, hold.kind) for hold in found if _is_approved(hold, decided)}
    waiting = _first_of_each_kind(hold for hold in found if (hold.case, hold.kind) not in free)
    if not waiting:
        return wish
    let_go = {kind for case, kind in free if case in _ABOUT_DEPARTURES and kind not in waiting}
    # Planned anew, not cut down: whoever stays also keeps their address, which a newcomer might have been given.
    rest = plan(
        snapshot,
        _believed(roster, snapshot, waiting),
        rules,
        night=wish.night,
        staying=_staying(waiting.keys()) - let_go,
        decided=decided,
    )
    return msgspec.structs.replace(rest, holds=(*rest.holds, *(_told(hold, approved) for hold in waiting.values())))


def _found(wish: Plan, snapshot: Snapshot, roster: Roster, rules: Rules) -> Iterator[Hold]:
    """Yield what is beyond belief, by kind, the gravest first."""
    base, going = brakes.held_counts(wish, snapshot), brakes.departures(wish)
    for kind in sorted(Kind):
        things, renumbering = going.get(kind, []), None
        if hold := brakes.empty(kind, roster, base[kind]):
            yield hold
        if kind in PEOPLE:
            if hold := brakes.unreadable(kind, roster, rules):
                yield hold
            if renumbering := renumbered(kind, wish, things, snapshot, roster, base[kind], rules):
                yield renumbering
        # Who seems to be numbered anew is one case, not two: its facts name the departures as well.
        if not renumbering and (hold := brakes.too_many_going(kind, things, base[kind], rules)):
            yield hold


def _is_approved(hold: Hold, decided: Decided) -> bool:
    """Whether a person lets it in; where that is not offered, nothing that was ever noted can."""
    return any(option.key == APPROVE for option in hold.options) and decided.get(hold.digest) == APPROVE


def _first_of_each_kind(holds: Iterator[Hold]) -> dict[Kind, Hold]:
    found: dict[Kind, Hold] = {}
    for hold in holds:
        found.setdefault(hold.kind, hold)
    return found


def _staying(waiting: AbstractSet[Kind]) -> frozenset[Kind]:
    """Return the kinds of which nothing goes: one spoilt list of people throws doubt on all that came with it."""
    if waiting & set(PEOPLE):
        return frozenset(Kind)
    seats = {Kind.ENROLMENTS, Kind.TEACHING} if Kind.CLASSES in waiting else set()
    return frozenset(waiting | seats)


def _believed(roster: Roster, snapshot: Snapshot, waiting: Mapping[Kind, Hold]) -> Roster:
    """Return the roster without whoever is not believed, and without what it says about them.

    That is who comes under a new id, or a whole list with too many bad rows. A list cut here proves nobody absent.
    """
    cut = {
        kind: roster.of(kind).keys() - (snapshot.identities[kind].keys() if hold.case is Case.ID_SCHEME else ())
        for kind, hold in waiting.items()
        if hold.case in _ABOUT_LISTS
    }
    lists = [kind for kind in Kind if not cut.keys().isdisjoint((kind, *PARTS.get(kind, ())))]
    kept = {kind.value: _without(cut, kind, roster.of(kind)) for kind in lists}
    return msgspec.structs.replace(roster, complete=roster.complete - set(lists), **kept)


def _without(cut: Mapping[Kind, AbstractSet[str]], kind: Kind, records: Mapping[Any, Record]) -> dict[Any, Record]:
    """Return the records of a kind that neither are nor name somebody who was cut."""
    if kind in cut:
        return {ref: record for ref, record in records.items() if ref not in cut[kind]}
    ends = [(half, cut[part]) for half, part in enumerate(PARTS[kind]) if part and part in cut]
    return {key: record for key, record in records.items() if not any(key[half] in refs for half, refs in ends)}


def _told(hold: Hold, approved: AbstractSet[Brake]) -> Hold:
    """Say of a hold that what was approved is no longer what would happen."""
    if (hold.case, hold.kind) not in approved:
        return hold
    return msgspec.structs.replace(hold, reason=f"This has changed since it was approved. {hold.reason}")
