"""People without an address, and addresses of more than one person."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from sync.buckets import NOT_USED, is_role_mailbox
from sync.models import MisIdentity, Run
from sync.pipeline.roster import Fault
from sync.pipeline.snapshot import POINTER, rules_of
from sync.queries.quality.people import MODELS, PersonKey, Row, Who, named_by, people_of
from sync.queries.quality.refusals import refused_in
from sync.records import Kind
from tenants.models import School
from users.models import Person

SHARING: Final = frozenset({Fault.SHARED_ADDRESS, Fault.ROLE_MAILBOX})


def without_address(school: School, run: Run | None) -> "QuerySet[Any]":
    """Return (kind, id, whether the MIS shares an address at all) of those who have none and should."""
    rules = rules_of(school)
    may = [year for year in rules.student_access_years if rules.student_may_sign_in(year)]
    only = {"students": Q(year__in=may)}
    first, *others = (
        model.objects.here()
        .filter(only.get(kind, Q()), email_is_dummy=True, source=Person.Source.FEED)
        .exclude(pk__in=_refused_rows(kind, run))
        .order_by()
        .values_list(Value(kind), "pk", "mis_email", "folded")
        for kind, model in MODELS.items()
    )
    found: QuerySet[Any] = first.union(*others, all=True)
    return found.order_by("folded", "pk")


def _refused_rows(kind: str, run: Run | None) -> "QuerySet[Any]":
    """Return the rows of those whose address was refused: they lie in a bucket of their own."""
    column = POINTER[Kind(kind)]
    refs = refused_in(run).filter(kind=kind, fault__in=NOT_USED).order_by().values("ref")
    found: QuerySet[Any] = MisIdentity.objects.filter(kind=kind, external_id__in=refs).values(column)
    return found


def rows_without_address(items: Sequence[tuple[str, int, str | None, str]]) -> tuple[Row, ...]:
    """Return a row for each of those that `without_address` found."""
    known = people_of((kind, pk) for kind, pk, *_rest in items)
    return tuple(
        Row(
            kind=kind,
            who=known[kind, pk],
            says="The MIS does not share an address." if mis_email is None else "The e-mail field is empty.",
            holds="no address",
            field="email",
        )
        for kind, pk, mis_email, _folded in items
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """One address and everybody with whom it stands; `has` are those who use it."""

    address: str
    members: tuple[PersonKey, ...]
    has: frozenset[PersonKey]
    is_role: bool


def sharing(run: Run | None) -> list[Group]:
    """Return the addresses that were refused because they are another person's, each with everybody; four queries."""
    refused = refused_in(run).filter(fault__in=SHARING).order_by().values_list("kind", "ref", "fault")
    faults = {(kind, ref): fault for kind, ref, fault in refused}
    wanted = {(who.kind, who.pk): faults[key] for key, who in named_by(set(faults)).items() if who.pk is not None}
    addresses: dict[str, set[str]] = defaultdict(set)
    for kind, pk, said, _used in _addresses({kind: Q(pk__in=_pks(wanted, kind)) for kind in MODELS}):
        if said:  # else the MIS has said something new of them, and nobody has decided about it yet
            addresses[said].add(wanted[kind, pk])
    here = Q(said__in=set(addresses)) | Q(used__in=set(addresses))
    return _groups(addresses, _addresses(dict.fromkeys(MODELS, here)))


def _groups(faults: Mapping[str, set[str]], found: Iterable[tuple[str, int, str, str]]) -> list[Group]:
    members: dict[str, set[PersonKey]] = defaultdict(set)
    has: dict[str, set[PersonKey]] = defaultdict(set)
    for kind, pk, said, used in found:
        for address in {said, used} & set(faults):
            members[address].add((kind, pk))
        has[used].add((kind, pk))
    return [
        Group(
            address=address,
            members=tuple(sorted(people)),
            has=frozenset(has[address]),
            is_role=Fault.ROLE_MAILBOX in faults[address] or is_role_mailbox(address, len(people)),
        )
        for address, people in sorted(members.items())
    ]


def _pks(keys: Iterable[PersonKey], kind: str) -> set[int]:
    return {pk for of, pk in keys if of == kind}


def _addresses(which: Mapping[str, Q]) -> "QuerySet[Any]":
    """Return (kind, id, what the MIS says, what is used) of those here, in one query."""
    first, *others = (
        MODELS[kind]
        .objects.here()
        .annotate(said=Lower("mis_email"), used=Lower("email"))
        .filter(condition)
        .order_by()
        .values_list(Value(kind), "pk", "said", "used")
        for kind, condition in which.items()
    )
    found: QuerySet[Any] = first.union(*others, all=True)
    return found


def rows_sharing(items: Sequence[tuple[PersonKey, Group]]) -> tuple[Row, ...]:
    """Return a row for each person who has an address together with others."""
    known = people_of(member for _key, group in items for member in group.members)
    return tuple(
        Row(
            kind=key[0],
            who=known[key],
            says="They have the same address.",
            holds=f"{group.address}: in use" if key in group.has else "no address of their own",
            others=tuple(known[other] for other in group.members if other != key),
            field="email",
        )
        for key, group in items
    )


def rows_of_offices(items: Sequence[Group]) -> tuple[Row, ...]:
    """Return a row for each mailbox of many people."""
    known = people_of(member for group in items for member in group.members)
    return tuple(
        Row(
            kind="",
            who=Who(kind="", ref="", name=group.address),
            says=f"{len(group.members):,} affected.",
            others=tuple(known[member] for member in group.members),
            field="email",
        )
        for group in items
    )
