"""The queue's side of the post: ids in, one operation called. None is a SchoolTask: they speak with a mail server."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from messaging import operations


@shared_task
def deliver(*, school: int, letter: int, **_later: Any) -> None:
    """Try to deliver one letter."""
    operations.deliver(school=school, letter=letter)


@shared_task
def sweep(**_later: Any) -> None:
    """Deliver what was left lying."""
    operations.sweep()


@shared_task
def purge(**_later: Any) -> None:
    """Forget the words of old letters."""
    operations.purge(at=timezone.now())
