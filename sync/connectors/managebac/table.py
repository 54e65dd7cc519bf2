"""One list of ManageBac on disk: its rows, those that cannot be used, and whether it is proven to be all there is."""

import functools
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import msgspec

from sync.connectors.managebac.wire import BadRow, Row, decode, ref_in
from sync.records import NOT_SHARED, Kind, Text, Unreadable
from sync.spool import Spool

_TWICE: Final = "The id appears twice with different contents; it may have been edited while we read."
_NO_ROW: Final = "The row has no id."

R = TypeVar("R", bound=Row)


class Bad(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is there but cannot be used. `refs` are its `Row.key`, "" where that cannot be read either."""

    refs: tuple[str, ...]
    reason: str
    place: str


class Kept(msgspec.Struct, Generic[R], frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of one row: the row, or why it cannot be used."""

    row: R | None = None
    bad: Bad | None = None


class Table(Generic[R]):
    """One list; a context manager, for it holds a file. The same row on two pages counts once.

    `remark` says why the list is not proven to be whole, "" if it is: all pages came, and as many different rows as
    ManageBac counts, at least one. `shared` are the fields that at least one row has: what nobody has may be switched
    off for the whole school.
    """

    def __init__(self, name: str, shape: type[R]) -> None:
        generic: Any = Kept
        self.name, self._shape = name, shape
        self._kept: Spool[Kept[R]] = Spool(generic[shape])
        self.nameless = False  # whether a row came without an id, which may be anybody's
        self.shared: set[str] = set()
        self.remark = f"{name}: not read."

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.__exit__(kind, fault, trace)

    def add(self, raw: object, *, page: int, line: int) -> None:
        """Keep one row as it came."""
        ref = ref_in(raw)
        self.nameless |= not ref
        if isinstance(raw, Mapping):
            self.shared.update(field for field, value in raw.items() if value is not None)
        key = ref or f"{page}/{line}/"  # a row without an id is a row of its own; no id has slashes
        try:
            self._kept.put(key, Kept(row=self._row(raw, ref)))
        except BadRow as fault:
            refs = tuple(ref_in(raw, field) for field in self._shape.key)
            self._kept.put(key, Kept(bad=Bad(refs=refs, reason=str(fault), place=f"{self.name}, page {page}")))

    def _row(self, raw: Any, ref: str) -> R:
        if not ref:
            raise BadRow(_NO_ROW)
        return decode(raw, self._shape)

    @property
    def whole(self) -> bool:
        """Whether nobody else is there."""
        return not self.remark

    def __len__(self) -> int:
        """Return how many different rows came, unusable ones included."""
        return len(self._kept)

    def __contains__(self, ref: str) -> bool:
        """Return whether a row of this id came, usable or not."""
        return ref in self._kept

    def get(self, ref: str) -> R | None:
        """Return the usable row of this id, if there is one."""
        kept = self._kept.get(ref)
        return kept.row if kept else None

    def may_hold(self, ref: str, *, here: Callable[[R], bool]) -> bool:
        """Whether this id is that of a row that is `here`, or may be, because it cannot be read."""
        row = self.get(ref)
        return self.nameless or (here(row) if row else ref in self._kept)

    def rows(self) -> Iterator[R]:
        """Yield the usable rows."""
        for kept in self._kept.rows():
            if kept.row is not None:
                yield kept.row

    def present(self) -> Iterator[R]:
        """Yield the usable rows that are not archived."""
        return (row for row in self.rows() if not row.archived)

    def unreadable(self, kind: Kind) -> Iterator[Unreadable]:
        """Yield the unusable ones as what they should have been."""
        for bad in self._bad():
            ref, other_ref = (*bad.refs, "")[:2]
            yield Unreadable(kind=kind, ref=ref, other_ref=other_ref, reason=bad.reason, place=bad.place)

    @functools.cached_property
    def spoilt(self) -> bool:
        """Whether any row is unusable; asked for after the last one came."""
        return any(True for _ in self._bad())

    def _bad(self) -> Iterator[Bad]:
        for ref in self._kept.torn():  # of a membership nobody knows which class and person to believe
            yield Bad(refs=(ref if self._shape.key == ("id",) else "",), reason=_TWICE, place=self.name)
        for kept in self._kept.rows():
            if kept.bad:
                yield kept.bad

    def text(self, row: R, *fields: str) -> Text:
        """Return the first of these fields that holds something: "" if none does, NOT_SHARED if no row has any."""
        said = next((value for field in fields if (value := getattr(row, field))), "")
        return said if said or self.shared.intersection(fields) else NOT_SHARED
