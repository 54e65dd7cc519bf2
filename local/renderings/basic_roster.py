"""One night of the demo world as a Basic Roster, as GG4L and others lay it into a folder: six CSV files."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local.world.model import Night

SCHOOL: Final = "S1"
_COLUMNS: Final = {
    "schools": "School_id,School_name",
    "students": "School_id,Student_id,Student_number,State_id,Last_name,Middle_name,First_name,Grade,Gender,DOB,"
    "Student_email,Contact_relationship,Contact_type,Contact_name,Contact_phone,Contact_phone_type,Contact_email,"
    "Contact_sis_id,Username,Password",
    "teachers": "School_id,Teacher_id,Teacher_number,Last_name,First_name,Teacher_email,Title",
    "staff": "School_id,Staff_id,Staff_email,First_name,Last_name,Department,Title,Role",
    "sections": "School_id,Section_id,Teacher_id,Teacher_2_id,Name,Section_number,Grade,Course_name,Subject",
    "enrollments": "School_id,Section_id,Student_id",
}


def write(night: Night, folder: Path) -> None:
    """Write the files of a night. A student with several contacts has as many rows; dates are month/day/year."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "schools": iter([(SCHOOL, "The school")]),
        "students": _students(night),
        "teachers": _teachers(night),
        "staff": _staff(night),
        "sections": _sections(night),
        "enrollments": _enrollments(night),
    }
    for name, lines in rows.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as page:
            csv.writer(page).writerows([_COLUMNS[name].split(","), *lines])


def _students(night: Night) -> Iterator[tuple[str, ...]]:
    for s in night.students.values():
        if s.left_on:
            continue
        own = (SCHOOL, s.ref, "", s.upn, s.family_name, "", s.given_name, s.year, "", f"{s.date_of_birth:%m/%d/%Y}")
        ties = night.ties_of(s.key)
        for tie in ties:
            g = night.guardians[tie.guardian]
            contact = (tie.relationship, "family", f"{g.family_name}, {g.given_name}", g.phone, "cell", g.email, g.ref)
            yield (*own, s.email, *contact, "", "not to be kept")
        if not ties:
            yield (*own, s.email, *([""] * 7), "", "not to be kept")


def _teachers(night: Night) -> Iterator[tuple[str, ...]]:
    for t in night.staff.values():
        if not t.left_on and t.post.startswith("Teacher"):
            yield (SCHOOL, t.ref, "", t.family_name, t.given_name, t.email, t.title)


def _staff(night: Night) -> Iterator[tuple[str, ...]]:
    for t in night.staff.values():
        if not t.left_on and not t.post.startswith("Teacher"):
            yield (SCHOOL, t.ref, t.email, t.given_name, t.family_name, "Office", "", t.post)


def _sections(night: Night) -> Iterator[tuple[str, ...]]:
    for c in night.classes.values():
        taught = [night.staff[t.staff].ref for t in night.teaching.values() if t.class_key == c.key]
        first, second = (*taught, "", "")[:2]
        yield (SCHOOL, c.ref, first, second, c.name, "1", c.year, c.name, c.subject)


def _enrollments(night: Night) -> Iterator[tuple[str, ...]]:
    for e in night.enrolments.values():
        if not night.students[e.student].left_on:
            yield (SCHOOL, night.classes[e.class_key].ref, night.students[e.student].ref)
