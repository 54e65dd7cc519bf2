"""Trials: what a test of the connection found, and what a first sync would do."""

from typing import Any, Final

from django.utils import timezone

from sync.connector import Connector
from sync.forms import SettingsForm
from sync.models import Connection, Trial
from sync.queries.joining import fingerprint

FINDINGS: Final = (
    {"part": "Students", "reach": "reads", "text": "412 read."},
    {"part": "Medical notes", "reach": "not shared", "text": "Approve “medical.read” in the portal."},
    {"part": "Attendance", "reach": "reads", "text": "Morning and afternoon marks."},
)
OUTLOOK: Final = {
    "people": [
        {"kind": "students", "number": 412, "without_email": 412},
        {"kind": "guardians", "number": 655, "without_email": 12},
        {"kind": "staff", "number": 58, "without_email": 0},
    ],
    "others": [
        {"kind": "classes", "number": 61},
        {"kind": "ties", "number": 790},
        {"kind": "enrolments", "number": 2800},
        {"kind": "teaching", "number": 102},
        {"kind": "medical", "number": 0},
        {"kind": "dietary", "number": 31},
    ],
    "not_shared": ["medical"],
    "domains": [{"domain": "birch-trust.example", "number": 3}],
    "faults": [
        {"kind": "guardians", "reason": "Two people have this address.", "number": 2, "refs": ["G77", "G78"]},
        {"kind": "staff", "reason": "The domain is not one of the school’s.", "number": 3, "refs": ["S1", "S2", "S3"]},
    ],
    "holds": [],
    "remarks": ["Registration groups are read as classes."],
}
TONIGHT: Final[dict[str, Any]] = {
    "counts": {
        "students": {"arrived": 1, "amended": 12, "missing": 2},
        "guardians": {"amended": 3, "held": 1},
    },
    "actions": [
        {
            "action": "arrive",
            "number": 1,
            "lines": [
                {
                    "kind": "students",
                    "ref": "118",
                    "label": "Ana Reyes",
                    "sentence": "Ana Reyes would be added: 4 · 4B.",
                    "why": "The MIS names them for the first time.",
                }
            ],
        },
        {
            "action": "amend",
            "number": 12,
            "lines": [
                {
                    "kind": "guardians",
                    "ref": "702",
                    "label": "Mei Li",
                    "sentence": "Mei Li’s e-mail was set to mei.li@mail.example.",
                    "why": "The MIS says so now.",
                }
            ],
        },
    ],
    "holds": [
        {
            "kind": "guardians",
            "case": "address shared",
            "digest": "5ba9ed" + "0" * 58,
            "reason": "Ian Ford and Abe Stone have one address.",
            "refs": ["G77", "G78"],
            "labels": ["Ian Ford", "Abe Stone"],
            "sides": [],
            "options": [],
        }
    ],
    "faults": [
        {
            "kind": "guardians",
            "fault": "address taken",
            "reason": "Two people have this address.",
            "number": 2,
            "refs": ["G77", "G78"],
        }
    ],
    "remarks": ["students.csv was read as Windows-1252"],
}


def posted(connector: type[Connector], **given: str) -> dict[str, str]:
    """Fill in the form of a connector's settings: what is given, and the present choice wherever there is one."""
    asked = SettingsForm(connector, {}).fields
    chosen = {name: str(field.initial) for name, field in asked.items() if field.initial not in (None, "")}
    return {f"set-{name}": value for name, value in (chosen | given).items()}


def trial(link: Connection, *, kind: str = "test", over: bool = True, **fields: Any) -> Trial:
    """Make a trial of the open school, with its present settings."""
    now = timezone.now()
    return Trial.objects.create(
        kind=kind,
        **{
            "asked_at": now,
            "ended_at": now if over else None,
            "made_with": fingerprint(link),
            **fields,
        },
    )
