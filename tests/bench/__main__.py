"""`python -m tests.bench [--students 2000] [--rounds 3]` inside `local.with_services`, which `make bench` does."""

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 Django must be set up first
from django.db import connection, connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from local.renderings import csv_files  # noqa: E402
from local.world.build import crowd  # noqa: E402
from local.world.model import Night  # noqa: E402
from sync.models import Run  # noqa: E402
from sync.operations import connections as links  # noqa: E402
from sync.operations import runs  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import School  # noqa: E402
from tests.bench import peers  # noqa: E402

PHASES: Final = ("first night", "unchanged", "about 1 % changed")
Times = dict[tuple[str, str], list[float]]


def main() -> int:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    call_command("migrate", database="owner", verbosity=0)
    told = crowd(students=options.students)
    times: Times = {}
    with tempfile.TemporaryDirectory() as name:
        one, two = _written(Path(name), told.at(1)), _written(Path(name), told.at(2))
        for number in range(options.rounds):
            _ours(f"bench-{number}", (one, one, two), times)
            for peer in peers.PEERS:
                _peer(peer, (one, one, two), times)
    _print(times, options.students)
    return 0


def _written(folder: Path, night: Night) -> Path:
    path = folder / str(night.number)
    csv_files.write(night, path)
    return path


def _ours(slug: str, feeds: tuple[Path, ...], times: Times) -> None:
    """Time whole runs: files read, plan, gate, apply, change log and report, decoding included."""
    school = School.objects.create(slug=f"{slug}-{secrets.token_hex(4)}", name=slug)
    for phase, feed in zip(PHASES, feeds, strict=True):
        with scope.school(school.pk):
            links.connect(school=school, connector="csv_files", given={"folder": str(feed)})
            run = runs.request(
                school=school, trigger=Run.Trigger.COMMAND, at=timezone.now(), reason="bench", enqueue=False
            )
        times.setdefault((phase, "ours"), []).append(_timed(runs.perform, school=school, run=run.pk))


def _peer(peer: str, feeds: tuple[Path, ...], times: Times) -> None:
    with connections["owner"].cursor() as cursor:
        peers.tables(cursor, feeds[0], peer)
        for phase, feed in zip(PHASES, feeds, strict=True):
            cursor.execute("begin")
            seconds = _timed(peers.PEERS[peer], cursor, feed)
            cursor.execute("commit")
            times.setdefault((phase, peer), []).append(seconds)


def _timed(work: Callable[..., object], *args: object, **kwargs: object) -> float:
    began = time.perf_counter()
    work(*args, **kwargs)
    return time.perf_counter() - began


def _print(times: Times, students: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('server_version')")
        version = cursor.fetchone()[0]
    print(f"{students} students, PostgreSQL {version}; seconds (median), and the ratio to the limit")
    engines = ("limit", "ours", "upsert")
    print(f"{'':<20}" + "".join(f"{engine:>18}" for engine in engines))
    for phase in PHASES:
        medians = {engine: statistics.median(times[phase, engine]) for engine in engines}
        cells = (f"{medians[e]:>10.2f} ({medians[e] / medians['limit']:>4.1f}×)" for e in engines)
        print(f"{phase:<20}" + "".join(cells))


if __name__ == "__main__":
    sys.exit(main())
