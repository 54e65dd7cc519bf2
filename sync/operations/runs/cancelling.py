"""Cancelling a run: at once while it waits, within seconds while it runs, and never half of it (sync.md, row 19)."""

import datetime
from typing import Final

from django.db import transaction

from sync.models import Run
from sync.operations.ends import cancelled
from sync.operations.runs import lives
from sync.signals import cancel_asked
from tenants.operations import record


@transaction.atomic
def cancel(*, run: int, by: int, at: datetime.datetime) -> Run:
    """Cancel a run of the open school and return it as it is now: `told` says what that means.

    One that waits, or whose worker was lost, is over at once. One that runs is asked to stop: it ends as cancelled
    and has written nothing, or as it ends if it was faster. One that is over stays as it ended. Asking twice only
    tells the workers once more.
    """
    current: Run = Run.objects.select_for_update(no_key=True).get(pk=run)
    if current.is_over:
        return current
    if not current.cancel_asked_at:
        current.cancel_asked_at, current.cancel_asked_by_id = at, by
        current.save(update_fields=["cancel_asked_at", "cancel_asked_by"])
        record(action="sync.cancel", by=by, at=at, subject=f"run:{current.pk}")
    if current.status == Run.Status.QUEUED or lives.take_from_nobody(current.pk):
        return cancelled(current, at)
    said = {"school": current.school_id, "run": current.pk}
    transaction.on_commit(lambda: cancel_asked.send_robust(sender=Run, **said))
    return current


def told(run: Run) -> str:
    """Say to whoever cancelled a run what became of that, in a sentence."""
    if run.status == Run.Status.CANCELLED:
        return _CANCELLED
    return _TOO_LATE.format(run.get_status_display()) if run.is_over else _STOPPING


_CANCELLED: Final = "The sync is cancelled. Nothing was changed."
_STOPPING: Final = "The sync is being stopped, which takes a few seconds. Nothing is changed unless it ends first."
_TOO_LATE: Final = "The sync was over before it could be cancelled: {}."
