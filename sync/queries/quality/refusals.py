"""What the newest run that judged a feed refused, since when, and what is refused no more."""

import dataclasses
import datetime
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from django.db.models import QuerySet

from sync.buckets import BUCKETS, BY_FAULT, Bucket
from sync.models import Refusal, Run
from sync.pipeline.roster import Fault
from sync.queries.quality.people import Row, Who, named_by
from sync.records import PARTS, Kind

RUNS_BACK: Final = 100  # how far "since when" looks; older than that is old enough
A_WEEK: Final = datetime.timedelta(days=7)
Key = tuple[str, str, str, str, str]  # what makes a refusal the same on another night
_KEY: Final = ("kind", "ref", "other_ref", "fault", "field")


def judged() -> "QuerySet[Run]":
    """Return the runs that judged a feed, newest first: what they did not refuse was right."""
    found: QuerySet[Run] = Run.objects.rosters().exclude(plan_hash="").exclude(trigger=Run.Trigger.UNDO)
    return found.exclude(finished_at=None).exclude(status=Run.Status.FAILED).order_by("-finished_at", "-id")


def refused_in(run: Run | None) -> "QuerySet[Refusal]":
    """Return what a run refused; without a run nothing."""
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


def fixed(run: Run | None, *, with_rows: bool = False) -> Fixed | None:
    """Return what was refused a week ago (or in the oldest run) and is not any more; None: there is nothing to compare.

    A kind that the newest run did not read to its end proves nothing: silence is not a correction.
    """
    then = _a_week_before(run) if run else None
    if run is None or then is None:
        return None
    still = set(refused_in(run).values_list(*_KEY))
    gone = [r for r in refused_in(then) if _key(r) not in still and r.kind in run.kinds and r.fault in BY_FAULT]
    numbers: dict[str, int] = defaultdict(int)
    for refusal in gone:
        numbers[BY_FAULT[Fault(refusal.fault)].key] += 1
    return Fixed(
        since=then.local_date,
        buckets=tuple((bucket, numbers[bucket.key]) for bucket in BUCKETS if numbers[bucket.key]),
        rows=rows_refused(gone, {}) if with_rows else (),
    )


def _a_week_before(run: Run) -> Run | None:
    """Return the run of seven nights ago or the last before that; of a school that is younger, its first."""
    earlier = judged().exclude(pk=run.pk).filter(generation=run.generation)
    return earlier.filter(local_date__lte=run.local_date - A_WEEK).first() or earlier.last()


def last_fixed(*, with_rows: bool = False) -> Fixed | None:
    """Return what has been mended within a week, for the front desk and its list."""
    return fixed(judged().first(), with_rows=with_rows)


def rows_refused(refusals: Sequence[Refusal], nights: Mapping[Key, datetime.date]) -> tuple[Row, ...]:
    """Return a row for each refusal, with the night since when."""
    known = named_by({(kind, ref) for refusal in refusals for kind, ref in _names(refusal)})
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
