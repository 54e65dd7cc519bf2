"""How Wonde answers: lists page by page to their proven end, includes that only some MIS know, and errors."""

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit

from sync.errors import Broken, Refused
from sync.http import Answer, Http, Seen

DEFAULT_PAGE: Final = 50  # Wonde's own; what fits in it may come without any word on pages
MOST_PAGES: Final = 5000
_MAYBE: Final = frozenset({200, 400, 403, 404})
_SCOPE: Final = re.compile(r"[Ss]cope ([a-z0-9_.\-]{1,80}) not enabled")

Pairs = list[tuple[str, str]]


class NotOffered(Exception):
    """A list that Wonde does not give us for this school; `scope` is the missing permission, "" if it is not named."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listing:
    """All rows of a list, read to its end, and the includes that were not to be had."""

    rows: list[Any]
    lacking: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Page:
    rows: list[Any]
    following: str  # the address of the next page, "" at the end


class Api:
    """One school at one host. `base` has no path; `per_page` is what production clients of Wonde are known to use."""

    def __init__(self, http: Http, *, base: str, token: str, school: str, per_page: int) -> None:
        self._http, self._base, self._school, self._per_page = http, base, school, per_page
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def single(self, path: str) -> Mapping[str, Any]:
        """Return one object below /v1.0, {} where Wonde does not let us have it.

        Raises:
            Refused, Busy, Broken: see `sync.errors`.
        """
        answer = self._get(f"{self._base}/v1.0/{path}", [])
        return _object(answer.json()) if answer.status == 200 else {}

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Return Wonde's own totals by list, without those it does not tell; errors as in `single`."""
        answer = self._get(self._url("counts"), [("include", ",".join(names))])
        told = _object(answer.json()) if answer.status == 200 else {}
        found = {name: str(_object(inner).get("count")) for name, inner in told.items()}
        return {name: int(total) for name, total in found.items() if total.isdecimal()}

    def listing(self, path: str, *, includes: Iterable[str], only: Mapping[str, str] | None = None) -> Listing:
        """Read a list to its end.

        Raises:
            NotOffered: the school or its MIS does not give us this list.
            Refused, Busy, Broken: see `sync.errors`; a list that does not prove its end is broken.
        """
        wanted, extra = tuple(includes), list((only or {}).items())
        answer, accepted = self._first(path, wanted, extra)
        asked = self._asked(accepted, extra)
        rows = [row for page in self._pages(path, answer, asked) for row in page.rows]
        return Listing(rows=rows, lacking=tuple(name for name in wanted if name not in accepted))

    def _pages(self, path: str, answer: Answer, asked: Pairs) -> Iterator[_Page]:
        seen, url = Seen(), self._url(path)
        page = _page(answer.json(), longest=min(DEFAULT_PAGE, self._per_page - 1))
        yield page
        for _ in range(MOST_PAGES):
            if not page.following:
                return
            seen.check(page.following)
            url, query = self._following(url, page.following, asked)
            page = _page(self._get(url, query, accept=frozenset({200})).json(), longest=-1)
            yield page
        raise Broken("Wonde's list does not end.")

    def _following(self, url: str, link: str, asked: Pairs) -> tuple[str, Pairs]:
        """Follow the link as given, but with whatever it forgot of what we asked; the token goes to no other host."""
        there = urlsplit(urljoin(url, link))
        if (there.scheme, there.netloc) != tuple(urlsplit(self._base)[:2]):
            raise Broken("Wonde names a next page on another host.")
        query = parse_qsl(there.query, keep_blank_values=True)
        given = {name for name, _ in query}
        # `cursor` alone would begin again.
        kept = [(name, value) for name, value in asked if name not in given and name != "cursor"]
        return urlunsplit(there._replace(query="", fragment="")), [*query, *kept]

    def _first(self, path: str, wanted: tuple[str, ...], extra: Pairs) -> tuple[Answer, tuple[str, ...]]:
        """Return the first page and the includes it came with: one unknown include spoils a whole request."""
        accepted = wanted
        while True:
            answer = self._get(self._url(path), self._asked(accepted, extra))
            if answer.status == 200:
                return answer, accepted
            left = self._without_spoilers(path, answer, accepted, extra)
            if left == accepted:
                raise Broken(f"Wonde answered the list {path} with status {answer.status}.")
            accepted = left

    def _without_spoilers(self, path: str, answer: Answer, tried: tuple[str, ...], extra: Pairs) -> tuple[str, ...]:
        named = _error(answer, "error_description")
        if answer.status == 400 and _error(answer, "error") != "invalid_include":
            raise Broken(f"Wonde does not understand how we ask for the list {path}.")
        if answer.status == 400 and named in tried:
            return tuple(name for name in tried if name != named and not name.startswith(f"{named}."))
        # Which one it is, is not said; a permission may be missing for an include, or for the list itself.
        self._demand(path, extra)
        return tuple(name for name in tried if self._bears(path, name, extra))

    def _demand(self, path: str, extra: Pairs) -> None:
        bare = self._get(self._url(path), [*extra, ("per_page", "1")])
        if bare.status in {403, 404}:
            raise NotOffered(scope_in(bare))

    def _bears(self, path: str, include: str, extra: Pairs) -> bool:
        return self._get(self._url(path), [*extra, ("include", include), ("per_page", "1")]).status == 200

    def _asked(self, includes: tuple[str, ...], extra: Pairs) -> Pairs:
        named = [("include", ",".join(includes))] if includes else []
        return [*extra, *named, ("per_page", str(self._per_page)), ("cursor", "true")]

    def _url(self, path: str) -> str:
        return f"{self._base}/v1.0/schools/{self._school}/{path}"

    def _get(self, url: str, query: Pairs, accept: frozenset[int] = _MAYBE) -> Answer:
        return self._http.get(url, params=query or None, headers=self._headers, accept=accept, explain=explain)


def explain(answer: Answer) -> str:
    """Put a refusal into a sentence for the school's office."""
    if answer.status == 401:
        return "Wonde does not accept the token. Copy a valid one from the Wonde portal, or ask Wonde if it changed."
    scope = scope_in(answer)
    if scope:
        return f"Wonde does not let us read {scope}. Allow this permission in the school's Wonde portal."
    return "Wonde refuses to answer for this school. Look in the school's Wonde portal whether our access is approved."


def scope_in(answer: Answer) -> str:
    """Return the name of the missing permission, "" if Wonde does not say it."""
    found = _SCOPE.search(_error(answer, "error_description"))
    return found[1] if found else ""


def no_access(missing: NotOffered) -> Refused:
    """Return what to raise when a list that we cannot do without is not offered."""
    permission = f" (permission {missing.scope})" if missing.scope else ""
    return Refused(
        f"Wonde does not give us the students of this school{permission}. "
        "Look in the school's Wonde portal whether our access is approved, and whether the school id is right."
    )


def _error(answer: Answer, key: str) -> str:
    try:
        said = answer.json()
    except Broken:
        return ""
    value = said.get(key) if isinstance(said, dict) else None
    return value if isinstance(value, str) else ""


def _object(said: Any) -> Mapping[str, Any]:
    data = said.get("data") if isinstance(said, dict) else None
    return data if isinstance(data, dict) else {}


def _page(said: Any, *, longest: int) -> _Page:
    """Read one page; without a word on pages it is believed to be all only with at most `longest` rows."""
    rows = said.get("data") if isinstance(said, dict) else None
    if not isinstance(rows, list):
        raise Broken("Wonde answered a list without its rows.")
    meta = said.get("meta")
    paging = meta.get("pagination") if isinstance(meta, dict) else None
    if isinstance(paging, dict):
        return _Page(rows=rows, following=_link(paging))
    if len(rows) > longest:
        raise Broken("Wonde's answer does not say whether there are more pages.")
    return _Page(rows=rows, following="")


def _link(paging: Mapping[str, Any]) -> str:
    """Return the next address, "" where the end is said; a list that is not said to end has not ended."""
    more, link = str(paging.get("more")).lower(), paging.get("next")
    if more in {"false", "0"} or (more == "none" and link is None and "next" in paging):
        return ""
    if more in {"true", "1", "none"} and isinstance(link, str) and link:
        return link
    raise Broken("Wonde's answer contradicts itself about whether there are more pages.")
