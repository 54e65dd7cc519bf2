"""Carrying out a run, whatever it is about, to an end that has a name.

A killed worker leaves nothing half done: data, change log and the run's end commit together, and the run is taken up
again (`releasing`). Nobody but the holder of its life carries out a run (`lives`).
"""

import datetime
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from sync.errors import Busy, Refused, SyncError
from sync.models import Connection, Run
from sync.operations import connections
from sync.operations.ends import cancelled, end
from sync.operations.runs import lives, retries, rosters, watching
from sync.operations.runs.rosters import Clock, barred
from sync.operations.stops import Stopped
from sync.operations.uncollected import uncollected
from sync.queries import moving
from tenants import scope
from tenants.models import School

log = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3  # a feed that kills its worker must not do so for ever

Carry = Callable[[School, Run, Connection, Clock], Run]


class AnotherRunIsOn(Exception):
    """This school's roster is being synced already; the run stays in the queue and is tried again."""


class InternalFault(Exception):
    """A fault of ours ended a run; the message says what kind and where, and nothing of anybody's data."""


def whereabouts(fault: BaseException) -> str:
    """Return the kind of a fault and the last places it went through, without its message."""
    frames = traceback.extract_tb(fault.__traceback__)[-4:]
    return f"{type(fault).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


def perform(*, school: School, run: int, clock: Clock = timezone.now, carry: Carry | None = None) -> Run:
    """Carry a queued run to its end; one that is over, or that another worker carries out, is left as it is.

    `carry` is what is done with it, if not the sync of every night. It reads with `pull`, writes and ends the run in
    one transaction, and is stopped (`Stopped`) when somebody cancels the run.

    Raises:
        AnotherRunIsOn: come back later.
        InternalFault: what no one foresaw; the run is marked failed first.
    """
    with lives.held(run) as life:
        if life is None:
            log.info("run %s of school %s is carried out elsewhere", run, school.pk)
            return _stored(school, run)
        with scope.school(school.pk):
            current, link = _begin(school, run, at=clock())
        if link is None:
            return current
        try:
            with uncollected(), watching.watched(watching.Watch(school, current, life)):
                return (carry or rosters.carry_out)(school, current, link, clock)
        except Stopped:
            log.warning("run %s of school %s was stopped", run, school.pk)
            return _close(school, current, kind="slow", error=_SLOW, at=clock())
        except SyncError as fault:
            kind = _kind(fault)
            log.warning("run %s of school %s ended: %s: %s", run, school.pk, kind, fault)
            return _close(school, current, kind=kind, error=str(fault), at=clock(), fault=fault)
        except Exception as fault:  # noqa: BLE001 whatever it is, the run must end in a named state
            _close(school, current, kind="internal", error=_INTERNAL, at=clock())
            # A database's message can quote a child's row, so only the kind of fault and its place go into any log.
            raise InternalFault(f"run {run} of school {school.pk}: {whereabouts(fault)}") from None


_INTERNAL: Final = "Something went wrong on our side; nothing was changed. Our people have been told."
_SLOW: Final = "This took longer than a sync may, so it was stopped. Nothing was changed."
LOST: Final = "The worker was lost time and again. Nothing was changed; the next run repairs it."


def _kind(fault: SyncError) -> str:
    """Return the kind of error in a word; a kind of busy is busy."""
    return "busy" if isinstance(fault, Busy) else type(fault).__name__.lower()


def _stored(school: School, run: int) -> Run:
    with scope.school(school.pk):
        found: Run = Run.objects.get(pk=run)
        return found


def _begin(school: School, run: int, *, at: datetime.datetime) -> tuple[Run, Connection | None]:
    """Return the run and what it reads; None if there is nothing to do, for then it is over."""
    current: Run = Run.objects.select_for_update(no_key=True).get(pk=run)
    if current.is_over:
        return current, None
    if current.cancel_asked_at:
        return cancelled(current, at), None
    if current.attempts >= MOST_ATTEMPTS:
        return end(current, Run.Status.FAILED, at, error_kind="internal", error=LOST), None
    link = connections.active()
    if words := barred(current, link):  # maybe while it waited
        return end(current, Run.Status.FAILED, at, error_kind="refused", error=words), None
    _start(school, current, at=at)
    return current, link


def _start(school: School, run: Run, *, at: datetime.datetime) -> None:
    run.status, run.attempts = Run.Status.RUNNING, run.attempts + 1
    if run.started_at is None and _waits_for_now(school, run):
        run.local_date = school.local(at).date()
    run.started_at, run.progress = run.started_at or at, {"stage": "reading", "pages": 0, "rows": 0}
    try:
        with transaction.atomic():
            run.save(update_fields=["status", "attempts", "started_at", "local_date", "progress"])
    except IntegrityError:
        raise AnotherRunIsOn("this school's roster is being synced already") from None


def _waits_for_now(school: School, run: Run) -> bool:
    """Whether a run belongs to the day it starts on: not the nightly one, and not a replay of another night."""
    return not run.slot and run.local_date == school.local(run.queued_at).date()


def _close(
    school: School, run: Run, *, kind: str, error: str, at: datetime.datetime, fault: SyncError | None = None
) -> Run:
    """End a run that broke off, as cancelled if that is why; one that is not ours any more is left alone."""
    with scope.school(school.pk):
        current: Run = Run.objects.select_for_update(no_key=True).get(pk=run.pk)
        if (current.status, current.attempts) != (run.status, run.attempts):
            return current
        if current.cancel_asked_at:
            return cancelled(current, at)
        if isinstance(fault, Refused) and run.kind == Run.Kind.ROSTER:
            _pause(current, reason=error)  # who only keeps the marks from us does not stop the nights (R17)
        end(current, Run.Status.FAILED, at, error_kind=kind, error=error)
        if isinstance(fault, Busy):
            retries.put_off(school, current, at=at)
        return current


def _pause(run: Run, *, reason: str) -> None:
    """Read nothing more by itself, unless another connection was read: then it is no fault of this one."""
    link = connections.active()
    if run.generation == link.generation and not moving.frozen():
        link.paused_reason = reason
        link.save(update_fields=["paused_reason"])
