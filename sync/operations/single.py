"""One person or one class, now: the engine of every night, and only their part of it is carried out (R18).

The whole MIS is read and the whole night is planned, so that the same rules, holds and brakes speak. What is not about
the one stays for the night. Such a run says nothing of the school: not how fresh it is, not who is missing, and it
takes no pause back.
"""

import datetime
from collections.abc import Iterator
from typing import Final

import msgspec
from django.utils import timezone

from sync.models import Connection, Hold, Run
from sync.operations import answers, pulls, runs
from sync.operations.ends import Stages, counts, end
from sync.pipeline.apply import apply
from sync.pipeline.narrow import Only, Part, narrow
from sync.pipeline.normalise import normalise
from sync.pipeline.plan import Plan
from sync.pipeline.roster import Roster
from sync.pipeline.snapshot import MODELS, snapshot
from sync.queries import holds
from tenants import scope
from tenants.models import School


class NobodyThere(Exception):
    """The school has no such person or class; the message says what to do for somebody new."""


def request(
    *, school: School, only: Only, by: int | None, at: datetime.datetime, reason: str, enqueue: bool = True
) -> Run:
    """Put a run of the open school into the queue that is about one person or class (R18).

    Raises:
        NobodyThere: we hold nobody of this number.
        sync.operations.runs.Unseen: the school's first sync is still to come, and that one is of everybody.
        sync.operations.connections.NotConnected, Frozen: as for every run.
    """
    runs.check_seen()
    if not is_here(only):
        raise NobodyThere("Nobody of this number is here. Somebody new is asked for by their id in the MIS.")
    return runs.request(
        school=school, trigger=Run.Trigger.ONE_OFF, only=str(only), by=by, at=at, reason=reason, enqueue=enqueue
    )


def is_here(only: Only) -> bool:
    """Whether the open school has whom this names; by an id of the MIS anybody may be asked for, also who is new."""
    rows = MODELS[only.kind]._default_manager  # noqa: SLF001 the scoped one
    return only.row is None or rows.filter(pk=only.row).exists()


def perform(*, school: School, run: int, clock: runs.Clock = timezone.now) -> Run:
    """Carry a queued roster run to its end: of one, if it is about one, else of the whole school.

    Raises:
        sync.operations.runs.AnotherRunIsOn, InternalFault: see `runs.perform`.
    """
    return runs.perform(school=school, run=run, clock=clock, carry=carry)


def carry(school: School, run: Run, link: Connection, clock: runs.Clock) -> Run:
    """Do what a roster run is for."""
    return (_carry_one if run.only else runs.carry_out)(school, run, link, clock)


def _carry_one(school: School, run: Run, link: Connection, clock: runs.Clock) -> Run:
    stages = Stages()
    extracted = runs.pull(school, link, kind=pulls.ONE, at=clock(), read=runs.read_all)
    stages.done("extract", f"{sum(extracted.rows.values())} rows")
    roster = normalise(extracted.records, today=run.local_date)
    stages.done("normalise", "as for a whole sync")
    with scope.school(school.pk):
        current = runs.locked(run, link)
        given = answers.answers(at=clock(), lock=True)
        held = snapshot(generation=current.generation)
        _, whole = runs.judged(held, roster, school, current.local_date, given)
        approved = {kind for _, kind in given.brakes}
        part = narrow(Only.of(current.only), whole, held, roster, approved=approved)
        stages.done("plan", f"{part.plan.writes} of {whole.writes} changes")
        apply(part.plan, held, run=current, school=school, at=clock())
        answers.note(given, whole, run=current, but=_still_asked(current, roster, school, given, whole, at=clock()))
        _unlink_what_nobody_can_decide(current, at=clock())
        stages.done("apply", f"{part.plan.writes} changes written")
        current.counts = counts(part.plan, msgspec.structs.replace(roster, rows={}))
        current.stages, current.remarks, current.plan_hash = stages.rows, list(_told(part, link)), part.plan.digest()
        return end(current, _status(part.plan), clock())


def _still_asked(
    run: Run, roster: Roster, school: School, given: answers.Answers, whole: Plan, *, at: datetime.datetime
) -> set[str]:
    """Return which of the decisions that the night would carry out it still has to: they are not about the one."""
    if not given.taken(whole):
        return set()
    again = answers.answers(at=at)
    runs.judged(snapshot(generation=run.generation), roster, school, run.local_date, again)
    return again.asked


def _unlink_what_nobody_can_decide(run: Run, *, at: datetime.datetime) -> None:
    """Leave a hold without its case where only the next whole judgement will ask about it."""
    for hold in Hold.objects.filter(run=run):
        if holds.case(hold.digest, at=at) is None:
            Hold.objects.filter(pk=hold.pk).update(digest="")


def _status(done: Plan) -> Run.Status:
    if not done.holds:
        return Run.Status.OK
    return Run.Status.PARTIAL if done.writes else Run.Status.HELD


def _told(part: Part, link: Connection) -> Iterator[str]:
    """Yield what the page of the run says beside the changes, in sentences that name nobody."""
    if link.connector == "csv_files":
        yield _FILES
    if not part.named:
        yield _NOT_NAMED
    elif not part.plan.writes and not part.plan.holds and not part.left:
        yield _NOTHING
    yield from sorted(left.value for left in part.left)


_NOTHING: Final = "Nothing to change: your MIS says what we hold."
_NOT_NAMED: Final = (
    "Your MIS does not name them, or not in a way that can be read. Nobody is ended because of that: the next sync of "
    "the whole school judges it by its own rules."
)
_FILES: Final = "Read from the last files that your MIS or your school has given us: export again for what is newer."
