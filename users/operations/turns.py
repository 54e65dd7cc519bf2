"""Whoever changes a school's people or marks does so alone: nobody may write over what another just read.

People and marks have turns of their own, so that no night keeps a morning's marks waiting (R17).
"""

from typing import Final

from django.db import connection

from tenants import scope

ROSTER: Final = 7_301  # the first half of the advisory lock; the second is the school
ATTENDANCE: Final = 7_302  # of who needs both, the roster's comes first
LIFE: Final = 7_303  # no turn: that a run is carried out, see `sync.operations.runs.lives`; the second half is the run


def take() -> bool:
    """Take the open school's turn with its people until this transaction ends; False: somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", [ROSTER, scope.current()])
        return bool(cursor.fetchone()[0])


def wait(turn: int) -> None:
    """Wait for one of the open school's turns, and keep it until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, %s)", [turn, scope.current()])
