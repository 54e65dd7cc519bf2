"""Small values to plan with: what a school holds, what its MIS says, and `applied`, an apply without a database."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from sync.pipeline.held import FIELDS, LINKS, PEOPLE, Edit, Held, HeldLink, LinkKey, Snapshot, Value
from sync.pipeline.plan import Action, Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import KIND_OF, PARTS, Class, Guardian, Kind, Record, Staff, Student, Tie, key_of

NIGHT: Final = datetime.date(2026, 11, 9)
DOMAIN: Final = "alder.example"
RULES: Final = Rules(domains=frozenset({DOMAIN}), student_access_years=frozenset({"12"}))
BORN: Final = datetime.date(2014, 3, 1)
RECORDED: Final = (*PEOPLE, Kind.CLASSES)
EVERYTHING: Final = frozenset(Kind)


def night(number: int) -> datetime.date:
    """Night 1 is `NIGHT`."""
    return NIGHT + datetime.timedelta(days=number - 1)


def student(ref: str, name: str = "Ann Bell", **more: Any) -> Student:
    given, family = name.split(" ", 1)
    return Student(ref=ref, given_name=given, family_name=family, **({"date_of_birth": BORN} | more))


def guardian(ref: str, name: str = "Joan Bell", **more: Any) -> Guardian:
    given, family = name.split(" ", 1)
    return Guardian(ref=ref, given_name=given, family_name=family, **more)


def staff(ref: str, name: str = "Ruth Vale", **more: Any) -> Staff:
    given, family = name.split(" ", 1)
    return Staff(ref=ref, given_name=given, family_name=family, **more)


def tie(student_ref: str, guardian_ref: str, **more: Any) -> Tie:
    return Tie(student_ref=student_ref, guardian_ref=guardian_ref, **more)


def school_class(ref: str, name: str = "7B") -> Class:
    return Class(ref=ref, name=name)


def roster(
    *records: Record,
    complete: Iterable[Kind] = EVERYTHING,
    unreadable: Mapping[Kind, Iterable[Any]] | None = None,
) -> Roster:
    """Say these records, all kinds read to their end unless told otherwise."""
    shelves: dict[str, dict[Any, Record]] = {kind.value: {} for kind in Kind}
    for record in records:
        shelves[KIND_OF[type(record)].value][key_of(record)] = record  # type: ignore[arg-type]
    unclear = {kind: frozenset(keys) for kind, keys in (unreadable or {}).items()}
    whole = frozenset(complete)
    rows = {kind: len(shelves[kind.value]) + len(unclear.get(kind, ())) for kind in whole}
    return Roster(complete=whole, rows=rows, unreadable=unclear, **shelves)  # type: ignore[arg-type]


def holding(*records: Record, on: datetime.date = NIGHT, rules: Rules = RULES) -> Snapshot:
    """Hold what the school would hold had its MIS said this on its first night."""
    said = roster(*records)
    return applied(plan(nothing_held(), said, rules, night=on), nothing_held())


def nothing_held() -> Snapshot:
    return Snapshot(
        records={kind: {} for kind in RECORDED},
        identities={kind: {} for kind in RECORDED},
        links={kind: {} for kind in LINKS},
    )


def row(snapshot: Snapshot, kind: Kind, ref: str) -> int:
    return snapshot.identities[kind][ref]


def held(snapshot: Snapshot, kind: Kind, ref: str) -> Held:
    """What is held of one person or class, by the MIS's id."""
    return snapshot.records[kind][row(snapshot, kind, ref)]


def value(snapshot: Snapshot, kind: Kind, ref: str, field: str) -> Value:
    return held(snapshot, kind, ref).values[FIELDS[kind].index(field)]


def link(snapshot: Snapshot, kind: Kind, one: str, other: str) -> HeldLink | None:
    """What is held of a link, by the two refs of its key."""
    return snapshot.links[kind].get(_link_key(snapshot.identities, kind, (one, other)))


def with_person(snapshot: Snapshot, kind: Kind, ref: str, **changes: Any) -> Snapshot:
    """The same school, but something about one person is different (a stake, a source, a date)."""
    number = row(snapshot, kind, ref)
    people = snapshot.records[kind] | {number: msgspec.structs.replace(snapshot.records[kind][number], **changes)}
    return msgspec.structs.replace(snapshot, records=snapshot.records | {kind: people})


def with_stake(snapshot: Snapshot, kind: Kind, ref: str, stake: str = "has signed in") -> Snapshot:
    return with_person(snapshot, kind, ref, stakes=(stake,))


def with_edit(snapshot: Snapshot, kind: Kind, ref: str, field: str, value: str, **more: Any) -> Snapshot:
    """The same school, but somebody corrected one field of one person by hand (R66)."""
    person = held(snapshot, kind, ref)
    said = person.mis_email if field == "email" else person.values[FIELDS[kind].index(field)]
    edit = Edit(value=value, replaced=more.get("replaced", said))
    person = _amended(person, kind, field, value)
    person = msgspec.structs.replace(person, edits=person.edits | {field: edit})
    return msgspec.structs.replace(
        snapshot, records=snapshot.records | {kind: snapshot.records[kind] | {person.id: person}}
    )


def by_hand(snapshot: Snapshot, kind: Kind, number: int, name: str, **more: Any) -> Snapshot:
    """Add somebody whom the MIS never named."""
    given, family = name.split(" ", 1)
    values = (given, family, *(None for _ in FIELDS[kind][2:]))
    person = Held(id=number, values=values, from_feed=False, **more)
    return msgspec.structs.replace(
        snapshot, records=snapshot.records | {kind: snapshot.records[kind] | {number: person}}
    )


def applied(plan: Plan, snapshot: Snapshot) -> Snapshot:
    """Return what is held after this plan: `sync.pipeline.apply` in a few lines of plain Python."""
    records = {kind: dict(rows) for kind, rows in snapshot.records.items()}
    identities = {kind: dict(refs) for kind, refs in snapshot.identities.items()}
    links = {kind: dict(rows) for kind, rows in snapshot.links.items()}
    for rekey in plan.rekeys:
        identities[rekey.kind][rekey.ref] = rekey.id
        records[rekey.kind][rekey.id] = msgspec.structs.replace(records[rekey.kind][rekey.id], from_feed=True)
    for arrival in plan.arrivals:
        number = max(records[arrival.kind], default=0) + 1
        identities[arrival.kind][arrival.ref] = number
        records[arrival.kind][number] = Held(
            id=number,
            values=arrival.values,
            email=arrival.email,
            mis_email=arrival.mis_email,
            domain_recognised=arrival.domain_recognised,
            since=plan.night,
        )
    for change in plan.amendments:
        records[change.kind][change.id] = _amended(
            records[change.kind][change.id], change.kind, change.field, change.new
        )
    for end in plan.edit_ends:
        person = records[end.kind][end.id]
        left = {field: edit for field, edit in person.edits.items() if field != end.field}
        records[end.kind][end.id] = msgspec.structs.replace(person, edits=left)
    for standing in plan.standings:
        records[standing.kind][standing.id] = msgspec.structs.replace(
            records[standing.kind][standing.id],
            here=standing.action is not Action.LEAVE,
            missing_since=standing.missing_since,
        )
    _link(plan, identities, links)
    return Snapshot(records=records, identities=identities, links=links)


def _amended(person: Held, kind: Kind, field: str, new: Value) -> Held:
    if field not in FIELDS[kind]:
        return msgspec.structs.replace(person, **{field: new})
    place = FIELDS[kind].index(field)
    return msgspec.structs.replace(person, values=(*person.values[:place], new, *person.values[place + 1 :]))


def _link(plan: Plan, identities: dict[Kind, dict[str, int]], links: dict[Kind, dict[LinkKey, HeldLink]]) -> None:
    for arrival in plan.link_arrivals:
        shelf = links[arrival.kind]
        number = arrival.id or max((one.id for one in shelf.values()), default=0) + 1
        values = tuple(map(_stored, FIELDS[arrival.kind], arrival.values))
        shelf[_link_key(identities, arrival.kind, arrival.key)] = HeldLink(id=number, values=values)
    for change in plan.link_amendments:
        key = _key_of_row(links[change.kind], change.id)
        place = FIELDS[change.kind].index(change.field)
        old = links[change.kind][key]
        values = (*old.values[:place], _stored(change.field, change.new), *old.values[place + 1 :])
        links[change.kind][key] = msgspec.structs.replace(old, values=values)
    for end in plan.link_ends:
        key = _key_of_row(links[end.kind], end.id)
        if end.kind is Kind.TIES:
            links[end.kind][key] = msgspec.structs.replace(links[end.kind][key], here=False)
        else:
            del links[end.kind][key]


def _stored(field: str, new: Value) -> Value:
    return bool(new) if field == "restricted" else new  # the column has no third state


def _key_of_row(shelf: Mapping[LinkKey, HeldLink], number: int) -> LinkKey:
    return next(key for key, one in shelf.items() if one.id == number)


def _link_key(identities: Mapping[Kind, Mapping[str, int]], kind: Kind, key: tuple[str, str]) -> LinkKey:
    first, second = PARTS[kind]
    return identities[first][key[0]], identities[second][key[1]] if second else key[1]
