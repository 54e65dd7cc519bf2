"""What the post does when a letter was written."""

from typing import Any

from django.dispatch import receiver

from messaging.signals import letter_written
from messaging.tasks import deliver


@receiver(letter_written)
def enqueue(*, school: int, letter: int, **_later: Any) -> None:
    """Hand a letter to a worker."""
    deliver.delay(school=school, letter=letter)
