"""What only a whole list can tell: keys that come with several contents, and rows that say nothing new."""

import contextlib
import dataclasses
import hashlib
import sqlite3
from collections.abc import Iterable
from typing import Final

import msgspec

Key = tuple[str, ...]

_TABLE: Final = "CREATE TABLE row (number INTEGER PRIMARY KEY, key BLOB NOT NULL, content BLOB NOT NULL)"
_CONTESTED: Final = "SELECT key FROM row GROUP BY key HAVING count(DISTINCT content) > 1"
_REPEATED: Final = """
SELECT number FROM (
    SELECT number, row_number() OVER (PARTITION BY key, content ORDER BY number) AS nth FROM row
) WHERE nth > 1
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Survey:
    """The keys with several contents, and the numbers of the rows that repeat one before them."""

    contested: frozenset[Key]
    repeated: frozenset[int]


def survey(rows: Iterable[tuple[Key, object]]) -> Survey:
    """Compare the rows of a list by key and content; a row with the key () is compared with none.

    The rows wait in a file without a name, so that only the exceptions are in memory.
    """
    with contextlib.closing(sqlite3.connect("", isolation_level=None)) as file:
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1024", "temp_store = FILE"):
            file.execute(f"PRAGMA {setting}")
        file.execute(_TABLE)
        file.execute("BEGIN")
        file.executemany(
            "INSERT INTO row VALUES (?, ?, ?)",
            ((number, msgspec.json.encode(key), _digest(content)) for number, (key, content) in enumerate(rows) if key),
        )
        return Survey(
            contested=frozenset(tuple(msgspec.json.decode(key)) for (key,) in file.execute(_CONTESTED)),
            repeated=frozenset(number for (number,) in file.execute(_REPEATED)),
        )


def _digest(content: object) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(content), digest_size=16).digest()
