"""What a school has asked of support, and whether it can ask at all (R19)."""

import datetime
from typing import Final

from sync import registry
from sync.models import Connection, Run, RunRequest
from sync.queries import moving
from sync.queries.joining import synced_once
from tenants import scope
from tenants.models import School

_WITH: Final = ("asked_by", "answered_by", "run")
NOT_CONNECTED: Final = "Your school is not connected to a MIS yet, so there is nothing to read. Connect it first."
UNSEEN: Final = "Your first sync has not run yet. Look at its preview under “Connection” and confirm it there."
NOT_SHARED: Final = "Attendance marks cannot be read from your school’s MIS, so there are none to sync."
SUSPENDED: Final = "Your school is suspended, so nothing is read. Write to support about that first."


def why_not(school: School, kind: str) -> str:
    """Say why the open school cannot ask for a sync of this kind now, "" if it can; three queries at most.

    A pause is no reason: it stops what runs by itself, and after mending it somebody will want a sync.
    """
    link = Connection.objects.filter(active=True).first()
    if school.status != School.Status.ACTIVE:
        return SUSPENDED
    if link is None:
        return NOT_CONNECTED
    if words := moving.frozen():
        return words
    if not synced_once(link):
        return UNSEEN
    reads_marks = bool(registry.connector(link.connector).sessions)
    return NOT_SHARED if kind == Run.Kind.ATTENDANCE and not reads_marks else ""


def waiting() -> list[RunRequest]:
    """Return what the open school has asked and nobody has answered yet, the newest first; one query."""
    return list(RunRequest.objects.filter(answered_at=None).select_related(*_WITH))


def answered(*, limit: int = 5) -> list[RunRequest]:
    """Return the answers the open school got last, the newest first; one query."""
    found = RunRequest.objects.exclude(answered_at=None).select_related(*_WITH)
    return list(found.order_by("-answered_at", "-id")[:limit])


def waiting_everywhere(*, since: datetime.datetime | None = None) -> list[RunRequest]:
    """Return what every school waits for, the longest waiting first, so that nobody is forgotten; one query.

    With `since`, what was asked from then on only. Called by support while no school is open.
    """
    with scope.everywhere(reason="what schools have asked of support"):
        found = RunRequest.objects.filter(answered_at=None).select_related("school", "asked_by")
        asked = found.filter(asked_at__gte=since) if since else found
        return list(asked.order_by("asked_at", "id"))
