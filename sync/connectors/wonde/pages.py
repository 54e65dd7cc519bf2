"""How Wonde answers: lists page by page to their proven end, includes that only some MIS know, and errors."""

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit, urlunsplit

import msgspec

from sync.errors import Broken
from sync.http import Answer, Http, Seen

DEFAULT_PAGE: Final = 50  # Wonde's own; what fits in it may come without any word on pages
MOST_PAGES: Final = 20_000
MOST_ROWS: Final = 200  # what production clients of Wonde ask for
_OK: Final = frozenset({200})
_MAYBE: Final = frozenset({200, 400, 403, 404})
_SCOPE: Final = re.compile(r"[Ss]cope ([a-z0-9_.\-]{1,80}) not enabled")

Pairs = list[tuple[str, str]]


class NotOffered(Exception):
    """A list that Wonde does not give us for this school; `scope` is the missing permission, "" if it is not named."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class Page(msgspec.Struct, frozen=True):
    """One page of a list, whose rows are not unpacked yet: with all that is in them they may be large."""

    data: list[msgspec.Raw]
    meta: Any = None

    def rows(self) -> Iterator[Any]:
        """Unpack one row after the other."""
        return map(msgspec.json.decode, self.data)

    def following(self, *, alone: int) -> str:
        """Return the address of the next page, "" at the end; without a word on pages only `alone` rows are an end.

        Raises:
            Broken: it is not said whether the list ends here.
        """
        paging = _inner(self.meta, "pagination")
        if isinstance(paging, dict):
            return _link(paging)
        if len(self.data) > alone:
            raise Broken("Wonde's answer does not say whether there are more pages.")
        return ""


_READ: Final = msgspec.json.Decoder(Page)


class Api:
    """One school at one host. `base` has no path."""

    def __init__(self, http: Http, *, base: str, token: str, school: str, per_page: int) -> None:
        self._http, self.base, self.school, self._per_page = http, base, school, per_page
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def single(self, path: str) -> Mapping[str, Any]:
        """Return one object below /v1.0, {} where Wonde does not let us have it.

        Raises:
            Refused, Busy, Broken: see `sync.errors`.
        """
        data = self._data(path)
        return data if isinstance(data, dict) else {}

    def permissions(self) -> dict[str, tuple[str, bool]]:
        """Return by identity what the school's portal calls each permission, and whether it is granted.

        Raises:
            Refused, Busy, Broken: see `sync.errors`; {} where Wonde does not tell.
        """
        rows = self._data(f"meta/schools/{self.school}/permissions")
        told = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        named = {str(row["identity"]): row for row in told if row.get("identity")}
        return {
            identity: (str(row.get("name") or identity), bool(row.get("approved"))) for identity, row in named.items()
        }

    def counts(self, *names: str) -> dict[str, int]:
        """Return Wonde's own totals by list, without those it does not tell; errors as in `single`."""
        told = self._data(f"schools/{self.school}/counts", [("include", ",".join(names))])
        boxes = told.items() if isinstance(told, dict) else ()
        found = {name: _inner(_inner(box), "count") for name, box in boxes}
        return {name: int(total) for name, total in found.items() if str(total).isdecimal()}

    def listing(self, path: str, *includes: str, most: int = MOST_ROWS, **only: str) -> "Listing":
        """Open a list of the school, or of all schools if the path begins with a slash; `only` are its filters.

        A page has at most `most` rows: fewer where each row holds many others.

        Raises:
            NotOffered: the school or its MIS does not give us this list.
            Refused, Busy, Broken: see `sync.errors`.
        """
        return Listing(self, path, includes, list(only.items()), size=min(self._per_page, most))

    def ask(self, path: str, query: Pairs) -> Answer:
        """Ask for a list; the answer may be that we may not, or may not so; errors as in `single`."""
        return self.follow(self.address(path), query, accept=_MAYBE)

    def follow(self, url: str, query: Pairs, *, accept: frozenset[int] = _OK) -> Answer:
        """Ask for an address that Wonde named; errors as in `single`."""
        return self._http.get(url, params=query or None, headers=self._headers, accept=accept, explain=_explain)

    def address(self, path: str) -> str:
        """Return the address of a list."""
        return f"{self.base}/v1.0{path}" if path.startswith("/") else f"{self.base}/v1.0/schools/{self.school}/{path}"

    def _data(self, path: str, query: Pairs | None = None) -> Any:
        answer = self.ask(f"/{path}", query or [])
        said = answer.json() if answer.status == 200 else {}
        return said.get("data") if isinstance(said, dict) else None


class Listing:
    """One list. Opening it finds out which includes are to be had: one that is not spoils a whole request.

    `lacking` are the others, each with the permission that is missing, "" if Wonde does not say which.
    """

    def __init__(self, api: Api, path: str, includes: tuple[str, ...], only: Pairs, *, size: int) -> None:
        self._api, self._path, self._includes, self._only, self._size = api, path, includes, only, size
        self.lacking: dict[str, str] = {}
        self._first = self._open()

    def rows(self) -> Iterator[Any]:
        """Yield the rows of one page after the other.

        Raises:
            Refused, Busy, Broken: see `sync.errors`; a list that does not prove its end is broken.
        """
        seen, url, answer = Seen(), self._api.address(self._path), self._first
        alone = min(
            DEFAULT_PAGE, self._size - 1
        )  # so many rows may come without a word on pages, if no page came before
        for _ in range(MOST_PAGES):
            page = page_of(answer)
            yield from page.rows()
            following = page.following(alone=alone)
            if not following:
                return
            seen.check(following)
            url, query = self._next(url, following)
            answer, alone = self._api.follow(url, query), -1
        raise Broken("Wonde's list does not end.")

    def _next(self, url: str, link: str) -> tuple[str, Pairs]:
        """Follow the link as given, but with whatever it forgot of what we asked; the token goes to no other host."""
        there = urlsplit(urljoin(url, link))
        if (there.scheme, there.netloc) != tuple(urlsplit(self._api.base)[:2]):
            raise Broken("Wonde names a next page on another host.")
        query = parse_qsl(there.query, keep_blank_values=True)
        given = {name for name, _ in query} | {"cursor"}  # `cursor` alone would begin again
        kept = [(name, value) for name, value in self._asked() if name not in given]
        return urlunsplit(there._replace(query="", fragment="")), [*query, *kept]

    def _asked(self) -> Pairs:
        accepted = [name for name in self._includes if name not in self.lacking]
        named = [("include", ",".join(accepted))] if accepted else []
        return [*self._only, *named, ("per_page", str(self._size)), ("cursor", "true")]

    def _open(self) -> Answer:
        while (answer := self._api.ask(self._path, self._asked())).status != 200:
            spoilers = self._spoilers(answer)
            if not spoilers:
                raise Broken(f"Wonde answered the list {self._path} with status {answer.status}.")
            self.lacking |= spoilers
        return answer

    def _spoilers(self, answer: Answer) -> dict[str, str]:
        """Return which includes are not to be had; Wonde may name one, or leave it to us to find out."""
        if answer.status == 400 and _error(answer, "error") != "invalid_include":
            raise Broken(f"Wonde does not understand how we ask for the list {self._path}.")
        tried = [name for name in self._includes if name not in self.lacking]
        named = _error(answer, "error_description")
        if answer.status == 400 and named in tried:
            return {name: "" for name in tried if name == named or name.startswith(f"{named}.")}
        alone = self._api.ask(self._path, [*self._only, ("per_page", "1")])
        if alone.status in {403, 404}:
            raise NotOffered(scope_in(alone))
        answers = {
            name: self._api.ask(self._path, [*self._only, ("include", name), ("per_page", "1")]) for name in tried
        }
        return {name: scope_in(answer) for name, answer in answers.items() if answer.status != 200}


def scope_in(answer: Answer) -> str:
    """Return the name of the missing permission, "" if Wonde does not say it."""
    found = _SCOPE.search(_error(answer, "error_description"))
    return found[1] if found else ""


def _explain(answer: Answer) -> str:
    """Put a refusal into a sentence for the school's office."""
    if answer.status == 401:
        return "Wonde does not accept the token. Copy a valid one from the Wonde portal, or ask Wonde if it changed."
    scope = scope_in(answer)
    if scope:
        return f"Wonde does not let us read {scope}. Allow this permission in the school's Wonde portal."
    return "Wonde refuses to answer for this school. Look in the school's Wonde portal whether our access is approved."


def _error(answer: Answer, key: str) -> str:
    try:
        value = _inner(answer.json(), key)
    except Broken:
        return ""
    return value if isinstance(value, str) else ""


def _inner(box: Any, key: str = "data") -> Any:
    return box.get(key) if isinstance(box, dict) else None


def page_of(answer: Answer) -> Page:
    """Read a page of a list.

    Raises:
        Broken: it is none.
    """
    with contextlib.suppress(msgspec.DecodeError):
        return _READ.decode(answer.body)
    # Half of a character, as a careless MIS may hold it in a name, becomes a question mark and costs us no list.
    mended = json.dumps(answer.json(), ensure_ascii=False).encode(errors="replace")
    with contextlib.suppress(msgspec.DecodeError):
        return _READ.decode(mended)
    raise Broken("Wonde answered a list without its rows.")


def _link(paging: Mapping[str, Any]) -> str:
    """Return the next address, "" where the end is said; a list that is not said to end has not ended."""
    more, link = str(paging.get("more")).lower(), paging.get("next")
    if more in {"false", "0"} or (more == "none" and link is None and "next" in paging):
        return ""
    if more in {"true", "1", "none"} and isinstance(link, str) and link:
        return link
    raise Broken("Wonde's answer contradicts itself about whether there are more pages.")
