"""The lists of Wonde, one after the other, as records; each kind is complete only where its end is proven."""

import contextlib
import functools
from collections.abc import Generator, Iterator
from typing import Any, Final

from msgspec import UNSET

from sync.connectors.wonde import reading, wire
from sync.connectors.wonde.pages import MOST_ROWS, Api, Listing, NotOffered
from sync.connectors.wonde.sheets import Sheet
from sync.errors import Doubtful, Refused
from sync.records import Kind, Remark, RosterRecord

# A class and a group may have the same identifier: they are unique within their type only.
GROUP: Final = "group-"

OF_STUDENTS: Final = (
    *("education_details", "contact_details", "extended_details", "year", "registration"),
    *("medical_conditions", "medical_conditions.notes"),
)
OF_CONTACTS: Final = ("contact_details", "students")
OF_EMPLOYEES: Final = ("contact_details", "employment_details")
OF_CLASSES: Final = ("students", "employees", "subject")
OF_GROUPS: Final = ("students", "employees")
REGISTRATION: Final = {"type": "REGISTRATION"}

CLASSES_A_PAGE: Final = 25  # each comes with all its students

_COUNTED: Final = ("students", "contacts", "employees", "classes")
_ASKED_LATER: Final = frozenset({Kind.STUDENTS, Kind.STAFF})  # whether they list somebody whom a link names
_LESSONS: Final = (Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING)
_NO_STUDENTS: Final = (
    "Wonde sent no students. Look whether the region is right and the school's data have arrived at Wonde."
)
_OTHER_CLASSES: Final = {
    "classes": "It may keep registration groups only: choose them in the connection's settings.",
    "groups": "It may keep teaching classes only: choose them in the connection's settings.",
}


class Picture:
    """One pass through the lists, students first, because links may name people who are not on their lists.

    `classes` is "classes", "groups" or "both"; `counted` says whether Wonde's totals may throw doubt on a list.
    """

    def __init__(self, api: Api, *, classes: str, staff_email: str, counted: bool) -> None:
        self._api, self._counted = api, counted
        self._class_lists = ("classes", "groups") if classes == "both" else (classes,)
        self._employed = functools.partial(reading.employee, address=staff_email)
        self._totals: dict[str, int] = {}
        self._sheets: dict[Kind, Sheet] = {}
        self._proven: set[Kind] = set()
        self._forms: dict[str, str] = {}  # the registration groups that students say they are in: name by identifier
        self._outside = 0

    def records(self) -> Iterator[RosterRecord]:
        """Yield everything; raises `sync.errors`."""
        self._totals = self._api.counts(*_COUNTED) if self._counted else {}
        with contextlib.ExitStack() as open_sheets:
            self._sheets = {kind: open_sheets.enter_context(Sheet(kind)) for kind in Kind}
            yield from self._read_students()
            yield from self._read_contacts()
            yield from self._read_staff()
            yield from self._read_classes()
        if self._outside:
            yield Remark(text=f"{self._outside} links to people who are not on Wonde's lists were left out.")

    # Students, and what is known of their health

    def _read_students(self) -> Iterator[RosterRecord]:
        try:
            listing = self._api.listing("students", *OF_STUDENTS)
        except NotOffered as missing:
            raise Refused(no_access(missing)) from None
        yield from _lacking("students", listing)
        for raw in listing.rows():
            self._student(raw)
        students = self._sheets[Kind.STUDENTS]
        if not len(students):
            raise Doubtful(_NO_STUDENTS)
        if students.shares("ref") and not students.shares("given_name", "family_name"):
            raise Refused("Wonde shares no student's name. Allow forename and surname in the school's Wonde portal.")
        yield from self._told("students", Kind.STUDENTS, Kind.MEDICAL, Kind.DIETARY)

    def _student(self, raw: Any) -> None:
        ref = wire.ref_in(raw)
        row = self._sheets[Kind.STUDENTS].take((ref, ""), wire.StudentRow, raw, reading.student)
        if row:
            form, name = reading.form(row)
            self._forms |= {form: name} if form else {}
        self._conditions(ref, raw)
        self._needs(ref, row)

    def _conditions(self, student: str, raw: Any) -> None:
        sheet, rows = self._sheets[Kind.MEDICAL], wire.rows_in(raw, "medical_conditions")
        if rows is None or not student:
            sheet.spoil((student, ""), "Wonde did not send this student's medical conditions.", quiet=True)
            return
        for one in rows:
            draft = functools.partial(reading.condition, student=student, notes=wire.rows_in(one, "notes"))
            sheet.take((student, wire.ref_in(one)), wire.ConditionRow, one, draft)

    def _needs(self, student: str, row: wire.StudentRow | None) -> None:
        sheet, need = self._sheets[Kind.DIETARY], reading.dietary_text(row) if row else UNSET
        if need is UNSET:
            sheet.spoil((student, ""), "Wonde did not send this student's dietary needs.", quiet=True)
        elif isinstance(need, str) and need.strip():
            sheet.add((student, "dietary_needs"), {"student_ref": student, "ref": "dietary_needs", "need": need})

    # Contacts and their ties

    def _read_contacts(self) -> Iterator[RosterRecord]:
        listing = yield from self._open("contacts", *OF_CONTACTS)
        if listing:
            for raw in listing.rows():
                self._contact(raw)
            yield from self._told("contacts", Kind.GUARDIANS, Kind.TIES)

    def _contact(self, raw: Any) -> None:
        ref, ties = wire.ref_in(raw), self._sheets[Kind.TIES]
        self._sheets[Kind.GUARDIANS].take((ref, ""), wire.PersonRow, raw, reading.contact)
        rows = wire.rows_in(raw, "students")
        if rows is None:
            ties.spoil(("", ""), "Wonde did not send whose contact this is.", quiet=True, place=f"contact {ref}")
            return
        for one in rows:
            student = wire.ref_in(one)
            if not ref:
                ties.spoil((student, ""), "Wonde sent a contact of this student without an identifier.")
            elif self._known(Kind.STUDENTS, student):
                draft = functools.partial(reading.tie, guardian=ref)
                ties.take((student, ref), wire.ContactStudentRow, one, draft)

    # Staff

    def _read_staff(self) -> Iterator[RosterRecord]:
        listing = yield from self._open("employees", *OF_EMPLOYEES)
        if listing:
            for raw in listing.rows():
                self._sheets[Kind.STAFF].take((wire.ref_in(raw), ""), wire.EmployeeRow, raw, self._employed)
            yield from self._told("employees", Kind.STAFF)

    # Classes, registration groups, and who sits in and teaches them

    def _read_classes(self) -> Iterator[RosterRecord]:
        proven = True
        for path in self._class_lists:
            whole = yield from self._read_class_list(path)
            proven = proven and whole
        for kind in _LESSONS:
            yield from self._sheets[kind].records(proven=proven)

    def _read_class_list(self, path: str) -> Generator[RosterRecord, None, bool]:
        """Read classes or registration groups; return whether the list is proven to be whole."""
        groups = path == "groups"
        includes, only = (OF_GROUPS, REGISTRATION) if groups else (OF_CLASSES, {})
        listing = yield from self._open(path, *includes, most=CLASSES_A_PAGE, **only)
        if not listing:
            return False
        refs = [self._class(raw, groups=groups) for raw in listing.rows()]
        if not refs:
            yield Remark(text=f"Wonde has no {path} for this school. {_OTHER_CLASSES[path]}")
            return False
        doubt = self._doubt_groups(refs) if groups else self._doubt(path, len(self._sheets[Kind.CLASSES]))
        yield from doubt
        return not doubt

    def _class(self, raw: Any, *, groups: bool) -> tuple[str, str]:
        """Read one class; return its identifier and name."""
        own = wire.ref_in(raw)
        ref = f"{GROUP}{own}" if groups and own else own
        draft = functools.partial(reading.group, ref=ref) if groups else reading.class_
        sheet = self._sheets[Kind.CLASSES]
        row = sheet.take((ref, ""), wire.ClassRow, raw, draft)
        if not ref or sheet.lists(ref):
            self._seat(Kind.ENROLMENTS, ref, raw, "students", Kind.STUDENTS)
            self._seat(Kind.TEACHING, ref, raw, "employees", Kind.STAFF)
        name = reading.class_name(row) if row else ""
        return own, name if isinstance(name, str) else ""

    def _seat(self, kind: Kind, class_: str, raw: Any, relation: str, of: Kind) -> None:
        sheet, rows = self._sheets[kind], wire.rows_in(raw, relation)
        if rows is None or not class_:
            sheet.spoil((class_, ""), f"Wonde did not send the {relation} of this class.", quiet=True)
            return
        half = "student_ref" if of is Kind.STUDENTS else "staff_ref"
        for ref in map(wire.ref_in, rows):
            if not ref:
                sheet.spoil((class_, ""), "Wonde sent somebody in this class without an identifier.")
            elif self._known(of, ref):
                sheet.add((class_, ref), {"class_ref": class_, half: ref})

    # What proves a list, and what throws doubt on it

    def _open(
        self, path: str, *includes: str, most: int = MOST_ROWS, **only: str
    ) -> Generator[RosterRecord, None, Listing | None]:
        """Open a list; None, and a remark, if Wonde does not give it to us."""
        try:
            listing = self._api.listing(path, *includes, most=most, **only)
        except NotOffered as missing:
            yield _not_offered(path, missing)
            return None
        yield from _lacking(path, listing)
        return listing

    def _told(self, path: str, *kinds: Kind) -> Iterator[RosterRecord]:
        """Yield what a list said; its first kind is the list's own."""
        doubt = self._doubt(path, len(self._sheets[kinds[0]]))
        yield from doubt
        self._proven |= set() if doubt else {kinds[0]}
        for kind in kinds:
            yield from self._sheets[kind].records(proven=not doubt)
            if kind not in _ASKED_LATER:
                self._sheets[kind].close()

    def _doubt(self, path: str, found: int) -> tuple[Remark, ...]:
        """Hold a list against Wonde's own total, asked for again if it is short: it may have shrunk while we read."""
        told = self._totals.get(path)
        if told is None or found >= told or found >= self._api.counts(path).get(path, told):
            return ()
        return (
            Remark(
                text=f"Wonde counts {told} {path}, but {found} came, so the list is not taken as complete and nobody "
                "leaves. If it stays so, ask Wonde why, or do not use its totals (in the connection's settings)."
            ),
        )

    def _doubt_groups(self, listed: list[tuple[str, str]]) -> tuple[Remark, ...]:
        """Hold the registration groups, of which there is no total, against those that students say they are in."""
        refs, names = zip(*listed, strict=True)
        known = self._forms.keys() & set(refs)
        # That the identifiers are the same is likely, not documented: where none is, names have to do.
        lost = self._forms.keys() - known if known else set(self._forms.values()) - {"", *names}
        if not lost:
            return ()
        return (
            Remark(
                text=f"Wonde lists {len(listed)} registration groups, but students are in {len(lost)} more, so neither "
                "classes nor who is in them are taken as complete, and nothing is ended because of it."
            ),
        )

    def _known(self, kind: Kind, ref: str) -> bool:
        """Whether a link may name this person: not if a list proves that they are not there."""
        sheet = self._sheets[kind]
        if not ref or kind not in self._proven or sheet.nameless or sheet.lists(ref):
            return True
        self._outside += 1
        return False


def no_access(missing: NotOffered) -> str:
    """Say what to do about a school without students."""
    permission = f" (permission {missing.scope})" if missing.scope else ""
    return (
        f"Wonde does not give us the students of this school{permission}. Look in the school's Wonde portal whether "
        "our access is approved, and in the connection's settings whether the region and the school id are right."
    )


def _not_offered(path: str, missing: NotOffered) -> Remark:
    scope = missing.scope or f"{path}.read"
    return Remark(
        text=f"Wonde does not give us {path}: the permission {scope} is missing, or the MIS has none. Allow it in the "
        "school's Wonde portal; until then nothing is ended because of it."
    )


def _lacking(path: str, listing: Listing) -> Iterator[Remark]:
    if listing.lacking:
        names = (f"{name} (permission {scope})" if scope else name for name, scope in listing.lacking.items())
        yield Remark(text=f"{path}: Wonde does not give us {', '.join(names)} for this school.")
