"""A night against its peers: `python -m tests.bench [--students 2000 20000] [--rounds 3]` inside `local.with_services`.

Four nights (the first, one on which nothing moved, another one, one with about 1 % changed) for each engine, each in a
process of its own. Only ratios of one run say anything: a machine's seconds are its own. `make bench` does it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "schoolsbuddy.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 Django must be set up first
from django.db import connections  # noqa: E402

from local.renderings import csv_files  # noqa: E402
from local.world.build import crowd  # noqa: E402
from tests.bench import printed, tables  # noqa: E402
from tests.bench.engine import ENGINES, Measured  # noqa: E402

SIZES: Final = (2_000, 20_000)
SMALL: Final = 2_000  # students; above it one round, and no engine that takes minutes
# They take minutes, so once is enough, and only where there are few students.
SLOW: Final = frozenset({"import-export"})


def main() -> int:
    """Measure, and print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3, help=f"only one above {SMALL} students")
    parser.add_argument("--only", choices=ENGINES, nargs="+", default=list(ENGINES), help="the limit always takes part")
    parser.add_argument("--slow", action="store_true", help=f"{', '.join(SLOW)} above {SMALL} students as well")
    options = parser.parse_args()
    call_command("migrate", database="owner", verbosity=0)
    connections.close_all()  # an engine is alone on the server, which is how its counts are known to be in
    for students in options.students:
        large = students > SMALL
        left_out = SLOW if large and not options.slow else frozenset()
        engines = [name for name in ENGINES if name == "limit" or (name in options.only and name not in left_out)]
        _size(students, engines, rounds=1 if large else options.rounds)
        if left_out & set(options.only):
            print(f"({', '.join(left_out)} would take minutes at this size; --slow measures it.)")
    return 0


def _size(students: int, engines: list[str], *, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        told = crowd(students=students)
        one, two = Path(name) / "1", Path(name) / "2"
        csv_files.write(told.at(1), one)
        csv_files.write(told.at(2), two)
        found = {
            engine: [_nights(engine, (one, one, one, two)) for _ in range(1 if engine in SLOW else rounds)]
            for engine in engines
        }
        print(f"\n{students:,} students, {tables.read(one):,} rows; medians of {rounds}, of slow engines 1", flush=True)
        printed.table(found)


def _nights(engine: str, feeds: tuple[Path, ...]) -> list[Measured]:
    command = [sys.executable, "-m", "tests.bench.engine", engine, *map(str, feeds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{engine}: {done.stderr[-2000:]}")
    return [Measured(*night) for night in json.loads(done.stdout.splitlines()[-1])]


if __name__ == "__main__":
    sys.exit(main())
