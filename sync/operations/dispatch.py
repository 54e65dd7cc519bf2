"""The clock's hand: claims what is due, once each, and queues what it calls for (R10, R14, R17).

Any number of dispatchers may be at work: a claim is a row that can be there once only.
"""

import dataclasses
import datetime
import itertools
import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from django.db import connection

from sync import clock
from sync.models import Pulse, Run, Slot
from sync.operations import connections, runs
from sync.queries import slots
from tenants import scope
from tenants.models import School
from tenants.queries import is_school_day

log = logging.getLogger(__name__)

KEPT: Final = datetime.timedelta(days=400)  # a year's claims, to be looked at; more would be three rows a day for ever
MOST_AT_ONCE: Final = 2_000  # claims of one turn …
LONGEST: Final = 45.0  # … and seconds, so that a turn after a long silence ends before the next one begins


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dispatched:
    """What one turn did: slots claimed, runs queued, and how many are due and wait for the next turn."""

    claimed: int
    runs: int
    left: int


def dispatch(*, at: datetime.datetime, most: int = MOST_AT_ONCE, longest: float = LONGEST) -> Dispatched:
    """Claim what is due at this instant and queue its runs, the longest due first; then leave the pulse.

    It ends behind `most` claims, or once it has taken `longest` seconds. A school that cannot be dispatched is logged
    and tried again in the next turn; nobody else waits for it.
    """
    began = time.monotonic()
    due = slots.unclaimed(at=at)
    claims: list[Slot] = []
    for claimed in itertools.islice(_claims(due, at=at), most):
        claims.append(claimed)
        if time.monotonic() - began > longest:
            break
    done = Dispatched(claimed=len(claims), runs=sum(one.run is not None for one in claims), left=len(due) - len(claims))
    beat = {"at": at, "seconds": time.monotonic() - began, "claimed": done.claimed, "left": done.left}
    Pulse.objects.update_or_create(name=Pulse.DISPATCH, defaults=beat)
    return done


def _claims(due: Iterable[clock.Due], *, at: datetime.datetime) -> Iterator[Slot]:
    """Claim one after the other and yield the claims that were made: whoever has a fault uses up nobody's turn.

    Raises:
        django.db.OperationalError: the database is gone. No pulse is left then, and that is noticed.
    """
    for one in due:
        claimed = None
        try:
            with scope.school(one.school):
                claimed = claim(one, at=at)
        except Exception as fault:  # whatever it is, the other schools' nights must not wait for it
            if not connection.is_usable():
                raise
            log.error("slot %s of school %s: %s", one.slot, one.school, runs.whereabouts(fault))  # noqa: TRY400 - may quote rows
        # If it was the broker that failed, the claim is committed, and its run waits until it is sent again.
        if claimed:
            yield claimed


def claim(due: clock.Due, *, at: datetime.datetime) -> Slot | None:
    """Claim one slot of the open school and queue its run, in one transaction; None: somebody else has claimed it."""
    school = School.objects.get(pk=due.school)
    late = at - due.at > clock.LATE_AFTER
    slot, claimed = Slot.objects.get_or_create(
        school=school,
        kind=due.slot.kind,
        slot=due.slot,
        local_date=due.date,
        defaults={"due_at": due.at, "claimed_at": at, "late": late, "outcome": Slot.Outcome.RUN},
    )
    if not claimed:
        return None
    try:
        slot.run = _run(school, due, late=late, at=at).pk
    except tuple(_WITHOUT) as why:
        slot.outcome = next(outcome for kind, outcome in _WITHOUT.items() if isinstance(why, kind))
    slot.save(update_fields=["run", "outcome"])
    return slot


class _Suspended(Exception):
    """The school is suspended: nothing runs (R10)."""


class _NoSchool(Exception):
    """It is a closure or no weekday of theirs: no marks are expected (R14)."""


_WITHOUT: Final[Mapping[type[Exception], Slot.Outcome]] = {
    _Suspended: Slot.Outcome.SUSPENDED,
    _NoSchool: Slot.Outcome.NO_SCHOOL,
    connections.NotConnected: Slot.Outcome.NOT_CONNECTED,
    connections.Frozen: Slot.Outcome.FROZEN,  # a kind of pause, so before it
    connections.Paused: Slot.Outcome.PAUSED,
    runs.Unseen: Slot.Outcome.NOT_CONFIRMED,
    runs.NotShared: Slot.Outcome.NOT_SHARED,
}


def _run(school: School, due: clock.Due, *, late: bool, at: datetime.datetime) -> Run:
    if school.status != School.Status.ACTIVE:
        raise _Suspended
    runs.check_seen()
    if due.slot is not clock.Slot.NIGHT and not is_school_day(school, due.date):
        raise _NoSchool
    return runs.request(
        school=school,
        kind=Run.Kind(due.slot.kind),
        trigger=Run.Trigger.SCHEDULE,
        slot=due.slot,
        night=due.date,
        late=late,
        at=at,
    )


def forget(*, at: datetime.datetime) -> int:
    """Forget the claims of more than a year ago, whose runs stay; return how many."""
    return Slot.objects.filter(local_date__lt=(at - KEPT).date()).delete()[0]
