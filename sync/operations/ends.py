"""How a run ends: what it read and did, in stages and numbers."""

import datetime
import time
from collections import Counter
from typing import Any, Final

from django.db import transaction

from sync.models import Run, Slot
from sync.operations import pulls
from sync.operations.stops import Stopped
from sync.pipeline.plan import Action, Plan
from sync.pipeline.roster import Roster
from sync.records import Kind
from sync.signals import run_ended


class Stages:
    """Times the stages of a run, for the page that shows how it ran."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._since = time.monotonic()

    def done(self, name: str, note: str) -> None:
        """Note that a stage is done."""
        now = time.monotonic()
        self.rows.append({"name": name, "seconds": round(now - self._since, 3), "note": note})
        self._since = now


def report(run: Run, done: Plan, roster: Roster, stages: Stages, *, at: datetime.datetime) -> Run:
    """Bring a run to a good end, with what it read and did."""
    run.counts = counts(done, roster)
    run.kinds = {kind.value: roster.rows.get(kind, 0) for kind in sorted(roster.complete)}
    run.stages, run.remarks = stages.rows, list(roster.remarks)
    run.plan_hash, run.fingerprint = done.digest(), roster.fingerprint()
    status = Run.Status.OK if not done.holds else Run.Status.PARTIAL if done.writes else Run.Status.HELD
    return end(run, status, at)


def counts(done: Plan, roster: Roster) -> dict[str, dict[str, int]]:
    """Return {kind: {rows, arrived, amended, missing, left, returned, ended, held}}; amended counts records."""
    found: dict[str, Counter[str]] = {kind.value: Counter(rows=rows) for kind, rows in roster.rows.items()}

    def count(kind: Kind, word: str, by: int = 1) -> None:
        found.setdefault(kind.value, Counter())[word] += by

    for kind in (*(a.kind for a in done.arrivals), *(a.kind for a in done.link_arrivals)):
        count(kind, "arrived")
    amended = {*((a.kind, a.id) for a in done.amendments), *((a.kind, a.id) for a in done.link_amendments)}
    for kind, _row in amended:
        count(kind, "amended")
    words = {Action.MISS: "missing", Action.LEAVE: "left", Action.REJOIN: "returned"}
    for standing in done.standings:
        count(standing.kind, words[standing.action])
    for end in done.link_ends:
        count(end.kind, "ended")
    for hold in done.holds:
        count(hold.kind, "held", max(len(hold.labels), 1))
    return {kind: dict(tally) for kind, tally in found.items()}


def end(run: Run, status: Run.Status, at: datetime.datetime, **fields: Any) -> Run:
    """Bring a run to one of its ends, in the transaction that holds whatever it wrote.

    Once one has ended well, nothing is tried again because the MIS was busy.

    Raises:
        Stopped: it is over, another worker has taken it up, or somebody has cancelled it meanwhile.
    """
    _demand_ours(run, cancelled=status == Run.Status.CANCELLED)
    run.status, run.finished_at, run.progress, run.unheard = status, at, {}, True
    for name, value in fields.items():
        setattr(run, name, value)
    run.save(update_fields=_OURS)
    if status in _WELL:
        Slot.objects.filter(school=run.school_id, kind=run.kind, retry_at__isnull=False).update(retry_at=None)
    said = {"school": run.school_id, "run": run.pk}
    transaction.on_commit(lambda: run_ended.send(sender=Run, **said), robust=True)  # else `unheard` says it
    return run


_WELL: Final = frozenset({Run.Status.OK, Run.Status.PARTIAL, Run.Status.HELD})


def cancelled(run: Run, at: datetime.datetime) -> Run:
    """Bring a run to its end because somebody has cancelled it. What it read is not gone on with.

    Whoever cancels mostly has the source put right first, so the next run must ask for everything again.
    """
    pulls.close(school=run.school, kind=run.kind)
    return end(run, Run.Status.CANCELLED, at, error=_CANCELLED)


_CANCELLED: Final = "It was cancelled. Nothing was changed."
# Whoever cancels writes the rest, and does not wait for us.
_OURS: Final = [f.name for f in Run._meta.concrete_fields if f.name not in {"id", "cancel_asked_at", "cancel_asked_by"}]


def _demand_ours(run: Run, *, cancelled: bool) -> None:
    """Make sure of the run's row that it is still as we left it, and keep it so.

    `no_key`: what was written about a run refers to it, so that whoever cancels would wait for the whole of it else.
    """
    locked = Run.objects.select_for_update(no_key=True).filter(pk=run.pk)
    status, attempts, asked = locked.values_list("status", "attempts", "cancel_asked_at").get()
    if (status, attempts) != (run.status, run.attempts) or (asked and not cancelled):
        raise Stopped
