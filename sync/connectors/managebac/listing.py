"""Reading lists of ManageBac page by page, and the proof that a list came to its end."""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec

from sync.connectors.managebac.api import Api, NotPermitted, not_permitted, rows_in, title
from sync.connectors.managebac.table import Table
from sync.connectors.managebac.wire import Meta, Row
from sync.errors import Broken
from sync.http import Seen

PAGE: Final = 200  # the most that is documented; ManageBac may answer with fewer

R = TypeVar("R", bound=Row)


class Lists:
    """The lists of one reading; a context manager, for each is a file that ends with it."""

    def __init__(self, api: Api) -> None:
        self._api, self._open = api, contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def read(self, name: str, shape: type[R], *, needed: bool = False, **filters: str) -> Table[R]:
        """Read a list; one that is not `needed` may be kept from us, and its remark says so.

        Raises:
            Refused: the token is not accepted, or may not read what is needed.
            Busy, Broken: see `Http.get`; or the pages contradict themselves.
        """
        table = self._open.enter_context(Table(name, shape))
        totals: set[int | None] = set()
        try:
            for page in self._pages(name, filters, needed=needed):
                totals.add(page.meta.total_count)
                for line, raw in enumerate(page.rows):
                    table.add(raw, page=page.number, line=line)
        except NotPermitted:
            table.remark = not_permitted(name.replace("-", " "), title(name))
        else:
            table.remark = _doubt(name.replace("-", " "), totals, count=len(table))
        return table

    def _pages(self, name: str, filters: Mapping[str, str], *, needed: bool) -> Iterator["_Page"]:
        get = self._api.get if needed else self._api.try_get
        seen, number, last = Seen(), 1, 1
        while number <= last:
            params = {**filters, "page": str(number), "per_page": str(PAGE)}
            page = _page(get(name, permission=title(name), params=params).json(), name, number)
            yield page
            if not page.rows:
                return  # short of the end, if it is short, the count tells
            seen.check(page.token)
            number, last = number + 1, page.meta.total_pages


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Page:
    number: int
    rows: list[Any]
    meta: Meta

    @property
    def token(self) -> str:
        """What tells this page from all others: its contents."""
        return hashlib.sha256(json.dumps(self.rows, sort_keys=True).encode()).hexdigest()


def _page(body: object, name: str, number: int) -> _Page:
    rows, meta = rows_in(body, name), meta_in(body, name)
    if meta.current_page not in {None, number}:
        raise Broken(f"ManageBac gave page {meta.current_page} of {name} when asked for page {number}")
    return _Page(number=number, rows=rows, meta=meta)


def meta_in(body: object, name: str) -> Meta:
    """Return what a page says of its list.

    Raises:
        Broken: it does not say how many pages there are.
    """
    with contextlib.suppress(msgspec.ValidationError):  # whose text quotes what came
        return msgspec.convert(body.get("meta") if isinstance(body, dict) else None, Meta, strict=False)
    raise Broken(f"ManageBac does not say how many pages of {name} there are")


def _doubt(name: str, totals: set[int | None], *, count: int) -> str:
    """Return why the pages with these totals are not the whole list, "" if they are."""
    if len(totals) > 1:
        return f"{name}: the list changed while it was read, so it is not taken as complete and nothing is ended."
    (total,) = totals
    if total is None:
        return f"{name}: ManageBac does not say how many there are, so the list is not taken as complete."
    if total != count:
        return f"{name}: ManageBac counts {total}, but {count} came, so the list is not taken as complete."
    if not count:
        return f"{name}: the list is empty, which proves nothing, so nothing is ended because of it."
    return ""
