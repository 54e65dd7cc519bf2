"""Which slots are due and by nobody claimed, and which were missed (R10). Global tables only: no school is open yet."""

import datetime
import logging
import zoneinfo
from collections.abc import Callable, Iterable, Iterator

from django.db import connection

from sync import clock
from tenants.models import School

log = logging.getLogger(__name__)

Slots = Callable[[clock.Timing, datetime.datetime], Iterable[clock.Due]]

# In the database, because most of what is due at any moment of a day was claimed long ago. The first date keeps it to
# the claims of these days, however many years of them there are.
_UNCLAIMED = """
select due.number from unnest(%s::bigint[], %s::text[], %s::date[], %s::text[]) with ordinality
  as due (school, kind, date, slot, number)
where not exists (
  select from sync_slot claimed
  where claimed.school_id = due.school and claimed.kind = due.kind
    and claimed.local_date = due.date and claimed.slot = due.slot and claimed.local_date >= %s::date
)
"""


def timings() -> Iterator[clock.Timing]:
    """Yield what decides when each school is due, suspended ones as well: their slots are claimed without a run."""
    for pk, zone, morning, since in School.objects.order_by("pk").values_list(
        "pk", "timezone", "morning_slot", "opened_at"
    ):
        yield clock.Timing(school=pk, zone=zone, morning=datetime.time.fromisoformat(morning), since=since)


def timing_of(school: School) -> clock.Timing:
    """Return what decides when one school is due."""
    morning = datetime.time.fromisoformat(school.morning_slot)
    return clock.Timing(school=school.pk, zone=school.timezone, morning=morning, since=school.opened_at)


def unclaimed(*, at: datetime.datetime) -> list[clock.Due]:
    """Return the slots that are due and claimed by nobody, the longest due first: no school waits behind another's."""
    return sorted(_nobodys(_of_all(clock.open_slots, at)), key=lambda due: (due.at, due.school))


def missed(*, at: datetime.datetime) -> list[clock.Due]:
    """Return the slots that ended in the last 24 hours and that nobody had claimed, the latest first."""
    return sorted(_nobodys(_of_all(clock.closed_slots, at)), key=lambda due: (due.until, due.school), reverse=True)


def _of_all(slots: Slots, at: datetime.datetime) -> list[clock.Due]:
    return [due for timing in timings() for due in _of_one(slots, timing, at)]


def _of_one(slots: Slots, timing: clock.Timing, at: datetime.datetime) -> list[clock.Due]:
    """Return a school's slots; a zone that a new time zone database no longer knows must not stop the others."""
    try:
        return list(slots(timing, at))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as fault:
        log.error("school %s lives by no time zone we know (%s)", timing.school, type(fault).__name__)  # noqa: TRY400 - no traceback a minute
        return []


def _nobodys(due: list[clock.Due]) -> list[clock.Due]:
    if not due:
        return []
    columns: list[list[object]] = [
        [one.school for one in due],
        [one.slot.kind for one in due],
        [one.date for one in due],
        [one.slot.value for one in due],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_UNCLAIMED, [*columns, min(one.date for one in due)])
        return [due[number - 1] for (number,) in cursor.fetchall()]
