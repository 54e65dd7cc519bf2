"""The world's truth as rows of ManageBac's lists: what is null is left out, and ids are integers of one table of users.

Registration forms are no classes here but homerooms: students of one year group with the same homeroom advisor. Beside
the world there are a few people of former years, archived, whom a roster must not take for present.
"""

import datetime
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

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

# Of former years: archived long ago, still in the lists.
FORMER_STUDENT: Final = 21_900_001
FORMER_PARENT: Final = 22_900_001
FORMER_TEACHER: Final = 23_900_001
FORMER_CLASS: Final = 11_790_001
FORMER_STUDENT_GRADUATED: Final = datetime.date(2024, 6, 20)

_HIDDEN_FIELDS: Final = ("email", "nickname", "homeroom_advisor_id", "subject_name")
UPDATED: Final = "2026-09-01T05:20:03.000Z"
ROW_FAULTS: Final[Mapping[str, str]] = {
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
    "text-flags": "true and false are text",
}
_FIRST_ID: Final[Mapping[type[Person], int]] = {
    StudentTruth: 21_000_000,
    GuardianTruth: 22_000_000,
    StaffTruth: 23_000_000,
}
_RELATIONSHIPS: Final[Mapping[str, str]] = {"Foster carer": "Other Guardian", "Parent": ""}
_FIRST_CLASS: Final = 11_700_000
_FIRST_YEAR_GROUP: Final = 1_180_000
_CREATED: Final = "2024-08-12T08:00:00.000Z"
LEVELS: Final = (("pyp", "IB Primary Years"), ("myp", "IB Middle Years"), ("diploma", "IB Diploma"))

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


def relationship_of(tie: TieTruth) -> str:
    """Return the choice of ManageBac's list that says it best, "" if none does."""
    return _RELATIONSHIPS.get(tie.relationship, tie.relationship)


def advisors(night: Night, form: str) -> list[int]:
    """Return the ids of those who have this registration form (key), the first being the homeroom advisor."""
    return sorted(user_id(night.staff[one.staff]) for one in night.teaching.values() if one.class_key == form)


class Rows:
    """The rows of one school on one night, with the faults of rows that are switched on."""

    def __init__(self, school: SchoolWorld, night: int, *, faults: frozenset[str] = frozenset()) -> None:
        self.school, self.faults = school, faults
        self.picture = school.at(night)
        self._lists: Mapping[str, Callable[[], list[Json]]] = {
            "students": self._students,
            "parents": self._parents,
            "teachers": self._teachers,
            "classes": self._classes,
            "memberships": self._memberships,
            "year-groups": self._year_groups,
        }

    def of(self, name: str) -> list[Json]:
        """Return all rows of a list, archived ones included."""
        rows = [without_nulls(row) for row in self._lists[name]()]
        return self._with_bad_rows(name, self._with_hidden_fields(rows))

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
        ties = sorted(self._ties.get(one.key, ()), key=lambda tie: (tie.priority, tie.guardian))
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
        code, program = LEVELS[min(2, place * 3 // len(self.school.year_labels))]
        found = self._advisors[one.form]
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
        """Who has each class (key), forms among them; see `advisors`."""
        found: dict[str, list[int]] = {key: [] for key in self.picture.classes}
        for one in self.picture.teaching.values():
            found[one.class_key].append(user_id(self.picture.staff[one.staff]))
        return {key: sorted(people) for key, people in found.items()}

    @functools.cached_property
    def _ties(self) -> Mapping[str, list[TieTruth]]:
        """The ties of each student (key)."""
        found: dict[str, list[TieTruth]] = {}
        for tie in self.picture.ties.values():
            found.setdefault(tie.student, []).append(tie)
        return found

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
            without_nulls({"id": child, "relationship": relationship_of(tie) or None})
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
        rows = [self._teacher(one) for one in self.picture.staff.values() if user_id(one) != self.administrator]
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
    def administrator(self) -> int | None:
        """The id of who is not among the teachers because of the fault of that name."""
        if "administrator" not in self.faults:
            return None
        forms = (key for key, one in self.picture.classes.items() if not one.subject)
        return next(self._advisors[form][0] for form in forms if self._advisors[form])

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
                "teachers": [
                    *({"teacher_id": ref, "show_on_reports": True} for ref in self._advisors[one.key]),
                    {"teacher_id": FORMER_TEACHER, "show_on_reports": False, "teacher_archived": True},
                ],
                "created_at": _CREATED,
                "updated_at": UPDATED,
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
            rows = [without_nulls(rows[0] | change), *rows[1:]]
        return rows


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
        "updated_at": UPDATED,
    }


def _membership(of_class: int, user: int, role: str) -> Json:
    row = {"id": of_class * 100_000_000 + user, "user_id": user, "role": role, "class_id": of_class}
    level = {"level": 0} if role == "Student" else {}
    return row | level | {"created_at": _CREATED, "updated_at": UPDATED}


def without_nulls(row: Json) -> Json:
    """Return the row as ManageBac would write it."""
    return {field: value for field, value in row.items() if value is not None}
