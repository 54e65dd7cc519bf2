"""What the sync does when it hears of something."""

from typing import Any

from django.dispatch import receiver

from sync.signals import run_requested, trial_requested
from sync.tasks import roster, try_out


@receiver(run_requested)
def enqueue(*, school: int, run: int, **_later: Any) -> None:
    """Hand a requested run to the workers."""
    roster.delay(school=school, run=run)


@receiver(trial_requested)
def enqueue_trial(*, school: int, trial: int, **_later: Any) -> None:
    """Hand a requested trial to the workers."""
    try_out.delay(school=school, trial=trial)
