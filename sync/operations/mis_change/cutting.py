"""The cut-over: everybody becomes known by the new MIS in one transaction, or nobody does (R25)."""

import datetime
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from django.db import transaction
from django.utils import timezone

from sync.errors import Doubtful
from sync.models import Connection, MisChange, Run
from sync.operations import connections, ends, runs
from sync.operations.evidence import Evidence, differences, evidence
from sync.operations.mis_change.project import OutOfTurn, locked, note
from sync.operations.mis_change.rehearsals import keep, matched
from sync.operations.runs import watching
from sync.pipeline import cutover
from sync.pipeline.apply import apply
from sync.pipeline.cutover import Rows
from sync.pipeline.extract import extract
from sync.pipeline.gate import gate
from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.matching import Matching
from sync.pipeline.normalise import normalise
from sync.pipeline.plan import Action, Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import MODELS, rules_of, snapshot
from sync.queries import moving
from sync.records import Kind
from tenants import bulk, scope
from tenants.models import School

_CALLED_OFF: Final = (
    "The change of MIS was called off, or rehearsed with other settings, meanwhile. Nothing was changed."
)
_OTHERWISE: Final = (
    "The new MIS says something else than at the rehearsal, so nothing was changed. What it says now was matched anew: "
    "look at it, then cut over again."
)
_OPEN_QUESTIONS: Final = (
    "Not everything is answered ({}), so nothing was changed. Answer the rest, then cut over again."
)


@transaction.atomic
def request_cut_over(change: MisChange, *, school: School, by: int, at: datetime.datetime, reason: str) -> Run:
    """Have a worker cut over to what was reviewed, and to nothing else.

    Raises:
        OutOfTurn: nothing was rehearsed, something is not answered, or it is on its way already.
    """
    current = locked(change)
    if current.state != MisChange.State.REHEARSED or current.new is None:
        raise OutOfTurn("Rehearse the change first: nobody has seen yet what it would do.")
    if open_ones := moving.unanswered(current):
        raise OutOfTurn(_OPEN_QUESTIONS.format(open_ones))
    run: Run = Run.objects.create(
        trigger=Run.Trigger.MIS_CHANGE,
        local_date=school.local(at).date(),
        generation=current.new.generation,
        requested_by_id=by,
        reason=reason,
        queued_at=at,
        expects=current.digest,
    )
    current.run = run
    current.save(update_fields=["run"])
    note(current, "cut_over_requested", by=by, at=at, reason=reason)
    runs.enqueue_run(school, run)
    return run


def cut_over(*, school: School, run: int, clock: runs.Clock = timezone.now) -> Run:
    """Carry a requested cut-over to its end; carrying out one that is over does nothing.

    Raises:
        sync.operations.runs.AnotherRunIsOn: come back later.
        sync.operations.runs.InternalFault: what no one foresaw; the run is marked failed first.
    """
    return runs.perform(school=school, run=run, clock=clock, carry=_move)


class Move(NamedTuple):
    """What a cut-over is made from: what is held, what the new MIS says, and what was reviewed."""

    change: MisChange
    link: Connection
    held: Snapshot
    roster: Roster
    reviewed: Matching


def _move(school: School, run: Run, _: Connection, clock: runs.Clock) -> Run:
    """Read the new MIS once more, then do all the rest in one transaction."""
    stages = ends.Stages()
    with scope.school(school.pk):
        link = Connection.objects.get(active=False, generation=run.generation)
    with connections.reader(link, pages=watching.pages(None)) as connector:
        extracted = extract(connector, told=watching.rows)
    stages.done("extract", f"{sum(extracted.rows.values())} rows")
    roster = normalise(extracted.records, today=run.local_date)
    stages.done("normalise", f"{len(roster.refusals)} refused")
    watching.stage("comparing")
    with scope.school(school.pk):
        runs.alone()
        current: Run = Run.objects.get(pk=run.pk)  # not locked: who cancels must not wait until all is written
        change = MisChange.objects.select_for_update().filter(run=run, state=MisChange.State.REHEARSED).first()
        if change is None or change.digest != current.expects:
            return ends.end(current, Run.Status.HELD, clock(), error=_CALLED_OFF)
        held = snapshot(generation=link.generation)
        found = matched(held, roster)
        if found.digest() != change.digest:
            keep(change, held, roster, found, at=clock())
            return ends.end(current, Run.Status.HELD, clock(), error=_OTHERWISE)
        move = Move(change, link, held, roster, found)
        return _carry_out(move, school, current, stages, at=clock())


def _carry_out(move: Move, school: School, run: Run, stages: ends.Stages, *, at: datetime.datetime) -> Run:
    """Write it, prove it, and let the new MIS be the one that is read.

    Raises:
        Doubtful: somebody would stand otherwise than before; nothing is written.
    """
    if open_ones := moving.unanswered(move.change):
        return ends.end(run, Run.Status.HELD, at, error=_OPEN_QUESTIONS.format(open_ones))
    before = evidence()
    rows = cutover.taken(move.reviewed, move.change.answers)
    notes = cutover.notes(move.held, move.roster, rows[Kind.STUDENTS])
    matched_rows = rows | {Kind.CLASSES: cutover.classes(move.held, move.roster)}
    known = cutover.known(move.held, matched_rows, notes)
    gated = _planned(move, known, rows, rules_of(school), night=run.local_date)
    gated = cutover.rekeyed(gated, known, matched_rows, snapshot(generation=move.change.old.generation))
    stages.done("plan", f"{gated.writes} changes")
    was = renumber(notes)
    apply(gated, known, run=run, school=school, at=at)
    switch(off=Connection.objects.get(active=True), on=move.link)
    stages.done("apply", f"{gated.writes} changes written")
    change = move.change
    change.proof = _proof(move.held, gated, before)
    stages.done("proof", f"{len(before.logins)} logins and {len(before.stakes)} stakes as before")
    change.state, change.ended_at, change.records = MisChange.State.CUT_OVER, at, {}
    change.found = {**change.found, "notes": was}
    change.save()
    note(change, "cut_over", by=run.requested_by_id, at=at, reason=run.reason)
    return ends.report(run, gated, move.roster, stages, at=at)


def _proof(held: Snapshot, done: Plan, before: Evidence) -> dict[str, Any]:
    """Return {before, after, kept} as plain values; `kept` compares those who were held before, person by person.

    Whoever comes back by this may win something, such as the login of their address; nobody else may.

    Raises:
        Doubtful: somebody stands otherwise than before.
    """
    back = {(one.kind, one.id) for one in done.standings if one.action is Action.REJOIN}
    people = {(kind, row) for kind in PEOPLE for row in held.records[kind]} - back
    after = evidence()
    theirs, now = before.only(people), after.only(people)
    if fault := differences(theirs, now):
        raise Doubtful(f"After this {fault}. So nothing was changed; our people look at it.")
    kept = {"before": theirs.digests(), "after": now.digests()}
    return {"before": before.told(), "after": after.told(), "kept": kept}


def _planned(move: Move, known: Snapshot, rows: Rows, rules: Rules, *, night: datetime.date) -> Plan:
    """Return the plan of a snapshot in which all who were matched are known."""
    answers = move.change.answers
    clear = cutover.believed(move.roster, rows)
    rules = msgspec.structs.replace(rules, rollover=True)  # classes may all be others
    wish = plan(known, clear, rules, night=night)
    if decided := cutover.settled(wish.holds, rows, answers):
        wish = plan(known, clear, rules, night=night, decided=decided)
    gated = gate(cutover.staying(wish), known, clear, rules, decided=decided)
    gone = cutover.departing(move.reviewed, answers, moving.leaving(move.change), night=night)
    return cutover.agreed(gated, known, clear, gone)


def renumber(notes: Mapping[Kind, Mapping[int, str]]) -> dict[str, dict[str, str]]:
    """Give notes and needs other refs, and return those that they had, by kind and row."""
    was: dict[str, dict[str, str]] = {}
    for kind, refs in notes.items():
        rows = MODELS[kind]._default_manager.filter(pk__in=refs)  # noqa: SLF001 the scoped one
        was[kind.value] = {str(row): ref for row, ref in rows.values_list("id", "ref")}
        # By way of refs that no MIS gives, for two notes may change places and the unique index looks at every row.
        bulk.amend(MODELS[kind], ("id", "ref"), ((row, f"row {row} moves") for row in refs))
        bulk.amend(MODELS[kind], ("id", "ref"), refs.items())
    return was


def switch(*, off: Connection, on: Connection) -> None:
    """Let one connection be read instead of the other."""
    for link, active in ((off, False), (on, True)):
        link.active = active
        link.save(update_fields=["active"])
