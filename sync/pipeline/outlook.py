"""What a plan would do, for the pages that show it before it happens.

`outlook` asks whether to do it: numbers, sentences and domains, and nobody's data. `tonight` names people.
"""

import datetime
from collections import Counter
from typing import Any, Final

import msgspec

from sync.pipeline.held import PEOPLE
from sync.pipeline.lines import Line, lines
from sync.pipeline.plan.model import Action, Hold, Plan
from sync.pipeline.roster import Fault, Refusal, Roster
from sync.records import Kind
from sync.sentences import say

MOST_LINES: Final = 50  # of one action; the numbers count all
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
        {
            "kind": kind.value,
            "fault": found[0].fault.value,
            "reason": reason,
            "number": len(found),
            "refs": [row.ref for row in found[:MOST_REFS]],
        }
        for (kind, reason), found in rows
    ]


def tonight(plan: Plan, roster: Roster) -> dict[str, Any]:
    """Return {actions, holds, faults, remarks} as plain values: what would happen, if the sync ran now.

    `actions` are [{action, number, lines: [{kind, ref, label, sentence, why}]}], `holds` as `told` says them.
    """
    by_action: dict[str, list[Line]] = {}
    for line in lines(plan):
        by_action.setdefault(line.action, []).append(line)
    return {
        "actions": [
            {"action": action.value, "number": len(found), "lines": [_line(line) for line in found[:MOST_LINES]]}
            for action in Action
            if (found := by_action.get(action))
        ],
        "holds": [told(hold) for hold in plan.holds],
        "faults": _faults(plan),
        "remarks": list(roster.remarks),
    }


def _line(line: Line) -> dict[str, str]:
    return {
        "kind": line.kind,
        "ref": line.ref,
        "label": line.label,
        "sentence": str(say(line, "would")),
        "why": line.why,
    }


def told(hold: Hold) -> dict[str, Any]:
    """Return a hold as plain values, with its digest: {kind, case, digest, reason, refs, labels, sides, options}."""
    parts: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(hold))
    del parts["facts"]  # the digest stands for them
    return parts | {"digest": hold.digest}
