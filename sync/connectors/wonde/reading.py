"""From Wonde's rows to our records: a null means "not shared" until another row of the same list proves otherwise."""

import dataclasses
import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar

from msgspec import UNSET, UnsetType

from sync.connectors.wonde import wire
from sync.connectors.wonde.wire import RowError, inside, ref_of, text
from sync.records import NOT_SHARED, Complete, Kind, Remark, RosterRecord, Unreadable

R = TypeVar("R", bound=wire.Row)
Draft = dict[str, Any]  # the fields of a record, each a value, None (null) or UNSET (no such key)

_PHONES: Final = ("phone", "primary", "mobile", "home", "work")
_EMAILS: Final = ("email", "primary", "home", "work")
_WORDS: Final = ("description", "name", "title")
_NOTE_WORDS: Final = ("text", "content", "note", "description", "summary", "title")
_NAMES: Final = frozenset({"given_name", "family_name", "name"})
_NULL_STAYS: Final = frozenset({"date_of_birth", "left_on", "priority", "parental_responsibility", "restricted"})
_TWICE: Final = "Wonde sent this twice with different contents."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sorted(Generic[R]):
    """The rows of one list under their identifiers, and what could not be used; a row that came twice is here once.

    `total` counts different people or classes, to be held against Wonde's own count.
    """

    rows: Mapping[str, R]
    unreadable: tuple[Unreadable, ...]
    total: int

    @property
    def refs(self) -> frozenset[str] | None:
        """Everybody who is there, readable or not; None if somebody is there whom nobody can name."""
        refs = frozenset(self.rows) | {row.ref for row in self.unreadable}
        return None if "" in refs else refs


def sort_rows(kind: Kind, shape: type[R], raws: Iterable[Any]) -> Sorted[R]:
    """Read each row on its own, so that a bad one spoils nothing but itself."""
    found: dict[str, list[R]] = {}
    bad: dict[Unreadable, None] = {}
    for raw in raws:
        try:
            row = wire.read(shape, raw)
        except RowError as fault:
            bad[Unreadable(kind=kind, ref=wire.raw_ref(raw), reason=str(fault))] = None
        else:
            copies = found.setdefault(ref_of(row), [])
            if row not in copies:
                copies.append(row)
    spoilt = {row.ref for row in bad}
    contested = {ref: copies for ref, copies in found.items() if len(copies) > 1 or ref in spoilt}
    twice = [Unreadable(kind=kind, ref=ref, reason=_TWICE) for ref, copies in contested.items() for _ in copies]
    return Sorted(
        rows={ref: copies[0] for ref, copies in found.items() if ref not in contested},
        unreadable=(*bad, *twice),
        total=len(found.keys() | spoilt - {""}) + sum(not row.ref for row in bad),
    )


class Sheet:
    """The drafts of one kind. Only when all are there can it be told which fields Wonde shares at all."""

    def __init__(self, kind: Kind, make: type[Any]) -> None:
        self.kind, self._make = kind, make
        self._drafts: list[Draft] = []
        self._bad: list[Unreadable] = []
        self._asked: dict[str, None] = {}
        self._shared: set[str] = set()
        self.whole = True  # False: a part was not sent, so that nothing proves an end

    def add(self, draft: Draft) -> None:
        """Note one record."""
        self._drafts.append(draft)
        for field, value in draft.items():
            self._asked[field] = None
            if value is not None and value is not UNSET:
                self._shared.add(field)

    def spoil(self, *rows: Unreadable) -> None:
        """Note what is there but cannot be used."""
        self._bad += rows

    def spoil_ref(self, ref: str, reason: str) -> None:
        """Note the same of one reference."""
        self.spoil(Unreadable(kind=self.kind, ref=ref, reason=reason))

    def __len__(self) -> int:
        return len(self._drafts)

    def shares(self, *fields: str) -> bool:
        """Whether one of these fields had a value anywhere."""
        return not self._shared.isdisjoint(fields)

    def records(self, *, proven: bool) -> Iterator[RosterRecord]:
        """Yield what was noted. An empty kind is never complete: no permission and the wrong host look the same."""
        yield from self._bad
        for draft in self._drafts:
            yield self._make(**{field: self._settled(field, value) for field, value in draft.items()})
        unshared = [field for field in self._asked if field not in self._shared]
        if unshared:
            yield Remark(text=_unshared(self.kind, unshared))
        if proven and self.whole and self._drafts:
            yield Complete(kind=self.kind, rows=len(self._drafts) + len(self._bad))

    def _settled(self, field: str, value: Any) -> Any:
        if value is UNSET or (value is None and field not in self._shared):
            return "" if field in _NAMES else NOT_SHARED
        return "" if value is None and field not in _NULL_STAYS else value


def _unshared(kind: Kind, fields: Iterable[str]) -> str:
    names = ", ".join(field.replace("_", " ") for field in fields)
    return (
        f"{kind}: Wonde sends nobody's {names}. If the MIS holds this, "
        "allow it in the school's Wonde portal; until then it is not shared."
    )


def student(ref: str, row: wire.StudentRow, *, years: bool) -> Draft:
    """Draft a student; `years` says whether the school has year groups in Wonde, else the national year is taken.

    Raises:
        RowError: a date is none.
    """
    education, reach = inside(row.education_details), inside(row.contact_details)
    given, called = text(row.legal_forename) or text(row.forename), text(row.forename)
    return {
        "ref": ref,
        "given_name": given,
        "family_name": text(row.surname) or text(row.legal_surname),
        "preferred_name": _preferred(row.legal_forename, given=given, called=called),
        "date_of_birth": wire.day(row.date_of_birth, field="date_of_birth"),
        "email": wire.first_text(_part(reach, "emails"), "email", "primary"),
        "year": _label(row.year) if years else text(_part(education, "current_nc_year")),
        "form": _label(row.registration),
        "upn": text(_part(education, "upn")),
        "left_on": wire.day(_part(education, "leaving_date"), field="leaving_date"),
    }


def has_year(row: wire.StudentRow) -> bool:
    """Whether a student is in a year group."""
    return isinstance(_label(row.year), str)


def contact(ref: str, row: wire.ContactRow) -> Draft:
    """Draft a guardian."""
    return {**_adult(ref, row), "email": _email(row, *_EMAILS)}


def employee(ref: str, row: wire.EmployeeRow, *, address: str) -> Draft:
    """Draft a member of staff; `address` is the e-mail address that this school uses.

    Raises:
        RowError: the end is no date.
    """
    return {**_adult(ref, row), "email": _email(row, address), "left_on": _ended(row)}


def is_gone(row: wire.EmployeeRow) -> bool:
    """Whether Wonde lists somebody who is no longer, or not yet, on the staff, without saying since when.

    Raises:
        RowError: `current` is neither yes nor no, or the end is no date.
    """
    current = wire.flag(_part(inside(row.employment_details), "current"), field="current")
    return current is False and not isinstance(_ended(row), datetime.date)


def class_(ref: str, row: wire.ClassRow, *, registration: bool) -> Draft:
    """Draft a class; a registration group has no subject."""
    name = wire.first_text(row, "name", "code", "description")
    return {"ref": ref, "name": name, "subject": "" if registration else _label(row.subject)}


def is_registration(row: wire.ClassRow) -> bool:
    """Whether a group is a registration group; where the type is not shared, the list was asked for them only."""
    return (text(row.type) or "REGISTRATION").upper() == "REGISTRATION"


def tie(student_ref: str, guardian_ref: str, row: wire.ContactStudentRow) -> Draft:
    """Draft what a contact is to a student; without the relationship object nothing is known, least of all a no.

    Raises:
        RowError: a value is of another shape than we know.
    """
    told = row.relationship
    return {
        "student_ref": student_ref,
        "guardian_ref": guardian_ref,
        "relationship": text(_part(told, "relationship")),
        "priority": wire.count(_part(told, "priority"), field="priority"),
        "parental_responsibility": wire.flag(_part(told, "parental_responsibility"), field="parental_responsibility"),
        "restricted": wire.flag(_part(told, "court_order"), field="court_order"),
    }


def condition(student_ref: str, row: wire.ConditionRow) -> Draft:
    """Draft a medical note.

    Raises:
        RowError: a note is of another shape than we know.
    """
    said = wire.first_text(row, *_WORDS)
    return {"student_ref": student_ref, "ref": ref_of(row), "condition": said or "", "details": _details(row)}


def dietary_text(row: wire.StudentRow) -> str | UnsetType | None:
    """Return the dietary needs of a student in the MIS's own words: one text, never split."""
    return text(_part(inside(row.extended_details), "dietary_needs"))


def _details(row: wire.ConditionRow) -> str | UnsetType | None:
    raws = wire.rows_in(row.notes)
    if raws is None or isinstance(raws, UnsetType):
        return raws
    words = [wire.first_text(wire.read(wire.NoteRow, raw), *_NOTE_WORDS) for raw in raws]
    spoken = [word for word in words if isinstance(word, str) and word.strip()]
    if len(spoken) < len(words):
        return UNSET  # notes whose words we cannot find are not "no details"
    return "\n".join(spoken) if spoken else None


def _ended(row: wire.EmployeeRow) -> datetime.date | UnsetType | None:
    return wire.day(_part(inside(row.employment_details), "employment_end_date"), field="employment_end_date")


def _adult(ref: str, row: wire.PersonRow) -> Draft:
    phones = _part(inside(row.contact_details), "phones")
    return {
        "ref": ref,
        "given_name": text(row.forename),
        "family_name": text(row.surname),
        "title": text(row.title),
        "phone": wire.first_text(phones, *_PHONES),
    }


def _email(row: wire.PersonRow, *names: str) -> str | UnsetType | None:
    return wire.first_text(_part(inside(row.contact_details), "emails"), *names)


def _preferred(legal: wire.Scalar, *, given: Any, called: Any) -> str | UnsetType | None:
    """Return a name to be called by, where it is another one than the legal one."""
    if legal is None or isinstance(legal, UnsetType):
        return legal
    return called if isinstance(called, str) and called != given else ""


def _label(relation: Any) -> str | UnsetType | None:
    named = inside(relation)
    if not isinstance(named, wire.Named):
        return None if named is None else UNSET
    return wire.first_text(named, "name", "code", "description")


def _part(whole: Any, name: str) -> Any:
    """Return a part of a part; where the whole is not there, nobody said that the part is empty."""
    return getattr(whole, name) if isinstance(whole, wire.Wire) else UNSET
