"""The peers a night is measured against: plain tables, the same rows, none of the judgement.

*limit*: COPY into a temporary table, then one statement each for new, different and absent rows: the least work that
PostgreSQL can do for a full feed. *upsert*: INSERT … ON CONFLICT DO UPDATE in batches, as bulk-create helpers do it.
"""

import csv
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from django.db.backends.utils import CursorWrapper

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "students": ("ref",),
    "guardians": ("ref",),
    "staff": ("ref",),
    "classes": ("ref",),
    "ties": ("student_ref", "guardian_ref"),
    "enrolments": ("class_ref", "student_ref"),
    "teaching": ("class_ref", "staff_ref"),
    "medical": ("student_ref", "ref"),
    "dietary": ("student_ref", "ref"),
}
BATCH: Final = 1000


def tables(cursor: CursorWrapper, folder: Path, prefix: str) -> None:
    """Make one empty table for each file, with a primary key and a column for the end."""
    for name, key in KEYS.items():
        columns = ", ".join(f"{column} text" for column in header(folder / f"{name}.csv"))
        cursor.execute(f"drop table if exists {prefix}_{name}")
        cursor.execute(f"create table {prefix}_{name} ({columns}, ended date, primary key ({', '.join(key)}))")


def header(path: Path) -> list[str]:
    """Return a file's columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def rows(path: Path) -> Iterator[list[str]]:
    """Yield a file's rows."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        yield from reader


def limit(cursor: CursorWrapper, folder: Path) -> None:
    """Bring the `limit` tables to what the files say."""
    for name, key in KEYS.items():
        path, table = folder / f"{name}.csv", f"limit_{name}"
        columns = header(path)
        rest = [column for column in columns if column not in key]
        cursor.execute(f"create temporary table pulled (like {table}) on commit drop")
        with cursor.copy(f"copy pulled ({', '.join(columns)}) from stdin") as copy:
            for row in rows(path):
                copy.write_row(row)
        same = " and ".join(f"t.{column} = p.{column}" for column in key)
        cursor.execute(
            f"insert into {table} select * from pulled p where not exists (select from {table} t where {same})"
        )
        if rest:
            ours, theirs = (", ".join(f"{side}.{column}" for column in rest) for side in "tp")
            cursor.execute(
                f"update {table} t set {', '.join(f'{column} = p.{column}' for column in rest)} from pulled p "
                f"where {same} and ({ours}) is distinct from ({theirs})"
            )
        cursor.execute(
            f"update {table} t set ended = current_date where ended is null "
            f"and not exists (select from pulled p where {same})"
        )
        cursor.execute("drop table pulled")


def upsert(cursor: CursorWrapper, folder: Path) -> None:
    """Bring the `upsert` tables to what the files say, absence aside."""
    for name, key in KEYS.items():
        path, table = folder / f"{name}.csv", f"upsert_{name}"
        columns = header(path)
        rest = [column for column in columns if column not in key]
        sets = ", ".join(f"{column} = excluded.{column}" for column in rest)
        conflict = f"do update set {sets}" if rest else "do nothing"
        source = rows(path)
        while batch := list(itertools.islice(source, BATCH)):
            places = ", ".join("(" + ", ".join(["%s"] * len(columns)) + ")" for _ in batch)
            cursor.execute(
                f"insert into {table} ({', '.join(columns)}) values {places} on conflict ({', '.join(key)}) {conflict}",
                list(itertools.chain.from_iterable(batch)),
            )


PEERS: Final[dict[str, Callable[[CursorWrapper, Path], None]]] = {"limit": limit, "upsert": upsert}
