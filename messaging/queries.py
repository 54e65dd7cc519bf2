"""Answers about letters; the post itself goes round all schools."""

import datetime

from messaging.models import Letter
from tenants import scope


def due(*, at: datetime.datetime, most: int) -> list[tuple[int, int]]:
    """Return (school, letter) of letters that wait and may be tried now, the longest due first."""
    with scope.everywhere(reason="letters that wait for their delivery"):
        found = Letter.objects.filter(state=Letter.State.WAITING, due_at__lte=at).order_by("due_at", "id")
        return list(found.values_list("school_id", "id")[:most])


def told(key: str) -> set[int | None]:
    """Return the accounts whom the open school wrote about this; None stands for a mailbox that is no login."""
    return set(Letter.objects.filter(key=key).values_list("account_id", flat=True))


def kept_too_long(*, before: datetime.datetime) -> list[int]:
    """Return the schools that have the words of a letter which was settled before this."""
    with scope.everywhere(reason="letters whose words are kept no longer"):
        found = Letter.objects.filter(settled_at__lt=before).exclude(text="").order_by("school_id")
        return list(found.values_list("school_id", flat=True).distinct())
