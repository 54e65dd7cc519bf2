"""What a plan would do, for the page that asks whether to do it: numbers, sentences and domains, and nobody's data."""

import datetime
from collections import Counter
from typing import Any, Final

import msgspec

from sync.pipeline.held import PEOPLE
from sync.pipeline.plan.model import Plan
from sync.pipeline.roster import Fault, Refusal, Roster
from sync.records import Kind

MOST_REFS: Final = 30  # of one fault; a page of a thousand helps nobody


def shown(plan: Plan) -> str:
    """Return the hash of what a person has seen: the plan without its night, so that “yes” may come the day after."""
    return msgspec.structs.replace(plan, night=datetime.date.min).digest()


def outlook(plan: Plan, roster: Roster) -> dict[str, Any]:
    """Return {people, others, not_shared, domains, faults, holds, remarks} as plain values (R3)."""
    arrivals = Counter(arrival.kind for arrival in plan.arrivals)
    arrivals.update(arrival.kind for arrival in plan.link_arrivals)
    addressless = Counter(arrival.kind for arrival in plan.arrivals if not arrival.email)
    return {
        "people": [
            {"kind": kind.value, "number": arrivals[kind], "without_email": addressless[kind]} for kind in PEOPLE
        ],
        "others": [{"kind": kind.value, "number": arrivals[kind]} for kind in Kind if kind not in PEOPLE],
        "not_shared": [kind.value for kind in Kind if kind not in roster.complete and not roster.of(kind)],
        "domains": _domains(plan, roster),
        "faults": _faults(plan),
        "holds": [hold.reason for hold in plan.holds],
        "remarks": list(roster.remarks),
    }


def _domains(plan: Plan, roster: Roster) -> list[dict[str, Any]]:
    """Count the domains of staff that are not the school's: whoever is on one gets no login (R38)."""
    refs = {refusal.ref for refusal in plan.refusals if refusal.fault is Fault.UNKNOWN_DOMAIN}
    emails = [str(roster.staff[ref].email) for ref in refs if ref in roster.staff]
    found = Counter(email.rpartition("@")[2] for email in emails)
    return [{"domain": domain, "number": number} for domain, number in sorted(found.items())]


def _faults(plan: Plan) -> list[dict[str, Any]]:
    """Group what would not be taken by what to do about it, the most frequent first."""
    groups: dict[tuple[Kind, str], list[Refusal]] = {}
    for refusal in plan.refusals:
        groups.setdefault((refusal.kind, refusal.reason), []).append(refusal)
    rows = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [
        {"kind": kind.value, "reason": reason, "number": len(found), "refs": [row.ref for row in found[:MOST_REFS]]}
        for (kind, reason), found in rows
    ]
