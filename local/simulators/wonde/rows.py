"""The world as rows of Wonde's lists. Identifiers differ from the MIS's own and are unique within their type only."""

import datetime
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from local.simulators.wonde.profiles import FIELDS, Profile
from local.world.model import (
    ClassTruth,
    DietaryTruth,
    EnrolmentTruth,
    GuardianTruth,
    MedicalTruth,
    SchoolWorld,
    StaffTruth,
    StudentTruth,
    TeachingTruth,
    TieTruth,
)
from local.world.registers import Half, WorldMark, register

Json = dict[str, Any]
SESSIONS: Final[tuple[Half, ...]] = ("am", "pm")
DAYS: Final = 7  # for so long back the registers are kept

_BOOLEANS: Final = {True: "T", False: "F"}
_PHOTO: Final = "/9j/" + "A" * 270_000  # base64 of some 200 kB
# By what the world means: the English code and its type, and a code and type of a school's own.
_CODES: Final[Mapping[str, tuple[str, str | None]]] = {
    "present-am": ("/", "PRESENT"),
    "present-pm": ("\\", "PRESENT"),
    "late": ("L", "PRESENT"),
    "absent": ("N", "UNEXPLAINED_ABSENCE"),
    "excused": ("I", "AUTHORISED_ABSENCE"),
    "elsewhere": ("V", "APPROVED_EDUCATION_ACTIVITY"),
    "unknown": ("F", None),
}
_OWN_CODES: Final[Mapping[str, tuple[str, str | None]]] = {
    "present-am": ("1", "present"),
    "present-pm": ("1p", "present"),
    "late": ("2", "late_before_registration"),
    "absent": ("N", "unauthorized_absences"),
    "excused": ("4", "authorised_absences"),
    "elsewhere": ("5", "approved_education_activity"),
    "unknown": ("I", None),  # not the English one: illness
}


def wonde_id(ref: str) -> str:
    """Return Wonde's identifier of what the MIS calls `ref`."""
    return f"A{ref:0>9}"


class Rows:
    """All rows of one school on one night, with the faults that are in rows."""

    def __init__(
        self,
        school: SchoolWorld,
        night: int,
        *,
        profile: Profile,
        withheld: frozenset[str],
        faults: frozenset[str],
        today: Callable[[], datetime.date],
    ) -> None:
        self.school, self.profile, self.faults, self._today = school, profile, faults, today
        self.truth = school.at(1 if "stale" in faults else night)
        here = [one for one in self.truth.students.values() if one.left_on is None]
        self._on_roll = {one.key: one for one in (here[1:] if "hidden" in faults else here)}
        ties = (tie for tie in self.truth.ties.values() if tie.student in self._on_roll)
        self._ties: dict[str, list[TieTruth]] = _by("guardian", ties)
        self._notes: dict[str, list[MedicalTruth]] = _by("student", self.truth.medical.values())
        self._needs: dict[str, list[DietaryTruth]] = _by("student", self.truth.dietary.values())
        self._seats: dict[str, list[EnrolmentTruth]] = _by("class_key", self.truth.enrolments.values())
        self._lessons: dict[str, list[TeachingTruth]] = _by("class_key", self.truth.teaching.values())
        self._null = [tuple(path.split("/", 1)) for path in profile.null]
        self._null += [field for scope in withheld for field in FIELDS.get(scope, ())]

    def of(self, path: str, asked: frozenset[str]) -> list[Json]:
        """Return the rows of a list with the includes that were asked for."""
        make: Mapping[str, Callable[[frozenset[str]], list[Json]]] = {
            "students": self._students,
            "students-leaver": lambda _: self._leavers(),
            "contacts": self._contacts,
            "employees": self._employees,
            "classes": self._classes,
            "groups": self._groups,
            "attendance/session": lambda _: self._marks(),
            "attendance-codes": lambda _: self.codes(own=self.profile.own_codes),
            "deletions": lambda _: self._deletions(),
        }
        rows = make[path](asked)
        for row in rows:
            for kind, field in self._null:
                if kind == path:
                    _blank(row, field.split("."))
        return [self._dressed(row) for row in rows]

    # Students

    def _students(self, asked: frozenset[str]) -> list[Json]:
        rows = [self._student(one) | self._included_in_student(one, asked) for one in self._on_roll.values()]
        if "bad-row" in self.faults:
            rows[0]["date_of_birth"] = {"date": "the 3rd of May", "timezone_type": 3, "timezone": "Europe/London"}
        if "nameless-row" in self.faults:
            rows[0]["id"] = None
        if "new-id" in self.faults:  # came back: another id, the same upi
            rows[0]["id"] = f"{rows[0]['id']}2"
        if "leaving-dates" in self.faults and "education_details" in asked:
            for row, date in zip(rows, (self.truth.date.replace(month=1), datetime.date(2031, 7, 20)), strict=False):
                row["education_details"]["data"]["leaving_date"] = self._day(date)
        return rows

    def _leavers(self) -> list[Json]:
        gone = [one for one in self.truth.students.values() if one.left_on is not None]
        return [self._student(one) | {"education_details": {"data": self._education(one)}} for one in gone]

    def _deletions(self) -> list[Json]:
        """Return who was on roll on night 1 and is not any more."""
        gone = self.school.at(1).students.keys() - self._on_roll.keys()
        refs = [one.ref for one in self.school.at(1).students.values() if one.key in gone]
        when: Json = {"deleted_at": _STAMP, "restored_at": None}
        return [{"type": "student", "id": wonde_id(ref), "mis_id": ref} | when for ref in refs]

    def _student(self, one: StudentTruth) -> Json:
        called = one.preferred_name or one.given_name
        return self._person(one.key, wonde_id(one.ref), one.ref, called, one.family_name) | {
            "legal_forename": one.given_name,
            "legal_surname": one.family_name,
            "gender": "FEMALE" if one.ref[-1] in "13579" else "Male",
            "date_of_birth": self._day(one.date_of_birth),
        }

    def _education(self, one: StudentTruth) -> Json:
        return {
            "admission_number": one.ref.zfill(6),
            "upn": one.upn or None,
            "local_upn": None,
            "current_nc_year": self.profile.years.get(one.year, one.year.rpartition(" ")[2]),
            "part_time": False,
            "leaving_date": self._day(one.left_on),
        }

    def _included_in_student(self, one: StudentTruth, asked: frozenset[str]) -> Json:
        needs = ", ".join(need.need for need in self._needs.get(one.key, ()))
        extended = {"dietary_needs": needs or None, "sen_status": None, "free_school_meals": False}
        whole: Mapping[str, Callable[[], Any]] = {
            "education_details": lambda: {"data": self._education(one)},
            "contact_details": lambda: _reach(one.email, phone="", own="email"),
            "extended_details": lambda: {"data": extended},
            "year": lambda: self._to_one(self._year(one.year)),
            "registration": lambda: self._to_one(self._registration(one)),
            "house": lambda: self._to_one(None),
            "photo": lambda: {"data": {"id": f"P{one.ref}", "hash": _hash(one.key), "content": _PHOTO}},
        }
        row = {name: part() for name, part in whole.items() if name in asked}
        if any(name.partition(".")[0] == "medical_conditions" for name in asked):
            row["medical_conditions"] = self._conditions(one, notes="medical_conditions.notes" in asked)
        return row

    def _year(self, label: str) -> Json:
        return _group(wonde_id(f"Y{self.school.year_labels.index(label)}"), label, label, "YEAR")

    def _registration(self, one: StudentTruth) -> Json | None:
        form = self.truth.classes.get(one.form)
        if form is None:
            return None
        other = "R" if "other-group-ids" in self.faults else ""
        return _group(f"{other}{self._id(form.ref)}", form.ref, form.name, "REGISTRATION")

    def _conditions(self, one: StudentTruth, *, notes: bool) -> Json:
        rows = []
        for note in self._notes.get(one.key, ()):
            row: Json = {"id": f"{wonde_id(one.ref)}{note.ref}", "mis_id": note.ref, "description": note.condition}
            said = [{"id": f"AN{note.ref}", "text": note.details}] if note.details else []
            rows.append(row | ({"notes": {"data": said}} if notes else {}))
        return {"data": rows}

    # Contacts and staff

    def _contacts(self, asked: frozenset[str]) -> list[Json]:
        rows = [self._contact(self.truth.guardians[key], ties, asked) for key, ties in self._ties.items()]
        if "bad-contact" in self.faults:
            rows[0]["surname"] = ["no", "text"]
        if "nameless-contact" in self.faults:
            rows[0]["id"] = None
        if "bad-tie" in self.faults and "students" in asked:
            rows[0]["students"]["data"][0]["relationship"]["priority"] = "first"
        if "silent-contact" in self.faults and "students" in asked:
            rows[0]["students"] = {"data": None}
        return rows

    def _contact(self, one: GuardianTruth, ties: list[TieTruth], asked: frozenset[str]) -> Json:
        row = self._adult(one.key, one.ref, one)
        if "contact_details" in asked:
            row["contact_details"] = _reach(one.email, phone=one.phone, own="home")
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
            "court_order": tie.restricted,
        }
        return self._student(self._on_roll[tie.student]) | {"relationship": relationship}

    def _employees(self, asked: frozenset[str]) -> list[Json]:
        here = [one for one in self.truth.staff.values() if one.left_on is None]
        rows = [self._employee(one, asked) for one in here]
        if "employment_details" in asked:
            told = [row["employment_details"]["data"] for row in rows]
            if "gone-staff" in self.faults:
                told[0]["current"] = False
            if "ended-staff" in self.faults:  # the first has left, the second has another contract by now
                told[0] |= {"current": False, "employment_end_date": self._day(self.truth.date.replace(month=8))}
                told[1] |= {"current": True, "employment_end_date": self._day(self.truth.date.replace(month=8))}
        return rows

    def _employee(self, one: StaffTruth, asked: frozenset[str]) -> Json:
        row = self._adult(one.key, one.ref, one)
        if "contact_details" in asked:
            row["contact_details"] = _reach(one.email, phone=one.phone, own="work")
        if "employment_details" in asked:
            teaches = one.post.startswith("Teacher")
            told = {"teaching_staff": teaches, "current": True, "role_text": one.post, "employment_end_date": None}
            row["employment_details"] = {"data": told}
        return row

    # Classes

    def _classes(self, asked: frozenset[str]) -> list[Json]:
        rows = [self._class(one, asked) for one in self.truth.classes.values() if one.subject]
        if "nameless-seat" in self.faults and "students" in asked:
            rows[0]["students"]["data"][0]["id"] = None
        return rows

    def _class(self, one: ClassTruth, asked: frozenset[str]) -> Json:
        subject = f"A{_hash(one.subject)[:9]}"
        row: Json = {
            "id": self._id(one.ref),
            "mis_id": one.ref,
            "name": one.name,
            "code": None,
            "description": one.name,
            "subject": {"data": {"id": subject, "name": one.subject}} if "subject" in asked else subject,
            "academic_year": None,
            "year_group": None,
            "updated_at": _STAMP,
        }
        return row | self._members(one, asked)

    def _groups(self, asked: frozenset[str]) -> list[Json]:
        forms = [one for one in self.truth.classes.values() if not one.subject]
        rows = [
            _group(self._id(one.ref), one.ref, one.name, "REGISTRATION") | self._members(one, asked) for one in forms
        ]
        if "lost-group" in self.faults:
            del rows[-1]
        if "silent-group" in self.faults and "students" in asked:
            rows[0]["students"] = {"data": None}
        empty: Json = {name: {"data": []} for name in asked}
        return rows + [self._year(label) | empty for label in self.school.year_labels]

    def _members(self, one: ClassTruth, asked: frozenset[str]) -> Json:
        whole = {"students": self._seated, "employees": self._teachers}
        return {name: {"data": rows(one)} for name, rows in whole.items() if name in asked}

    def _seated(self, one: ClassTruth) -> list[Json]:
        seats = self._seats.get(one.key, ())
        return [self._student(self._on_roll[seat.student]) for seat in seats if seat.student in self._on_roll]

    def _teachers(self, one: ClassTruth) -> list[Json]:
        staff = [
            self._employee(self.truth.staff[lesson.staff], frozenset()) for lesson in self._lessons.get(one.key, ())
        ]
        return [row | {"meta": {"is_main_teacher": True}} for row in staff]

    # Attendance

    def _marks(self) -> list[Json]:
        """Return the marks of the last days; who has none has no row."""
        days = [self._today() - datetime.timedelta(days=back) for back in range(DAYS)]
        rows = [
            self._mark(ref, mark, day, session)
            for day in reversed(days)
            for session in SESSIONS
            for ref, mark in register(self.school, day, session).items()
            if mark.meaning != "not_taken"
        ]
        if "bad-mark" in self.faults:
            rows[-1]["session"] = "LUNCH"
        if "nobodys-mark" in self.faults:
            rows[-1]["student"] = None
        return rows

    def _mark(self, ref: str, mark: WorldMark, day: datetime.date, session: Half) -> Json:
        code = f"present-{session}" if mark.meaning == "present" else mark.meaning
        taken = {"am": "09:05:00", "pm": "13:15:00"}[session]
        return {
            "id": f"A{_hash(f'{ref}/{day}/{session}')[:12]}",
            "date": self._day(day),
            "session": session.upper(),
            "student": wonde_id(ref),
            "employee": None,
            "attendance_code": self._code_id(code, own=self.profile.own_codes),
            "comment": None,
            "minutes_late": None if mark.minutes_late is None else str(mark.minutes_late),
            "updated_at": {"date": f"{day} {taken}.000000", "timezone_type": 3, "timezone": "UTC"},
        }

    def codes(self, *, own: bool) -> list[Json]:
        """Return the attendance codes, a school's own or those of all schools."""
        table = _OWN_CODES if own else _CODES
        return [
            {
                "id": self._code_id(name, own=own),
                "code": code,
                "description": name.replace("-", " "),
                "type": None if "untyped-codes" in self.faults else kind,
            }
            for name, (code, kind) in table.items()
            if not (name == "excused" and "lost-code" in self.faults)
        ]

    def _code_id(self, name: str, *, own: bool) -> str:
        return f"A{_hash(f'{name}/{own}')[:10]}"

    # Parts of rows

    def _id(self, ref: str) -> str:
        """Return the identifier of anybody but a student; a change of the MIS gives all of them new ones."""
        return wonde_id(f"9{ref}" if "migrated" in self.faults else ref)

    def _adult(self, key: str, ref: str, one: GuardianTruth | StaffTruth) -> Json:
        return self._person(key, self._id(ref), ref, one.given_name, one.family_name) | {"title": one.title or None}

    def _person(self, key: str, id_: str, ref: str, forename: str, surname: str) -> Json:
        return {
            "id": id_,
            "upi": _hash(f"{self.school.slug}/{key}"),  # the same for a parent who is staff as well
            "mis_id": ref,
            "title": None,
            "surname": surname,
            "forename": forename,
            "middle_names": None,
            "restored_at": None,
            "created_at": _STAMP,
            "updated_at": _STAMP,
        }

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


_STAMP: Final = {"date": "2026-09-05 17:31:03.000000", "timezone_type": 3, "timezone": "UTC"}


def _by(field: str, items: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(getattr(item, field), []).append(item)
    return found


def _blank(part: Any, path: list[str]) -> None:
    """Make null what lies at the end of a path; * is every row of a list."""
    name, rest = path[0], path[1:]
    if name == "*" and isinstance(part, list):
        for row in part:
            _blank(row, rest)
    elif isinstance(part, dict) and name in part:
        if rest:
            _blank(part[name], rest)
        else:
            part[name] = None


def _reach(email: str, *, phone: str, own: str) -> Json:
    emails = dict.fromkeys(("primary", "home", "work")) | {own: email or None, "email": email or None}
    phones = {"phone": phone or None, "primary": None, "home": None, "work": None, "mobile": phone or None}
    return {"data": {"phones": phones, "emails": emails, "addresses": {}, "salutation": None}}


def _group(id_: str, ref: str, name: str, kind: str) -> Json:
    told = {"id": id_, "mis_id": ref, "name": name, "code": name, "type": kind, "updated_at": _STAMP}
    return told | {"description": name, "notes": None, "division": None, "restored_at": None}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
