"""The limit: COPY into a temporary table, then one statement each for absent, different and new rows.

It is the least work that PostgreSQL can do for a full feed, and everything else is measured against it.
"""

from pathlib import Path

import psycopg

from tests.bench import tables
from tests.bench.tables import sql


class Limit:
    """Brings its tables to what the files say."""

    def __init__(self, url: str, first: Path) -> None:
        self.url = url
        with psycopg.connect(url) as connection:
            tables.make(connection, first, "limit")

    def night(self, feed: Path) -> None:
        """Take in one night."""
        with psycopg.connect(self.url) as connection:
            # Over a table that was empty a moment ago PostgreSQL joins row by row, and 20,000 students take a minute.
            connection.execute("set local enable_nestloop = off")
            for name, key in tables.KEYS.items():
                _take(connection, feed / f"{name}.csv", f"limit_{name}", key)


def _take(connection: psycopg.Connection, path: Path, table: str, key: tuple[str, ...]) -> None:
    columns = tables.header(path)
    same = " and ".join(f"t.{column} = p.{column}" for column in key)
    listed = ", ".join(columns)
    connection.execute(sql(f"create temporary table pulled on commit drop as select {listed} from {table} limit 0"))
    with connection.cursor().copy(sql(f"copy pulled ({listed}) from stdin")) as copy:
        for row in tables.rows(path):
            copy.write_row(row)
    connection.execute(
        sql(
            f"update {table} t set ended = current_date where ended is null "
            f"and not exists (select from pulled p where {same})"
        )
    )
    _update(connection, table, same, [column for column in columns if column not in key])
    connection.execute(
        sql(
            f"insert into {table} ({listed}) select {listed} from pulled p "
            f"where not exists (select from {table} t where {same})"
        )
    )
    connection.execute("drop table pulled")


def _update(connection: psycopg.Connection, table: str, same: str, rest: list[str]) -> None:
    if rest:
        ours, theirs = (", ".join(f"{side}.{column}" for column in rest) for side in "tp")
        sets = ", ".join(f"{column} = p.{column}" for column in rest)
        connection.execute(
            sql(f"update {table} t set {sets} from pulled p where {same} and ({ours}) is distinct from ({theirs})")
        )
