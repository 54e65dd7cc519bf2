"""From the rows of a OneRoster service to our records: whose they are, what they say, which kinds are proven."""

import collections
import datetime
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from sync.errors import Doubtful, Refused
from sync.oneroster.client import Api, Collection
from sync.oneroster.metadata import Metadata, notes_of
from sync.oneroster.settings import RosterSettings
from sync.oneroster.wire import (
    Class,
    Demographics,
    Enrollment,
    Misshapen,
    Org,
    Ref,
    Shape,
    User,
    day,
    first,
    raw_ref,
    raw_text,
    row_of,
    text,
)
from sync.records import (
    KIND_OF,
    NOT_SHARED,
    Complete,
    Day,
    Dietary,
    Enrolment,
    Guardian,
    Kind,
    Medical,
    Remark,
    RosterRecord,
    Staff,
    Student,
    Teaching,
    Text,
    Tie,
    Unreadable,
    key_of,
)
from sync.records import Class as ClassRecord

_ROLES: Final[dict[str, Kind]] = {
    "student": Kind.STUDENTS,
    **dict.fromkeys(("parent", "guardian", "relative"), Kind.GUARDIANS),
    **dict.fromkeys(("teacher", "administrator", "aide", "proctor", "counselor", "principal"), Kind.STAFF),
    **dict.fromkeys(("siteadministrator", "districtadministrator", "systemadministrator"), Kind.STAFF),
}
_PEOPLE: Final = (Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF)
_TWICE: Final = "It came twice with different contents."
_NAMELESS: Final = "It has no sourcedId, so nobody can tell who or what it is."
_NO_ROLE: Final = "Its role is none of OneRoster's."


def roster(api: Api, settings: RosterSettings, *, longest_name: int | None = None) -> Iterator[RosterRecord]:
    """Read one school's picture; `longest_name` is where the partner cuts names, None if it does not.

    A kind is `Complete` only if all that it is made of was read to a proven end, and something came.

    Raises:
        Refused: the credentials do not reach the school, or `settings` do not say which of several is ours.
        Doubtful: the service lists no students.
        Busy, Broken: see `sync.errors`.
    """
    ours = _ours(api.collection("orgs"), school=settings.school)
    reading = _Reading(
        users=api.collection("users"),
        classes=api.collection("classes", optional=True),
        enrollments=api.collection("enrollments", optional=True),
        demographics=api.collection("demographics", optional=True),
    )
    desk = _Desk(reading, settings=settings, ours=ours)
    desk.sort()
    if not any(isinstance(row, Student) for row in desk.rows[Kind.STUDENTS]):
        raise Doubtful("The service lists no students of this school; nothing was changed. Ask what is shared with us.")
    yield from desk.out(longest_name=longest_name)


def _ours(orgs: Collection, *, school: str) -> frozenset[str]:
    """Return our school and its parts; nothing if there is only one school, because then everything is ours.

    Raises:
        Refused: our school is not there, or there are several and none is named.
    """
    known = [org for org in _readable(Org, orgs) if not org.is_gone]
    schools = [org.ref for org in known if (org.type or "").lower() == "school"]
    if school and school not in (org.ref for org in known):
        raise Refused("The school is no longer shared with us: share it again, or correct its sourcedId.")
    if not school and len(schools) != 1:
        raise Refused(f"The credentials reach {len(schools)} schools: share one, or enter its sourcedId.")
    if len(schools) == 1 and school in ("", *schools) and orgs.proven:
        return frozenset()
    found = {school or schools[0]}
    while more := {org.ref for org in known if org.parent and org.parent.ref in found} - found:
        found |= more
    return frozenset(found)


def _readable(shape: type[Shape], collection: Collection) -> Iterator[Shape]:
    for said in collection.rows.values():
        try:
            yield row_of(shape, said)
        except Misshapen:
            continue


class _Reading:
    """The collections of one run, and for each kind of record those that its proof rests on."""

    def __init__(
        self, *, users: Collection, classes: Collection, enrollments: Collection, demographics: Collection
    ) -> None:
        self.users, self.classes = users, classes
        self.enrollments, self.demographics = enrollments, demographics

    def all(self) -> tuple[Collection, ...]:
        """All of them."""
        return (self.users, self.classes, self.enrollments, self.demographics)

    def proves(self, kind: Kind, *, one_school: bool) -> bool:
        """Whether everything was read to its end that a record of this kind could have come from."""
        return all(part.proven for part in self._parts(kind, one_school=one_school))

    def _parts(self, kind: Kind, *, one_school: bool) -> tuple[Collection, ...]:
        match kind:
            case Kind.CLASSES:
                return (self.classes,)
            case Kind.ENROLMENTS | Kind.TEACHING:
                return (self.enrollments,) if one_school else (self.enrollments, self.classes)
            case Kind.STAFF:  # of several schools' staff, whoever teaches our classes is ours
                return (self.users,) if one_school else (self.users, self.enrollments, self.classes)
            case Kind.MEDICAL | Kind.DIETARY:
                return (self.users, self.demographics) if self.demographics.shared else (self.users,)
            case _:
                return (self.users,)


class _Desk:
    """Where the rows of one run are sorted."""

    def __init__(self, reading: _Reading, *, settings: RosterSettings, ours: frozenset[str]) -> None:
        self.reading, self.settings, self.ours = reading, settings, ours
        self.years = settings.names_of_years()
        self.rows: dict[Kind, list[RosterRecord]] = {kind: [] for kind in Kind}
        self.keys: set[tuple[Kind, object]] = set()
        self.remarks: collections.Counter[str] = collections.Counter()
        self.people: dict[str, User] = {}
        self.classes: dict[str, Class] = {}
        self.births: dict[str, Day] = {}
        self.metadata: dict[str, Metadata] = {}
        self.forms: dict[str, str] = {}
        self._hanging: dict[Kind, set[object]] = {}

    def sort(self) -> None:
        """Make records of everything; every step needs the ones before it."""
        self._sort_people()
        self._sort_demographics()
        self._sort_classes()
        self._sort_enrollments()
        self._tie()
        for user in self.people.values():
            if not user.is_gone:
                self._put_person(user)

    def _put(self, record: RosterRecord) -> None:
        """Keep a record, once for each key: several enrollments can say the same."""
        kind = KIND_OF[type(record)]
        if (kind, key_of(record)) not in self.keys:
            self.keys.add((kind, key_of(record)))
            self.rows[kind].append(record)

    def _refuse(self, kinds: Iterable[Kind], ref: str, reason: str, *, place: str) -> None:
        for kind in kinds:
            row = Unreadable(kind=kind, ref=ref, reason=reason, place=place)
            if row not in self.rows[kind]:
                self.rows[kind].append(row)

    def _read(
        self, shape: type[Shape], collection: Collection, refuse: Callable[[object, str, str], None]
    ) -> Iterator[Shape]:
        """Yield the readable rows; hand the others to `refuse` with their identity and the reason."""
        for ref in sorted(collection.contested):
            refuse(None, ref, _TWICE)
        for said in collection.nameless:
            refuse(said, "", _NAMELESS)
        for ref, said in collection.rows.items():
            try:
                yield row_of(shape, said)
            except Misshapen as fault:
                refuse(said, ref, f"The row cannot be read: {fault}")

    def _sort_people(self) -> None:
        for user in self._read(User, self.reading.users, self._refuse_user):
            if not user.is_gone and _word(user.role) not in _ROLES:
                self._refuse_user(None, user.ref, _NO_ROLE)
            else:
                self.people[user.ref] = user

    def _refuse_user(self, said: object, ref: str, reason: str) -> None:
        """Refuse a user: whoever it is counts as present, and so does all that could hang on them."""
        role = _ROLES.get(_word(raw_text(said, "role")))
        self._refuse([role] if role else _PEOPLE, ref, reason, place="users")
        if role is not Kind.STAFF:
            # Ties are named by the student; an unreadable guardian could be tied to any.
            self._refuse([Kind.TIES], ref if role is Kind.STUDENTS else "", reason, place="users")
        if role in {None, Kind.STUDENTS}:
            self._refuse(self._note_kinds(), ref, reason, place="users")

    def _note_kinds(self) -> list[Kind]:
        keys = {Kind.MEDICAL: self.settings.medical_key, Kind.DIETARY: self.settings.dietary_key}
        return [kind for kind, key in keys.items() if key]

    def _sort_demographics(self) -> None:
        for row in self._read(Demographics, self.reading.demographics, self._refuse_demographics):
            if row.is_gone:
                continue
            self.metadata[row.ref] = Metadata(row.metadata)
            try:
                self.births[row.ref] = day(row.birth_date)
            except Misshapen:
                self.remarks["birth dates cannot be read, and count as not shared."] += 1

    def _refuse_demographics(self, said: object, ref: str, reason: str) -> None:
        self.remarks["rows of demographics cannot be read."] += 1
        self._refuse(self._note_kinds(), ref, reason, place="demographics")

    def _sort_classes(self) -> None:
        for row in self._read(Class, self.reading.classes, self._refuse_class):
            if row.is_gone or not self._is_our(row.school):
                continue
            self.classes[row.ref] = row
            year = self._year(first(row.grades))
            self._put(ClassRecord(ref=row.ref, name=row.title or "", year=year, subject=first(row.subjects)))

    def _refuse_class(self, said: object, ref: str, reason: str) -> None:
        self._refuse([Kind.CLASSES], ref, reason, place="classes")

    def _is_our(self, org: Ref | None) -> bool:
        return not self.ours or (org is not None and org.ref in self.ours)

    def _year(self, grade: Text) -> Text:
        return self.years.get(grade, grade) if isinstance(grade, str) else grade

    def _sort_enrollments(self) -> None:
        today = datetime.datetime.now(tz=datetime.UTC).date()
        for row in self._read(Enrollment, self.reading.enrollments, self._refuse_enrollment):
            if not row.is_gone and self._is_of_our_class(row):
                self._enrol(row, today=today)

    def _refuse_enrollment(self, said: object, ref: str, reason: str) -> None:
        """Refuse an enrollment: all of its class counts as present, or of every class if even that is unknown."""
        self._refuse_seats(raw_ref(said, "class"), ref, reason)

    def _refuse_seats(self, class_ref: str, ref: str, reason: str) -> None:
        self._refuse([Kind.ENROLMENTS, Kind.TEACHING], class_ref, reason, place=f"enrollments, {ref}")

    def _is_of_our_class(self, row: Enrollment) -> bool:
        return not self.ours or row.class_ref.ref in self.classes

    def _enrol(self, row: Enrollment, *, today: datetime.date) -> None:
        user = self.people.get(row.user.ref)
        if user and user.is_gone:
            return
        try:
            running = _is_running(row, today=today)
        except Misshapen as fault:
            self._refuse_seats(row.class_ref.ref, row.ref, str(fault))
            return
        if running:
            self._seat(row)

    def _seat(self, row: Enrollment) -> None:
        match _word(row.role):
            case "student":
                self._put(Enrolment(class_ref=row.class_ref.ref, student_ref=row.user.ref))
                self._note_form(row)
            case "teacher":
                self._put(Teaching(class_ref=row.class_ref.ref, staff_ref=row.user.ref))
            case "administrator" | "proctor":
                pass  # they look after a class, but neither sit in it nor teach it
            case _:
                self._refuse_seats(row.class_ref.ref, row.ref, _NO_ROLE)

    def _note_form(self, row: Enrollment) -> None:
        found = self.classes.get(row.class_ref.ref)
        if found and _word(found.class_type) == "homeroom" and found.title:
            held = self.forms.get(row.user.ref, found.title)
            self.forms[row.user.ref] = min(held, found.title)  # morning and afternoon can differ; always the same one

    def _tie(self) -> None:
        """Tie students and guardians, whichever of the two names the other (`agents`)."""
        for user in self.people.values():
            kind = None if user.is_gone else self._kind(user.ref)
            for agent in user.agents or ():
                if kind is Kind.STUDENTS:
                    self._put_tie(student=user.ref, guardian=agent.ref)
                elif kind is Kind.GUARDIANS:
                    self._put_tie(student=agent.ref, guardian=user.ref)

    def _kind(self, ref: str) -> Kind | None:
        user = self.people.get(ref)
        return _ROLES.get(_word(user.role)) if user else None

    def _put_tie(self, *, student: str, guardian: str) -> None:
        ends = {student: Kind.STUDENTS, guardian: Kind.GUARDIANS}
        if any(self._kind(ref) not in {None, kind} for ref, kind in ends.items()):
            self.remarks["agents are neither a student nor a guardian, and were left out."] += 1
            return
        known = [user for ref in ends if (user := self.people.get(ref))]
        if any(user.is_gone for user in known) or not self._is_our_student(student):
            return
        relationship = self._relationship(guardian)
        self._put(Tie(student_ref=student, guardian_ref=guardian, relationship=relationship))

    def _is_our_student(self, ref: str) -> bool:
        user = self.people.get(ref)
        return not self.ours or (user is not None and self._is_our_user(user))

    def _is_our_user(self, user: User) -> bool:
        return any(map(self._is_our, user.orgs or ())) if self.ours else True

    def _relationship(self, guardian: str) -> Text:
        user = self.people.get(guardian)
        if not user:
            return NOT_SHARED
        label = Metadata(user.metadata).text(self.settings.relationship_key)
        return label if isinstance(label, str) and label else _word(user.role).capitalize()

    def _put_person(self, user: User) -> None:
        kind = self._kind(user.ref)
        if kind is Kind.STUDENTS and self._is_our_user(user):
            self._put(self._student(user))
            self._put_notes(user)
        elif kind is Kind.GUARDIANS and (self._is_our_user(user) or self._hangs(Kind.TIES, user.ref)):
            self._put(self._guardian(user))
        elif kind is Kind.STAFF and (self._is_our_user(user) or self._hangs(Kind.TEACHING, user.ref)):
            self._put(self._member(user))

    def _hangs(self, kind: Kind, ref: str) -> bool:
        """Whether somebody who is listed elsewhere belongs to us by a tie or a class."""
        if kind not in self._hanging:
            self._hanging[kind] = {key_of(row)[1] for row in self.rows[kind] if not isinstance(row, Unreadable)}
        return ref in self._hanging[kind]

    def _student(self, user: User) -> Student:
        said, keys = Metadata(user.metadata), self.settings
        year = said.text(keys.year_key) if keys.year_key else first(user.grades)
        return Student(
            ref=user.ref,
            given_name=user.given_name or "",
            family_name=user.family_name or "",
            preferred_name=said.text(keys.preferred_name_key),
            date_of_birth=self.births.get(user.ref, NOT_SHARED),
            email=text(user.email),
            year=self._year(year),
            form=said.text(keys.form_key) if keys.form_key else self._form(user.ref),
            upn=said.text(keys.upn_key),
        )

    def _form(self, ref: str) -> Text:
        """Return the form; empty only if forms are shared at all, and every seat was read."""
        sure = self.forms and self.reading.classes.proven and self.reading.enrollments.proven
        return self.forms.get(ref, "" if sure else NOT_SHARED)

    def _guardian(self, user: User) -> Guardian:
        return Guardian(
            ref=user.ref,
            given_name=user.given_name or "",
            family_name=user.family_name or "",
            title=Metadata(user.metadata).text(self.settings.title_key),
            email=text(user.email),
            phone=_phone(user),
        )

    def _member(self, user: User) -> Staff:
        return Staff(
            ref=user.ref,
            given_name=user.given_name or "",
            family_name=user.family_name or "",
            title=Metadata(user.metadata).text(self.settings.title_key),
            email=text(user.email),
            phone=_phone(user),
        )

    def _put_notes(self, user: User) -> None:
        sources = (Metadata(user.metadata), self.metadata.get(user.ref, Metadata(None)))
        for note in notes_of(sources, self.settings.medical_key):
            self._put(Medical(student_ref=user.ref, ref=note.ref, condition=note.title, details=note.details))
        for note in notes_of(sources, self.settings.dietary_key):
            self._put(Dietary(student_ref=user.ref, ref=note.ref, need=note.whole))

    def out(self, *, longest_name: int | None) -> Iterator[RosterRecord]:
        """Yield everything that stands on the desk, and what there is to say about the feed as a whole."""
        yield from (Remark(text=f"{number} {words}") for words, number in sorted(self.remarks.items()))
        yield from (Remark(text=part.doubt) for part in self.reading.all() if part.doubt)
        yield from self._remark_cut_names(longest_name)
        for kind in Kind:
            rows = self.rows[kind]
            yield from rows
            some = any(not isinstance(row, Unreadable) for row in rows)
            if some and self.reading.proves(kind, one_school=not self.ours):
                yield Complete(kind=kind, rows=len(rows))
            elif not some and self._is_asked_for(kind):
                yield Remark(text=f"No {kind} came. That is not taken as an empty list, so nothing is ended by it.")

    def _is_asked_for(self, kind: Kind) -> bool:
        return kind not in {Kind.MEDICAL, Kind.DIETARY} or kind in self._note_kinds()

    def _remark_cut_names(self, longest: int | None) -> Iterator[Remark]:
        names = [n for u in self.people.values() for n in (u.given_name, u.family_name) if n and len(n) == longest]
        if names:
            yield Remark(text=f"{len(names)} names are {longest} characters long, where the partner cuts them off.")


def _word(said: str | None) -> str:
    """Return a word of OneRoster's vocabulary in lower case, "" if there is none."""
    return (said or "").strip().lower()


def _phone(user: User) -> Text:
    """Return the mobile number, else the other one."""
    numbers = [number for number in (user.sms, user.phone) if number is not None]
    return next((number for number in numbers if number.strip()), "" if numbers else NOT_SHARED)


def _is_running(row: Enrollment, *, today: datetime.date) -> bool:
    """Whether an enrollment is of today; its last day counts, since feeds differ on whether it does."""
    begin, end = day(row.begin_date), day(row.end_date)
    too_soon = isinstance(begin, datetime.date) and begin > today
    too_late = isinstance(end, datetime.date) and end < today
    return not too_soon and not too_late
