"""What the sync does when it hears of something."""

from typing import Any, Final

from django.dispatch import receiver

from sync.models import Run, Trial
from sync.operations.runs import BY_ITSELF
from sync.signals import run_requested, trial_requested
from sync.tasks import cut_over, rehearse, roster, try_out

ASKED: Final = "asked"  # the queue of what a person waits for, see CELERY_TASK_ROUTES


@receiver(run_requested)
def enqueue(*, school: int, run: int, kind: str, trigger: str, **_later: Any) -> None:
    """Hand a requested run to the workers: to those of the night, or to those for whom a person waits."""
    task = cut_over if trigger == Run.Trigger.MIS_CHANGE else roster
    task.apply_async(kwargs={"school": school, "run": run}, queue=kind if trigger in BY_ITSELF else ASKED)


@receiver(trial_requested)
def enqueue_trial(*, school: int, trial: int, kind: str, **_later: Any) -> None:
    """Hand a requested trial to the workers."""
    task = rehearse if kind == Trial.Kind.REHEARSAL else try_out
    task.delay(school=school, trial=trial)
