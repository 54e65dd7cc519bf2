"""The five lists of one night joined: what each record of the roster is made of, and which kinds are proven."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeVar

from sync.connectors.managebac.listing import Bad, Table
from sync.connectors.managebac.wire import (
    ClassRow,
    MembershipRow,
    ParentRow,
    PersonRow,
    Row,
    StudentRow,
    TeacherRow,
)
from sync.records import (
    NOT_SHARED,
    Class,
    Day,
    Enrolment,
    Guardian,
    Kind,
    RosterRecord,
    Staff,
    Student,
    Teaching,
    Text,
    Tie,
    Unreadable,
)

_HOMEROOM_FIELDS: Final = frozenset({"homeroom_advisor_id", "year_group_id"})
_ADMINISTRATOR: Final = (
    "This person teaches, but is not listed among the teachers: administrators are not shown to us. Nobody leaves "
    "because of it; give them a teacher's account as well if they should be listed."
)
_ONE_SIDED: Final = (
    "This student names a parent whose own record cannot be read or does not name the student. The tie is neither "
    "made nor ended; open the student in ManageBac and set the parent again."
)
_NO_HOMEROOMS: Final = (
    "homerooms: no student has both a year group and a homeroom advisor, or these fields are switched off. Classes "
    "are not taken as complete; if the school has no homerooms, switch “Homerooms become classes” off."
)
_STILL_HERE: Final = (
    "students: {number} with a leaving or graduation date but not archived; they are taken as enrolled. If they have "
    "left, archive them in ManageBac; if not, clear the date."
)
_NO_TIES: Final = "parents: neither parents nor students say who belongs to whom, so ties are not shared."

R = TypeVar("R", bound=Row)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """One night. Archived people and classes are gone, save students if the school wants its leavers' last days."""

    students: Table[StudentRow]
    parents: Table[ParentRow]
    teachers: Table[TeacherRow]
    classes: Table[ClassRow]
    memberships: Table[MembershipRow]
    homerooms: bool
    leavers: bool

    def kinds(self) -> Iterator[tuple[Kind, Sequence[RosterRecord]]]:
        """Yield every kind ManageBac has, with its records and its unreadable rows."""
        yield Kind.STUDENTS, [*map(self._student, self._students), *_unreadable(Kind.STUDENTS, self.students.bad)]
        yield Kind.GUARDIANS, [*map(self._guardian, self._parents), *_unreadable(Kind.GUARDIANS, self.parents.bad)]
        yield Kind.STAFF, [*map(self._staff, _present(self.teachers)), *self._staff_unseen()]
        yield Kind.CLASSES, [*map(self._class, _present(self.classes)), *self._class_others()]
        yield Kind.TIES, [*self._ties.values(), *self._ties_unclear()]
        yield Kind.ENROLMENTS, [*self._enrolments(), *_unreadable(Kind.ENROLMENTS, self.memberships.bad)]
        yield Kind.TEACHING, [*self._teaching(), *_unreadable(Kind.TEACHING, self.memberships.bad)]

    def proves(self, kind: Kind) -> bool:
        """Whether the records of this kind are all there are: nobody else is there."""
        match kind:
            case Kind.STUDENTS:
                return self.students.whole
            case Kind.GUARDIANS:
                return self.parents.whole
            case Kind.STAFF:
                return self.teachers.whole
            case Kind.CLASSES:
                return self.classes.whole and self._homerooms_known
            case Kind.TIES:
                return self._ties_known
            case Kind.ENROLMENTS | Kind.TEACHING:
                return self.memberships.whole and self.classes.whole and self._homerooms_known
        return False

    def remarks(self) -> Iterator[str]:
        """Yield what a person should know about this night's lists."""
        tables: tuple[Table[StudentRow] | Table[ParentRow] | Table[TeacherRow] | Table[ClassRow], ...]
        tables = (self.students, self.parents, self.teachers, self.classes)
        yield from (table.remark for table in tables if table.remark)
        if self.memberships.remark:
            yield self.memberships.remark
        if self.homerooms and not self._homerooms_shared:
            yield _NO_HOMEROOMS
        if odd := sum(1 for row in self.students.rows.values() if row.archived is False and _left_on(row)):
            yield _STILL_HERE.format(number=odd)
        if self.parents.rows and not self._ties_shared:
            yield _NO_TIES

    # People

    @functools.cached_property
    def _students(self) -> list[StudentRow]:
        rows = self.students.rows.values()
        return [row for row in rows if not row.archived or (self.leavers and _left_on(row))]

    @functools.cached_property
    def _parents(self) -> list[ParentRow]:
        return _present(self.parents)

    def _student(self, row: StudentRow) -> Student:
        table = self.students
        return Student(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            preferred_name=table.text(row, "nickname"),
            date_of_birth=row.birthday or _none(table, "birthday"),
            email=table.text(row, "email"),
            # Who is archived is taken out of year group and homeroom: that is no news about where they were.
            year=NOT_SHARED if row.archived else table.text(row, "class_grade"),
            form=NOT_SHARED if row.archived else self._form(row),
            left_on=self._last_day(row),
        )

    def _last_day(self, row: StudentRow) -> Day:
        """Return the day an archived student left. Who is not archived is enrolled, whatever date is left over."""
        if row.archived is False:
            return None
        told = row.archived or self.leavers  # without the field, we asked for those who are not archived
        return (_left_on(row) if told else None) or NOT_SHARED

    def _form(self, row: StudentRow) -> Text:
        if not (self.homerooms and self._homerooms_shared):
            return NOT_SHARED
        room = _homeroom_ref(row)
        return self._homeroom_classes[room].name if room else ""

    def _guardian(self, row: ParentRow) -> Guardian:
        return Guardian(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            title=self.parents.text(row, "salutation"),
            email=self.parents.text(row, "email"),
            phone=_phone(self.parents, row),
        )

    def _staff(self, row: TeacherRow) -> Staff:
        return Staff(
            ref=row.ref,
            given_name=row.first_name or "",
            family_name=row.last_name or "",
            email=self.teachers.text(row, "email"),
            phone=_phone(self.teachers, row),
        )

    def _staff_unseen(self) -> Iterator[Unreadable]:
        yield from _unreadable(Kind.STAFF, self.teachers.bad)
        if self.teachers.whole:
            busy = {teaching.staff_ref for teaching in self._teaching()}
            for ref in sorted(busy - self.teachers.rows.keys() - self.teachers.bad_refs):
                yield Unreadable(kind=Kind.STAFF, ref=ref, reason=_ADMINISTRATOR, place="memberships and homerooms")

    # Ties

    @functools.cached_property
    def _ties(self) -> Mapping[tuple[str, str], Tie]:
        """Return the ties that parents state, and where a parent states none at all, those that students state."""
        ties = [tie for parent in self._parents for tie in self._ties_of(parent)]
        return {(tie.student_ref, tie.guardian_ref): tie for tie in ties}

    def _ties_of(self, parent: ParentRow) -> Iterator[Tie]:
        if parent.children is not None:
            unsaid: Text = "" if self._relationships_shared else NOT_SHARED
            for child in parent.children:
                if self._may_be_here(str(child.id)):
                    relationship = child.relationship or unsaid
                    yield Tie(student_ref=str(child.id), guardian_ref=parent.ref, relationship=relationship)
            return
        for child_ref in self._naming.get(parent.ref, ()) if parent.child_ids is None else map(str, parent.child_ids):
            if self._may_be_here(child_ref):
                yield Tie(student_ref=child_ref, guardian_ref=parent.ref)

    def _may_be_here(self, student: str) -> bool:
        """Whether a child that a parent names is a student; parents keep their archived children."""
        return student in self._student_refs or student in self.students.bad_refs or "" in self.students.bad_refs

    @functools.cached_property
    def _student_refs(self) -> frozenset[str]:
        return frozenset(row.ref for row in self._students)

    @functools.cached_property
    def _naming(self) -> Mapping[str, list[str]]:
        """Under each parent the students who name them."""
        naming: dict[str, list[str]] = {}
        for row in self._students:
            for parent in row.parent_ids or ():
                naming.setdefault(str(parent), []).append(row.ref)
        return naming

    def _ties_unclear(self) -> Iterator[Unreadable]:
        """Yield the ties that only the student names: the parent does not name them, or cannot be read."""
        present = {row.ref for row in self._parents}
        unclear = {
            (student, parent)
            for parent, students in self._naming.items()
            for student in students
            if (parent in present and (student, parent) not in self._ties) or parent in self.parents.bad_refs
        }
        for student, parent in sorted(unclear):
            yield Unreadable(kind=Kind.TIES, ref=student, other_ref=parent, reason=_ONE_SIDED, place="students")

    @functools.cached_property
    def _relationships_shared(self) -> bool:
        return any(child.relationship for row in self._parents for child in row.children or ())

    @property
    def _ties_shared(self) -> bool:
        return bool(self.parents.shared & {"children", "child_ids"} or "parent_ids" in self.students.shared)

    @property
    def _ties_known(self) -> bool:
        """Whether all ties were read; those of an unreadable parent only if every student says who the parents are."""
        if not (self.students.whole and self.parents.whole and self._ties_shared):
            return False
        told = "parent_ids" in self.students.shared and not self.students.bad and "" not in self.parents.bad_refs
        return told or not self.parents.bad

    # Classes and homerooms

    def _class(self, row: ClassRow) -> Class:
        return Class(
            ref=row.ref,
            name=row.name or "",
            year=self.classes.text(row, "grade"),
            subject=self.classes.text(row, "subject_name"),
        )

    def _class_others(self) -> Iterator[Class | Unreadable]:
        yield from _unreadable(Kind.CLASSES, self.classes.bad)
        if self.homerooms:
            yield from self._homeroom_classes.values()

    @functools.cached_property
    def _homeroom_members(self) -> Mapping[str, list[StudentRow]]:
        members: dict[str, list[StudentRow]] = {}
        for row in self._students:
            if room := _homeroom_ref(row):
                members.setdefault(room, []).append(row)
        return members

    @functools.cached_property
    def _homeroom_classes(self) -> Mapping[str, Class]:
        """A homeroom for each advisor in each year group, named after both; ManageBac has no name of its own."""
        return {room: self._homeroom(room, members[0]) for room, members in self._homeroom_members.items()}

    def _homeroom(self, ref: str, member: StudentRow) -> Class:
        year = self.students.text(member, "class_grade")
        advisor = self.teachers.rows.get(str(member.homeroom_advisor_id))
        names = (advisor.first_name, advisor.last_name) if advisor else ()
        name = " ".join(filter(None, names)) or f"homeroom {member.homeroom_advisor_id}"
        return Class(
            ref=ref, name=f"{year} – {name}" if year and year is not NOT_SHARED else name, year=year, subject=""
        )

    @functools.cached_property
    def _homerooms_shared(self) -> bool:
        return self.students.shared >= _HOMEROOM_FIELDS and bool(self._homeroom_members)

    @property
    def _homerooms_known(self) -> bool:
        """Whether every homeroom seat was read; an unreadable student may sit in any."""
        return not self.homerooms or (self._homerooms_shared and self.students.whole and not self.students.bad)

    # Seats

    @functools.cached_property
    def _seats(self) -> list[MembershipRow]:
        """The memberships of classes that are there; a class without an id may be any of those not listed."""
        here = {row.ref for row in _present(self.classes)} | self.classes.bad_refs
        rows = self.memberships.rows.values()
        return [row for row in rows if not row.archived and (str(row.class_id) in here or "" in here)]

    def _enrolments(self) -> list[Enrolment]:
        found = [
            Enrolment(class_ref=str(row.class_id), student_ref=str(row.user_id))
            for row in self._seats
            if _is_student(row)
        ]
        if self.homerooms:
            found += [
                Enrolment(class_ref=room, student_ref=member.ref)
                for room, members in self._homeroom_members.items()
                for member in members
            ]
        return list(dict.fromkeys(found))

    def _teaching(self) -> list[Teaching]:
        pairs = [(str(row.class_id), str(row.user_id)) for row in self._seats if not _is_student(row)]
        if self.homerooms:
            pairs += [
                (room, str(advisor))
                for room, members in self._homeroom_members.items()
                for member in members
                for advisor in (member.homeroom_advisor_id, *(member.additional_homeroom_advisor_ids or ()))
            ]
        gone = {row.ref for row in self.teachers.rows.values() if row.archived}
        return [Teaching(class_ref=room, staff_ref=ref) for room, ref in dict.fromkeys(pairs) if ref not in gone]


def _present(table: Table[R]) -> list[R]:
    return [row for row in table.rows.values() if not row.archived]


def _unreadable(kind: Kind, rows: Sequence[Bad]) -> Iterator[Unreadable]:
    """Say which rows cannot be used; a seat is known by its class."""
    seats = kind in {Kind.ENROLMENTS, Kind.TEACHING}
    for bad in rows:
        yield Unreadable(kind=kind, ref=bad.owner if seats else bad.ref, reason=bad.reason, place=bad.place)


def _none(table: Table[StudentRow], field: str) -> Day:
    return None if field in table.shared else NOT_SHARED


def _phone(table: Table[ParentRow] | Table[TeacherRow], row: PersonRow) -> Text:
    return table.text(row, "mobile_phone_number", "phone_number")  # type: ignore[arg-type]  # the row is the table's


def _left_on(row: StudentRow) -> Day:
    return row.withdrawn_on or row.graduated_on


def _homeroom_ref(row: StudentRow) -> str:
    """Return the key of a student's homeroom, "" if there is none; an archived student sits in none."""
    if row.archived or row.homeroom_advisor_id is None or row.year_group_id is None:
        return ""
    return f"hr:{row.homeroom_advisor_id}:{row.year_group_id}"


def _is_student(row: MembershipRow) -> bool:
    """Whether the seat is a student's; every other role, administrators' too, teaches."""
    return row.role.strip().lower() == "student"
