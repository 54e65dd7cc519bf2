"""Trials: reading a school's MIS to say what is there, or what a sync would do, and writing nothing of it (R2, R3).

Network happens between scopes, never inside one. A killed worker leaves a trial open; its task comes back, and if it
does not, the trial counts as lost and may be asked for anew.
"""

import dataclasses
import datetime
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from sync.errors import SyncError
from sync.models import Connection, Run, Trial
from sync.operations import connections, ends, runs
from sync.pipeline.outlook import outlook, shown, tonight
from sync.queries import moving
from sync.queries.joining import fingerprint, synced_once
from sync.signals import trial_requested
from tenants import scope
from tenants.models import School
from tenants.operations import record

log = logging.getLogger(__name__)

NAMES_KEPT: Final = datetime.timedelta(days=2)  # what changes tonight is told with names, and soon no news

_INTERNAL: Final = "Something went wrong on our side. Nothing was changed; our people have been told. Try again later."
_LOST: Final = "The worker was lost on the way. Nothing was changed; try again."


Look = Callable[[School, Connection, runs.Clock], dict[str, Any]]  # returns the fields of the trial


class NothingToConfirm(Exception):
    """The preview is not the newest, did not end well, or speaks of other settings; the message says what to do."""


@transaction.atomic
def ask(*, school: School, kind: Trial.Kind, at: datetime.datetime, by: int | None) -> Trial:
    """Put a trial into the queue; while one of the kind is under way, that one is returned.

    Raises:
        sync.operations.connections.NotConnected: there is nothing to look at.
    """
    made_with = fingerprint(_link(kind))
    open_one: Trial | None = Trial.objects.select_for_update().filter(kind=kind, ended_at=None).first()
    if open_one and not open_one.is_lost(at):
        return open_one
    if open_one:
        _end(open_one, at, error_kind="lost", error=_LOST)
    try:
        with transaction.atomic():
            trial: Trial = Trial.objects.create(kind=kind, asked_at=at, asked_by_id=by, made_with=made_with)
    except IntegrityError:  # somebody asked in the same moment
        theirs: Trial = Trial.objects.get(kind=kind, ended_at=None)
        return theirs
    record(action=f"{kind.value}.requested", by=by, at=at, subject=f"trial:{trial.pk}")
    said = {"school": school.pk, "trial": trial.pk, "kind": str(kind)}
    transaction.on_commit(lambda: trial_requested.send_robust(sender=Trial, **said))
    return trial


def _link(kind: str) -> Connection:
    """Return what a trial looks at: the school's connection; a rehearsal, the one that is to come (R25)."""
    if kind != Trial.Kind.REHEARSAL:
        return connections.active()
    change = moving.open_change()
    if change is None or change.new is None:
        raise connections.NotConnected("No change of MIS is open, or its new MIS is not connected yet.")
    link: Connection = change.new
    return link


def perform(*, school: School, trial: int, clock: runs.Clock = timezone.now, look: Look | None = None) -> None:
    """Carry out a trial; carrying out one that is over does nothing.

    `look` is what is done, if not a test or a preview of the school's own connection.

    Raises:
        sync.operations.runs.InternalFault: what no one foresaw; the trial is ended first.
    """
    with scope.school(school.pk):
        link = _begin(trial, at=clock())
        kind = Trial.objects.get(pk=trial).kind
    if link is None:
        return
    try:
        found = (look or _LOOKS[kind])(school, link, clock)
    except SyncError as fault:
        found = {"error_kind": type(fault).__name__.lower(), "error": str(fault)}
    except connections.BadSettings as fault:
        found = {"error_kind": "refused", "error": f"The settings do not fit: {fault}"}
    except Exception as fault:  # noqa: BLE001 whatever it is, the trial must end in a named state
        _finish(school, trial, at=clock(), error_kind="internal", error=_INTERNAL)
        # The fault's own message can hold what the MIS said, so only its kind and place go into any log.
        raise runs.InternalFault(f"trial {trial} of school {school.pk}: {runs.whereabouts(fault)}") from None
    _finish(school, trial, at=clock(), **found)


def _begin(trial: int, *, at: datetime.datetime) -> Connection | None:
    current: Trial = Trial.objects.select_for_update().get(pk=trial)
    if current.ended_at:
        return None
    if current.attempts >= runs.MOST_ATTEMPTS:  # a feed that kills its worker must not do so for ever
        _end(current, at, error_kind="lost", error=_LOST)
        return None
    try:
        link = _link(current.kind)
    except connections.NotConnected as fault:  # called off while it waited
        _end(current, at, error_kind="refused", error=str(fault))
        return None
    current.attempts, current.made_with = current.attempts + 1, fingerprint(link)
    current.save(update_fields=["attempts", "made_with"])
    return link


def _test(_: School, link: Connection, __: runs.Clock) -> dict[str, Any]:
    with connections.reader(link) as connector:
        return {"findings": [dataclasses.asdict(finding) for finding in connector.probe()]}


def _preview(school: School, _: Connection, clock: runs.Clock) -> dict[str, Any]:
    seen = runs.preview(school=school, clock=clock)
    return {"summary": outlook(seen.plan, seen.roster), "plan_hash": shown(seen.plan)}


def _tonight(school: School, _: Connection, clock: runs.Clock) -> dict[str, Any]:
    seen = runs.preview(school=school, clock=clock)
    summary = tonight(seen.plan, seen.roster) | {"counts": ends.counts(seen.plan, seen.roster)}
    return {"summary": summary, "plan_hash": shown(seen.plan)}


_LOOKS: Final[Mapping[str, Look]] = {
    Trial.Kind.TEST: _test,
    Trial.Kind.PREVIEW: _preview,
    Trial.Kind.TONIGHT: _tonight,
}


def _finish(school: School, trial: int, *, at: datetime.datetime, **found: Any) -> None:
    with scope.school(school.pk):
        current: Trial = Trial.objects.select_for_update().get(pk=trial)
        if current.ended_at is None:
            _end(current, at, **found)


def _end(trial: Trial, at: datetime.datetime, **found: Any) -> None:
    trial.ended_at = at
    for name, value in found.items():
        setattr(trial, name, value)
    trial.save()
    if trial.kind == Trial.Kind.TONIGHT:
        Trial.objects.filter(kind=trial.kind).exclude(pk=trial.pk).update(summary={})


def purge(*, at: datetime.datetime) -> int:
    """Forget the names in what changes tonight, when that night is past; return how many were emptied."""
    emptied = 0
    for school in School.objects.all():
        with scope.school(school.pk):
            old = Trial.objects.filter(kind=Trial.Kind.TONIGHT, ended_at__lt=at - NAMES_KEPT).exclude(summary={})
            emptied += old.update(summary={})
    return emptied


@transaction.atomic
def confirm(*, school: School, trial: int, at: datetime.datetime, by: int) -> Run:
    """Start the first sync, tied to the plan that a person has seen; confirming twice starts it once (R3).

    Raises:
        NothingToConfirm: see there.
    """
    link = connections.active()
    newest: Trial | None = Trial.objects.select_for_update().filter(kind=Trial.Kind.PREVIEW).first()
    if synced_once(link):
        raise NothingToConfirm("The first sync is done already. From now on every night looks after itself.")
    if newest is None or newest.pk != trial or not newest.went_well:
        raise NothingToConfirm("There is a newer preview, or none that ended well. Look at it first.")
    if newest.made_with != fingerprint(link):
        raise NothingToConfirm("The settings were changed after this preview. Make a new one first.")
    newest.confirmed_at = newest.confirmed_at or at
    newest.save(update_fields=["confirmed_at"])
    return runs.request(
        school=school,
        trigger=Run.Trigger.FIRST,
        at=at,
        by=by,
        reason="the preview was confirmed",
        expects=newest.plan_hash,
    )
