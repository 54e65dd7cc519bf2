"""Forms and teaching classes, who sits in them and who teaches them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from local.world.dice import digest
from local.world.model import (
    Arrives,
    Change,
    ClassTruth,
    EnrolmentTruth,
    Leaves,
    Night,
    StaffTruth,
    StudentTruth,
    TeachingTruth,
)
from local.world.office import Office
from local.world.profiles import LAST_BY_FORM, LAST_PRIMARY, SIXTH_FORM, Profile, Year

PRIMARY: Final = "Primary"
BY_FORM: Final = ("English", "Science", "History", "Geography", "French", "Art", "PE", "Computing")
IN_SETS: Final = ("Maths",)
CORE: Final = ("English", "Science", "PE")
OPTIONS: Final = (
    "History",
    "Geography",
    "French",
    "Spanish",
    "Art",
    "Music",
    "Drama",
    "Computing",
    "Business",
    "Physics",
    "Biology",
    "Psychology",
)
SUBJECTS: Final = tuple(dict.fromkeys((PRIMARY, *BY_FORM, *IN_SETS, *OPTIONS)))


class Timetable:
    """The classes of one school, and the rule by which anybody of a year and form sits in them."""

    def __init__(self, *, profile: Profile, office: Office) -> None:
        self._years: Mapping[str, Year] = {year.label: year for year in profile.years}
        named = [found for year in profile.years for found in _classes(year)]
        self.classes = tuple(
            ClassTruth(key=key, ref=office.ref("class"), name=name, year=year, subject=subject)
            for key, name, year, subject in named
        )

    def classes_of(self, student: StudentTruth) -> tuple[str, ...]:
        """Return the classes (keys) this student sits in; a leaver sits in none."""
        if student.left_on is not None:
            return ()
        year = self._years[student.year]
        taught = tuple(f"{student.form}/{subject}" for subject in _by_form(year))
        sets = tuple(f"{year.label}/{subject} {_set_of(student, year, subject)}" for subject in _in_sets(year))
        options = tuple(
            f"{year.label}/{subject} {_group_of(student, year, subject)}" for subject in _chosen(student, year)
        )
        return (student.form, *taught, *sets, *options)

    def enrolments(self, students: Iterable[StudentTruth]) -> list[EnrolmentTruth]:
        """Return every seat taken by these students."""
        return [
            EnrolmentTruth(class_key=key, student=student.key)
            for student in students
            for key in self.classes_of(student)
        ]

    def settle(self, before: Night, after: Night) -> tuple[Change, ...]:
        """Return the seats that change hands because students came, moved or left between two pictures."""
        changes: list[Change] = []
        for key, student in after.students.items():
            was = before.students.get(key)
            if was == student:
                continue
            held = self.classes_of(was) if was else ()
            due = self.classes_of(student)
            changes.extend(Leaves(EnrolmentTruth, (seat, key)) for seat in held if seat not in due)
            changes.extend(Arrives(EnrolmentTruth(class_key=seat, student=key)) for seat in due if seat not in held)
        return tuple(changes)

    def teaching(self, staff: Sequence[StaffTruth], given: Sequence[TeachingTruth]) -> list[TeachingTruth]:
        """Share out the classes: each class to the teachers of its subject in turn, forms to all teachers in turn.

        Classes in `given` have their teacher already.
        """
        taken = {teaching.class_key for teaching in given}
        teachers = {subject: [one for one in staff if one.post == f"Teacher of {subject}"] for subject in SUBJECTS}
        everybody = [one for one in staff if one.post.startswith("Teacher of ") and one not in teachers[PRIMARY]]
        turns = dict.fromkeys((*SUBJECTS, ""), 0)
        teaching = []
        for found in self.classes:
            subject = found.subject or (PRIMARY if self._years[found.year].number <= LAST_PRIMARY else "")
            able = teachers.get(subject) or everybody
            if able and found.key not in taken:
                teaching.append(TeachingTruth(class_key=found.key, staff=able[turns[subject] % len(able)].key))
                turns[subject] += 1
        return teaching


def _by_form(year: Year) -> tuple[str, ...]:
    if year.number <= LAST_PRIMARY or year.number >= SIXTH_FORM:
        return ()
    return BY_FORM if year.number <= LAST_BY_FORM else CORE


def _in_sets(year: Year) -> tuple[str, ...]:
    return IN_SETS if LAST_PRIMARY < year.number < SIXTH_FORM else ()


def _options(year: Year) -> tuple[str, ...]:
    return OPTIONS if year.number > LAST_BY_FORM else ()


def _chosen(student: StudentTruth, year: Year) -> tuple[str, ...]:
    """Four options in the last years of school, three in the sixth form; the same for the same child on every night."""
    liked = sorted(_options(year), key=lambda subject: (digest(f"{student.key}/{subject}", below=10_000), subject))
    return tuple(liked[: _choices(year)])


def _choices(year: Year) -> int:
    return 3 if year.number >= SIXTH_FORM else 4


def _option_groups(year: Year) -> int:
    """Return how many classes an option needs so that it is rarely fuller than a form."""
    return max(1, math.ceil(year.size * _choices(year) / len(OPTIONS) / 25))


def _group_of(student: StudentTruth, year: Year, subject: str) -> int:
    return digest(f"{student.key}/{subject}/group", below=_option_groups(year)) + 1


def _set_of(student: StudentTruth, year: Year, subject: str) -> int:
    return digest(f"{student.key}/{subject}", below=len(year.forms)) + 1


def _classes(year: Year) -> list[tuple[str, str, str, str]]:
    """Key, name, year label and subject of each class of a year."""
    forms = [(form, form, year.label, "") for form in year.forms]
    taught = [
        (f"{form}/{subject}", f"{form} {subject}", year.label, subject)
        for form in year.forms
        for subject in _by_form(year)
    ]
    sets = [
        (f"{year.label}/{subject} {number}", f"{year.label} {subject} set {number}", year.label, subject)
        for subject in _in_sets(year)
        for number in range(1, len(year.forms) + 1)
    ]
    options = [
        (f"{year.label}/{subject} {number}", f"{year.label} {subject} {number}", year.label, subject)
        for subject in _options(year)
        for number in range(1, _option_groups(year) + 1)
    ]
    return [*forms, *taught, *sets, *options]
