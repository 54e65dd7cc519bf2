"""One person under several ids in one feed: the id given last counts, and what hangs on the others hangs on it (R22).

It happens when a MIS gives a new id and keeps the old record beside it. Two records that differ would otherwise change
the same person back and forth every night.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from sync.pipeline.held import LINKS
from sync.pipeline.roster import Fault, Key, Refusal, Roster
from sync.records import PARTS, Kind, Record

_END: Final = {
    Kind.STUDENTS: "student_ref",
    Kind.GUARDIANS: "guardian_ref",
    Kind.STAFF: "staff_ref",
    Kind.CLASSES: "class_ref",
}

Aliases = Mapping[Kind, Mapping[str, str | None]]  # as `strangers.Strangers` has them


def settled(roster: Roster, aliases: Aliases) -> tuple[Roster, tuple[Refusal, ...]]:
    """Return the roster with one record for each person we hold, and a refusal for each that was passed over."""
    if not any(aliases.values()):
        return roster, ()
    shelves: dict[Kind, dict[Any, Any]] = {kind: dict(roster.of(kind)) for kind in (*aliases, *LINKS)}
    unclear: dict[Kind, set[Key]] = {kind: set(keys) for kind, keys in roster.unreadable.items()}
    for kind, refs in aliases.items():
        for ref in refs:
            del shelves[kind][ref]
            unclear.setdefault(kind, set()).add(ref)
    for kind in LINKS:
        _relink(kind, shelves[kind], aliases, unclear.setdefault(kind, set()))
    changed: dict[str, Any] = {kind.value: shelf for kind, shelf in shelves.items()}
    whole = {kind: frozenset(keys) for kind, keys in unclear.items() if keys}
    return msgspec.structs.replace(roster, unreadable=whole, **changed), tuple(_refusals(aliases))


def _relink(kind: Kind, shelf: dict[Any, Any], aliases: Aliases, unclear: set[Key]) -> None:
    """Put the links of an id that is passed over under the one that counts, unless that has its own."""
    parts = PARTS[kind]
    for key in sorted(shelf):
        ends = [aliases.get(part, {}).get(ref, ref) if part else ref for part, ref in zip(parts, key, strict=True)]
        if ends == list(key):
            continue
        record: Record = shelf.pop(key)
        unclear.add(key)
        if None not in ends:
            fields: dict[str, Any] = {_END[part]: ref for part, ref in zip(parts, ends, strict=True) if part}
            shelf.setdefault(tuple(ends), msgspec.structs.replace(record, **fields))


def _refusals(aliases: Aliases) -> Iterator[Refusal]:
    for kind, refs in aliases.items():
        for ref, counts in refs.items():
            if counts is not None:
                yield Refusal(kind=kind, ref=ref, fault=Fault.TWICE, reason=_TWICE)


_TWICE: Final = "The MIS has this person under two ids; the one given last counts. Remove the other record."
