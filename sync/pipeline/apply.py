"""Writes a plan into the open school, whole sets at a time, with its change log: all of it in the caller's transaction.

The order matters: people and classes before what links them; addresses given up before addresses taken, because the
unique index looks at every row; departures last.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from sync.models import Change, Hold, MisIdentity, Refusal, Run
from sync.pipeline.exact import Exact, Facts, encoded
from sync.pipeline.held import FIELDS, LinkKey, Snapshot, Value, written
from sync.pipeline.plan import Action, Amendment, Arrival, EditEnd, LinkArrival, Plan, Rekey, Standing
from sync.pipeline.snapshot import ENDS, MODELS, POINTER
from sync.records import PARTS, Kind
from tenants import bulk
from tenants.models import School
from users.emails import dummy_address
from users.folding import fold
from users.models import LocalEdit, Person, Tie
from users.operations import accounts, roles

_SINGULAR: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "staff"}
_STATUS: Final = {Action.MISS: "missing", Action.LEAVE: "left", Action.REJOIN: "active"}
CHANGE: Final = ("run_id", "kind", "person_id", "label", "ref", "action", "field", "old", "new", "why", "exact")

ChangeRow = tuple[Any, ...]
Was = dict[tuple[Kind, int], Facts]  # what an undo needs of a row, as it was before


def apply(plan: Plan, snapshot: Snapshot, *, run: Run, school: School, at: datetime.datetime) -> None:
    """Carry out the plan, and record every change of it on the run."""
    rows = {kind: dict(refs) for kind, refs in snapshot.identities.items()}
    was = _stood(plan)
    _rekey(plan.rekeys, rows, run)
    _give_up(plan.amendments, school)
    _arrive(plan.arrivals, rows, run=run, school=school)
    _amend(plan.amendments, snapshot)
    _end_edits(plan.edit_ends, at=at)
    _link(plan, rows)
    _stand(plan.standings, at=at)
    _end(plan, run.local_date)
    accounts.link_people(at=at)
    links = _links(plan, snapshot, rows, was, night=run.local_date)
    changes = (
        *_rekeys(plan),
        *_arrivals(plan, rows),
        *_amendments(plan),
        *_releases(plan),
        *_standings(plan, was),
        *links,
    )
    bulk.insert(Change, CHANGE, ((run.pk, *change) for change in changes))
    _note(plan, run)


def _rekey(rekeys: Iterable[Rekey], rows: dict[Kind, dict[str, int]], run: Run) -> None:
    """Keep the new ids of people we hold; whoever was added by hand is of the feed from now on (R22, R43)."""
    by_kind: dict[Kind, list[Rekey]] = defaultdict(list)
    for rekey in rekeys:
        by_kind[rekey.kind].append(rekey)
    for kind, new in by_kind.items():
        rows[kind] |= {rekey.ref: rekey.id for rekey in new}
        _identify(kind, ((rekey.ref, rekey.id) for rekey in new), run)
        if claimed := [rekey.id for rekey in new if not rekey.was]:  # never a class
            bulk.amend(MODELS[kind], ("id", "source"), ((row, Person.Source.FEED) for row in claimed))


def _identify(kind: Kind, pairs: Iterable[tuple[str, int]], run: Run) -> None:
    columns = ("generation", "kind", "external_id", POINTER[kind], "first_seen_on")
    bulk.insert(MisIdentity, columns, ((run.generation, kind.value, ref, row, run.local_date) for ref, row in pairs))


def _arrive(arrivals: Iterable[Arrival], rows: dict[Kind, dict[str, int]], *, run: Run, school: School) -> None:
    """Insert the new people and classes and their identities; fill `rows` with their keys."""
    by_kind: dict[Kind, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_kind[arrival.kind].append(arrival)
    for kind, new in by_kind.items():
        ids = bulk.reserve_ids(MODELS[kind], len(new))
        rows[kind] |= {arrival.ref: row for arrival, row in zip(new, ids, strict=True)}
        people = kind in _SINGULAR
        columns = ("id", *FIELDS[kind], *(_PERSON_COLUMNS if people else ()), *(_STAFF if kind is Kind.STAFF else ()))
        bulk.insert(MODELS[kind], columns, (_row(arrival, rows[kind][arrival.ref], school) for arrival in new))
        _identify(kind, ((arrival.ref, rows[kind][arrival.ref]) for arrival in new), run)


_PERSON_COLUMNS: Final = ("folded", "email", "email_is_dummy", "mis_email", "status", "source")
_STAFF: Final = ("domain_recognised",)


def _row(arrival: Arrival, row: int, school: School) -> tuple[Any, ...]:
    if arrival.kind not in _SINGULAR:
        return (row, *arrival.values)
    address = arrival.email or _dummy(arrival.kind, row, school)
    person = (
        row,
        *arrival.values,
        _folded(dict(zip(FIELDS[arrival.kind], arrival.values, strict=True))),
        address,
        not arrival.email,
        arrival.mis_email,
        "active",
        "feed",
    )
    return (*person, arrival.domain_recognised) if arrival.kind is Kind.STAFF else person


def _folded(values: dict[str, Any]) -> str:
    return fold(values["family_name"], values["given_name"], values.get("preferred_name"))


def _dummy(kind: Kind, row: int, school: School) -> str:
    return dummy_address(school=school.slug, kind=_SINGULAR[kind], number=row)


def _give_up(amendments: Iterable[Amendment], school: School) -> None:
    """Put a dummy in place of every address that changes, before anybody takes one: swaps and chains work (R33)."""
    for kind in _SINGULAR:
        leaving = [change.id for change in amendments if (change.kind, change.field) == (kind, "email") and change.old]
        dummies = ((row, _dummy(kind, row, school), True) for row in leaving)
        bulk.amend(MODELS[kind], ("id", "email", "email_is_dummy"), dummies)


def _amend(amendments: Iterable[Amendment], snapshot: Snapshot) -> None:
    by_field: dict[tuple[Kind, str], list[Amendment]] = defaultdict(list)
    for amendment in amendments:
        by_field[amendment.kind, amendment.field].append(amendment)
    named: dict[Kind, set[int]] = defaultdict(set)
    for (kind, field), changes in by_field.items():
        if field == "email":
            taken = ((change.id, change.new, False) for change in changes if change.new)
            bulk.amend(MODELS[kind], ("id", "email", "email_is_dummy"), taken)
            continue
        bulk.amend(MODELS[kind], ("id", field), ((change.id, change.new) for change in changes))
        if kind in _SINGULAR and field in {"given_name", "family_name", "preferred_name"}:
            named[kind] |= {change.id for change in changes}
    for kind, ids in named.items():
        _refold(kind, ids, snapshot, by_field)


def _refold(kind: Kind, ids: set[int], snapshot: Snapshot, by_field: dict[tuple[Kind, str], list[Amendment]]) -> None:
    values = {row: dict(zip(FIELDS[kind], snapshot.records[kind][row].values, strict=True)) for row in ids}
    for field in FIELDS[kind]:
        for change in by_field.get((kind, field), ()):
            if change.id in values:
                values[change.id][field] = change.new
    bulk.amend(MODELS[kind], ("id", "folded"), ((row, _folded(now)) for row, now in values.items()))


def _link(plan: Plan, rows: dict[Kind, dict[str, int]]) -> None:
    new: dict[Kind, list[tuple[Any, ...]]] = defaultdict(list)
    back: dict[Kind, list[tuple[Any, ...]]] = defaultdict(list)
    for link in plan.link_arrivals:
        if link.id is None:
            new[link.kind].append((*link_rows(link.kind, link.key, rows), *link.values))
        else:
            back[link.kind].append((link.id, *link.values))
    for kind, values in new.items():
        bulk.insert(MODELS[kind], (*ENDS[kind], *FIELDS[kind]), values)
    for kind, values in back.items():
        bulk.amend(MODELS[kind], ("id", *FIELDS[kind], "ended_on"), ((*value, None) for value in values))
    amended: dict[tuple[Kind, str], list[tuple[int, Value]]] = defaultdict(list)
    for change in plan.link_amendments:
        amended[change.kind, change.field].append((change.id, change.new))
    for (kind, field), pairs in amended.items():
        bulk.amend(MODELS[kind], ("id", field), pairs)


def link_rows(kind: Kind, key: tuple[str, str], rows: dict[Kind, dict[str, int]]) -> tuple[int, int | str]:
    """Return the two rows a link joins; for notes and needs the second half is the MIS's own ref."""
    first, second = PARTS[kind]
    return rows[first][key[0]], rows[second][key[1]] if second else key[1]


def _end_edits(ends: Iterable[EditEnd], *, at: datetime.datetime) -> None:
    """Close the corrections that no longer stand; there are few of them (R66)."""
    for end in ends:
        open_one = LocalEdit.objects.open().filter(field=end.field, **{POINTER[end.kind]: end.id})
        open_one.update(closed_at=at, closed_why=end.why)


def _stand(standings: Iterable[Standing], *, at: datetime.datetime) -> None:
    by_kind: dict[Kind, list[Standing]] = defaultdict(list)
    for standing in standings:
        by_kind[standing.kind].append(standing)
    for kind, changes in by_kind.items():
        if kind is Kind.CLASSES:
            bulk.amend(MODELS[kind], ("id", "ended_on"), ((s.id, s.left_on) for s in changes))
        else:
            bulk.amend(
                MODELS[kind],
                ("id", "status", "missing_since", "left_on"),
                ((s.id, _STATUS[s.action], s.missing_since, s.left_on) for s in changes),
            )
        if kind is Kind.STAFF:
            roles.end_all(staff=[s.id for s in changes if s.action is Action.LEAVE], at=at)


def _end(plan: Plan, night: datetime.date) -> None:
    ended: dict[Kind, list[int]] = defaultdict(list)
    for end in plan.link_ends:
        ended[end.kind].append(end.id)
    bulk.amend(Tie, ("id", "ended_on"), ((row, night) for row in ended.pop(Kind.TIES, [])))
    for kind, ids in ended.items():
        bulk.delete(MODELS[kind], ids)


def _stood(plan: Plan) -> Was:
    """Return the standing of everybody it changes, and the day on which each link that comes back had ended."""
    ids: dict[Kind, list[int]] = defaultdict(list)
    for standing in plan.standings:
        ids[standing.kind].append(standing.id)
    for link in plan.link_arrivals:
        if link.id is not None:
            ids[link.kind].append(link.id)
    return {(kind, row): facts for kind, of in ids.items() for row, facts in _standing_of(kind, of)}


def _standing_of(kind: Kind, ids: list[int]) -> Iterator[tuple[int, Facts]]:
    columns = STANDING if kind in _SINGULAR else ("ended_on",)
    found = MODELS[kind]._default_manager.filter(pk__in=ids)  # noqa: SLF001 the scoped one
    for row, *values in found.values_list("id", *columns):
        yield row, dict(zip(columns, values, strict=True))


STANDING: Final = ("status", "missing_since", "left_on")


def _rekeys(plan: Plan) -> Iterator[ChangeRow]:
    for r in plan.rekeys:
        yield (r.kind.value, r.id, r.label, r.ref, Action.REKEY.value, "external_id", r.was, r.ref, r.why, None)


def _arrivals(plan: Plan, rows: dict[Kind, dict[str, int]]) -> Iterator[ChangeRow]:
    for a in plan.arrivals:
        row = rows[a.kind][a.ref]
        exact = encoded(Exact(row=row, now={"email": a.email} if a.email else {}))
        yield (a.kind.value, row, a.name, a.ref, Action.ARRIVE.value, "", "", a.facts, "", exact)


def _amendments(plan: Plan) -> Iterator[ChangeRow]:
    readdressed = {(a.kind, a.id) for a in plan.amendments if a.field == "email"}
    said = {(a.kind, a.id): a for a in plan.amendments if a.field == "mis_email"}
    for a in plan.amendments:
        if a.field == "mis_email" and (a.kind, a.id) in readdressed:
            continue  # said already by the address itself
        action = Action.AMEND.value
        both = [a, said[a.kind, a.id]] if a.field == "email" and (a.kind, a.id) in said else [a]
        exact = Exact(row=a.id, was={one.field: one.old for one in both}, now={one.field: one.new for one in both})
        yield (
            a.kind.value,
            a.id,
            a.label,
            a.ref,
            action,
            a.field,
            written(a.old),
            written(a.new),
            a.why,
            encoded(exact),
        )


def _releases(plan: Plan) -> Iterator[ChangeRow]:
    for e in plan.edit_ends:
        yield (e.kind.value, e.id, e.label, "", Action.RELEASE.value, e.field, e.old, e.new, e.why, None)


def _standings(plan: Plan, was: Was) -> Iterator[ChangeRow]:
    for s in plan.standings:
        day = s.left_on or s.missing_since
        now: Facts = {"status": _STATUS[s.action], "missing_since": s.missing_since, "left_on": s.left_on}
        now = {"ended_on": s.left_on} if s.kind is Kind.CLASSES else now
        exact = encoded(Exact(row=s.id, was=was[s.kind, s.id], now=now))
        yield (s.kind.value, s.id, s.label, s.ref, s.action.value, "", "", written(day), s.why, exact)


def _links(
    plan: Plan, snapshot: Snapshot, rows: dict[Kind, dict[str, int]], was: Was, *, night: datetime.date
) -> Iterator[ChangeRow]:
    touched = {change.kind for change in plan.link_amendments} | {end.kind for end in plan.link_ends}
    ends = {kind: {link.id: key for key, link in snapshot.links[kind].items()} for kind in touched}
    for link in plan.link_arrivals:
        key = link_rows(link.kind, link.key, rows)
        row = key[1] if link.kind is Kind.ENROLMENTS else key[0]
        exact = _link_exact(link.kind, key, *_came(link, key, snapshot, was))
        yield (link.kind.value, row, link.label, "", Action.ARRIVE.value, "", "", link.about, "", exact)
    for change in plan.link_amendments:
        # What a note says is never written into a log (R63); that it changed is.
        old, new = ("", "") if change.kind in _HEALTH else (written(change.old), written(change.new))
        field = change.field if change.kind in _HEALTH else f"{change.field} of {change.about}"
        both: tuple[Facts, Facts] = {change.field: change.old}, {change.field: change.new}
        exact = _link_exact(change.kind, ends[change.kind][change.id], *both)
        yield (change.kind.value, change.row, change.label, "", Action.AMEND.value, field, old, new, "", exact)
    for end in plan.link_ends:
        gone: tuple[Facts, Facts | None] = (
            ({"ended_on": None}, {"ended_on": night}) if end.kind is Kind.TIES else ({}, None)
        )
        exact = _link_exact(end.kind, ends[end.kind][end.id], *gone)
        yield (end.kind.value, end.row, end.label, "", Action.END.value, "", end.about, "", "", exact)


def _came(link: LinkArrival, key: LinkKey, snapshot: Snapshot, was: Was) -> tuple[Facts | None, Facts]:
    """Return a link before and after it came: what was not there is None, what had ended had its values and its day."""
    open_now: Facts = {"ended_on": None} if link.kind is Kind.TIES else {}
    if link.id is None:
        return None, open_now
    fields, held = FIELDS[link.kind], snapshot.links[link.kind][key]
    before = dict(zip(fields, held.values, strict=True)) | was[link.kind, link.id]
    return before, dict(zip(fields, link.values, strict=True)) | open_now


def _link_exact(kind: Kind, key: LinkKey, was: Facts | None, now: Facts | None) -> str | None:
    """Return what an undo needs; nothing of a note or a need is kept, not even that this one is meant (R63)."""
    if kind in _HEALTH:
        return None
    return encoded(Exact(ends=(int(key[0]), int(key[1])), was=was, now=now))


_HEALTH: Final = frozenset({Kind.MEDICAL, Kind.DIETARY})


def _note(plan: Plan, run: Run) -> None:
    bulk.insert(
        Refusal,
        ("run_id", "kind", "ref", "other_ref", "fault", "field", "reason", "place"),
        ((run.pk, r.kind.value, r.ref, r.other_ref, r.fault.value, r.field, r.reason, r.place) for r in plan.refusals),
    )
    for hold in plan.holds:
        Hold.objects.create(
            run=run,
            kind=hold.kind.value,
            case=hold.case.value,
            digest=hold.digest,
            reason=hold.reason,
            refs=list(hold.refs),
            labels=list(hold.labels),
            sides=msgspec.to_builtins(hold.sides),
            options=msgspec.to_builtins(hold.options),
        )
