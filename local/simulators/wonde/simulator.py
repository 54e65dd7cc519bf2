"""Wonde's API (v1.0) for one school of the demo world: who may ask, pages, includes, permissions and errors.

GET /v1.0/schools/{id}                      the school, with the host that serves it
GET /v1.0/meta/schools/{id}                 how it stands with us; …/permissions: what it has granted
GET /v1.0/schools/{id}/{list}               the lists of `Rows.of`
GET /v1.0/schools/{id}/counts?include=…     totals
GET /v1.0/attendance-codes                  those of all schools
"""

import base64
import datetime
import json
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from local.simulators.server import Reply, Request, Simulator, as_json
from local.simulators.wonde.profiles import INCLUDES, LISTS, PROFILES, SCOPES, portal_name
from local.simulators.wonde.rows import Json, Rows
from local.world.model import SchoolWorld

TOKEN: Final = "5f0c1d2e3a4b5968778695a4b3c2d1e0f1a2b3c4"  # noqa: S105 the token of a simulator
SCHOOL: Final = "A1000000000"
DEFAULT_PAGE: Final = 50
LONGEST_PAGE: Final = 500
ELSEWHERE: Final = "api-ap-southeast-2.wonde.com"

_INCLUDES: Final[Mapping[str, tuple[str, ...]]] = {
    "students": (
        *("classes", "education_details", "contact_details", "extended_details", "contacts", "year", "house"),
        *("registration", "medical_conditions", "medical_conditions.notes", "photo"),
    ),
    "students-leaver": ("education_details",),
    "contacts": ("contact_details", "students"),
    "employees": ("contact_details", "employment_details", "identifiers"),
    "classes": ("students", "employees", "subject"),
    "groups": ("students", "employees"),
    "attendance/session": (),
    "attendance-codes": (),
    "deletions": (),
}
# Faults that are a permission taken away.
_WITHHOLDING: Final[Mapping[str, frozenset[str]]] = {
    "no-contacts": frozenset({"contacts.read"}),
    "no-employees": frozenset({"employees.read"}),
    "no-classes": frozenset({"classes.read"}),
    "no-attendance": frozenset({"attendance.read"}),
    "no-codes": frozenset({"attendance-codes.read"}),
    "medical-include-forbidden": frozenset({"medical-conditions.read"}),
    "null-names": frozenset({"students.names.read"}),
    "null-medical": frozenset({"students.medical-conditions.read"}),
    "null-codes": frozenset({"attendance.attendance-code.read"}),
    "null-days": frozenset({"attendance.date.read"}),
    "null-fields": frozenset(
        {
            *("students.upn.read", "students.date-of-birth.read", "students.dietary-needs.read"),
            *("contact-details.email.read", "contacts.court-order.read"),
        }
    ),
}


class Wonde(Simulator):
    """One school behind Wonde.

    `profile` names its MIS (`PROFILES`), `withheld` the permissions that it has not granted (`SCOPES`), `longest_page`
    is what a larger per_page is cut to; Wonde does not publish its own.
    """

    key: ClassVar[str] = "wonde"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "repeat-page": "page 2 names itself as the next page",
        "missing-more": "pages say neither `more` nor `next`",
        "no-more-key": "pages say `next` only",
        "contradiction": "pages have more, but name no next page",
        "early-end": "page 1 says that it is the last; the totals know better",
        "early-end-students": "the same of the students only",
        "early-end-groups": "the same of the groups only, of which there are no totals",
        "wrong-total": "the totals are one too high",
        "low-total": "the totals are one too low",
        "no-counts": "the totals are not offered",
        "plain-pages": "a list that fits in the default page says nothing about pages, even with per_page",
        "no-paging": "no list says anything about pages, and only the first page comes",
        "number-per-page": "per_page comes as a number, not as text",
        "bare-next": "the next page is ?page=2 and forgets all other parameters",
        "other-host": "the next page is on another host",
        "offset-only": "cursor=true is not understood",
        "revoked-later": "the permission for a list is taken away behind its first page",
        "no-filters": "a filter by time or type is a bad request",
        "no-rows": "lists are an object instead of rows",
        "slow-page": "every second page takes a second",
        "throttled-silently": "429 without Retry-After for every third request",
        "wrong-host": "the school is kept elsewhere: lists are empty, the school names its host",
        "wrong-host-empty": "the school is kept elsewhere: lists are empty, the school is not known",
        "duplicate-across-pages": "the last row of a page comes again on the next",
        "changed-across-pages": "the same, with another surname or name",
        "bad-row": "the first student's date of birth is no date",
        "nameless-row": "the first student has no identifier",
        "bad-contact": "the first contact's surname is no text",
        "nameless-contact": "the first contact has no identifier",
        "nameless-seat": "the first student of the first class has no identifier",
        "bad-tie": "the priority of the first contact's first tie is no number",
        "silent-contact": "the first contact's students are null",
        "null-fields": "the permission for UPN, date of birth, e-mail, dietary needs and court orders is taken away",
        "null-names": "the permission for names of students is taken away",
        "null-medical": "the permission for medical conditions is taken away by null",
        "no-contacts": "contacts are 403",
        "no-employees": "employees are 403",
        "no-classes": "classes are 403",
        "classes-unknown": "classes are 404, as for a MIS without them",
        "empty-classes": "classes are an empty list",
        "empty-contacts": "contacts are an empty list",
        "no-medical-include": "medical_conditions is an invalid include, and is named",
        "vague-include": "medical_conditions is an invalid include, and is not named",
        "medical-include-forbidden": "medical_conditions is 403",
        "all-groups": "the filter by type of group is not understood",
        "lost-group": "one registration group is not listed",
        "silent-group": "the students of the first registration group are null",
        "other-group-ids": "students name their registration group by an identifier that the groups do not have",
        "hidden": "the school hides the first student from us; the totals count them all the same",
        "leaving-dates": "the first student on roll has a past leaving date, the second a future one",
        "gone-staff": "the first employee is listed with current=false",
        "ended-staff": "the first employee is not current and has an end date; the second is current and has one too",
        "new-id": "the first student has come back with another identifier and the same upi",
        "migrated": "the school has changed its MIS: everybody but students has a new identifier",
        "stale": "the data are those of the first night",
        "no-attendance": "attendance is 403",
        "no-codes": "attendance codes are 403",
        "attendance-codes-unknown": "the school has no list of codes; those of all schools are there",
        "lost-code": "no list has the code of illness",
        "null-codes": "the permission for the code of a mark is taken away",
        "null-days": "the permission for the date of a mark is taken away",
        "untyped-codes": "attendance codes have no type",
        "own-codes": "the school has attendance codes of its own",
        "bad-mark": "the last mark is of neither session",
        "nobodys-mark": "the last mark does not say whose it is",
        "to-one-null": "an empty relation to one is null",
        "to-one-list": 'an empty relation to one is {"data": []}',
        "text-booleans": "booleans are T and F",
        "no-microseconds": "dates come without microseconds",
        "unknown-school": "everything of this school is 404",
        "withdrawn": "the school has withdrawn its approval: everything of it is 403",
        "unapproved": "meta says that our access is not approved",
        "unaudited": "meta says that the data are not checked yet",
        "offline": "meta says that the MIS cannot be reached",
        "no-meta": "meta is 404",
    }

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        token: str = TOKEN,
        school_id: str = SCHOOL,
        longest_page: int = LONGEST_PAGE,
        profile: str = "SIMS",
        withheld: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(school, night, faults=faults)
        if unknown := withheld - set(SCOPES):
            raise ValueError(f"the simulator wonde knows no permission {', '.join(sorted(unknown))}")
        self.token, self.school_id, self.longest_page = token, school_id, longest_page
        self.profile = PROFILES[profile]
        if "own-codes" in faults:
            self.profile = msgspec.structs.replace(self.profile, own_codes=True)
        self.withheld = withheld.union(*(_WITHHOLDING.get(fault, ()) for fault in faults))
        self.rows = Rows(school, night, profile=self.profile, withheld=self.withheld, faults=faults, today=self.today)
        self._written: dict[tuple[str, frozenset[str], str, str, datetime.date], list[bytes]] = {}

    def reply(self, request: Request) -> Reply:
        """Answer as Wonde would."""
        if not self._is_known(request.headers.get("authorization", "")):
            return _error(401, "invalid_token", "Invalid token")
        if request.method != "GET":
            return _error(403, "invalid_permissions", "Writeback is not enabled")
        if "throttled-silently" in self.faults and request.number % 3 == 0:
            return Reply(429)
        match request.path.strip("/").split("/"):
            case ["v1.0", "attendance-codes"]:
                return self._answer_list(request, "attendance-codes", of_all=True)
            case ["v1.0", "meta", "schools", self.school_id]:
                return self._meta()
            case ["v1.0", "meta", "schools", self.school_id, "permissions"]:
                return self._permissions()
            case ["v1.0", "schools", self.school_id, *rest] if "unknown-school" not in self.faults:
                return self._of_school(request, "/".join(rest))
        return _not_found()

    def _is_known(self, authorization: str) -> bool:
        basic = base64.b64encode(f"{self.token}:".encode()).decode()
        return authorization in {f"Bearer {self.token}", f"Basic {basic}"}

    def _meta(self) -> Reply:
        if "no-meta" in self.faults:
            return _not_found()
        told = {
            "online": "offline" not in self.faults,
            "approved": "unapproved" not in self.faults,
            "audited": "unaudited" not in self.faults,
            "custom_attendance_codes": self.profile.own_codes,
        }
        return as_json({"data": told})

    def _permissions(self) -> Reply:
        if "no-meta" in self.faults:
            return _not_found()
        told = [
            {
                "identity": scope,
                "name": portal_name(scope),
                "description": "",
                "optional": scope != "students.read",
                "approved": scope not in self.withheld,
                "audited": True,
            }
            for scope in SCOPES
        ]
        return as_json({"data": told})

    def _of_school(self, request: Request, path: str) -> Reply:
        if "withdrawn" in self.faults:
            return _error(403, "invalid_permissions", "School not approved")
        if not path:
            return self._school(request)
        return self._counts(request) if path == "counts" else self._answer_list(request, path)

    def _school(self, request: Request) -> Reply:
        if "wrong-host-empty" in self.faults:
            return _not_found()
        domain = ELSEWHERE if "wrong-host" in self.faults else request.headers["host"]
        told = {
            "id": self.school_id,
            "name": self.school.name,
            "mis": "Bromcom" if "migrated" in self.faults else self.profile.mis,
            "timezone": self.school.timezone,
            "phase_of_education": "ALL THROUGH",
            "region": {"code": self.school.country, "domain": domain},
        }
        return as_json({"data": told, "meta": {"includes": []}})

    def _counts(self, request: Request) -> Reply:
        if "no-counts" in self.faults:
            return _not_found()
        names = [name for name in request.query.get("include", "").split(",") if name]
        if any(name not in _INCLUDES for name in names):
            return _error(400, "invalid_include", "Invalid includes")
        return as_json({"data": {name: {"data": {"count": self._total(name)}} for name in names}})

    def _total(self, name: str) -> int:
        wrong = int("wrong-total" in self.faults) - int("low-total" in self.faults)
        hidden = int("hidden" in self.faults and name == "students")
        return len(self._list(name, frozenset())) + hidden + wrong

    # --- lists ---

    def _answer_list(self, request: Request, path: str, *, of_all: bool = False) -> Reply:
        if path not in _INCLUDES or path in self.profile.lacks or (f"{path}-unknown" in self.faults and not of_all):
            return _not_found()
        if LISTS[path] in self.withheld:
            return _error(403, "invalid_permissions", f"Scope {LISTS[path]} not enabled")
        asked = [name for name in request.query.get("include", "").split(",") if name]
        if refusal := self._spoilt_include(path, asked):
            return refusal
        kind = request.query.get("type", "") if path == "groups" and "all-groups" not in self.faults else ""
        rows = self._list(
            path, frozenset(asked), since=request.query.get("updated_after", ""), kind=kind, of_all=of_all
        )
        return self._paged(request, path, rows)

    def _spoilt_include(self, path: str, asked: Iterable[str]) -> Reply | None:
        for name in asked:
            if name not in _INCLUDES[path] or name in self.profile.unknown_includes:
                return _error(400, "invalid_include", name)
            if INCLUDES.get(name) in self.withheld:
                return _error(403, "invalid_permissions", f"Scope {INCLUDES[name]} not enabled")
            if name.partition(".")[0] == "medical_conditions" and "no-medical-include" in self.faults:
                return _error(400, "invalid_include", "medical_conditions")
            if name.partition(".")[0] == "medical_conditions" and "vague-include" in self.faults:
                return _error(400, "invalid_include", "Invalid includes")
        return None

    def _list(
        self, path: str, asked: frozenset[str], *, since: str = "", kind: str = "", of_all: bool = False
    ) -> list[bytes]:
        """Return the rows written out, made once: a school of 20,000 students is asked for a hundred pages."""
        at_home = not self.faults & {"wrong-host", "wrong-host-empty"} and f"empty-{path}" not in self.faults
        key = (path, asked, since, kind + "*" * of_all, self.today())
        if key not in self._written:
            made = self.rows.codes(own=False) if of_all else self.rows.of(path, asked)
            self._written[key] = [
                json.dumps(row, ensure_ascii=False).encode()
                for row in (made if at_home else [])
                if (not since or _changed(row) > since) and kind in {"", row.get("type")}
            ]
        return self._written[key]

    def _paged(self, request: Request, path: str, rows: list[bytes]) -> Reply:
        size = max(1, min(int(request.query.get("per_page", DEFAULT_PAGE)), self.longest_page))
        cursor = bool(request.query.get("cursor")) and "offset-only" not in self.faults
        page = int(self._place(request, cursor=cursor))
        if refusal := self._refusal(request, path, page):
            return refusal
        meta: Json = {"includes": [name for name in _INCLUDES[path] if "." not in name]}
        silent = "per_page" not in request.query or "plain-pages" in self.faults
        if not ((silent and len(rows) <= DEFAULT_PAGE) or "no-paging" in self.faults):
            meta["pagination"] = self._pagination(request, page, size, cursor=cursor, last=page * size >= len(rows))
        body = b'{"data": [' + b", ".join(self._shown(rows, page, size)) + b'], "meta": ' + json.dumps(meta).encode()
        delay = 1.0 if "slow-page" in self.faults and page % 2 == 0 else 0
        return Reply(200, body + b"}", {"Content-Type": "application/json; charset=utf-8"}, delay=delay)

    def _refusal(self, request: Request, path: str, page: int) -> Reply | None:
        if "no-filters" in self.faults and request.query.keys() & {"type", "updated_after"}:
            return _error(400, "invalid_parameter", "Invalid filter")
        if "revoked-later" in self.faults and page > 1:
            return _error(403, "invalid_permissions", f"Scope {LISTS[path]} not enabled")
        return as_json({"data": {"rows": 0}}) if "no-rows" in self.faults else None

    def _place(self, request: Request, *, cursor: bool) -> str:
        if not cursor or request.query["cursor"] in {"true", "1"}:
            return request.query.get("page", "1")
        return base64.urlsafe_b64decode(request.query["cursor"]).decode()

    def _shown(self, rows: list[bytes], page: int, size: int) -> list[bytes]:
        start = (page - 1) * size
        shown = rows[start : start + size]
        if page > 1 and shown and self.faults & {"duplicate-across-pages", "changed-across-pages"}:
            again = json.loads(rows[start - 1])
            if "changed-across-pages" in self.faults:
                again |= {name: f"{again[name]} II" for name in ("surname", "name") if name in again}
                again |= {"comment": "edited"} | ({"attendance_code": None} if "attendance_code" in again else {})
            shown = [json.dumps(again).encode(), *shown]
        return shown

    def _pagination(self, request: Request, page: int, size: int, *, cursor: bool, last: bool) -> Json:
        path = request.path.rstrip("/").rpartition("/")[2]
        more = not last and not self.faults & {"early-end", f"early-end-{path}"}
        told: Json = {"next": None, "previous": None, "more": more, "per_page": str(size)}
        if "number-per-page" in self.faults:
            told["per_page"] = size
        if more and "contradiction" not in self.faults:
            following = page if "repeat-page" in self.faults and page == 2 else page + 1
            told["next"] = self._next(request, following, cursor=cursor)
        if not cursor:
            told["current_page"] = page
        if self.faults & {"missing-more", "no-more-key"}:
            del told["more"]
        if "missing-more" in self.faults:
            del told["next"]
        return told

    def _next(self, request: Request, page: int, *, cursor: bool) -> str:
        place = {"cursor": base64.urlsafe_b64encode(str(page).encode()).decode()} if cursor else {"page": str(page)}
        if "bare-next" in self.faults:
            return f"?{urlencode(place)}"
        host = "127.0.0.1:9" if "other-host" in self.faults else request.headers["host"]
        kept = {name: value for name, value in request.query.items() if name not in {"cursor", "page"}}
        return f"http://{host}{request.path}?{urlencode(kept | place)}"


def _changed(row: Any) -> str:
    """Return when a row changed; a change of what is included in it does not count."""
    return str((row.get("updated_at") or {}).get("date", "9999"))


def _error(status: int, code: str, description: str) -> Reply:
    return as_json({"error": code, "error_description": description}, status)


def _not_found() -> Reply:
    return _error(404, "resource_not_found", "Resource not found")
