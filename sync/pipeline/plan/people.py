"""Who arrives, and what is new about those we hold."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.pipeline.held import FIELDS, Snapshot, Value, Values
from sync.pipeline.plan import edits
from sync.pipeline.plan.model import Amendment
from sync.records import NOT_SHARED, Kind, Record

SINGULAR: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "member of staff"}


def said(kind: Kind, record: Record) -> Values:
    """Return a record's values in the order of `FIELDS`, as they are stored; "not shared" is None."""
    return tuple(_stored(name, getattr(record, name)) for name in FIELDS[kind])


def _stored(field: str, value: Any) -> Value:
    known: Value = None if value is NOT_SHARED else value
    # A tie is restricted or it is not: what was never said is not a restriction.
    return bool(known) if field == "restricted" else known


def leavers(snapshot: Snapshot, kind: Kind, records: Mapping[str, Record], night: datetime.date) -> set[str]:
    """Return the refs of people we never knew whom the MIS lists as gone already: they do not arrive."""
    return {
        ref
        for ref, record in records.items()
        if ref not in snapshot.identities[kind]
        and isinstance(day := getattr(record, "left_on", None), datetime.date)
        and day <= night
    }


def amended(snapshot: Snapshot, kind: Kind, ref: str, row: int, record: Record) -> Iterator[Amendment]:
    """Yield one amendment for each field whose value is new; what is not shared, or corrected here, stays as it is."""
    label, held = snapshot.name(kind, row), snapshot.records[kind][row]
    for field, old, new in zip(FIELDS[kind], held.values, said(kind, record), strict=True):
        if new != old and getattr(record, field) is not NOT_SHARED and not edits.stands(held, field, new):
            why = edits.why(held, field)
            yield Amendment(kind=kind, id=row, ref=ref, label=label, field=field, old=old, new=new, why=why)
