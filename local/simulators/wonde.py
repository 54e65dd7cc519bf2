"""Wonde's API (v1.0) for one school of the demo world: its envelopes, pages, includes and errors.

    GET /v1.0/schools/{id}                      the school, with the host that serves it
    GET /v1.0/meta/schools/{id}                 how it stands with us
    GET /v1.0/schools/{id}/{list}               students, students-leaver, contacts, employees, classes, groups
    GET /v1.0/schools/{id}/counts?include=…     totals

Wonde's identifiers differ from the MIS's own (`mis_id`) and are unique within their type only: a class and a group, a
student and a contact may have the same. What is not documented (notes of medical conditions, parts of `relationship`)
is invented here and marked so in the connector's card.
"""

import base64
import datetime
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import ClassTruth, GuardianTruth, SchoolWorld, StaffTruth, StudentTruth, TieTruth

Json = dict[str, Any]
TOKEN: Final = "5f0c1d2e3a4b5968778695a4b3c2d1e0f1a2b3c4"  # noqa: S105 the token of a simulator
SCHOOL: Final = "A1000000000"
DEFAULT_PAGE: Final = 50
LONGEST_PAGE: Final = 500
ELSEWHERE: Final = "api-ap-southeast-2.wonde.com"

_INCLUDES: Final[Mapping[str, tuple[str, ...]]] = {
    "students": (
        *("classes", "education_details", "contact_details", "extended_details", "contacts", "year", "house"),
        *("registration", "medical_conditions", "medical_conditions.notes"),
    ),
    "contacts": ("contact_details", "students"),
    "employees": ("contact_details", "employment_details", "identifiers"),
    "classes": ("students", "employees", "subject"),
    "groups": ("students", "employees"),
}
_BOOLEANS: Final = {True: "T", False: "F"}


def wonde_id(ref: str) -> str:
    """Return Wonde's identifier of what the MIS calls `ref`."""
    return f"A{ref:0>9}"


class Wonde(Simulator):
    """One school behind Wonde. `longest_page` is what a larger per_page is cut to; Wonde does not publish its own."""

    key: ClassVar[str] = "wonde"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "repeat-page": "page 2 names itself as the next page",
        "missing-more": "pages say neither `more` nor `next`",
        "no-more-key": "pages say `next` only",
        "contradiction": "pages have more, but name no next page",
        "early-end": "page 1 says that it is the last; the totals know better",
        "early-end-students": "the same of the students only",
        "wrong-total": "the totals are one too high",
        "no-counts": "the totals are not offered",
        "plain-pages": "a list that fits in the default page says nothing about pages, even with per_page",
        "no-paging": "no list says anything about pages, and only the first page comes",
        "bare-next": "the next page is ?page=2 and forgets all other parameters",
        "other-host": "the next page is on another host",
        "offset-only": "cursor=true is not understood",
        "wrong-host": "the school is kept elsewhere: lists are empty, the school names its host",
        "wrong-host-empty": "the school is kept elsewhere: lists are empty, the school is not known",
        "duplicate-across-pages": "the last row of a page comes again on the next",
        "changed-across-pages": "the same, with another surname or name",
        "bad-row": "the first student's date of birth is no date",
        "nameless-row": "the first student has no identifier",
        "null-fields": "the permission for UPN, date of birth, e-mail, dietary needs and court orders is taken away",
        "null-names": "the permission for names is taken away",
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
        "gone-staff": "the first employee is listed with current=false",
        "to-one-null": "an empty relation to one is null",
        "to-one-list": 'an empty relation to one is {"data": []}',
        "text-booleans": "booleans are T and F",
        "no-microseconds": "dates come without microseconds",
        "unknown-school": "everything of this school is 404",
        "withdrawn": "the school has withdrawn its approval: everything of it is 403",
        "unapproved": "meta says that our access is not approved",
        "unaudited": "meta says that the data are not checked yet",
        "offline": "meta says that the MIS cannot be reached",
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
    ) -> None:
        super().__init__(school, night, faults=faults)
        self.token, self.school_id, self.longest_page = token, school_id, longest_page
        self.truth = school.at(night)
        self._on_roll = {key: one for key, one in self.truth.students.items() if one.left_on is None}
        self._ties = [tie for tie in self.truth.ties.values() if tie.student in self._on_roll]

    def reply(self, request: Request) -> Reply:
        """Answer as Wonde would."""
        if not self._is_known(request.headers.get("authorization", "")):
            return _error(401, "invalid_token", "Invalid token")
        if request.method != "GET":
            return _error(403, "invalid_permissions", "Writeback is not enabled")
        parts = request.path.strip("/").split("/")
        if parts == ["v1.0", "meta", "schools", self.school_id]:
            return self._meta()
        if parts[:3] != ["v1.0", "schools", self.school_id] or "unknown-school" in self.faults:
            return _not_found()
        if "withdrawn" in self.faults:
            return _error(403, "invalid_permissions", "School not approved")
        if not parts[3:]:
            return self._school(request)
        return self._counts(request) if parts[3:] == ["counts"] else self._list(request, "/".join(parts[3:]))

    def _is_known(self, authorization: str) -> bool:
        basic = base64.b64encode(f"{self.token}:".encode()).decode()
        return authorization in {f"Bearer {self.token}", f"Basic {basic}"}

    def _meta(self) -> Reply:
        told = {
            "online": "offline" not in self.faults,
            "approved": "unapproved" not in self.faults,
            "audited": "unaudited" not in self.faults,
            "custom_attendance_codes": False,
        }
        return as_json({"data": told})

    def _school(self, request: Request) -> Reply:
        if "wrong-host-empty" in self.faults:
            return _not_found()
        domain = ELSEWHERE if "wrong-host" in self.faults else request.headers.get("host", "")
        told = {
            "id": self.school_id,
            "name": self.school.name,
            "phase_of_education": "ALL THROUGH",
            "timezone": self.school.timezone,
            "mis": self.school.mis_product,
            "extended": {"allows_writeback": False, "has_timetables": True, "has_lesson_attendance": False},
            "region": {"code": "GBR", "domain": domain, "identifiers": {}},
        }
        return as_json({"data": told, "meta": {"includes": []}})

    def _counts(self, request: Request) -> Reply:
        if "no-counts" in self.faults:
            return _not_found()
        names = [name for name in request.query.get("include", "").split(",") if name]
        if any(name not in _INCLUDES for name in names):
            return _error(400, "invalid_include", "Invalid includes")
        wrong = int("wrong-total" in self.faults)
        told = {name: {"data": {"count": len(self._rows(name, frozenset())) + wrong}} for name in names}
        return as_json({"data": told})

    # --- lists ---

    def _list(self, request: Request, path: str) -> Reply:
        kind = path.removesuffix("-leaver")
        if kind not in _INCLUDES or kind not in {path, "students"}:
            return _not_found()
        asked = [name for name in request.query.get("include", "").split(",") if name]
        refusal = self._refusal(path) or self._spoilt_include(kind, asked)
        if refusal:
            return refusal
        rows = self._leavers() if path != kind else self._rows(kind, frozenset(asked))
        if kind == "groups" and "type" in request.query and "all-groups" not in self.faults:
            rows = [row for row in rows if row["type"] == request.query["type"]]
        return self._paged(request, kind, [self._dressed(row) for row in rows])

    def _refusal(self, path: str) -> Reply | None:
        if f"no-{path}" in self.faults:
            return _error(403, "invalid_permissions", f"Scope {path}.read not enabled")
        return _not_found() if f"{path}-unknown" in self.faults else None

    def _spoilt_include(self, kind: str, asked: Iterable[str]) -> Reply | None:
        for name in asked:
            if name not in _INCLUDES[kind]:
                return _error(400, "invalid_include", name)
            if name.partition(".")[0] != "medical_conditions":
                continue
            if "no-medical-include" in self.faults:
                return _error(400, "invalid_include", "medical_conditions")
            if "vague-include" in self.faults:
                return _error(400, "invalid_include", "Invalid includes")
            if "medical-include-forbidden" in self.faults:
                return _error(403, "invalid_permissions", "Scope medical-conditions.read not enabled")
        return None

    def _paged(self, request: Request, kind: str, rows: list[Json]) -> Reply:
        size = min(int(request.query.get("per_page", DEFAULT_PAGE)), self.longest_page)
        cursor = bool(request.query.get("cursor")) and "offset-only" not in self.faults
        page = int(self._place(request, cursor=cursor))
        meta: Json = {"includes": [name for name in _INCLUDES[kind] if "." not in name]}
        silent = "per_page" not in request.query or "plain-pages" in self.faults
        if not ((silent and len(rows) <= DEFAULT_PAGE) or "no-paging" in self.faults):
            meta["pagination"] = self._pagination(request, page, size, cursor=cursor, last=page * size >= len(rows))
        return as_json({"data": self._shown(rows, page, size), "meta": meta})

    def _place(self, request: Request, *, cursor: bool) -> str:
        if not cursor or request.query["cursor"] in {"true", "1"}:
            return request.query.get("page", "1")
        return base64.urlsafe_b64decode(request.query["cursor"]).decode()

    def _shown(self, rows: list[Json], page: int, size: int) -> list[Json]:
        start = (page - 1) * size
        shown = rows[start : start + size]
        if page > 1 and shown and self.faults & {"duplicate-across-pages", "changed-across-pages"}:
            again = dict(rows[start - 1])
            if "changed-across-pages" in self.faults:
                again |= {name: f"{again[name]} II" for name in ("surname", "name") if name in again}
            shown = [again, *shown]
        return shown

    def _pagination(self, request: Request, page: int, size: int, *, cursor: bool, last: bool) -> Json:
        of_students = request.path.rstrip("/").endswith("/students")
        ended = "early-end" in self.faults or (of_students and "early-end-students" in self.faults)
        more = not last and not ended
        told: Json = {"next": None, "previous": None, "more": more, "per_page": str(size)}
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

    # --- rows ---

    def _rows(self, kind: str, asked: frozenset[str]) -> list[Json]:
        if self.faults & {"wrong-host", "wrong-host-empty"} or f"empty-{kind}" in self.faults:
            return []
        make: Mapping[str, Callable[[frozenset[str]], list[Json]]] = {
            "students": self._students,
            "contacts": self._contacts,
            "employees": self._employees,
            "classes": self._classes,
            "groups": self._groups,
        }
        return make[kind](asked)

    def _students(self, asked: frozenset[str]) -> list[Json]:
        rows = [self._student(one) | self._included_in_student(one, asked) for one in self._on_roll.values()]
        if "bad-row" in self.faults:
            rows[0]["date_of_birth"] = {"date": "the 3rd of May", "timezone_type": 3, "timezone": "Europe/London"}
        if "nameless-row" in self.faults:
            rows[0]["id"] = None
        return rows

    def _leavers(self) -> list[Json]:
        gone = [one for one in self.truth.students.values() if one.left_on is not None]
        return [self._student(one) | {"education_details": {"data": self._education(one)}} for one in gone]

    def _student(self, one: StudentTruth) -> Json:
        called = one.preferred_name or one.given_name
        return self._person(one.key, one.ref, called, one.family_name, title="") | {
            "legal_forename": self._name(one.given_name),
            "legal_surname": self._name(one.family_name),
            "gender": None,
            "date_of_birth": None if "null-fields" in self.faults else self._day(one.date_of_birth),
        }

    def _education(self, one: StudentTruth) -> Json:
        return {
            "admission_number": one.ref.zfill(6),
            "upn": None if "null-fields" in self.faults else one.upn or None,
            "local_upn": None,
            "current_nc_year": one.year.rpartition(" ")[2],
            "part_time": False,
            "leaving_date": self._day(one.left_on),
        }

    def _included_in_student(self, one: StudentTruth, asked: frozenset[str]) -> Json:
        needs = ", ".join(need.need for need in self.truth.dietary.values() if need.student == one.key)
        dietary = None if "null-fields" in self.faults else needs or None
        whole: Json = {
            "education_details": {"data": self._education(one)},
            "contact_details": self._reach(one.email, phone="", own="email"),
            "extended_details": {"data": {"dietary_needs": dietary, "sen_status": None, "free_school_meals": False}},
            "year": self._to_one(self._year(one.year)),
            "registration": self._to_one(self._registration(one)),
            "house": self._to_one(None),
        }
        row = {name: part for name, part in whole.items() if name in asked}
        if any(name.partition(".")[0] == "medical_conditions" for name in asked):
            row["medical_conditions"] = self._conditions(one, notes="medical_conditions.notes" in asked)
        return row

    def _year(self, label: str) -> Json:
        return _group(f"Y{self.school.year_labels.index(label)}", label, "YEAR")

    def _registration(self, one: StudentTruth) -> Json | None:
        form = self.truth.classes.get(one.form)
        return _group(form.ref, form.name, "REGISTRATION") if form else None

    def _conditions(self, one: StudentTruth, *, notes: bool) -> Json:
        if "null-medical" in self.faults:
            return {"data": None}
        rows = []
        for note in self.truth.medical.values():
            if note.student == one.key:
                row: Json = {"id": f"{wonde_id(one.ref)}{note.ref}", "mis_id": note.ref, "description": note.condition}
                said = [{"id": f"AN{note.ref}", "text": note.details}] if note.details else []
                rows.append(row | ({"notes": {"data": said}} if notes else {}))
        return {"data": rows}

    def _contacts(self, asked: frozenset[str]) -> list[Json]:
        ties: dict[str, list[TieTruth]] = {}
        for tie in self._ties:
            ties.setdefault(tie.guardian, []).append(tie)
        return [self._contact(self.truth.guardians[key], found, asked) for key, found in ties.items()]

    def _contact(self, one: GuardianTruth, ties: list[TieTruth], asked: frozenset[str]) -> Json:
        row = self._person(one.key, one.ref, one.given_name, one.family_name, title=one.title)
        if "contact_details" in asked:
            row["contact_details"] = self._reach(one.email, phone=one.phone, own="home")
        if "students" in asked:
            row["students"] = {"data": [self._child(tie) for tie in ties]}
        return row

    def _child(self, tie: TieTruth) -> Json:
        relationship = {
            "relationship": tie.relationship,
            "parental_responsibility": tie.parental_responsibility,
            "priority": tie.priority,
            "lives_with_pupil": None,
            "bill_payer": None,
            "correspondence": True,
            "pupil_report": True,
            "court_order": None if "null-fields" in self.faults else tie.restricted,
        }
        return self._student(self._on_roll[tie.student]) | {"relationship": relationship}

    def _employees(self, asked: frozenset[str]) -> list[Json]:
        rows = [self._employee(one, asked) for one in self.truth.staff.values() if one.left_on is None]
        if "gone-staff" in self.faults and "employment_details" in asked:
            rows[0]["employment_details"]["data"]["current"] = False
        return rows

    def _employee(self, one: StaffTruth, asked: frozenset[str]) -> Json:
        row = self._person(one.key, one.ref, one.given_name, one.family_name, title=one.title)
        if "contact_details" in asked:
            row["contact_details"] = self._reach(one.email, phone=one.phone, own="work")
        if "employment_details" in asked:
            teaches = one.post.startswith("Teacher")
            told = {"teaching_staff": teaches, "current": True, "role_text": one.post, "employment_end_date": None}
            row["employment_details"] = {"data": told}
        return row

    def _classes(self, asked: frozenset[str]) -> list[Json]:
        return [self._class(one, asked) for one in self.truth.classes.values() if one.subject]

    def _class(self, one: ClassTruth, asked: frozenset[str]) -> Json:
        subject = f"A{_hash(one.subject)[:9]}"
        row: Json = {
            "id": wonde_id(one.ref),
            "mis_id": one.ref,
            "name": one.name,
            "code": None,
            "description": one.name,
            "subject": {"data": {"id": subject, "name": one.subject}} if "subject" in asked else subject,
            "academic_year": None,
            "year_group": None,
        }
        return row | self._members(one, asked)

    def _groups(self, asked: frozenset[str]) -> list[Json]:
        forms = [one for one in self.truth.classes.values() if not one.subject]
        empty: Json = {name: {"data": []} for name in asked}
        years = [self._year(label) | empty for label in self.school.year_labels]
        return [_group(one.ref, one.name, "REGISTRATION") | self._members(one, asked) for one in forms] + years

    def _members(self, one: ClassTruth, asked: frozenset[str]) -> Json:
        whole = {"students": self._seated, "employees": self._teachers}
        return {name: {"data": rows(one)} for name, rows in whole.items() if name in asked}

    def _seated(self, one: ClassTruth) -> list[Json]:
        seats = [seat for seat in self.truth.enrolments.values() if seat.class_key == one.key]
        return [self._student(self._on_roll[seat.student]) for seat in seats]

    def _teachers(self, one: ClassTruth) -> list[Json]:
        lessons = [lesson for lesson in self.truth.teaching.values() if lesson.class_key == one.key]
        staff = [self._employee(self.truth.staff[lesson.staff], frozenset()) for lesson in lessons]
        return [row | {"meta": {"is_main_teacher": True}} for row in staff]

    # --- parts of rows ---

    def _person(self, key: str, ref: str, forename: str, surname: str, *, title: str) -> Json:
        stamp = {"date": "2026-09-05 17:31:03.000000", "timezone_type": 3, "timezone": "UTC"}
        return {
            "id": wonde_id(ref),
            "upi": _hash(f"{self.school.slug}/{key}"),  # the same for a parent who is staff as well
            "mis_id": ref,
            "title": title or None,
            "surname": self._name(surname),
            "forename": self._name(forename),
            "middle_names": None,
            "restored_at": None,
            "created_at": stamp,
            "updated_at": stamp,
        }

    def _name(self, name: str) -> str | None:
        return None if "null-names" in self.faults else name

    def _reach(self, email: str, *, phone: str, own: str) -> Json:
        address = None if "null-fields" in self.faults else email or None
        emails = dict.fromkeys(("primary", "home", "work")) | {own: address, "email": address}
        phones = {"phone": phone or None, "primary": None, "home": None, "work": None, "mobile": phone or None}
        return {"data": {"phones": phones, "emails": emails, "addresses": {}, "salutation": None}}

    def _to_one(self, row: Json | None) -> Json | None:
        if row is None and "to-one-null" in self.faults:
            return None
        return {"data": [] if row is None and "to-one-list" in self.faults else row}

    def _day(self, date: datetime.date | None) -> Json | None:
        if date is None:
            return None
        end = "" if "no-microseconds" in self.faults else ".000000"
        return {"date": f"{date} 00:00:00{end}", "timezone_type": 3, "timezone": self.school.timezone}

    def _dressed(self, value: Any) -> Any:
        """Write booleans as text, where that fault is on."""
        if "text-booleans" not in self.faults:
            return value
        if isinstance(value, dict):
            return {name: self._dressed(part) for name, part in value.items()}
        if isinstance(value, list):
            return [self._dressed(part) for part in value]
        return _BOOLEANS[value] if isinstance(value, bool) else value


def _group(ref: str, name: str, kind: str) -> Json:
    told = {"id": wonde_id(ref), "mis_id": ref, "name": name, "code": name, "type": kind}
    return told | {"description": name, "notes": None, "division": None, "restored_at": None}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _error(status: int, code: str, description: str) -> Reply:
    return as_json({"error": code, "error_description": description}, status)


def _not_found() -> Reply:
    return _error(404, "resource_not_found", "Resource not found")
