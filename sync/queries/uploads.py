"""The files that a school may give us, and those it gave."""

import dataclasses
import datetime
from typing import Final

from sync.connectors.csv_files.columns import REQUIRED
from sync.connectors.csv_files.templates import ATTENDANCE, ATTENDANCE_NEEDED, EXAMPLES
from sync.records import Kind
from tenants.models import AuditEvent
from users.models import Account

UPLOADS_SHOWN: Final = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvSheet:
    """One CSV file a school may give: its kind, what it is for, and its columns, those it cannot do without first."""

    kind: str
    purpose: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]


_PURPOSES: Final = {
    Kind.STUDENTS: "Every student of the school. Without this file nothing is read.",
    Kind.GUARDIANS: "Every adult who is a contact of a student, once, however many children.",
    Kind.STAFF: "The staff. An address on one of the school's domains gives a login.",
    Kind.TIES: "Which guardian is whose: rights hang on these rows.",
    Kind.CLASSES: "Classes, sets and forms.",
    Kind.ENROLMENTS: "Which student sits in which class.",
    Kind.TEACHING: "Who teaches which class.",
    Kind.MEDICAL: "Medical notes. Without this file pages say “not shared”, never “none”.",
    Kind.DIETARY: "Dietary needs. Without this file pages say “not shared”, never “none”.",
}


def csv_sheets() -> tuple[CsvSheet, ...]:
    """Return the CSV files in the order in which a school fills them in; no query."""
    sheets = (
        CsvSheet(
            kind=kind.value,
            purpose=purpose,
            needed=tuple(name for name in EXAMPLES[kind] if name in REQUIRED[kind]),
            optional=tuple(name for name in EXAMPLES[kind] if name not in REQUIRED[kind]),
        )
        for kind, purpose in _PURPOSES.items()
    )
    return (*sheets, _MARKS)


_MARKS: Final = CsvSheet(
    kind="attendance",
    purpose="Marks. A row that is missing means that nothing was recorded, never that a student was there.",
    needed=ATTENDANCE_NEEDED,
    optional=tuple(name for name in ATTENDANCE[0] if name not in ATTENDANCE_NEEDED),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upload:
    """Somebody gave us files, or put them in force; `what` is a sentence."""

    at: datetime.datetime
    who: str
    what: str


_UPLOADS: Final = {"files.uploaded": "Uploaded", "files.used": "Put in force"}


def recent_uploads() -> tuple[Upload, ...]:
    """Return the last uploads of the open school, newest first, from its audit trail; two queries."""
    events = AuditEvent.objects.filter(action__in=_UPLOADS).order_by("-at", "-id")[:UPLOADS_SHOWN]
    names = dict(Account.objects.filter(pk__in={event.actor_id for event in events}).values_list("pk", "email"))
    return tuple(
        Upload(
            at=event.at,
            who=names.get(event.actor_id or 0, "somebody whose account is gone"),
            what=f"{_UPLOADS[event.action]}: {event.reason}",
        )
        for event in events
    )
