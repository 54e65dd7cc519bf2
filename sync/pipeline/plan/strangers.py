"""Known ids that no longer describe their own person: one that is used again (R23), and several swapped (R24).

Looked at together, not one by one: within a family a swap looks like two changes of first name, and only the fact that
each now has the name of the other tells it from them. Whoever is in doubt stays as they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import msgspec

from sync.pipeline.held import Held, Snapshot
from sync.pipeline.matching import Face, face_held, face_of, marks
from sync.pipeline.plan.model import SAME, Case, Hold, Option, Side
from sync.pipeline.plan.telling import feed_side, held_side, keep, listed, name_said, staked
from sync.pipeline.roster import Roster
from sync.records import Kind, Person


class Strangers(msgspec.Struct, frozen=True, kw_only=True):
    """The refs of one kind that are not believed tonight, the holds that say why, and ids beside a newer one."""

    refs: frozenset[str]
    aliases: dict[str, str | None]  # an id to pass over → the one that counts; None: it is somebody else's
    holds: tuple[Hold, ...]


class Renamed(NamedTuple):
    """A known id under a name that is not its own."""

    row: int
    record: Person
    said: Face
    own: Face


class Knot(NamedTuple):
    """People in doubt who belong together: the ids that tell of them tonight, and our rows that no id tells of."""

    kind: Kind
    snapshot: Snapshot
    renamed: dict[str, Renamed]
    absent: dict[int, str]  # row → the id it had

    @property
    def rows(self) -> list[int]:
        """Those of ours who are named tonight, in the order of their ids."""
        return list(dict.fromkeys(one.row for one in self.renamed.values()))


def strangers(
    snapshot: Snapshot, roster: Roster, kind: Kind, decided: Mapping[str, str], sure: AbstractSet[str] = frozenset()
) -> Strangers:
    """Return who is in doubt, except where a person decided that it is the same one with new details.

    `sure` are new ids that were recognised tonight: they describe their person, whatever we hold so far.
    """
    there = roster.of(kind)
    last = {row: ref for ref, row in snapshot.identities[kind].items() if ref in there}
    found = {ref: _renamed(snapshot, roster, kind, ref) for ref in last.values() if ref not in sure}
    renamed = {ref: one for ref, one in found.items() if one}
    doubted: set[str] = set()
    holds: list[Hold] = []
    for knot, refs in _knotted(snapshot, kind, renamed, last) if renamed else ():
        hold = _hold(knot)
        if decided.get(hold.digest) != SAME:
            holds.append(hold)
            doubted |= refs
    aliases: dict[str, str | None] = {}
    for ref, counts in _older(snapshot, there, kind, last, doubted):
        other = _not_theirs(snapshot, roster, kind, ref, counts)
        if other and decided.get(other.digest) != SAME:
            holds.append(other)
            aliases[ref] = None
        else:
            aliases[ref] = counts
    return Strangers(refs=frozenset(doubted), aliases=aliases, holds=tuple(holds))


def _older(
    snapshot: Snapshot, there: Mapping[str, Person], kind: Kind, last: Mapping[int, str], doubted: AbstractSet[str]
) -> Iterator[tuple[str, str]]:
    """Yield the ids in the feed beside a newer one of the same person, each with that one."""
    for ref, row in snapshot.identities[kind].items():
        if ref in there and ref != last[row] and last[row] not in doubted:
            yield ref, last[row]


def _renamed(snapshot: Snapshot, roster: Roster, kind: Kind, ref: str) -> Renamed | None:
    row, record = snapshot.identities[kind][ref], roster.of(kind)[ref]
    held = snapshot.records[kind][row]
    if held.values[:2] == (record.given_name, record.family_name):
        return None
    one = Renamed(row=row, record=record, said=face_of(record), own=face_held(kind, held))
    return None if one.said.names & one.own.names else one


def _not_theirs(snapshot: Snapshot, roster: Roster, kind: Kind, ref: str, counts: str) -> Hold | None:
    """Return a hold unless an older id of somebody describes the same human as the one beside it that counts.

    Over time a name may change; two records of one night that differ in the first name are two people, twins perhaps.
    """
    row, record = snapshot.identities[kind][ref], roster.of(kind)[ref]
    one = Renamed(row=row, record=record, said=face_of(record), own=face_of(roster.of(kind)[counts]))
    if one.said.names & one.own.names or (one.said.given & one.own.given and _same_mark(kind, one.said, one.own)):
        return None
    return _hold(Knot(kind=kind, snapshot=snapshot, renamed={ref: one}, absent={}))


def _knotted(
    snapshot: Snapshot, kind: Kind, renamed: Mapping[str, Renamed], last: Mapping[int, str]
) -> Iterator[tuple[Knot, set[str]]]:
    """Yield the knots, each with every id of its people."""
    refs_of: dict[int, list[str]] = defaultdict(list)
    for ref, row in snapshot.identities[kind].items():
        refs_of[row].append(ref)
    described = {row for row, ref in last.items() if ref not in renamed}
    for rows in _knots(snapshot, kind, renamed, described):
        yield _knot(snapshot, kind, rows, renamed, refs_of), {ref for row in rows for ref in refs_of[row]}


def _somebody_else(kind: Kind, one: Renamed, held: Held) -> bool:
    """Whether this alone shows that a known id now describes another human (R23).

    Names may change (marriage, a corrected letter) and so may a date or an address, but not a name and what
    identifies beside it on one night; a sibling who was given the leaver's id shares the family name.
    """
    given, family = bool(one.said.given & one.own.given), bool(one.said.family & one.own.family)
    if given and family:
        return False
    mark = _same_mark(kind, one.said, one.own)
    if mark is None:
        return not given and not (family and held.here)
    # A parent who marries may take a new name and a new address; a student's birthday does not change with a name.
    return not mark and (kind is Kind.STUDENTS or not given)


def _same_mark(kind: Kind, one: Face, other: Face) -> bool | None:
    """Compare what identifies beside the name: a student's birthday, an adult's address; None: not known twice."""
    if kind is Kind.STUDENTS:
        return one.birthday == other.birthday if one.birthday and other.birthday else None
    return bool(one.mails & other.mails) if one.mails and other.mails else None


def _taken(
    snapshot: Snapshot, kind: Kind, renamed: Mapping[str, Renamed], described: AbstractSet[int]
) -> dict[str, frozenset[int]]:
    """Return, by ref, the other people of ours who are called so, and whom no id of their own describes tonight."""
    people = snapshot.records[kind]
    faces = {row: face_held(kind, people[row]) for row in set(snapshot.identities[kind].values()) - described}
    index: dict[tuple[str, str], set[int]] = defaultdict(set)
    for row, face in faces.items():
        for mark in marks(kind, face):
            index[mark].add(row)
    found: dict[str, frozenset[int]] = {}
    for ref, one in renamed.items():
        others = {row for mark in marks(kind, one.said) for row in index.get(mark, ())} - {one.row}
        found[ref] = frozenset(row for row in others if _is_called(kind, one, faces[row], here=people[row].here))
    return {ref: rows for ref, rows in found.items() if rows}


def _is_called(kind: Kind, one: Renamed, other: Face, *, here: bool) -> bool:
    """Whether a record now has another person's name, or their first name and what identifies beside it."""
    if one.said.given & one.own.given and _same_mark(kind, one.said, one.own):
        return False  # it is still their own first name and birthday, or address: a new family name
    mark = bool(_same_mark(kind, one.said, other))
    return (bool(one.said.names & other.names) and (here or mark)) or (bool(one.said.given & other.given) and mark)


def _knots(
    snapshot: Snapshot, kind: Kind, renamed: Mapping[str, Renamed], described: AbstractSet[int]
) -> Iterator[frozenset[int]]:
    """Yield the rows that are in doubt, those together whose names went from one to the other."""
    beside: dict[int, set[int]] = defaultdict(set)
    for ref, others in _taken(snapshot, kind, renamed, described).items():
        for other in others:
            beside[renamed[ref].row].add(other)
            beside[other].add(renamed[ref].row)
    suspects = {one.row for one in renamed.values() if _somebody_else(kind, one, snapshot.records[kind][one.row])}
    seen: set[int] = set()
    for row in sorted(beside.keys() | suspects):
        if row not in seen:
            knot = _reached(row, beside)
            seen |= knot
            yield knot


def _reached(row: int, beside: Mapping[int, AbstractSet[int]]) -> frozenset[int]:
    knot: set[int] = set()
    new = {row}
    while new:
        knot |= new
        new = {other for one in new for other in beside.get(one, ())} - knot
    return frozenset(knot)


def _knot(
    snapshot: Snapshot,
    kind: Kind,
    rows: frozenset[int],
    renamed: Mapping[str, Renamed],
    refs_of: Mapping[int, list[str]],
) -> Knot:
    refs = sorted(ref for row in rows for ref in refs_of[row])
    named = {ref: renamed[ref] for ref in refs if ref in renamed}
    absent = sorted(rows - {one.row for one in named.values()})
    return Knot(kind=kind, snapshot=snapshot, renamed=named, absent={row: refs_of[row][-1] for row in absent})


def _hold(knot: Knot) -> Hold:
    case = Case.IDS_SWAPPED if len(knot.rows) > 1 else Case.ID_REUSED
    return Hold(
        kind=knot.kind,
        case=case,
        reason=_swapped(knot) if case is Case.IDS_SWAPPED else _reused(knot),
        refs=(*knot.renamed, *knot.absent.values()),
        labels=tuple(knot.snapshot.name(knot.kind, row) for row in knot.rows),
        facts=tuple(_facts(knot)),
        sides=tuple(_sides(knot)),
        options=_OPTIONS[case],
    )


def _reused(knot: Knot) -> str:
    who, now = _staked(knot, knot.rows), listed([name_said(one.record) for one in knot.renamed.values()])
    elsewhere = f", whom we hold under {listed(list(knot.absent.values()))}" if knot.absent else ""
    return (
        f"The id {listed(list(knot.renamed))} belonged to {who} and now describes {now}{elsewhere}. "
        "Ids are never used again: give the new person a new id in the MIS."
    )


def _swapped(knot: Knot) -> str:
    return (
        f"The ids {listed(list(knot.renamed))} now describe one another’s people: "
        f"{_staked(knot, [*knot.rows, *knot.absent])}. "
        "Nothing moved from one to the other. Put the ids right in the MIS."
    )


def _staked(knot: Knot, rows: Iterable[int]) -> str:
    people = knot.snapshot.records[knot.kind]
    return listed([staked(knot.snapshot.name(knot.kind, row), people[row]) for row in rows])


def _facts(knot: Knot) -> Iterator[str]:
    for ref, one in knot.renamed.items():
        yield from (ref, str(one.row), one.own.told(), one.said.told())
    for row in knot.absent:
        yield from (str(row), face_held(knot.kind, knot.snapshot.records[knot.kind][row]).told())


def _sides(knot: Knot) -> Iterator[Side]:
    for ref, one in knot.renamed.items():
        yield held_side(knot.snapshot, knot.kind, one.row, ref)
        yield feed_side(knot.kind, ref, one.record)
    yield from (held_side(knot.snapshot, knot.kind, row, ref) for row, ref in knot.absent.items())


_OPTIONS: Final = {
    Case.ID_REUSED: (
        keep(
            "Nothing changes for the person we hold, and the other one is not added, until the MIS gives them an id of "
            "their own."
        ),
        Option(
            key=SAME,
            label="The same person",
            effect="The person we hold keeps everything, and takes the new name and details that the MIS gives.",
        ),
    ),
    Case.IDS_SWAPPED: (
        keep("Everybody keeps what they have, and nothing the MIS says under these ids is taken until they are right."),
        Option(
            key=SAME,
            label="The ids are right",
            effect=(
                "Each keeps the account, the children and the money they have under their id, and takes the name and "
                "the address that the MIS now gives it."
            ),
        ),
    ),
}
