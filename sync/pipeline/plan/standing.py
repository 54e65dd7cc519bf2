"""Who is missing, who has left, who is back (D9, R45, R48, R49, R68).

Absence counts only in a kind proven complete. Whom the school deleted by hand no feed brings back, and whoever holds a
role of the school's does not go before somebody has said so.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping

from sync.pipeline.held import Held, Snapshot
from sync.pipeline.plan.model import APPROVE, KEEP, Action, Case, Hold, Option, Side, Standing
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
        return None if held.deleted else (Action.REJOIN, None, None, "In the feed again: the same person.")
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


def guarded(
    snapshot: Snapshot, wished: Iterable[Standing], decided: Mapping[str, str]
) -> tuple[tuple[Standing, ...], tuple[Hold, ...]]:
    """Split off whoever would go with a role of the school's (R45, R46, R49): they stay until somebody says so.

    The last super user stays whatever anybody says.
    """
    running = sum(1 for held in snapshot.records[Kind.STAFF].values() if held.here and held.runs_school)
    going: list[Standing] = []
    holds: list[Hold] = []
    for change in wished:
        held = snapshot.records[change.kind][change.id]
        if change.action is not Action.LEAVE or not held.roles:
            going.append(change)
            continue
        last = held.runs_school and running == 1
        hold = _with_a_role(change, held, last=last)
        if last or decided.get(hold.digest) != APPROVE:
            holds.append(hold)
        else:
            going.append(change)
            running -= held.runs_school
    return tuple(going), tuple(holds)


def _with_a_role(change: Standing, held: Held, *, last: bool) -> Hold:
    day = held.missing_since or change.left_on
    roles = " and ".join(held.roles)
    only = "They are the school’s only super user, so they stay: ask us to designate another one first."
    options = (
        Option(
            key=APPROVE,
            label=f"Let {change.label} go",
            effect=f"Their way in as staff ends, and so does what the school granted them: {roles}. History stays.",
        ),
        Option(key=KEEP, label="Let them stay", effect="Nothing changes here. Put them back in your MIS."),
    )
    return Hold(
        kind=change.kind,
        case=Case.ROLE_LEAVES,
        reason=f"{change.label} ({roles}) would leave. {change.why} "
        + (only if last else "They stay until you say so."),
        refs=(change.ref,),
        labels=(change.label,),
        facts=(change.ref, day.isoformat() if day else "", *held.roles),
        sides=(
            Side(
                title=change.label,
                kind=change.kind,
                ref=change.ref,
                id=change.id,
                facts=(("email", held.email or "none"), *(("role", role) for role in held.roles)),
            ),
        ),
        options=options[1:] if last else options,
    )
