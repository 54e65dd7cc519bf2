"""Undoing a run: first shown, then done, and it can itself be undone (sync.md, promise 12).

Nothing that changed since is touched. The next sync says what the MIS says again, so whoever undoes may also pause it.
"""

import datetime
import time
from collections import Counter
from typing import Final

import msgspec
from django.db import transaction

from sync import sentences
from sync.models import Change, Connection, Run
from sync.operations import connections, runs
from sync.operations.runs import AnotherRunIsOn
from sync.pipeline import present as reading
from sync.pipeline.restore import restore
from sync.pipeline.undoing import LeftAlone, Undoing, Who, Why, undoing
from tenants.models import School
from tenants.operations import record
from users.operations import accounts

KIND: Final = "undo"  # of the run; it says nothing about how fresh the school's data is, and reads no list to its end


class CannotUndo(Exception):
    """This run cannot be undone, or not as it was shown; the message says why and what to do."""


class Prospect(msgspec.Struct, frozen=True, kw_only=True):
    """A run, what undoing it would do, and how many later runs changed something too."""

    undoing: Undoing
    later: int


def preview(*, school: School, run: Run, at: datetime.datetime) -> Prospect:
    """Return what undoing this run would do now, and do nothing.

    Raises:
        CannotUndo: it did not finish, is undone already, or was the change to another MIS.
    """
    _may_be_undone(run)
    found, after = look(school=school, run=run, at=at)
    changed = Change.objects.filter(run__in=Run.objects.finished(), id__gt=after).order_by()
    return Prospect(undoing=_blamed(found, after=after), later=changed.values("run_id").distinct().count())


def look(*, school: School, run: Run, at: datetime.datetime) -> tuple[Undoing, int]:
    """Return what undoing this run would do, whether or not it may be undone by itself, and its last change."""
    done = reading.done_by(run)
    held = reading.present(done, school=school, since=run.finished_at or run.queued_at)
    return undoing(done, held, day=school.local(at).date()), max((one.id for one in done), default=0)


@transaction.atomic
def undo(
    *,
    school: School,
    run: int,
    by: int | None,
    at: datetime.datetime,
    reason: str,
    seen: str = "",
    pause: bool = False,
) -> Run:
    """Undo a run and return the run that did it; with `seen`, only exactly what was shown (`Undoing.digest`).

    With `pause` nothing is read at night until a person says so, since the next sync would do what the MIS says again.

    Raises:
        CannotUndo: as for the preview; or nothing is left to restore; or it would not be what was shown.
        sync.operations.runs.AnotherRunIsOn: a sync is on; come back when it has ended.
    """
    _nothing_is_on()
    runs.alone()
    _nothing_is_on()
    current: Run = Run.objects.select_for_update().get(pk=run)
    found = preview(school=school, run=current, at=at).undoing
    if not found.restores:
        raise CannotUndo("Nothing of this run is left to restore.")
    if seen not in {"", found.digest()}:
        raise CannotUndo("Something has changed since you looked. Look at it again, then decide.")
    made = carry_out(found, school=school, run=current, by=by, at=at, reason=reason)
    if pause:
        _pause(current, by=by, at=at)
    return made


def carry_out(found: Undoing, *, school: School, run: Run, by: int | None, at: datetime.datetime, reason: str) -> Run:
    """Do what was found, in the caller's transaction and while nobody else writes; return the run that did it."""
    made: Run = Run.objects.create(
        kind=KIND,
        trigger=Run.Trigger.UNDO,
        status=Run.Status.OK,
        local_date=school.local(at).date(),
        generation=run.generation,
        requested_by_id=by,
        reason=reason,
        queued_at=at,
        started_at=at,
        finished_at=at,
        undoes=run,
        counts=_counts(found),
        remarks=_remarks(found),
    )
    since = time.monotonic()
    restore(found.restores, run=made, school=school, why=f"Undo of run {run.pk}.")
    accounts.link_people(at=at)
    note = f"{len(found.restores):,} put back, {len(found.left_alone):,} left alone"
    made.stages = [{"name": "undo", "seconds": round(time.monotonic() - since, 3), "note": note}]
    made.save(update_fields=["stages"])
    record(action="sync.undo", by=by, at=at, subject=f"run:{run.pk}", reason=reason)
    return made


def _pause(run: Run, *, by: int | None, at: datetime.datetime) -> None:
    """Pause the nights; one that is paused already keeps its reason, and a school that reads nothing needs none."""
    link = Connection.objects.filter(active=True, paused_reason="").first()
    if link is not None:
        reason = f"Paused after the undo of run {run.pk}, until your MIS is put right."
        connections.pause(connection=link, reason=reason, at=at, by=by)


def _nothing_is_on() -> None:
    if Run.objects.filter(kind=Run.Kind.ROSTER, status=Run.Status.RUNNING).exists():
        raise AnotherRunIsOn("A sync is running. Wait until it has ended, then look again.")


def _may_be_undone(run: Run) -> None:
    if run.status not in {Run.Status.OK, Run.Status.PARTIAL}:
        raise CannotUndo("Only a run that has finished can be undone.")
    if run.trigger == Run.Trigger.MIS_CHANGE:
        raise CannotUndo("A change of MIS is rolled back on its own page.")
    already = undone_by(run)
    if already is not None:
        raise CannotUndo(f"This run is undone already, by run {already}. To bring it back, undo that one.")


def undone_by(run: Run) -> int | None:
    """Return the run by which this one is undone at present, or None; one query."""
    undone: dict[int, list[int]] = {}
    for pk, of in Run.objects.filter(trigger=Run.Trigger.UNDO).order_by("id").values_list("id", "undoes_id"):
        undone.setdefault(of, []).append(pk)
    return _standing(run.pk, undone)


def _standing(run: int, undone: dict[int, list[int]]) -> int | None:
    return next((pk for pk in undone.get(run, ()) if _standing(pk, undone) is None), None)


def _blamed(found: Undoing, *, after: int) -> Undoing:
    """Say of everything that changed since by which run it did."""
    changed = [one for one in found.left_alone if one.why == Why.CHANGED]
    if not changed:
        return found
    since = reading.later([one.done for one in changed], after=after)
    told = (_by(one, since) if one.why == Why.CHANGED else one for one in found.left_alone)
    return msgspec.structs.replace(found, left_alone=tuple(told))


def _by(one: LeftAlone, since: list[tuple[Who, frozenset[str], int, datetime.date, str]]) -> LeftAlone:
    touching = [
        (run, night, trigger)
        for who, columns, run, night, trigger in since
        if who == one.done.who and (not one.columns or not columns or columns & set(one.columns))
    ]
    if not touching:
        return msgspec.structs.replace(one, why="It was changed by hand since.")
    run, night, trigger = touching[-1]
    what = "undo" if trigger == Run.Trigger.UNDO else "sync"
    return msgspec.structs.replace(
        one, why=f"It was changed since by the {what} of {sentences.day(night.isoformat())} (run {run})."
    )


_WORDS: Final = {
    "arrive": "arrived",
    "amend": "amended",
    "miss": "missing",
    "leave": "left",
    "rejoin": "returned",
    "end": "ended",
}


def _counts(found: Undoing) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    records = {(one.done.kind, _WORDS[one.action], one.done.who) for one in found.restores}
    for kind, word, _ in records:
        counted.setdefault(kind.value, Counter())[word] += 1
    return {kind: dict(counted[kind]) for kind in sorted(counted)}


def _remarks(found: Undoing) -> list[str]:
    left = len(found.left_alone)
    stayed = "1 change stays as it is" if left == 1 else f"{left:,} changes stay as they are"
    return [f"{stayed}: changed since, or not to be restored from here."] if left else []
