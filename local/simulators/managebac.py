"""ManageBac's public API, version 2, as far as a roster needs it: the world's truth in its dialect.

What is null is left out, empty lists are there, ids are integers of one table of users. Registration forms are no
classes here but homerooms: students of one year group with the same homeroom advisor. Beside the world there are a few
people of former years, archived, whom a roster must not take for present.
"""

import datetime
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from local.simulators.server import Reply, Request, Simulator, as_json
from local.world.model import (
    ClassTruth,
    GuardianTruth,
    Night,
    Person,
    SchoolWorld,
    StaffTruth,
    StudentTruth,
    TieTruth,
)

TOKEN: Final = "mb-simulated-token-0123456789"  # noqa: S105 nothing real listens to it
PERMISSIONS: Final = frozenset({"students", "parents", "teachers", "classes", "memberships", "year-groups", "school"})

# Of former years: archived long ago, still in the lists.
FORMER_STUDENT: Final = 21_900_001
FORMER_PARENT: Final = 22_900_001
FORMER_TEACHER: Final = 23_900_001
FORMER_CLASS: Final = 11_790_001
FORMER_STUDENT_GRADUATED: Final = datetime.date(2024, 6, 20)

_FIRST_ID: Final[Mapping[type[Person], int]] = {
    StudentTruth: 21_000_000,
    GuardianTruth: 22_000_000,
    StaffTruth: 23_000_000,
}
_FIRST_CLASS: Final = 11_700_000
_FIRST_YEAR_GROUP: Final = 1_180_000
_CREATED: Final = "2024-08-12T08:00:00.000Z"
_UPDATED: Final = "2026-09-01T05:20:03.000Z"
_VERSION: Final = re.compile(r"/v2(?:p[0-3])?/(.+)")
_LEVELS: Final = (("pyp", "IB Primary Years"), ("myp", "IB Middle Years"), ("diploma", "IB Diploma"))
_TRUE: Final = frozenset({"1", "true"})
_HIDDEN_FIELDS: Final = ("email", "nickname", "homeroom_advisor_id", "subject_name")

Json = dict[str, Any]


def user_id(person: Person) -> int:
    """Return ManageBac's id of this number in the school's books; a student and a parent may share a number there."""
    return _FIRST_ID[type(person)] + int(person.ref)


def class_id(one: ClassTruth) -> int:
    """Return ManageBac's id of a class."""
    return _FIRST_CLASS + int(one.ref)


def year_group_id(school: SchoolWorld, year: str) -> int:
    """Return ManageBac's id of a year, which is its label."""
    return _FIRST_YEAR_GROUP + school.year_labels.index(year)


def advisors(night: Night, form: str) -> list[int]:
    """Return the ids of those who have this registration form (key), the first being the homeroom advisor."""
    return sorted(user_id(night.staff[one.staff]) for one in night.teaching.values() if one.class_key == form)


class ManageBac(Simulator):
    """Students, parents, teachers, year groups, classes and memberships of one school on one night."""

    key: ClassVar[str] = "managebac"
    FAULTS: ClassVar[Mapping[str, str]] = {
        "rate-limited": "429 with X-RateLimit-Limit, -Period and -Reset, without Retry-After, for every fifth request",
        "revoked": "the token is switched off after the second request",
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
        "null-fields": f"null for {', '.join(_HIDDEN_FIELDS)} in every row: the school switched these fields off",
        "absent-fields": f"no {', '.join(_HIDDEN_FIELDS)} in any row: the school switched these fields off",
        "bad-student": "a student's birthday is no date",
        "bad-parent": "a parent's e-mail address is a list",
        "bad-class": "a class has no id",
        "bad-membership": "a membership has no role",
        "administrator": "the first homeroom advisor is an administrator now, and no longer among the teachers",
        "no-children": "parents have child_ids but not children, as in older versions",
        "no-links": "parents have neither children nor child_ids",
        "one-sided": "the first parent's record no longer names the first child, whose record still names the parent",
        "everybody": "the filter archived is ignored",
        "text-flags": "true and false are text",
        "no-list": "the answer has no list under its name",
    }

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        faults: frozenset[str] = frozenset(),
        token: str = TOKEN,
        permissions: frozenset[str] = PERMISSIONS,
        most: int = 200,
    ) -> None:
        super().__init__(school, night, faults=faults)
        self.token, self.permissions, self.most = token, permissions, most
        self.picture = school.at(night)

    def reply(self, request: Request) -> Reply:
        """Answer one request under /v2 or a pinned version."""
        path = _VERSION.fullmatch(request.path)
        if request.method != "GET" or not path:
            return as_json({"error": "Not found"}, 404)
        if "rate-limited" in self.faults and request.number % 5 == 0:
            return _over_the_limit()
        name, _, rest = path.group(1).partition("/")
        if not self._permits(request, name):
            return as_json({"error": "Access Denied"}, 401)
        return _bad_time(request) or self._answer(request, name, rest)

    def _permits(self, request: Request, name: str) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        given = request.headers.get("auth-token") or request.query.get("auth_token") or bearer
        if given != self.token or ("revoked" in self.faults and request.number > 2):
            return False
        if "parents-forbidden" in self.faults and name == "parents":
            return False
        return name in self.permissions | {"ping", "auth"}

    def _answer(self, request: Request, name: str, rest: str) -> Reply:
        if name in self._lists:
            return self._one(name, rest) if rest else self._list(request, name)
        fixed: Mapping[str, Json] = {
            "ping/": {"pong": "ok"},
            "auth/permissions": {"permissions": sorted(f"{one}/index" for one in self.permissions)},
            "school/": {"school": {"subdomain": self.school.slug, "name": self.school.name}},
        }
        found = fixed.get(f"{name}/{rest}")
        return as_json(found) if found else as_json({"error": "Not found"}, 404)

    # Lists

    @property
    def _lists(self) -> Mapping[str, Callable[[], list[Json]]]:
        return {
            "students": self._students,
            "parents": self._parents,
            "teachers": self._teachers,
            "classes": self._classes,
            "memberships": self._memberships,
            "year-groups": self._year_groups,
        }

    @functools.lru_cache(maxsize=8)  # noqa: B019 a simulator lives as long as its test
    def _rows(self, name: str) -> list[Json]:
        rows = [_without_nulls(row) for row in self._lists[name]()]
        return self._with_bad_rows(name, self._with_hidden_fields(rows))

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
        rows = self._chosen(request, name)
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

    def _chosen(self, request: Request, name: str) -> list[Json]:
        if "deleted_since" in request.query:
            return self._deleted(name)
        rows = self._rows(name)
        for filters, field in _FILTERS.items():
            wanted = {value for one in filters for text in request.queries.get(one, ()) for value in text.split(",")}
            rows = [row for row in rows if not wanted or str(row.get(field)) in wanted]
        since = request.query.get("modified_since", "")
        rows = [row for row in rows if not since or row.get("updated_at", _UPDATED) >= since]
        empty = {"empty": "students", "empty-parents": "parents"}
        if any(fault in self.faults and name == kind for fault, kind in empty.items()):
            return []
        return rows if "everybody" in self.faults else self._by_archived(request, name, rows)

    def _by_archived(self, request: Request, name: str, rows: list[Json]) -> list[Json]:
        default = "false" if name in {"classes", "year-groups"} else ""
        asked = request.query.get("archived", default)
        wanted = asked.lower() in _TRUE
        return [row for row in rows if not asked or (str(row.get("archived", False)).lower() in _TRUE) == wanted]

    def _deleted(self, name: str) -> list[Json]:
        """Return who was there on an earlier night and is not now; only the ids are sure."""
        now = {row.get("id") for row in self._rows(name)}
        before = [ManageBac(self.school, night)._rows(name) for night in range(1, self.night)]  # noqa: SLF001
        return [{"id": one} for one in sorted({row["id"] for rows in before for row in rows} - now)]

    # Rows

    def _students(self) -> list[Json]:
        rows = [self._student(one) for one in self.picture.students.values()]
        former = _person(FORMER_STUDENT, "Student", "Old", "Scholar") | {
            "archived": True,
            "graduated_on": FORMER_STUDENT_GRADUATED.isoformat(),
            "birthday": "2006-02-03",
            "additional_homeroom_advisor_ids": [],
            "parent_ids": [FORMER_PARENT],
        }
        return [*rows, former]

    def _student(self, one: StudentTruth) -> Json:
        ties = self.picture.ties_of(one.key)
        row = _person(user_id(one), "Student", one.given_name, one.family_name) | {
            "email": one.email or None,
            "nickname": one.preferred_name or None,
            "archived": one.left_on is not None,
            "withdrawn_on": one.left_on.isoformat() if one.left_on else None,
            "student_id": one.ref,
            "identifier": one.ref,
            "birthday": one.date_of_birth.isoformat(),
            "mobile_phone_number": "",
            # A parent of former years dangles here, as they do.
            "parent_ids": [*(user_id(self.picture.guardians[tie.guardian]) for tie in ties), FORMER_PARENT],
            "additional_homeroom_advisor_ids": [],
        }
        return row if one.left_on else row | self._place(one)

    def _place(self, one: StudentTruth) -> Json:
        """Year group and homeroom, which leavers lose."""
        group, place = year_group_id(self.school, one.year), self.school.year_labels.index(one.year)
        code, program = _LEVELS[min(2, place * 3 // len(self.school.year_labels))]
        found = self._advisors.get(one.form, [])
        return {
            "year_group_id": group,
            "ib_group_id": group,
            "class_grade": one.year,
            "class_grade_number": place + 1,
            "program": program,
            "program_code": code,
            "homeroom_advisor_id": found[0] if found else None,
            "additional_homeroom_advisor_ids": found[1:],
        }

    @functools.cached_property
    def _advisors(self) -> Mapping[str, list[int]]:
        return {form: advisors(self.picture, form) for form in self._forms}

    @property
    def _forms(self) -> list[str]:
        return [key for key, one in self.picture.classes.items() if not one.subject]

    def _parents(self) -> list[Json]:
        ties: dict[str, list[TieTruth]] = {}
        for tie in self.picture.ties.values():
            ties.setdefault(tie.guardian, []).append(tie)
        rows = [self._parent(one, ties.get(one.key, [])) for one in self.picture.guardians.values()]
        former = _person(FORMER_PARENT, "Parent", "Old", "Parent") | {
            "archived": True,
            "children": [{"id": FORMER_STUDENT, "relationship": "Mother"}],
            "child_ids": [FORMER_STUDENT],
        }
        return [*rows, former]

    def _parent(self, one: GuardianTruth, ties: Sequence[TieTruth]) -> Json:
        ids = [user_id(self.picture.students[tie.student]) for tie in ties]
        # Where a brother or sister left years ago, the parent's record still names them.
        ids_and_former = [*ids, FORMER_STUDENT]
        children = [
            _without_nulls({"id": child, "relationship": tie.relationship or None})
            for child, tie in zip(ids, ties, strict=True)
        ]
        row = _person(user_id(one), "Parent", one.given_name, one.family_name) | {
            "salutation": one.title or None,
            "email": one.email or None,
            "mobile_phone_number": one.phone,
            "title": "Architect",
            "child_ids": ids_and_former,
            "children": [*children, {"id": FORMER_STUDENT}],
        }
        if "one-sided" in self.faults and one is next(iter(self.picture.guardians.values())):
            row |= {"child_ids": ids_and_former[1:], "children": [*children[1:], {"id": FORMER_STUDENT}]}
        dropped = {"no-children": {"children"}, "no-links": {"children", "child_ids"}}
        gone = {field for fault, fields in dropped.items() if fault in self.faults for field in fields}
        return {field: value for field, value in row.items() if field not in gone}

    def _teachers(self) -> list[Json]:
        rows = [self._teacher(one) for one in self.picture.staff.values() if user_id(one) != self._administrator]
        return [*rows, _person(FORMER_TEACHER, "Advisor", "Old", "Master") | {"archived": True, "programs": []}]

    def _teacher(self, one: StaffTruth) -> Json:
        return _person(user_id(one), "Advisor", one.given_name, one.family_name) | {
            "archived": one.left_on is not None,
            "email": one.email or None,
            "phone_number": one.phone,
            "identifier": one.ref,
            "programs": ["100_120"],
        }

    @property
    def _administrator(self) -> int | None:
        """The id of who is not among the teachers because of the fault of that name."""
        if "administrator" not in self.faults:
            return None
        return next(found[0] for found in self._advisors.values() if found)

    def _classes(self) -> list[Json]:
        rows = [
            {
                "id": class_id(one),
                "name": one.name,
                "uniq_id": one.key,
                "grade": one.year,
                "subject_name": one.subject,
                "archived": False,
                "lock_memberships": False,
                "teachers": [{"teacher_id": ref, "show_on_reports": True} for ref in advisors(self.picture, one.key)],
                "created_at": _CREATED,
                "updated_at": _UPDATED,
            }
            for one in self.picture.classes.values()
            if one.subject
        ]
        return [*rows, {"id": FORMER_CLASS, "name": "Latin of old", "archived": True, "teachers": []}]

    def _memberships(self) -> list[Json]:
        night = self.picture
        seats = [
            *((one.class_key, "Student", user_id(night.students[one.student])) for one in night.enrolments.values()),
            *((one.class_key, "Teacher", user_id(night.staff[one.staff])) for one in night.teaching.values()),
        ]
        rows = [
            _membership(class_id(night.classes[key]), user, role)
            for key, role, user in seats
            if night.classes[key].subject
        ]
        # Whether archived classes are among them is not known; here they are.
        return [*rows, _membership(FORMER_CLASS, FORMER_TEACHER, "Teacher")]

    def _year_groups(self) -> list[Json]:
        return [
            {
                "id": year_group_id(self.school, label),
                "name": f"Class of {2040 - number}",
                "grade": label,
                "grade_number": number + 1,
                "archived": False,
                "student_ids": [user_id(one) for one in self._here() if one.year == label],
            }
            for number, label in enumerate(self.school.year_labels)
        ]

    def _here(self) -> Iterable[StudentTruth]:
        return (one for one in self.picture.students.values() if one.left_on is None)

    # Faults

    def _with_hidden_fields(self, rows: list[Json]) -> list[Json]:
        if "absent-fields" in self.faults:
            rows = [{field: value for field, value in row.items() if field not in _HIDDEN_FIELDS} for row in rows]
        if "null-fields" in self.faults:
            rows = [{**row, **dict.fromkeys(_HIDDEN_FIELDS)} for row in rows]
        if "text-flags" in self.faults:
            rows = [{**row, "archived": str(row.get("archived", False)).lower()} for row in rows]
        return rows

    def _with_bad_rows(self, name: str, rows: list[Json]) -> list[Json]:
        spoilt: Mapping[str, tuple[str, Json]] = {
            "students": ("bad-student", {"birthday": "soon"}),
            "parents": ("bad-parent", {"email": ["one", "two"]}),
            "classes": ("bad-class", {"id": None}),
            "memberships": ("bad-membership", {"role": None}),
        }
        fault, change = spoilt.get(name, ("", {}))
        if fault in self.faults:
            rows = [_without_nulls(rows[0] | change), *rows[1:]]
        return rows

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
                meta = _without_nulls(meta | change)
        return meta


_ONE_OF: Final = {"classes": "class"}
_FILTERS: Final[Mapping[tuple[str, ...], str]] = {
    ("ids", "ids[]"): "id",
    ("year_group_ids[]",): "year_group_id",
    ("homeroom_advisor_ids[]",): "homeroom_advisor_id",
    ("class_ids[]",): "class_id",
    ("user_ids[]",): "user_id",
}


def _key(name: str) -> str:
    return name.replace("-", "_")


def _person(number: int, role: str, given: str, family: str) -> Json:
    return {
        "id": number,
        "role": role,
        "first_name": given,
        "last_name": family,
        "archived": False,
        "ui_language": "en",
        "nationalities": [],
        "languages": [],
        "created_at": _CREATED,
        "updated_at": _UPDATED,
    }


def _membership(of_class: int, user: int, role: str) -> Json:
    row = {"id": of_class * 100_000_000 + user, "user_id": user, "role": role, "class_id": of_class}
    level = {"level": 0} if role == "Student" else {}
    return row | level | {"created_at": _CREATED, "updated_at": _UPDATED}


def _without_nulls(row: Json) -> Json:
    return {field: value for field, value in row.items() if value is not None}


def _meta(page: int, pages: int, total: int, size: int) -> Json:
    return {"current_page": page, "total_pages": pages, "total_count": total, "per_page": size}


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
