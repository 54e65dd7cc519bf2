"""Who is who tonight: ids in doubt (R23, R24), new ids of people we hold (R22, R68), people added by hand (R43).

What it returns stands for what was given: a snapshot in which a recognised new id is known, and a roster with one
record for each person. So everything after it treats them as known, and nobody else needs to ask. An id never comes to
point at a second person, and whoever may be somebody of ours neither arrives nor lets them go while a person looks.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from sync.pipeline.held import PEOPLE, Held, Snapshot
from sync.pipeline.matching import OTHER_END, Doubt, Match, Matcher, Strength, face_held, face_of
from sync.pipeline.plan.aliases import settled
from sync.pipeline.plan.model import OTHER, SAME, Case, Hold, Option, Rekey
from sync.pipeline.plan.people import SINGULAR, leavers
from sync.pipeline.plan.strangers import strangers
from sync.pipeline.plan.telling import feed_side, held_side, keep, listed, name_said
from sync.pipeline.roster import Refusal, Roster
from sync.records import Kind, Person


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of a plan is made from; `doubted` are the refs for which nothing changes tonight."""

    snapshot: Snapshot
    roster: Roster
    rekeys: tuple[Rekey, ...]
    doubted: dict[Kind, set[str]]
    holds: tuple[Hold, ...]
    refusals: tuple[Refusal, ...]


Refs = Mapping[int, list[str]]  # every id of a row, the last one given last


class Desk(NamedTuple):
    """What one look at everybody is made with; `others` are those whom a person said to be new."""

    known: Snapshot
    roster: Roster
    doubted: Mapping[Kind, set[str]]
    others: Mapping[Kind, set[str]]
    night: datetime.date
    decided: Mapping[str, str]


class Free(NamedTuple):
    """Our rows that a new id may be of: those that it may be by itself, and those about which a person is asked."""

    sure: frozenset[int]
    asked: frozenset[int]
    refs: Refs


class Found(NamedTuple):
    """What one look at one kind brought; `others` as on the desk."""

    rekeys: list[Rekey]
    others: set[str]
    waiting: list[Hold]


class Look(NamedTuple):
    """What was made of a whole night so far."""

    known: Snapshot
    roster: Roster
    doubted: dict[Kind, set[str]]
    rekeys: list[Rekey]
    holds: list[Hold]
    refusals: tuple[Refusal, ...]
    old_ids: bool  # somebody was recognised whose old id is in the feed as well


def recognise(snapshot: Snapshot, roster: Roster, *, night: datetime.date, decided: Mapping[str, str]) -> Recognised:
    """Recognise everybody who can be, and hold whoever may be two people or one."""
    look = _look_at(snapshot, roster, [], night, decided)
    while look.old_ids:  # their old id is judged anew, by what the new one says of them
        look = _look_at(look.known, roster, look.rekeys, night, decided)
    return Recognised(
        snapshot=_current(look.known, look.roster),
        roster=look.roster,
        rekeys=tuple(sorted(look.rekeys, key=lambda rekey: (rekey.kind, rekey.id))),
        doubted=look.doubted,
        holds=tuple(sorted(look.holds, key=lambda hold: (hold.kind, hold.case, hold.refs))),
        refusals=look.refusals,
    )


def _look_at(
    snapshot: Snapshot, roster: Roster, before: list[Rekey], night: datetime.date, decided: Mapping[str, str]
) -> Look:
    sure = {(rekey.kind, rekey.ref) for rekey in before}
    strange = {
        kind: strangers(snapshot, roster, kind, decided, {ref for of, ref in sure if of is kind}) for kind in PEOPLE
    }
    clear, refusals = settled(roster, {kind: strange[kind].aliases for kind in PEOPLE})
    doubted = {kind: set(strange[kind].refs) for kind in PEOPLE}
    known, new, waiting = _rekeyed(snapshot, clear, doubted, night, decided)
    for kind in PEOPLE:
        doubted[kind] |= {ref for hold in waiting[kind] for ref in hold.refs}
    return Look(
        known=known,
        roster=clear,
        doubted=doubted,
        rekeys=[*before, *new],
        holds=[hold for kind in PEOPLE for hold in (*strange[kind].holds, *waiting[kind])],
        refusals=refusals,
        old_ids=_have_old_ids(snapshot, roster, new),
    )


def _have_old_ids(snapshot: Snapshot, roster: Roster, rekeys: list[Rekey]) -> bool:
    rows = {(rekey.kind, rekey.id) for rekey in rekeys}
    return any(
        (kind, row) in rows and ref in roster.of(kind)
        for kind in {kind for kind, _ in rows}
        for ref, row in snapshot.identities[kind].items()
    )


def _rekeyed(
    snapshot: Snapshot,
    roster: Roster,
    doubted: Mapping[Kind, set[str]],
    night: datetime.date,
    decided: Mapping[str, str],
) -> tuple[Snapshot, list[Rekey], dict[Kind, list[Hold]]]:
    """Look until nothing new is found: whoever was recognised may be the contact by whom the next one is."""
    known, rekeys = snapshot, list[Rekey]()
    others: dict[Kind, set[str]] = {kind: set() for kind in PEOPLE}
    while True:
        desk = Desk(known=known, roster=roster, doubted=doubted, others=others, night=night, decided=decided)
        found = _look(desk)
        new = [rekey for one in found.values() for rekey in one.rekeys]
        if not new and not any(one.others for one in found.values()):
            return known, rekeys, {kind: found[kind].waiting for kind in PEOPLE}
        rekeys += new
        known = _extended(known, new)
        others = {kind: others[kind] | found[kind].others for kind in PEOPLE}


def _look(desk: Desk) -> dict[Kind, Found]:
    new = {kind: _newcomers(desk, kind) for kind in PEOPLE}
    if not any(new.values()):
        return {kind: Found([], set(), []) for kind in PEOPLE}
    free = {kind: _free(desk, kind) for kind in PEOPLE}
    return {kind: _found(desk, kind, new[kind], free) for kind in PEOPLE}


def _newcomers(desk: Desk, kind: Kind) -> set[str]:
    records = desk.roster.of(kind)
    new = {ref for ref in records if ref not in desk.known.identities[kind]} - desk.others[kind]
    return new - leavers(desk.known, kind, records, desk.night) if new else new


def _free(desk: Desk, kind: Kind) -> Free:
    """Return whom a new id may be of: nobody whom an id of their own describes tonight."""
    sure: set[int] = set()
    asked: set[int] = set()
    refs_of, records, doubted = _refs_of(desk.known, kind), desk.roster.of(kind), desk.doubted[kind]
    for row, held in desk.known.records[kind].items():
        refs = refs_of.get(row, [])
        if any(ref in records and ref not in doubted for ref in refs):
            continue
        if any(ref in doubted for ref in refs) or held.deleted or not (held.from_feed or kind is Kind.GUARDIANS):
            asked.add(row)
        elif not held.from_feed or _is_gone(desk.roster, kind, held, refs):
            sure.add(row)
    return Free(frozenset(sure), frozenset(asked), refs_of)


def _is_gone(roster: Roster, kind: Kind, held: Held, refs: list[str]) -> bool:
    """Whether this picture proves that the MIS no longer names somebody; who left before need not be proven absent."""
    if not held.here:
        return not any(ref in roster.unreadable.get(kind, ()) for ref in refs)
    return kind in roster.complete and all(roster.proves_absence(kind=kind, key=ref) for ref in refs)


def _found(desk: Desk, kind: Kind, new: set[str], free: Mapping[Kind, Free]) -> Found:
    mine, contacts = free[kind], free[OTHER_END.get(kind, kind)]
    matched = Matcher(
        desk.known,
        desk.roster,
        kind,
        among=mine.sure | mine.asked,
        contacts=contacts.sure | contacts.asked,
        doubted=desk.doubted,
        others=desk.others,
    ).matched(new)
    rekeys = [
        _rekey(desk.known, kind, pair.ref, pair.row, mine.refs, f"Recognised by {pair.why}.")
        for pair in matched.pairs
        if pair.row in mine.sure
    ]
    unsure = (
        Doubt(ref=pair.ref, candidates=(Match(row=pair.row, strength=Strength.STRONG, why=pair.why),))
        for pair in matched.pairs
        if pair.row not in mine.sure
    )
    return _decided(desk, kind, [*matched.doubts, *unsure], mine.refs, rekeys)


def _decided(desk: Desk, kind: Kind, doubts: list[Doubt], refs_of: Refs, rekeys: list[Rekey]) -> Found:
    """Sort those in doubt by what a person decided. Two who were both said to be one person go on waiting."""
    others: set[str] = set()
    waiting: list[Hold] = []
    same: dict[int, list[tuple[str, Hold]]] = defaultdict(list)
    for doubt in doubts:
        hold = _hold(desk, kind, doubt, refs_of)
        rows = {f"{SAME}:{match.row}": match.row for match in doubt.candidates}
        choice = desk.decided.get(hold.digest)
        if choice == OTHER:
            others.add(doubt.ref)
        elif choice in rows:
            same[rows[choice]].append((doubt.ref, hold))
        else:
            waiting.append(hold)
    for row, claims in same.items():
        if len(claims) == 1:
            rekeys.append(_rekey(desk.known, kind, claims[0][0], row, refs_of, "Decided by a person."))
        else:
            waiting += [hold for _, hold in claims]
    return Found(rekeys, others, waiting)


def _rekey(snapshot: Snapshot, kind: Kind, ref: str, row: int, refs_of: Refs, why: str) -> Rekey:
    return Rekey(kind=kind, id=row, ref=ref, was=_last(row, refs_of), label=snapshot.name(kind, row), why=why)


def _last(row: int, refs_of: Refs) -> str:
    return refs_of[row][-1] if row in refs_of else ""


def _hold(desk: Desk, kind: Kind, doubt: Doubt, refs_of: Refs) -> Hold:
    record: Person = desk.roster.of(kind)[doubt.ref]
    name, people = name_said(record), desk.known.records[kind]
    rows = [match.row for match in doubt.candidates]
    maybe = [f"{desk.known.name(kind, m.row)} ({'; '.join((*people[m.row].stakes, m.why))})" for m in doubt.candidates]
    return Hold(
        kind=kind,
        case=Case.NEW_ID,
        reason=(
            f"{name} comes with the new id {doubt.ref} and may be {listed(maybe, 'or')}. "
            "Nobody is added and nobody goes until a person has said who this is."
        ),
        refs=(doubt.ref, *sorted(ref for row in rows for ref in refs_of.get(row, ()))),
        labels=(name,),
        facts=(doubt.ref, face_of(record).told(), *_facts(kind, doubt, people)),
        sides=(
            feed_side(kind, doubt.ref, record),
            *(held_side(desk.known, kind, row, _last(row, refs_of)) for row in rows),
        ),
        options=tuple(_options(desk.known, kind, doubt, name)),
    )


def _facts(kind: Kind, doubt: Doubt, people: Mapping[int, Held]) -> Iterator[str]:
    for match in doubt.candidates:
        yield from (str(match.row), match.strength, match.why, face_held(kind, people[match.row]).told())


def _options(snapshot: Snapshot, kind: Kind, doubt: Doubt, name: str) -> Iterator[Option]:
    yield keep(f"{name} is not added, and nobody they may be goes, as long as the MIS says this.")
    for match in doubt.candidates:
        held = snapshot.name(kind, match.row)
        hand = "" if snapshot.records[kind][match.row].from_feed else " From then on the MIS keeps their details."
        yield Option(
            key=f"{SAME}:{match.row}",
            label=f"It is {held}",
            effect=f"{held} keeps everything they have here, and has the id {doubt.ref} from now on.{hand}",
        )
    yield Option(
        key=OTHER,
        label="It is somebody new",
        effect=f"{name} is added as a new {SINGULAR[kind]}, with nothing of anybody we hold.",
    )


def _extended(snapshot: Snapshot, rekeys: list[Rekey]) -> Snapshot:
    """Return what is held once these new ids are known; whoever was added by hand is of the feed from now on (R43)."""
    identities, records = dict(snapshot.identities), dict(snapshot.records)
    for kind in {rekey.kind for rekey in rekeys}:
        mine = [rekey for rekey in rekeys if rekey.kind is kind]
        identities[kind] = identities[kind] | {rekey.ref: rekey.id for rekey in mine}
        claimed = {rekey.id: msgspec.structs.replace(records[kind][rekey.id], from_feed=True) for rekey in mine}
        records[kind] = records[kind] | claimed
    return msgspec.structs.replace(snapshot, identities=identities, records=records)


def _current(snapshot: Snapshot, roster: Roster) -> Snapshot:
    """Return the same with the id that the MIS uses tonight as everybody's last one."""
    identities = dict(snapshot.identities)
    for kind in PEOPLE:
        refs, there = identities[kind], roster.of(kind)
        if len(set(refs.values())) < len(refs):
            identities[kind] = dict(sorted(refs.items(), key=lambda item: item[0] in there))
    return msgspec.structs.replace(snapshot, identities=identities)


def _refs_of(snapshot: Snapshot, kind: Kind) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for ref, row in snapshot.identities[kind].items():
        found[row].append(ref)
    return found
