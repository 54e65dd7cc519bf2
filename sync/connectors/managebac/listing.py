"""Reading one list of ManageBac to its proven end, page by page."""

import collections
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, NoReturn, TypeVar

import msgspec

from sync.connectors.managebac.wire import BadRow, Meta, Row, decode, ref_in
from sync.errors import Broken
from sync.http import Answer, Http, Seen
from sync.records import NOT_SHARED, Text

PAGE: Final = 200  # the most that is documented; ManageBac may answer with fewer
_REFUSALS: Final = frozenset({401, 403})
_WHERE: Final = "at Settings › Develop › API Manager in ManageBac"
_TWICE: Final = "The id appears twice with different contents; it may have been edited while we read."
_NO_ROW: Final = "The row has no id."

R = TypeVar("R", bound=Row)
Raw = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bad:
    """A row that is there but cannot be used; `owner` is the class of a membership, else as `ref`."""

    ref: str
    owner: str
    reason: str
    place: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table(Generic[R]):
    """One list. `whole` is proven: all pages came, and as many different rows as ManageBac counts, at least one.

    `shared` are the fields that at least one row has: what nobody has may be switched off for the whole school.
    """

    rows: Mapping[str, R] = dataclasses.field(default_factory=dict)
    bad: tuple[Bad, ...] = ()
    shared: frozenset[str] = frozenset()
    whole: bool = False
    permitted: bool = True
    remark: str = ""

    @property
    def bad_refs(self) -> frozenset[str]:
        """The ids of unusable rows, "" among them if one has none."""
        return frozenset(bad.ref for bad in self.bad)

    def text(self, row: R, *fields: str) -> Text:
        """Return the first of these fields that holds something: "" if none does, NOT_SHARED if no row has any."""
        said = next((value for field in fields if (value := getattr(row, field))), "")
        return said if said or self.shared.intersection(fields) else NOT_SHARED


class Lists:
    """The lists of one school, each read at most once. The token goes into a header, never into an address."""

    def __init__(self, http: Http, *, root: str, token: str) -> None:
        self._http, self._root = http, root
        self._headers = {"auth-token": token, "Accept": "application/json"}

    def required(self, name: str, shape: type[R], **filters: str) -> Table[R]:
        """Read a list without which there is no roster.

        Raises:
            Refused: the token is not accepted, or may not read it.
            Busy, Broken: see `Http.get`; or the pages contradict themselves.
        """
        return _table(name, shape, list(self._pages(name, filters, accept=frozenset({200}))))

    def optional(self, name: str, shape: type[R], **filters: str) -> Table[R]:
        """Read a list that the token need not be permitted to read; errors as in `required`."""
        try:
            pages = list(self._pages(name, filters, accept=frozenset({200}) | _REFUSALS))
        except _NotPermitted:
            # The same answer as to a token that was switched off meanwhile: only a list that it may read can tell.
            self._get("students", {"per_page": "1"}, accept=frozenset({200}), keep=False)
            return Table(permitted=False, remark=_not_permitted(name))
        return _table(name, shape, pages)

    def _pages(self, name: str, filters: Mapping[str, str], *, accept: frozenset[int]) -> Iterator["_Page"]:
        seen, number, last = Seen(), 1, 1
        while number <= last:
            answer = self._get(name, {**filters, "page": str(number), "per_page": str(PAGE)}, accept=accept)
            if answer.status in _REFUSALS:
                raise _NotPermitted
            page = _page(answer, name, number)
            yield page
            if not page.rows:
                return  # short of the end, if it is short, the count tells
            seen.check(page.token)
            number, last = number + 1, page.meta.total_pages

    def _get(self, name: str, params: Mapping[str, str], *, accept: frozenset[int], keep: bool = True) -> Answer:
        address = f"{self._root}/{name}"
        return self._http.get(
            address, params=params, headers=self._headers, accept=accept, explain=lambda _: _refused(name), keep=keep
        )


class _NotPermitted(Exception):
    """401 or 403: this list is not for this token, or the token is none any more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Page:
    number: int
    rows: list[Any]
    meta: Meta

    @property
    def token(self) -> str:
        """What tells this page from all others: its contents."""
        return hashlib.sha256(_canonical(self.rows)).hexdigest()


def _page(answer: Answer, name: str, number: int) -> _Page:
    body = answer.json()
    rows = body.get(name) if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise Broken(f"ManageBac answered without a list of {name}")
    meta = _meta(body.get("meta"), name)
    if meta.current_page not in {None, number}:
        raise Broken(f"ManageBac gave page {meta.current_page} of {name} when asked for page {number}")
    return _Page(number=number, rows=rows, meta=meta)


def _meta(raw: object, name: str) -> Meta:
    try:
        return msgspec.convert(raw, Meta, strict=False)
    except msgspec.ValidationError:
        _no_pages(name)


def _no_pages(name: str) -> NoReturn:
    raise Broken(f"ManageBac does not say how many pages of {name} there are")


def _table(name: str, shape: type[R], pages: list[_Page]) -> Table[R]:
    """Sort the rows: the same row on two pages counts once, two different ones of one id are both unusable."""
    variants: dict[str, dict[bytes, tuple[Any, str]]] = collections.defaultdict(dict)
    for page in pages:
        for place, raw in enumerate(page.rows):
            ref = ref_in(raw)
            key = ref or f"{page.number}/{place}/"  # a row without an id is a row of its own; no id has slashes
            variants[key].setdefault(_canonical(_read_of(raw, shape)), (raw, f"{name}, page {page.number}"))
    doubt = _doubt(name, pages, count=len(variants))
    rows, bad = _read(shape, variants)
    raws = [raw for found in variants.values() for raw, _ in found.values() if isinstance(raw, Mapping)]
    return Table(
        rows=rows,
        bad=bad,
        shared=frozenset(field for raw in raws for field, value in raw.items() if value is not None),
        whole=not doubt,
        remark=doubt,
    )


def _read(
    shape: type[R], variants: Mapping[str, Mapping[bytes, tuple[Any, str]]]
) -> tuple[dict[str, R], tuple[Bad, ...]]:
    rows: dict[str, R] = {}
    bad: list[Bad] = []
    for found in variants.values():
        for raw, place in found.values():
            try:
                row = _row(raw, shape, alone=len(found) == 1)
                rows[row.ref] = row
            except BadRow as fault:
                ref = ref_in(raw)
                bad.append(Bad(ref=ref, owner=ref_in(raw, "class_id"), reason=str(fault), place=place))
    return rows, tuple(bad)


def _row(raw: Any, shape: type[R], *, alone: bool) -> R:
    if not alone:
        raise BadRow(_TWICE)
    if not ref_in(raw):
        raise BadRow(_NO_ROW)
    return decode(raw, shape)


def _doubt(name: str, pages: list[_Page], *, count: int) -> str:
    """Return why these pages are not the whole list, "" if they are."""
    totals = {page.meta.total_count for page in pages}
    total = next(iter(totals))
    if len(totals) > 1:
        return f"{name}: the list changed while it was read, so it is not taken as complete and nothing is ended."
    if total is None:
        return f"{name}: ManageBac does not say how many there are, so the list is not taken as complete."
    if total != count:
        return f"{name}: ManageBac counts {total}, but {count} came, so the list is not taken as complete."
    if not count:
        return f"{name}: the list is empty, which proves nothing, so nothing is ended because of it."
    return ""


def _read_of(raw: Any, shape: type[Row]) -> Any:
    """Leave away what nobody reads: two pages may well disagree about when somebody last signed in."""
    return {field: raw.get(field) for field in shape.__struct_fields__} if isinstance(raw, Mapping) else raw


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _title(name: str) -> str:
    return name.capitalize()


def _not_permitted(name: str) -> str:
    return f"{name}: not shared with us. If they should be, permit “{_title(name)}” to the token {_WHERE}."


def _refused(name: str) -> str:
    return (
        f"ManageBac does not accept the token: it is wrong, switched off, of another region, or lacks the permission "
        f"“{_title(name)}”. Look {_WHERE}."
    )
