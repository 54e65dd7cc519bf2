"""The connection test of a OneRoster service: one page of each collection, and what can be said of it (R2)."""

from collections.abc import Iterator
from typing import Final

from sync.connector import Finding, Reach
from sync.errors import Refused
from sync.oneroster.client import Api, Page
from sync.oneroster.school import School
from sync.oneroster.settings import RosterSettings
from sync.oneroster.wire import Org

_USERS: Final = "Students, guardians and staff"
_PARTS: Final = {
    "users": _USERS,
    "classes": "Classes",
    "enrollments": "Class places and teachers",
    "demographics": "Birth dates",
    "academicSessions": "Terms",
}
_NO_KEY: Final = (
    "OneRoster has no field for them. Enter the metadata key under which the school shares them, if it does."
)
_NO_MARKS: Final = "OneRoster has no attendance: take the marks by CSV."
_NO_END: Final = (
    "The service neither counts its rows (X-Total-Count) nor marks its last page (Link) on the first page of users. "
    "Unless it does so later, nobody leaves by the sync: ask its operator for either."
)


def findings(api: Api, settings: RosterSettings) -> Iterator[Finding]:
    """Yield what can be read; errors only where nothing at all can be said.

    Raises:
        Refused, Busy, Broken: see `sync.errors`.
    """
    yield _school(api, settings)
    pages = {name: api.page(name, optional=True) for name in _PARTS}
    yield from (_part(name, page) for name, page in pages.items())
    if not (pages["users"].marks_end or pages["users"].lack):
        yield Finding(part="Who has left", reach=Reach.NOT_SHARED, text=_NO_END)
    for part, key in {"Medical notes": settings.medical_key, "Dietary needs": settings.dietary_key}.items():
        told = f"Read from the metadata key “{key}”, where a student or their demographics have it."
        yield Finding(part=part, reach=Reach.READS if key else Reach.NOT_SHARED, text=told if key else _NO_KEY)
    yield Finding(part="Attendance", reach=Reach.NOT_SHARED, text=_NO_MARKS)


def _school(api: Api, settings: RosterSettings) -> Finding:
    with api.collection("orgs", Org, optional=True) as orgs:
        lack = orgs.lack
        try:
            School(orgs, named=settings.school)
        except Refused as refusal:
            lack = lack or str(refusal)
    return Finding(part="School", reach=Reach.FAULTY if lack else Reach.READS, text=lack or "The school is shared.")


def _part(name: str, page: Page) -> Finding:
    needed = name == "users"
    if page.lack or (needed and not page.rows):
        reach = Reach.FAULTY if needed else Reach.NOT_SHARED
        return Finding(part=_PARTS[name], reach=reach, text=page.lack or "None came: ask what is shared with us.")
    return Finding(part=_PARTS[name], reach=Reach.READS, text=_count(page))


def _count(page: Page) -> str:
    return f"{page.total:,} can be read." if page.total else f"The first page of {len(page.rows):,} can be read."
