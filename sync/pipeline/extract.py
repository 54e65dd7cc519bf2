"""Run one connector and prove, kind by kind, whether it was read to its end (R12)."""

import collections
import contextlib
import datetime
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from sync.connector import Connector
from sync.errors import Broken, SyncError
from sync.pipeline.feed import Feed
from sync.records import KIND_OF, Complete, Kind, Remark, RosterRecord, Unreadable, key_of


class Extract(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector said. `records` hold a `Complete` only for the kinds in `complete`: the proven ones.

    `rows` and `unreadable` count what came, per kind; `rows` includes the unreadable ones. `seconds` is the time taken.
    `feed` is the fingerprint of all of it, `latest` the last day that a record speaks of.
    """

    records: tuple[RosterRecord, ...]
    complete: frozenset[Kind]
    rows: dict[Kind, int]
    unreadable: dict[Kind, int]
    seconds: float
    feed: str
    latest: datetime.date


def extract(connector: Connector, *, told: Callable[[int], None] | None = None) -> Extract:
    """Read a school's whole roster; `told` hears now and then how many rows have come, and may stop it.

    Raises:
        Refused, Busy, Slow, Doubtful: as the connector says.
        Broken: the connector says so, fails in any other way, or adds to a kind after its `Complete`.
    """
    began = time.monotonic()
    tally = _Tally()
    with whatever_fails(connector):
        records = [tally.count(record) for record in _told(connector.roster(), told)]
    doubts = {kind: doubt for kind in tally.claims if (doubt := tally.doubt(kind))}
    proven = frozenset(tally.claims) - doubts.keys()
    return Extract(
        records=(
            *(r for r in records if not isinstance(r, Complete) or r.kind in proven),
            *map(_remark, doubts.values()),
        ),
        complete=proven,
        rows=dict(tally.rows),
        unreadable=dict(tally.unreadable),
        seconds=time.monotonic() - began,
        feed=tally.feed.digest(),
        latest=tally.feed.latest,
    )


def _told(records: Iterable[RosterRecord], told: Callable[[int], None] | None) -> Iterable[RosterRecord]:
    return records if told is None else _counted(records, told)


def _counted(records: Iterable[RosterRecord], told: Callable[[int], None]) -> Iterator[RosterRecord]:
    for number, record in enumerate(records, 1):
        if number % _NOW_AND_THEN == 0:
            told(number)
        yield record


_NOW_AND_THEN: Final = 256  # rows: often enough for whoever waits, and no work worth measuring


class _Tally:
    """Counts what passes by."""

    def __init__(self) -> None:
        self.rows: collections.Counter[Kind] = collections.Counter()
        self.unreadable: collections.Counter[Kind] = collections.Counter()
        self.claims: dict[Kind, list[int]] = {}
        self.repeated: collections.Counter[Kind] = collections.Counter()
        self.feed = Feed()
        self._keys: dict[Kind, set[object]] = collections.defaultdict(set)

    def count(self, record: RosterRecord) -> RosterRecord:
        """Return the record.

        Raises:
            Broken: its kind was complete already, or it is no record.
        """
        kind = KIND_OF.get(type(record))
        if kind:
            self._count_row(kind)
            self._count_key(kind, key_of(record))
        elif isinstance(record, Unreadable):
            self._count_row(record.kind)
            self.unreadable[record.kind] += 1
        elif isinstance(record, Complete):
            self.claims.setdefault(record.kind, []).append(record.rows)
        elif not isinstance(record, Remark):
            raise Broken(f"The connector yielded a {type(record).__name__}, which is no record.")
        self.feed.add(record)
        return record

    def _count_row(self, kind: Kind) -> None:
        if kind in self.claims:
            raise Broken(f"More {kind} came after the source said that they were complete.")
        self.rows[kind] += 1

    def _count_key(self, kind: Kind, key: object) -> None:
        keys = self._keys[kind]
        if key in keys:
            self.repeated[kind] += 1
        keys.add(key)

    def doubt(self, kind: Kind) -> str:
        """Return why the claim that a kind is complete is not believed, "" if it is."""
        claims = self.claims[kind]
        if len(claims) > 1:
            return f"{kind}: the source said {len(claims)} times that they were complete."
        if claims[0] != self.rows[kind]:
            return f"{kind}: the source counts {claims[0]}, but {self.rows[kind]} came."
        if self.repeated[kind]:
            return f"{kind}: {self.repeated[kind]} references came more than once."
        return ""


def _remark(doubt: str) -> Remark:
    return Remark(text=f"{doubt} The list is not taken as complete, so nothing is ended because of it.")


@contextlib.contextmanager
def whatever_fails(connector: Connector) -> Iterator[None]:
    """Read a connector within: what goes wrong in a way that none of our errors foresees becomes `Broken`."""
    try:
        yield
    except SyncError:
        raise
    except Exception as fault:  # noqa: BLE001 - a connector may fail in any way; its message could hold a child's data
        raise Broken(_whereabouts(connector, fault)) from None


def _whereabouts(connector: Connector, fault: Exception) -> str:
    """Name the kind of fault and its line of code: enough to mend it, and no value that the source sent."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    where = f"{Path(last.filename).name}, line {last.lineno}"
    return f"The connector “{connector.label}” failed: {type(fault).__name__} in {where}. Our own people are told."
