"""From the collections of a OneRoster service to our records: whose they are, what they say, which kinds are proven.

Everything lies on disk: the collections as they came, and the links between them. So the rows are gone through three
times: once for ties, once for seats, and then for the people, of whom some are ours only by a tie or a class.
"""

import collections
import contextlib
import dataclasses
import datetime
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from sync.errors import Doubtful
from sync.oneroster.client import Api, Collection
from sync.oneroster.people import PEOPLE, Clerk, kind_of, kinds_of
from sync.oneroster.school import School
from sync.oneroster.seats import Calendar, lack_of
from sync.oneroster.seats import kinds_of as kinds_of_seat
from sync.oneroster.settings import RosterSettings
from sync.oneroster.wire import Class, Demographics, Enrollment, Org, Row, Session, Shape, User, word
from sync.records import (
    KIND_OF,
    NOT_SHARED,
    Complete,
    Enrolment,
    Kind,
    Remark,
    RosterRecord,
    Teaching,
    Text,
    Tie,
    Unreadable,
)
from sync.spool import Spool

_TWICE: Final = "It came twice with different contents; correct it in the MIS, or tell the operator of the service."
_NAMELESS: Final = "It has no sourcedId, so nobody can tell who or what it is."
_MASKED: Final = "The partner masks the name, so it is not taken; ask the district to share names with us."
_NO_ROLE: Final = "Its role is none that OneRoster knows; correct it in the MIS."
_NO_SCHOOL: Final = "It names no school, so nobody can tell whether it is of ours; give it one in the MIS."
_ONE_END: Final = "One of the two people it joins cannot be read, so it is neither made nor ended."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Partner:
    """What is a partner's own: where it cuts names off, and under which metadata key it keeps a grade too."""

    longest_name: int | None = None
    grade_key: str = ""


def roster(
    api: Api, settings: RosterSettings, *, now: datetime.datetime, partner: Partner = Partner()
) -> Iterator[RosterRecord]:
    """Read one school's picture.

    A kind is `Complete` only if all that it is made of was read to a proven end, and something came.

    Raises:
        Refused: the credentials do not reach the school, or `settings` do not say which of several is ours.
        Doubtful: the service lists no students.
        Busy, Broken: see `sync.errors`.
    """
    with Picture(api, settings, now=now, partner=partner) as picture:
        rows, usable = collections.Counter[Kind](), collections.Counter[Kind]()
        for record in picture.records():
            if isinstance(record, Unreadable):
                rows[record.kind] += 1
            else:
                rows[KIND_OF[type(record)]] += 1
                usable[KIND_OF[type(record)]] += 1
            yield record
        if not usable[Kind.STUDENTS]:
            raise Doubtful("The service lists no students of this school: ask what is shared with us. Nothing changed.")
        yield from (Complete(kind=kind, rows=rows[kind]) for kind in Kind if usable[kind] and picture.proves(kind))
        yield from (Remark(text=text) for text in picture.remarks(usable))


class Link(msgspec.Struct, frozen=True, omit_defaults=True):
    """What joins two rows, or is known of one: a `Kind` of record, or one of the words below."""

    what: str
    one: str
    other: str = ""
    word: str | None = None


_UNKNOWN_ROOM: Final = "unknown room"  # the student `one`, "" for any, sits in a class nobody can name
_FORM: Final = "form"  # of the student `one`: the title of the homeroom class
_FAMILY: Final = "family"  # `one` is tied to a student of ours
_TEACHES: Final = "teaches"  # `one` teaches a class of ours


class Picture:
    """One night of one school; a context manager, for it holds files."""

    def __init__(self, api: Api, settings: RosterSettings, *, now: datetime.datetime, partner: Partner) -> None:
        self._clerk = Clerk(settings, longest_name=partner.longest_name, grade_key=partner.grade_key)
        self._remarks: collections.Counter[str] = collections.Counter()
        self._forms = False
        with contextlib.ExitStack() as stack:

            def read(name: str, shape: type[Shape], *, optional: bool = True) -> Collection[Shape]:
                return stack.enter_context(api.collection(name, shape, optional=optional))

            self._orgs = read("orgs", Org, optional=False)
            self._school = School(self._orgs, named=settings.school)
            self._users = read("users", User, optional=False)
            self._classes = read("classes", Class)
            self._enrollments = read("enrollments", Enrollment)
            self._demographics = read("demographics", Demographics)
            self._sessions = read("academicSessions", Session)
            self._links = stack.enter_context(Spool(Link))
            self._stack = stack.pop_all()
        self._calendar = Calendar.of(self._sessions.rows.rows(), now=now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # What is proven, and what there is to say

    def proves(self, kind: Kind) -> bool:
        """Whether everything was read to its end that a record of this kind could have come from."""
        if kind is Kind.STAFF and self._knows(_TEACHES, "") and not self._school.alone:
            return False  # somebody teaches here, and nobody can tell who
        return all(part.proven for part in self._parts(kind))

    def _parts(self, kind: Kind) -> list[Collection[Any]]:
        own: dict[Kind, list[Collection[Any]]] = {
            Kind.CLASSES: [self._classes],
            Kind.ENROLMENTS: [self._enrollments],
            Kind.TEACHING: [self._enrollments],
            Kind.MEDICAL: [self._users, self._demographics],  # notes can stand in either
            Kind.DIETARY: [self._users, self._demographics],
        }
        needed = own.get(kind, [self._users])
        if self._school.alone:
            return needed
        # Of several schools, the orgs say which people and classes are ours, and the classes which seats and teachers.
        more: dict[Kind, list[Collection[Any]]] = {
            Kind.STAFF: [self._enrollments, self._classes],
            Kind.ENROLMENTS: [self._classes],
            Kind.TEACHING: [self._classes],
        }
        return [self._orgs, *needed, *more.get(kind, [])]

    def remarks(self, usable: collections.Counter[Kind]) -> Iterator[str]:
        """Yield what a person should know about this night's feed; `usable` counts the records that came."""
        for words, number in sorted([*self._remarks.items(), *self._clerk.remarks.items()]):
            yield f"{number:,} {words}"
        needed = (self._orgs, self._users, self._classes, self._enrollments, self._demographics)
        yield from (part.doubt for part in needed if part.doubt)
        for kind in Kind:
            asked = kind not in {Kind.MEDICAL, Kind.DIETARY} or kind in self._clerk.note_kinds()
            if asked and not usable[kind]:
                yield f"No {kind} came. That is not taken as an empty list, so nothing is ended by it."

    # The records

    def records(self) -> Iterator[RosterRecord]:
        """Yield all records; the links have to be known before the people are."""
        for user in self._users.rows.rows():
            self._clerk.note(user)
            yield from self._family(user)
        for row in self._enrollments.rows.rows():
            yield from self._seat(row)
        yield from self._joined()
        for room in self._classes.rows.rows():
            yield from self._class(room)
        for user in self._users.rows.rows():
            yield from self._person(user)
        yield from self._torn()

    def _torn(self) -> Iterator[Unreadable]:
        for ref in self._users.rows.torn():
            yield from _unreadable(PEOPLE, ref, _TWICE, place="users")
        for ref in self._classes.rows.torn():
            yield from _unreadable([Kind.CLASSES], ref, _TWICE, place="classes")

    # Ties

    def _family(self, user: User) -> Iterator[Unreadable]:
        """Note the ties of a user, whichever of the two ends names the other (`agents`)."""
        if user.is_gone:
            return
        for ref in user.agent_refs:
            agent = self._users.rows.get(ref)
            if agent and agent.is_gone:
                continue
            student, guardian = (user.ref, user), (ref, agent)
            ends = [
                (one, other) for one, other in ((student, guardian), (guardian, student)) if _may_tie(one[1], other[1])
            ]
            if not ends:
                self._remarks["agents are not a student and a guardian, and were left out."] += 1
            for one, other in ends:
                yield from self._tie(*one, *other)

    def _tie(self, student_ref: str, student: User | None, ref: str, guardian: User | None) -> Iterator[Unreadable]:
        belongs = self._belongs(student, Kind.STUDENTS) if student else self._school.alone
        if belongs is False:
            return
        self._link(_FAMILY, ref)
        if belongs is None or any(end and (_lack_of(end) or not kinds_of(end)) for end in (student, guardian)):
            yield Unreadable(kind=Kind.TIES, ref=student_ref, other_ref=ref, reason=_ONE_END, place="users")
        else:
            self._link(Kind.TIES, student_ref, ref, word=self._clerk.relationship(guardian) if guardian else None)

    # Seats

    def _seat(self, row: Enrollment) -> Iterator[Unreadable]:
        room, user = self._classes.rows.get(row.class_ref), self._users.rows.get(row.user_ref)
        if row.is_gone or (room and room.is_gone) or (user and user.is_gone) or not self._is_of_ours(row, room):
            return
        lack, over = lack_of(row), False
        try:
            over = self._calendar.is_over(row, room)
        except ValueError as fault:
            lack = lack or f"A date cannot be read. {fault}"
        for kind in kinds_of_seat(row) if lack or not over else ():
            if kind is Kind.TEACHING:
                self._link(_TEACHES, row.user_ref)
            if lack:
                if kind is Kind.ENROLMENTS and not row.user_ref:  # it may be anybody's form
                    self._link(_UNKNOWN_ROOM, "")
                place = f"enrollments, {row.ref}"
                yield Unreadable(kind=kind, ref=row.class_ref, other_ref=row.user_ref, reason=lack, place=place)
            else:
                self._note_seat(kind, row, room)

    def _note_seat(self, kind: Kind, row: Enrollment, room: Class | None) -> None:
        self._link(kind, row.class_ref, row.user_ref)
        if kind is Kind.ENROLMENTS and room is None:  # any class that could not be read may be their form
            self._link(_UNKNOWN_ROOM, row.user_ref)
        if kind is Kind.ENROLMENTS and room and room.title and word(room.class_type) == "homeroom":
            self._forms = True
            self._link(_FORM, row.user_ref, word=room.title)

    def _is_of_ours(self, row: Enrollment, room: Class | None) -> bool:
        """Whether an enrollment is, or may be, of a class of ours; where the class does not say, the row may."""
        school = (room.school if room else None) or row.school
        return self._school.owns(school) or (school is None and (room is not None or not row.class_ref))

    def _joined(self) -> Iterator[RosterRecord]:
        """Yield what joins two: several enrollments can say the same, and both ends name a tie."""
        for link in self._links.rows():
            match link.what:
                case Kind.TIES:
                    label = NOT_SHARED if link.word is None else link.word
                    yield Tie(student_ref=link.one, guardian_ref=link.other, relationship=label)
                case Kind.ENROLMENTS:
                    yield Enrolment(class_ref=link.one, student_ref=link.other)
                case Kind.TEACHING:
                    yield Teaching(class_ref=link.one, staff_ref=link.other)

    # Classes and people

    def _class(self, row: Class) -> Iterator[RosterRecord]:
        if row.is_gone or (row.school and not self._school.owns(row.school)):
            return
        lack = _lack(row) or ("" if self._school.owns(row.school) else _NO_SCHOOL)
        if lack:
            yield from _unreadable([Kind.CLASSES], row.ref, lack, place="classes")
        else:
            yield self._clerk.class_(row)

    def _person(self, user: User) -> Iterator[RosterRecord]:
        if user.is_gone:
            return
        kinds = kinds_of(user)
        lack = _lack_of(user) or ("" if kinds else _NO_ROLE)
        for kind in PEOPLE:
            belongs = self._belongs(user, kind) if kind in kinds or not kinds else False
            if belongs is None or (lack and belongs):
                yield from self._refuse(user, kind, lack or _NO_SCHOOL)
            elif belongs:
                yield from self._write(user, kind)

    def _belongs(self, user: User, kind: Kind) -> bool | None:
        """Whether a user is ours as one of this kind; None if nobody can tell, for they name no org at all."""
        if self._school.alone:
            return True
        orgs = [place.org for place in user.places if kind_of(place.role) in {kind, None}]
        here = {Kind.GUARDIANS: _FAMILY, Kind.STAFF: _TEACHES}.get(kind)
        if any(map(self._school.owns, orgs)) or (here and self._knows(here, user.ref)):
            return True
        if kind is Kind.GUARDIANS:  # theirs is a school only by their children
            return None if "agents" in user.lost else False
        return False if any(orgs) else None

    def _refuse(self, user: User, kind: Kind, lack: str) -> Iterator[Unreadable]:
        """Refuse a user: whoever it is counts as present, and so does all that could hang on them."""
        hanging: list[Kind] = [Kind.TIES, *self._clerk.note_kinds()] if kind is Kind.STUDENTS else []
        yield from _unreadable([kind, *hanging], user.ref, lack, place="users")
        if kind is Kind.GUARDIANS and "agents" in user.lost:
            yield from _unreadable([Kind.TIES], "", lack, place="users")  # they could be tied to any student

    def _write(self, user: User, kind: Kind) -> Iterator[RosterRecord]:
        if kind is Kind.GUARDIANS:
            yield self._clerk.guardian(user)
        elif kind is Kind.STAFF:
            yield self._clerk.member(user)
        else:
            more = self._demographics.rows.get(user.ref)
            more = None if more and more.is_gone else more
            yield self._clerk.student(user, demographics=more, form=self._form(user.ref))
            yield from self._clerk.notes(user, demographics=more)
            if more and more.fault:
                yield from _unreadable(self._clerk.note_kinds(), user.ref, more.fault, place="demographics")

    def _form(self, ref: str) -> Text:
        """Return the form; empty only if forms are shared at all, and every seat was read."""
        if self._knows(_FORM, ref):
            found = self._links.get(_key(_FORM, ref))
            if found and found.word:
                return found.word
            self._remarks["students sit in several homeroom classes, so their form stays as we know it."] += 1
            return NOT_SHARED
        unknown = self._knows(_UNKNOWN_ROOM, ref) or self._knows(_UNKNOWN_ROOM, "")
        sure = self._forms and self._classes.proven and self._enrollments.proven and not unknown
        return "" if sure else NOT_SHARED

    # Links

    def _link(self, what: str, one: str, other: str = "", *, word: str | None = None) -> None:
        self._links.put(_key(what, one, other), Link(what, one, other, word))

    def _knows(self, what: str, one: str) -> bool:
        return _key(what, one) in self._links


def _key(what: str, one: str, other: str = "") -> str:
    return f"{what}\0{one}\0{other}"


def _lack_of(user: User) -> str:
    return _lack(user) or (_MASKED if user.is_masked else "")


def _lack(row: Row) -> str:
    return row.fault or ("" if row.ref.strip() else _NAMELESS)


def _may_tie(student: User | None, guardian: User | None) -> bool:
    return _may_be(student, Kind.STUDENTS) and _may_be(guardian, Kind.GUARDIANS)


def _may_be(user: User | None, kind: Kind) -> bool:
    """Whether somebody can be of this kind: who is not listed, or has a role that nobody knows, can be anybody."""
    return user is None or kind in (kinds_of(user) or PEOPLE)


def _unreadable(kinds: Iterable[Kind], ref: str, reason: str, *, place: str) -> Iterator[Unreadable]:
    return (Unreadable(kind=kind, ref=ref, reason=reason, place=place) for kind in kinds)
