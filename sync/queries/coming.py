"""What is read next at a school, and what its rules would make of that (R14)."""

import dataclasses
import datetime
from collections.abc import Container
from typing import Final

import msgspec

from sync import clock
from sync.models import Slot
from sync.queries.slots import timing_of
from tenants.models import School
from tenants.queries import Calendar, calendar

_A_YEAR: Final = datetime.timedelta(days=366)
_AFTER_MIDNIGHT: Final = datetime.timedelta(days=1)

Claimed = Container[tuple[str, datetime.date]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coming:
    """The next one of a slot; `at` is None if there is none within a year."""

    slot: clock.Slot
    at: datetime.datetime | None
    passed_over: str  # why an earlier date has none: “Half-term”; "" if none is passed over


def coming(school: School, *, now: datetime.datetime) -> tuple[Coming, ...]:
    """Return the next night, morning and afternoon of the open school, the soonest first; two queries."""
    days, claimed = _days(school, now), _claimed(school, now)
    found = [_next(timing_of(school), slot, now, days=days, claimed=claimed) for slot in clock.Slot]
    return tuple(sorted(found, key=lambda one: (one.at is None, one.at or now)))


def _days(school: School, now: datetime.datetime) -> Calendar:
    today = school.local(now).date()
    return calendar(school, today, today + _A_YEAR)


def _claimed(school: School, now: datetime.datetime) -> frozenset[tuple[str, datetime.date]]:
    """Return the slots of today that are behind us, whatever time they were due at then; one query."""
    rows = Slot.objects.filter(school=school, local_date__gte=school.local(now).date() - _AFTER_MIDNIGHT)
    return frozenset(rows.values_list("slot", "local_date"))


def _next(
    timing: clock.Timing,
    slot: clock.Slot,
    now: datetime.datetime,
    *,
    days: Calendar,
    claimed: Claimed,
) -> Coming:
    """Return the next one of a slot. Whoever moves the morning after it was read has had it for that day."""
    free = clock.ahead(timing, slot, now, counts=lambda date: (slot, date) not in claimed)
    passed_over = ""
    for due in free:
        why = "" if slot is clock.Slot.NIGHT else days.why_no_school(due.date)
        if not why:
            return Coming(slot=slot, at=due.at, passed_over=passed_over)
        passed_over = passed_over or why
    return Coming(slot=slot, at=None, passed_over=passed_over)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Moved:
    """What another time of the morning does today and from then on."""

    read: Slot | None  # today's morning, where that is behind us
    at_once: bool  # today's is due already by the new time, and read within minutes
    then: datetime.datetime | None


def morning_moved(school: School, to: str, *, now: datetime.datetime) -> Moved:
    """Return what reading the morning's marks at another time would do to the open school; three queries (R14)."""
    today = school.local(now).date()
    timing = msgspec.structs.replace(timing_of(school), morning=datetime.time.fromisoformat(to))
    days = _days(school, now)
    read = Slot.objects.filter(school=school, slot=clock.Slot.MORNING, local_date=today).first()
    open_now = {due.slot for due in clock.open_slots(timing, now)}
    at_once = read is None and days.is_school_day(today) and clock.Slot.MORNING in open_now
    then = _next(timing, clock.Slot.MORNING, now, days=days, claimed=_claimed(school, now))
    return Moved(read=read, at_once=at_once, then=then.at)
