"""Reads what is held now of all that a run touched: a constant number of queries, tuples only."""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from django.db.models.functions import Lower

from sync.models import Change, Run
from sync.pipeline.exact import Facts, decoded
from sync.pipeline.held import FIELDS, PEOPLE
from sync.pipeline.snapshot import ENDS, MODELS, STAKE_WORDS
from sync.pipeline.undoing import Done, Person, Present, Who
from sync.records import PARTS, Kind
from tenants.models import School
from users import stakes
from users.models import Account, LocalEdit

_PERSON: Final = ("status", "missing_since", "left_on", "email", "email_is_dummy", "mis_email")
_COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STUDENTS: (*_PERSON, *FIELDS[Kind.STUDENTS]),
    Kind.GUARDIANS: (*_PERSON, *FIELDS[Kind.GUARDIANS]),
    Kind.STAFF: (*_PERSON, "domain_recognised", "deleted_at", *FIELDS[Kind.STAFF]),
    Kind.CLASSES: ("ended_on", *FIELDS[Kind.CLASSES]),
    Kind.TIES: ("ended_on", *FIELDS[Kind.TIES]),
    Kind.ENROLMENTS: (),
    Kind.TEACHING: (),
}
_EDIT_OF: Final = {"student_id": Kind.STUDENTS, "guardian_id": Kind.GUARDIANS, "staff_member_id": Kind.STAFF}


def done_by(run: Run) -> tuple[Done, ...]:
    """Return what a run did, in its own order; one query."""
    rows = Change.objects.filter(run=run).order_by("id")
    columns = ("id", "kind", "person_id", "label", "ref", "action", "field", "old", "new", "exact")
    return tuple(
        Done(
            id=pk,
            kind=Kind(kind),
            row=row,
            label=label,
            ref=ref,
            action=action,
            field=field,
            old=old,
            new=new,
            exact=decoded(exact),
        )
        for pk, kind, row, label, ref, action, field, old, new, exact in rows.values_list(*columns).iterator()
    )


def present(done: Iterable[Done], *, school: School, since: datetime.datetime) -> Present:
    """Return what is held now of everything these changes are about; `since` is when they were made."""
    changes = [change for change in done if change.who is not None]
    rows = _records(changes) | _links(changes)
    people = {who: facts for who, facts in rows.items() if who[0] in PEOPLE}
    return Present(
        rows=rows,
        stakes=_stakes(changes),
        edited=_edited(),
        addresses=_addresses(changes, people),
        signed_in=_signed_in(people.values(), since),
        domains=frozenset(school.domains.values_list("domain", flat=True)),
    )


def _records(changes: Iterable[Done]) -> dict[Who, Facts]:
    """Return the people and classes themselves, and those at the ends of links."""
    ids: dict[Kind, set[int]] = defaultdict(set)
    for change in changes:
        for kind, row in _touched(change):
            ids[kind].add(row)
    return {(kind, row): facts for kind, wanted in ids.items() for row, facts in _read(kind, wanted)}


def _touched(change: Done) -> list[tuple[Kind, int]]:
    if change.exact is None or change.exact.ends is None:
        return [(change.kind, change.exact.row)] if change.exact and change.exact.row is not None else []
    pairs = zip(PARTS[change.kind], change.exact.ends, strict=True)
    return [(kind, row) for kind, row in pairs if kind is not None]


def _read(kind: Kind, ids: set[int]) -> Iterable[tuple[int, Facts]]:
    found = MODELS[kind]._default_manager.filter(pk__in=ids)  # noqa: SLF001 the scoped one
    for row in found.values("id", *_COLUMNS[kind]):
        yield row["id"], _facts(row)


def _facts(row: dict[str, Any]) -> Facts:
    """Return a row's columns; the address of a dummy is "", as everywhere in the pipeline."""
    facts = {name: value for name, value in row.items() if name not in {"id", "email_is_dummy"}}
    return facts | ({"email": ""} if row.get("email_is_dummy") else {})


def _links(changes: Iterable[Done]) -> dict[Who, Facts]:
    firsts: dict[Kind, set[int]] = defaultdict(set)
    for change in changes:
        if change.exact is not None and change.exact.ends is not None:
            firsts[change.kind].add(change.exact.ends[0])
    return {who: facts for kind, wanted in firsts.items() for who, facts in _read_links(kind, wanted)}


def _read_links(kind: Kind, firsts: set[int]) -> Iterable[tuple[Who, Facts]]:
    one, other = ENDS[kind]
    found = MODELS[kind]._default_manager.filter(**{f"{one}__in": firsts})  # noqa: SLF001 the scoped one
    for row in found.values(one, other, *_COLUMNS[kind]):
        yield (kind, row.pop(one), row.pop(other)), row


def _stakes(changes: Iterable[Done]) -> dict[Person, tuple[str, ...]]:
    """Return what is at stake, of those kinds of people of whom somebody arrived."""
    arrived = {change.kind for change in changes if change.action == "arrive" and change.kind in PEOPLE}
    return {(kind, row): why for kind in arrived for row, why in stakes.of(STAKE_WORDS[kind]).items()}


def _edited() -> frozenset[tuple[Person, str]]:
    """Return the open corrections made by hand; a school has few."""
    found: set[tuple[Person, str]] = set()
    for *people, field in LocalEdit.objects.open().values_list(*_EDIT_OF, "field"):
        found |= {((kind, row), field) for kind, row in zip(_EDIT_OF.values(), people, strict=True) if row is not None}
    return frozenset(found)


def _addresses(changes: Iterable[Done], people: dict[Who, Facts]) -> dict[Person, str]:
    """Return who holds which address: those the run touched, and whoever has one that would come back."""
    before = (change.exact.was for change in changes if change.exact and change.exact.was)
    wanted = {str(was["email"]).lower() for was in before if was.get("email")}
    held: dict[Person, str] = {(who[0], who[1]): str(facts["email"]).lower() for who, facts in people.items()}
    for kind in PEOPLE if wanted else ():
        found = MODELS[kind]._default_manager.annotate(address=Lower("email"))  # noqa: SLF001 the scoped one
        rows = found.filter(address__in=wanted).values_list("id", "address")
        held |= {(kind, row): address for row, address in rows}
    return held


def _signed_in(people: Iterable[Facts], since: datetime.datetime) -> frozenset[str]:
    addresses = {str(facts["email"]).lower() for facts in people} - {""}
    found = Account.objects.annotate(address=Lower("email")).filter(address__in=addresses, activated_at__gt=since)
    return frozenset(found.values_list("address", flat=True))


def later(done: Iterable[Done], *, after: int) -> list[tuple[Who, frozenset[str], int, datetime.date, str]]:
    """Return what runs did later to the same records: (who, columns, run, its night, its trigger), oldest first.

    `after` is the last change that does not count.
    """
    pairs = [(change.kind.value, change.row) for change in done]
    kinds, rows = {kind for kind, _ in pairs}, {row for _, row in pairs}
    found = Change.objects.filter(id__gt=after, kind__in=kinds, person_id__in=rows).order_by("id")
    told = found.values_list("kind", "exact", "run_id", "run__local_date", "run__trigger")
    return [
        (who, columns, run, night, trigger)
        for kind, exact, run, night, trigger in told
        for who, columns in _columns(Kind(kind), exact)
    ]


def _columns(kind: Kind, told: Any) -> Iterable[tuple[Who, frozenset[str]]]:
    exact = decoded(told)
    if exact is None:
        return
    columns = frozenset({*(exact.was or ()), *(exact.now or ())})
    if exact.ends is not None:
        yield (kind, *exact.ends), columns
    elif exact.row is not None:
        yield (kind, exact.row), columns
