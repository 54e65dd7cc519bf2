"""When a school's slots are due, as instants (R10, R11, R14). Pure: zones in, UTC out; no table and no clock.

A slot belongs to a date of the school's own calendar. Nothing here is a time of day in UTC that somebody adds hours
to: each instant is found in the zone itself, so a clock that is put forward or back needs no rule of its own.
"""

import datetime
import enum
import functools
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
    """What decides when a school is due. `since`: nothing that was due before is theirs."""

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


@functools.lru_cache(maxsize=200_000)
def first_instant(zone: str, wall: datetime.datetime) -> datetime.datetime:
    """Return the first instant (UTC) at which the clocks of a zone show this or later; `wall` is naive.

    A time that comes twice is its first coming; a time that is left out is the end of the gap.
    """
    local = zoneinfo.ZoneInfo(zone)
    after = wall.replace(tzinfo=local).astimezone(datetime.UTC)
    if after.astimezone(local).replace(tzinfo=None) == wall:
        return after
    before = wall.replace(tzinfo=local, fold=1).astimezone(datetime.UTC)  # of a time left out, the earlier instant
    while after - before > _SECOND:  # the clocks are put forward somewhere in between
        middle = before + (after - before) // 2
        if middle.astimezone(local).replace(tzinfo=None) < wall:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


@functools.lru_cache(maxsize=200_000)
def night(zone: str, date: datetime.date) -> tuple[datetime.datetime, datetime.datetime] | None:
    """Return the instants between which a date's night lies (R11); equal where clocks skip it, None without the date.

    Samoa had no 30 December 2011: a date that nobody lives has no night.
    """
    begins = first_instant(zone, datetime.datetime.combine(date, NIGHT_BEGINS))
    if begins.astimezone(zoneinfo.ZoneInfo(zone)).date() != date:
        return None
    return begins, first_instant(zone, datetime.datetime.combine(date, NIGHT_ENDS))


def share(school: int) -> float:
    """Return a school's own place in the night, from 0 to 1: always the same, and neighbours far apart (R10)."""
    return (school * _GOLDEN % 2**64) / 2**64


def due_at(timing: Timing, slot: Slot, date: datetime.date) -> datetime.datetime | None:
    """Return the instant at which a slot is due, None on a date that the zone leaves out."""
    window = night(timing.zone, date)
    if window is None:
        return None
    if slot is Slot.NIGHT:
        begins, ends = window
        # In shares of the night as it is, so that schools keep their order and their distance when it is short or long.
        return begins + (ends - begins) * (_SPREAD * share(timing.school))
    wall = timing.morning if slot is Slot.MORNING else AFTERNOON_BEGINS
    return first_instant(timing.zone, datetime.datetime.combine(date, wall))


def missed_after(timing: Timing, slot: Slot, date: datetime.date) -> datetime.datetime:
    """Return the instant behind which a slot is not caught up any more.

    The morning's marks until the afternoon's are due, which hold them as well; all else until the date is over.
    """
    if slot is Slot.MORNING:
        return first_instant(timing.zone, datetime.datetime.combine(date, AFTERNOON_BEGINS))
    return first_instant(timing.zone, datetime.datetime.combine(date + _DAY, datetime.time()))


def open_slots(timing: Timing, now: datetime.datetime) -> Iterator[Due]:
    """Yield the slots that are due and not missed yet, claimed or not: of one date, for a date's slots end with it."""
    date = now.astimezone(zoneinfo.ZoneInfo(timing.zone)).date()
    for slot in Slot:
        due = _due(timing, slot, date)
        if due and due.at <= now < due.until and due.at >= timing.since:
            yield due


def upcoming(timing: Timing, now: datetime.datetime, *, number: int = 3) -> tuple[Due, ...]:
    """Return the next slots, the soonest first; days without school are the caller's to know."""
    date = now.astimezone(zoneinfo.ZoneInfo(timing.zone)).date()
    found: list[Due] = []
    while len(found) < number:
        # A clock put back at midnight shows yesterday again; what was due on it is behind us all the same.
        found += sorted((due for due in _slots_of(timing, date) if due.at > now), key=lambda due: due.at)
        date += _DAY
    return tuple(found[:number])


def ahead(timing: Timing, slot: Slot, now: datetime.datetime, *, counts: Counts) -> Iterator[Due]:
    """Yield the coming ones of one slot within a year, the soonest first, on the dates that count for it."""
    today = now.astimezone(zoneinfo.ZoneInfo(timing.zone)).date()
    for date in filter(counts, (today + days * _DAY for days in range(_YEAR))):
        due = _due(timing, slot, date)
        if due and due.at > now:
            yield due


def behind(timing: Timing, slot: Slot, now: datetime.datetime, *, counts: Counts) -> Iterator[Due]:
    """Yield those of one slot that were due within a year, the latest first, on the dates that count for it."""
    today = now.astimezone(zoneinfo.ZoneInfo(timing.zone)).date()
    for date in filter(counts, (today - days * _DAY for days in range(_YEAR))):
        due = _due(timing, slot, date)
        if due and due.at < timing.since:
            return
        if due and due.at <= now:
            yield due


def _slots_of(timing: Timing, date: datetime.date) -> Iterator[Due]:
    for slot in Slot:
        if due := _due(timing, slot, date):
            yield due


def _due(timing: Timing, slot: Slot, date: datetime.date) -> Due | None:
    at = due_at(timing, slot, date)
    if at is None:
        return None
    until = missed_after(timing, slot, date)
    return Due(school=timing.school, slot=slot, date=date, at=at, until=until)
