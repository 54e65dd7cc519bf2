"""A peer: INSERT … ON CONFLICT DO UPDATE in batches, as bulk-create helpers do it. It ends nothing that is absent."""

import itertools
from pathlib import Path
from typing import Final

import psycopg

from tests.bench import tables
from tests.bench.tables import sql

BATCH: Final = 1000


class Upsert:
    """Brings its tables to what the files say, absence aside."""

    def __init__(self, url: str, first: Path) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            tables.make(connection, first, "upsert")

    def night(self, feed: Path) -> None:
        """Take in one night."""
        with psycopg.connect(self.url, cursor_factory=psycopg.ClientCursor) as connection:
            for name, key in tables.KEYS.items():
                _take(connection, feed / f"{name}.csv", f"upsert_{name}", key)


def _take(connection: psycopg.Connection, path: Path, table: str, key: tuple[str, ...]) -> None:
    columns = tables.header(path)
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    conflict = f"do update set {sets}" if sets else "do nothing"
    place = "(" + ", ".join(["%s"] * len(columns)) + ")"
    source = tables.rows(path)
    while batch := list(itertools.islice(source, BATCH)):
        connection.execute(
            sql(
                f"insert into {table} ({', '.join(columns)}) values {', '.join([place] * len(batch))} "
                f"on conflict ({', '.join(key)}) {conflict}"
            ),
            list(itertools.chain.from_iterable(batch)),
        )
