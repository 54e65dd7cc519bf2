"""When a list is not believed by itself: too many would go, no row came, or too many rows are unusable (R12).

Pure. Every brake is measured against what we hold, never against the new feed, so that a short feed cannot shrink it.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sync.pipeline.held import LINKS, PEOPLE, Snapshot
from sync.pipeline.plan.model import APPROVE, KEEP, Action, Case, Hold, LinkEnd, Option, Plan, Standing
from sync.pipeline.roster import Roster
from sync.pipeline.rules import CLASS_CHURN_PERCENT, Rules
from sync.records import Kind

UNREADABLE_PERCENT: Final = 20  # of a list of people; with more of it unusable the rest is not believed either

_GOING: Final = frozenset({Action.MISS, Action.LEAVE})
_CHURNING: Final = frozenset({Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING})
_WORDS: Final = {Kind.STAFF: "members of staff", Kind.MEDICAL: "medical notes", Kind.DIETARY: "dietary needs"}

LEAVE_IT: Final = Option(
    key=KEEP,
    label="Leave it as it is",
    effect="Nothing happens. Correct it in your MIS; as long as it is the same, nobody is asked again.",
)

Departure = Standing | LinkEnd


def word(kind: Kind) -> str:
    """Return a kind in the plural, as a reader says it."""
    return _WORDS.get(kind, kind.value)


def share(number: int, base: int) -> str:
    """Return “6 of 100”, or “6” alone where some of them came tonight and so are not among those we held."""
    return f"{number} of {base}" if number <= base else str(number)


def too_many(number: int, base: int, *, kind: Kind, rules: Rules) -> bool:
    """Whether more of a kind than the school lets go in one night, by number and by share."""
    return number > rules.leaving_count and 100 * number > percent(kind, rules) * base


def percent(kind: Kind, rules: Rules) -> int:
    """Return the share of a kind that may go in one night."""
    return CLASS_CHURN_PERCENT if kind in _CHURNING else rules.leaving_percent


def held_counts(wish: Plan, snapshot: Snapshot) -> Counter[Kind]:
    """Return how many of each kind the brake is measured against.

    Those who come tonight do not count, so that a hold does not dissolve when the same night runs again; for links,
    whose first night nobody keeps, those who come count both times. Where all came tonight, all count.
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


def departures(wish: Plan) -> dict[Kind, list[Departure]]:
    """Return all who and what would go, by kind."""
    going: dict[Kind, list[Departure]] = {}
    for standing in wish.standings:
        if standing.action in _GOING:
            going.setdefault(standing.kind, []).append(standing)
    for end in wish.link_ends:
        going.setdefault(end.kind, []).append(end)
    return going


def exactly(things: Iterable[Departure]) -> tuple[str, ...]:
    """Return who goes and how: what an approval is of."""
    return tuple(sorted(f"{thing.kind}:{thing.id}:{_how(thing)}" for thing in things))


def _how(thing: Departure) -> Action:
    return thing.action if isinstance(thing, Standing) else Action.END


def empty(kind: Kind, roster: Roster, base: int) -> Hold | None:
    """Hold a list that was read to its end and has no row, where we hold some: nobody may let that pass."""
    if kind not in roster.complete or roster.rows.get(kind, 0) or not base:
        return None
    return Hold(
        kind=kind,
        case=Case.EMPTY,
        reason=(
            f"The feed has no {word(kind)} at all, and we hold {base}. An empty feed is never taken "
            "for everybody leaving: nothing changes until it has some. Check what the MIS sends."
        ),
        refs=(),
        labels=(),
        facts=(str(base),),
    )


def too_many_going(kind: Kind, things: list[Departure], base: int, rules: Rules) -> Hold | None:
    """Hold the departures of a kind of which more would go than the school allows; classes and seats may roll over."""
    if (rules.rollover and kind in _CHURNING) or not too_many(len(things), base, kind=kind, rules=rules):
        return None
    return Hold(
        kind=kind,
        case=Case.DEPARTURES,
        reason=(
            f"{share(len(things), base)} {word(kind)} would go, more than the {percent(kind, rules)} % this school "
            "allows in one night. Nobody goes until a person has said so: if it is true, approve it; if not, correct "
            "the feed."
        ),
        refs=_sorted(getattr(thing, "ref", "") for thing in things),
        labels=_sorted(thing.label for thing in things),
        facts=exactly(things),
        options=(
            Option(
                key=APPROVE,
                label=f"Let these {len(things)} go",
                effect=(
                    "The next sync lets exactly these go, as the MIS says it. With one more or one fewer it asks "
                    "again. The approval holds for seven days."
                ),
            ),
            LEAVE_IT,
        ),
    )


def unreadable(kind: Kind, roster: Roster, rules: Rules) -> Hold | None:
    """Hold a whole list of people of which too many rows are unusable: the others may be as wrong."""
    refused = [refusal for refusal in roster.refusals if refusal.kind is kind and not refusal.field]
    taken = len(roster.of(kind))
    bad = roster.rows[kind] - taken if kind in roster.complete else len(refused)
    if bad <= rules.leaving_count or 100 * bad <= UNREADABLE_PERCENT * (taken + bad):
        return None
    return Hold(
        kind=kind,
        case=Case.UNREADABLE,
        reason=(
            f"{bad} of the {taken + bad} rows of {word(kind)} cannot be used, more than {UNREADABLE_PERCENT} %, so the "
            "others may be wrong too. No row of this list is taken. Look at what is refused and correct the feed."
        ),
        refs=_sorted(refusal.ref for refusal in refused),
        labels=(),
        facts=(str(bad), *sorted(f"{refusal.ref}:{refusal.place}:{refusal.fault}" for refusal in refused)),
        options=(
            Option(
                key=APPROVE,
                label="Take the rows that can be used",
                effect="As long as just these rows are unusable, every sync takes the others. Nobody goes for it.",
            ),
            LEAVE_IT,
        ),
    )


def _sorted(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(word for word in words if word))
