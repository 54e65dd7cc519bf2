"""What Wonde's simulator is asked and what is true: shared by the tests of the connector."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from local.simulators.server import running
from local.simulators.wonde import SCHOOL, TOKEN, wonde_id
from local.simulators.wonde import Wonde as Simulator
from local.world.build import crowd
from local.world.model import Night, StaffTruth
from sync.connectors.wonde import Wonde
from sync.connectors.wonde.connector import WondeSettings
from sync.connectors.wonde.picture import GROUP
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
from sync.records import (
    KIND_OF,
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
    Tie,
    Unreadable,
    key_of,
)

WORLD = crowd(students=120)
ALL = frozenset(Kind)
PEOPLE = {Kind.STUDENTS, Kind.MEDICAL, Kind.DIETARY}
KIN = {Kind.GUARDIANS, Kind.TIES}
LESSONS = {Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING}


def simulator(*faults: str, night: int = 1, **given: Any) -> Simulator:
    return Simulator(WORLD, night, faults=frozenset(faults), **given)


@contextmanager
def connected(
    served: Simulator, *, per_page: int = 200, timeout: tuple[float, float] = (10, 60), **given: str
) -> Iterator[Wonde]:
    """Connect to a simulator, and see to it that nothing but reading is tried."""
    given = {"token": TOKEN, "school": SCHOOL, "classes": "both"} | given
    tries = 2 if timeout[1] < 1 else 5
    http = Http(loopback=True, sleep=lambda _: None, timeout=timeout, tries=tries)
    with running(served) as url, http:
        try:
            yield type("Paged", (Wonde,), {"per_page": per_page})(WondeSettings(host=url, **given), http)
        finally:
            assert {request.method for request in served.requests} <= {"GET"}


def pull(served: Simulator, **how: Any) -> Extract:
    """Read a simulator's whole roster."""
    with connected(served, **how) as connector:
        return extract(connector)


def records(told: Extract) -> dict[Any, RosterRecord]:
    return {
        (type(one), key_of(one)): one for one in told.records if not isinstance(one, Complete | Unreadable | Remark)
    }


def remarks(told: Extract) -> str:
    return "\n".join(one.text for one in told.records if isinstance(one, Remark))


def unreadable(told: Extract, kind: Kind) -> list[tuple[str, str]]:
    """Return both halves of the key of what could not be read."""
    return [(one.ref, one.other_ref) for one in told.records if isinstance(one, Unreadable) and one.kind == kind]


def wrongly_absent(told: Extract) -> list[Any]:
    """Return what is there in truth, while this picture would prove that it is gone."""
    roster = normalise(told.records, today=NIGHT.date)
    return [key for kind, key in TRUTH if roster.proves_absence(kind=KIND_OF[kind], key=key)]


def truth(night: Night, *, classes: str = "both") -> dict[Any, RosterRecord]:
    """What Wonde can say of a night.

    It cannot say: leavers with a date (they are on another list), dates of leaving, the year of a class, and several
    dietary needs apart from each other.
    """
    said = [*_people(night), *_kin(night), *_lessons(night, classes), *_care(night)]
    return {(type(one), key_of(one)): one for one in said}


def _people(night: Night) -> Iterator[RosterRecord]:
    for one in on_roll(night).values():
        yield Student(
            ref=wonde_id(one.ref),
            given_name=one.given_name,
            family_name=one.family_name,
            preferred_name=one.preferred_name,
            date_of_birth=one.date_of_birth,
            email=one.email,
            year=one.year,
            form=one.form,
            upn=one.upn,
            left_on=NOT_SHARED,
        )
    for member in night.staff.values():
        yield _staff(member)


def on_roll(night: Night) -> dict[str, Any]:
    return {key: one for key, one in night.students.items() if one.left_on is None}


def _staff(one: StaffTruth) -> Staff:
    named = {"given_name": one.given_name, "family_name": one.family_name, "title": one.title}
    return Staff(ref=wonde_id(one.ref), **named, email=one.email, phone=one.phone, left_on=NOT_SHARED)


def _kin(night: Night) -> Iterator[RosterRecord]:
    ties = [tie for tie in night.ties.values() if tie.student in on_roll(night)]
    for key in {tie.guardian for tie in ties}:
        one = night.guardians[key]
        named = {"given_name": one.given_name, "family_name": one.family_name, "title": one.title}
        yield Guardian(ref=wonde_id(one.ref), **named, email=one.email, phone=one.phone)
    for tie in ties:
        yield Tie(
            student_ref=wonde_id(night.students[tie.student].ref),
            guardian_ref=wonde_id(night.guardians[tie.guardian].ref),
            relationship=tie.relationship,
            priority=tie.priority,
            parental_responsibility=tie.parental_responsibility,
            restricted=tie.restricted,
        )


def _lessons(night: Night, classes: str) -> Iterator[RosterRecord]:
    wanted = {"classes": (True,), "groups": (False,), "both": (True, False)}[classes]
    refs = {}
    for key, one in night.classes.items():
        if bool(one.subject) in wanted:
            refs[key] = wonde_id(one.ref) if one.subject else GROUP + wonde_id(one.ref)
            yield Class(ref=refs[key], name=one.name, subject=one.subject, year=NOT_SHARED)
    for seat in night.enrolments.values():
        if seat.class_key in refs:
            yield Enrolment(class_ref=refs[seat.class_key], student_ref=wonde_id(night.students[seat.student].ref))
    for lesson in night.teaching.values():
        if lesson.class_key in refs:
            yield Teaching(class_ref=refs[lesson.class_key], staff_ref=wonde_id(night.staff[lesson.staff].ref))


def _care(night: Night) -> Iterator[RosterRecord]:
    for note in night.medical.values():
        if note.student in on_roll(night):
            student = wonde_id(night.students[note.student].ref)
            ref = f"{student}{note.ref}"
            yield Medical(student_ref=student, ref=ref, condition=note.condition, details=note.details)
    for key, one in on_roll(night).items():
        needs = ", ".join(need.need for need in night.dietary.values() if need.student == key)
        if needs:
            yield Dietary(student_ref=wonde_id(one.ref), ref="dietary_needs", need=needs)


NIGHT = WORLD.at(1)
TRUTH = truth(NIGHT)
FIRST = wonde_id(next(iter(on_roll(NIGHT).values())).ref)


NIGHT = WORLD.at(1)
TRUTH = truth(NIGHT)
STUDENTS = [wonde_id(one.ref) for one in on_roll(NIGHT).values()]
FIRST, SECOND = STUDENTS[:2]
