"""The lists of Wonde, one after the other, as records; each kind is complete only where its end is proven."""

from collections.abc import Generator, Iterator, Mapping
from typing import Any, Final

from msgspec import UnsetType

from sync.connectors.wonde import reading, wire
from sync.connectors.wonde.pages import Api, Listing, NotOffered, no_access
from sync.connectors.wonde.reading import Sheet, Sorted, sort_rows
from sync.connectors.wonde.wire import RowError
from sync.errors import Doubtful, Refused
from sync.records import (
    Class,
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
    Tie,
)

# A class and a group may have the same identifier: they are unique within their type only.
GROUP: Final = "group-"

_OF_STUDENTS: Final = (
    "education_details",
    "contact_details",
    "extended_details",
    "year",
    "registration",
    "medical_conditions",
    "medical_conditions.notes",
)
_COUNTED: Final = ("students", "contacts", "employees", "classes")
_OTHER_CLASSES: Final = {
    "classes": "It may keep registration groups only: choose them in the connection's settings.",
    "groups": "It may keep teaching classes only: choose them in the connection's settings.",
}

_Sheets = tuple[Sheet, Sheet, Sheet]  # of classes, enrolments and teaching


class Picture:
    """One pass through the lists; it remembers who is there, because links may name people who are not."""

    def __init__(self, api: Api, *, classes: str, staff_email: str) -> None:
        self._api, self._classes, self._staff_email = api, classes, staff_email
        self._totals: dict[str, int] = {}
        # None while nobody can say who is there: then no link is left out.
        self._students: frozenset[str] | None = None
        self._staff: frozenset[str] | None = None
        self._outside = 0

    def records(self) -> Iterator[RosterRecord]:
        """Yield everything; raises `sync.errors`."""
        self._totals = self._api.counts(_COUNTED)
        yield from self._read_students()
        yield from self._read_contacts()
        yield from self._read_staff()
        yield from self._read_classes()
        if self._outside:
            yield Remark(text=f"{self._outside} links to people who are not on Wonde's lists were left out.")

    def _read_students(self) -> Iterator[RosterRecord]:
        try:
            listing = self._api.listing("students", includes=_OF_STUDENTS)
        except NotOffered as missing:
            raise no_access(missing) from None
        if not listing.rows:
            raise Doubtful(
                "Wonde sent no students. Look whether the region is right and the school's data have arrived at Wonde."
            )
        yield from _lacking("students", listing)
        found = sort_rows(Kind.STUDENTS, wire.StudentRow, listing.rows)
        doubt = self._doubt("students", found.total)
        self._students = None if doubt else found.refs
        yield from doubt
        yield from _students(found).records(proven=not doubt)
        yield from _told(_medical(found), proven=not doubt)
        yield from _told(_dietary(found), proven=not doubt)

    def _read_contacts(self) -> Iterator[RosterRecord]:
        try:
            listing = self._api.listing("contacts", includes=("contact_details", "students"))
        except NotOffered as missing:
            yield _not_offered("contacts", missing)
            return
        yield from _lacking("contacts", listing)
        found = sort_rows(Kind.GUARDIANS, wire.ContactRow, listing.rows)
        guardians, ties = Sheet(Kind.GUARDIANS, Guardian), Sheet(Kind.TIES, Tie)
        guardians.spoil(*found.unreadable)
        for row in found.unreadable:
            ties.spoil_ref("", row.reason)  # whose contact this is, nobody can tell
        for ref, contact in found.rows.items():
            guardians.add(reading.contact(ref, contact))
            self._tie(ties, ref, contact)
        doubt = self._doubt("contacts", found.total)
        yield from doubt
        yield from _told(guardians, proven=not doubt)
        yield from _told(ties, proven=not doubt)

    def _tie(self, ties: Sheet, guardian: str, row: wire.ContactRow) -> None:
        raws = wire.rows_in(row.students)
        if raws is None or isinstance(raws, UnsetType):
            ties.whole = False
            return
        found = sort_rows(Kind.TIES, wire.ContactStudentRow, raws)
        ties.spoil(*found.unreadable)
        for student, nested in self._known(found.rows, self._students):
            try:
                ties.add(reading.tie(student, guardian, nested))
            except RowError as fault:
                ties.spoil_ref(student, str(fault))

    def _read_staff(self) -> Iterator[RosterRecord]:
        try:
            listing = self._api.listing("employees", includes=("contact_details", "employment_details"))
        except NotOffered as missing:
            yield _not_offered("employees", missing)
            return
        yield from _lacking("employees", listing)
        found = sort_rows(Kind.STAFF, wire.EmployeeRow, listing.rows)
        sheet, gone = self._employees(found)
        doubt = self._doubt("employees", found.total)
        self._staff = None if doubt or found.refs is None else found.refs - gone
        yield from doubt
        yield from _told(sheet, proven=not doubt)

    def _employees(self, found: Sorted[wire.EmployeeRow]) -> tuple[Sheet, set[str]]:
        """Return the staff, and who is listed without being on it."""
        sheet, gone = Sheet(Kind.STAFF, Staff), set()
        sheet.spoil(*found.unreadable)
        for ref, row in found.rows.items():
            try:
                if reading.is_gone(row):
                    gone.add(ref)
                else:
                    sheet.add(reading.employee(ref, row, address=self._staff_email))
            except RowError as fault:
                sheet.spoil_ref(ref, str(fault))
        return sheet, gone

    def _read_classes(self) -> Iterator[RosterRecord]:
        paths = ("classes", "groups") if self._classes == "both" else (self._classes,)
        sheets = (Sheet(Kind.CLASSES, Class), Sheet(Kind.ENROLMENTS, Enrolment), Sheet(Kind.TEACHING, Teaching))
        proven = True
        for path in paths:
            whole = yield from self._read_class_list(path, sheets)
            proven = proven and whole
        for sheet in sheets:
            yield from _told(sheet, proven=proven)

    def _read_class_list(self, path: str, sheets: _Sheets) -> Generator[RosterRecord, None, bool]:
        """Read classes or registration groups into the sheets; return whether the list is proven to be whole."""
        registration = path == "groups"
        includes = ("students", "employees") if registration else ("students", "employees", "subject")
        only = {"type": "REGISTRATION"} if registration else None
        try:
            listing = self._api.listing(path, includes=includes, only=only)
        except NotOffered as missing:
            yield _not_offered(path, missing)
            return False
        yield from _lacking(path, listing)
        found = sort_rows(Kind.CLASSES, wire.ClassRow, listing.rows)
        doubt = self._doubt(path, found.total)  # of groups there is no total by type
        yield from doubt
        self._fill(sheets, found, registration=registration)
        if not found.total:
            yield Remark(text=f"Wonde has no {path} for this school. {_OTHER_CLASSES[path]}")
        return bool(found.total) and not doubt

    def _fill(self, sheets: _Sheets, found: Sorted[wire.ClassRow], *, registration: bool) -> None:
        classes, enrolments, teaching = sheets
        prefix = GROUP if registration else ""
        for bad in found.unreadable:
            for sheet in sheets:
                sheet.spoil_ref(f"{prefix}{bad.ref}" if bad.ref else "", bad.reason)
        for own, row in found.rows.items():
            if registration and not reading.is_registration(row):
                continue  # the filter was not understood
            ref = f"{prefix}{own}"
            classes.add(reading.class_(ref, row, registration=registration))
            self._seat(enrolments, ref, row.students, "student_ref", self._students)
            self._seat(teaching, ref, row.employees, "staff_ref", self._staff)

    def _seat(self, sheet: Sheet, ref: str, people: wire.Many, field: str, known: frozenset[str] | None) -> None:
        raws = wire.rows_in(people)
        if raws is None or isinstance(raws, UnsetType):
            sheet.whole = False
            return
        found = sort_rows(sheet.kind, wire.Row, raws)
        for bad in found.unreadable:
            sheet.spoil_ref(ref, bad.reason)
        for person, _ in self._known(found.rows, known):
            sheet.add({"class_ref": ref, field: person})

    def _known(self, rows: Mapping[str, Any], known: frozenset[str] | None) -> Iterator[tuple[str, Any]]:
        for ref, row in rows.items():
            if known is None or ref in known:
                yield ref, row
            else:
                self._outside += 1

    def _doubt(self, name: str, found: int) -> tuple[Remark, ...]:
        """Hold a list against Wonde's own total, asked for again if it changed while we read."""
        told = self._totals.get(name)
        if told is None or told == found or self._api.counts((name,)).get(name) == found:
            return ()
        return (Remark(text=f"Wonde counts {told} {name}, but {found} came. The list is not taken as complete."),)


def _students(found: Sorted[wire.StudentRow]) -> Sheet:
    sheet = Sheet(Kind.STUDENTS, Student)
    sheet.spoil(*found.unreadable)
    years = any(map(reading.has_year, found.rows.values()))
    for ref, row in found.rows.items():
        try:
            sheet.add(reading.student(ref, row, years=years))
        except RowError as fault:
            sheet.spoil_ref(ref, str(fault))
    if len(sheet) and not sheet.shares("given_name", "family_name"):
        raise Refused("Wonde shares no student's name. Allow forename and surname in the school's Wonde portal.")
    return sheet


def _medical(found: Sorted[wire.StudentRow]) -> Sheet:
    sheet = Sheet(Kind.MEDICAL, Medical)
    told = {student: wire.rows_in(row.medical_conditions) for student, row in found.rows.items()}
    if not any(isinstance(raws, list) for raws in told.values()):
        return sheet  # shared of nobody: that is said once, not of every student
    for bad in found.unreadable:
        sheet.spoil_ref(bad.ref, bad.reason)
    for student, raws in told.items():
        if isinstance(raws, list):
            _conditions(sheet, student, raws)
        else:
            sheet.spoil_ref(student, "Wonde did not send this student's medical conditions.")
    return sheet


def _conditions(sheet: Sheet, student: str, raws: list[Any]) -> None:
    found = sort_rows(Kind.MEDICAL, wire.ConditionRow, raws)
    for bad in found.unreadable:
        sheet.spoil_ref(student, bad.reason)
    for row in found.rows.values():
        try:
            sheet.add(reading.condition(student, row))
        except RowError as fault:
            sheet.spoil_ref(student, str(fault))


def _dietary(found: Sorted[wire.StudentRow]) -> Sheet:
    sheet = Sheet(Kind.DIETARY, Dietary)
    told = {student: reading.dietary_text(row) for student, row in found.rows.items()}
    if not any(isinstance(need, str) for need in told.values()):
        return sheet
    for bad in found.unreadable:
        sheet.spoil_ref(bad.ref, bad.reason)
    for student, need in told.items():
        if isinstance(need, UnsetType):
            sheet.spoil_ref(student, "Wonde did not send this student's dietary needs.")
        elif need and need.strip():
            sheet.add({"student_ref": student, "ref": "dietary_needs", "need": need})
    return sheet


def _told(sheet: Sheet, *, proven: bool) -> Iterator[RosterRecord]:
    yield from sheet.records(proven=proven)
    if not len(sheet):
        yield Remark(
            text=f"Wonde sent no {sheet.kind}: there are none, or they are not shared. Nothing ends because of it."
        )


def _not_offered(path: str, missing: NotOffered) -> Remark:
    scope = missing.scope or f"{path}.read"
    return Remark(
        text=f"Wonde does not give us {path}: the permission {scope} is missing, or the MIS has none. Allow it in the "
        "school's Wonde portal; until then nothing is ended because of it."
    )


def _lacking(path: str, listing: Listing) -> Iterator[Remark]:
    if listing.lacking:
        yield Remark(text=f"{path}: Wonde does not give us {', '.join(listing.lacking)} for this school.")
