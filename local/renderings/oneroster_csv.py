"""One night of the demo world as a OneRoster package (1.0, 1.1 or 1.2), as partners drop it: a zip of CSV files."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from local.world.model import GuardianTruth, Night, StudentTruth

Rows = list[tuple[str, ...]]

SCHOOL: Final = "SC-1"
NEIGHBOUR: Final = "SC-2"
_CHANGED: Final = "2026-11-09T02:00:00.000Z"
_USERS: Final = (
    "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,"
    "identifier,email,sms,phone,agentSourcedIds,grades,password"
)
_USERS_1P2: Final = (
    "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,"
    "phone,agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
    "preferredFamilyName,primaryOrgSourcedId,pronouns"
)
_HEADERS: Final = {
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate",
    "demographics": "sourcedId,status,dateLastModified,birthDate,sex",
    "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,"
    "userProfileSourcedId",
}


def write(
    night: Night,
    path: Path,
    *,
    version: str = "1.1",
    delta: Iterable[str] = (),
    folder: str = "",
    neighbour: bool = False,
    agents: str = "both",
) -> Path:
    """Write the package of a night.

    The files named in `delta` are marked so in the manifest, with a status in every row. `folder` is where a careless
    partner puts the files within the zip, `agents` on whose rows families are joined: "both", "student", "guardian".
    """
    changed = frozenset(delta)
    tables = tables_of(night, version=version, neighbour=neighbour, agents=agents)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        if version != "1.0":
            package.writestr(f"{folder}manifest.csv", _text(_manifest(tables, version, changed)))
        for name, table in tables.items():
            stamp = ("active", _CHANGED) if name in changed else ("", "")
            rows = [table[0], *((row[0], *stamp, *row[1:]) for row in table[1:])]
            package.writestr(f"{folder}{name}.csv", _text(rows))
    return path


def tables_of(night: Night, *, version: str, neighbour: bool = False, agents: str = "both") -> dict[str, Rows]:
    """Return each file: its header, then its rows without status and dateLastModified."""
    people = _people(night, agents=agents)
    if neighbour:
        people.append(("ST-next", "student", NEIGHBOUR, "Nia", "Next", "", "", "", "", "07"))
    orgs: Rows = [("DI-1", "The district", "district", "", ""), (SCHOOL, "The school", "school", "", "DI-1")]
    orgs += [(NEIGHBOUR, "Next door", "school", "", "DI-1")] if neighbour else []
    rows: dict[str, Rows] = {
        "orgs": orgs,
        "users": [_user(one, version=version) for one in people],
        "classes": [
            (f"CL-{c.ref}", c.name, c.year, "CO-1", "", "scheduled" if c.subject else "homeroom", "", SCHOOL, "T1",
             c.subject, "", "")
            for c in night.classes.values()
        ],
        "enrollments": _seats(night),
        "demographics": [(f"ST-{s.ref}", s.date_of_birth.isoformat(), "") for s in _here(night)],
    }  # fmt: skip
    if version == "1.2":
        rows["roles"] = [(f"RO-{p[0]}", p[0], "primary", p[1], "", "", p[2], "") for p in people]
    headers = {**_HEADERS, "users": _USERS_1P2 if version == "1.2" else _USERS}
    return {name: [tuple(headers[name].split(",")), *rows[name]] for name in rows}


def _here(night: Night) -> list[StudentTruth]:
    return [student for student in night.students.values() if not student.left_on]


def _people(night: Night, *, agents: str) -> list[tuple[str, ...]]:
    """(ref, role, org, given, family, email, sms, phone, agents, grade) of everybody who is there."""
    found: list[tuple[str, ...]] = []
    for s in _here(night):
        tied = ",".join(f"CT-{night.guardians[tie.guardian].ref}" for tie in night.ties_of(s.key))
        named = tied if agents != "guardian" else ""
        found.append((f"ST-{s.ref}", "student", SCHOOL, s.given_name, s.family_name, s.email, "", "", named, s.year))
    found += [_guardian(night, one, agents=agents) for one in night.guardians.values()]
    for t in night.staff.values():
        if not t.left_on:
            role = "teacher" if t.post.startswith("Teacher") else "administrator"
            found.append((f"TC-{t.ref}", role, SCHOOL, t.given_name, t.family_name, t.email, "", t.phone, "", ""))
    return found


def _guardian(night: Night, one: GuardianTruth, *, agents: str) -> tuple[str, ...]:
    children = [child for child in night.children_of(one.key) if not child.left_on]
    tied = ",".join(f"ST-{child.ref}" for child in children) if agents != "student" else ""
    return (f"CT-{one.ref}", "parent", SCHOOL, one.given_name, one.family_name, one.email, one.phone, "", tied, "")


def _user(one: tuple[str, ...], *, version: str) -> tuple[str, ...]:
    ref, role, org, given, family, email, sms, phone, agents, grade = one
    names = ("", given, family, "", "", email, sms, phone, agents, grade, "not to be kept")
    if version == "1.2":
        return (ref, "true", ref.lower(), *names, "", "", "", "", org, "")
    return (ref, "true", org, role, ref.lower(), *names)


def _seats(night: Night) -> Rows:
    here = {student.key for student in _here(night)}
    seats = [
        (f"CL-{night.classes[e.class_key].ref}", "student", f"ST-{night.students[e.student].ref}")
        for e in night.enrolments.values()
        if e.student in here
    ]
    seats += [
        (f"CL-{night.classes[t.class_key].ref}", "teacher", f"TC-{night.staff[t.staff].ref}")
        for t in night.teaching.values()
    ]
    return [(f"EN-{of}-{who}", of, SCHOOL, who, role, "", "", "") for of, role, who in seats]


def _manifest(tables: Mapping[str, Rows], version: str, delta: frozenset[str]) -> Rows:
    rows: Rows = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version)]
    rows += [(f"file.{name}", "delta" if name in delta else "bulk") for name in tables]
    return [*rows, ("file.results", "absent"), ("file.categories", "")]


def _text(rows: Iterable[tuple[str, ...]]) -> str:
    page = io.StringIO(newline="")
    csv.writer(page, lineterminator="\r\n").writerows(rows)
    return page.getvalue()
