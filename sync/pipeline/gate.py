"""What a night may do by itself: what is beyond belief waits for a person, the safe rest goes in (R12).

Pure. Every brake is measured against what we hold, never against the new feed, so that a short feed cannot shrink it.
A person's approval is of exactly the people named in it: one more or one fewer, and it is asked anew.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from sync.pipeline.held import LINKS, PEOPLE, Snapshot
from sync.pipeline.plan import NOTHING_DECIDED, Decided, plan
from sync.pipeline.plan.model import APPROVE, KEEP, Action, Case, Hold, LinkEnd, Option, Plan, Standing
from sync.pipeline.roster import Roster
from sync.pipeline.rules import CLASS_CHURN_PERCENT, Rules
from sync.records import Kind

Brake = tuple[Case, Kind]

_GOING: Final = frozenset({Action.MISS, Action.LEAVE})
_CHURNING: Final = frozenset({Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING})
WORDS: Final = {Kind.STAFF: "members of staff", Kind.MEDICAL: "medical notes", Kind.DIETARY: "dietary needs"}

LEAVE_IT: Final = Option(
    key=KEEP,
    label="Leave it as it is",
    effect="Nothing happens. Correct it in your MIS; we ask again only if it changes.",
)


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

    `approved` are the brakes for which an approval waits to be carried out, of whatever people: where it is not of
    these, the hold says so.
    """
    braked = _braked(wish, snapshot, roster, rules)
    waiting = {kind: hold for kind, hold in braked.items() if decided.get(hold.digest) != APPROVE}
    if not waiting:
        return wish
    # Planned anew, not cut down: whoever stays also keeps their address, which a newcomer might have been given.
    staying = _staying(waiting.keys()) - (braked.keys() - waiting.keys())
    rest = plan(snapshot, roster, rules, night=wish.night, staying=staying, decided=decided)
    holds = (_told(waiting[kind], approved) for kind in sorted(waiting))
    return msgspec.structs.replace(rest, holds=(*rest.holds, *holds))


def _staying(waiting: AbstractSet[Kind]) -> frozenset[Kind]:
    """Return the kinds of which nothing goes: one spoilt list of people throws doubt on all that came with it."""
    if waiting & set(PEOPLE):
        return frozenset(Kind)
    seats = {Kind.ENROLMENTS, Kind.TEACHING} if Kind.CLASSES in waiting else set()
    return frozenset(waiting | seats)


def _told(hold: Hold, approved: AbstractSet[Brake]) -> Hold:
    """Say of a hold that what was approved is no longer what would happen."""
    if (hold.case, hold.kind) not in approved:
        return hold
    return msgspec.structs.replace(hold, reason=f"This has changed since it was approved. {hold.reason}")


def held_counts(wish: Plan, snapshot: Snapshot) -> Counter[Kind]:
    """Return how many of each kind the brake is measured against.

    Those who come tonight do not count, so that a hold does not dissolve when the same night runs again; for links,
    whose first night nobody keeps, those who come count both times. On a first night everybody counts.
    """
    counts: Counter[Kind] = Counter()
    back = {(standing.kind, standing.id) for standing in wish.standings if standing.action is Action.REJOIN}
    for kind in (*PEOPLE, Kind.CLASSES):
        known = set(snapshot.identities[kind].values())
        here = [
            held for row, held in snapshot.records[kind].items() if row in known and (held.here or (kind, row) in back)
        ]
        counts[kind] = sum(held.since is None or held.since < wish.night for held in here) or len(here)
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
    if rules.rollover and kind in _CHURNING:
        return None
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
        facts=_departures(things),
        options=(
            Option(
                key=APPROVE,
                label=f"Let these {len(things)} go",
                effect=(
                    "Exactly these go in the next sync, as the MIS says it. If it says something else by then, we ask "
                    "again. The approval holds for seven days."
                ),
            ),
            LEAVE_IT,
        ),
    )


def _departures(things: Iterable[Standing | LinkEnd]) -> tuple[str, ...]:
    """Return who goes and how: what an approval is of."""
    return tuple(sorted(f"{thing.kind}:{thing.id}:{_how(thing)}" for thing in things))


def _how(thing: Standing | LinkEnd) -> Action:
    return thing.action if isinstance(thing, Standing) else Action.END


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
        facts=(str(here),),
    )


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word))
