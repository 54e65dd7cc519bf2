"""Who arrives, and what is new about those we hold. An id that now describes somebody else is held (R23, R24)."""

import datetime
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.pipeline.held import FIELDS, Held, Snapshot, Value, Values
from sync.pipeline.plan import edits
from sync.pipeline.plan.model import Amendment, Case, Hold
from sync.records import NOT_SHARED, Kind, Record

NAMES: Final = 2  # the first two fields of every person are the given and the family name
BIRTH: Final = FIELDS[Kind.STUDENTS].index("date_of_birth")

SINGULAR: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "member of staff"}


def said(kind: Kind, record: Record) -> Values:
    """Return a record's values in the order of `FIELDS`, as they are stored; "not shared" is None."""
    return tuple(_stored(name, getattr(record, name)) for name in FIELDS[kind])


def _stored(field: str, value: Any) -> Value:
    known: Value = None if value is NOT_SHARED else value
    # A tie is restricted or it is not: what was never said is not a restriction.
    return bool(known) if field == "restricted" else known


def strangers(snapshot: Snapshot, kind: Kind, records: Mapping[str, Record]) -> dict[str, Hold]:
    """Return, by ref, the records whose id belongs to somebody they do not describe."""
    found: dict[str, Hold] = {}
    for ref, row in snapshot.identities[kind].items():
        if ref in records and _somebody_else(kind, snapshot.records[kind][row], records[ref]):
            name = snapshot.name(kind, row)
            found[ref] = Hold(
                kind=kind,
                case=Case.ID_REUSED,
                reason=(
                    f"The id {ref} belonged to one {SINGULAR[kind]} and now describes another. "
                    "Ids are never used again: give the new person a new id in the MIS."
                ),
                refs=(ref,),
                labels=(name,),
            )
    return found


def leavers(snapshot: Snapshot, kind: Kind, records: Mapping[str, Record], night: datetime.date) -> set[str]:
    """Return the refs of people we never knew whom the MIS lists as gone already: they do not arrive."""
    return {
        ref
        for ref, record in records.items()
        if ref not in snapshot.identities[kind]
        and isinstance(day := getattr(record, "left_on", None), datetime.date)
        and day <= night
    }


def _somebody_else(kind: Kind, held: Held, record: Record) -> bool:
    """Whether a known id now describes another human.

    Names may change (marriage, a corrected letter) and so may a date or an address, but not a name and what
    identifies beside it on one night; a sibling who was given the leaver's id shares the family name.
    """
    held, now = edits.without(held, kind), said(kind, record)
    given, family = (_same(old, new) for old, new in zip(held.values[:NAMES], now[:NAMES], strict=True))
    if given and family:
        return False
    mark = _same_mark(kind, held, now, record)
    if mark is None:
        return not given and not family
    # A parent who marries may take a new name and a new address; a student's birthday does not change with a name.
    return not mark and (kind is Kind.STUDENTS or not given)


def _same_mark(kind: Kind, held: Held, now: Values, record: Record) -> bool | None:
    """Compare what identifies beside the name: a student's birthday, an adult's address; None: not known twice."""
    if kind is Kind.STUDENTS:
        old, new = held.values[BIRTH], now[BIRTH]
    else:
        address = getattr(record, "email", None)
        old, new = held.email or held.mis_email, None if address is NOT_SHARED else address
    return old == new if old and new else None


def _same(old: Value, new: Value) -> bool:
    return bool(old) and str(old).casefold() == str(new or "").casefold()


def amended(snapshot: Snapshot, kind: Kind, ref: str, row: int, record: Record) -> Iterator[Amendment]:
    """Yield one amendment for each field whose value is new; what is not shared, or corrected here, stays as it is."""
    label, held = snapshot.name(kind, row), snapshot.records[kind][row]
    for field, old, new in zip(FIELDS[kind], held.values, said(kind, record), strict=True):
        if new != old and getattr(record, field) is not NOT_SHARED and not edits.stands(held, field, new):
            why = edits.why(held, field)
            yield Amendment(kind=kind, id=row, ref=ref, label=label, field=field, old=old, new=new, why=why)
