"""Where a school’s data comes from, how fresh it is, and when it is read next (R21)."""

import dataclasses
import datetime
import heapq
import itertools
from collections.abc import Callable, Mapping
from typing import Final

from django.db.models import Exists, OuterRef
from django.utils import timezone

from sync import clock, registry, sentences
from sync.models import Connection, MisChange, Pulse, Run
from sync.queries.health import SILENT_AFTER
from sync.queries.slots import timing_of
from tenants.models import School
from tenants.queries import Calendar, calendar

MISSED_AFTER: Final = datetime.timedelta(hours=1)  # by then a slot’s run must have ended, or it counts as missed
TOO_MANY: Final = 2  # slots in a row without a good run: from here on a page says so aloud
_AHEAD: Final = datetime.timedelta(days=366)
_BEHIND: Final = datetime.timedelta(days=120)  # the longest holidays

_PAUSED: Final = "reading is paused"
_FROZEN: Final = "the change of MIS is not over"
_NO_MIS: Final = "no MIS is connected"
_SILENT: Final = "our clock stands still, and our people know"
_NOTHING: Final = "nothing has come since"
_WHY: Final[Mapping[str, str]] = {
    Run.Status.QUEUED: "a run waits for its turn",
    Run.Status.RUNNING: "a run is still under way",
    Run.Status.FAILED: "the last run failed",
    Run.Status.HELD: "the last run waits for a person",
    Run.Status.CANCELLED: "the last run was cancelled",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Freshness:
    """How fresh the open school's data is: the last run that reached it, and the kinds that run read to their end."""

    source: str
    at: datetime.datetime | None
    kinds: frozenset[str]
    then: datetime.datetime | None = None  # when it is read next
    halted: str = ""  # why it is not read by itself now, in words
    overdue: str = ""  # why it is older than it should be, in words; "" while it is not
    reads_marks: bool = False  # whether attendance marks can be read from this MIS

    def shares(self, kind: str) -> bool:
        """Whether the MIS shares this kind: without it, no row means "not shared", never "none" (R4)."""
        return kind in self.kinds

    def say(self, now: datetime.datetime, zone: datetime.tzinfo) -> str:
        """Return the line for a page, in the school's own time (R21)."""
        at, then = (moment.astimezone(zone) if moment else None for moment in (self.at, self.then))
        return sentences.freshness(
            source=self.source,
            at=at,
            now=now.astimezone(zone),
            then=then,
            halted=self.halted,
            overdue=self.overdue,
        )


def freshness(*, now: Callable[[], datetime.datetime] = timezone.now) -> Freshness:
    """Return how fresh the open school's roster is, in two queries; in four where it is older than it should be."""
    return _freshness(Run.Kind.ROSTER, now())


def _freshness(kind: Run.Kind, now: datetime.datetime) -> Freshness:
    run = Run.objects.finished().whole(kind).order_by("-finished_at", "-id").first()
    link = _link()
    at = run.finished_at if run else None
    fresh = Freshness(source=_source(link), at=at, kinds=frozenset(run.kinds) if run else frozenset())
    if link is None:
        return dataclasses.replace(fresh, halted=_NO_MIS)
    frozen: bool = link.frozen  # type: ignore[attr-defined] # annotated by `_link`
    halted = _FROZEN if frozen else _PAUSED if link.paused_reason else ""
    counts = _every_day if kind == Run.Kind.ROSTER else _days(link.school, now).is_school_day
    return dataclasses.replace(
        fresh,
        reads_marks=any(known.key == link.connector and known.sessions for known in registry.connectors()),
        halted=halted,
        then=None if halted else next_time(link.school, kind, now, counts=counts),
        overdue=(halted or _why(kind, now)) if at and is_overdue(link.school, kind, at, now, counts=counts) else "",
    )


def marks_freshness(*, now: Callable[[], datetime.datetime] = timezone.now) -> Freshness:
    """Return how fresh the open school's marks are, in three queries; in five where they are older than they should be.

    Slots on days without school are none, so holidays make nothing old.
    """
    return _freshness(Run.Kind.ATTENDANCE, now())


def _every_day(_: datetime.date) -> bool:
    return True


def _days(school: School, now: datetime.datetime) -> Calendar:
    today = school.local(now).date()
    return calendar(school, today - _BEHIND, today + _AHEAD)


def next_time(
    school: School, kind: Run.Kind, now: datetime.datetime, *, counts: clock.Counts
) -> datetime.datetime | None:
    """Return when this kind is read next, None if not within a year; no query."""
    coming = (next(clock.ahead(timing_of(school), slot, now, counts=counts), None) for slot in _slots(kind))
    return min((due.at for due in coming if due), default=None)


def is_overdue(
    school: School, kind: Run.Kind, at: datetime.datetime, now: datetime.datetime, *, counts: clock.Counts
) -> bool:
    """Whether two slots or more have passed without a good run since this one; no query.

    It is judged by what was due and not by what was claimed: a clock that stands still leaves no rows.
    """
    long_ago = now - MISSED_AFTER
    each = [clock.behind(timing_of(school), slot, long_ago, counts=counts) for slot in _slots(kind)]
    latest = heapq.merge(*each, key=lambda due: due.at, reverse=True)
    due = list(itertools.islice(latest, TOO_MANY))
    return len(due) == TOO_MANY and at < due[-1].at


def _slots(kind: Run.Kind) -> list[clock.Slot]:
    return [slot for slot in clock.Slot if slot.kind == kind]


def _why(kind: Run.Kind, now: datetime.datetime) -> str:
    """Return why no good run has come for so long, as far as it can be told in a line."""
    pulse = Pulse.objects.filter(name=Pulse.DISPATCH).first()
    if pulse is None or pulse.at < now - SILENT_AFTER:
        return _SILENT
    last = Run.objects.whole(kind).order_by("-queued_at", "-id").first()
    return _WHY.get(last.status, _NOTHING) if last else _NOTHING


def _link() -> Connection | None:
    """Return the active connection with its school and system, and whether a change of MIS is open; one query."""
    changing = MisChange.objects.filter(school=OuterRef("school"), state__in=MisChange.OPEN)
    found: Connection | None = (
        Connection.objects.filter(active=True)
        .select_related("product", "school")
        .annotate(frozen=Exists(changing))
        .first()
    )
    return found


def source() -> str:
    """Return where the open school's data comes from: “SIMS via Wonde”, “CSV files”, or “your MIS”."""
    return _source(Connection.objects.filter(active=True).select_related("product").first())


def _source(connection: Connection | None) -> str:
    if connection is None:
        return "your MIS"
    if connection.product:
        return str(connection.product)
    labels = {candidate.key: candidate.label for candidate in registry.connectors()}
    return labels.get(connection.connector, "your MIS")
