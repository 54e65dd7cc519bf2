"""The schedule board: every school's last and next slots, and how each of them is, the worst first (R10, R14).

Read as a whole, in a number of queries that no number of schools changes; judged by functions that know no database.
"""

import dataclasses
import datetime
import enum
import zoneinfo
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from sync import clock, registry
from sync.models import Connection, MisChange, Pulse, Run, Slot, Trouble
from sync.queries.health import SILENT_AFTER
from sync.queries.slots import timing_of
from tenants import scope
from tenants.models import Closure, School
from tenants.queries import Calendar

NEXT: Final = 3
HOURS: Final = 24
_DAY: Final = datetime.timedelta(days=1)
_HOUR: Final = datetime.timedelta(hours=1)
_BACK: Final = 3  # dates back in which a slot's last turn lies, also where a zone leaves a date out
_AHEAD: Final = 7  # days in which the next slots of a page lie


class State(enum.StrEnum):
    """What became of one slot; `SKIPPED` says itself why nothing ran."""

    NONE = "nothing was due yet"
    MISSED = "missed"
    OVERDUE = "due, and not started"
    DUE = "due now"
    QUEUED = "waiting for a worker"
    RUNNING = "running"
    RETRY = "the MIS was busy; it is tried again"
    DONE = "finished"
    PART = "finished, part held"
    HELD = "held"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "nothing ran"


class Health(enum.StrEnum):
    """How a school's syncs are, the worst first; no colour is needed to tell them apart."""

    MISSED = "missed"
    TROUBLE = "trouble"
    PAUSED = "paused"
    HELD = "held"
    LATE = "late"
    FROZEN = "frozen"
    NOT_CONFIRMED = "not confirmed"
    NOT_CONNECTED = "not connected"
    WAITING = "waiting"
    GOOD = "good"
    SUSPENDED = "suspended"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One slot's last turn: when it was due, what became of it, and how far behind its time it began."""

    slot: clock.Slot
    state: State
    date: datetime.date | None = None
    due: datetime.datetime | None = None
    began: datetime.datetime | None = None
    late: datetime.timedelta | None = None
    words: str = ""

    @property
    def lateness(self) -> str:
        """Say how late it is: “40 min late”, “2 h 5 min late”, "" if it is not."""
        if self.late is None:
            return ""
        hours, minutes = divmod(round(self.late / datetime.timedelta(minutes=1)), 60)
        return f"{hours} h {minutes} min late" if hours else f"{minutes} min late"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What a school's health is judged by."""

    suspended: bool = False
    connected: bool = True
    frozen: bool = False
    paused: str = ""
    strange_zone: bool = False
    troubles: Sequence[tuple[str, str]] = ()  # (reason, sentence) of what is open
    looks: Sequence[Look] = ()


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """A claimed slot and the run it queued, as far as the board asks."""

    outcome: str
    retry_at: datetime.datetime | None = None
    status: str = ""  # of the run
    began: datetime.datetime | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Next:
    """A slot that comes: the instant (UTC), the school's own time, and why nothing will be read, "" if it will."""

    slot: clock.Slot
    at: datetime.datetime
    local: datetime.datetime
    without: str = ""

    @property
    def words(self) -> str:
        """Say the school's own time: “Tue 01:13”."""
        return f"{self.local:%a %H:%M}"


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One school of the board."""

    school: School
    mis: str
    health: Health
    why: str
    looks: tuple[Look, ...]
    calendar: Calendar

    def upcoming(self, now: datetime.datetime) -> tuple[Next, ...]:
        """Return its next slots, the soonest first; no query."""
        try:
            found = clock.upcoming(timing_of(self.school), now, number=NEXT)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return ()
        return tuple(
            Next(slot=due.slot, at=due.at, local=self.school.local(due.at), without=self._without(due)) for due in found
        )

    def _without(self, due: clock.Due) -> str:
        return "" if due.slot is clock.Slot.NIGHT else self.calendar.why_no_school(due.date)


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Hour:
    """How many schools are due within an hour (UTC), by what is read."""

    at: datetime.datetime
    roster: int
    attendance: int


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Every school that was asked for, the worst first, and what is told of all of them."""

    lines: tuple[Line, ...]
    counts: Mapping[Health, int]
    hours: tuple[Hour, ...]
    mis: tuple[str, ...]
    zones: tuple[str, ...]
    pulse: datetime.datetime | None
    now: datetime.datetime

    @property
    def silent(self) -> bool:
        """Whether the clock has fallen silent: nothing is claimed then."""
        return self.pulse is None or self.now - self.pulse > SILENT_AFTER


def judge(of: Standing) -> tuple[Health, str]:
    """Return how a school is, and one sentence why: the first that holds, so that the worst is never hidden."""
    states = {look.state for look in of.looks}
    missed = [look.slot.value for look in of.looks if look.state is State.MISSED]
    troubles = [says for reason, says in of.troubles if reason != "held"]
    late = [look for look in of.looks if look.late or look.state is State.OVERDUE]
    skipped = {look.words for look in of.looks if look.state is State.SKIPPED}
    rules: tuple[tuple[Any, Health, str], ...] = (
        (of.suspended, Health.SUSPENDED, "The school is suspended: nothing runs."),
        (not of.connected, Health.NOT_CONNECTED, "No MIS is connected."),
        (of.strange_zone, Health.TROUBLE, "It lives by no time zone we know, so nothing is due."),
        (missed, Health.MISSED, f"Missed: {', '.join(missed)}."),
        (of.frozen, Health.FROZEN, "The school changes its MIS: nothing is read until that is over."),
        (of.paused, Health.PAUSED, of.paused),
        (
            str(Slot.Outcome.NOT_CONFIRMED.label) in skipped,
            Health.NOT_CONFIRMED,
            "Nobody has confirmed its first sync.",
        ),
        (troubles, Health.TROUBLE, troubles[0] if troubles else ""),
        (State.FAILED in states, Health.TROUBLE, "Its last sync failed."),
        (states & {State.HELD, State.PART} or of.troubles, Health.HELD, "Something waits for a person to decide."),
        (late, Health.LATE, "It began later than it should." if late else ""),
        (states & _MOVING or states <= {State.NONE}, Health.WAITING, "A slot waits for its turn."),
    )
    return next(((health, why) for holds, health, why in rules if holds), (Health.GOOD, ""))


_MOVING: Final = frozenset({State.DUE, State.QUEUED, State.RUNNING, State.RETRY, State.CANCELLED})


def look(slot: clock.Slot, due: clock.Due | None, claim: Claim | None, *, now: datetime.datetime) -> Look:
    """Return what became of a slot's last turn; `due` is None before the school's first."""
    if due is None:
        return Look(slot=slot, state=State.NONE)
    began = claim.began if claim else None
    state = _state(due, claim, now)
    behind = (began or now) - due.at
    counts = bool(claim) and (began is not None or state is State.QUEUED)  # what never ran was never late
    return Look(
        slot=slot,
        state=state,
        date=due.date,
        due=due.at,
        began=began,
        late=behind if counts and behind > clock.LATE_AFTER else None,
        words=str(Slot.Outcome(claim.outcome).label) if claim and state is State.SKIPPED else state.value,
    )


def _state(due: clock.Due, claim: Claim | None, now: datetime.datetime) -> State:
    if claim is None and now >= due.until:
        return State.MISSED
    if claim is None:
        return State.OVERDUE if now - due.at > clock.LATE_AFTER else State.DUE
    if claim.outcome != Slot.Outcome.RUN:
        return State.SKIPPED
    if claim.retry_at:
        return State.RETRY
    return _ENDS.get(claim.status, State.FAILED)  # a claim whose run is gone has brought nothing


_ENDS: Final[Mapping[str, State]] = {
    Run.Status.QUEUED: State.QUEUED,
    Run.Status.RUNNING: State.RUNNING,
    Run.Status.OK: State.DONE,
    Run.Status.PARTIAL: State.PART,
    Run.Status.HELD: State.HELD,
    Run.Status.FAILED: State.FAILED,
    Run.Status.CANCELLED: State.CANCELLED,
}


def last_due(timing: clock.Timing, slot: clock.Slot, now: datetime.datetime) -> clock.Due | None:
    """Return the last turn of a slot that is behind us, None if none was the school's yet."""
    return next(clock.behind(timing, slot, now, counts=_any_day), None)


def _any_day(_: datetime.date) -> bool:
    return True  # a day without school is claimed as well, with that as its outcome


def load(schools: Iterable[tuple[School, Calendar]], now: datetime.datetime) -> tuple[Hour, ...]:
    """Count how many schools are due within each of the next hours (UTC), the present one first."""
    first = now.astimezone(datetime.UTC).replace(minute=0, second=0, microsecond=0)
    found: Counter[tuple[int, str]] = Counter()
    for school, calendar in schools:
        found.update(_hours(school, calendar, first))
    return tuple(
        Hour(at=first + number * _HOUR, roster=found[number, "roster"], attendance=found[number, "attendance"])
        for number in range(HOURS)
    )


def _hours(school: School, calendar: Calendar, first: datetime.datetime) -> Iterator[tuple[int, str]]:
    timing = timing_of(school)
    date = school.local(first).date()
    for day in (date, date + _DAY):
        for slot in clock.Slot:
            at = clock.due_at(timing, slot, day)
            hour = (at - first) // _HOUR if at else -1
            if 0 <= hour < HOURS and (slot is clock.Slot.NIGHT or calendar.is_school_day(day)):
                yield hour, slot.kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Filters:
    """What somebody wants to see of the board; empty is everything."""

    health: str = ""
    zone: str = ""
    mis: str = ""
    search: str = ""

    def lets(self, line: Line) -> bool:
        """Whether a school is shown, whatever its health."""
        wanted = self.search.casefold().strip()
        return (
            self.zone in {"", line.school.timezone}
            and self.mis in {"", line.mis}
            and (not wanted or wanted in line.school.name.casefold() or wanted in line.school.slug)
        )


def board(*, now: datetime.datetime, filters: Filters | None = None) -> Board:
    """Return the board; called by support while no school is open. Eight queries."""
    wanted = filters or Filters()
    pulse = Pulse.objects.filter(name=Pulse.DISPATCH).first()
    with scope.everywhere(reason="schedule board"):
        facts = _Facts(now)
    every = [facts.line(school) for school in facts.schools]
    shown = [line for line in every if wanted.lets(line)]
    worst = sorted(shown, key=lambda line: (_WORST[line.health], line.school.name.casefold(), line.school.pk))
    reading = (line for line in every if line.looks and line.health not in _READ_NOTHING)
    return Board(
        lines=tuple(line for line in worst if wanted.health in {"", line.health.value}),
        counts=Counter(line.health for line in shown),
        hours=load(((line.school, line.calendar) for line in reading), now),
        mis=tuple(sorted({line.mis for line in every if line.mis})),
        zones=tuple(sorted({line.school.timezone for line in every})),
        pulse=pulse.at if pulse else None,
        now=now,
    )


_WORST: Final = {health: place for place, health in enumerate(Health)}
_READ_NOTHING: Final = frozenset({Health.SUSPENDED, Health.NOT_CONNECTED, Health.FROZEN, Health.NOT_CONFIRMED})


_OF_A_SCHOOL: Final = ("name", "slug", "status", "timezone", "morning_slot", "weekdays", "opened_at")


class _Facts:
    """All that the board reads, by school."""

    def __init__(self, now: datetime.datetime) -> None:
        self.now = now
        today = now.astimezone(datetime.UTC).date()
        recent = Slot.objects.filter(local_date__gte=today - _BACK * _DAY)
        self.schools = list(School.objects.only(*_OF_A_SCHOOL).order_by("timezone", "pk"))  # zones are read one by one
        self.runs = {
            pk: (status, began)
            for pk, status, began in Run.objects.filter(pk__in=recent.exclude(run=None).values("run"))
            .order_by()
            .values_list("pk", "status", "started_at")
        }
        self.claims = {key: self._claim(*rest) for key, *rest in _keyed(recent)}
        self.connections = {link.school_id: link for link in _connections()}
        self.frozen = set(MisChange.objects.filter(state__in=MisChange.OPEN).values_list("school_id", flat=True))
        self.troubles = _by_school(Trouble.objects.filter(over_at=None).order_by("since"))
        window = Closure.objects.filter(first__lte=today + _AHEAD * _DAY, last__gte=today - _DAY)
        self.closures = _by_school(window)
        self.labels = {connector.key: connector.label for connector in registry.connectors()}

    def _claim(self, outcome: str, retry_at: datetime.datetime | None, run: int | None) -> Claim:
        status, began = self.runs.get(run or 0, ("", None))
        return Claim(outcome=outcome, retry_at=retry_at, status=status, began=began)

    def line(self, school: School) -> Line:
        """Return one school's line of the board; no query."""
        link = self.connections.get(school.pk)
        looks = self._looks(school)
        health, why = judge(
            Standing(
                suspended=school.status != School.Status.ACTIVE,
                connected=link is not None,
                frozen=school.pk in self.frozen,
                paused=link.paused_reason if link else "",
                strange_zone=not looks,
                troubles=[(trouble.reason, trouble.says) for trouble in self.troubles.get(school.pk, ())],
                looks=looks,
            )
        )
        mis = (str(link.product) if link.product else self.labels.get(link.connector, link.connector)) if link else ""
        return Line(school=school, mis=mis, health=health, why=why, looks=looks, calendar=self._calendar(school))

    def _calendar(self, school: School) -> Calendar:
        closures = tuple((each.first, each.last, each.name) for each in self.closures.get(school.pk, ()))
        return Calendar(weekdays=frozenset(school.weekdays), closures=closures)

    def _looks(self, school: School) -> tuple[Look, ...]:
        timing = timing_of(school)
        try:
            due = {slot: last_due(timing, slot, self.now) for slot in clock.Slot}
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            return ()
        return tuple(look(slot, one, self._claim_of(one), now=self.now) for slot, one in due.items())

    def _claim_of(self, due: clock.Due | None) -> Claim | None:
        return self.claims.get((due.school, due.slot.value, due.date)) if due else None


def _keyed(recent: QuerySet[Slot]) -> Iterable[tuple[Any, ...]]:
    rows = recent.order_by().values_list("school_id", "slot", "local_date", "outcome", "retry_at", "run")
    return (((school, slot, date), *rest) for school, slot, date, *rest in rows)


def _connections() -> QuerySet[Connection]:
    found: QuerySet[Connection] = Connection.objects.filter(active=True).select_related("product").defer("settings")
    return found


def _by_school(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for row in rows:
        found.setdefault(row.school_id, []).append(row)
    return found
