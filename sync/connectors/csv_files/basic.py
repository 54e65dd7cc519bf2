"""The Basic Roster, which GG4L and others hand on: students with contacts, teachers, staff, sections, enrollments.

It holds active records only. A student with several contacts has as many rows, which agree in everything else.
"""

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from sync.connectors.csv_files.cells import CellError, day
from sync.connectors.csv_files.foreign import Line, Listing, Names, by_stem
from sync.connectors.csv_files.lists import TWICE
from sync.connectors.csv_files.table import Source
from sync.errors import Broken, Doubtful
from sync.records import (
    NOT_SHARED,
    Class,
    Complete,
    Day,
    Enrolment,
    Guardian,
    Kind,
    Remark,
    RosterRecord,
    Staff,
    Student,
    Teaching,
    Text,
    Tie,
    Unreadable,
)
from sync.spool import Spool

_SCHOOL: Final = {"school": ("school_id",)}
_TEACHERS: Final = {f"teacher_{number}": (f"teacher_{number}_id",) for number in range(2, 11)}
_COLUMNS: Final[dict[str, Names]] = {
    "schools": _SCHOOL,
    "students": {
        **_SCHOOL,
        "ref": ("student_id",),
        "given_name": ("first_name",),
        "family_name": ("last_name",),
        "born": ("dob",),
        "email": ("student_email",),
        "year": ("grade",),
        "upn": ("state_id",),
        "guardian": ("contact_sis_id",),
        "contact_name": ("contact_name",),
        "contact_email": ("contact_email",),
        "contact_phone": ("contact_phone",),
        "relationship": ("contact_relationship",),
    },
    "teachers": {
        **_SCHOOL,
        "ref": ("teacher_id",),
        "given_name": ("first_name",),
        "family_name": ("last_name",),
        "email": ("teacher_email",),
        "title": ("title",),
    },
    "staff": {
        **_SCHOOL,
        "ref": ("staff_id",),
        "given_name": ("first_name",),
        "family_name": ("last_name",),
        "email": ("staff_email",),
    },
    "sections": {
        **_SCHOOL,
        "ref": ("section_id",),
        "teacher_1": ("teacher_id",),
        **_TEACHERS,
        "name": ("name",),
        "number": ("section_number",),
        "course": ("course_name",),
        "year": ("grade",),
        "subject": ("subject",),
    },
    "enrollments": {**_SCHOOL, "class": ("section_id",), "student": ("student_id",)},
}
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "schools": ("school",),
    "students": ("ref", "given_name", "family_name"),
    "teachers": ("ref", "given_name", "family_name"),
    "staff": ("ref", "given_name", "family_name"),
    "sections": ("ref",),
    "enrollments": ("class", "student"),
}
_NAMELESS: Final = "{field} is blank: without it nobody can tell who or what this is."
_NO_SCHOOL: Final = "School_id is blank, so it cannot be told whether this is of our school."


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A student, guardian or member of staff; a text is None where its column is not there."""

    ref: str
    given_name: str
    family_name: str
    email: str | None = None
    phone: str | None = None
    title: str | None = None
    year: str | None = None
    upn: str | None = None
    born: str | None = None


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A row of sections.csv."""

    ref: str
    name: str
    year: str | None
    subject: str | None
    teachers: list[str]


class Pair(msgspec.Struct, frozen=True):
    """The two halves of a tie or of a seat in a class."""

    first: str
    second: str
    word: str | None = None


def roster(sources: Iterable[Source], *, school: str, order: str, room: contextlib.ExitStack) -> Iterator[RosterRecord]:
    """Yield what the files say; `school` is the School_id of ours, "" if there is only one.

    Raises:
        Broken: students.csv is not there, a file lacks a column, or a list is there twice.
        Doubtful: there are several schools and none is chosen, or no students.
    """
    yield Remark(text="Recognised as Basic Roster.")
    desk = _Desk(by_stem(sources), school=school, order=order, room=room)
    yield from desk.out()


class _Desk:
    """Where the lists are joined. Rows wait on disk, so that memory does not grow with the school."""

    def __init__(self, sources: Mapping[str, Source], *, school: str, order: str, room: contextlib.ExitStack) -> None:
        if "students" not in sources:
            raise Broken("There is no students.csv. Upload it together with the other files; nothing was changed.")
        self.sources, self.school, self.order, self.room = sources, school, order, room
        self.several = False  # schools in these files
        self.remarks: list[str] = []

    def out(self) -> Iterator[RosterRecord]:
        """Yield everything, each kind behind its list."""
        self.several = self._are_several()
        yield from self._students_and_contacts()
        yield from self._staff()
        yield from self._classes()
        yield from self._enrolments()
        strange = sorted(self.sources.keys() - _COLUMNS.keys())
        if strange:
            yield Remark(text=f"Not read, because the Basic Roster has no such list: {', '.join(strange)}.")
        yield from (Remark(text=text) for text in self.remarks)

    def _are_several(self) -> bool:
        """Return whether the files are of several schools; where they are of one, everything is ours."""
        named = (line.ref("school") for name in ("schools", "students") for line in self._lines(name, all_schools=True))
        schools = set(named) - {""}
        if self.school and schools and self.school not in schools:
            raise Doubtful("The school set up here is not in these files; nothing was changed. Correct its reference.")
        if len(schools) > 1 and not self.school:
            raise Doubtful(f"The files name {len(schools)} schools: set up which is yours; nothing was changed.")
        return len(schools) > 1

    def _listing(self, name: str) -> Listing | None:
        return Listing(self.sources[name], _COLUMNS[name], needed=_NEEDED[name]) if name in self.sources else None

    def _lines(self, name: str, *, all_schools: bool = False) -> Iterator[Line]:
        """Yield the rows of a list that are of our school; one that may be of any is there, but cannot be used."""
        listing = self._listing(name)
        if listing is None:
            return
        self.remarks += [text for text in listing.remarks if text not in self.remarks]
        for line in listing.lines():
            school = line.ref("school")
            if self.several and not school:
                yield dataclasses.replace(line, fault=line.fault or _NO_SCHOOL)
            elif all_schools or not self.school or school in {"", self.school}:
                yield line

    def _students_and_contacts(self) -> Iterator[RosterRecord]:
        listing = self._listing("students")
        shared = bool(listing and listing.has("guardian"))
        if listing and listing.has("contact_name") and not shared:
            self.remarks.append(
                "students.csv names contacts without Contact_sis_id. Nobody can tell then whether two rows are the "
                "same person, so guardians are not read: ask for that column."
            )
        students, guardians = (self.room.enter_context(Spool(Person)) for _ in range(2))
        ties = self.room.enter_context(Spool(Pair))
        unclear: list[Unreadable] = []  # a file has few of them or none
        for line in self._lines("students"):
            if line.fault or not line.ref("ref"):
                unclear.append(_unreadable(Kind.STUDENTS, line, "Student_id"))
            else:
                students.put(line.ref("ref"), _person(line))
            if shared:
                unclear += self._contact(line, guardians, ties)
        yield from self._kind(Kind.STUDENTS, students, unclear)
        if not len(students):
            raise Doubtful("students.csv lists no students of this school; nothing was changed.")
        if shared:
            yield from self._kind(Kind.GUARDIANS, guardians, unclear)
            yield from _pairs(Kind.TIES, ties, unclear)

    def _contact(self, line: Line, guardians: Spool[Person], ties: Spool[Pair]) -> Iterator[Unreadable]:
        """Keep the contact of a row; yield what cannot be read. A student without a contact has blank cells."""
        guardian, student = line.ref("guardian"), line.ref("ref")
        named = any(line.ref(name) for name in ("contact_name", "contact_email", "contact_phone"))
        if line.fault or (named and not guardian):
            reason = line.fault or _NAMELESS.format(field="Contact_sis_id")
            yield Unreadable(kind=Kind.GUARDIANS, ref=guardian, reason=reason, place=line.place)
            yield Unreadable(kind=Kind.TIES, ref=student, other_ref=guardian, reason=reason, place=line.place)
        elif guardian:
            guardians.put(guardian, _contact_of(line))
            if student:
                word = _said(line, "relationship")
                ties.put(f"{student}\0{guardian}", Pair(student, guardian, word))

    def _kind(self, kind: Kind, people: Spool[Person], nobody: list[Unreadable]) -> Iterator[RosterRecord]:
        """Yield one kind of people and, if there are any, that these are all."""
        rows = 0
        for one in nobody:
            if one.kind is kind:
                rows += 1
                yield one
        for ref in people.torn():
            rows += 1
            yield Unreadable(kind=kind, ref=ref, reason=TWICE)
        usable = 0
        for person in people.rows():
            rows += 1
            record = self._record(kind, person)
            usable += not isinstance(record, Unreadable)
            yield record
        if usable:
            yield Complete(kind=kind, rows=rows)

    def _record(self, kind: Kind, person: Person) -> RosterRecord:
        names: dict[str, Any] = {"ref": person.ref, "given_name": person.given_name, "family_name": person.family_name}
        email = _shared(person.email)
        if kind is Kind.GUARDIANS:
            return Guardian(**names, title=_shared(person.title), email=email, phone=_shared(person.phone))
        if kind is Kind.STAFF:
            return Staff(**names, title=_shared(person.title), email=email)
        try:
            born: Day = NOT_SHARED if person.born is None else day(person.born, field="DOB", order=self.order)
        except CellError as fault:
            return Unreadable(kind=kind, ref=person.ref, reason=str(fault))
        upn = _shared(person.upn)
        return Student(**names, email=email, year=_shared(person.year), date_of_birth=born, upn=upn)

    def _staff(self) -> Iterator[RosterRecord]:
        """Yield teachers and other staff; who is in both lists is one person if they have one name."""
        people = self.room.enter_context(Spool(Person))
        unclear = []
        for name, field in (("teachers", "Teacher_id"), ("staff", "Staff_id")):
            for line in self._lines(name):
                ref = line.ref("ref")
                held = people.get(ref) if ref and name == "staff" else None
                if line.fault or not ref:
                    unclear.append(_unreadable(Kind.STAFF, line, field))
                elif held is None or (held.given_name, held.family_name) != (_names(line)):
                    people.put(ref, _person(line))
        whole = {"teachers", "staff"} <= self.sources.keys()
        for record in self._kind(Kind.STAFF, people, unclear):
            if whole or not isinstance(record, Complete):
                yield record
        if not whole and len(people):
            yield Remark(
                text="Only one of teachers.csv and staff.csv is there, so nobody among the staff is taken for gone."
            )

    def _classes(self) -> Iterator[RosterRecord]:
        sections = self.room.enter_context(Spool(Section))
        teaching = self.room.enter_context(Spool(Pair))
        unclear: list[Unreadable] = []
        for line in self._lines("sections"):
            ref = line.ref("ref")
            if line.fault or not ref:
                unclear += [_unreadable(kind, line, "Section_id") for kind in (Kind.CLASSES, Kind.TEACHING)]
                continue
            section = _section(line)
            sections.put(ref, section)
            for teacher in section.teachers:
                teaching.put(f"{ref}\0{teacher}", Pair(ref, teacher))
        mine = [one for one in unclear if one.kind is Kind.CLASSES]
        mine += [Unreadable(kind=Kind.CLASSES, ref=ref, reason=TWICE) for ref in sections.torn()]
        rows = len(mine)
        yield from mine
        for section in sections.rows():
            rows += 1
            year, subject = _shared(section.year), _shared(section.subject)
            yield Class(ref=section.ref, name=section.name, year=year, subject=subject)
        if len(sections):
            yield Complete(kind=Kind.CLASSES, rows=rows)
        yield from _pairs(Kind.TEACHING, teaching, unclear)

    def _enrolments(self) -> Iterator[RosterRecord]:
        seats = self.room.enter_context(Spool(Pair))
        unclear = []
        for line in self._lines("enrollments"):
            group, student = line.ref("class"), line.ref("student")
            if line.fault or not group or not student:
                reason = line.fault or "Section_id or Student_id is blank."
                unclear.append(
                    Unreadable(kind=Kind.ENROLMENTS, ref=group, other_ref=student, reason=reason, place=line.place)
                )
            else:
                seats.put(f"{group}\0{student}", Pair(group, student))
        yield from _pairs(Kind.ENROLMENTS, seats, unclear)


def _pairs(kind: Kind, pairs: Spool[Pair], nobody: list[Unreadable]) -> Iterator[RosterRecord]:
    """Yield ties or seats and, if there are any, that these are all."""
    rows = 0
    for one in nobody:
        if one.kind is kind:
            rows += 1
            yield one
    for key in pairs.torn():
        rows += 1
        first, _, second = key.partition("\0")
        yield Unreadable(kind=kind, ref=first, other_ref=second, reason=TWICE)
    for pair in pairs.rows():
        rows += 1
        match kind:
            case Kind.TIES:
                yield Tie(student_ref=pair.first, guardian_ref=pair.second, relationship=_shared(pair.word))
            case Kind.ENROLMENTS:
                yield Enrolment(class_ref=pair.first, student_ref=pair.second)
            case _:
                yield Teaching(class_ref=pair.first, staff_ref=pair.second)
    if len(pairs):
        yield Complete(kind=kind, rows=rows)


def _person(line: Line) -> Person:
    given, family = _names(line)
    said = {name: _said(line, name) for name in ("email", "title", "year", "upn", "born")}
    return Person(ref=line.ref("ref"), given_name=given, family_name=family, **said)


def _names(line: Line) -> tuple[str, str]:
    return (_said(line, "given_name") or "", _said(line, "family_name") or "")


def _contact_of(line: Line) -> Person:
    """Return a contact, whose name is one cell. "Family, given" is told by its comma; else it stays in one piece.

    Where a family name begins cannot be told from "Nguyen Van An" or "Tamsin van Dyke".
    """
    whole = (_said(line, "contact_name") or "").strip()
    family, comma, given = whole.partition(",")
    if not comma:
        given, family = whole, ""
    email, phone = _said(line, "contact_email"), _said(line, "contact_phone")
    return Person(
        ref=line.ref("guardian"), given_name=given.strip(), family_name=family.strip(), email=email, phone=phone
    )


def _section(line: Line) -> Section:
    number = line.ref("number")
    name = (_said(line, "name") or "").strip() or " ".join(filter(None, (line.ref("course"), number)))
    teachers = [line.ref("teacher_1"), *(line.ref(name) for name in _TEACHERS)]
    return Section(
        ref=line.ref("ref"),
        name=name,
        year=_said(line, "year"),
        subject=_said(line, "subject"),
        teachers=[each for each in teachers if each],
    )


def _unreadable(kind: Kind, line: Line, field: str) -> Unreadable:
    return Unreadable(
        kind=kind, ref=line.ref("ref"), reason=line.fault or _NAMELESS.format(field=field), place=line.place
    )


def _said(line: Line, name: str) -> str | None:
    text = line.text(name)
    return text if isinstance(text, str) else None


def _shared(text: str | None) -> Text:
    return NOT_SHARED if text is None else text
