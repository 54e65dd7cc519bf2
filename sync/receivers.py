"""What the sync does when it hears of something."""

from typing import Any

from django.dispatch import receiver

from sync.models import Run, Trial
from sync.signals import run_requested, trial_requested
from sync.tasks import cut_over, rehearse, roster, try_out


@receiver(run_requested)
def enqueue(*, school: int, run: int, trigger: str, **_later: Any) -> None:
    """Hand a requested run to the workers."""
    task = cut_over if trigger == Run.Trigger.MIS_CHANGE else roster
    task.delay(school=school, run=run)


@receiver(trial_requested)
def enqueue_trial(*, school: int, trial: int, kind: str, **_later: Any) -> None:
    """Hand a requested trial to the workers."""
    task = rehearse if kind == Trial.Kind.REHEARSAL else try_out
    task.delay(school=school, trial=trial)
