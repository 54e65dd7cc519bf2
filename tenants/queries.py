"""Answers about schools."""

import dataclasses
import datetime
import zoneinfo
from typing import Final

from tenants.models import Closure, School

_REGIONS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


def school_by_slug(slug: str) -> School | None:
    """Return the active school with this slug, or None."""
    return School.objects.filter(slug=slug, status=School.Status.ACTIVE).first()


def zones() -> list[str]:
    """Return the time zones that a school can live by, as region and city; older names are left out."""
    return sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in _REGIONS)


_LONGEST_HOLIDAY: Final = 120  # days; a school that is closed for longer has no day before


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calendar:
    """The days of a school between two dates: which of them are days of school."""

    weekdays: frozenset[int]
    closures: tuple[tuple[datetime.date, datetime.date, str], ...]  # first and last day, both closed, and the name

    def why_no_school(self, day: datetime.date) -> str:
        """Say why there is no school on a day, "" if there is: a closure’s name, or that it is no weekday of theirs."""
        if day.isoweekday() not in self.weekdays:
            return f"no school on a {day:%A}"
        return next((name for first, last, name in self.closures if first <= day <= last), "")

    def is_school_day(self, day: datetime.date) -> bool:
        """Whether there is school on a day."""
        return not self.why_no_school(day)


def calendar(school: School, first: datetime.date, last: datetime.date) -> Calendar:
    """Return the days of the open school from the first to the last; one query (R14)."""
    closures = Closure.objects.filter(first__lte=last, last__gte=first).values_list("first", "last", "name")
    return Calendar(weekdays=frozenset(school.weekdays), closures=tuple(closures))


def is_school_day(school: School, day: datetime.date) -> bool:
    """Whether there is school at the open school on this day of its own calendar; one query (R14)."""
    return not why_no_school(school, day)


def why_no_school(school: School, day: datetime.date) -> str:
    """Say why there is no school on a day, "" if there is; one query."""
    return calendar(school, day, day).why_no_school(day)


def days_without_school(school: School, first: datetime.date, last: datetime.date) -> dict[datetime.date, str]:
    """Say of each of these days on which there is no school why not, as `why_no_school` does; one query."""
    known = calendar(school, first, last)
    days = (first + datetime.timedelta(days=number) for number in range((last - first).days + 1))
    return {day: why for day in days if (why := known.why_no_school(day))}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SchoolDays:
    """A day in the calendar of the open school: why there is no school on it, and the days of school around it."""

    why: str
    before: datetime.date | None
    after: datetime.date | None
    latest: tuple[datetime.date, ...]  # up to this day, the oldest first


def school_days(school: School, day: datetime.date, *, latest: int) -> SchoolDays:
    """Return the days of school around a day, as far as a long holiday reaches; `latest` is how many; one query."""
    steps = [datetime.timedelta(days=number) for number in range(_LONGEST_HOLIDAY)]
    known = calendar(school, day - steps[-1], day + steps[-1])
    back = [day - step for step in steps if known.is_school_day(day - step)]
    ahead = (day + step for step in steps[1:] if known.is_school_day(day + step))
    return SchoolDays(
        why=known.why_no_school(day),
        before=next((each for each in back if each < day), None),
        after=next(ahead, None),
        latest=tuple(reversed(back[:latest])),
    )


def school_day_before(school: School, day: datetime.date) -> datetime.date | None:
    """Return the last day of school before this one, at the open school; None if there was none for months."""
    days = [day - datetime.timedelta(days=back) for back in range(1, _LONGEST_HOLIDAY)]
    known = calendar(school, days[-1], days[0])
    return next(filter(known.is_school_day, days), None)


def closures(*, since: datetime.date) -> list[Closure]:
    """Return the days on which the open school is closed that are not over on this day, the next first; one query."""
    return list(Closure.objects.filter(last__gte=since))
