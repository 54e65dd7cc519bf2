"""Whole sets of a school's rows at once: COPY into a staging table, then one INSERT or UPDATE.

The staging table exists because PostgreSQL refuses COPY into a table with row-level security. Every statement writes
only into the open school; the policies check that too.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models

from tenants import scope


def reserve_ids(model: type[models.Model], count: int) -> list[int]:
    """Take `count` primary keys of a table in advance, so that rows of several tables can refer to each other."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [model._meta.db_table, count],
        )
        return [row[0] for row in cursor.fetchall()]


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows (tuples in the order of `columns`) into the open school; return how many."""
    table = model._meta.db_table
    names = ", ".join(_quoted(columns))
    _stage(model, columns, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into {table} (school_id, {names}) select {scope.current()}, {names} from staged"  # noqa: S608 names of our own columns
        )
        written: int = cursor.rowcount
        cursor.execute("drop table staged")
    return written


def amend(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Set `columns[1:]` of the rows whose id is the first value; rows that already say so are not written.

    Returns how many rows were written.
    """
    table, fields = model._meta.db_table, _quoted(columns[1:])
    _stage(model, columns, rows)
    sets = ", ".join(f"{field} = staged.{field}" for field in fields)
    ours, theirs = (", ".join(f"{side}.{field}" for field in fields) for side in ("t", "staged"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"update {table} t set {sets} from staged where t.id = staged.id and t.school_id = {scope.current()} "  # noqa: S608
            f"and ({ours}) is distinct from ({theirs})"
        )
        written: int = cursor.rowcount
        cursor.execute("drop table staged")
    return written


def delete(model: type[models.Model], ids: Sequence[int]) -> int:
    """Delete the open school's rows with these ids; return how many."""
    if not ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            f"delete from {model._meta.db_table} where school_id = %s and id = any(%s)",  # noqa: S608
            [scope.current(), list(ids)],
        )
        return int(cursor.rowcount)


def _stage(model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    names = ", ".join(_quoted(columns))
    with connection.cursor() as cursor:
        cursor.execute(
            f"create temporary table staged on commit drop as select {names} from {model._meta.db_table} with no data"  # noqa: S608
        )
        with cursor.copy(f"copy staged ({names}) from stdin") as copy:
            for row in rows:
                copy.write_row(row)


def _quoted(columns: Sequence[str]) -> list[str]:
    return [connection.ops.quote_name(column) for column in columns]
