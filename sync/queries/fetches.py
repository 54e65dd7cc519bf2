"""How a school's attendance marks were fetched: today in words, and day by day (R14, R15). Names nobody."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from sync import clock, sentences
from sync.models import ParkedMark, Run, Slot
from tenants.models import School

DAYS: Final = 14  # as far back as a page tells
_NAMES: Final[Mapping[str, str]] = {clock.Slot.MORNING: "The morning", clock.Slot.AFTERNOON: "The afternoon"}

Tone = Literal["ok", "warn", "bad", "info", "muted"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fetch:
    """One fetch, or a slot that had none: “The morning: read at 09:31, 12 min ago.”"""

    name: str
    words: str
    tone: Tone
    run: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Day:
    """A day's fetches, the morning first."""

    date: datetime.date
    fetches: tuple[Fetch, ...]


def today(school: School, *, now: datetime.datetime) -> tuple[Fetch, ...]:
    """Return today's fetches of the open school in words, each with its age; two queries."""
    date = school.local(now).date()
    days = _days(school, since=date, now=now)
    return days[0].fetches if days and days[0].date == date else ()


def lately(school: School, *, now: datetime.datetime) -> tuple[Day, ...]:
    """Return the fetches of the last days at the open school, the latest day first; two queries."""
    return _days(school, since=school.local(now).date() - datetime.timedelta(days=DAYS), now=now)


def parked() -> int:
    """Return how many marks of the open school wait for a student whom the roster has not brought; one query."""
    return int(ParkedMark.objects.count())


def _days(school: School, *, since: datetime.date, now: datetime.datetime) -> tuple[Day, ...]:
    runs = list(Run.objects.filter(kind=Run.Kind.ATTENDANCE, local_date__gte=since).order_by("queued_at", "id"))
    slots = Slot.objects.filter(school=school, kind=Run.Kind.ATTENDANCE, local_date__gte=since, run=None)
    empty = list(slots.order_by("due_at"))
    dates = sorted({*(run.local_date for run in runs), *(slot.local_date for slot in empty)}, reverse=True)
    return tuple(Day(date=date, fetches=tuple(_fetches(school, date, runs, empty, now))) for date in dates)


def _fetches(
    school: School, date: datetime.date, runs: Iterable[Run], empty: Iterable[Slot], now: datetime.datetime
) -> list[Fetch]:
    found = [(one.due_at, _passed_over(one)) for one in empty if one.local_date == date]
    found += [(one.queued_at, _fetched(school, one, now)) for one in runs if one.local_date == date]
    return [fetch for _, fetch in sorted(found, key=lambda pair: pair[0])]


def _passed_over(slot: Slot) -> Fetch:
    """Say why a slot had no run; a day without school is nothing amiss."""
    amiss = slot.outcome != Slot.Outcome.NO_SCHOOL
    return Fetch(
        name=_NAMES[slot.slot], words=f"not read: {slot.get_outcome_display()}", tone="warn" if amiss else "muted"
    )


def _fetched(school: School, run: Run, now: datetime.datetime) -> Fetch:
    name = _NAMES.get(run.slot, "In between")
    at = school.local(run.finished_at or run.started_at or run.queued_at)
    words, tone = _ended(run, at, now)
    return Fetch(name=name, words=words, tone=tone, run=run.pk)


def _ended(run: Run, at: datetime.datetime, now: datetime.datetime) -> tuple[str, Tone]:
    """Return how a run stands in words, and how that looks."""
    match run.status:
        case Run.Status.OK:
            return f"read at {at:%H:%M}, {sentences.ago(now - at)}{', late' if run.late else ''}", "ok"
        case Run.Status.PARTIAL:
            return f"read in part at {at:%H:%M}, {sentences.ago(now - at)}", "warn"
        case Run.Status.FAILED:
            return f"failed at {at:%H:%M}: {run.error or 'nothing was changed.'}", "bad"
        case Run.Status.HELD:
            return f"held at {at:%H:%M}, for a person to look at it", "warn"
        case Run.Status.CANCELLED:
            return f"cancelled at {at:%H:%M}", "muted"
        case Run.Status.RUNNING:
            return f"is being read since {at:%H:%M}", "info"
        case _:
            return f"waits for its turn since {at:%H:%M}", "info"
