"""Rehearsing a change of MIS: the new one is read, everybody is matched, and nothing of it is written (R25)."""

import datetime
from collections.abc import Iterator
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from sync.models import ROLL_BACK_WITHIN, Connection, MisChange, Trial
from sync.operations import connections, runs, trials
from sync.operations.mis_change.project import OutOfTurn, locked
from sync.pipeline import cutover
from sync.pipeline.extract import extract
from sync.pipeline.held import FIELDS, PEOPLE, Snapshot
from sync.pipeline.matching import Matching, matching
from sync.pipeline.normalise import normalise
from sync.pipeline.plan.people import said
from sync.pipeline.roster import Roster
from sync.pipeline.snapshot import snapshot
from sync.records import NOT_SHARED, Kind
from tenants import scope
from tenants.models import School


@transaction.atomic
def request_rehearsal(change: MisChange, *, school: School, by: int, at: datetime.datetime) -> Trial:
    """Have a worker match everybody with the new MIS; while one is at it, that one is returned.

    Raises:
        OutOfTurn: the change is over or being carried out, or the new MIS is not connected.
    """
    if locked(change).new is None:
        raise OutOfTurn("Connect the new MIS first.")
    return trials.ask(school=school, kind=Trial.Kind.REHEARSAL, at=at, by=by)


def rehearse(*, school: School, trial: int, clock: runs.Clock = timezone.now) -> None:
    """Carry out a rehearsal; carrying out one that is over does nothing.

    Raises:
        sync.operations.runs.InternalFault: what no one foresaw; the rehearsal is ended first.
    """
    trials.perform(school=school, trial=trial, clock=clock, look=_look)


def _look(school: School, link: Connection, clock: runs.Clock) -> dict[str, Any]:
    night = school.local(clock()).date()
    with connections.reader(link) as connector:
        roster = normalise(extract(connector).records, today=night)
    with scope.school(school.pk):
        change = MisChange.objects.select_for_update().filter(new=link, state__in=MisChange.OPEN).first()
        if change is None:
            return {"error_kind": "refused", "error": "The change of MIS was called off meanwhile."}
        held = snapshot(generation=link.generation)
        keep(change, held, roster, matched(held, roster), at=clock())
        return {"summary": change.found, "plan_hash": change.digest}


def matched(held: Snapshot, roster: Roster) -> Matching:
    """Match a roster of the new MIS with all we hold of people: left, added by hand, of whatever generation."""
    return matching(held, roster, among={kind: frozenset(held.records[kind]) for kind in PEOPLE})


def keep(change: MisChange, held: Snapshot, roster: Roster, found: Matching, *, at: datetime.datetime) -> None:
    """Keep a matching for review; answers about what is no longer asked are forgotten."""
    change.state, change.rehearsed_at = MisChange.State.REHEARSED, at
    change.matching, change.digest = msgspec.to_builtins(found), found.digest()
    change.found = _found(held, roster, found, until=at.date() + ROLL_BACK_WITHIN)
    asked = {question.key: question for question in cutover.doubts(found)}
    change.records = {key: list(_facts(roster, one.kind, one.ref)) for key, one in asked.items()}
    rows = {f"row:{kind}:{row}" for kind in PEOPLE for row in held.records[kind]}
    change.answers = {
        key: choice
        for key, choice in change.answers.items()
        if key in rows or (key in asked and choice in asked[key].choices)
    }
    change.save()


def _found(held: Snapshot, roster: Roster, found: Matching, *, until: datetime.date) -> dict[str, Any]:
    """Return {people, leaving, readdressed, classes, not_shared, remarks} as plain values, without a name.

    A leaving date that is far off concerns no cut-over.
    """
    rows = cutover.taken(found, {})
    days = {
        kind: {str(row): day.isoformat() for row, day in of.items() if day <= until}
        for kind, of in cutover.leaving(roster, held, rows).items()
    }
    return {
        "people": [_numbers(held, roster, found, kind) for kind in PEOPLE],
        "leaving": {kind.value: days[kind] for kind in PEOPLE},
        "readdressed": {kind.value: sum(_readdressed(held, roster, kind, rows[kind])) for kind in PEOPLE},
        "classes": {"theirs": len(roster.classes), "matched": len(cutover.classes(held, roster))},
        "not_shared": [kind.value for kind in Kind if kind not in roster.complete and not roster.of(kind)],
        "remarks": list(roster.remarks),
    }


def _numbers(held: Snapshot, roster: Roster, found: Matching, kind: Kind) -> dict[str, Any]:
    of = found.of(kind)
    return {
        "kind": kind.value,
        "ours": sum(one.here for one in held.records[kind].values()),
        "theirs": len(roster.of(kind)),
        "matched": len(of.pairs),
        "doubts": len(of.doubts),
        "new": len(of.new),
    }


def _readdressed(held: Snapshot, roster: Roster, kind: Kind, rows: dict[str, int]) -> Iterator[bool]:
    """Yield for each matched person whether the new MIS gives another address than the one in use."""
    for ref, row in rows.items():
        email = roster.of(kind)[ref].email
        yield email is not NOT_SHARED and bool(email) and email != held.records[kind][row].email


def _facts(roster: Roster, kind: Kind, ref: str) -> Iterator[tuple[str, str]]:
    record = roster.of(kind)[ref]
    email = "" if record.email is NOT_SHARED else record.email
    for field, value in (*zip(FIELDS[kind], said(kind, record), strict=True), ("email", email)):
        if value not in (None, ""):
            yield field, str(value)
