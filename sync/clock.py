"""When a school's slots are due, as instants (R10, R11, R14). Pure: zones in, UTC out; no table and no clock.

A slot belongs to a date of the school's own calendar. Nothing here is a time of day in UTC that somebody adds hours
to: each instant is found in the zone itself, so a clock that is put forward or back needs no rule of its own.
"""

import datetime
import enum
import functools
import itertools
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

NIGHT_BEGINS: Final = datetime.time(1)
NIGHT_ENDS: Final = datetime.time(3)
AFTERNOON_BEGINS: Final = datetime.time(14, 30)
LATE_AFTER: Final = datetime.timedelta(minutes=10)  # behind its instant a slot is told as late (R14)
_SPREAD: Final = 0.92  # of the night: the last schools begin ten minutes before it ends, so that they begin within it
_GOLDEN: Final = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: neighbours in number lie far apart, evenly
_DAY: Final = datetime.timedelta(days=1)
_SECOND: Final = datetime.timedelta(seconds=1)
_YEAR: Final = 366  # days; whoever is closed for longer has no slots to speak of
_KEPT: Final = 2**15  # instants in memory: every zone's of some days; 10,000 schools live in a few dozen zones

Counts = Callable[[datetime.date], bool]  # whether a date counts: marks are read on days of school only


class Slot(enum.StrEnum):
    """One of the three times a day at which a school is due."""

    NIGHT = "night"
    MORNING = "morning"
    AFTERNOON = "afternoon"

    @property
    def kind(self) -> str:
        """What is read: the roster at night, attendance by day."""
        return "roster" if self is Slot.NIGHT else "attendance"


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """What decides when a school is due. `since`: what had begun by then is not theirs (R10)."""

    school: int
    zone: str
    morning: datetime.time
    since: datetime.datetime


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of one school's date: the instant it is due, and the one behind which it is missed."""

    school: int
    slot: Slot
    date: datetime.date
    at: datetime.datetime
    until: datetime.datetime


@functools.lru_cache(maxsize=1_000)  # all there are: zoneinfo itself keeps eight, and reads the others again each time
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@functools.lru_cache(maxsize=_KEPT)
def first_instant(zone: str, wall: datetime.datetime) -> datetime.datetime:
    """Return the first instant (UTC) at which the clocks of a zone show this or later; `wall` is naive.

    A time that comes twice is its first coming; a time that is left out is the end of the gap.

    Raises:
        zoneinfo.ZoneInfoNotFoundError, ValueError, OSError: that is no zone.
    """
    local = _zone(zone)
    after = wall.replace(tzinfo=local, fold=0).astimezone(datetime.UTC)
    if _shown(after, local) == wall:
        return after
    before = wall.replace(tzinfo=local, fold=1).astimezone(datetime.UTC)  # of a time left out, the earlier instant
    while after - before > _SECOND:  # the clocks are put forward somewhere in between, on a whole second
        middle = before + (after - before) // 2
        if _shown(middle, local) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _shown(instant: datetime.datetime, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    """Return what the clocks of a zone show, naive."""
    return instant.astimezone(zone).replace(tzinfo=None)


def on(zone: str, date: datetime.date, time: datetime.time) -> datetime.datetime | None:
    """Return the first instant of a date at which its clocks show this time or later, None if it has no such instant.

    Samoa had no 30 December 2011: nothing is due on a date that nobody lives.
    """
    instant = first_instant(zone, datetime.datetime.combine(date, time))
    return instant if today(zone, instant) == date else None


def today(zone: str, now: datetime.datetime) -> datetime.date:
    """Return the date of a zone's own calendar."""
    return now.astimezone(_zone(zone)).date()


def night(zone: str, date: datetime.date) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Return the ends of the night of a date (R11): the same instant where clocks skip it, None without the date."""
    begins = on(zone, date, NIGHT_BEGINS)
    return None if begins is None else (begins, first_instant(zone, datetime.datetime.combine(date, NIGHT_ENDS)))


def share(school: int) -> float:
    """Return a school's own place in the night, from 0 to 1: always the same, and neighbours far apart (R10)."""
    return (school * _GOLDEN % 2**64) / 2**64


def due_at(timing: Timing, slot: Slot, date: datetime.date) -> datetime.datetime | None:
    """Return the instant at which a slot is due, None on a date that the zone leaves out."""
    spans = _spans(timing.zone, timing.morning, date)
    return next((span.due_at(timing.school) for span in spans if span.slot is slot), None)


def missed_after(timing: Timing, slot: Slot, date: datetime.date) -> datetime.datetime:
    """Return the instant from which a slot is not caught up any more.

    The morning's marks until the afternoon's are due, which hold them as well; all else until the date is over.
    """
    return _until(timing.zone, slot, date)


def slots_of(timing: Timing, date: datetime.date) -> Iterator[Due]:
    """Yield the slots of one date in their order; a night that had begun before the school was there is not theirs."""
    for span in _spans(timing.zone, timing.morning, date):
        if span.begins >= timing.since:
            at = span.due_at(timing.school)
            yield Due(school=timing.school, slot=span.slot, date=date, at=at, until=span.until)


class _Span(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of a date for all schools that live alike: they are due as it begins, at night spread over `width`."""

    slot: Slot
    begins: datetime.datetime
    width: datetime.timedelta
    until: datetime.datetime

    def due_at(self, school: int) -> datetime.datetime:
        return self.begins + self.width * share(school) if self.width else self.begins


@functools.lru_cache(maxsize=_KEPT)
def _spans(zone: str, morning: datetime.time, date: datetime.date) -> tuple[_Span, ...]:
    found = {
        Slot.NIGHT: night(zone, date),
        Slot.MORNING: _by_day(zone, date, morning),
        Slot.AFTERNOON: _by_day(zone, date, AFTERNOON_BEGINS),
    }
    # A share of the night as it is, so that schools keep their order and their distance when it is short or long.
    return tuple(
        _Span(slot=slot, begins=ends[0], width=(ends[1] - ends[0]) * _SPREAD, until=_until(zone, slot, date))
        for slot, ends in found.items()
        if ends
    )


def _by_day(zone: str, date: datetime.date, time: datetime.time) -> tuple[datetime.datetime, datetime.datetime] | None:
    at = on(zone, date, time)
    return None if at is None else (at, at)


def _until(zone: str, slot: Slot, date: datetime.date) -> datetime.datetime:
    if slot is Slot.MORNING:
        return first_instant(zone, datetime.datetime.combine(date, AFTERNOON_BEGINS))
    return first_instant(zone, datetime.datetime.combine(date + _DAY, datetime.time()))


def open_slots(timing: Timing, now: datetime.datetime) -> Iterator[Due]:
    """Yield the slots that are due and not missed yet, claimed or not: of one date, for a date's slots end with it."""
    return (due for due in slots_of(timing, today(timing.zone, now)) if due.at <= now < due.until)


def closed_slots(timing: Timing, now: datetime.datetime) -> Iterator[Due]:
    """Yield the slots that ended within the last 24 hours: whatever is unclaimed among them was missed."""
    date = today(timing.zone, now)
    for back in (2, 1, 0):  # a date of 23 hours may lie wholly within them
        yield from (due for due in slots_of(timing, date - back * _DAY) if now - _DAY < due.until <= now)


def upcoming(timing: Timing, now: datetime.datetime, *, number: int = 3) -> tuple[Due, ...]:
    """Return the next slots, the soonest first; days without school are the caller's to know."""
    # A clock put back at midnight shows yesterday again; what was due on it is behind us all the same.
    dates = (today(timing.zone, now) + days * _DAY for days in itertools.count())
    coming = (due for date in dates for due in slots_of(timing, date) if due.at > now)
    return tuple(itertools.islice(coming, number))


def ahead(timing: Timing, slot: Slot, now: datetime.datetime, *, counts: Counts) -> Iterator[Due]:
    """Yield the coming ones of one slot within a year, the soonest first, on the dates that count for it."""
    return (due for due in _each(timing, slot, now, counts, step=_DAY) if due.at > now)


def behind(timing: Timing, slot: Slot, now: datetime.datetime, *, counts: Counts) -> Iterator[Due]:
    """Yield those of one slot that were due within a year, the latest first, on the dates that count for it."""
    return (due for due in _each(timing, slot, now, counts, step=-_DAY) if due.at <= now)


def _each(
    timing: Timing, slot: Slot, now: datetime.datetime, counts: Counts, *, step: datetime.timedelta
) -> Iterator[Due]:
    dates = (today(timing.zone, now) + days * step for days in range(_YEAR))
    return (due for date in filter(counts, dates) for due in slots_of(timing, date) if due.slot is slot)
