"""Rows of one list on disk instead of in memory, so that a reading of 20,000 students needs no more than one of 500.

A connector reads a list to its end before it says anything about it: a row may come again on a later page, and
whether the copies agree is known only then. What waits meanwhile lies in a file without a name that ends with the
reading; a killed worker leaves nothing behind.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import msgspec

Row = TypeVar("Row", bound=msgspec.Struct)

_TOGETHER: Final = 500  # rows written at a time
_TABLE: Final = "CREATE TABLE row (key TEXT NOT NULL UNIQUE, value BLOB NOT NULL, torn INTEGER NOT NULL DEFAULT 0)"
_PUT: Final = """
INSERT INTO row (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET torn = torn OR value <> excluded.value
"""


class Spool(Generic[Row]):
    """The rows of one list by key, in the order in which they came; a context manager, for it holds a file.

    A row that comes again the same counts once. One that comes again different is torn: nobody knows which is right.
    """

    def __init__(self, kind: type[Row]) -> None:
        self._waiting: list[tuple[str, bytes]] = []
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._file = sqlite3.connect("", isolation_level=None)  # "": a file that nobody else can see
        for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -256"):
            self._file.execute(f"PRAGMA {setting}")
        self._file.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        """Return how many keys there are, torn ones included."""
        return int(self._written().execute("SELECT count(*) FROM row").fetchone()[0])

    def put(self, key: str, row: Row) -> None:
        """Keep a row."""
        self._waiting.append((key, self._encode(row)))
        if len(self._waiting) >= _TOGETHER:
            self._written()

    def get(self, key: str) -> Row | None:
        """Return the row of a key; None if there is none or it is torn."""
        found = self._written().execute("SELECT value FROM row WHERE key = ? AND NOT torn", (key,)).fetchone()
        return self._decode(found[0]) if found else None

    def __contains__(self, key: str) -> bool:
        """Return whether the key came, torn or not."""
        return self._written().execute("SELECT 1 FROM row WHERE key = ?", (key,)).fetchone() is not None

    def rows(self, *, by_key: bool = False) -> Iterator[Row]:
        """Yield the rows that are not torn, as they came or by their keys; nothing may be put meanwhile."""
        order = "key" if by_key else "rowid"
        found = self._written().execute(f"SELECT value FROM row WHERE NOT torn ORDER BY {order}")  # noqa: S608 ours
        with contextlib.closing(found) as all_:
            for (value,) in all_:
                yield self._decode(value)

    def torn(self) -> Iterator[str]:
        """Yield the keys that came with different rows."""
        with contextlib.closing(self._written().execute("SELECT key FROM row WHERE torn ORDER BY rowid")) as all_:
            for (key,) in all_:
                yield key

    def _written(self) -> sqlite3.Connection:
        if self._waiting:
            self._file.execute("BEGIN")
            self._file.executemany(_PUT, self._waiting)
            self._file.execute("COMMIT")
            self._waiting.clear()
        return self._file
