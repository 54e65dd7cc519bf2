"""What a feed said, as one fingerprint: the same records in whatever order have the same one. Pure."""

import datetime
import hashlib
from typing import Final

import msgspec

from sync.pipeline.roster import plain
from sync.records import RosterRecord

_WIDTH: Final = 32  # bytes
_DAYS: Final = ("left_on", "date_of_birth")  # what they mean depends on the night


class Feed:
    """The fingerprint of the records as they came, in whatever order, and the last day that any of them speaks of."""

    def __init__(self) -> None:
        self.latest: datetime.date = datetime.date.min
        self._sum = 0
        self._encode = msgspec.msgpack.Encoder().encode

    def add(self, record: RosterRecord) -> None:
        """Take one record into account; the sum does not depend on the order, and knows how often each one came."""
        said = self._encode([type(record).__name__, plain(record)])
        self._sum += int.from_bytes(hashlib.blake2b(said, digest_size=_WIDTH).digest())
        for field in _DAYS:
            day = getattr(record, field, None)
            if isinstance(day, datetime.date):
                self.latest = max(self.latest, day)

    def digest(self) -> str:
        """Return 64 hex digits."""
        return f"{self._sum % 256**_WIDTH:064x}"
