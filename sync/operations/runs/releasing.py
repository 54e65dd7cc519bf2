"""Taking up again what was lost: runs whose worker was killed, and runs whose message the broker lost (R12)."""

import datetime
import logging
from collections.abc import Iterator
from typing import Final, NamedTuple

from django.db.models import Exists, OuterRef

from sync.models import Run
from sync.operations.ends import cancelled, end
from sync.operations.runs import lives
from sync.operations.runs.asking import enqueue_run
from sync.operations.runs.performing import LOST, MOST_ATTEMPTS, whereabouts
from tenants import scope
from tenants.models import School

log = logging.getLogger(__name__)

BEGUN: Final = datetime.timedelta(seconds=30)  # a killed child's run comes back by itself, and sooner
WAITED_LONG: Final = datetime.timedelta(minutes=10)
MOST_AT_ONCE: Final = 1_000  # of one turn, so that after a long silence it ends before the next one begins


class Lost(NamedTuple):
    """A run that seems to be lost, and its school."""

    school: int
    run: int


def release_stuck(*, at: datetime.datetime) -> int:
    """Take up the runs that were lost; return how many had lost their worker.

    Those wait again, or end if they were tried often enough or somebody has cancelled them. A run that has waited for
    long while nothing keeps it waiting is sent again, about every ten minutes: its message may be lost.
    """
    with scope.everywhere(reason="which runs have lost their worker or their message"):
        stuck, waiting = list(_stuck(at)), list(_waiting(at))
    released = sum(_tried(lost, at=at) for lost in stuck[:MOST_AT_ONCE])
    for lost in waiting[:MOST_AT_ONCE]:
        _tried(lost, at=at)
    return released


def _stuck(at: datetime.datetime) -> Iterator[Lost]:
    """Yield the runs that are running, but by nobody."""
    running = Run.objects.filter(status=Run.Status.RUNNING, started_at__lte=at - BEGUN)
    found = dict(running.order_by("queued_at", "id").values_list("pk", "school_id"))
    nobodys = lives.without(found) if found else set()
    yield from (Lost(school, run) for run, school in found.items() if run in nobodys)


def _waiting(at: datetime.datetime) -> Iterator[Lost]:
    """Yield the runs that have waited for long and for nothing, each of them in one of ten turns."""
    same = Run.objects.filter(status=Run.Status.RUNNING, school=OuterRef("school"), kind=OuterRef("kind"))
    waiting = Run.objects.filter(status=Run.Status.QUEUED, queued_at__lte=at - WAITED_LONG).exclude(Exists(same))
    for run, school, since in waiting.order_by("queued_at", "id").values_list("pk", "school_id", "queued_at"):
        if (at - since) // _MINUTE % _TURNS == 0:
            yield Lost(school, run)


_MINUTE: Final = datetime.timedelta(minutes=1)
_TURNS: Final = WAITED_LONG // _MINUTE


def _tried(lost: Lost, *, at: datetime.datetime) -> bool:
    try:
        with scope.school(lost.school):
            return _release(lost, at=at)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the other schools' runs must not wait for it
        log.error("run %s of school %s is not released: %s", lost.run, lost.school, whereabouts(fault))  # noqa: TRY400 - may quote rows
        return False


def _release(lost: Lost, *, at: datetime.datetime) -> bool:
    """Take up one run, if it is still as it seemed; whether its worker was lost."""
    run: Run = Run.objects.select_for_update(no_key=True).get(pk=lost.run)
    if run.status == Run.Status.QUEUED:
        enqueue_run(School.objects.get(pk=lost.school), run)
    if run.status != Run.Status.RUNNING or not lives.take_from_nobody(run.pk):
        return False
    if run.cancel_asked_at:
        cancelled(run, at)
    elif run.attempts >= MOST_ATTEMPTS:
        end(run, Run.Status.FAILED, at, error_kind="internal", error=LOST)
    else:
        run.status, run.progress = Run.Status.QUEUED, {}
        run.save(update_fields=["status", "progress"])
        enqueue_run(School.objects.get(pk=lost.school), run)
    return True
