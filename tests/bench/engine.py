"""One engine through its nights, in a process of its own: `python -m tests.bench.engine NAME FOLDER…`.

A folder is a night. What was measured goes as JSON lists to standard output.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import psycopg

from tests.bench import meters, tables

# Imported by name: each process has only its own engine, and its memory, on board.
ENGINES: Final = {
    "limit": ("tests.bench.peer_limit", "Limit"),
    "ours": ("tests.bench.ours", "Ours"),
    "upsert": ("tests.bench.peer_upsert", "Upsert"),
    "dlt": ("tests.bench.peer_dlt", "Dlt"),
    "import-export": ("tests.bench.peer_import_export", "ImportExport"),
}


class Measured(NamedTuple):
    """One night: seconds in all and of those reading, rows, rows of the books, bytes of WAL, kilobytes before, peak."""

    seconds: float
    reading: float
    rows: int
    books: int
    wal: int
    idle: int
    peak: int


def main() -> None:
    """Measure each night, and print the list of what was measured."""
    name, *folders = sys.argv[1:]
    feeds = [Path(folder) for folder in folders]
    url = os.environ["DATABASE_OWNER_URL"]
    module, kind = ENGINES[name]
    engine = getattr(importlib.import_module(module), kind)(url, feeds[0])
    idle = meters.peak()
    with psycopg.connect(url, autocommit=True) as connection:
        print(json.dumps([_measured(engine, feed, idle, connection) for feed in feeds]))


def _measured(engine: Any, feed: Path, idle: int, connection: psycopg.Connection) -> Measured:
    if hasattr(engine, "prepare"):
        engine.prepare(feed)
    meters.tidy(connection)
    before = meters.written(connection)
    began = time.perf_counter()
    reading = engine.night(feed)
    seconds = time.perf_counter() - began
    after = meters.written(connection).since(before)
    return Measured(seconds, _reading(feed) if reading is None else reading, *after, idle, meters.peak())


def _reading(feed: Path) -> float:
    """Return what reading alone takes an engine that reads while it writes."""
    began = time.perf_counter()
    tables.read(feed)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
