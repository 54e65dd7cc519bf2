"""What a OneRoster service can say of one night of the world, as records; shared by the tests of two connectors."""

from typing import Any

from local.simulators.registry import METADATA as METADATA
from local.world.model import GuardianTruth, Night, StaffTruth
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Class, Enrolment, Guardian, Kind, Staff, Student, Teaching, Tie


def said_of(night: Night, *, longest: int | None = None, version: str = "1.1") -> dict[Kind, set[Any]]:
    """Return each kind's records. In 1.2 a parent who works at the school is one row, so the row of the staff counts.

    What the world knows and OneRoster cannot say: priority, parental responsibility and restriction of a tie; the day
    somebody left (they are `tobedeleted`, so they are not there); references and details of notes (see `notes_of`).
    """
    students = {s.key: f"ST-{s.ref}" for s in night.students.values() if not s.left_on}
    staff = {s.key: f"TC-{s.ref}" for s in night.staff.values() if not s.left_on}
    both = staff.keys() & night.guardians.keys() if version == "1.2" else set()
    guardians = {g.key: staff[g.key] if g.key in both else f"CT-{g.ref}" for g in night.guardians.values()}
    classes = {c.key: f"CL-{c.ref}" for c in night.classes.values()}
    return {
        Kind.STUDENTS: {
            Student(
                ref=students[s.key],
                given_name=s.given_name[:longest],
                family_name=s.family_name[:longest],
                preferred_name=s.preferred_name,
                date_of_birth=s.date_of_birth,
                email=s.email,
                year=s.year,
                form=s.form,
                upn=s.upn,
            )
            for s in night.students.values()
            if s.key in students
        },
        Kind.GUARDIANS: {
            Guardian(**_adult(night.staff[key] if key in both else g, ref=guardians[key], longest=longest))
            for key, g in night.guardians.items()
        },
        Kind.STAFF: {
            Staff(**_adult(s, ref=staff[s.key], longest=longest)) for s in night.staff.values() if s.key in staff
        },
        Kind.CLASSES: {
            Class(ref=classes[c.key], name=c.name, year=c.year, subject=c.subject) for c in night.classes.values()
        },
        Kind.TIES: {
            Tie(
                student_ref=students[t.student],
                guardian_ref=guardians[t.guardian],
                relationship=t.relationship,
                priority=NOT_SHARED,
                parental_responsibility=NOT_SHARED,
                restricted=NOT_SHARED,
            )
            for t in night.ties.values()
            if t.student in students
        },
        Kind.ENROLMENTS: {
            Enrolment(class_ref=classes[e.class_key], student_ref=students[e.student])
            for e in night.enrolments.values()
            if e.student in students
        },
        Kind.TEACHING: {
            Teaching(class_ref=classes[t.class_key], staff_ref=staff[t.staff]) for t in night.teaching.values()
        },
    }


def notes_of(night: Night) -> dict[Kind, set[tuple[str, str]]]:
    """Return medical and dietary notes as (student, words); their own references are not OneRoster's."""
    here = {s.key: f"ST-{s.ref}" for s in night.students.values() if not s.left_on}
    return {
        Kind.MEDICAL: {
            (here[m.student], ": ".join(filter(None, (m.condition, m.details))))
            for m in night.medical.values()
            if m.student in here
        },
        Kind.DIETARY: {(here[d.student], d.need) for d in night.dietary.values() if d.student in here},
    }


def notes_in(roster: Roster) -> dict[Kind, set[tuple[str, str]]]:
    parts = {note: (note.condition, note.details) for note in roster.medical.values()}
    return {
        Kind.MEDICAL: {
            (note.student_ref, "\n".join(part for part in said if isinstance(part, str) and part))
            for note, said in parts.items()
        },
        Kind.DIETARY: {(need.student_ref, need.need) for need in roster.dietary.values()},
    }


def _adult(one: GuardianTruth | StaffTruth, *, ref: str, longest: int | None) -> dict[str, Any]:
    names = {"given_name": one.given_name[:longest], "family_name": one.family_name[:longest]}
    return {"ref": ref, **names, "title": one.title, "email": one.email, "phone": one.phone}
