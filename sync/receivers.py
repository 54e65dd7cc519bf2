"""What the sync does when it hears of something."""

from typing import Any

from django.dispatch import receiver

from sync.signals import run_requested
from sync.tasks import roster


@receiver(run_requested)
def enqueue(*, school: int, run: int, **_later: Any) -> None:
    """Hand a requested run to the workers."""
    roster.delay(school=school, run=run)
