"""PostgreSQL without Django in between: what a wall of the database does by itself."""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql
from psycopg.types.json import Jsonb

NOT_ALLOWED = "42501"  # insufficient_privilege: row-level security, a missing grant, and our own "no school is open"

Raw = psycopg.Connection[tuple[Any, ...]]


@contextlib.contextmanager
def signed_in(alias: str) -> Iterator[Raw]:
    """Sign in as the role of a database alias; whatever is done is rolled back."""
    known = connections[alias].get_connection_params()
    address = {name: known[name] for name in ("dbname", "user", "password", "host", "port")}
    raw = psycopg.connect(**address, options="-c lock_timeout=5s")  # two that wait for each other end as an error
    try:
        yield raw
    finally:
        raw.rollback()
        raw.close()


def ask(raw: Raw, statement: str, *names: str, values: Any = ()) -> Any:
    """Run a statement whose `{}` are names of tables or columns."""
    return raw.execute(sql.SQL(statement).format(*map(sql.Identifier, names)), values)


def value(raw: Raw, statement: str, *names: str, values: Any = ()) -> Any:
    """The first column of the first row."""
    return ask(raw, statement, *names, values=values).fetchone()[0]


def written(raw: Raw, statement: str, *names: str, values: Any = ()) -> int:
    """How many rows a statement wrote."""
    count: int = ask(raw, statement, *names, values=values).rowcount
    return count


def refusal(raw: Raw, statement: str, *names: str, values: Any = ()) -> psycopg.Error:
    """The error with which PostgreSQL refuses a statement; the transaction around it lives on."""
    with pytest.raises(psycopg.Error) as caught, raw.transaction():
        ask(raw, statement, *names, values=values)
    return caught.value


def open_school(raw: Raw, pk: int) -> None:
    """Say which school is open until the transaction ends."""
    raw.execute("select set_config('app.school', %s, true)", [str(pk)])


def across_schools(raw: Raw) -> None:
    """Let the owner see every school until the transaction ends."""
    raw.execute("select set_config('app.cross_school', 'on', true)")


def insert_row(raw: Raw, table: str, row: dict[str, Any]) -> None:
    """Insert a row given by column."""
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    holders = sql.SQL(", ").join([sql.Placeholder()] * len(row))
    cells = [Jsonb(cell) if isinstance(cell, dict | list) else cell for cell in row.values()]
    statement = sql.SQL("insert into {} ({}) overriding system value values ({})")
    raw.execute(statement.format(sql.Identifier(table), names, holders), cells)


def row_of(raw: Raw, table: str, pk: int) -> dict[str, Any]:
    """A visible row by column."""
    cursor = ask(raw, "select * from {} where id = %s", table, values=[pk])
    return dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
