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


def school_day_before(school: School, day: datetime.date) -> datetime.date | None:
    """Return the last day of school before this one, at the open school; None if there was none for months."""
    oldest = day - datetime.timedelta(days=_LONGEST_HOLIDAY)
    closed = list(Closure.objects.filter(first__lt=day, last__gte=oldest).values_list("first", "last"))
    for back in range(1, _LONGEST_HOLIDAY):
        before = day - datetime.timedelta(days=back)
        if before.isoweekday() in school.weekdays and not any(first <= before <= last for first, last in closed):
            return before
    return None
