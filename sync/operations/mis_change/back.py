"""Going back to the old MIS, for some days after the cut-over (R25). Nobody is deleted, and no id is forgotten."""

import datetime
from typing import Final

from django.db import transaction

from sync.models import Change, MisChange, Run
from sync.operations import runs, undo
from sync.operations.evidence import evidence, losses
from sync.operations.mis_change.cutting import renumber, switch
from sync.operations.mis_change.project import OutOfTurn, note
from sync.pipeline.held import PEOPLE
from sync.pipeline.snapshot import MODELS
from sync.records import Kind
from tenants import bulk
from tenants.models import School

_TOO_LATE: Final = "The days for going back are over. Plan a new change of MIS instead."
_NOT_CUT_OVER: Final = "Only a change that was cut over can be rolled back."
_RUNNING: Final = "A sync is running. Wait until it has ended, then roll back."


@transaction.atomic
def roll_back(change: MisChange, *, school: School, by: int, at: datetime.datetime, reason: str) -> MisChange:
    """Let the old MIS be read again, and put back what the new one changed, the newest run first.

    Whatever was changed by hand since stays. Whoever came only with the new MIS is marked as left. The ids of the new
    MIS stay in a generation that is never used again.

    Raises:
        OutOfTurn: it was not cut over, the days are over, a sync is running, or somebody would lose a login or a stake.
    """
    runs.alone()
    current: MisChange = MisChange.objects.select_for_update().get(pk=change.pk)
    if current.back_until is None or current.new is None:
        raise OutOfTurn(_NOT_CUT_OVER)
    if at > current.back_until:
        raise OutOfTurn(_TOO_LATE)
    if Run.objects.filter(kind=Run.Kind.ROSTER, status=Run.Status.RUNNING).exists():
        raise OutOfTurn(_RUNNING)
    before = evidence()
    switch(off=current.new, on=current.old)
    made = [_undone(school, run, by=by, at=at, reason=reason) for run in _runs(current.new.generation)]
    renumber({kind: _refs(current, kind) for kind in (Kind.MEDICAL, Kind.DIETARY)})
    _leave(current.new.generation, made[-1], school=school, at=at)
    after = evidence()
    if fault := losses(before, after):
        raise OutOfTurn(f"By going back {fault}. So nothing was changed; write down what you see and tell our people.")
    current.state, current.rolled_back_at, current.rolled_back_by_id = MisChange.State.ROLLED_BACK, at, by
    current.proof = {**current.proof, "back": after.told()}
    current.save()
    note(current, "rolled_back", by=by, at=at, reason=reason)
    return current


def _runs(generation: int) -> list[Run]:
    """Return the runs of the new MIS whose changes stand, the newest first; the last one is the cut-over.

    Those about one person are among them: what they changed goes back as well.
    """
    found = Run.objects.finished().filter(kind="roster", generation=generation).order_by("-id")
    return [run for run in found if undo.undone_by(run) is None]


def _undone(school: School, run: Run, *, by: int, at: datetime.datetime, reason: str) -> Run:
    found, _ = undo.look(school=school, run=run, at=at)
    return undo.carry_out(found, school=school, run=run, by=by, at=at, reason=reason)


def _refs(change: MisChange, kind: Kind) -> dict[int, str]:
    """Return the refs that the old MIS knows notes by which are still there, and which no other note has by now."""
    was = {int(row): ref for row, ref in change.found.get("notes", {}).get(kind.value, {}).items()}
    notes = list(MODELS[kind]._default_manager.values_list("id", "student_id", "ref"))  # noqa: SLF001 the scoped one
    students = {row: student for row, student, _ in notes if row in was}
    others = {(student, ref) for row, student, ref in notes if row not in was}
    return {row: was[row] for row, student in students.items() if (student, was[row]) not in others}


def _leave(generation: int, run: Run, *, school: School, at: datetime.datetime) -> None:
    """Mark as left whoever came only with the new MIS and is still here, such as those who have signed in since."""
    day = school.local(at).date()
    for kind in PEOPLE:
        came = Change.objects.filter(run__generation=generation, kind=kind.value, action=Change.Action.ARRIVE)
        people = MODELS[kind]._default_manager.filter(  # noqa: SLF001 the scoped one
            pk__in=came.exclude(person_id=None).values("person_id")
        )
        here = list(people.exclude(status="left").order_by("id"))
        bulk.amend(
            MODELS[kind], ("id", "status", "missing_since", "left_on"), ((p.pk, "left", None, day) for p in here)
        )
        Change.objects.bulk_create(_left(kind, person.pk, str(person), run, day) for person in here)


def _left(kind: Kind, row: int, name: str, run: Run, day: datetime.date) -> Change:
    return Change(
        run=run,
        kind=kind.value,
        person_id=row,
        label=name,
        action=Change.Action.LEAVE,
        new=day.isoformat(),
        why="Came only with the MIS that was given up.",
    )
