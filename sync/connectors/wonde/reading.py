"""From Wonde's rows to the fields of our records: each a value, None (null) or UNSET (Wonde did not say)."""

import datetime
from typing import Any, Final

from msgspec import UNSET, UnsetType

from sync.connectors.wonde import wire
from sync.connectors.wonde.sheets import Fields
from sync.connectors.wonde.wire import inside, text

_PHONES: Final = ("phone", "primary", "mobile", "home", "work")
_EMAILS: Final = ("email", "primary", "home", "work")
_WORDS: Final = ("description", "name", "title")
_NOTE_WORDS: Final = ("text", "content", "note", "description", "summary", "title")

Said = str | UnsetType | None


def student(row: wire.StudentRow) -> Fields:
    """Draft a student. Wonde lists who is on roll: a leaving date there is planned or left over, so it is not read.

    Raises:
        RowError: the birthday is no date.
    """
    education, reach = inside(row.education_details), inside(row.contact_details)
    given, called = text(row.legal_forename) or text(row.forename), text(row.forename)
    return {
        "ref": text(row.id),
        "given_name": given,
        "family_name": text(row.surname) or text(row.legal_surname),
        "preferred_name": _preferred(row.legal_forename, given=given, called=called),
        "date_of_birth": wire.day(row.date_of_birth, field="date_of_birth"),
        "email": wire.first_text(_part(reach, "emails"), "email", "primary"),
        "year": _label(row.year),
        "national_year": text(_part(education, "current_nc_year")),
        "form": _label(row.registration),
        "upn": text(_part(education, "upn")),
    }


def form(row: wire.StudentRow) -> tuple[str, str]:
    """Return identifier and name of a student's registration group, both "" if there is none."""
    label = _label(row.registration)
    return wire.ref_of(row.registration), label if isinstance(label, str) else ""


def contact(row: wire.PersonRow) -> Fields:
    """Draft a guardian."""
    return {**_adult(row), "email": _email(row, *_EMAILS)}


def employee(row: wire.EmployeeRow, *, address: str) -> Fields | None:
    """Draft a member of staff, whose `address` of this name the school uses; None if they are not on the staff.

    Only somebody whom Wonde calls not current has left, and on the day that their employment ended. A date of somebody
    current is planned, or left over from another contract. Not current without a date: not yet, or no longer.

    Raises:
        RowError: `current` is neither yes nor no, or the end is no date.
    """
    employment = inside(row.employment_details)
    current = wire.flag(_part(employment, "current"), field="current")
    ended = wire.day(_part(employment, "employment_end_date"), field="employment_end_date")
    if current is False and not isinstance(ended, datetime.date):
        return None
    return {**_adult(row), "email": _email(row, address), **({"left_on": ended} if current is False else {})}


def class_(row: wire.ClassRow) -> Fields:
    """Draft a class."""
    return {"ref": text(row.id), "name": class_name(row), "subject": _label(row.subject)}


def group(row: wire.ClassRow, *, ref: str) -> Fields | None:
    """Draft a registration group, which has no subject; None for another group, should the filter not work.

    Where the type is not shared, it is believed that only registration groups came.
    """
    registration = (text(row.type) or "REGISTRATION").upper() == "REGISTRATION"
    return {"ref": ref, "name": class_name(row), "subject": ""} if registration else None


def tie(row: wire.ContactStudentRow, *, guardian: str) -> Fields:
    """Draft what a contact is to a student; without the relationship object nothing is known, least of all a no.

    Raises:
        RowError: a value is of another shape than we know.
    """
    told = row.relationship
    return {
        "student_ref": text(row.id),
        "guardian_ref": guardian,
        "relationship": text(_part(told, "relationship")),
        "priority": wire.count(_part(told, "priority"), field="priority"),
        "parental_responsibility": wire.flag(_part(told, "parental_responsibility"), field="parental_responsibility"),
        "restricted": wire.flag(_part(told, "court_order"), field="court_order"),
    }


def condition(row: wire.ConditionRow, *, student: str, notes: list[Any] | None) -> Fields:
    """Draft a medical note; `notes` are its rows, None if they did not come.

    Raises:
        RowError: a note is of another shape than we know.
    """
    said = wire.first_text(row, *_WORDS)
    return {"student_ref": student, "ref": text(row.id), "condition": said, "details": _details(notes)}


def dietary_text(row: wire.StudentRow) -> Said:
    """Return the dietary needs of a student in the MIS's own words: one text, never split."""
    return text(_part(inside(row.extended_details), "dietary_needs"))


def _details(notes: list[Any] | None) -> Said:
    if notes is None:
        return UNSET
    words = [wire.first_text(wire.read(wire.NoteRow, raw), *_NOTE_WORDS) for raw in notes]
    spoken = [word for word in words if isinstance(word, str) and word.strip()]
    if len(spoken) < len(words):
        return UNSET  # notes whose words we cannot find are not “no details”
    return "\n".join(spoken) if spoken else None


def class_name(row: wire.ClassRow) -> Said:
    """Return what a class or group is called."""
    return wire.first_text(row, "name", "code", "description")


def _adult(row: wire.PersonRow) -> Fields:
    phones = _part(inside(row.contact_details), "phones")
    return {
        "ref": text(row.id),
        "given_name": text(row.forename),
        "family_name": text(row.surname),
        "title": text(row.title),
        "phone": wire.first_text(phones, *_PHONES),
    }


def _email(row: wire.PersonRow, *names: str) -> Said:
    return wire.first_text(_part(inside(row.contact_details), "emails"), *names)


def _preferred(legal: wire.Scalar, *, given: Said, called: Said) -> Said:
    """Return a name to be called by, where it is another one than the legal one."""
    if legal is None or isinstance(legal, UnsetType):
        return legal
    return called if isinstance(called, str) and called != given else ""


def _label(relation: Any) -> Said:
    named = inside(relation)
    if not isinstance(named, wire.Named):
        return None if named is None else UNSET
    return wire.first_text(named, "name", "code", "description")


def _part(whole: Any, name: str) -> Any:
    """Return a part of a part; where the whole is not there, nobody said that the part is empty."""
    return getattr(whole, name) if isinstance(whole, wire.Wire) else UNSET
