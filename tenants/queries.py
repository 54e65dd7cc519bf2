"""Answers about schools."""

import zoneinfo
from typing import Final

from tenants.models import School

_REGIONS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)


def school_by_slug(slug: str) -> School | None:
    """Return the active school with this slug, or None."""
    return School.objects.filter(slug=slug, status=School.Status.ACTIVE).first()


def zones() -> list[str]:
    """Return the time zones that a school can live by, as region and city; older names are left out."""
    return sorted(name for name in zoneinfo.available_timezones() if name.partition("/")[0] in _REGIONS)
