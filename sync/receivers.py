"""What the sync does when it hears of something."""

from typing import Any, Final

from celery import current_app
from django.dispatch import receiver

from sync.models import BY_ITSELF, Run, Trial
from sync.signals import cancel_asked, run_ended, run_requested, trial_requested
from sync.tasks import attendance, cut_over, hear, rehearse, roster, try_out

ASKED: Final = "asked"  # the queue of what a person waits for, see CELERY_TASK_ROUTES

TASKS: Final = {Run.Kind.ROSTER: roster, Run.Kind.ATTENDANCE: attendance}


@receiver(run_requested)
def enqueue(*, school: int, run: int, kind: str, trigger: str, **_later: Any) -> None:
    """Hand a requested run to the workers: to those of the night, or to those for whom a person waits.

    Its task has the run's own name, so that it can be found again by whoever cancels it.
    """
    task = cut_over if trigger == Run.Trigger.MIS_CHANGE else TASKS[Run.Kind(kind)]
    queue = kind if trigger in BY_ITSELF else ASKED
    task.apply_async(kwargs={"school": school, "run": run}, queue=queue, task_id=task_of(run))


@receiver(cancel_asked)
def stop(*, run: int, **_later: Any) -> None:
    """Stop whoever carries out a run, also where it waits for a partner: see `sync.operations.stops`.

    Where the signal does not come through, the run notices by itself, a second after its next page.
    """
    current_app.control.revoke(task_of(run), terminate=True, signal="SIGUSR1")


def task_of(run: int) -> str:
    """Return the id of the task that carries out a run."""
    return f"run-{run}"


@receiver(run_ended)
def enqueue_hearing(*, school: int, **_later: Any) -> None:
    """Have a worker look whether the end of a run is a trouble, or the end of one."""
    hear.delay(school=school)


@receiver(trial_requested)
def enqueue_trial(*, school: int, trial: int, kind: str, **_later: Any) -> None:
    """Hand a requested trial to the workers."""
    task = rehearse if kind == Trial.Kind.REHEARSAL else try_out
    task.delay(school=school, trial=trial)
