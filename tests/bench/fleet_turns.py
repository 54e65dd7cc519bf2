"""One turn of the dispatcher over so many schools, in a process of its own: `python -m tests.bench.fleet_turns ROWS`.

Beside it two other ways to know what is due, written for this bench only: a crontab a school, asked one after the other
as a scheduler with a row a school does each time its table has changed, and a stored `next_run` with an index, which
is the least a database can do. Prints one JSON object of seconds, and of memory in kilobytes.
"""

import datetime
import itertools
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import django

django.setup()

import redis  # noqa: E402 Django must be set up first
from celery.schedules import crontab  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import F  # noqa: E402

from sync import clock  # noqa: E402
from sync.models import Run, Slot  # noqa: E402
from sync.operations.dispatch import dispatch  # noqa: E402
from sync.queries import slots  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import School  # noqa: E402
from tests.bench import fleet_crew, meters  # noqa: E402
from tests.factories import runs  # noqa: E402

# Schools as they lie on Earth: most in a few zones, so that each hour of the day is some schools' night.
ZONES: Final = (
    *("Europe/London",) * 6,
    *("Asia/Dubai", "Asia/Singapore", "Asia/Kathmandu", "Australia/Sydney", "America/New_York", "Africa/Lagos"),
)
AT: Final = datetime.datetime(2026, 11, 10, 16, 30, tzinfo=datetime.UTC)  # a Tuesday, when London's day is all claimed
OPENED: Final = AT - datetime.timedelta(days=30)
ROUNDS: Final = 5
CLAIMS: Final = 300  # of the turn after a silence; a real one makes more


def main() -> None:
    """Make the schools, take the turns, and say how long each was."""
    rows = int(sys.argv[1])
    idle = meters.peak()
    schools = School.objects.bulk_create(
        School(slug=f"row-{rows}-{number}", name="Row", timezone=ZONES[number % len(ZONES)], opened_at=OPENED)
        for number in range(rows)
    )
    due = slots.unclaimed(at=AT)
    some = due[:: max(len(due) // max(rows // 100, 1), 1)][: max(rows // 100, 1)]
    _connect({one.school for one in [*some, *due[:CLAIMS]]})
    fleet_crew.claim(due, at=AT)
    found: dict[str, Any] = {
        "rows": rows,
        "first look": _median(_fresh_look),
        "quiet": _median(lambda: dispatch(at=AT)),
    }
    found["one in a hundred"] = _median(lambda: dispatch(at=AT), before=lambda: _forget(some))
    found["due"] = len(some)
    _forget(due)
    before = _queued_bytes()
    began = time.perf_counter()
    done = dispatch(at=AT, most=CLAIMS)
    found["after a silence"] = time.perf_counter() - began
    found |= {"claimed": done.claimed, "runs": done.runs, "left": done.left, "bytes": _queued_bytes() - before}
    found["memory"] = meters.peak() - idle  # before the peers have theirs
    found["crontabs"] = _median(_crontabs(schools))
    found["next_run"] = _next_run(rows)
    print(json.dumps(found))


_connected: Final[set[int]] = set()
_times: Final = itertools.count(1)


def _connect(schools: set[int]) -> None:
    """Let these schools be such that a claim calls for a run: connected, and synced once."""
    _connected.update(schools)
    for pk in sorted(schools):
        with scope.school(pk):
            runs.connection()
            runs.run(at=OPENED)


def _forget(due: Sequence[clock.Due]) -> None:
    """Let these be claimed by nobody, and never have been."""
    keys = {(one.school, one.slot.value, one.date) for one in due}
    claims = Slot.objects.values_list("pk", "school_id", "slot", "local_date")
    Slot.objects.filter(pk__in=[pk for pk, *key in claims if tuple(key) in keys]).delete()
    long_ago = F("local_date") - datetime.timedelta(days=30 * next(_times))
    for pk in {one.school for one in due} & _connected:
        with scope.school(pk):
            queued = Run.objects.filter(status=Run.Status.QUEUED)
            queued.update(status=Run.Status.CANCELLED, finished_at=AT, local_date=long_ago)


def _queued_bytes() -> int:
    """Return how much memory Redis uses."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        told: Any = client.info("memory")
    return int(told["used_memory"])


def _median(turn: Callable[[], Any], *, before: Callable[[], Any] = lambda: None) -> float:
    took = []
    for _ in range(ROUNDS):
        before()
        began = time.perf_counter()
        turn()
        took.append(time.perf_counter() - began)
    return sorted(took)[ROUNDS // 2]


def _fresh_look() -> None:
    """Look what is due as a process does that has just begun, with no instant found yet."""
    clock.first_instant.cache_clear()
    slots.unclaimed(at=AT)


def _crontabs(schools: Sequence[School]) -> Callable[[], int]:
    """Make three crontabs a school, in its own zone; a turn asks each of them."""
    before = AT - datetime.timedelta(minutes=1)
    entries = []
    for school in schools:
        night = int(clock.share(school.pk) * 60)
        for minute, hour in ((night, 1), (30, 9), (30, 14)):
            entries.append(crontab(minute=str(minute), hour=str(hour), nowfun=_now_in(school)))
    return lambda: sum(entry.is_due(before).is_due for entry in entries)


def _now_in(school: School) -> Callable[[], datetime.datetime]:
    return lambda: AT.astimezone(school.zone)


_TABLE: Final = """
create temp table bench_next on commit drop as
select n as school, %s::timestamptz + (case when n %% 100 = 0 then -1 else n end) * interval '1 second' as next_run
from generate_series(1, %s) n
"""
_CLAIM: Final = """
update bench_next set next_run = next_run + interval '1 day' where next_run <= %s returning school
"""


def _next_run(rows: int) -> float:
    """Return how long one in a hundred take to be claimed by a `next_run` in an index; nothing is queued for them."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TABLE, [AT, rows])
        cursor.execute("create index on bench_next (next_run)")
        cursor.execute("analyze bench_next")
        began = time.perf_counter()
        cursor.execute(_CLAIM, [AT])
        cursor.fetchall()
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
