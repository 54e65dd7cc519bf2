"""OneRoster's CSV files, 1.0 to 1.2: what the manifest says of each, and what its rows say in our records.

A bulk file is the whole list. A delta file is what changed, so it never proves that anybody is gone: its rows arrive
and amend, and what it marks `tobedeleted` is left out and told in a remark, for a deleted record is not a leaver.
"""

import collections
import contextlib
import datetime
import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from sync.connectors.csv_files.cells import CellError, day
from sync.connectors.csv_files.foreign import Line, Listing, Names, by_stem
from sync.connectors.csv_files.lists import TWICE
from sync.connectors.csv_files.table import Source
from sync.errors import Broken, Doubtful
from sync.records import (
    KIND_OF,
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

_ROW: Final[Names] = {"ref": ("sourcedid",), "status": ("status",), "changed": ("datelastmodified", "datalastmodified")}
_COLUMNS: Final[dict[str, Names]] = {
    "orgs": {**_ROW, "type": ("type",), "parent": ("parentsourcedid", "parentorgsourcedid")},
    "users": {
        **_ROW,
        "role": ("role",),
        "orgs": ("orgsourcedids", "orgsourcedid"),
        "primary_org": ("primaryorgsourcedid",),
        "given_name": ("givenname",),
        "family_name": ("familyname",),
        "preferred_name": ("preferredgivenname", "prefferedgivenname", "preferredfirstname"),
        "email": ("email",),
        "sms": ("sms",),
        "phone": ("phone",),
        "agents": ("agentsourcedids", "agentsourceids", "agents"),
        "grades": ("grades", "grade"),
    },
    "roles": {
        **_ROW,
        "user": ("usersourcedid",),
        "role": ("role",),
        "org": ("orgsourcedid",),
        "begin": ("begindate",),
        "end": ("enddate",),
    },
    "classes": {
        **_ROW,
        "title": ("title",),
        "type": ("classtype",),
        "school": ("schoolsourcedid",),
        "grades": ("grades", "grade"),
        "subjects": ("subjects",),
    },
    "enrollments": {
        **_ROW,
        "class": ("classsourcedid",),
        "user": ("usersourcedid",),
        "role": ("role",),
        "begin": ("begindate",),
        "end": ("enddate",),
    },
    "demographics": {**_ROW, "ref": ("sourcedid", "usersourcedid"), "born": ("birthdate",)},
}
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "orgs": ("ref", "type"),
    "users": ("ref", "given_name", "family_name"),
    "roles": ("user", "role"),
    "classes": ("ref", "title"),
    "enrollments": ("class", "user", "role"),
    "demographics": ("ref",),
}
_ROLES: Final[dict[str, Kind]] = {
    "student": Kind.STUDENTS,
    **dict.fromkeys(("parent", "guardian", "relative"), Kind.GUARDIANS),
    **dict.fromkeys(("teacher", "administrator", "aide", "proctor", "counselor", "principal"), Kind.STAFF),
    **dict.fromkeys(("siteadministrator", "districtadministrator", "systemadministrator"), Kind.STAFF),
}
_PEOPLE: Final = (Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF)
_SEATS: Final = {"student": Kind.ENROLMENTS, "teacher": Kind.TEACHING}
_GUARDS: Final = frozenset({"parent", "guardian", "relative"})
_BESIDE: Final = frozenset({"administrator", "proctor", "aide", *_GUARDS})  # neither sit nor teach
_GONE: Final = frozenset({"tobedeleted", "inactive"})
_NAMELESS: Final = "sourcedId is blank: without it nobody can tell who or what this is."
_NO_ROLE: Final = "role is none of OneRoster's."
_NO_SCHOOL: Final = "orgSourcedIds is blank, so it cannot be told whether this is a person of our school."
_ALSO: Final = frozenset(
    ("academicsessions", "courses", "userprofiles", "userresources", "resources", "results", "categories", "lineitems")
)


class Mode(enum.StrEnum):
    """How much of a list a file holds."""

    ABSENT = "absent"
    BULK = "bulk"
    DELTA = "delta"


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A row of users.csv; a text is None where its column is not there."""

    ref: str
    role: str
    given_name: str
    family_name: str
    preferred_name: str | None
    email: str | None
    phone: str | None
    grade: str | None
    agents: list[str]
    orgs: list[str]
    gone: bool
    fault: str
    place: str


class Role(msgspec.Struct, frozen=True):
    """A row of roles.csv (1.2)."""

    role: str
    org: str


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A row of classes.csv."""

    ref: str
    title: str
    is_homeroom: bool
    year: str | None
    subject: str | None
    school: str
    gone: bool
    fault: str
    place: str


class Pair(msgspec.Struct, frozen=True):
    """The two halves of a tie or of a seat in a class."""

    first: str
    second: str


class Word(msgspec.Struct, frozen=True):
    """One text on disk."""

    text: str


def roster(
    sources: Iterable[Source], *, school: str, order: str, today: datetime.date, room: contextlib.ExitStack
) -> Iterator[RosterRecord]:
    """Yield what the files say; `school` is the sourcedId of ours, "" if there is only one.

    Raises:
        Broken: the files are not those that the manifest promises, lack a column, or hold one list twice.
        Doubtful: there are several schools and none is chosen, or no students.
    """
    package = _Package(by_stem(sources))
    desk = _Desk(package, school=school, order=order, today=today, room=room)
    yield from desk.out()


class _Package:
    """The files, and how much of its list each of them holds."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        said = dict(_manifest(sources["manifest"])) if "manifest" in sources else {}
        self.version = said.get("oneroster.version") or ("1.1" if said else "1.0")
        self.modes = self._modes(said)
        present = {name for name, mode in self.modes.items() if mode is not Mode.ABSENT}
        self.remarks = [f"Recognised as OneRoster CSV {self.version}."]
        self.remarks += [
            f"{name}.csv holds only what changed, so nobody is missed because of it."
            for name in sorted(present)
            if self.modes[name] is Mode.DELTA
        ]
        strange = sorted(sources.keys() - present - {"manifest"} - _ALSO)
        if strange:
            self.remarks.append(f"Not read, because the manifest or OneRoster has no such list: {', '.join(strange)}.")

    def _modes(self, said: Mapping[str, str]) -> dict[str, Mode]:
        if not said:  # 1.0 has no manifest: what is there is whole
            return {name: Mode.BULK if name in self._sources else Mode.ABSENT for name in _COLUMNS}
        modes = {name: _mode(said.get(f"file.{name}", "")) for name in _COLUMNS}
        lost = [name for name, mode in modes.items() if mode is not Mode.ABSENT and name not in self._sources]
        if lost:
            raise Broken(f"The manifest promises {lost[0]}.csv, but it is not there. Export everything again.")
        return modes

    def listing(self, name: str) -> Listing | None:
        """Return one of the lists, None if it is absent."""
        if self.modes[name] is Mode.ABSENT:
            return None
        return Listing(self._sources[name], _COLUMNS[name], needed=_NEEDED[name])


def _manifest(source: Source) -> Iterator[tuple[str, str]]:
    listing = Listing(source, {"name": ("propertyname",), "value": ("value",)}, needed=("name", "value"))
    for line in listing.lines():
        key = line.ref("name")
        yield (key.lower() if key.lower().startswith("file.") else key), line.ref("value")


def _mode(written: str) -> Mode:
    """Return a mode; a blank one means absent, as most who write it so mean it."""
    try:
        return Mode(written.lower() or Mode.ABSENT)
    except ValueError:
        raise Broken("The manifest calls a file neither absent, bulk nor delta. Export everything again.") from None


class _Desk:
    """Where the lists are joined. Rows wait on disk, so that memory does not grow with the school."""

    def __init__(
        self, package: _Package, *, school: str, order: str, today: datetime.date, room: contextlib.ExitStack
    ) -> None:
        self.package, self.school, self.order, self.today = package, school, order, today
        self.users = room.enter_context(Spool(User))
        self.roles = room.enter_context(Spool(Role))
        self.classes = room.enter_context(Spool(Group))
        self.births, self.forms = (room.enter_context(Spool(Word)) for _ in range(2))
        self.tied, self.teachers, self.retired = (room.enter_context(Spool(Word)) for _ in range(3))
        self.pairs = {kind: room.enter_context(Spool(Pair)) for kind in (Kind.ENROLMENTS, Kind.TEACHING, Kind.TIES)}
        self.whole = {name for name, mode in package.modes.items() if mode is Mode.BULK}
        self.has_homerooms = False
        self.undated = 0
        self.rows: collections.Counter[Kind] = collections.Counter()
        self.usable: collections.Counter[Kind] = collections.Counter()
        self.ours: frozenset[str] = frozenset()

    def out(self) -> Iterator[RosterRecord]:
        """Yield everything; every step needs the ones before it."""
        self.ours = self._ours()
        for step in (self._fill, self._groups, self._enrollments, self._ties, self._people, self._links):
            for record in step():
                yield self._counted(record)
        if not self.usable[Kind.STUDENTS] and "users" in self.whole:
            raise Doubtful("The files list no students of this school; nothing was changed. Look at users.csv.")
        yield from self._ends()

    def _counted(self, record: RosterRecord) -> RosterRecord:
        kind = record.kind if isinstance(record, Unreadable) else KIND_OF[type(record)]
        self.rows[kind] += 1
        self.usable[kind] += not isinstance(record, Unreadable)
        return record

    def _ends(self) -> Iterator[RosterRecord]:
        """Yield `Complete` for what rests on whole lists only, and holds something: nothing at all proves nothing."""
        people = {"users", "roles"} if self._has_roles else {"users"}
        seats = {"enrollments", "classes"} if self.ours else {"enrollments"}
        rests_on = {
            **dict.fromkeys((Kind.STUDENTS, Kind.GUARDIANS, Kind.TIES), people),
            Kind.STAFF: people | seats if self.ours else people,  # who teaches our classes is ours
            Kind.CLASSES: {"classes"},
            **dict.fromkeys((Kind.ENROLMENTS, Kind.TEACHING), seats),
        }
        if self.undated:
            yield Remark(text=f"{self.undated} birth dates cannot be read, and count as not shared.")
        for kind, lists in rests_on.items():
            if lists <= self.whole and self.usable[kind]:
                yield Complete(kind=kind, rows=self.rows[kind])
            elif lists <= self.whole:
                yield Remark(text=f"No {kind} came. That is not taken as an empty list, so nothing is ended by it.")
        yield from (Remark(text=text) for text in self.package.remarks)

    @property
    def _has_roles(self) -> bool:
        return self.package.modes["roles"] is not Mode.ABSENT

    def _lines(self, name: str) -> Iterator[tuple[Line, bool]]:
        """Yield the rows of a list, and of each whether it is gone; a row that says so makes its list a delta."""
        listing = self.package.listing(name)
        if listing is None:
            return
        self.package.remarks += listing.remarks
        gone = 0
        for line in listing.lines():
            is_gone = line.word("status") in _GONE
            gone += is_gone
            yield line, is_gone
        if gone:
            self.whole.discard(name)
            self.package.remarks.append(
                f"{name}.csv: {gone} rows are marked as deleted. They are left out, and nobody is ended by them: a "
                "deleted row may be a double. Send the whole list (bulk) to show who is gone."
            )

    def _ours(self) -> frozenset[str]:
        """Return our school and its parts; nothing if there is only one school, because then everything is ours.

        Only a whole list shows that there is one: a delta may hold our school alone, and a deleted school has people.
        """
        whole = self.package.modes["orgs"] is Mode.BULK
        parents: dict[str, str] = {}
        schools = []
        for line, gone in self._lines("orgs"):
            if line.fault:
                raise Broken(f"{line.place}: {line.fault}")
            schools += [line.ref("ref")] if line.word("type") == "school" else []
            if not gone:
                parents[line.ref("ref")] = line.ref("parent")
        if whole and self.school and self.school not in parents:
            raise Doubtful("The school set up here is not in orgs.csv; nothing was changed. Correct its reference.")
        if not self.school and len(schools) > 1:
            raise Doubtful(f"orgs.csv lists {len(schools)} schools: set up which is yours; nothing was changed.")
        if not self.school or (whole and len(schools) <= 1):
            return frozenset()
        found = {self.school}
        while more := {org for org, parent in parents.items() if parent in found} - found:
            found |= more
        return frozenset(found)

    def _is_ours(self, orgs: Iterable[str]) -> bool:
        return not self.ours or not self.ours.isdisjoint(orgs)

    def _fill(self) -> Iterator[RosterRecord]:
        """Put users, roles and birth dates on disk; yield the users without an identity."""
        for line, gone in self._lines("users"):
            if ref := line.ref("ref"):
                self.users.put(ref, _user(line, gone=gone))
            else:
                yield from _nobody((*_PEOPLE, Kind.TIES), "", line.fault or _NAMELESS, line.place)
        for line, gone in self._lines("roles"):
            try:
                self._put_role(line, gone=gone)
            except CellError as fault:
                # Whoever it is about may have no other role, and would look as if they were gone.
                self.whole.discard("roles")
                self.package.remarks.append(f"{line.place}: {fault} So nobody is ended by this list.")
        for line, gone in self._lines("demographics"):
            if not gone and line.ref("ref"):
                self.births.put(line.ref("ref"), Word("?" if line.fault else line.ref("born")))

    def _put_role(self, line: Line, *, gone: bool) -> None:
        """Keep a role that is held today under the next free number of its user.

        Raises:
            CellError: the row cannot be read.
        """
        user = line.ref("user")
        if line.fault or not user:
            raise CellError(line.fault or "userSourcedId is blank.")
        if gone or not _is_running(line, today=self.today, order=self.order):
            self.retired.put(user, Word(""))
            return
        number = 0
        while f"{user}\0{number}" in self.roles:
            number += 1
        self.roles.put(f"{user}\0{number}", Role(line.word("role"), line.ref("org")))

    def _roles_of(self, user: User) -> Iterator[Role]:
        """Yield what somebody is; up to 1.1 that stands in their own row, once."""
        number = 0
        while found := self.roles.get(f"{user.ref}\0{number}"):
            yield found
            number += 1
        if not number and user.role:
            for org in user.orgs or [""]:
                yield Role(user.role, org)

    def _kinds_of(self, user: User) -> frozenset[Kind]:
        return frozenset(_ROLES[role.role] for role in self._roles_of(user) if role.role in _ROLES)

    def _is_our(self, user: User, kind: Kind) -> bool:
        if not self.ours or self._is_ours(r.org for r in self._roles_of(user) if _ROLES.get(r.role) is kind):
            return True
        return user.ref in {Kind.GUARDIANS: self.tied, Kind.STAFF: self.teachers}.get(kind, ())

    def _groups(self) -> Iterator[RosterRecord]:
        for line, gone in self._lines("classes"):
            if ref := line.ref("ref"):
                self.classes.put(ref, _group(line, gone=gone))
            else:
                yield from _nobody([Kind.CLASSES], "", line.fault or _NAMELESS, line.place)
        for ref in self.classes.torn():
            yield from _nobody([Kind.CLASSES], ref, TWICE, "classes.csv")
        for group in self.classes.rows():
            if group.fault:
                yield from _nobody([Kind.CLASSES], group.ref, group.fault, group.place)
            elif not group.gone and self._is_ours([group.school]):
                self.has_homerooms = self.has_homerooms or group.is_homeroom
                year, subject = _shared(group.year), _shared(group.subject)
                yield Class(ref=group.ref, name=group.title, year=year, subject=subject)

    def _enrollments(self) -> Iterator[RosterRecord]:
        """Put who sits in and who teaches a class on disk; yield what cannot be read."""
        for line, gone in self._lines("enrollments"):
            group, user = self.classes.get(line.ref("class")), self.users.get(line.ref("user"))
            if gone or (user and user.gone) or (not line.fault and self._is_elsewhere(line.ref("class"), group)):
                continue
            kind = _SEATS.get(line.word("role"))
            try:
                fault = line.fault or self._put_seat(line, kind, group)
            except CellError as error:
                fault = str(error)
            if fault:
                kinds = [kind] if kind else _SEATS.values()
                yield from _nobody(kinds, line.ref("class"), fault, line.place, other_ref=line.ref("user"))

    def _is_elsewhere(self, ref: str, group: Group | None) -> bool:
        """Whether a class is another school's; one that came twice may be ours."""
        if group:
            return not self._is_ours([group.school])
        return bool(self.ours) and bool(ref) and ref not in self.classes

    def _put_seat(self, line: Line, kind: Kind | None, group: Group | None) -> str:
        """Keep a seat that is taken today; return what is wrong with it, "" if nothing is."""
        ref, user = line.ref("class"), line.ref("user")
        if kind is None:
            return "" if line.word("role") in _BESIDE else _NO_ROLE
        if not ref or not user:
            return "classSourcedId or userSourcedId is blank."
        if _is_running(line, today=self.today, order=self.order):
            self.pairs[kind].put(f"{ref}\0{user}", Pair(ref, user))
            if kind is Kind.TEACHING:
                self.teachers.put(user, Word(""))
            elif group and group.is_homeroom and group.title:
                self.forms.put(user, Word(group.title))
        return ""

    def _ties(self) -> Iterator[RosterRecord]:
        """Put on disk who belongs together, whichever of the two names the other (`agents`)."""
        for user in self.users.rows():
            mine = frozenset() if user.gone or user.fault else self._kinds_of(user)
            for ref in user.agents if mine else ():
                agent = self.users.get(ref)
                theirs = self._kinds_of(agent) if agent else frozenset({Kind.STUDENTS, Kind.GUARDIANS})
                if agent and agent.gone:
                    continue
                if Kind.STUDENTS in mine and Kind.GUARDIANS in theirs:
                    self._put_tie(user.ref, ref, user)
                elif Kind.GUARDIANS in mine and Kind.STUDENTS in theirs:
                    self._put_tie(ref, user.ref, agent)
        return iter(())

    def _put_tie(self, student: str, guardian: str, who: User | None) -> None:
        if not self.ours or (who and self._is_our(who, Kind.STUDENTS)):
            self.pairs[Kind.TIES].put(f"{student}\0{guardian}", Pair(student, guardian))
            self.tied.put(guardian, Word(""))

    def _people(self) -> Iterator[RosterRecord]:
        for ref in self.users.torn():
            yield from _nobody(_PEOPLE, ref, TWICE, "users.csv")
            yield from _nobody([Kind.TIES], "", TWICE, "users.csv")
        for user in self.users.rows():
            kinds = self._kinds_of(user)
            if user.gone or self._is_not_here(user, kinds):
                continue
            fault = user.fault or ("" if kinds else _NO_ROLE) or ("" if self._is_placed(user) else _NO_SCHOOL)
            if fault:
                yield from _nobody(kinds or _PEOPLE, user.ref, fault, user.place)
                # Ties are named by the student; an unreadable guardian could be tied to any.
                named = user.ref if kinds == {Kind.STUDENTS} else ""
                yield from _nobody([Kind.TIES] if kinds != {Kind.STAFF} else [], named, fault, user.place)
                continue
            for kind in sorted(kinds):
                if self._is_our(user, kind):
                    yield self._person(user, kind)

    def _is_not_here(self, user: User, kinds: frozenset[Kind]) -> bool:
        """Whether somebody is known to be nobody of ours: of another school alone, or with roles that have ended."""
        orgs = self._orgs_of(user)
        elsewhere = bool(orgs) and not user.fault and not self._is_ours(orgs) and not self._hangs_on_us(user)
        return elsewhere or (not kinds and user.ref in self.retired)

    def _is_placed(self, user: User) -> bool:
        return not self.ours or bool(self._orgs_of(user)) or self._hangs_on_us(user)

    def _orgs_of(self, user: User) -> list[str]:
        return user.orgs or [role.org for role in self._roles_of(user) if role.org]

    def _hangs_on_us(self, user: User) -> bool:
        return user.ref in self.tied or user.ref in self.teachers

    def _person(self, user: User, kind: Kind) -> RosterRecord:
        names: dict[str, Any] = {"ref": user.ref, "given_name": user.given_name, "family_name": user.family_name}
        email, phone = _shared(user.email), _shared(user.phone)
        if kind is Kind.GUARDIANS:
            return Guardian(**names, email=email, phone=phone)
        if kind is Kind.STAFF:
            return Staff(**names, email=email, phone=phone)
        return Student(
            **names,
            preferred_name=_shared(user.preferred_name),
            date_of_birth=self._born(user.ref),
            email=email,
            year=_shared(user.grade),
            form=self._form(user.ref),
        )

    def _born(self, ref: str) -> Day:
        said = self.births.get(ref)
        if said is None:
            self.undated += ref in self.births
            return NOT_SHARED
        try:
            return day(said.text, field="birthDate", order=self.order)
        except CellError:
            self.undated += 1
            return NOT_SHARED

    def _form(self, ref: str) -> Text:
        """Return the form; empty only if forms are shared and every seat was read, not shared if there are two."""
        if found := self.forms.get(ref):
            return found.text
        sure = self.has_homerooms and {"classes", "enrollments"} <= self.whole and ref not in self.forms
        return "" if sure else NOT_SHARED

    def _links(self) -> Iterator[RosterRecord]:
        for pair in self.pairs[Kind.TIES].rows():
            guardian = self.users.get(pair.second)
            words = sorted(r.role for r in self._roles_of(guardian) if r.role in _GUARDS) if guardian else []
            relationship = words[0].capitalize() if words else NOT_SHARED
            yield Tie(student_ref=pair.first, guardian_ref=pair.second, relationship=relationship)
        for pair in self.pairs[Kind.ENROLMENTS].rows():
            yield Enrolment(class_ref=pair.first, student_ref=pair.second)
        for pair in self.pairs[Kind.TEACHING].rows():
            yield Teaching(class_ref=pair.first, staff_ref=pair.second)


def _user(line: Line, *, gone: bool) -> User:
    grades = line.list("grades")
    numbers = [text for name in ("sms", "phone") if isinstance(text := line.text(name), str)]
    return User(
        ref=line.ref("ref"),
        role=line.word("role"),
        given_name=_said(line, "given_name") or "",
        family_name=_said(line, "family_name") or "",
        preferred_name=_said(line, "preferred_name"),
        email=_said(line, "email"),
        phone=next((number for number in numbers if number.strip()), "" if numbers else None),
        grade=grades[0] if grades else _said(line, "grades"),
        agents=line.list("agents"),
        orgs=line.list("orgs") or line.list("primary_org"),
        gone=gone,
        fault=line.fault,
        place=line.place if line.fault else "users.csv",  # or a row that comes twice would differ from itself
    )


def _group(line: Line, *, gone: bool) -> Group:
    grades, subjects = line.list("grades"), line.list("subjects")
    return Group(
        ref=line.ref("ref"),
        title=_said(line, "title") or "",
        is_homeroom=line.word("type") == "homeroom",
        year=grades[0] if grades else _said(line, "grades"),
        subject=subjects[0] if subjects else _said(line, "subjects"),
        school=line.ref("school"),
        gone=gone,
        fault=line.fault,
        place=line.place if line.fault else "classes.csv",
    )


def _nobody(kinds: Iterable[Kind], ref: str, reason: str, place: str, *, other_ref: str = "") -> Iterator[RosterRecord]:
    for kind in kinds:
        yield Unreadable(kind=kind, ref=ref, other_ref=other_ref, reason=reason, place=place)


def _said(line: Line, name: str) -> str | None:
    text = line.text(name)
    return text if isinstance(text, str) else None


def _shared(text: str | None) -> Text:
    return NOT_SHARED if text is None else text


def _is_running(line: Line, *, today: datetime.date, order: str) -> bool:
    """Whether a role or seat is of today; its last day counts, since systems differ on whether it does.

    Raises:
        CellError: a date cannot be read.
    """
    begin = day(line.ref("begin"), field="beginDate", order=order)
    end = day(line.ref("end"), field="endDate", order=order)
    return (begin is None or begin <= today) and (end is None or end >= today)
