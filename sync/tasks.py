"""The queue's side of the sync: ids in, one operation called."""

from collections.abc import Callable
from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from sync.models import Run
from sync.operations import dispatch as dispatching
from sync.operations import marks, mis_change, pulls, runs, single, trials, troubles
from tenants import scope
from tenants.models import School
from tenants.tasks import SchoolTask


@shared_task(bind=True, max_retries=None)
def roster(self: Task[Any, Any], /, *, school: int, run: int, **_later: Any) -> None:
    """Carry out a roster run, of all or of one; wait while another of the school is on.

    Not a SchoolTask: it calls the outside.
    """
    _carry_out(self, single.perform, school=school, run=run)


@shared_task(bind=True, max_retries=None)
def attendance(self: Task[Any, Any], /, *, school: int, run: int, **_later: Any) -> None:
    """Carry out one attendance run; wait while another of the same school is on. Not a SchoolTask: it calls outside."""
    _carry_out(self, marks.perform, school=school, run=run)


@shared_task(bind=True, max_retries=None)
def cut_over(self: Task[Any, Any], /, *, school: int, run: int, **_later: Any) -> None:
    """Take a school over to its new MIS; wait while a run is on. Not a SchoolTask: it calls the outside."""
    _carry_out(self, mis_change.cut_over, school=school, run=run)


def _carry_out(task: Task[Any, Any], perform: Callable[..., Run], *, school: int, run: int) -> None:
    try:
        with runs.stoppable():
            perform(school=School.objects.get(pk=school), run=run)
    except runs.AnotherRunIsOn as wait:
        raise task.retry(exc=wait, countdown=15) from None


@shared_task
def rehearse(*, school: int, trial: int, **_later: Any) -> None:
    """Match everybody with the new MIS. Not a SchoolTask: it calls the outside."""
    mis_change.rehearse(school=School.objects.get(pk=school), trial=trial)


@shared_task
def try_out(*, school: int, trial: int, **_later: Any) -> None:
    """Carry out one trial: a connection test or one of the previews. Not a SchoolTask: it calls the outside."""
    trials.perform(school=School.objects.get(pk=school), trial=trial)


@shared_task(base=SchoolTask)
def hear(**_later: Any) -> None:
    """Look whether what has ended at the school is a trouble, or the end of one."""
    troubles.hear(school=School.objects.get(pk=scope.current()), at=timezone.now())


@shared_task
def go_round_troubles(**_later: Any) -> None:
    """Look at what was not heard of, and tell of troubles that last."""
    troubles.go_round(at=timezone.now())


@shared_task
def dispatch(**_later: Any) -> None:
    """Claim the slots that are due now and queue their runs, also of those that met a busy MIS a while ago."""
    dispatching.dispatch(at=timezone.now())
    runs.try_again(at=timezone.now())


@shared_task
def release_stuck_runs(**_later: Any) -> None:
    """Take up the runs that have lost their worker or their message."""
    runs.release_stuck(at=timezone.now())


@shared_task
def purge_pulls(**_later: Any) -> None:
    """Delete the pages of pulls that are older than they may be."""
    pulls.purge(at=timezone.now())


@shared_task
def purge_claims(**_later: Any) -> None:
    """Forget the claims of more than a year ago."""
    dispatching.forget(at=timezone.now())


@shared_task
def purge_trials(**_later: Any) -> None:
    """Forget the names in what was to change in nights that are past."""
    trials.purge(at=timezone.now())
