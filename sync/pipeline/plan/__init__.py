"""The heart of the sync: (what we hold, what the MIS says, the school's rules) → what this night would do.

Pure: no database, no clock, no order of records. Its laws are in `tests/sync/pipeline/test_plan_laws.py`.
"""

import datetime
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.plan import edits, emails
from sync.pipeline.plan.identity import Recognised, recognise
from sync.pipeline.plan.links import links
from sync.pipeline.plan.model import (
    Action,
    Amendment,
    Arrival,
    Case,
    EditEnd,
    Hold,
    LinkAmendment,
    LinkArrival,
    LinkEnd,
    Option,
    Plan,
    Rekey,
    Side,
    Standing,
)
from sync.pipeline.plan.people import amended, leavers, said
from sync.pipeline.plan.standing import guarded, standings
from sync.pipeline.roster import Refusal, Roster
from sync.pipeline.rules import Rules
from sync.records import NOT_SHARED, Kind, Staff

Decided = Mapping[str, str]  # digest of a hold → key of the option that was chosen
NOTHING_DECIDED: Final[Decided] = MappingProxyType({})

__all__ = [
    "Action",
    "Amendment",
    "Arrival",
    "Case",
    "EditEnd",
    "Hold",
    "LinkAmendment",
    "LinkArrival",
    "LinkEnd",
    "Option",
    "Plan",
    "Refusal",
    "Rekey",
    "Side",
    "Standing",
    "plan",
]


def plan(
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    *,
    night: datetime.date,
    staying: frozenset[Kind] = frozenset(),
    decided: Decided = NOTHING_DECIDED,
) -> Plan:
    """Return everything this night would do; the gate decides which part of it waits.

    `decided` is what people chose about holds, by digest: it takes their place where the facts are still those.

    `night` is the school's own date: a second run in one night is not a second night (D9). Nobody and nothing of the
    kinds in `staying` goes, and so nobody's address of theirs is free.
    """
    who = recognise(snapshot, roster, night=night, decided=decided)
    snapshot, roster, doubted = who.snapshot, who.roster, _doubted(who, night)
    standing, kept = guarded(
        snapshot, _standings(snapshot, roster, rules, doubted, night=night, staying=staying), decided
    )
    absent = {(kind, ref) for kind, refs in doubted.items() for ref in refs}
    gone = _gone(snapshot, standing)
    addresses = emails.addresses(snapshot, roster, rules, absent=absent, gone=gone, decided=decided)
    rows = emails.of_rows(snapshot, roster, addresses)
    arrivals, amendments = _people(snapshot, roster, rules, doubted, addresses)
    amendments += emails.amendments(snapshot, roster, rules, doubted, rows, gone)
    changes = [links(snapshot, roster, kind, doubted) for kind in snapshot.links if _wanted(kind, rules)]
    ends = (end for change in changes for end in change.ends if end.kind not in staying)
    return Plan(
        night=night,
        rekeys=who.rekeys,
        edit_ends=edits.ends(snapshot, roster, doubted, rows),
        arrivals=tuple(sorted(arrivals, key=lambda a: (a.kind, a.ref))),
        amendments=tuple(sorted(amendments, key=lambda a: (a.kind, a.id, a.field))),
        standings=standing,
        link_arrivals=tuple(sorted((a for c in changes for a in c.arrivals), key=lambda a: (a.kind, a.key))),
        link_amendments=tuple(
            sorted((a for c in changes for a in c.amendments), key=lambda a: (a.kind, a.id, a.field))
        ),
        link_ends=tuple(sorted(ends, key=lambda e: (e.kind, e.id))),
        holds=(*who.holds, *kept, *addresses.holds),
        refusals=tuple(sorted({*roster.refusals, *who.refusals, *addresses.refusals})),
    )


def _doubted(who: Recognised, night: datetime.date) -> dict[Kind, set[str]]:
    """Return, by kind, the refs that change nothing tonight: those in doubt, and leavers whom we never knew."""
    return {kind: who.doubted[kind] | leavers(who.snapshot, kind, who.roster.of(kind), night) for kind in PEOPLE}


def _standings(
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    doubted: dict[Kind, set[str]],
    *,
    night: datetime.date,
    staying: frozenset[Kind],
) -> tuple[Standing, ...]:
    found = (
        standing
        for kind in (*PEOPLE, Kind.CLASSES)
        for standing in standings(snapshot, roster, rules, kind, night=night, doubted=doubted.get(kind, set()))
        if standing.action is Action.REJOIN or kind not in staying
    )
    return tuple(sorted(found, key=lambda standing: (standing.kind, standing.id)))


def _wanted(kind: Kind, rules: Rules) -> bool:
    return kind is not Kind.MEDICAL or rules.medical_synced


def _gone(snapshot: Snapshot, standing: Iterable[Standing]) -> set[emails.Row]:
    """Return those who have left or leave tonight, and do not come back tonight."""
    moves = {(change.kind, change.id): change.action for change in standing}
    return {
        (kind, row)
        for kind in PEOPLE
        for row, held in snapshot.records[kind].items()
        if moves.get((kind, row), Action.REJOIN if held.here else Action.LEAVE) is Action.LEAVE
    }


def _people(
    snapshot: Snapshot, roster: Roster, rules: Rules, doubted: dict[Kind, set[str]], addresses: emails.Addresses
) -> tuple[list[Arrival], list[Amendment]]:
    arrivals: list[Arrival] = []
    amendments: list[Amendment] = []
    for kind in (*PEOPLE, Kind.CLASSES):
        for ref, record in roster.of(kind).items():
            row = snapshot.identities[kind].get(ref)
            if ref in doubted.get(kind, set()):
                continue
            if row is None:
                address = addresses.of.get((kind, ref), "")
                arrivals.append(
                    Arrival(
                        kind=kind,
                        ref=ref,
                        values=said(kind, record),
                        email=address,
                        mis_email=_mis_email(record),
                        domain_recognised=isinstance(record, Staff) and emails.domain_recognised(rules, address),
                    )
                )
            else:
                amendments += amended(snapshot, kind, ref, row, record)
    return arrivals, amendments


def _mis_email(record: object) -> str | None:
    address = getattr(record, "email", None)
    return None if address is NOT_SHARED else address
