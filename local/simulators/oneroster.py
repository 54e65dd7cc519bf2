"""A OneRoster 1.1 or 1.2 service with one night of a school, as sheet and field reports describe them: correct or not.

`local.simulators.gg4l` stands on it.
"""

import base64
import dataclasses
import hashlib
import hmac
import re
import urllib.parse
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from local.renderings.oneroster import Dialect, Row, Rows, collections_of, school_ref
from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import SchoolWorld

OWN_FAULTS: Final[Mapping[str, str]] = {
    "repeat-page": "the offset is ignored: every page is the first",
    "clamped": "no page is longer than 25 rows, whatever was asked for",
    "no-total": "X-Total-Count is not sent",
    "no-link": "Link is not sent",
    "wrong-total": "the total is one more than there are rows",
    "low-total": "the total is ten fewer than there are rows",
    "moving-total": "the total grows with every page",
    "hole": "the second page is empty",
    "lost-end": "the last page comes empty, as if there were no more",
    "lost-rows": "the row in the middle never comes, but the total counts it",
    "duplicate-across-pages": "the last row of each page comes again first on the next, and pushes nothing out",
    "unsorted": "the order changes from page to page",
    "no-sort": "a request with sort is refused (400)",
    "contradiction": "the first student comes twice, with two family names",
    "empty": "every collection is empty",
    "no-users": "the collection of users is empty",
    "shrunk": "only two in five users come, and the total agrees",
    "new-ids": "every person has a new identity",
    "inactive": "who is gone has the status inactive",
    "no-guardians": "guardians and agents are left out",
    "no-agents": "nobody names family",
    "no-enrollments": "enrollments are forbidden (403)",
    "no-classes": "classes are forbidden (403)",
    "no-demographics": "demographics are forbidden (403)",
    "no-academicSessions": "terms are forbidden (403)",
    "missing-demographics": "there is no such collection (404)",
    "null-fields": "email, phone, birthDate and grades are null, as when a permission was taken away",
    "same-email": "all guardians have one address",
    "wrong-wrapper": "rows stand under a name of the service's own",
    "relative-href": "addresses of references are relative",
    "no-list": "200 without a list",
    "null-list": "200 with null where the list should be",
    "failure-200": "200 with a body that says failure",
    "bad-rows": "one student's e-mail is a number, one class has no sourcedId, one enrollment no user",
    "unknown-role": "one member of staff has a role that OneRoster does not have",
    "lost-token": "each token is refused (401) after four requests",
    "no-page-behind": "behind the end is 404 instead of an empty page",
}
_LOSES_TOKEN_AFTER: Final = 4
_CLAMP: Final = 25
_DEFAULT_PAGE: Final = 100
_CLAUSE: Final = re.compile(r"([\w.]+)(!=|>=|<=|=|>|<|~)'([^']*)'")
_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda said, wanted: said == wanted,
    "!=": lambda said, wanted: said != wanted,
    ">": lambda said, wanted: said > wanted,
    ">=": lambda said, wanted: said >= wanted,
    "<": lambda said, wanted: said < wanted,
    "<=": lambda said, wanted: said <= wanted,
    "~": lambda said, wanted: wanted in said,
}
# Other names for parts of the collections.
_PARTS: Final[Mapping[str, tuple[str, Callable[[Row], bool]]]] = {
    "schools": ("orgs", lambda row: row["type"] == "school"),
    "terms": ("academicSessions", lambda row: row["type"] == "term"),
    "gradingPeriods": ("academicSessions", lambda row: row["type"] == "gradingPeriod"),
    "students": ("users", lambda row: "student" in roles_of(row)),
    "teachers": ("users", lambda row: "teacher" in roles_of(row)),
}
_SINGLE: Final[Mapping[str, str]] = {"classes": "class", "demographics": "demographics"}  # the others lose their s


def roles_of(user: Row) -> list[str]:
    """Return the roles of a user's row, in either version."""
    return [place["role"] for place in user["roles"]] if "roles" in user else [user["role"]]


class OneRosterSimulator(Simulator):
    """Serves one school, or with `neighbour` a second one too, from `base`.

    `total` is whether X-Total-Count is sent, `link` how the Link header is written ("", "bare", "angle"), `oauth1` the
    method of signatures if they are wanted instead of tokens; for the others see `Dialect`.
    """

    key: ClassVar[str] = "oneroster"
    FAULTS: ClassVar[Mapping[str, str]] = OWN_FAULTS
    token_path: ClassVar[str] = "/token"  # noqa: S105
    largest_page: ClassVar[int] = 5000
    longest_name: ClassVar[int | None] = None
    scoped: ClassVar[bool] = True  # a token opens what it was asked for

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        client_id: str = "demo-client",
        client_secret: str = "demo-client-secret",  # noqa: S107 a demo's
        oauth1: str = "",
        version: str = "1.1",
        total: bool = True,
        link: str = "angle",
        agents: str = "both",
        blank: str = "empty",
        neighbour: bool = False,
    ) -> None:
        super().__init__(school, night, faults=faults)
        self.clients = {client_id: client_secret}
        self.oauth1, self.version, self._total, self._link = oauth1, version, total, link
        self._agents, self._blank, self._neighbour = agents, blank, neighbour
        self.uses: dict[str, int] = {}
        self._scopes: dict[str, str] = {}
        self._rows: tuple[object, Rows] | None = None

    @property
    def base(self) -> str:
        """The path of the service."""
        return "/ims/oneroster/rostering/v1p2" if self.version == "1.2" else "/ims/oneroster/v1p1"

    @property
    def school_ref(self) -> str:
        """The sourcedId of the school's org."""
        return school_ref(self.school)

    def reply(self, request: Request) -> Reply:
        """Answer a request for a token, a page or one row."""
        if request.path == self.token_path and request.method == "POST":
            return self._token(request)
        if not self._is_known(request):
            return self._failure(401, "unauthorized")
        if request.method == "GET" and request.path.startswith(f"{self.base}/"):
            name, _, ref = request.path.removeprefix(f"{self.base}/").partition("/")
            return self._lack(name, request) or (self._one(name, ref) if ref else self._page(name, request))
        return self._failure(404, "unknown object")

    # Who asks

    def _token(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in urllib.parse.parse_qs(request.body.decode()).items()}
        if not self._is_client(request) or form.get("grant_type") != "client_credentials":
            return as_json({"error": "invalid_client"}, 401)
        if self.scoped and not form.get("scope"):
            return as_json({"error": "invalid_request"}, 400)
        token = f"token-{request.number}"
        self.uses[token], self._scopes[token] = 0, form.get("scope", "")
        return as_json({"access_token": token, "token_type": "bearer", "expires_in": 7199})

    def _is_client(self, request: Request) -> bool:
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        client, _, secret = base64.b64decode(said).decode().partition(":")
        return self.clients.get(urllib.parse.unquote(client)) == urllib.parse.unquote(secret)

    def _is_known(self, request: Request) -> bool:
        if self.oauth1:
            return _is_signed(request, clients=self.clients, method=self.oauth1)
        scheme, token = _authorization(request)
        if scheme != "bearer" or token not in self.uses:
            return False
        self.uses[token] += 1
        return "lost-token" not in self.faults or self.uses[token] <= _LOSES_TOKEN_AFTER

    def _lack(self, name: str, request: Request) -> Reply | None:
        """The reply where a collection is forbidden or missing."""
        whole = _PARTS[name][0] if name in _PARTS else name
        scope = f"v{self.version.replace('.', 'p')}/scope/roster-"
        scope += "demographics.readonly" if whole == "demographics" else "core.readonly"
        given = self._scopes.get(_authorization(request)[1], "")
        if (f"no-{whole}" in self.faults and whole != "users") or (
            self.scoped and not self.oauth1 and scope not in given
        ):
            return self._failure(403, "forbidden")
        if whole not in self.rows or f"missing-{whole}" in self.faults:
            return self._failure(404, "unknown object")
        return None

    # What is answered

    def _page(self, name: str, request: Request) -> Reply:
        if "no-sort" in self.faults and "sort" in request.query:
            return self._failure(400, "invalid_sort_field")
        of, belongs = _PARTS.get(name, (name, None))
        whole = [row for row in self.rows[of] if belongs(row)] if belongs else self.rows[of]
        if said := request.query.get("filter"):
            clauses = _clauses(said)
            if clauses is None:
                return self._failure(400, "invalid_filter_field")
            whole = [row for row in whole if _passes(row, *clauses)]
        limit = min(int(request.query.get("limit", _DEFAULT_PAGE)), self.largest_page)
        limit = min(limit, _CLAMP) if "clamped" in self.faults else limit
        offset = 0 if "repeat-page" in self.faults else int(request.query.get("offset", "0"))
        if offset >= len(whole) and offset and "no-page-behind" in self.faults:
            return self._failure(404, "unknown object")
        rows = self._cut(whole, offset, limit)
        if fields := request.query.get("fields"):
            rows = [{name: row[name] for name in fields.split(",") if name in row} for row in rows]
        page = self._wrapped(of, rows, self._headers(request, len(whole), offset, limit))
        return self._with_addresses(page, request)

    def _cut(self, whole: list[Row], offset: int, limit: int) -> list[Row]:
        page = whole[offset : offset + limit]
        if "unsorted" in self.faults:
            turned = [*whole[offset // 2 :], *whole[: offset // 2]]
            page = turned[offset : offset + limit]
        if ("hole" in self.faults and limit <= offset < 2 * limit) or (
            "lost-end" in self.faults and self._ends(whole, offset, limit)
        ):
            return []
        if "lost-rows" in self.faults:
            return [row for row in page if row is not whole[len(whole) // 2]]
        if "duplicate-across-pages" in self.faults and offset and page:
            return [whole[offset - 1], *page]
        return page

    def _ends(self, whole: list[Row], offset: int, limit: int) -> bool:
        return offset > 0 and offset + limit >= len(whole)

    def _headers(self, request: Request, count: int, offset: int, limit: int) -> dict[str, str]:
        wrong = {"wrong-total": 1, "low-total": -10, "moving-total": offset}
        headers = {}
        if self._total and "no-total" not in self.faults:
            headers["X_Total_Count"] = str(count + sum(by for fault, by in wrong.items() if fault in self.faults))
        link = "" if "no-link" in self.faults else self._link
        if link and offset + limit < count:
            at = f"http://{request.headers.get('host', '')}{request.path}?limit={limit}&offset={offset + limit}"
            # GG4L's own sample has no angle brackets and counts from one.
            headers["Link"] = f'<{at}>; rel="next"' if link == "angle" else f'{at[:-1]}1; rel="next"'
        return headers

    def _wrapped(self, name: str, rows: list[Row], headers: dict[str, str]) -> Reply:
        if "failure-200" in self.faults:
            return self._failure(200, "unknown object")
        if "no-list" in self.faults:
            return as_json({"warnings": [], "status": "ok"})
        wrapper = "results" if "wrong-wrapper" in self.faults else name
        return as_json({wrapper: None if "null-list" in self.faults else rows}, 200, **headers)

    def _with_addresses(self, reply: Reply, request: Request) -> Reply:
        """Make the addresses of references whole, as the specification wants them."""
        if "relative-href" in self.faults:
            return reply
        at = f'"href": "http://{request.headers.get("host", "")}{self.base}/'
        return dataclasses.replace(reply, body=reply.body.replace(b'"href": "/', at.encode()))

    def _one(self, name: str, ref: str) -> Reply:
        whole = _PARTS[name][0] if name in _PARTS else name
        found = next((row for row in self.rows[whole] if row.get("sourcedId") == ref), None)
        return as_json({_SINGLE.get(whole, whole[:-1]): found}) if found else self._failure(404, "unknown object")

    def _failure(self, status: int, minor: str) -> Reply:
        info: Row = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": "no"}
        if self.version == "1.2":
            named = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor.replace(" ", "")}
            return as_json({**info, "imsx_CodeMinor": {"imsx_codeMinorField": [named]}}, status)
        return as_json({"statusInfoSet": [{**info, "imsx_codeMinor": minor}]}, status)

    # What there is

    @property
    def rows(self) -> Rows:
        """All collections, made once for each night and set of faults."""
        state = (self.night, self.faults)
        with self._counting:
            if self._rows is None or self._rows[0] != state:
                self._rows = state, self._spoil(collections_of(self.school, self.night, self.dialect()))
            return self._rows[1]

    def dialect(self) -> Dialect:
        """How the rows are written."""
        return Dialect(
            version=self.version,
            blank=self._blank,
            agents="none" if "no-agents" in self.faults else self._agents,
            gone="inactive" if "inactive" in self.faults else "tobedeleted",
            longest_name=self.longest_name,
            guardians="no-guardians" not in self.faults,
            neighbour=self._neighbour,
        )

    def _spoil(self, rows: Rows) -> Rows:
        for fault, spoil in _SPOILERS.items():
            if fault in self.faults:
                spoil(rows)
        return rows


def _first(users: list[Row], role: str) -> Row:
    return next(row for row in users if role in roles_of(row))


def _rename(rows: Rows) -> None:
    """Give every person a new identity, and everybody else the new one of those they name."""
    for row in [*rows["users"], *rows["demographics"]]:
        row["sourcedId"] = f"new-{row['sourcedId']}"
    for ref in [
        *(agent for row in rows["users"] for agent in row["agents"]),
        *(e["user"] for e in rows["enrollments"]),
    ]:
        ref["sourcedId"] = f"new-{ref['sourcedId']}"


def _null(rows: Rows) -> None:
    for row in [*rows["users"], *rows["demographics"]]:
        row.update({field: None for field in ("email", "sms", "phone", "birthDate", "grades") if field in row})


def _share_address(rows: Rows) -> None:
    for row in rows["users"]:
        row.update({"email": "office@family.example"} if row["sourcedId"].startswith("CT-") else {})


def _contradict(rows: Rows) -> None:
    rows["users"].append({**_first(rows["users"], "student"), "familyName": "Otherwise"})


def _tear(rows: Rows) -> None:
    _first(rows["users"], "student")["email"] = 5
    del rows["classes"][0]["sourcedId"]
    del rows["enrollments"][0]["user"]


def _coach(rows: Rows) -> None:
    row = _first(rows["users"], "teacher")
    row.update({"roles": [{**row["roles"][0], "role": "ext:coach"}]} if "roles" in row else {"role": "ext:coach"})


def _shrink(rows: Rows) -> None:
    rows["users"] = [row for number, row in enumerate(rows["users"]) if number % 5 < 2]


def _empty(rows: Rows) -> None:
    for name in rows:
        rows[name] = []


_SPOILERS: Final[Mapping[str, Callable[[Rows], object]]] = {
    "null-fields": _null,
    "same-email": _share_address,
    "contradiction": _contradict,
    "bad-rows": _tear,
    "unknown-role": _coach,
    "shrunk": _shrink,
    "new-ids": _rename,
    "empty": _empty,
    "no-users": lambda rows: rows.update(users=[]),
}


def _clauses(said: str) -> tuple[Callable[[list[bool]], bool], list[tuple[str, str, str]]] | None:
    """Read a filter of one or two clauses; None if it is none."""
    word = " OR " if " OR " in said else " AND "
    found = [_CLAUSE.fullmatch(part) for part in said.split(word)]
    if len(found) > 2 or None in found:
        return None
    clauses = [(match[1], match[2], match[3]) for match in found if match]
    return (any if word == " OR " else all), clauses


def _passes(row: Row, together: Callable[[list[bool]], bool], clauses: list[tuple[str, str, str]]) -> bool:
    return together([_OPERATORS[operator](_at(row, path), wanted.casefold()) for path, operator, wanted in clauses])


def _at(row: Row, path: str) -> str:
    value: object = row
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return "" if value is None else str(value).casefold()


def _authorization(request: Request) -> tuple[str, str]:
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return scheme.lower(), rest


def _is_signed(request: Request, *, clients: Mapping[str, str], method: str) -> bool:
    """Check an OAuth 1.0a signature with code of its own: what client and service share cannot find a fault."""
    scheme, said = _authorization(request)
    if scheme != "oauth":
        return False
    pairs = dict(part.strip().split("=", 1) for part in said.split(","))
    oauth = {name: urllib.parse.unquote(value.strip('"')) for name, value in pairs.items()}
    signature = oauth.pop("oauth_signature", "")
    secret = clients.get(oauth.get("oauth_consumer_key", ""))
    if secret is None or oauth.get("oauth_signature_method") != method:
        return False
    given = [(n, v) for n, values in request.queries.items() for v in values] + list(oauth.items())
    parameters = "&".join(sorted(f"{_escape(name)}={_escape(value)}" for name, value in given))
    base = f"{request.method}&{_escape('http://' + request.headers['host'] + request.path)}&{_escape(parameters)}"
    digest = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}[method]
    due = hmac.new(f"{_escape(secret)}&".encode(), base.encode(), digest).digest()
    return hmac.compare_digest(base64.b64encode(due).decode(), signature)


def _escape(text: str) -> str:
    return urllib.parse.quote(text, safe="~")
