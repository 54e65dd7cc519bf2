"""Asking for a run: it waits in the queue until a worker takes it."""

import datetime
from typing import Final

from django.db import transaction

from sync import registry
from sync.models import BY_ITSELF, Run
from sync.operations import connections
from sync.queries import moving
from sync.queries.joining import synced_once
from sync.signals import run_requested
from tenants.models import School
from tenants.operations import record


class Unseen(Exception):
    """Nobody has seen yet what the first sync of this school would do; the message says where to look."""


class NotShared(Exception):
    """What was asked for cannot be read from this school's MIS; the message says so in words for the school."""


def check_seen() -> None:
    """Make sure that the open school's first sync is behind it; that one starts from its preview (`trials.confirm`).

    Raises:
        Unseen: see there.
        sync.operations.connections.NotConnected: there is nothing to read.
    """
    if not synced_once(connections.active()):
        raise Unseen(_UNSEEN)


_UNSEEN: Final = (
    "This school was never synced: look at the preview of its first sync in Reception, under “Joining”, and confirm it."
)


@transaction.atomic
def request(
    *,
    school: School,
    trigger: Run.Trigger,
    at: datetime.datetime,
    kind: Run.Kind = Run.Kind.ROSTER,
    by: int | None = None,
    reason: str = "",
    night: datetime.date | None = None,
    slot: str = "",
    late: bool = False,
    enqueue: bool = True,
    expects: str = "",
    only: str = "",
) -> Run:
    """Put a run of the open school into the queue; asking twice while one waits gives the same run (R18).

    A run belongs to the school's own date when it starts, or to `night` if it is a slot's or a replay. With `expects`
    it carries out only the plan that a person has seen (`sync.pipeline.outlook.shown`); with `only` it is about one
    person or class (`sync.operations.single`).

    Raises:
        sync.operations.connections.NotConnected: there is nothing to read.
        sync.operations.connections.Frozen: the school's MIS is being changed (R25).
        sync.operations.connections.Paused: the MIS refused us, and this run was not asked for by a person.
        NotShared: attendance of a MIS from which none can be read.
    """
    link = connections.active()
    if words := moving.frozen():
        raise connections.Frozen(words)
    if link.paused_reason and trigger in BY_ITSELF:
        raise connections.Paused(link.paused_reason)
    if kind == Run.Kind.ATTENDANCE and not registry.connector(link.connector).sessions:
        raise NotShared("Attendance marks cannot be read from this school’s MIS.")
    same = {"kind": kind, "trigger": trigger, "slot": slot, "only": only} | ({"local_date": night} if slot else {})
    waiting: Run | None = Run.objects.filter(status=Run.Status.QUEUED, **same).first()
    if waiting and waiting.expects != expects:
        waiting.expects = expects
        waiting.save(update_fields=["expects"])
    if waiting and enqueue:
        enqueue_run(school, waiting)  # its message may be lost; carrying out a run twice does nothing
    if waiting:
        return waiting
    run: Run = Run.objects.create(
        kind=kind,
        trigger=trigger,
        slot=slot,
        late=late,
        local_date=night or school.local(at).date(),
        generation=link.generation,
        requested_by_id=by,
        reason=reason,
        queued_at=at,
        expects=expects,
        only=only,
    )
    record(action="sync.request", by=by, at=at, subject=f"run:{run.pk}", reason=reason)
    if enqueue:
        enqueue_run(school, run)
    return run


def enqueue_run(school: School, run: Run) -> None:
    """Have a worker carry out a run once this is committed.

    A broker that is down costs nobody a page or a claim: the run waits, and is sent again (`release_stuck`).
    """
    said = {"school": school.pk, "run": run.pk, "kind": str(run.kind), "trigger": str(run.trigger)}
    transaction.on_commit(lambda: run_requested.send_robust(sender=Run, **said))
