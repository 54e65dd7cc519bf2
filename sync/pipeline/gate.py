"""What a night may do by itself: departures beyond belief wait for a person, the safe rest goes in (R12).

Pure. The brake is measured against what we hold, never against the new feed, so that a short feed cannot shrink it.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import msgspec

from sync.pipeline.held import LINKS, PEOPLE, Snapshot
from sync.pipeline.plan import plan
from sync.pipeline.plan.model import Action, Case, Hold, LinkEnd, Plan, Standing
from sync.pipeline.roster import Roster
from sync.pipeline.rules import CLASS_CHURN_PERCENT, Rules
from sync.records import Kind

_GOING = frozenset({Action.MISS, Action.LEAVE})
_CHURNING = frozenset({Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING})
WORDS = {Kind.STAFF: "members of staff", Kind.MEDICAL: "medical notes", Kind.DIETARY: "dietary needs"}


def gate(wish: Plan, snapshot: Snapshot, roster: Roster, rules: Rules) -> Plan:
    """Return the part of the wish that may go in, with a hold for each part that waits."""
    braked = _braked(wish, snapshot, roster, rules)
    if not braked:
        return wish
    # Planned anew, not cut down: whoever stays also keeps their address, which a newcomer might have been given.
    rest = plan(snapshot, roster, rules, night=wish.night, staying=_staying(braked.keys()))
    return msgspec.structs.replace(rest, holds=(*rest.holds, *(braked[kind] for kind in sorted(braked))))


def _staying(braked: AbstractSet[Kind]) -> frozenset[Kind]:
    """Return the kinds of which nothing goes: one spoilt list of people throws doubt on all that came with it."""
    if braked & set(PEOPLE):
        return frozenset(Kind)
    seats = {Kind.ENROLMENTS, Kind.TEACHING} if Kind.CLASSES in braked else set()
    return frozenset(braked | seats)


def held_counts(wish: Plan, snapshot: Snapshot) -> Counter[Kind]:
    """Return how many of each kind the brake is measured against.

    Those who come tonight do not count, so that a hold does not dissolve when the same night runs again; for links,
    whose first night nobody keeps, those who come count both times.
    """
    counts: Counter[Kind] = Counter()
    back = {(standing.kind, standing.id) for standing in wish.standings if standing.action is Action.REJOIN}
    for kind in (*PEOPLE, Kind.CLASSES):
        known = set(snapshot.identities[kind].values())
        counts[kind] = sum(
            1
            for row, held in snapshot.records[kind].items()
            if row in known and (held.here or (kind, row) in back) and (held.since is None or held.since < wish.night)
        )
    for kind in LINKS:
        counts[kind] = sum(1 for link in snapshot.links[kind].values() if link.here)
    counts.update(arrival.kind for arrival in wish.link_arrivals)
    return counts


def _braked(wish: Plan, snapshot: Snapshot, roster: Roster, rules: Rules) -> dict[Kind, Hold]:
    going: dict[Kind, list[Standing | LinkEnd]] = {}
    leaving = [standing for standing in wish.standings if standing.action in _GOING]
    things: list[Standing | LinkEnd] = [*leaving, *wish.link_ends]
    for thing in things:
        going.setdefault(thing.kind, []).append(thing)
    base = held_counts(wish, snapshot)
    found = {kind: hold for kind, all_of in going.items() if (hold := _brake(kind, all_of, base[kind], rules))}
    for kind in sorted(roster.complete):
        if roster.rows.get(kind, 0) == 0 and base[kind]:
            found[kind] = _nothing(kind, base[kind])
    return found


def _brake(kind: Kind, things: list[Standing | LinkEnd], here: int, rules: Rules) -> Hold | None:
    percent = CLASS_CHURN_PERCENT if kind in _CHURNING else rules.leaving_percent
    if len(things) <= rules.leaving_count or 100 * len(things) <= percent * here:
        return None
    return Hold(
        kind=kind,
        case=Case.DEPARTURES,
        reason=(
            f"{len(things)} of {here} {WORDS.get(kind, kind.value)} would go, more than the {percent} % this school "
            "allows in one night. Nobody went. If it is true, approve it; if not, correct the feed."
        ),
        refs=_sorted(getattr(thing, "ref", "") for thing in things),
        labels=_sorted(thing.label for thing in things),
    )


def _nothing(kind: Kind, here: int) -> Hold:
    return Hold(
        kind=kind,
        case=Case.EMPTY,
        reason=(
            f"The feed has no {WORDS.get(kind, kind.value)} at all, and we hold {here}. An empty feed is never taken "
            "for everybody leaving: nothing changed. Check what the MIS sends."
        ),
        refs=(),
        labels=(),
    )


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word))
