"""One night of the demo world as the collections of a OneRoster service, 1.1 or 1.2."""

import collections
import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

from local.world.model import (
    DietaryTruth,
    GuardianTruth,
    MedicalTruth,
    Night,
    SchoolWorld,
    StaffTruth,
    StudentTruth,
    TieTruth,
)

Row = dict[str, Any]
Rows = dict[str, list[Row]]
Hanging = TypeVar("Hanging", TieTruth, MedicalTruth, DietaryTruth)

YEAR: Final = "SE-2027"
TERMS: Final = {
    "SE-autumn": ("2026-09-01", "2026-12-18"),
    "SE-spring": ("2027-01-05", "2027-03-26"),
    "SE-summer": ("2027-04-13", "2027-07-20"),
}
_FAMILY_ROLES: Final = {"Mother": "parent", "Father": "parent", "Parent": "parent", "Grandmother": "relative"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a service writes.

    `blank` is how nothing is said ("empty", "null", "omit"), `agents` on whose rows families are joined ("both",
    "student", "guardian", "none"), `gone` the status of who is gone; `neighbour` adds a second school.
    """

    version: str = "1.1"
    blank: str = "empty"
    agents: str = "both"
    gone: str = "tobedeleted"
    longest_name: int | None = None
    guardians: bool = True
    neighbour: bool = False


def grade(year: str) -> str:
    """Return the code of OneRoster (CEDS) for a year label of the world."""
    number = year.rpartition(" ")[2]
    return f"{int(number):02d}" if number.isdecimal() else "KG"


def years_setting(school: SchoolWorld) -> str:
    """Return the setting with which a connector calls the years as the school does."""
    return ", ".join(f"{grade(label)}={label}" for label in school.year_labels)


def school_ref(school: SchoolWorld) -> str:
    """Return the sourcedId of the school's org."""
    return f"SC-{school.slug}"


def collections_of(school: SchoolWorld, night: int, dialect: Dialect) -> Rows:
    """Return all collections, each in the order of its identities; references have relative addresses."""
    desk = _Desk(school.at(night), school_ref(school), dialect)
    rows = {
        "orgs": list(desk.orgs()),
        "academicSessions": list(desk.sessions()),
        "courses": list(desk.courses()),
        "users": list(desk.users()),
        "classes": list(desk.classes()),
        "enrollments": list(desk.enrollments()),
        "demographics": list(desk.demographics()),
    }
    for collection in rows.values():
        collection.sort(key=lambda row: str(row["sourcedId"]))
    return rows


class _Desk:
    """Writes the rows of one night."""

    def __init__(self, night: Night, school: str, dialect: Dialect) -> None:
        self.night, self.school, self.dialect = night, school, dialect
        self._ties_of = _grouped(night.ties.values(), "student")
        self._children_of = _grouped(night.ties.values(), "guardian")
        self._medical = _grouped(night.medical.values(), "student")
        self._dietary = _grouped(night.dietary.values(), "student")
        # In 1.2 one human is one row with several roles; in 1.1 each role has a row of its own.
        here = {one.key for one in night.staff.values() if not one.left_on}
        shown = dialect.guardians and dialect.version == "1.2"
        self._two_roles = here & night.guardians.keys() if shown else set()

    def _row(self, ref: str, **fields: Any) -> Row:
        said = {name: value for name, value in fields.items() if value != "" or self.dialect.blank != "omit"}
        if self.dialect.blank == "null":
            said = {name: None if value == "" else value for name, value in said.items()}
        status = said.pop("status", "active")
        return {"sourcedId": ref, "status": status, "dateLastModified": "2026-11-09T02:00:00.000Z", **said}

    def orgs(self) -> Iterator[Row]:
        """The district, its schools, and a part of ours."""
        yield self._row("DI-1", name="The district", type="district")
        for ref in [self.school, *(["SC-neighbour"] if self.dialect.neighbour else [])]:
            yield self._row(ref, name=ref, type="school", parent=_ref("DI-1", "org"))
        yield self._row("DP-1", name="Sixth form", type="department", parent=_ref(self.school, "org"))

    def sessions(self) -> Iterator[Row]:
        """A school year of three terms."""
        yield self._row(
            YEAR, title="2026/27", type="schoolYear", startDate="2026-09-01", endDate="2027-07-20", schoolYear="2027"
        )
        for ref, (begin, end) in TERMS.items():
            about = {"title": ref, "type": "term", "startDate": begin, "endDate": end, "schoolYear": "2027"}
            yield self._row(ref, parent=_ref(YEAR, "academicSession"), **about)

    def courses(self) -> Iterator[Row]:
        """One for each subject, and one for registration."""
        for title in sorted({one.subject or "Registration" for one in self.night.classes.values()}):
            yield self._row(f"CO-{title}", title=title, courseCode=title, org=_ref(self.school, "org"))

    def users(self) -> Iterator[Row]:
        """Students, guardians and staff."""
        for student in self.night.students.values():
            yield self._student(student)
        for guardian in self.night.guardians.values() if self.dialect.guardians else ():
            if guardian.key not in self._two_roles:
                yield self._guardian(guardian)
        for member in self.night.staff.values():
            yield self._member(member)
        if self.dialect.neighbour:
            common = {"givenName": "Nia", "familyName": "Next", "email": ""}
            yield self._user("ST-next", ["student"], org="SC-neighbour", agents=["CT-next"], grades=["07"], **common)
            yield self._user("CT-next", ["parent"], org="SC-neighbour", agents=["ST-next"], **common)
            yield self._user("TC-next", ["teacher"], org="SC-neighbour", agents=[], **common)

    def _user(self, ref: str, roles: list[str], *, org: str, agents: list[str], **fields: Any) -> Row:
        at = _ref(org, "org")
        if self.dialect.version == "1.2":
            types = ["primary", *["secondary"] * (len(roles) - 1)]
            places = [{"roleType": kind, "role": role, "org": at} for kind, role in zip(types, roles, strict=True)]
            placed = {"roles": places, "primaryOrg": at, "userProfiles": []}
        else:
            placed = {"role": roles[0], "orgs": [at]}
        return self._row(ref, **placed, agents=[_ref(agent, "user") for agent in agents], **fields)

    def _person(self, ref: str, roles: list[str], one: StudentTruth | GuardianTruth | StaffTruth, **more: Any) -> Row:
        return self._user(
            ref,
            roles,
            org=self.school,
            username=ref.lower(),
            password="not to be kept",  # noqa: S106 some services send one
            enabledUser="false" if ref.startswith("CT-") else "true",
            givenName=one.given_name[: self.dialect.longest_name],
            familyName=one.family_name[: self.dialect.longest_name],
            identifier=one.ref,
            email=one.email,
            **more,
        )

    def _student(self, one: StudentTruth) -> Row:
        metadata: Row = {
            "student_number": one.ref,
            "preferred_name": one.preferred_name,
            "upn": one.upn,
            "dietary": [need.need for need in self._dietary[one.key]],
            "gg4l.primary_school": self.school,
            "gg4l.primaryGrade": grade(one.year),
        }
        named = [self._guardian_ref(tie.guardian) for tie in self._ties_of[one.key]] if self.dialect.guardians else []
        new = {"preferredFirstName": metadata.pop("preferred_name")} if self.dialect.version == "1.2" else {}
        return self._person(
            f"ST-{one.ref}",
            ["student"],
            one,
            status=self.dialect.gone if one.left_on else "active",
            grades=[grade(one.year)],
            agents=named if self.dialect.agents in {"both", "student"} else [],
            metadata=metadata,
            **new,
        )

    def _guardian_ref(self, key: str) -> str:
        return f"TC-{self.night.staff[key].ref}" if key in self._two_roles else f"CT-{self.night.guardians[key].ref}"

    def _family(self, key: str) -> tuple[str, str, list[str]]:
        """What a guardian is called, in which role, and of whom."""
        ties = self._children_of[key]
        labels = {tie.relationship for tie in ties}
        label = labels.pop() if len(labels) == 1 else ""
        named = [f"ST-{self.night.students[tie.student].ref}" for tie in ties]
        return label, _FAMILY_ROLES.get(label, "guardian"), named if self.dialect.agents in {"both", "guardian"} else []

    def _guardian(self, one: GuardianTruth) -> Row:
        label, role, named = self._family(one.key)
        metadata = {"title": one.title, "relationship": label, "gg4l.preferred_contact_method": "email"}
        return self._person(f"CT-{one.ref}", [role], one, sms=one.phone, agents=named, metadata=metadata)

    def _member(self, one: StaffTruth) -> Row:
        label, role, named = self._family(one.key) if one.key in self._two_roles else ("", "", [])
        post = "teacher" if one.post.startswith("Teacher") else self._clerical
        return self._person(
            f"TC-{one.ref}",
            [post, *([role] if role else [])],
            one,
            status=self.dialect.gone if one.left_on else "active",
            phone=one.phone,
            agents=named,
            metadata={"title": one.title, **({"relationship": label} if label else {})},
        )

    @property
    def _clerical(self) -> str:
        return "siteAdministrator" if self.dialect.version == "1.2" else "administrator"

    def classes(self) -> Iterator[Row]:
        """Forms and teaching classes, all of the whole year."""
        for one in self.night.classes.values():
            yield self._row(
                f"CL-{one.ref}",
                title=one.name,
                classType="scheduled" if one.subject else "homeroom",
                grades=[grade(one.year)],
                subjects=[one.subject] if one.subject else [],
                course=_ref(f"CO-{one.subject or 'Registration'}", "course"),
                school=_ref(self.school, "org"),
                terms=[_ref(term, "academicSession") for term in TERMS],
            )
        if self.dialect.neighbour:
            yield self._row("CL-next", title="Next", classType="homeroom", school=_ref("SC-neighbour", "org"))

    def enrollments(self) -> Iterator[Row]:
        """Who sits where and who teaches; and a few that say neither, or not now."""
        night = self.night
        seats = [(e.class_key, "student", f"ST-{night.students[e.student].ref}") for e in night.enrolments.values()]
        posts = [(t.class_key, "teacher", f"TC-{night.staff[t.staff].ref}") for t in night.teaching.values()]
        refs = {key: f"CL-{one.ref}" for key, one in night.classes.items()}
        whole = {"beginDate": "2026-09-01", "endDate": "2027-07-20"}
        for class_key, role, user in [*seats, *posts]:
            yield self._enrollment(refs[class_key], role, user, **whole)
        class_key, _, _ = seats[0]
        there = {user for key, _, user in seats if key == class_key}
        strangers = list(dict.fromkeys(user for _, _, user in seats if user not in there))
        yield self._enrollment(refs[class_key], "student", strangers[0], "-last-year", endDate="2025-07-20")
        yield self._enrollment(refs[class_key], "student", strangers[1], "-gone", status=self.dialect.gone)
        yield self._enrollment(refs[class_key], "proctor", strangers[2], "-proctor")
        yield self._enrollment(refs[class_key], "student", strangers[3], "-to-come", beginDate="2099-09-01")
        if self.dialect.neighbour:
            yield self._enrollment("CL-next", "student", "ST-next")
            yield self._enrollment("CL-next", "teacher", "TC-next")

    def _enrollment(self, class_ref: str, role: str, user: str, suffix: str = "", **fields: Any) -> Row:
        return self._row(
            f"EN-{class_ref}-{user}{suffix}",
            **{"class": _ref(class_ref, "class")},
            user=_ref(user, "user"),
            school=_ref(self.school, "org"),
            role=role,
            **fields,
        )

    def demographics(self) -> Iterator[Row]:
        """Birth dates; this district keeps medical notes here too."""
        for one in self.night.students.values():
            notes = [": ".join(filter(None, (note.condition, note.details))) for note in self._medical[one.key]]
            born = one.date_of_birth.isoformat()
            yield self._row(f"ST-{one.ref}", birthDate=born, sex="female", metadata={"medical": notes})


def _grouped(records: Iterable[Hanging], by: str) -> collections.defaultdict[str, list[Hanging]]:
    found: collections.defaultdict[str, list[Hanging]] = collections.defaultdict(list)
    for record in records:
        found[getattr(record, by)].append(record)
    return found


def _ref(ref: str, kind: str) -> Row:
    return {"href": f"/{kind}s/{ref}", "sourcedId": ref, "type": kind}
