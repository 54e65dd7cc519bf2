"""A fleet of schools through nights and days: `python -m tests.bench.fleet` inside `local.with_services`.

Real dispatcher, broker, workers and database; a simulated MIS for each school, at an address of its own. Three parts:
one turn of the dispatcher over 100 to 10,000 schools; how many schools an hour the workers bring through a first night,
one on which nothing moved, one with about 1 % changed, and a day's marks; and how long a slot that falls due waits.
Then what that means for 10,000 schools in one window of two hours. `make bench-fleet` does it.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")
os.environ["LOG_LEVEL"] = "WARNING"
django.setup()

import redis  # noqa: E402 Django must be set up first
from django.conf import settings  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from tests.bench import fleet_lag, fleet_nights, fleet_printed  # noqa: E402

SMALL, LARGE = 50, 300  # students
ROWS: Final = (100, 1_000, 10_000)


def main() -> int:
    """Measure the parts that are asked for, and print what they say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--small", type=int, default=24, help=f"schools of {SMALL} students, for each number of workers"
    )
    parser.add_argument("--large", type=int, default=8, help=f"schools of {LARGE} students, for each number of workers")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS), help="schools that one turn looks at")
    parser.add_argument("--minutes", type=int, default=3, help="of slots that fall due while we look; 0 for none")
    options = parser.parse_args()
    with _own_database():
        turns = [_turn(rows) for rows in options.rows]
        fleet_printed.turns(turns)
        nights = []
        for students, schools in ((SMALL, options.small), (LARGE, options.large)):
            for workers in options.workers if schools else []:
                _forget()
                nights += fleet_nights.measured(students=students, schools=schools, workers=workers)
        fleet_printed.nights(nights)
        _forget()
        if options.minutes:
            fleet_printed.lag(fleet_lag.measured(minutes=options.minutes, workers=max(options.workers)))
        fleet_printed.meaning(turns, nights)
        _forget()
    return 0


@contextlib.contextmanager
def _own_database() -> Iterator[None]:
    """Work in a new database, and so do our processes: it is the one that they find in the environment."""
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        os.environ[name] = urlsplit(os.environ[name])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    try:
        yield
    finally:
        connections.close_all()
        teardown_databases(made, verbosity=0)


def _forget() -> None:
    """Let there be no school, and nothing in the queue, whatever an earlier run or part has left."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("truncate tenants_school cascade")
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()


def _turn(rows: int) -> dict[str, Any]:
    """Measure turns over so many schools, in a process that holds nothing else."""
    _forget()
    asked = [sys.executable, "-m", "tests.bench.fleet_turns", str(rows)]
    done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.exit(main())
