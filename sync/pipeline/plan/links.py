"""Ties, enrolments, teachings, notes and needs: what is new, what changed, what the MIS no longer names."""

from collections.abc import Iterator, Mapping

import msgspec

from sync.pipeline.held import FIELDS, HeldLink, LinkKey, Snapshot, Values
from sync.pipeline.plan.model import LinkAmendment, LinkArrival, LinkEnd
from sync.pipeline.plan.people import said
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, PARTS, Kind, Record


class LinkChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one kind."""

    arrivals: tuple[LinkArrival, ...]
    amendments: tuple[LinkAmendment, ...]
    ends: tuple[LinkEnd, ...]


def links(snapshot: Snapshot, roster: Roster, kind: Kind, doubted: Mapping[Kind, set[str]]) -> LinkChanges:
    """Compare one kind of link; whatever touches a doubted record stays as it is."""
    held = snapshot.links[kind]
    seen: set[LinkKey] = set()
    arrivals: list[LinkArrival] = []
    amendments: list[LinkAmendment] = []
    for key, record in roster.of(kind).items():
        if _doubtful(kind, key, doubted) or not _known(snapshot, roster, kind, key):
            continue
        rows = _rows(snapshot, kind, key)
        known = held.get(rows) if rows else None
        if rows:
            seen.add(rows)
        if rows and known and known.here:
            amendments += _amendments(snapshot, roster, kind, key, record, shown_row(kind, rows), known)
        else:
            arrivals.append(_arrival(snapshot, roster, kind, key, record, known))
    ends = _ended(snapshot, roster, kind, seen, doubted) if kind in roster.complete else ()
    return LinkChanges(arrivals=tuple(arrivals), amendments=tuple(amendments), ends=tuple(ends))


def shown_row(kind: Kind, rows: LinkKey) -> int:
    """Return the row a change is shown with: the student, except for teaching, where it is the class."""
    return int(rows[1] if kind is Kind.ENROLMENTS else rows[0])


def _arrival(
    snapshot: Snapshot, roster: Roster, kind: Kind, key: tuple[str, str], record: Record, known: HeldLink | None
) -> LinkArrival:
    label, about = _words(snapshot, roster, kind, key)
    return LinkArrival(
        kind=kind,
        key=key,
        values=_said_again(kind, known, record),
        label=label,
        about=about,
        id=known.id if known else None,
    )


def _amendments(
    snapshot: Snapshot, roster: Roster, kind: Kind, key: tuple[str, str], record: Record, row: int, held: HeldLink
) -> Iterator[LinkAmendment]:
    """Yield one for each field that is new; a restriction that the MIS no longer mentions is not lifted by silence."""
    for field, old, new in zip(FIELDS[kind], held.values, said(kind, record), strict=True):
        if new != old and getattr(record, field) is not NOT_SHARED:
            label, about = _words(snapshot, roster, kind, key)
            yield LinkAmendment(kind=kind, id=held.id, row=row, label=label, about=about, field=field, old=old, new=new)


def _ended(
    snapshot: Snapshot, roster: Roster, kind: Kind, seen: set[LinkKey], doubted: Mapping[Kind, set[str]]
) -> Iterator[LinkEnd]:
    """Yield the links whose people are both in the feed while the link is not: an absent person's links wait.

    What the school added by hand no feed ends (R43, R66).
    """
    first, second = PARTS[kind]
    first_refs = snapshot.refs(first)
    second_refs = snapshot.refs(second) if second else {}
    for rows, link in snapshot.links[kind].items():
        if rows in seen or not link.here or link.by_hand:
            continue
        key = (first_refs.get(rows[0], ""), second_refs.get(int(rows[1]), "") if second else str(rows[1]))
        there = key[0] in roster.of(first) or first is Kind.CLASSES
        there = there and (second is None or key[1] in roster.of(second))
        if there and roster.proves_absence(kind=kind, key=key) and not _doubtful(kind, key, doubted):
            label, about = _words(snapshot, roster, kind, key)
            yield LinkEnd(kind=kind, id=link.id, row=shown_row(kind, rows), label=label, about=about)


def _known(snapshot: Snapshot, roster: Roster, kind: Kind, key: tuple[str, str]) -> bool:
    """Whether both ends are somebody: a kind that was not shared to its end may leave a link pointing nowhere."""
    return all(
        part is None or ref in snapshot.identities[part] or ref in roster.of(part)
        for part, ref in zip(PARTS[kind], key, strict=True)
    )


def _said_again(kind: Kind, known: HeldLink | None, record: Record) -> Values:
    """Return a link's values; one that comes back keeps what the MIS does not say, a restriction above all."""
    if known is None:
        return said(kind, record)
    return tuple(
        old if getattr(record, field) is NOT_SHARED else new
        for field, old, new in zip(FIELDS[kind], known.values, said(kind, record), strict=True)
    )


def _doubtful(kind: Kind, key: tuple[str, str], doubted: Mapping[Kind, set[str]]) -> bool:
    first, second = PARTS[kind]
    return key[0] in doubted.get(first, ()) or (second is not None and key[1] in doubted.get(second, ()))


def _rows(snapshot: Snapshot, kind: Kind, key: tuple[str, str]) -> LinkKey | None:
    first, second = PARTS[kind]
    row = snapshot.identities[first].get(key[0])
    other = snapshot.identities[second].get(key[1]) if second else key[1]
    return None if row is None or other is None else (row, other)


def _words(snapshot: Snapshot, roster: Roster, kind: Kind, key: tuple[str, str]) -> tuple[str, str]:
    """Return (whom a change is shown with, the other side); nothing of a note or need, which are nobody's news."""
    first, second = PARTS[kind]
    one = _name(snapshot, roster, first, key[0])
    other = _name(snapshot, roster, second, key[1]) if second else ""
    return (other, one) if kind is Kind.ENROLMENTS else (one, other)


def _name(snapshot: Snapshot, roster: Roster, kind: Kind, ref: str) -> str:
    record = roster.of(kind).get(ref)
    if record is None:
        row = snapshot.identities[kind].get(ref)
        return snapshot.name(kind, row) if row is not None else ref
    values = said(kind, record)
    return str(values[0]) if kind is Kind.CLASSES else f"{values[0]} {values[1]}".strip()
