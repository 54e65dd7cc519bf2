"""Whoever changes a school's people does so alone, a night or a person: none may write over what another just read."""

from typing import Final

from django.db import connection

from tenants import scope

ROSTER: Final = 7_301  # the first half of the advisory lock; the second is the school


def take() -> bool:
    """Take the open school's turn until this transaction ends; False: somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", [ROSTER, scope.current()])
        return bool(cursor.fetchone()[0])
