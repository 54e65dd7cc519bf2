"""From a user's row to a student, a guardian or a member of staff."""

import collections
from collections.abc import Iterable, Iterator
from typing import Final

from sync.oneroster.metadata import Metadata, notes_of
from sync.oneroster.settings import NOTHING, RosterSettings
from sync.oneroster.wire import Class, Demographics, Said, User, day, first, text, word
from sync.records import NOT_SHARED, Day, Dietary, Guardian, Kind, Medical, Staff, Student, Text
from sync.records import Class as ClassRecord

PEOPLE: Final = (Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF)
_KINDS: Final = {
    "student": Kind.STUDENTS,
    **dict.fromkeys(("parent", "guardian", "relative"), Kind.GUARDIANS),
    **dict.fromkeys(("teacher", "administrator", "aide", "proctor", "counselor", "principal"), Kind.STAFF),
    **dict.fromkeys(("siteadministrator", "districtadministrator", "systemadministrator"), Kind.STAFF),
}


def kind_of(role: str | None) -> Kind | None:
    """Return what kind of person has this role, None if nobody knows."""
    return _KINDS.get(word(role))


def kinds_of(user: User) -> frozenset[Kind]:
    """Return all that a user is, here or elsewhere: in 1.2 one row can be a teacher's and a parent's."""
    return frozenset(kind for place in user.places if (kind := kind_of(place.role)))


class Clerk:
    """Writes the records of people, by the school's settings; `grade_key` is where the partner keeps a grade too."""

    def __init__(self, settings: RosterSettings, *, longest_name: int | None, grade_key: str) -> None:
        self._settings, self._longest, self._grade_key = settings, longest_name, grade_key
        self._years = settings.names_of_years()
        self._told: set[tuple[Kind, str]] = set()
        self.remarks: collections.Counter[str] = collections.Counter()

    def note(self, user: User) -> None:
        """Note which fields are told at all, before any record is written: what nobody has, nobody shares."""
        for kind in kinds_of(user):
            for field in ("email", "sms", "phone", "grades"):
                if getattr(user, field):
                    self._told.add((kind, field))

    def student(self, user: User, *, demographics: Demographics | None, form: Text) -> Student:
        """Return a student; `form` is the homeroom class."""
        said, keys = Metadata(user.metadata), self._settings
        return Student(
            ref=user.ref,
            given_name=self._name(user.given_name),
            family_name=self._name(user.family_name),
            preferred_name=self._preferred(user),
            date_of_birth=self._birth(demographics),
            email=self._said(user, Kind.STUDENTS, "email"),
            year=self._year(user),
            form=said.text(keys.form_key) if keys.form_key else form,
            upn=said.text(keys.upn_key),
        )

    def guardian(self, user: User) -> Guardian:
        """Return a guardian."""
        return Guardian(
            ref=user.ref,
            given_name=self._name(user.given_name),
            family_name=self._name(user.family_name),
            title=Metadata(user.metadata).text(self._settings.title_key),
            email=self._said(user, Kind.GUARDIANS, "email"),
            phone=self._said(user, Kind.GUARDIANS, "sms", "phone"),
        )

    def member(self, user: User) -> Staff:
        """Return a member of staff."""
        return Staff(
            ref=user.ref,
            given_name=self._name(user.given_name),
            family_name=self._name(user.family_name),
            title=Metadata(user.metadata).text(self._settings.title_key),
            email=self._said(user, Kind.STAFF, "email"),
            phone=self._said(user, Kind.STAFF, "sms", "phone"),
        )

    def class_(self, row: Class) -> ClassRecord:
        """Return a class."""
        year = self._named(text(first(row.grades)))
        return ClassRecord(ref=row.ref, name=row.title or "", year=year, subject=text(first(row.subjects)))

    def notes(self, user: User, *, demographics: Demographics | None) -> Iterator[Medical | Dietary]:
        """Yield the notes on a student, each once, wherever they stand."""
        sources = [Metadata(row.metadata) for row in (user, demographics) if row]
        for ref, note in {note.ref: note for note in notes_of(sources, self._settings.medical_key)}.items():
            yield Medical(student_ref=user.ref, ref=ref, condition=note.title, details=note.details)
        for ref, note in {note.ref: note for note in notes_of(sources, self._settings.dietary_key)}.items():
            yield Dietary(student_ref=user.ref, ref=ref, need=note.whole)

    def note_kinds(self) -> list[Kind]:
        """Return the kinds of notes that the feed shares."""
        keys = {Kind.MEDICAL: self._settings.medical_key, Kind.DIETARY: self._settings.dietary_key}
        return [kind for kind, key in keys.items() if key]

    def relationship(self, user: User) -> str:
        """Return what a guardian is to their students: the school's own label, else the role."""
        label = Metadata(user.metadata).text(self._settings.relationship_key)
        if isinstance(label, str) and label:
            return label
        role = next(place.role for place in user.places if kind_of(place.role) is Kind.GUARDIANS)
        return word(role).capitalize()

    def _name(self, said: str | None) -> str:
        name = said or ""
        if len(name) == self._longest:
            self.remarks[
                f"names are {self._longest} characters long, where the partner cuts them off, so their ends may be "
                "missing; compare them with the MIS."
            ] += 1
        return name

    def _preferred(self, user: User) -> Text:
        if key := self._settings.preferred_name_key:
            return Metadata(user.metadata).text(key)
        first_name = text(user.preferred_first_name)
        return first_name if first_name is not NOT_SHARED else text(user.preferred_given_name)

    def _birth(self, row: Demographics | None) -> Day:
        try:
            return day(row.birth_date) if row else NOT_SHARED
        except ValueError:
            self.remarks["birth dates cannot be read, and count as not shared."] += 1
            return NOT_SHARED

    def _year(self, user: User) -> Text:
        said = Metadata(user.metadata)
        if self._settings.year_key:
            return self._named(said.text(self._settings.year_key))
        grade = self._worded(Kind.STUDENTS, ["grades"], [first(user.grades)])
        return self._named(grade if grade is not NOT_SHARED else said.text(self._grade_key))

    def _named(self, grade: Text) -> Text:
        return self._years.get(grade, grade) if isinstance(grade, str) else grade

    def _said(self, user: User, kind: Kind, *fields: str) -> Text:
        return self._worded(kind, fields, [getattr(user, field) for field in fields])

    def _worded(self, kind: Kind, fields: Iterable[str], said: list[Said]) -> Text:
        """Return the first of several values that says something; "" if one is blank, or null and null means nothing.

        Null never clears a field that nobody of this kind has: then a permission was taken away.
        """
        values = [text(value) for value in said]
        if found := next((value for value in values if isinstance(value, str) and value.strip()), ""):
            return found
        clears = self._settings.null_means == NOTHING and any((kind, field) in self._told for field in fields)
        return "" if any(value is not NOT_SHARED for value in values) or (clears and None in said) else NOT_SHARED
