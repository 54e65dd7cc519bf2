"""A roster run from request to report. Network happens between scopes, never inside one.

A killed worker leaves nothing half done: data, change log and the run's end commit together, and the task comes back.
"""

import datetime
import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from sync import registry
from sync.errors import Refused, SyncError
from sync.http import Moved, PageStore
from sync.models import Connection, Run, Trial
from sync.operations import answers, connections, pulls
from sync.operations.ends import Stages, end, report
from sync.operations.standstill import quiet
from sync.operations.uncollected import uncollected
from sync.pipeline.apply import apply
from sync.pipeline.extract import Extract, extract
from sync.pipeline.gate import gate
from sync.pipeline.held import Snapshot
from sync.pipeline.normalise import normalise
from sync.pipeline.outlook import outlook, shown
from sync.pipeline.plan import Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.snapshot import rules_of, snapshot
from sync.pipeline.standstill import held_digest
from sync.queries import moving
from sync.queries.joining import fingerprint, synced_once
from sync.signals import run_requested
from tenants import scope
from tenants.models import School
from tenants.operations import record
from users.operations import turns

log = logging.getLogger(__name__)

MOST_ATTEMPTS: Final = 3  # a feed that kills its worker must not do so for ever
STUCK_AFTER: Final = datetime.timedelta(hours=1)  # longer than any task may run, see CELERY_TASK_TIME_LIMIT
WAITED_LONG: Final = datetime.timedelta(minutes=10)
BY_ITSELF: Final = frozenset({Run.Trigger.SCHEDULE, Run.Trigger.RETRY})  # nobody asked for them, so a pause stops them
_LOCK: Final = turns.ROSTER  # the first half of the advisory lock; the second is the school

Clock = Callable[[], datetime.datetime]
Carry = Callable[[School, Run, Connection, Clock], Run]


class AnotherRunIsOn(Exception):
    """This school's roster is being synced already; the run stays in the queue and is tried again."""


class Unseen(Exception):
    """Nobody has seen yet what the first sync of this school would do; the message says where to look."""


class NotShared(Exception):
    """What was asked for cannot be read from this school's MIS; the message says so in words for the school."""


class InternalFault(Exception):
    """A fault of ours ended a run; the message says what kind and where, and nothing of anybody's data."""


def whereabouts(fault: BaseException) -> str:
    """Return the kind of a fault and the last places it went through, without its message."""
    frames = traceback.extract_tb(fault.__traceback__)[-4:]
    return f"{type(fault).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do now, and nothing of it done (R3)."""

    plan: Plan
    roster: Roster


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
) -> Run:
    """Put a run of the open school into the queue; asking twice while one waits gives the same run (R18).

    A run belongs to the school's own date when it starts, or to `night` if it is a slot's or a replay. With `expects`
    it carries out only the plan that a person has seen (`sync.pipeline.outlook.shown`).

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
    same = {"kind": kind, "trigger": trigger, "slot": slot} | ({"local_date": night} if slot else {})
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
    )
    record(action="sync.request", by=by, at=at, subject=f"run:{run.pk}", reason=reason)
    if enqueue:
        enqueue_run(school, run)
    return run


def enqueue_run(school: School, run: Run) -> None:
    """Have a worker carry out a run once this is committed."""
    said = {"school": school.pk, "run": run.pk, "kind": str(run.kind), "trigger": str(run.trigger)}
    transaction.on_commit(lambda: run_requested.send(sender=Run, **said))


def preview(*, school: School, folder: str = "", clock: Clock = timezone.now) -> Preview:
    """Read the MIS and return what tonight would do, without writing anything; `folder` stands in for the files.

    With a `folder` nothing is asked over the network, so then the school may be open already.

    Raises:
        SyncError, NotConnected: as a run would end.
    """
    with scope.school(school.pk):
        link = connections.active()
        if words := moving.frozen():
            raise Refused(words)
    if folder:
        link.settings = {**link.settings, "folder": folder, "place": "upload"}
    night = school.local(clock()).date()
    roster = normalise(_read(link).records, today=night)
    with scope.school(school.pk):
        held = snapshot(generation=link.generation)
        given = answers.answers(at=clock())
        return Preview(plan=_gated(held, roster, school, night, given)[1], roster=roster)


def perform(*, school: School, run: int, clock: Clock = timezone.now, carry: Carry | None = None) -> Run:
    """Carry a queued run to its end; carrying out a run that is over does nothing.

    `carry` is what is done with it, if not the sync of every night.

    Raises:
        AnotherRunIsOn: come back later.
        InternalFault: what no one foresaw; the run is marked failed first.
    """
    with scope.school(school.pk):
        current = _begin(school, run, at=clock())
        if current.is_over:
            return current
        link = connections.active()
        if words := _barred(current, link):  # maybe while it waited
            return end(current, Run.Status.FAILED, clock(), error_kind="refused", error=words)
    try:
        with uncollected():
            return (carry or _carry_out)(school, current, link, clock)
    except SyncError as fault:
        log.warning("run %s of school %s ended: %s: %s", run, school.pk, type(fault).__name__.lower(), fault)
        return _fail(school, run, kind=type(fault).__name__.lower(), error=str(fault), at=clock(), refused=fault)
    except Exception as fault:  # noqa: BLE001 whatever it is, the run must end in a named state
        _fail(school, run, kind="internal", error=_INTERNAL, at=clock(), refused=fault)
        # A database's message can quote a child's row, so only the kind of fault and its place go into any log.
        raise InternalFault(f"run {run} of school {school.pk}: {whereabouts(fault)}") from None


def _barred(run: Run, link: Connection) -> str:
    """Say why a run reads nothing, "" if it may; a cut-over reads another MIS than the one that is left (R25)."""
    if run.trigger == Run.Trigger.MIS_CHANGE:
        return ""
    if words := moving.frozen():
        return words
    if run.generation != link.generation:
        return moving.OTHER_MIS
    return link.paused_reason if run.trigger in BY_ITSELF else ""


_INTERNAL: Final = "Something went wrong on our side; nothing was changed. Our people have been told."


def release_stuck(*, at: datetime.datetime) -> int:
    """End runs whose worker was lost and never came back; return how many. Nothing of them was written.

    Runs that still wait are handed to the workers again: their message may be lost with the broker.
    """
    released = 0
    for school in School.objects.all():
        with scope.school(school.pk):
            for run in Run.objects.filter(status=Run.Status.QUEUED, queued_at__lt=at - WAITED_LONG):
                enqueue_run(school, run)
            released += Run.objects.filter(status=Run.Status.RUNNING, started_at__lt=at - STUCK_AFTER).update(
                status=Run.Status.FAILED, finished_at=at, error_kind="internal", error=_STUCK
            )
    return released


_STUCK: Final = "The worker was lost and did not come back. Nothing was changed; the next run repairs it."


def _begin(school: School, run: int, *, at: datetime.datetime) -> Run:
    current: Run = Run.objects.select_for_update().get(pk=run)
    if current.is_over:
        return current
    if current.attempts >= MOST_ATTEMPTS:
        return end(current, Run.Status.FAILED, at, error_kind="internal", error=_STUCK)
    current.status, current.attempts = Run.Status.RUNNING, current.attempts + 1
    if current.started_at is None and _waits_for_now(school, current):
        current.local_date = school.local(at).date()
    current.started_at = current.started_at or at
    try:
        with transaction.atomic():
            current.save(update_fields=["status", "attempts", "started_at", "local_date"])
    except IntegrityError:
        raise AnotherRunIsOn("this school's roster is being synced already") from None
    return current


def _waits_for_now(school: School, run: Run) -> bool:
    """Whether a run belongs to the day it starts on: not the nightly one, and not a replay of another night."""
    return not run.slot and run.local_date == school.local(run.queued_at).date()


def _carry_out(school: School, run: Run, link: Connection, clock: Clock) -> Run:
    stages = Stages()
    extracted = _pull(school, link, at=clock())
    stages.done("extract", f"{sum(extracted.rows.values())} rows")
    with scope.school(school.pk):
        if over := quiet(school, _locked(school, run, link), link, extracted, stages, clock):
            return over
    roster = normalise(extracted.records, today=run.local_date)
    stages.done("normalise", f"{len(roster.refusals)} refused")
    with scope.school(school.pk):
        current = _locked(school, run, link)
        if current.status != Run.Status.RUNNING:
            return current  # its other delivery was faster, or it was released as stuck
        before = held_digest(rules_of(school, night=current.local_date), generation=current.generation)
        held = snapshot(generation=current.generation)
        given = answers.answers(at=clock(), lock=True)
        wish, gated = _gated(held, roster, school, current.local_date, given)
        stages.done("plan", f"{wish.writes} changes")
        stages.done("gate", f"{len(gated.holds)} held" if gated.holds else "nothing held")
        if current.expects not in {"", shown(gated)}:
            return _ask_again(current, link, gated, roster, at=clock())
        apply(gated, held, run=current, school=school, at=clock())
        answers.note(given, gated, run=current)
        stages.done("apply", f"{gated.writes} changes written")
        connections.resume(was=link.paused_reason)
        current.feed = extracted.feed
        if not gated.writes and not gated.holds:
            after = held_digest(rules_of(school, night=current.local_date), generation=current.generation)
            current.standstill = after if after == before else ""
        return report(current, gated, roster, stages, at=clock())


def alone(school: School) -> None:
    """Wait until nobody else writes this school's roster, and keep it so until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [_LOCK, school.pk])


def _locked(school: School, run: Run, link: Connection) -> Run:
    """Wait for whatever else writes to this school's roster, and return the run as it is then.

    Raises:
        Refused: reading was paused or frozen while we read.
    """
    alone(school)
    current: Run = Run.objects.select_for_update().get(pk=run.pk)
    present = connections.active()
    if words := _barred(current, present):
        raise Refused(words)
    if present.paused_reason not in {"", link.paused_reason}:
        raise Refused(present.paused_reason)
    return current


def _pull(school: School, link: Connection, *, at: datetime.datetime) -> Extract:
    """Read the roster, from where a pull broke off not long ago, or afresh if the lists have moved since."""

    def read(*, afresh: bool) -> Extract:
        with pulls.reading(school=school, link=link, kind="roster", at=at, afresh=afresh) as pages:
            return _read(link, pages)

    try:
        return read(afresh=False)
    except Moved as moved:
        log.info("school %s: %s", school.pk, moved)
    return read(afresh=True)


def _read(link: Connection, pages: PageStore | None = None) -> Extract:
    with connections.reader(link, pages=pages) as connector:
        return extract(connector)


def _gated(
    held: Snapshot, roster: Roster, school: School, night: datetime.date, given: answers.Answers
) -> tuple[Plan, Plan]:
    rules = rules_of(school, night=night)
    wish = plan(held, roster, rules, night=night, decided=given)
    return wish, gate(wish, held, roster, rules, decided=given, approved=given.brakes)


def _ask_again(run: Run, link: Connection, now: Plan, roster: Roster, *, at: datetime.datetime) -> Run:
    """Keep what the MIS says now as a new preview, and write nothing: a person has seen something else (R3)."""
    Trial.objects.create(
        kind=Trial.Kind.PREVIEW,
        asked_at=at,
        ended_at=at,
        asked_by=run.requested_by,
        made_with=fingerprint(link),
        summary=outlook(now, roster),
        plan_hash=shown(now),
    )
    return end(run, Run.Status.HELD, at, error=_OTHERWISE)


_OTHERWISE: Final = (
    "Your MIS has changed since the preview, so nothing was written. Look at the new preview and confirm that one."
)


def _fail(school: School, run: int, *, kind: str, error: str, at: datetime.datetime, refused: Exception) -> Run:
    with scope.school(school.pk):
        current: Run = Run.objects.select_for_update().get(pk=run)
        if current.is_over:
            return current
        link = connections.active()
        ours = current.generation == link.generation and not moving.frozen()  # else it is no fault of this connection
        if isinstance(refused, Refused) and ours:
            link.paused_reason = error
            link.save(update_fields=["paused_reason"])
        return end(current, Run.Status.FAILED, at, error_kind=kind, error=error)
