"""Who arrives, and what is new about those we hold. An id that now describes somebody else is held (R23, R24)."""

from collections.abc import Iterator, Mapping
from typing import Final

from sync.pipeline.held import FIELDS, Held, Snapshot, Value, Values
from sync.pipeline.plan.model import Amendment, Hold
from sync.records import NOT_SHARED, Kind, Record

NAMES: Final = 2  # the first two fields of every person are the given and the family name
BIRTH: Final = FIELDS[Kind.STUDENTS].index("date_of_birth")

SINGULAR: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "member of staff"}


def said(kind: Kind, record: Record) -> Values:
    """Return a record's values in the order of `FIELDS`; "not shared" is None."""
    return tuple(None if (value := getattr(record, name)) is NOT_SHARED else value for name in FIELDS[kind])


def strangers(snapshot: Snapshot, kind: Kind, records: Mapping[str, Record]) -> dict[str, Hold]:
    """Return, by ref, the records whose id belongs to somebody they do not describe."""
    found: dict[str, Hold] = {}
    for ref, row in snapshot.identities[kind].items():
        if ref in records and _somebody_else(kind, snapshot.records[kind][row], records[ref]):
            name = snapshot.name(kind, row)
            found[ref] = Hold(
                kind=kind,
                reason=(
                    f"The id {ref} belonged to one {SINGULAR[kind]} and now describes another. "
                    "Ids are never used again: give the new person a new id in the MIS."
                ),
                refs=(ref,),
                labels=(name,),
            )
    return found


def _somebody_else(kind: Kind, held: Held, record: Record) -> bool:
    now = said(kind, record)
    if any(_same(old, new) for old, new in zip(held.values[:NAMES], now[:NAMES], strict=True)):
        return False
    if kind is Kind.STUDENTS:
        old_birth, new_birth = held.values[BIRTH], now[BIRTH]
        return not (old_birth and new_birth) or old_birth != new_birth
    old_email, new_email = held.email or held.mis_email, getattr(record, "email", None)
    return not (old_email and new_email and new_email is not NOT_SHARED) or old_email != new_email


def _same(old: Value, new: Value) -> bool:
    return str(old or "").casefold() == str(new or "").casefold()


def amended(snapshot: Snapshot, kind: Kind, ref: str, row: int, record: Record) -> Iterator[Amendment]:
    """Yield one amendment for each field whose value is new; what is not shared leaves a field as it is."""
    label = snapshot.name(kind, row)
    for field, old, new in zip(FIELDS[kind], snapshot.records[kind][row].values, said(kind, record), strict=True):
        if new != old and getattr(record, field) is not NOT_SHARED:
            yield Amendment(kind=kind, id=row, ref=ref, label=label, field=field, old=old, new=new)
