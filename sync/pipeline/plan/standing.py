"""Who is missing, who has left, who is back (D9, R48, R49, R68). Absence counts only in a kind proven complete."""

import datetime
from collections.abc import Iterator, Mapping

from sync.pipeline.held import Held, Snapshot
from sync.pipeline.plan.model import Action, Standing
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import Kind, Record


def standings(
    snapshot: Snapshot, roster: Roster, rules: Rules, kind: Kind, *, night: datetime.date, doubted: set[str]
) -> Iterator[Standing]:
    """Yield the changes of standing of one kind; `doubted` refs (held for a person) change nothing."""
    refs_of: dict[int, set[str]] = {}
    for ref, row in snapshot.identities[kind].items():
        refs_of.setdefault(row, set()).add(ref)
    readable = roster.of(kind)
    for row, held in snapshot.records[kind].items():
        refs = refs_of.get(row, set())
        if not refs or not held.from_feed or refs & doubted:
            continue  # made by hand, or of another MIS: out of this feed's reach
        said = {ref: readable[ref] for ref in refs if ref in readable}
        if said:
            change = _of_the_present(held, said, night)
        elif all(roster.proves_absence(kind=kind, key=ref) for ref in refs):
            change = _of_the_absent(held, kind, night, rules)
        else:
            change = None
        if change:
            action, missing_since, left_on, why = change
            yield Standing(
                action=action,
                kind=kind,
                id=row,
                ref=min(said or refs),
                label=snapshot.name(kind, row),
                missing_since=missing_since,
                left_on=left_on,
                why=why,
            )


Outcome = tuple[Action, datetime.date | None, datetime.date | None, str]


def _of_the_present(held: Held, said: Mapping[str, Record], night: datetime.date) -> Outcome | None:
    leaving = [day for record in said.values() if isinstance(day := getattr(record, "left_on", None), datetime.date)]
    if leaving and min(leaving) <= night:
        return (Action.LEAVE, None, min(leaving), "The MIS gives a leaving date.") if held.here else None
    if not held.here:
        return Action.REJOIN, None, None, "In the feed again with the same id."
    if held.missing_since:
        return Action.REJOIN, None, None, "In the feed again."
    return None


def _of_the_absent(held: Held, kind: Kind, night: datetime.date, rules: Rules) -> Outcome | None:
    if not held.here:
        return None
    if kind is Kind.CLASSES:
        return Action.LEAVE, None, night, "No longer in the feed."
    if held.missing_since is None:
        return Action.MISS, night, None, "Not in a complete feed for the first time."
    if held.missing_since >= night:
        return None  # the same night again: a second run is not a second night
    if kind is Kind.STAFF and not rules.staff_leavers_authoritative:
        return None  # staff are listed, and a super user decides (R48)
    return Action.LEAVE, None, night, f"Not in the feed since {held.missing_since.isoformat()}."
