"""What Wonde said of one kind, on disk until all of it is there: only then is it known which fields are shared at all.

Wonde sends the same null for “not recorded” and “not permitted”. A null counts as empty only where another row of the
same list has a value; a field that nobody has is not shared.
"""

import datetime
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from sync.connectors.wonde import wire
from sync.records import KIND_OF, NOT_SHARED, Complete, Kind, Remark, RosterRecord, Unreadable
from sync.spool import Spool

R = TypeVar("R", bound=wire.Wire)
Key = tuple[str, str]  # both halves; the second is "" for people and classes
Fields = dict[str, Any]  # of a record, by name: a value, None (null) or UNSET (no such key)

_MAKE: Final[dict[Kind, type[Any]]] = {kind: record for record, kind in KIND_OF.items()}
_NAMES: Final = frozenset({"given_name", "family_name", "name", "condition"})  # "" where nothing is said
_NULL_STAYS: Final = frozenset({"date_of_birth", "left_on", "priority", "parental_responsibility", "restricted"})
_DAYS: Final = frozenset({"date_of_birth", "left_on"})
_INSTEAD: Final = {"year": "national_year"}  # taken where a school has no year groups in Wonde
_TWICE: Final = "Wonde sent this twice with different contents; it may have been edited while we read."


class Draft(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One row: the fields that came (a day as text), or why it cannot be used."""

    key: Key
    fields: dict[str, str | int | bool | None] = {}
    fault: str = ""
    place: str = ""
    quiet: bool = False  # a fault worth telling only where others have what is missing here
    here: bool = True  # False: on the list, but not of the school


class Sheet:
    """The drafts of one kind; a context manager, for they lie on disk."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.nameless = kind, 0
        self._rows = Spool(Draft)
        self._asked: dict[str, None] = {}
        self._shared: set[str] = set()
        self._elsewhere: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the rows."""
        self._rows.__exit__(None, None, None)

    def __len__(self) -> int:
        """Return how many different rows Wonde listed, usable or not."""
        return len(self._rows)

    def lists(self, ref: str) -> bool:
        """Whether somebody of this reference is here, readable or not."""
        return ref not in self._elsewhere and _written((ref, "")) in self._rows

    def shares(self, *fields: str) -> bool:
        """Whether one of these fields had a value anywhere."""
        return not self._shared.isdisjoint(fields)

    def take(self, key: Key, shape: type[R], raw: Any, draft: Callable[[R], Fields | None]) -> R | None:
        """Read one row and draft its record (None: it is of no concern); return the row unless it is unreadable."""
        try:
            row = wire.read(shape, raw)
            self.add(key, draft(row))
        except wire.RowError as fault:
            self.spoil(key, str(fault))
            return None
        return row

    def add(self, key: Key, fields: Fields | None) -> None:
        """Keep one record."""
        if fields is None:
            self._elsewhere.add(key[0])
            self._put(Draft(key=key, here=False))
            return
        self._asked |= dict.fromkeys(fields)
        self._shared |= {field for field, value in fields.items() if value is not None and value is not UNSET}
        said = {field: value for field, value in fields.items() if value is not UNSET}
        self._put(Draft(key=key, fields={field: _plain(value) for field, value in said.items()}))

    def spoil(self, key: Key, reason: str, *, quiet: bool = False, place: str = "") -> None:
        """Keep what is there but cannot be used."""
        self._put(Draft(key=key, fault=reason, quiet=quiet, place=place))

    def _put(self, draft: Draft) -> None:
        if not draft.key[0]:
            self.nameless += 1  # each may be somebody else
        self._rows.put(_written(draft.key if draft.key[0] else ("", str(self.nameless))), draft)

    def records(self, *, proven: bool) -> Iterator[RosterRecord]:
        """Yield what was kept. An empty kind is never complete: no permission and the wrong host look the same."""
        usable, told = 0, 0
        for draft in self._drafts():
            told += 1
            usable += not draft.fault
            yield self._record(draft)
        yield from self._unshared()
        if not usable:
            yield Remark(
                text=f"Wonde sent no {self.kind}: there are none, or they are not shared. Nothing ends because of it."
            )
        elif proven:
            yield Complete(kind=self.kind, rows=told)

    def _drafts(self) -> Iterator[Draft]:
        for draft in self._rows.rows():
            if draft.here and not (draft.quiet and not self._shared):
                yield draft
        for written in self._rows.torn():
            ref, _, other = written.partition("\0")
            yield Draft(key=(ref, other), fault=_TWICE)

    def _record(self, draft: Draft) -> RosterRecord:
        if draft.fault:
            ref, other_ref = draft.key
            return Unreadable(kind=self.kind, ref=ref, other_ref=other_ref, reason=draft.fault, place=draft.place)
        record: RosterRecord = _MAKE[self.kind](**{field: self._settled(draft, field) for field in self._fields()})
        return record

    def _settled(self, draft: Draft, field: str) -> Any:
        source = _INSTEAD.get(field, field) if field not in self._shared else field
        value = draft.fields.get(source, UNSET)
        if isinstance(value, UnsetType) or (value is None and source not in self._shared):
            return "" if field in _NAMES else NOT_SHARED
        if value is None:
            return None if field in _NULL_STAYS else ""
        return datetime.date.fromisoformat(str(value)) if field in _DAYS else value

    def _fields(self) -> Iterable[str]:
        return [field for field in self._asked if field not in _INSTEAD.values()]

    def _unshared(self) -> Iterator[Remark]:
        names = [field for field in self._fields() if not self.shares(field, _INSTEAD.get(field, field))]
        if names:
            fields = ", ".join(name.replace("_", " ") for name in names)
            yield Remark(
                text=f"{self.kind}: Wonde sends nobody's {fields}. If the MIS holds this, "
                "allow it in the school's Wonde portal; until then it is not shared."
            )


def _written(key: Key) -> str:
    return "\0".join(key)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value
