"""ManageBac's public API, version 2, as far as rosters and homeroom attendance need it.

This is the transport: keys, permissions, pages and faults. What is in the lists is in `managebac_rows`, what is in the
registers in `managebac_registers`.
"""

import datetime
import functools
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from local.simulators.managebac_registers import REGISTER_FAULTS, Registers
from local.simulators.managebac_rows import ROW_FAULTS, UPDATED, Json, Rows, without_nulls
from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import SchoolWorld

TOKEN: Final = "mb-simulated-token-0123456789"  # noqa: S105 nothing real listens to it
CLIENT_ID: Final = "mb-simulated-client"
CLIENT_SECRET: Final = "mb-simulated-secret-9876543210"  # noqa: S105 nothing real listens to it
SCOPE: Final = "public"
LISTS: Final = ("students", "parents", "teachers", "classes", "memberships", "year-groups")
PERMISSIONS: Final = frozenset({*LISTS, "attendance", "school"})

_VERSION: Final = re.compile(r"/v2(?:p[0-3])?/(.+)")
_REGISTER: Final = re.compile(r"year-groups/(\d+)/homeroom/attendance/date/(\d{4}-\d\d-\d\d)")
_CATEGORIES: Final = re.compile(r"school/academic-years/(\d+)/attendance_categories")
_PAGING: Final = frozenset({"page", "per_page"})
_TRUE: Final = frozenset({"1", "true"})
_ONE_OF: Final = {"classes": "class"}
_FILTERS: Final[Mapping[tuple[str, ...], str]] = {
    ("ids", "ids[]"): "id",
    ("year_group_ids[]",): "year_group_id",
    ("homeroom_advisor_ids[]",): "homeroom_advisor_id",
    ("class_ids[]",): "class_id",
    ("user_ids[]",): "user_id",
}

Filters = tuple[tuple[str, tuple[str, ...]], ...]


class ManageBac(Simulator):
    """One school on one night. `rows` and `marks` are lists and registers given row by row instead of the world's."""

    key: ClassVar[str] = "managebac"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "rate-limited": "429 with X-RateLimit-Limit, -Period and -Reset, without Retry-After, for every fifth request",
        "revoked": "the token is switched off after the second request",
        "expired": "every access token ends after five requests",
        "no-token": "the token end point answers without a token",
        "parents-forbidden": "the permission for parents is gone (401)",
        "repeat-page": "every page holds the rows of the first one",
        "stuck-page": "every page is the first one and says so",
        "wrong-total": "total_count is three too many",
        "no-total": "total_count is missing",
        "no-meta": "meta is missing",
        "missing-more": "total_pages is one less than there are",
        "empty": "the list of students is empty, with a total of 0",
        "empty-parents": "the list of parents is empty, with a total of 0",
        "empty-page": "the second page of every list is empty",
        "shift": "a row is lost between the first page and the second, and total_count becomes one less",
        "duplicate": "the last page repeats the first row of its list",
        "duplicate-differs": "the last page repeats the first row of its list with another name",
        "everybody": "the filter archived is ignored",
        "no-list": "the answer has no list under its name",
        "maintenance": "503 with a page for people for every third request",
        **ROW_FAULTS,
        **REGISTER_FAULTS,
    }

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        token: str = TOKEN,
        client: tuple[str, str] = (CLIENT_ID, CLIENT_SECRET),
        permissions: frozenset[str] = PERMISSIONS,
        most: int = 200,
        rows: Mapping[str, list[Json]] | None = None,
        marks: list[Json] | None = None,
    ) -> None:
        super().__init__(school, night, faults=faults)
        self.token, self.client, self.permissions, self.most = token, client, permissions, most
        self.rows, self.given = Rows(school, night, faults=faults), rows or {}
        self.registers = Registers(school, faults=faults, given=marks)
        self._issued: dict[str, int] = {}  # access tokens, and the number of the request that got them

    def reply(self, request: Request) -> Reply:
        """Answer one request under /v2 or a pinned version, or one for an access token."""
        if request.path == "/oauth/token":
            return self._issue(request)
        path = _VERSION.fullmatch(request.path)
        if request.method != "GET" or not path:
            return as_json({"error": "Not found"}, 404)
        if "rate-limited" in self.faults and request.number % 5 == 0:
            return _over_the_limit()
        if "maintenance" in self.faults and request.number % 3 == 0:
            return Reply(503, b"<html><body><h1>Maintenance</h1></body></html>", {"Content-Type": "text/html"})
        name = path.group(1)
        if not self._knows(request) or not self._permits(name):
            return as_json({"error": "Access Denied"}, 401)
        return _bad_time(request) or self._answer(request, name)

    # Keys and permissions

    def _issue(self, request: Request) -> Reply:
        given = _object(request.body) if request.method == "POST" else {}
        if given.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", 400)
        if (given.get("client_id"), given.get("client_secret")) != self.client:
            return _oauth_error("invalid_client", 401)
        if given.get("scope", SCOPE) != SCOPE:
            return _oauth_error("invalid_scope", 400)
        token = f"eyJ-simulated.{request.number}.access"
        self._issued[token] = request.number
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": SCOPE}
        return as_json({} if "no-token" in self.faults else answer | {"created_at": 1_794_182_400})

    def _knows(self, request: Request) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer:
            began = self._issued.get(bearer)
            return began is not None and not ("expired" in self.faults and request.number > began + 5)
        given = request.headers.get("auth-token") or request.query.get("auth_token")
        return given == self.token and not ("revoked" in self.faults and request.number > 2)

    def _permits(self, name: str) -> bool:
        first = name.partition("/")[0]
        needed = {first, "attendance"} if "attendance" in name else {first}
        if "parents-forbidden" in self.faults and first == "parents":
            return False
        return needed <= self.permissions | {"ping", "auth"}

    # Answers

    def _answer(self, request: Request, name: str) -> Reply:
        if name in LISTS:
            return self._list(request, name)
        if asked := _REGISTER.fullmatch(name):
            return self._register(*asked.groups())
        if asked := _CATEGORIES.fullmatch(name):
            return _found(self.registers.categories(int(asked.group(1))))
        first, _, rest = name.partition("/")
        if first in LISTS:
            return self._one(first, rest)
        fixed: Mapping[str, Json] = {
            "ping": {"pong": "ok"},
            "auth/permissions": {"permissions": sorted(f"{one}/index" for one in self.permissions)},
            "school": {"school": {"subdomain": self.school.slug, "name": self.school.name}},
            "school/academic-years": self.registers.academic_years(),
        }
        return _found(fixed.get(name))

    def _register(self, group: str, day: str) -> Reply:
        if "no-add-on" in self.faults:
            return as_json({"error": "Attendance is not enabled"}, 403)
        groups = [str(row.get("id")) for row in self._rows("year-groups")]
        if group not in groups or ("group-gone" in self.faults and group == groups[0]):
            return as_json({"error": f"Couldn't find YearGroup with 'id'={group}"}, 404)
        return as_json(self.registers.of(group, day))

    @functools.lru_cache(maxsize=8)  # noqa: B019 a simulator lives as long as its test
    def _rows(self, name: str) -> list[Json]:
        return self.given[name] if name in self.given else self.rows.of(name)

    def _one(self, name: str, rest: str) -> Reply:
        number, _, more = rest.partition("/")
        row = next((row for row in self._rows(name) if str(row.get("id")) == number), None)
        what = _ONE_OF.get(name, _key(name).removesuffix("s"))
        if row is None:
            return as_json({"error": f"Couldn't find {what.capitalize()} with 'id'={number}"}, 404)
        if name == "parents" and more == "children":
            children = row.get("children", [])
            return as_json({"children": children, "meta": _meta(1, 1, len(children), self.most)})
        return as_json({"error": "Not found"}, 404) if more else as_json({what: row})

    def _list(self, request: Request, name: str) -> Reply:
        asked_for = sorted((one, tuple(texts)) for one, texts in request.queries.items() if one not in _PAGING)
        rows = self._chosen(name, tuple(asked_for))
        size = max(1, min(int(request.query.get("per_page", "100")), self.most))
        asked = max(1, int(request.query.get("page", "1")))
        pages = max(1, -(-len(rows) // size))
        number = 1 if {"repeat-page", "stuck-page"} & self.faults else asked
        begin = (number - 1) * size + (1 if "shift" in self.faults and number > 1 else 0)
        page = rows[begin : number * size + (1 if "shift" in self.faults and number > 1 else 0)]
        page = self._with_repeated_row(page, rows, last=asked >= pages)
        if "empty-page" in self.faults and asked == 2:
            page = []
        meta = _meta(1 if "stuck-page" in self.faults else asked, pages, len(rows), size)
        body = {_key(name): page, "meta": self._with_wrong_meta(meta, page=asked)}
        if "no-meta" in self.faults:
            del body["meta"]
        if "no-list" in self.faults:
            del body[_key(name)]
        return as_json(body)

    @functools.lru_cache(maxsize=16)  # noqa: B019 as above; for the pages of one list
    def _chosen(self, name: str, filters: Filters) -> list[Json]:
        asked = dict(filters)
        if "deleted_since" in asked:
            return self._deleted(name)
        rows = self._rows(name)
        for names, field in _FILTERS.items():
            wanted = {value for one in names for text in asked.get(one, ()) for value in text.split(",")}
            rows = [row for row in rows if not wanted or str(row.get(field)) in wanted]
        since = asked.get("modified_since", ("",))[-1]
        rows = [row for row in rows if not since or row.get("updated_at", UPDATED) >= since]
        empty = {"empty": "students", "empty-parents": "parents"}
        if any(fault in self.faults and name == kind for fault, kind in empty.items()):
            return []
        default = ("false",) if name in {"classes", "year-groups"} else ("",)
        return rows if "everybody" in self.faults else _by_archived(asked.get("archived", default)[-1], rows)

    def _deleted(self, name: str) -> list[Json]:
        """Return who was there on an earlier night and is not now; only the ids are sure."""
        now = {row.get("id") for row in self._rows(name)}
        before = [Rows(self.school, night).of(name) for night in range(1, self.night)]
        return [{"id": one} for one in sorted({row["id"] for rows in before for row in rows} - now)]

    # Faults of pages

    def _with_repeated_row(self, page: list[Json], rows: list[Json], *, last: bool) -> list[Json]:
        if last and "duplicate" in self.faults:
            return [*page, rows[0]]
        if last and "duplicate-differs" in self.faults:
            return [*page, rows[0] | {"first_name": "Somebody", "name": "Something"}]
        return page

    def _with_wrong_meta(self, meta: Json, *, page: int) -> Json:
        changes: Mapping[str, Json] = {
            "wrong-total": {"total_count": meta["total_count"] + 3},
            "no-total": {"total_count": None},
            "missing-more": {"total_pages": max(1, meta["total_pages"] - 1)},
            "shift": {"total_count": meta["total_count"] - (1 if page > 1 else 0)},
        }
        for fault, change in changes.items():
            if fault in self.faults:
                meta = without_nulls(meta | change)
        return meta


def _key(name: str) -> str:
    return name.replace("-", "_")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _found(value: Json | None) -> Reply:
    return as_json(value) if value else as_json({"error": "Not found"}, 404)


def _meta(page: int, pages: int, total: int, size: int) -> Json:
    return {"current_page": page, "total_pages": pages, "total_count": total, "per_page": size}


def _by_archived(asked: str, rows: list[Json]) -> list[Json]:
    wanted = asked.lower() in _TRUE
    return [row for row in rows if not asked or (str(row.get("archived", False)).lower() in _TRUE) == wanted]


def _oauth_error(code: str, status: int) -> Reply:
    return as_json({"error": code, "error_description": f"The request failed: {code}."}, status)


def _over_the_limit() -> Reply:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Period": "1", "X-RateLimit-Reset": "2026-11-09T02:00:01Z"}
    return Reply(429, b"", headers)


def _bad_time(request: Request) -> Reply | None:
    """Return what a time that is none is answered with, or two that exclude each other."""
    given = {name: request.query[name] for name in ("modified_since", "deleted_since") if name in request.query}
    if len(given) > 1:
        return as_json({"error": "modified_since and deleted_since cannot be used together."}, 400)
    for name, text in given.items():
        try:
            datetime.datetime.fromisoformat(text)
        except ValueError:
            return as_json({"error": f"Invalid {name} parameter: '{text}' is not a valid time."}, 400)
    return None
