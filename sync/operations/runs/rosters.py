"""A roster run from the first page to its report. Network happens between scopes, never inside one."""

import datetime
import logging
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from django.utils import timezone

from sync.connector import Connector
from sync.errors import Refused
from sync.http import Moved
from sync.models import BY_ITSELF, Connection, Run, Trial
from sync.operations import answers, connections, parking, pulls
from sync.operations.ends import Stages, end, report
from sync.operations.runs import watching
from sync.operations.standstill import quiet
from sync.operations.stops import Stopped
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
from sync.queries.joining import fingerprint
from tenants import scope
from tenants.models import School
from users.operations import turns

log = logging.getLogger(__name__)

Clock = Callable[[], datetime.datetime]
_WORTH_TELLING: Final = 200  # changes: fewer are written before anybody has looked
T = TypeVar("T")


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do now, and nothing of it done (R3)."""

    plan: Plan
    roster: Roster


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
    with connections.reader(link) as connector:
        roster = normalise(extract(connector).records, today=night)
    with scope.school(school.pk):
        held = snapshot(generation=link.generation)
        given = answers.answers(at=clock())
        return Preview(plan=judged(held, roster, school, night, given)[1], roster=roster)


def carry_out(school: School, run: Run, link: Connection, clock: Clock) -> Run:
    """Sync the whole roster: what `perform` does with a run, if it is given nothing else.

    Raises:
        ValueError: the run is about one person, and so none that may write all (`sync.operations.single`).
    """
    if run.only:
        raise ValueError("a run about one never becomes one of the whole school")
    stages = Stages()
    extracted = pull(school, link, kind="roster", at=clock(), read=read_all)
    stages.done("extract", f"{sum(extracted.rows.values())} rows")
    watching.stage("comparing")
    with scope.school(school.pk):
        if over := quiet(school, locked(run, link), link, extracted, stages, clock):
            parking.unpark(generation=run.generation, at=clock())
            return over
    roster = normalise(extracted.records, today=run.local_date)
    stages.done("normalise", f"{len(roster.refusals)} refused")
    with scope.school(school.pk):
        current = locked(run, link)
        before = held_digest(rules_of(school, night=current.local_date), generation=current.generation)
        held = snapshot(generation=current.generation)
        given = answers.answers(at=clock(), lock=True)
        wish, gated = judged(held, roster, school, current.local_date, given)
        stages.done("plan", f"{wish.writes} changes")
        stages.done("gate", f"{len(gated.holds)} held" if gated.holds else "nothing held")
        if current.expects not in {"", shown(gated)}:
            return _ask_again(current, link, gated, roster, at=clock())
        if gated.writes >= _WORTH_TELLING:
            watching.stage("writing")
        apply(gated, held, run=current, school=school, at=clock())
        answers.note(given, gated, run=current)
        stages.done("apply", f"{gated.writes} changes written")
        connections.resume(was=link.paused_reason)
        current.feed = extracted.feed
        if not gated.writes and not gated.holds:
            after = held_digest(rules_of(school, night=current.local_date), generation=current.generation)
            current.standstill = after if after == before else ""
        over = report(current, gated, roster, stages, at=clock())
        parking.unpark(generation=current.generation, at=clock())  # behind the report, whose holds say who is in doubt
        return over


def barred(run: Run, link: Connection) -> str:
    """Say why a run reads nothing, "" if it may; a cut-over reads another MIS than the one that is left (R25)."""
    if run.trigger == Run.Trigger.MIS_CHANGE:
        return ""
    if words := moving.frozen():
        return words
    if run.generation != link.generation:
        return moving.OTHER_MIS
    return link.paused_reason if run.trigger in BY_ITSELF else ""


def alone() -> None:
    """Wait until nobody else writes the open school's roster, and keep it so until the transaction ends."""
    turns.wait(turns.ROSTER)


def locked(run: Run, link: Connection) -> Run:
    """Wait for whatever else writes to this school's roster, and return the run as it is then.

    Raises:
        Stopped: it is over, or another worker has taken it up.
        Refused: reading was paused or frozen while we read.
    """
    alone()
    current: Run = Run.objects.get(pk=run.pk)  # not locked: who cancels must not wait until all is written
    if (current.status, current.attempts) != (run.status, run.attempts):
        raise Stopped
    present = connections.active()
    if words := barred(current, present):
        raise Refused(words)
    if present.paused_reason not in {"", link.paused_reason}:
        raise Refused(present.paused_reason)
    return current


def pull(
    school: School,
    link: Connection,
    *,
    kind: str,
    at: datetime.datetime,
    read: Callable[[Connector], T],
    afresh: bool = False,
) -> T:
    """Read from where a pull of this kind broke off not long ago, or `afresh`, as when the lists have moved since.

    What a carry reads so is watched: its progress is told, and it stops when somebody cancels it.
    """

    def once(*, afresh: bool) -> T:
        with (
            pulls.reading(school=school, link=link, kind=kind, at=at, afresh=afresh) as pages,
            connections.reader(link, pages=watching.pages(pages)) as connector,
        ):
            return read(connector)

    try:
        return once(afresh=afresh)
    except Moved as moved:
        log.info("school %s: %s", school.pk, moved)
    return once(afresh=True)


def read_all(connector: Connector) -> Extract:
    """Read the whole roster, and tell whoever watches how far it is."""
    return extract(connector, told=watching.rows)


def judged(
    held: Snapshot, roster: Roster, school: School, night: datetime.date, given: answers.Answers
) -> tuple[Plan, Plan]:
    """Return what the night would do, and the part of it that may go in."""
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
