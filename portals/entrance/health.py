"""Whether this process could serve a page: the database and Redis answer."""

from collections.abc import Callable
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, connection
from redis.exceptions import RedisError


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select 1")


def _redis() -> None:
    cache.get("readiness")


_CHECKS: Final[tuple[tuple[str, Callable[[], None]], ...]] = (("database", _database), ("redis", _redis))


def faults() -> list[str]:
    """Return a plain word for each part that does not answer."""
    found = []
    for name, check in _CHECKS:
        try:
            check()
        except (DatabaseError, RedisError, OSError):
            found.append(f"{name} does not answer")
    return found
