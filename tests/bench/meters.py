"""What an engine wrote, by PostgreSQL's own count, and what it held, by the kernel's."""

import time
from pathlib import Path
from typing import Final, NamedTuple

import psycopg

# Tables in which an engine keeps that it ran: its books, not its data.
BOOKS: Final = ("sync_run", "sync_refusal", "sync_connection", "tenants_", "_dlt_")


class Written(NamedTuple):
    """Rows inserted, updated and deleted since the server began, and the place in its log in bytes."""

    rows: int
    books: int
    wal: int

    def since(self, before: "Written") -> "Written":
        """Return the difference."""
        return Written(*(now - then for now, then in zip(self, before, strict=True)))


_PATIENCE: Final = 10  # seconds
_ROWS: Final = "select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables"
_WAL: Final = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_OTHERS: Final = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def written(connection: psycopg.Connection) -> Written:
    """Return what was written so far, once everybody else has gone and so has handed in their counts.

    Raises:
        RuntimeError: somebody stays.
    """
    until = time.monotonic() + _PATIENCE
    while connection.execute(_OTHERS).fetchone() != (0,):
        if time.monotonic() > until:
            raise RuntimeError("Somebody else is connected to the server, so nobody knows who wrote what.")
        time.sleep(0.01)
    found = connection.execute(_ROWS).fetchall()
    wal = connection.execute(_WAL).fetchone()
    books = sum(rows for table, rows in found if table.startswith(BOOKS))
    return Written(rows=sum(rows for _, rows in found) - books, books=books, wal=int(wal[0]) if wal else 0)


def tidy(connection: psycopg.Connection) -> None:
    """Do what autovacuum has done by the next night."""
    connection.execute("vacuum (analyze)")


def peak() -> int:
    """Kilobytes at the most; not from getrusage, which counts what the parent held when it started us."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))
