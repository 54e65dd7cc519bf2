"""The heart of the sync: (what we hold, what the MIS says, the school's rules) → what this night would do.

Pure: no database, no clock, no order of records. Its laws are in `tests/sync/pipeline/test_plan_laws.py`.
"""

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.plan import emails
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
from sync.pipeline.plan.standing import standings
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
    standing = _standings(snapshot, roster, rules, doubted, night=night, staying=staying)
    leaving = {(change.kind, change.id) for change in standing if change.action is Action.LEAVE}
    addresses, unusable = _addresses(snapshot, roster, rules, doubted, leaving)
    arrivals, amendments = _people(snapshot, roster, rules, doubted, addresses)
    changes = [links(snapshot, roster, kind, doubted) for kind in snapshot.links if _wanted(kind, rules)]
    ends = (end for change in changes for end in change.ends if end.kind not in staying)
    return Plan(
        night=night,
        rekeys=who.rekeys,
        arrivals=tuple(sorted(arrivals, key=lambda a: (a.kind, a.ref))),
        amendments=tuple(sorted(amendments, key=lambda a: (a.kind, a.id, a.field))),
        standings=standing,
        link_arrivals=tuple(sorted((a for c in changes for a in c.arrivals), key=lambda a: (a.kind, a.key))),
        link_amendments=tuple(
            sorted((a for c in changes for a in c.amendments), key=lambda a: (a.kind, a.id, a.field))
        ),
        link_ends=tuple(sorted(ends, key=lambda e: (e.kind, e.id))),
        holds=(*who.holds, *addresses.holds),
        refusals=tuple(sorted({*roster.refusals, *who.refusals, *unusable, *addresses.refusals})),
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


def _addresses(
    snapshot: Snapshot,
    roster: Roster,
    rules: Rules,
    doubted: dict[Kind, set[str]],
    leaving: set[tuple[Kind, int]],
) -> tuple[emails.Addresses, list[Refusal]]:
    absent = {(kind, ref) for kind, refs in doubted.items() for ref in refs}
    claims, refused = emails.claims(snapshot, roster, rules, absent, leaving)
    return emails.assign(claims), [*refused, *emails.unrecognised(roster, rules)]


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
    return arrivals, [*amendments, *_address_amendments(snapshot, roster, rules, doubted, addresses)]


def _mis_email(record: object) -> str | None:
    address = getattr(record, "email", None)
    return None if address is NOT_SHARED else address


def _address_amendments(
    snapshot: Snapshot, roster: Roster, rules: Rules, doubted: dict[Kind, set[str]], addresses: emails.Addresses
) -> list[Amendment]:
    """Return what changes about addresses: the one in use, the one the MIS says, and whether its domain is ours."""
    found: list[Amendment] = []
    for kind in PEOPLE:
        refs = snapshot.refs(kind)
        for row, held in snapshot.records[kind].items():
            ref = _ref_in_feed(snapshot, roster, kind, row, refs)
            record = roster.of(kind).get(ref)
            new = addresses.of[(kind, ref)]
            pairs: list[tuple[str, str | bool | None, str | bool | None]] = [("email", held.email, new)]
            if record is not None and ref not in doubted.get(kind, set()) and record.email is not NOT_SHARED:
                pairs.append(("mis_email", held.mis_email, record.email))
            if kind is Kind.STAFF and held.from_feed:
                recognised = bool(new) and emails.domain_recognised(rules, new)
                pairs.append(("domain_recognised", held.domain_recognised, recognised))
            found += [
                Amendment(kind=kind, id=row, ref=ref, label=snapshot.name(kind, row), field=field, old=old, new=value)
                for field, old, value in pairs
                if old != value
            ]
    return found


def _ref_in_feed(snapshot: Snapshot, roster: Roster, kind: Kind, row: int, refs: dict[int, str]) -> str:
    """Return the ref by which a row is claimed: the one in the feed if any, else its last, else its number."""
    ref = refs.get(row)
    if ref is None:
        return emails.token_of_row(row)
    if ref in roster.of(kind):
        return ref
    named = [other for other, its in snapshot.identities[kind].items() if its == row and other in roster.of(kind)]
    return min(named, default=ref)
