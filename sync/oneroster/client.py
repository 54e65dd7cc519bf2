"""Reads whole collections page by page onto disk, and says of each whether its end is proven.

What proves that a collection was read to its end:

* X-Total-Count, if exactly as many different rows came. It is the service's own count.
* The Link header, if every page but the last named a next one: the service then marks its last page. A page without the
  header is such a mark only where the service is known to send it, from this collection or another one of the same run.

What does not: a page that is shorter than what was asked for, because services shorten pages as they like and in
silence; nor an empty page, because a page that was lost looks the same. So where a service neither counts nor marks
pages, nothing is complete, and nobody leaves because of it (R12). Pages are asked for up to an empty one all the same:
a total or a mark may be wrong, and only the rows behind it can show that.
"""

import contextlib
import dataclasses
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, Generic

from sync.errors import Broken
from sync.http import Answer, Http
from sync.keys import Keys, explained
from sync.oneroster.wire import Shape, row_of
from sync.spool import Spool

_LONGEST: Final = 1_000_000  # rows; no school has more, so the list has no end
_NEXT: Final = re.compile(r"""rel\s*=\s*["']?next\b""", re.IGNORECASE)
_NEVER_ROWS: Final = ("statusinfo", "imsx", "error", "warning")
_NAMELESS: Final = "\0"  # begins the key of a row without an identity; no identity begins so
_LACKS: Final = {
    403: "The service does not allow us to read “{name}”: ask its operator to grant the scope “{scope}”.",
    404: "The service has no “{name}”.",
}
_CORE: Final = "roster-core.readonly"  # the same names in both versions
_DEMOGRAPHICS: Final = "roster-demographics.readonly"


@dataclasses.dataclass
class Habits:
    """What a service was seen to do."""

    names_next: bool = False  # Link headers with a next page
    sorts: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """One answer. `lack` says why there is none; `marked` whether it had a Link header at all."""

    rows: Sequence[Any] = ()
    total: int | None = None
    names_next: bool = False
    marked: bool = False
    lack: str = ""

    @property
    def marks_end(self) -> bool:
        """Whether the service counts its rows or marks its last page."""
        return self.marked or self.total is not None


class Collection(Generic[Shape]):
    """The rows of one collection, each identity once; a context manager, because they lie in a file."""

    def __init__(self, name: str, shape: type[Shape], habits: Habits) -> None:
        self.name, self.received = name, 0
        self.rows = Spool(shape)
        self.total: int | None = None
        self.lack = ""
        self._shape, self._habits = shape, habits
        self._pages: set[bytes] = set()
        self._last = Page()
        self._repeats = 0
        self._moved = self._short = False

    @property
    def shared(self) -> bool:
        """Whether we may read it at all."""
        return not self.lack

    @property
    def proven(self) -> bool:
        """Whether it was read to its end, and each of its rows says one thing."""
        return not self.doubt

    @property
    def doubt(self) -> str:
        """Why it is not proven, in a sentence; "" if it is."""
        why = self.lack or self._doubt()
        return why if self.lack or not why else f"“{self.name}” is not taken as complete: {why}."

    @property
    def may_heal(self) -> bool:
        """Whether reading it again may help: it moved while it was read."""
        short = self._short if self.total is None else self.total != len(self.rows)
        return self.shared and bool(self._moved or short or self._torn())

    def add(self, page: Page) -> bool:
        """Take the rows of a page, and return whether there may be more.

        Raises:
            Broken: it came before, and nothing says that this is the end; or there is no end.
        """
        self.lack = page.lack
        self._moved = self._moved or (None not in (self.total, page.total) and self.total != page.total)
        self.total = self.total if page.total is None else page.total
        self._habits.names_next = self._habits.names_next or page.names_next
        if not page.rows:
            self._short = page.names_next or self._last.names_next
            return False
        return self._add_rows(page)

    def _add_rows(self, page: Page) -> bool:
        held = len(self.rows)
        keys = [self._put(row_of(self._shape, said), said) for said in page.rows]
        new = len(self.rows) - held
        digest = hashlib.sha256("\n".join(keys).encode()).digest()
        if not new and digest in self._pages:
            return self._note_repetition()
        self._pages.add(digest)
        self._repeats += len(page.rows) - new
        self._last = page
        self.received += len(page.rows)
        if self.received > _LONGEST:
            raise Broken(f"The list “{self.name}” has no end.")
        return True

    def _put(self, row: Shape, said: object) -> str:
        """Keep a row and return the key under which it lies."""
        key = row.ref if row.ref.strip() else f"{_NAMELESS}{hashlib.sha256(repr(said).encode()).hexdigest()}"
        try:
            key.encode()
            self.rows.put(key, row)
        except UnicodeEncodeError:  # half a letter, which no file can hold
            key = key.encode(errors="replace").decode()
            self.rows.put(key, self._shape(sourced_id=key, fault="It holds half a letter."))
        return key

    def _note_repetition(self) -> bool:
        """Some services answer a page behind the end with the last one; without a total that looks like a circle."""
        if self.total != len(self.rows):
            raise Broken(f"The list “{self.name}” repeats itself: the service does not turn its pages.")
        return False

    def _torn(self) -> int:
        return sum(1 for _ in self.rows.torn())

    def _doubt(self) -> str:
        count, marks = len(self.rows), self._last.marked or self._habits.names_next
        if self._moved:
            return "the total changed while it was read"
        if self.total not in {None, count}:
            return f"the service counts {self.total:,}, but {count:,} came"
        if self._short and self.total is None:
            return "the service promised more rows than came"
        if self._repeats and self.total is None:
            return f"{self._repeats:,} rows came more than once, so others may not have come"
        if self.total is None and not marks:
            return (
                "the service neither counts its rows (X-Total-Count) nor marks its last page (Link), so nobody can "
                "tell whether all came; ask its operator for either"
            )
        return f"{torn:,} rows came twice with different contents" if (torn := self._torn()) else ""

    def __enter__(self) -> "Collection[Shape]":
        return self

    def __exit__(self, *fault: object) -> None:
        self.rows.__exit__(None, None, None)


class Api:
    """One OneRoster service; `base` ends in the version: `https://host/ims/oneroster/v1p1`."""

    def __init__(self, http: Http, *, base: str, keys: Keys, page_size: int) -> None:
        self._http, self._base, self._keys, self._size = http, base.rstrip("/"), keys, page_size
        self._habits = Habits()

    @contextlib.contextmanager
    def collection(self, name: str, shape: type[Shape], *, optional: bool = False) -> Iterator[Collection[Shape]]:
        """Read a collection to its end, once more if it moved meanwhile; an `optional` one may be forbidden or missing.

        Raises:
            Refused, Busy: the service does not answer.
            Broken: the answer has no list, says that it failed, or repeats itself.
        """
        with contextlib.ExitStack() as stack:
            found = stack.enter_context(self._pull(name, shape, optional=optional))
            yield stack.enter_context(self._pull(name, shape, optional=optional)) if found.may_heal else found

    def _pull(self, name: str, shape: type[Shape], *, optional: bool) -> Collection[Shape]:
        found = Collection(name, shape, self._habits)
        while found.add(self.page(name, offset=found.received, optional=optional and not found.received)):
            pass
        return found

    def page(self, name: str, *, offset: int = 0, optional: bool = False) -> Page:
        """Read one page; errors as in `collection`."""
        # Some services have no page behind the end instead of an empty one.
        accept = frozenset({200, 403, 404}) if optional else frozenset({200, 404}) if offset else frozenset({200})
        answer = self._answer(name, offset=offset, accept=accept)
        if answer.status in _LACKS:
            return Page(lack="" if offset else lack_of(name, answer.status))
        total, link = answer.headers.get("X-Total-Count", "").strip(), answer.headers.get("Link", "")
        return Page(
            rows=_rows(name, answer),
            total=int(total) if total.isdecimal() else None,
            names_next=bool(_NEXT.search(link)),
            marked=bool(link.strip()),
        )

    def _answer(self, name: str, *, offset: int, accept: frozenset[int]) -> Answer:
        """Ask in a stable order, so that no row slips between two pages; a service need not know how to sort."""
        params: dict[str, str | int] = {"limit": self._size, "offset": offset}
        url = f"{self._base}/{name}"

        def explain(answer: Answer) -> str:
            return lack_of(name, answer.status) if answer.status == 403 else explained(url)(answer)

        if self._habits.sorts:
            stable: dict[str, str | int] = {**params, "sort": "sourcedId", "orderBy": "asc"}
            answer = self._keys.get(self._http, url, params=stable, accept=accept | {400}, explain=explain)
            if answer.status != 400:
                return answer
            self._habits.sorts = False
        return self._keys.get(self._http, url, params=params, accept=accept, explain=explain)


def lack_of(name: str, status: int) -> str:
    """Say why a collection cannot be read, by the status of the answer: 403 or 404."""
    return _LACKS[status].format(name=name, scope=_DEMOGRAPHICS if name == "demographics" else _CORE)


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
