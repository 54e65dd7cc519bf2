"""Whether the clock is alive, and the numbers of all schools together that a watchdog looks at: no names."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Mapping
from typing import Final

from django.db import connection
from django.db.models import Case, Count, F, Min, Q, Value, When

from sync import clock, errors
from sync.models import BY_ITSELF, Pulse, Run, Slot
from sync.queries import slots
from tenants import scope

SILENT_AFTER: Final = datetime.timedelta(minutes=3)  # the dispatcher has a turn each minute
ASKED: Final = "asked"  # the queue of all others: a person waits for them
NOTHING_YET: Final = "nothing was due"
ERRORS: Final = (*(kind.__name__.lower() for kind in errors.SyncError.__subclasses__()), "internal")
_NOW: Final = datetime.timedelta()
_DAY: Final = datetime.timedelta(days=1)

# The outcome of a night that could not run stands in its claim, that of all others in its run.
_LAST_NIGHTS: Final = """
select coalesce(run.status, claim.outcome, %s), count(*)
from tenants_school school
left join lateral (
  select outcome, run from sync_slot
  where school_id = school.id and kind = 'roster' and slot = 'night' order by local_date desc limit 1
) claim on true
left join sync_run run on run.id = claim.run and run.school_id = school.id
group by 1
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Queue:
    """The runs of one queue, and how long the first of them has waited."""

    waiting: int = 0
    running: int = 0
    oldest: datetime.timedelta = _NOW


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vitals:
    """What there is to watch. `clock_age`: since the last dispatch, None if there was none ever."""

    clock_age: datetime.timedelta | None
    turn: float  # seconds of the last dispatch
    left: int  # slots that it left for its next turn
    missed: Mapping[str, int]  # within 24 hours, by slot
    queues: Mapping[str, Queue]
    failed: Mapping[str, int]  # runs within 24 hours, by kind of error
    nights: Mapping[str, int]  # schools, by what became of their last night


def clock_age(*, at: datetime.datetime) -> datetime.timedelta | None:
    """Return how long ago the dispatcher last had a turn, None if it never had one."""
    return _age(_pulse(), at)


def clock_is_silent(*, at: datetime.datetime) -> bool:
    """Whether the dispatcher has missed its turns, so that nothing starts by itself any more."""
    age = clock_age(at=at)
    return age is None or age >= SILENT_AFTER


def vitals(*, at: datetime.datetime) -> Vitals:
    """Return what there is to watch; called while no school is open. Six queries, whatever the number of schools."""
    pulse = _pulse()
    missed = Counter(one.slot.value for one in slots.missed(at=at))
    with scope.everywhere(reason="the numbers of all schools together, for whoever watches over us"):
        queues, failed, nights = _queues(at), _failed(at), _nights()
    return Vitals(
        clock_age=_age(pulse, at),
        turn=pulse.seconds if pulse else 0,
        left=pulse.left if pulse else 0,
        missed={slot.value: missed[slot.value] for slot in clock.Slot},
        queues=queues,
        failed=failed,
        nights=nights,
    )


def _pulse() -> Pulse | None:
    return Pulse.objects.filter(name=Pulse.DISPATCH).first()


def _age(pulse: Pulse | None, at: datetime.datetime) -> datetime.timedelta | None:
    return max(at - pulse.at, _NOW) if pulse else None


def _queues(at: datetime.datetime) -> dict[str, Queue]:
    waits, runs = Q(status=Run.Status.QUEUED), Q(status=Run.Status.RUNNING)
    rows = (
        Run.objects.filter(waits | runs)
        .order_by()
        .values(queue=Case(When(trigger__in=BY_ITSELF, then=F("kind")), default=Value(ASKED)))
        .annotate(
            waiting=Count("pk", filter=waits), running=Count("pk", filter=runs), since=Min("queued_at", filter=waits)
        )
    )
    found = {
        row["queue"]: Queue(waiting=row["waiting"], running=row["running"], oldest=max(at - (row["since"] or at), _NOW))
        for row in rows
    }
    return {queue: found.get(queue, Queue()) for queue in (*Run.Kind.values, ASKED)}


def _failed(at: datetime.datetime) -> dict[str, int]:
    ended = Run.objects.filter(status=Run.Status.FAILED, finished_at__gt=at - _DAY)
    found = dict(ended.order_by().values_list("error_kind").annotate(number=Count("pk")))
    return dict.fromkeys(ERRORS, 0) | found


def _nights() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_NIGHTS, [NOTHING_YET])
        found = dict(cursor.fetchall())
    without = [outcome for outcome in Slot.Outcome.values if outcome != Slot.Outcome.RUN]
    return dict.fromkeys((NOTHING_YET, *without, *Run.Status.values), 0) | found
