"""The rows of all lists put together into records, and for each kind the word whether it was read to its end."""

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from sync.connectors.isams import wire
from sync.connectors.isams.document import Node
from sync.connectors.isams.messages import METHODS
from sync.errors import Doubtful
from sync.records import (
    NOT_SHARED,
    Class,
    Complete,
    Day,
    Dietary,
    Enrolment,
    Flag,
    Guardian,
    Kind,
    Medical,
    Record,
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

_TWICE: Final = "The reference appears twice with different contents."
_UNKNOWN_PUPIL: Final = "It names a pupil whose own row cannot be read."
_FILTER: Final = "a filter of the batch API key, or a permission taken away, looks the same"

Found = Record | Unreadable


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the settings ask for. `medical` and `dietary` are fields, in lower case, of the list `health`."""

    forms: bool
    sets: bool
    by_person: bool
    health: str
    medical: frozenset[str]
    dietary: frozenset[str]


class Picture:
    """Takes rows in any order and gives records at the end, when every reference can be judged."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._pupils: list[wire.Pupil] = []
        self._contacts: list[wire.Contact] = []
        self._staff: list[wire.Member] = []
        self._forms: list[wire.Group] = []
        self._sets: list[wire.Group] = []
        self._seats: list[wire.Seat] = []
        self._health: list[wire.Health] = []
        self._years: dict[str, str] = {}
        self._subjects: dict[str, str] = {}
        self._refs: dict[str, str] = {}
        self._known: set[str] = set()
        self._faults: dict[str, list[wire.RowError]] = {}
        # Pupils who are here but cannot be read: their row → their SchoolId, "" where not even that is known.
        self._unclear: dict[str, str] = {}
        self._unclear_forms: set[str] = set()
        self._filled: set[str] = set()
        self._takers: dict[str, Callable[[Node], object]] = {
            "currentpupils": lambda node: self._pupils.append(wire.pupil(node)),
            "contacts": lambda node: self._contacts.append(wire.contact(node)),
            "currentstaff": lambda node: self._staff.append(wire.member(node)),
            "years": lambda node: self._years.update({node.attribute("Id"): node.said("Name") or node.attribute("Id")}),
            "departments": self._take_department,
        }
        if wishes.forms:
            self._takers["forms"] = lambda node: self._forms.append(wire.form(node))
        if wishes.sets:
            self._takers["sets"] = lambda node: self._sets.append(wire.teaching_set(node))
            self._takers["setlists"] = lambda node: self._seats.append(wire.seat(node))
        if wishes.health:
            fields = wishes.medical | wishes.dietary
            self._takers[wishes.health] = lambda node: self._health.append(wire.health(node, fields=fields))

    def take(self, rows: str, node: Node) -> None:
        """Take a row of the list `rows`; a list that nobody asked for is passed over."""
        taker = self._takers.get(rows)
        if not taker:
            return
        self._filled.add(rows)
        try:
            taker(node)
        except wire.RowError as fault:
            self._faults.setdefault(rows, []).append(fault)
            if rows == "currentpupils":
                self._unclear[node.attribute("Id")] = fault.ref
                self._unclear_forms.add(node.said("Form") or "")

    def _take_department(self, node: Node) -> None:
        for subject in node.under("Subjects", "Subject"):
            self._subjects[subject.attribute("Id")] = subject.said("Name") or ""

    def records(self) -> Iterator[RosterRecord]:
        """Yield everything, each kind followed by its `Complete` where nothing of it can be missing.

        Raises:
            Doubtful: there are no pupils.
        """
        if not self._pupils:
            raise Doubtful(
                "iSAMS sent no pupils at all; nothing was changed. Either Pupil_GetCurrentPupils is no longer ticked "
                "for the batch API key, or a filter of the key hides everybody."
            )
        self._refs = self._unclear | {pupil.row: pupil.ref for pupil in self._pupils if pupil.row}
        self._known = {pupil.ref for pupil in self._pupils} | set(filter(None, self._unclear.values()))
        yield from map(_remark, self._remarks())
        for kind, rows in self._kinds().items():
            yield from self._kind(kind, rows)

    def _kinds(self) -> Mapping[Kind, Iterable[Found]]:
        contacts = [contact for contact in self._contacts if not contact.only and self._children(contact)]
        return {
            Kind.STUDENTS: [*self._students(), *self._unread(Kind.STUDENTS, "currentpupils")],
            Kind.GUARDIANS: [*self._guardians(contacts), *self._unread(Kind.GUARDIANS, "contacts")],
            Kind.STAFF: [*self._members(), *self._unread(Kind.STAFF, "currentstaff")],
            Kind.CLASSES: [*self._classes(), *self._unread(Kind.CLASSES, "forms", "sets")],
            # Whoever cannot be read may be tied to anybody, and may sit or teach anywhere.
            Kind.TIES: [*self._ties(contacts), *self._unread(Kind.TIES, "contacts", nameless=True)],
            Kind.ENROLMENTS: [*self._enrolments(), *self._unread(Kind.ENROLMENTS, "setlists")],
            Kind.TEACHING: [*self._teaching(), *self._unread(Kind.TEACHING, "forms", "sets", nameless=True)],
            Kind.MEDICAL: [*self._medical(), *self._unread(Kind.MEDICAL, self._wishes.health)],
            Kind.DIETARY: [*self._dietary(), *self._unread(Kind.DIETARY, self._wishes.health)],
        }

    def _kind(self, kind: Kind, found: Iterable[Found]) -> Iterator[RosterRecord]:
        records = list(_once(kind, found))
        yield from records  # type: ignore[misc]  # `Found` is what `RosterRecord` lists
        if records and self._is_whole(kind):
            yield Complete(kind=kind, rows=len(records))

    def _is_whole(self, kind: Kind) -> bool:
        """Whether all lists that this kind is made of came, with rows: an empty one proves nothing."""
        return self._needs(kind) <= self._filled and not self._is_doubted(kind)

    def _needs(self, kind: Kind) -> set[str]:
        groups = {"forms"} if self._wishes.forms else set()
        sets = {"sets"} if self._wishes.sets else set()
        return {
            Kind.STUDENTS: {"currentpupils"},
            Kind.GUARDIANS: {"currentpupils", "contacts"},
            Kind.TIES: {"currentpupils", "contacts"},
            Kind.STAFF: {"currentstaff"},
            Kind.CLASSES: groups | sets,
            Kind.ENROLMENTS: groups | sets | ({"setlists"} if sets else set()),
            Kind.TEACHING: groups | sets,
            Kind.MEDICAL: {self._wishes.health},
            Kind.DIETARY: {self._wishes.health},
        }[kind]

    def _is_doubted(self, kind: Kind) -> bool:
        """Whether a part is missing that every feed has: teachers of any set, a mapped field, the form of any pupil."""
        match kind:
            case Kind.TEACHING:
                lists = [rows for rows in (self._forms, self._sets) if rows]
                return not all(any(group.teachers or group.teacher_code for group in rows) for rows in lists)
            case Kind.ENROLMENTS:
                return self._wishes.forms and not any(pupil.form for pupil in self._pupils)
            case Kind.MEDICAL:
                return bool(self._unseen(self._wishes.medical))
            case Kind.DIETARY:
                return bool(self._unseen(self._wishes.dietary))
        return False

    def _unseen(self, fields: frozenset[str]) -> frozenset[str]:
        return fields - {field for row in self._health for field, _ in row.notes}

    def _remarks(self) -> Iterator[str]:
        wanted = {"currentpupils", "contacts", "currentstaff", "years"}
        wanted |= {"forms"} if self._wishes.forms else set()
        wanted |= {"sets", "setlists", "departments"} if self._wishes.sets else set()
        for rows in sorted(wanted - self._filled):
            yield (
                f"iSAMS sent nothing from {METHODS[rows]}. Tick it for the batch API key, if it is to be read; until "
                f"then nothing is ended because of it ({_FILTER})."
            )
        if self._wishes.health and self._wishes.health not in self._filled:
            yield "iSAMS sent no health list of the name in the settings; medical and dietary notes stay as they are."
        elif unseen := sorted(self._unseen(self._wishes.medical | self._wishes.dietary)):
            yield f"The health list of iSAMS never has the fields {', '.join(unseen)}; their notes stay as they are."
        yield from self._remarks_on_contacts()

    def _remarks_on_contacts(self) -> Iterator[str]:
        only = sum(contact.only for contact in self._contacts)
        if only:
            yield f"{only} contacts are marked ContactOnly in iSAMS; they were left out, so that they get no accounts."
        guids = {(contact.guid, _number(contact)) for contact in self._contacts if contact.guid}
        again = len(guids) - len({guid for guid, _ in guids})
        if again and not self._wishes.by_person:
            yield (
                f"{again} contacts are people who have another contact number as well, so they appear twice. They "
                "become one if guardians are told apart by person; see the settings."
            )

    def _unread(self, kind: Kind, *lists: str, nameless: bool = False) -> Iterator[Unreadable]:
        for rows in lists:
            for fault in self._faults.get(rows, ()):
                yield Unreadable(kind=kind, ref="" if nameless else fault.ref, reason=str(fault), place=rows)

    def _students(self) -> Iterator[Student]:
        told = _told(self._pupils)
        for pupil in self._pupils:
            yield Student(
                ref=pupil.ref,
                given_name=pupil.given_name,
                family_name=pupil.family_name,
                preferred_name=told("preferred_name", pupil.preferred_name),
                date_of_birth=_born(pupil, shared=told("date_of_birth", None) is not NOT_SHARED),
                email=told("email", pupil.email),
                year=self._year(pupil.year or "") if told("year", pupil.year) is not NOT_SHARED else NOT_SHARED,
                form=told("form", pupil.form),
                upn=told("upn", pupil.upn),
            )

    def _year(self, number: str) -> Text:
        """Return the school's own name of a year; without the list of names none, for rules hang on the names."""
        if "years" not in self._filled:
            return NOT_SHARED
        return self._years.get(number, number)

    def _guardians(self, contacts: Sequence[wire.Contact]) -> Iterator[Found]:
        told = _told(self._contacts)
        people: dict[str, list[wire.Contact]] = {}
        for contact in sorted(contacts, key=_number):
            people.setdefault(self._guardian_ref(contact), []).append(contact)
        for ref, rows in people.items():
            names = {(row.given_name, row.family_name) for row in rows}
            if not ref or (len(names) > 1 and self._wishes.by_person):
                reason = "One PersonGuid stands for people of different names." if ref else "PersonGuid is blank."
                yield Unreadable(kind=Kind.GUARDIANS, ref=ref, reason=reason, place="contacts")
                continue
            for row in [_merged(rows)] if self._wishes.by_person else rows:
                yield Guardian(
                    ref=ref,
                    given_name=row.given_name,
                    family_name=row.family_name,
                    title=told("title", row.title),
                    email=told("email", row.email),
                    phone=told("phone", row.phone),
                )

    def _guardian_ref(self, contact: wire.Contact) -> str:
        if self._wishes.by_person:
            return contact.guid
        return f"{contact.number}-2" if contact.second else contact.number

    def _children(self, contact: wire.Contact) -> list[str]:
        """Return the students of a contact, "" for one whose SchoolId is not known; leavers and applicants are none."""
        return [ref for child in contact.children if (ref := self._student_ref(child)) is not None]

    def _student_ref(self, child: wire.Child) -> str | None:
        if child.row in self._refs:
            return self._refs[child.row]
        return child.ref if child.ref in self._known else None

    def _ties(self, contacts: Sequence[wire.Contact]) -> Iterator[Found]:
        told = _told(self._contacts)
        for contact in contacts:
            guardian = self._guardian_ref(contact)
            for student in self._children(contact):
                if not (student and guardian):
                    reason = _UNKNOWN_PUPIL if guardian else "PersonGuid is blank."
                    yield Unreadable(kind=Kind.TIES, ref=student, reason=reason, place="contacts")
                    continue
                yield Tie(
                    student_ref=student,
                    guardian_ref=guardian,
                    relationship=told("relationship", contact.relationship),
                    parental_responsibility=_said(contact.responsibility),
                )

    def _members(self) -> Iterator[Staff]:
        told = _told(self._staff)
        for member in self._staff:
            yield Staff(
                ref=member.ref,
                given_name=member.given_name,
                family_name=member.family_name,
                title=told("title", member.title),
                email=told("email", member.email),
                phone=told("phone", member.phone),
            )

    def _classes(self) -> Iterator[Class]:
        for form in self._forms:
            yield Class(ref=form.ref, name=form.name, year=self._year(form.year), subject="")
        named = "departments" in self._filled
        for one in self._sets:
            subject = self._subjects.get(one.subject, "") if named else NOT_SHARED
            yield Class(ref=one.ref, name=one.name, year=self._year(one.year), subject=subject)

    def _enrolments(self) -> Iterator[Found]:
        if self._forms:
            for pupil in self._pupils:
                if pupil.form:
                    yield Enrolment(class_ref=wire.form_ref(pupil.form), student_ref=pupil.ref)
            for form in sorted(self._unclear_forms):
                ref = wire.form_ref(form) if form else ""
                yield Unreadable(kind=Kind.ENROLMENTS, ref=ref, reason=_UNKNOWN_PUPIL, place="currentpupils")
        for seat in self._seats:
            student = self._student_ref(seat.child)
            if student:
                yield Enrolment(class_ref=seat.group, student_ref=student)
            elif student == "":
                yield Unreadable(kind=Kind.ENROLMENTS, ref=seat.group, reason=_UNKNOWN_PUPIL, place="setlists")

    def _teaching(self) -> Iterator[Found]:
        codes = {member.code: member.ref for member in self._staff if member.code}
        for group in [*self._forms, *self._sets]:
            for teacher in group.teachers:
                yield Teaching(class_ref=group.ref, staff_ref=teacher)
            if group.teacher_code in codes:
                yield Teaching(class_ref=group.ref, staff_ref=codes[group.teacher_code])
            elif group.teacher_code:
                reason = "It names its teacher by a code that no member of staff has."
                yield Unreadable(kind=Kind.TEACHING, ref=group.ref, reason=reason, place="sets")

    def _medical(self) -> Iterator[Found]:
        for student, field, text in self._notes(self._wishes.medical):
            if not student:
                yield Unreadable(kind=Kind.MEDICAL, ref="", reason=_UNKNOWN_PUPIL, place=self._wishes.health)
            else:
                yield Medical(student_ref=student, ref=field, condition=field, details=text)

    def _dietary(self) -> Iterator[Found]:
        for student, field, text in self._notes(self._wishes.dietary):
            if not student:
                yield Unreadable(kind=Kind.DIETARY, ref="", reason=_UNKNOWN_PUPIL, place=self._wishes.health)
            else:
                yield Dietary(student_ref=student, ref=field, need=text)

    def _notes(self, fields: frozenset[str]) -> Iterator[tuple[str, str, str]]:
        for row in self._health:
            student = self._student_ref(row.child)
            if student is not None:
                yield from ((student, field, text) for field, text in row.notes if field in fields and text)


def _remark(text: str) -> Remark:
    return Remark(text=text)


def _number(contact: wire.Contact) -> tuple[int, str, bool]:
    return (len(contact.number), contact.number, contact.second)


def _merged(rows: Sequence[wire.Contact]) -> wire.Contact:
    """One person's contacts, the lowest number first: it says who they are, the others fill what it leaves open."""
    person = rows[0]
    for field in ("title", "email", "phone"):
        said = next((value for row in rows if (value := getattr(row, field))), getattr(person, field))
        person = msgspec.structs.replace(person, **{field: said})
    return person


def _told(rows: Sequence[wire.Wire]) -> Callable[[str, str | None], Text]:
    """Return what turns an absent element into "" or `NOT_SHARED`.

    iSAMS leaves out what is empty, so absent in one row means empty, as long as any other row has the element. What no
    row has is not shared.
    """
    fields = rows[0].__struct_fields__ if rows else ()
    shared = {field for field in fields if any(getattr(row, field) is not None for row in rows)}

    def told(field: str, value: str | None) -> Text:
        if value is not None:
            return value
        return "" if field in shared else NOT_SHARED

    return told


def _born(pupil: wire.Pupil, *, shared: bool) -> Day:
    return pupil.date_of_birth if shared else NOT_SHARED


def _said(flag: bool | None) -> Flag:  # noqa: FBT001 -- a value, not a switch
    return NOT_SHARED if flag is None else flag


def _once(kind: Kind, found: Iterable[Found]) -> Iterator[Found]:
    """Yield rows that say the same once, and rows that contradict each other as unreadable, each of them."""
    said: dict[Hashable, list[Found]] = {}
    for record in found:
        if isinstance(record, Unreadable):
            yield record
            continue
        versions = said.setdefault(key_of(record), [])  # type: ignore[arg-type]
        if record not in versions:
            versions.append(record)
    for key, versions in said.items():
        if len(versions) == 1:
            yield versions[0]
            continue
        ref = key if isinstance(key, str) else key[0] if isinstance(key, tuple) else ""
        yield from (Unreadable(kind=kind, ref=ref, reason=_TWICE) for _ in versions)
