"""Whether somebody carries out a run at this moment: a lock of the database that dies with its process (R12).

Nobody guesses by the clock that a worker was lost: who carries out a run holds its life, and where nobody does, the
run may be taken up by another. It is a session's lock, so it needs a connection of its own: one that does no other
work, that no pool hands on, and that no transaction ends.
"""

import contextlib
import time
from collections.abc import Collection, Iterator
from typing import Any, Final

import psycopg
from django.db import connection

from users.operations import turns

_LIFE: Final = turns.LIFE  # the first half of the advisory lock; the second is the run
_HALF: Final = 0x7FFF_FFFF  # the second half has 31 bits; that many runs are two hundred years of ten thousand schools
_PATIENCE: Final = 2.0  # seconds that a process which was just killed may take to be gone from the database
# Both sides find out within a minute that the other's machine is gone: the server must not keep a dead worker's lock.
_KEEPALIVES: Final = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_OF_THE_SERVER: Final = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


class Life:
    """That one run is being carried out here."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._session: psycopg.Connection[Any] | None = None

    def take(self) -> bool:
        """Take the life of the run; False: somebody else has it."""
        self.end()
        self._session = psycopg.connect(**_parameters(self._run))
        [taken] = self._session.execute("select pg_try_advisory_lock(%s, %s)", _key(self._run)).fetchone() or [False]
        return bool(taken)

    def is_ours(self) -> bool:
        """Whether we still hold it; a session that was ended meanwhile is replaced, unless somebody was faster.

        Raises:
            psycopg.OperationalError: the database does not answer at all.
        """
        try:
            if self._session is not None:
                self._session.execute("select 1")
                return True
        except psycopg.OperationalError:
            pass
        return self.take()

    def end(self) -> None:
        """Let go of it."""
        if self._session is not None:
            self._session.close()
            self._session = None


@contextlib.contextmanager
def held(run: int) -> Iterator[Life | None]:
    """Hold the life of a run; None where somebody else does and goes on doing so."""
    life, until = Life(run), time.monotonic() + _PATIENCE
    try:
        taken = life.take()
        while not taken and time.monotonic() < until:
            time.sleep(0.1)
            taken = life.take()
        yield life if taken else None
    finally:
        life.end()


def without(runs: Collection[int]) -> set[int]:
    """Return those of these runs that nobody carries out."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [_LIFE])
        alive = {int(half) for (half,) in cursor.fetchall()}
    return {run for run in runs if run & _HALF not in alive}


_HELD: Final = """
select lock.objid from pg_locks lock join pg_database base on base.oid = lock.database
where lock.locktype = 'advisory' and lock.classid = %s and lock.objsubid = 2 and base.datname = current_database()
"""


def take_from_nobody(run: int) -> bool:
    """Keep everybody from carrying out a run until this transaction ends; False: somebody does already."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", _key(run))
        return bool(cursor.fetchone()[0])


def _key(run: int) -> list[int]:
    return [_LIFE, run & _HALF]


def _parameters(run: int) -> dict[str, Any]:
    """Return where to connect: to the site's own database, which in tests is another one than its URL says."""
    given = connection.get_connection_params()
    told = f"{given.get('options', '')} {_OF_THE_SERVER}".strip()
    return given | _KEEPALIVES | {"options": told, "application_name": f"schoolsbuddy run {run}", "autocommit": True}
