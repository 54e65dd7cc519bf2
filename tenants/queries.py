"""Answers about schools."""

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


def is_school_day(school: School, day: datetime.date) -> bool:
    """Whether there is school at the open school on this day of its own calendar; one query (R14)."""
    return not why_no_school(school, day)


def why_no_school(school: School, day: datetime.date) -> str:
    """Say why there is no school on a day, "" if there is: a closure’s name, or that it is no weekday of theirs."""
    if day.isoweekday() not in school.weekdays:
        return f"no school on a {day:%A}"
    closure = Closure.objects.filter(first__lte=day, last__gte=day).first()
    return closure.name if closure else ""


def days_without_school(school: School, first: datetime.date, last: datetime.date) -> dict[datetime.date, str]:
    """Say of each of these days on which there is no school why not, as `why_no_school` does; one query."""
    closures = list(Closure.objects.filter(first__lte=last, last__gte=first))
    days = [first + datetime.timedelta(days=number) for number in range((last - first).days + 1)]
    named = {
        day: closure.name for closure in reversed(closures) for day in days if closure.first <= day <= closure.last
    }
    off = {day: f"no school on a {day:%A}" for day in days if day.isoweekday() not in school.weekdays}
    return named | off


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
    oldest = day - datetime.timedelta(days=_LONGEST_HOLIDAY)
    closed = list(Closure.objects.filter(first__lt=day, last__gte=oldest).values_list("first", "last"))
    for back in range(1, _LONGEST_HOLIDAY):
        before = day - datetime.timedelta(days=back)
        if before.isoweekday() in school.weekdays and not any(first <= before <= last for first, last in closed):
            return before
    return None


def closures(*, since: datetime.date) -> list[Closure]:
    """Return the days on which the open school is closed that are not over on this day, the next first; one query."""
    return list(Closure.objects.filter(last__gte=since))
