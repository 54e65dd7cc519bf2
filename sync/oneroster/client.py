"""Reads whole collections page by page, and says of each whether its end is proven."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sync.errors import Broken
from sync.http import Answer, Http
from sync.keys import Keys
from sync.oneroster.wire import raw_text

_LONGEST: Final = 1_000_000  # rows; no school has more, so the list has no end
_NEXT: Final = re.compile(r"""rel\s*=\s*["']?next\b""", re.IGNORECASE)
_NEVER_ROWS: Final = ("statusinfo", "imsx", "error", "warning")
_NOT_SHARED: Final = {
    403: "does not allow us to read “{name}”; the permission must be granted by the partner",
    404: "has no “{name}”",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Collection:
    """All rows of one kind, each identity once, as they came.

    `contested` are identities that came with different contents, `nameless` are rows without one. `doubt` says why the
    end is not proven, "" if it is. Where nothing is `shared`, `doubt` says so too.
    """

    name: str
    rows: dict[str, Any]
    contested: frozenset[str] = frozenset()
    nameless: tuple[Any, ...] = ()
    doubt: str = ""
    shared: bool = True

    @property
    def proven(self) -> bool:
        """Whether it was read to its end."""
        return not self.doubt


class Api:
    """One OneRoster service; `base` ends in the version: `https://host/ims/oneroster/v1p1`."""

    def __init__(self, http: Http, *, base: str, keys: Keys, page_size: int) -> None:
        self._http = http
        self._base = base.rstrip("/")
        self._keys = keys
        self._size = page_size

    def collection(self, name: str, *, optional: bool = False) -> Collection:
        """Read a collection to its end, once more if it moved while it was read.

        An `optional` one may be forbidden or missing.

        Raises:
            Refused, Busy: the service does not answer.
            Broken: the answer has no list, says that it failed, or repeats itself.
        """
        found = self._pull(name, optional=optional)
        return self._pull(name, optional=optional) if found.doubt and found.shared else found

    def _pull(self, name: str, *, optional: bool) -> Collection:
        shelf = _Shelf(name)
        for page in self._pages(name, shelf, optional=optional):
            if page.lack:
                return Collection(name=name, rows={}, doubt=page.lack, shared=False)
            shelf.add(page)
        return shelf.collection()

    def _pages(self, name: str, shelf: "_Shelf", *, optional: bool) -> Iterator["_Page"]:
        """Yield pages up to an empty one: a short page proves nothing, for servers shorten pages as they like."""
        while True:
            page = self._page(name, offset=shelf.received, optional=optional and not shelf.received)
            yield page
            if not page.rows or shelf.is_at_end:
                break
        if shelf.total is None:
            # Nobody says how many there are, so an empty page could be a hole: look behind it.
            yield dataclasses.replace(self._page(name, offset=shelf.received + self._size), probe=True)

    def _page(self, name: str, *, offset: int, optional: bool = False) -> "_Page":
        # Some services have no page behind the end instead of an empty one.
        accept = frozenset({200, 403, 404}) if optional else frozenset({200, 404}) if offset else frozenset({200})
        params: dict[str, str | int] = {"limit": self._size, "offset": offset, "sort": "sourcedId", "orderBy": "asc"}
        answer = self._keys.get(self._http, f"{self._base}/{name}", params=params, accept=accept)
        if answer.status in _NOT_SHARED and offset:
            return _Page(rows=())
        if answer.status in _NOT_SHARED:
            return _Page(rows=(), lack=f"The service {_NOT_SHARED[answer.status].format(name=name)}.")
        total = answer.headers.get("X-Total-Count", "").strip()
        return _Page(
            rows=_rows(name, answer),
            total=int(total) if total.isdecimal() else None,
            says_more=bool(_NEXT.search(answer.headers.get("Link", ""))),
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Page:
    """One answer. `lack` says why there is none; a `probe` looks behind the end."""

    rows: Sequence[Any]
    total: int | None = None
    says_more: bool = False
    lack: str = ""
    probe: bool = False


class _Shelf:
    """Where the rows of one collection are kept while its pages come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.received = 0
        self.total: int | None = None
        self.is_at_end = False
        self._rows: dict[str, Any] = {}
        self._nameless: list[Any] = []
        self._contested: set[str] = set()
        self._repeats = 0
        self._pages: set[tuple[str, ...]] = set()
        self._promised = False
        self._doubts: list[str] = []

    def add(self, page: _Page) -> None:
        """Take the rows of a page.

        Raises:
            Broken: it came before, and nothing says that this is the end.
        """
        if page.probe:
            if page.rows:
                self._doubts.append("an empty page came before the end")
            return
        self._note_total(page)
        if not page.rows:
            self._note_end(page)
            return
        signature = tuple(raw_text(row, "sourcedId") for row in page.rows)
        if not sum([self._is_new(row) for row in page.rows]) and signature in self._pages:
            self._note_repetition()
        self._pages.add(signature)
        self._promised = page.says_more
        self.received += len(page.rows)
        if self.received > _LONGEST:
            raise Broken(f"The list “{self.name}” has no end.")

    def _note_total(self, page: _Page) -> None:
        if None not in (self.total, page.total) and page.total != self.total:
            self._doubts.append("the total changed while it was read")
        self.total = page.total if page.total is not None else self.total

    def _note_end(self, page: _Page) -> None:
        self.is_at_end = True
        if (page.says_more or self._promised) and self.total is None:
            self._doubts.append("the service promised more rows than came")

    def _note_repetition(self) -> None:
        """Some services answer a page behind the end with the last one; without a total that looks like a circle."""
        if self.total != self._count():
            raise Broken(f"The list “{self.name}” repeats itself: the service does not turn its pages.")
        self.is_at_end = True

    def _is_new(self, row: Any) -> bool:
        ref = raw_text(row, "sourcedId").strip()
        if not ref:
            if row in self._nameless:
                return False
            self._nameless.append(row)
            return True
        if ref not in self._rows:
            self._rows[ref] = row
            return True
        if self._rows[ref] != row:
            self._contested.add(ref)
        self._repeats += 1
        return False

    def _count(self) -> int:
        return len(self._rows) + len(self._nameless)

    def _doubt(self) -> str:
        if self.total is not None and self.total != self._count():
            self._doubts.append(f"the service counts {self.total}, but {self._count()} came")
        if self.total is None and self._repeats:
            self._doubts.append(f"{self._repeats} rows came more than once, so others may not have come")
        return f"“{self.name}” was not read to its end: {self._doubts[0]}." if self._doubts else ""

    def collection(self) -> Collection:
        """Return what stands on the shelf."""
        return Collection(
            name=self.name,
            rows={ref: row for ref, row in self._rows.items() if ref not in self._contested},
            contested=frozenset(self._contested),
            nameless=tuple(self._nameless),
            doubt=self._doubt(),
        )


def _rows(name: str, answer: Answer) -> list[Any]:
    """Return the rows of an answer: under its own name, else in its only list. No list is a fault, never no rows."""
    said = answer.json()
    if not isinstance(said, dict):
        raise Broken(f"The answer to “{name}” is no OneRoster answer.")
    if _failed(said):
        raise Broken(f"The service answered “{name}” with a failure.")
    if isinstance(said.get(name), list):
        return list(said[name])
    lists = [v for k, v in said.items() if isinstance(v, list) and not k.lower().startswith(_NEVER_ROWS)]
    if len(lists) != 1 or name in said:
        raise Broken(f"The answer to “{name}” has no list.")
    return lists[0]


def _failed(said: dict[str, Any]) -> bool:
    infos = said.get("statusInfoSet")
    candidates = [said, said.get("imsx_StatusInfo"), *(infos if isinstance(infos, list) else ())]
    return any(
        isinstance(info, dict) and info.get("imsx_codeMajor") in {"failure", "unsupported"} for info in candidates
    )
