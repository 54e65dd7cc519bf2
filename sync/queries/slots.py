"""Which slots are due and by nobody claimed (R10). Global tables only: no school is open yet."""

import datetime
import logging
import zoneinfo
from collections.abc import Iterator

from django.db import connection

from sync import clock
from tenants.models import School

log = logging.getLogger(__name__)

# In the database, because most of what is due at any moment of a day was claimed long ago.
_UNCLAIMED = """
select due.number from unnest(%s::bigint[], %s::text[], %s::date[], %s::text[]) with ordinality
  as due (school, kind, date, slot, number)
where not exists (
  select from sync_slot claimed
  where claimed.school_id = due.school and claimed.kind = due.kind
    and claimed.local_date = due.date and claimed.slot = due.slot
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
    due = [one for timing in timings() for one in _open_slots(timing, at)]
    keys = [(one.school, one.slot.kind, one.date, one.slot.value) for one in due]
    with connection.cursor() as cursor:
        cursor.execute(_UNCLAIMED, [[key[column] for key in keys] for column in range(4)])
        found = [due[number - 1] for (number,) in cursor.fetchall()]
    return sorted(found, key=lambda one: (one.at, one.school))


def _open_slots(timing: clock.Timing, at: datetime.datetime) -> Iterator[clock.Due]:
    """Yield a school's open slots; a zone that a new time zone database no longer knows must not stop the others."""
    try:
        yield from clock.open_slots(timing, at)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as fault:
        log.error("school %s lives by no time zone we know (%s)", timing.school, type(fault).__name__)  # noqa: TRY400
