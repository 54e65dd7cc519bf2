"""What is wrong with the open school's data, bucket by bucket, and what has been mended (R28). Reads only.

Refusals are those of the newest run that judged a feed; the other buckets ask the people themselves. However many
people there are, a page costs the same number of queries.
"""

import dataclasses
import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Case, CharField, Count, F, Func, Q, QuerySet, Value, When
from django.db.models.functions import Length, Lower

from sync.buckets import (
    BUCKETS,
    BY_FAULT,
    CHARACTERS,
    DUPLICATES,
    NO_EMAIL,
    NOT_USED,
    ROLE_MAILBOX,
    SHARED,
    STAFF,
    Bucket,
    is_role_mailbox,
)
from sync.characters import Suspicion, suspicious
from sync.models import CharacterReview, MisIdentity, Refusal, Run
from sync.pipeline.roster import Fault
from sync.pipeline.snapshot import POINTER, rules_of
from sync.records import PARTS, Kind
from sync.sentences import day, field_name, listed
from tenants.models import School
from users.models import Guardian, Person, SchoolClass, StaffMember, Student, Tie

ROWS_PER_PAGE: Final = 50
RUNS_BACK: Final = 100  # how far "since when" looks; older than that is old enough
A_WEEK: Final = datetime.timedelta(days=7)
LEAST_DIGITS: Final = 7  # of a telephone number that says who somebody is

MODELS: Final[dict[str, type[Person]]] = {"students": Student, "guardians": Guardian, "staff": StaffMember}
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "students": ("given_name", "family_name", "preferred_name"),
    "guardians": ("given_name", "family_name"),
    "staff": ("given_name", "family_name"),
}
_SHARING: Final = frozenset({Fault.SHARED_ADDRESS, Fault.ROLE_MAILBOX})

PersonKey = tuple[str, int]  # kind and row
Key = tuple[str, str, str, str, str]  # what makes a refusal the same on another night
_KEY: Final = ("kind", "ref", "other_ref", "fault", "field")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Who:
    """A person or class a row names; `pk` None: nobody we hold."""

    kind: str
    ref: str
    name: str = ""
    pk: int | None = None

    @property
    def is_person(self) -> bool:
        """Whether this is somebody we hold."""
        return self.pk is not None and self.kind in MODELS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a bucket. `holds` is what we have of it, `says` what is wrong; never a word of a medical note.

    `who` is whom the data manager looks up: of a link that leads nowhere, the half that is lost.
    """

    kind: str
    who: Who
    says: str
    holds: str = ""
    others: tuple[Who, ...] = ()
    field: str = ""
    since: datetime.date | None = None  # the night of the first run with it, without a gap
    place: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filled:
    """A bucket and how many lie in it."""

    bucket: Bucket
    number: int
    change: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fixed:
    """What was refused on an earlier night and is not any more, and when that night was."""

    since: datetime.date
    buckets: tuple[tuple[Bucket, int], ...]
    rows: tuple[Row, ...] = ()

    @property
    def number(self) -> int:
        """How many that are."""
        return sum(number for _bucket, number in self.buckets)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quality:
    """All buckets of a school, those with something in them first, and what has been mended."""

    run: Run | None
    filled: tuple[Filled, ...]
    empty: tuple[Bucket, ...]
    fixed: Fixed | None
    review: CharacterReview | None

    @property
    def broken_names(self) -> int:
        """How many names look broken."""
        return next((filled.number for filled in self.filled if filled.bucket is CHARACTERS), 0)


def judged() -> "QuerySet[Run]":
    """Return the runs that judged a feed, newest first: what they did not refuse was right."""
    found: QuerySet[Run] = Run.objects.filter(kind="roster").exclude(plan_hash="").exclude(trigger=Run.Trigger.UNDO)
    return found.exclude(finished_at=None).exclude(status=Run.Status.FAILED).order_by("-finished_at", "-id")


def quality(school: School, *, mis: str) -> Quality:
    """Return every bucket with its number."""
    run = judged().first()
    numbers = _numbers(school, run)
    found = [Filled(bucket=b, number=numbers.get(b.key, 0), change=b.to_change(mis)) for b in BUCKETS]
    return Quality(
        run=run,
        filled=tuple(filled for filled in found if filled.number),
        empty=tuple(filled.bucket for filled in found if not filled.number),
        fixed=fixed(run),
        review=open_review(),
    )


def open_review() -> CharacterReview | None:
    """Return the review that support has not looked at yet."""
    found: CharacterReview | None = CharacterReview.objects.filter(reviewed_at=None).first()
    return found


def _numbers(school: School, run: Run | None) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for fault, number in _refusals(run).values_list("fault").annotate(Count("id")).order_by():
        if fault in BY_FAULT and fault not in _SHARING:
            found[BY_FAULT[Fault(fault)].key] += number
    for bucket in (NO_EMAIL, SHARED, ROLE_MAILBOX, DUPLICATES, STAFF, CHARACTERS):
        items = _items(bucket, school, run)
        found[bucket.key] = items.count() if isinstance(items, QuerySet) else len(items)
    return found


def bucket_page(bucket: Bucket, school: School, *, page: str | int | None) -> "Page[Row]":
    """Return one page of a bucket's rows."""
    found: Page[Any] = Paginator(_items(bucket, school, judged().first()), ROWS_PER_PAGE).get_page(page)
    found.object_list = _rows(bucket, list(found.object_list))
    return found


def every_row(bucket: Bucket, school: School) -> tuple[Row, ...]:
    """Return all rows of a bucket, for a file; of a mailbox of many people each person, for each has to be mended."""
    rows = _rows(bucket, list(_items(bucket, school, judged().first())))
    if bucket is not ROLE_MAILBOX:
        return rows
    return tuple(
        Row(kind=who.kind, who=who, says=row.says, holds=row.who.name, field="email")
        for row in rows
        for who in row.others
    )


def _items(bucket: Bucket, school: School, run: Run | None) -> "QuerySet[Any] | Sequence[Any]":
    """Return what lies in a bucket, each as small as can be; `_rows` makes rows of those that are shown."""
    match bucket.key:
        case NO_EMAIL.key:
            return _without_address(school, run)
        case SHARED.key:
            return [(member, group) for group in _sharing(run) if not group.is_role for member in group.members]
        case ROLE_MAILBOX.key:
            return [group for group in _sharing(run) if group.is_role]
        case DUPLICATES.key:
            return _alike()
        case STAFF.key:
            return _staff_suspects()
        case CHARACTERS.key:
            return broken_names()
        case _:
            return _refusals(run).filter(fault__in=bucket.faults).order_by("kind", "ref", "id")


def _rows(bucket: Bucket, items: Sequence[Any]) -> tuple[Row, ...]:
    match bucket.key:
        case NO_EMAIL.key:
            return _rows_without_address(items)
        case SHARED.key:
            return _rows_sharing(items)
        case ROLE_MAILBOX.key:
            return _rows_of_offices(items)
        case DUPLICATES.key:
            return _rows_alike(items)
        case STAFF.key:
            return _rows_of_staff(items)
        case CHARACTERS.key:
            return _rows_broken(items)
        case _:
            return _rows_refused(items, since(items))


# Refusals.


def _refusals(run: Run | None) -> "QuerySet[Refusal]":
    found: QuerySet[Refusal] = Refusal.objects.filter(run=run) if run else Refusal.objects.none()
    return found


def _key(refusal: Refusal) -> Key:
    return (refusal.kind, refusal.ref, refusal.other_ref, refusal.fault, refusal.field)


def since(refusals: Sequence[Refusal]) -> dict[Key, datetime.date]:
    """Return when each was first refused without a gap since: one night without it, and the count begins anew."""
    runs = dict(judged()[:RUNS_BACK].values_list("id", "local_date"))
    said: dict[Key, set[int]] = defaultdict(set)
    earlier = Refusal.objects.filter(run__in=runs, ref__in={r.ref for r in refusals})
    for key in earlier.values_list(*_KEY, "run_id"):
        said[key[:5]].add(key[5])
    return {key: night for key in map(_key, refusals) if (night := _unbroken(runs, said[key]))}


def _unbroken(runs: Mapping[int, datetime.date], said: set[int]) -> datetime.date | None:
    nights = [night for _run, night in itertools.takewhile(lambda item: item[0] in said, runs.items())]
    return nights[-1] if nights else None  # the newest run comes first


def fixed(run: Run | None, *, with_rows: bool = False) -> Fixed | None:
    """Return what was refused a week ago (or in the oldest run) and is not any more; None: there is nothing to compare.

    A kind that the newest run did not read to its end proves nothing: silence is not a correction.
    """
    then = _a_week_before(run) if run else None
    if run is None or then is None:
        return None
    still = set(_refusals(run).values_list(*_KEY))
    gone = [r for r in _refusals(then) if _key(r) not in still and r.kind in run.kinds and r.fault in BY_FAULT]
    numbers: dict[str, int] = defaultdict(int)
    for refusal in gone:
        numbers[BY_FAULT[Fault(refusal.fault)].key] += 1
    return Fixed(
        since=then.local_date,
        buckets=tuple((bucket, numbers[bucket.key]) for bucket in BUCKETS if numbers[bucket.key]),
        rows=_rows_refused(gone, {}) if with_rows else (),
    )


def _a_week_before(run: Run) -> Run | None:
    """Return the run of seven nights ago or the last before that; of a school that is younger, its first."""
    earlier = judged().exclude(pk=run.pk).filter(generation=run.generation)
    return earlier.filter(local_date__lte=run.local_date - A_WEEK).first() or earlier.last()


def last_fixed(*, with_rows: bool = False) -> Fixed | None:
    """Return what has been mended within a week, for the front desk and its list."""
    return fixed(judged().first(), with_rows=with_rows)


def _rows_refused(refusals: Sequence[Refusal], nights: Mapping[Key, datetime.date]) -> tuple[Row, ...]:
    known = _named({(kind, ref) for refusal in refusals for kind, ref in _names(refusal)})
    rows = []
    for refusal in refusals:
        who, *others = (known.get(key) or Who(kind=key[0], ref=key[1]) for key in _names(refusal))
        rows.append(
            Row(
                kind=refusal.kind,
                who=who,
                says=refusal.reason,
                holds=_kept(refusal),
                others=tuple(others),
                field=refusal.field,
                since=nights.get(_key(refusal)),
                place=refusal.place,
            )
        )
    return tuple(rows)


_KEPT: Final = {
    Fault.EMAIL: "no address",
    Fault.PLACEHOLDER: "no address",
    Fault.BLOCKED_DOMAIN: "no address",
    Fault.ADDRESS_GONE: "the address that we knew",
    Fault.UNKNOWN_DOMAIN: "the address, without a login",
    Fault.DECLINED: "the address, as no way in",
    Fault.DANGLING: "the link as it was, if there was one",
    Fault.CONTROL_CHARACTERS: "the text without them",
    Fault.DATE: "what we knew before",
}


def _kept(refusal: Refusal) -> str:
    return _KEPT.get(Fault(refusal.fault), "as it was before") if refusal.fault in set(Fault) else ""


def _names(refusal: Refusal) -> list[tuple[str, str]]:
    """Return whom a refusal names as (kind, ref); of a link that leads nowhere the lost half comes first."""
    parts = PARTS.get(Kind(refusal.kind)) if refusal.kind in set(Kind) else None
    if parts is None:
        return [(refusal.kind, refusal.ref)]
    halves = [part.value if part else "" for part in parts]
    if refusal.fault == Fault.DANGLING and refusal.field == _SECOND.get(Kind(refusal.kind)):
        halves.reverse()
    return [(kind, ref) for kind, ref in zip(halves, (refusal.ref, refusal.other_ref), strict=True) if kind and ref]


_SECOND: Final = {Kind.TIES: "guardian_ref", Kind.ENROLMENTS: "student_ref", Kind.TEACHING: "staff_ref"}


def _named(keys: set[tuple[str, str]]) -> dict[tuple[str, str], Who]:
    """Return whom the MIS's ids name, in one query; the present generation wins."""
    rows = MisIdentity.objects.filter(kind__in={kind for kind, _ref in keys}, external_id__in={ref for _k, ref in keys})
    found = rows.select_related("student", "guardian", "staff_member", "school_class").order_by("generation", "id")
    return {(row.kind, row.external_id): _who(row) for row in found if (row.kind, row.external_id) in keys}


def _who(row: MisIdentity) -> Who:
    one: Person | SchoolClass = row.student or row.guardian or row.staff_member or row.school_class
    return Who(kind=row.kind, ref=row.external_id, name=one.name, pk=one.pk)


def _people(keys: Iterable[PersonKey]) -> dict[PersonKey, Who]:
    """Return people with the newest id the MIS gave them: one query for the ids, one for each kind."""
    wanted: dict[str, set[int]] = {kind: set() for kind in MODELS}
    for kind, pk in keys:
        wanted[kind].add(pk)
    refs = _refs(wanted)
    return {
        (kind, pk): Who(kind=kind, ref=refs.get((kind, pk), ""), name=f"{given} {family}".strip(), pk=pk)
        for kind, model in MODELS.items()
        for pk, given, family in model.objects.filter(pk__in=wanted[kind]).values_list(
            "pk", "given_name", "family_name"
        )
    }


def _refs(wanted: Mapping[str, set[int]]) -> dict[PersonKey, str]:
    about = Q()
    for kind, rows in wanted.items():
        about |= Q(**{f"{POINTER[Kind(kind)]}__in": rows})
    columns = [POINTER[Kind(kind)] for kind in MODELS]
    ids = MisIdentity.objects.filter(about).order_by("generation", "id").values_list("kind", "external_id", *columns)
    return {(kind, next(row for row in rows if row)): ref for kind, ref, *rows in ids}


# People without an address.


def _without_address(school: School, run: Run | None) -> "QuerySet[Any]":
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
    refs = _refusals(run).filter(kind=kind, fault__in=NOT_USED).order_by().values("ref")
    found: QuerySet[Any] = MisIdentity.objects.filter(kind=kind, external_id__in=refs).values(column)
    return found


def _rows_without_address(items: Sequence[tuple[str, int, str | None, str]]) -> tuple[Row, ...]:
    known = _people((kind, pk) for kind, pk, *_rest in items)
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


# Addresses of more than one person.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """One address and everybody with whom it stands; `has` are those who use it."""

    address: str
    members: tuple[PersonKey, ...]
    has: frozenset[PersonKey]
    is_role: bool


def _sharing(run: Run | None) -> list[Group]:
    """Return the addresses that were refused because they are another person's, each with everybody; four queries."""
    refused = _refusals(run).filter(fault__in=_SHARING).order_by().values_list("kind", "ref", "fault")
    faults = {(kind, ref): fault for kind, ref, fault in refused}
    wanted = {(who.kind, who.pk): faults[key] for key, who in _named(set(faults)).items() if who.pk is not None}
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


def _rows_sharing(items: Sequence[tuple[PersonKey, Group]]) -> tuple[Row, ...]:
    known = _people(member for _key, group in items for member in group.members)
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


def _rows_of_offices(items: Sequence[Group]) -> tuple[Row, ...]:
    known = _people(member for group in items for member in group.members)
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


# Two guardians who may be one.


def _digits(column: str) -> Func:
    return Func(F(column), Value(r"\D"), Value(""), Value("g"), function="regexp_replace", output_field=CharField())


def _alike() -> "QuerySet[Any]":
    """Return (guardian, other guardian, why) of those who share a student and a name or a telephone, each pair once."""
    pairs = Tie.objects.filter(ended_on=None).annotate(
        other=F("student__ties__guardian_id"),
        other_ended=F("student__ties__ended_on"),
        other_status=F("student__ties__guardian__status"),
        other_folded=F("student__ties__guardian__folded"),
        digits=_digits("guardian__phone"),
        other_digits=_digits("student__ties__guardian__phone"),
    )
    name = Q(guardian__folded=F("other_folded")) & ~Q(guardian__folded="")
    phone = Q(digits=F("other_digits")) & Q(long__gte=LEAST_DIGITS)
    found: QuerySet[Any] = (
        pairs.annotate(long=Length("digits"))
        .filter(name | phone, other__gt=F("guardian_id"), other_ended=None)
        .exclude(Q(guardian__status="left") | Q(other_status="left"))
        .annotate(why=Case(When(name & phone, then=Value(_BOTH)), When(name, then=Value(_NAME)), default=Value(_PHONE)))
    )
    return found.order_by("guardian_id", "other").values_list("guardian_id", "other", "why").distinct()


_NAME: Final = "Two contacts of one student have the same name."
_PHONE: Final = "Two contacts of one student have the same telephone."
_BOTH: Final = "Two contacts of one student have the same name and the same telephone."


def _rows_alike(items: Sequence[tuple[int, int, str]]) -> tuple[Row, ...]:
    known = _people(("guardians", pk) for pair in items for pk in pair[:2])
    return tuple(
        Row(
            kind="guardians",
            who=known["guardians", one],
            says=why,
            holds="two people, never merged by itself",
            others=(known["guardians", other],),
        )
        for one, other, why in items
    )


# Staff whom the MIS no longer names (R48).


def _staff_suspects() -> "QuerySet[Any]":
    found = StaffMember.objects.here().filter(source=Person.Source.FEED).exclude(missing_since=None)
    rows: QuerySet[Any] = found.order_by("missing_since", "folded", "pk").values_list("pk", "missing_since")
    return rows


def _rows_of_staff(items: Sequence[tuple[int, datetime.date]]) -> tuple[Row, ...]:
    known = _people(("staff", pk) for pk, _since in items)
    if not items:
        return ()
    oldest = min(missing for _pk, missing in items)
    feeds = list(judged().filter(local_date__gte=oldest, kinds__has_key="staff").values_list("local_date", flat=True))
    return tuple(
        Row(
            kind="staff",
            who=known["staff", pk],
            says=_not_in(sum(night >= missing for night in feeds)),
            holds="still here, with their login",
            since=missing,
        )
        for pk, missing in items
    )


def _not_in(feeds: int) -> str:
    return f"Not in the last {feeds} feeds." if feeds > 1 else "Not in the last feed."


# Broken letters (R67).


@dataclasses.dataclass(frozen=True, kw_only=True)
class Broken:
    """A name that looks broken: whose, which field, what it says now."""

    kind: str
    pk: int
    field: str
    now: str
    suspicion: Suspicion


def broken_names() -> list[Broken]:
    """Return every name of those here that looks broken, in three queries; plain letters are never read.

    Names corrected here look right already, for a person's column holds the correction.
    """
    return [
        Broken(kind=kind, pk=pk, field=field, now=text, suspicion=suspicion)
        for kind, model in MODELS.items()
        for pk, *texts in _odd(model, NAMES[kind])
        for field, text in zip(NAMES[kind], texts, strict=True)
        if text and (suspicion := suspicious(text))
    ]


def _odd(model: type[Person], fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    odd = Q()
    for field in fields:
        odd |= Q(**{f"{field}__regex": "[^ -~]|[?]"})
    return model.objects.here().filter(odd).order_by("folded", "pk").values_list("pk", *fields).iterator()


def _rows_broken(items: Sequence[Broken]) -> tuple[Row, ...]:
    known = _people((item.kind, item.pk) for item in items)
    return tuple(
        Row(
            kind=item.kind,
            who=known[item.kind, item.pk],
            says=f"{item.suspicion.why}{_perhaps(item.suspicion)}",
            holds=item.now,
            field=item.field,
        )
        for item in items
    )


def _perhaps(suspicion: Suspicion) -> str:
    return f" Perhaps it was “{suspicion.proposed}”." if suspicion.proposed else ""


# In words.


HEADER: Final = (
    *("What is wrong", "Kind", "MIS id", "Name", "Together with", "Field", "What the sync says", "What we hold"),
    *("What to change", "Since", "Where to look"),
)


def line(bucket: Bucket, row: Row, *, mis: str) -> tuple[str, ...]:
    """Return a row for a file, under `HEADER`."""
    others = [f"{other.name} ({other.ref})" if other.name else other.ref for other in row.others]
    return (
        *(bucket.title, row.kind, row.who.ref, row.who.name, listed(others)),
        field_name(row.field) if row.field else "",
        *(row.says, row.holds, bucket.to_change(mis), row.since.isoformat() if row.since else "", row.place),
    )


def mended(fixed: Fixed | None) -> str:
    """Return the sentence for the front desk, "" if nothing has been mended."""
    if fixed is None or not fixed.number:
        return ""
    were = "fault of the data is" if fixed.number == 1 else "faults of the data are"
    return f"{fixed.number:,} {were} gone from your MIS since {day(fixed.since.isoformat())}."
