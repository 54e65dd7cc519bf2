"""The rows of all lists put together into records, and for each kind the word whether it was read to its end.

There are no pages and no totals: a document that came to its end holds the whole of every list in it (R12). A list
that is missing or empty proves nothing, and contacts who name current students that are not listed disprove it.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from sync.connectors.isams import wire
from sync.connectors.isams.lists import Lists
from sync.connectors.isams.messages import HEALTH, METHODS
from sync.connectors.isams.settings import IsamsSettings
from sync.connectors.isams.wire import BETWEEN
from sync.errors import Doubtful
from sync.records import (
    NOT_SHARED,
    Class,
    Complete,
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
)
from sync.spool import Spool

_TWICE: Final = "The reference appears twice with different contents."
_NAMELESS: Final = "The reference is blank: without it nobody can tell who or what this is."
_NO_CODE: Final = "It names its teacher by a code that no member of staff has."
_NO_PUPIL: Final = "It names a pupil whose own row has no SchoolId."
_NO_PUPILS: Final = (
    "iSAMS sent no pupils at all; nothing was changed. Either Pupil_GetCurrentPupils is no longer ticked for the batch "
    "API key, or a filter of the key hides everybody."
)
_MADE_OF: Final[Mapping[Kind, frozenset[str]]] = {  # lists, of those that the settings ask for
    Kind.STUDENTS: frozenset({"currentpupils"}),
    Kind.GUARDIANS: frozenset({"currentpupils", "contacts"}),
    Kind.TIES: frozenset({"currentpupils", "contacts"}),
    Kind.STAFF: frozenset({"currentstaff"}),
    Kind.CLASSES: frozenset({"forms", "sets"}),
    Kind.ENROLMENTS: frozenset({"currentpupils", "forms", "sets", "setlists"}),
    Kind.TEACHING: frozenset({"forms", "sets"}),
    Kind.MEDICAL: frozenset(),  # and of the health list, whose name is a setting
    Kind.DIETARY: frozenset(),
}
_PLACES: Final[Mapping[Kind, str]] = {  # where to look in iSAMS
    Kind.STUDENTS: "CurrentPupils",
    Kind.GUARDIANS: "Contacts",
    Kind.TIES: "Contacts",
    Kind.STAFF: "CurrentStaff",
    Kind.CLASSES: "Forms and Sets",
    Kind.ENROLMENTS: "CurrentPupils and SetLists",
    Kind.TEACHING: "Forms and Sets",
    Kind.MEDICAL: "the health list",
    Kind.DIETARY: "the health list",
}
# What a student who is hidden from us may have: all of it is absent without having ended.
_OF_STUDENTS: Final = frozenset(Kind) - {Kind.STAFF, Kind.CLASSES, Kind.TEACHING}


class Link(wire.Row, frozen=True, kw_only=True):
    """Two references, and what is said of them together."""

    refs: tuple[str, str]
    relationship: str | None = None
    responsibility: bool | None = None
    text: str = ""


R = TypeVar("R", bound=wire.Row)


class Picture:
    """Reads `Lists` when they hold everything."""

    def __init__(self, lists: Lists, settings: IsamsSettings) -> None:
        self._lists, self._settings = lists, settings
        self._hidden = 0  # children of contacts who are current and not listed

    def records(self) -> Iterator[RosterRecord]:
        """Yield everything, each kind followed by its `Complete` where nothing of it can be missing.

        Raises:
            Doubtful: there are no pupils.
        """
        lists, settings = self._lists, self._settings
        if next(lists.pupils.rows(), None) is None:
            raise Doubtful(_NO_PUPILS)
        with Spool(Link) as ties, Spool(wire.Adult) as adults:
            self._join(ties, adults)  # first, for it finds out whether somebody is hidden
            yield from self._kind(Kind.STUDENTS, lists.pupils, self._student)
            yield from self._kind(Kind.GUARDIANS, adults, self._guardian)
            yield from self._kind(Kind.TIES, ties, self._tie)
        yield from self._kind(Kind.STAFF, lists.staff, self._member)
        yield from self._kind(Kind.CLASSES, lists.groups, self._class)
        yield from self._linked(Kind.ENROLMENTS, self._seats(), _enrolment)
        yield from self._linked(Kind.TEACHING, self._posts(), _teaching)
        yield from self._linked(Kind.MEDICAL, self._notes(settings.medical), self._medical)
        yield from self._linked(Kind.DIETARY, self._notes(settings.dietary), _dietary)
        yield from (Remark(text=text) for text in self._remarks())

    def _kind(self, kind: Kind, rows: Spool[R], record: Callable[[R], RosterRecord]) -> Iterator[RosterRecord]:
        for row in rows.rows():
            yield _unreadable(kind, _refs(row), row.fault) if row.fault else record(row)
        for key in rows.torn():
            yield _unreadable(kind, key.split(BETWEEN), _TWICE if key else _NAMELESS)
        if len(rows) and self._is_whole(kind):
            yield Complete(kind=kind, rows=len(rows))

    def _linked(
        self, kind: Kind, found: Iterable[Link], record: Callable[[Link], RosterRecord]
    ) -> Iterator[RosterRecord]:
        with Spool(Link) as links:
            for link in found:
                links.put(BETWEEN.join(link.refs), link)
            yield from self._kind(kind, links, record)

    # What is whole

    def _is_whole(self, kind: Kind) -> bool:
        """Whether every list came that the kind is made of, with what every feed has in it."""
        lists, settings = self._lists, self._settings
        if kind in _OF_STUDENTS and self._hidden and settings.hidden == "no":
            return False
        needs = _MADE_OF[kind] & settings.lists or {settings.health}
        if not needs <= lists.filled:
            return False
        match kind:
            case Kind.TEACHING:
                return needs <= lists.taught
            case Kind.ENROLMENTS:
                return "forms" not in needs or lists.pupils.shares("form")
            case Kind.MEDICAL:
                return settings.medical <= lists.fields
            case Kind.DIETARY:
                return settings.dietary <= lists.fields
        return True

    def _remarks(self) -> Iterator[str]:
        lists, settings = self._lists, self._settings
        for name in sorted(settings.lists - lists.filled):
            yield (
                f"iSAMS sent nothing from {METHODS[name]}. Tick it for the batch API key, if it is to be read; until "
                "then nothing is ended because of it (a filter of the key, or a permission taken away, looks the same)."
            )
        yield from self._remarks_on_health()
        if self._hidden and settings.hidden == "no":
            yield (
                f"Contacts name current students who are not in the list of students, {self._hidden} times, so nobody "
                "leaves because of that list. Take the filter on students off the batch API key; if they are hidden "
                "from us on purpose, say so in the settings."
            )
        if lists.only:
            yield f"{lists.only} contacts are marked ContactOnly in iSAMS; they were left out and get no accounts."
        again = sum(1 for _ in lists.numbers.torn())
        if again and not settings.by_person:
            yield (
                f"{again} people have more than one contact number, so they appear several times. They become one if "
                "guardians are told apart by person; see the settings."
            )

    def _remarks_on_health(self) -> Iterator[str]:
        lists, settings = self._lists, self._settings
        if not settings.health and lists.fields:
            yield (
                f"iSAMS sends a health list with {', '.join(sorted(lists.fields))}. Enter in the settings which of "
                "these are medical notes and dietary needs; until then none is read."
            )
        elif settings.health not in lists.filled:
            yield (
                f"Medical notes and dietary needs are not shared. If they are to be read, tick {HEALTH} for a batch "
                "API key, and enter the names of its list and fields in the settings."
            )
        elif unseen := sorted((settings.medical | settings.dietary) - lists.fields):
            yield f"The health list of iSAMS never has the fields {', '.join(unseen)}; their notes stay as they are."

    # Whom a row means

    def _pupil(self, child: wire.Child) -> str | None:
        """Return the student whom another list names, "" if they are here without a SchoolId, None if they are not."""
        found = self._lists.rows.get(child.row)
        if found and found.ref:
            return found.ref
        if child.ref in self._lists.pupils or child.row in self._lists.rows:
            return child.ref
        return None

    def _join(self, ties: Spool[Link], adults: Spool[wire.Adult]) -> None:
        """Fill `ties`, and `adults` with those who have a child here: contacts of leavers and applicants are none."""
        people = self._lists.adults
        with Spool(wire.Ref) as tied:
            for bond in self._lists.bonds.rows():
                student = self._pupil(bond.child)
                if student is None:
                    self._hidden += bond.child.current
                    continue
                tied.put(bond.adult, wire.Ref(ref=bond.adult))
                link = Link(
                    refs=(student, bond.adult),
                    relationship=bond.relationship,
                    responsibility=bond.responsibility,
                    fault=bond.fault or ("" if student else _NO_PUPIL),
                )
                ties.put(BETWEEN.join(link.refs), link)
            for ref, rows in itertools.groupby(people.rows(by_key=True), lambda row: row.ref):
                if ref in tied:
                    adults.put(ref, functools.reduce(_merged, rows))
            for key in people.torn():
                ref = key.partition(BETWEEN)[0]
                if ref in tied:
                    adults.put(ref, wire.Adult(ref=ref, fault=_TWICE))

    def _seats(self) -> Iterator[Link]:
        lists = self._lists
        # Without the list of forms, a pupil's form is a word and not a class.
        shelves = [lists.seats, lists.places] if "forms" in lists.filled else [lists.seats]
        for seat in itertools.chain.from_iterable(shelf.rows() for shelf in shelves):
            student = self._pupil(seat.child)
            if student is not None or seat.fault:
                yield Link(refs=(seat.group, student or ""), fault=seat.fault or ("" if student else _NO_PUPIL))

    def _posts(self) -> Iterator[Link]:
        for post in self._lists.posts.rows():
            found = self._lists.codes.get(post.code) if post.code else None
            ref = found.ref if found else post.staff
            yield Link(refs=(post.group, ref), fault=_NAMELESS if not post.group else "" if ref else _NO_CODE)

    def _notes(self, fields: frozenset[str]) -> Iterator[Link]:
        for note in self._lists.notes.rows():
            student = self._pupil(note.child)
            if note.field in fields and (student is not None or note.fault):
                fault = note.fault or ("" if student else _NO_PUPIL)
                yield Link(refs=(student or "", note.field), text=note.text, fault=fault)

    # Rows into records

    def _student(self, row: wire.Pupil) -> Student:
        pupils = self._lists.pupils
        return Student(
            ref=row.ref,
            given_name=row.given_name,
            family_name=row.family_name,
            preferred_name=pupils.told(row, "preferred_name"),
            date_of_birth=row.date_of_birth if pupils.shares("date_of_birth") else NOT_SHARED,
            email=pupils.told(row, "email"),
            year=self._year(row.year or "") if pupils.shares("year") else NOT_SHARED,
            form=pupils.told(row, "form"),
            upn=pupils.told(row, "upn"),
        )

    def _medical(self, row: Link) -> Medical:
        student, field = row.refs
        return Medical(student_ref=student, ref=field, condition=self._settings.conditions[field], details=row.text)

    def _year(self, number: str) -> Text:
        """Return the school's own name of a year; without the list of names none, for rules hang on the names."""
        if "years" not in self._lists.filled:
            return NOT_SHARED
        return self._lists.years.get(number, number)

    def _guardian(self, row: wire.Adult) -> Guardian:
        told = functools.partial(self._lists.adults.told, row)
        return Guardian(
            ref=row.ref,
            given_name=row.given_name,
            family_name=row.family_name,
            title=told("title"),
            email=told("email"),
            phone=told("phone"),
        )

    def _member(self, row: wire.Adult) -> Staff:
        told = functools.partial(self._lists.staff.told, row)
        return Staff(
            ref=row.ref,
            given_name=row.given_name,
            family_name=row.family_name,
            title=told("title"),
            email=told("email"),
            phone=told("phone"),
        )

    def _class(self, row: wire.Group) -> Class:
        subject: Text = ""
        if row.subject is not None:
            named = "departments" in self._lists.filled
            subject = self._lists.subjects.get(row.subject, "") if named else NOT_SHARED
        return Class(ref=row.ref, name=row.name, year=self._year(row.year), subject=subject)

    def _tie(self, row: Link) -> Tie:
        student, guardian = row.refs
        return Tie(
            student_ref=student,
            guardian_ref=guardian,
            relationship=self._lists.bonds.told(row, "relationship"),
            parental_responsibility=NOT_SHARED if row.responsibility is None else row.responsibility,
        )


def _enrolment(row: Link) -> Enrolment:
    return Enrolment(class_ref=row.refs[0], student_ref=row.refs[1])


def _teaching(row: Link) -> Teaching:
    return Teaching(class_ref=row.refs[0], staff_ref=row.refs[1])


def _dietary(row: Link) -> Dietary:
    return Dietary(student_ref=row.refs[0], ref=row.refs[1], need=row.text)


def _refs(row: wire.Row) -> tuple[str, ...]:
    return row.refs if isinstance(row, Link) else (getattr(row, "ref", ""),)


def _unreadable(kind: Kind, refs: Iterable[str], reason: str) -> Unreadable:
    ref, *others = refs
    return Unreadable(kind=kind, ref=ref, other_ref="".join(others), reason=reason, place=_PLACES[kind])


def _merged(person: wire.Adult, other: wire.Adult) -> wire.Adult:
    """Join two contacts of one person: the lower number says who they are, the other fills what it leaves open."""
    fault = person.fault or other.fault
    if (person.given_name, person.family_name) != (other.given_name, other.family_name):
        fault = fault or "One PersonGuid stands for people of different names."
    said = {field: getattr(person, field) or getattr(other, field) for field in ("title", "email", "phone")}
    return msgspec.structs.replace(person, fault=fault, **said)
