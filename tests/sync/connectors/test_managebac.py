"""ManageBac's connector against the simulator of its API (R5, R12, R20)."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from local.simulators.managebac import TOKEN, ManageBac
from local.simulators.managebac_rows import (
    FORMER_STUDENT,
    FORMER_STUDENT_GRADUATED,
    advisors,
    class_id,
    relationship_of,
    user_id,
    year_group_id,
)
from local.world.build import crowd, world
from local.world.model import ClassTruth, Night, SchoolWorld
from sync.connectors import managebac
from sync.connectors.managebac.settings import VERSIONS
from sync.connectors.managebac.wire import BadRow, ParentRow, StudentRow, decode
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.pipeline.extract import Extract
from sync.pipeline.normalise import normalise
from sync.records import (
    NOT_SHARED,
    Class,
    Complete,
    Enrolment,
    Guardian,
    Kind,
    Record,
    Remark,
    Staff,
    Student,
    Teaching,
    Tie,
    Unreadable,
    key_of,
)
from tests.sync.connectors.managebac_feed import ask, of, pull, remarks

SCHOOL = crowd(students=42)
HIMAL = world().school("himal")
SHARED = frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}
SEATS = frozenset({Kind.ENROLMENTS, Kind.TEACHING})


def faulty(*faults: str, school: SchoolWorld = SCHOOL, **given: Any) -> Extract:
    return pull(ManageBac(school, 1, faults=frozenset(faults), **given))


def plain(found: Extract) -> set[Record]:
    return {record for record in found.records if not isinstance(record, Complete | Remark)}


# The truth, as far as ManageBac can say it


def room(school: SchoolWorld, night: Night, form: ClassTruth) -> str:
    """The homeroom that a registration form is, "" if nobody has it."""
    who = advisors(night, form.key)
    return f"hr:{who[0]}:{year_group_id(school, form.year)}" if who else ""


def class_refs(school: SchoolWorld, night: Night) -> Mapping[str, str]:
    return {key: str(class_id(one)) if one.subject else room(school, night, one) for key, one in night.classes.items()}


def the_students(school: SchoolWorld, night: Night, *, leavers: bool) -> Iterable[Student]:
    named = any(one.preferred_name for one in night.students.values() if leavers or not one.left_on)
    forms = {ref: one.name for one in the_classes(school, night) if (ref := one.ref).startswith("hr:")}
    refs = class_refs(school, night)
    for one in night.students.values():
        if leavers or not one.left_on:
            yield Student(
                ref=str(user_id(one)),
                given_name=one.given_name,
                family_name=one.family_name,
                preferred_name=one.preferred_name if named else NOT_SHARED,
                date_of_birth=one.date_of_birth,
                email=one.email,
                # Leavers are taken out of their year and homeroom, and no number follows a child (upn).
                year=NOT_SHARED if one.left_on else one.year,
                form=NOT_SHARED if one.left_on else forms.get(refs[one.form], ""),
                left_on=one.left_on,
            )


def the_adults(night: Night) -> Iterable[Guardian | Staff]:
    for one in night.guardians.values():
        yield Guardian(
            ref=str(user_id(one)),
            given_name=one.given_name,
            family_name=one.family_name,
            title=one.title if any(other.title for other in night.guardians.values()) else NOT_SHARED,
            email=one.email,
            phone=one.phone,
        )
    for who in night.staff.values():
        if not who.left_on:  # archived, and no title and no last day is said
            yield Staff(
                ref=str(user_id(who)),
                given_name=who.given_name,
                family_name=who.family_name,
                email=who.email,
                phone=who.phone,
            )


def the_classes(school: SchoolWorld, night: Night) -> list[Class]:
    people = {str(user_id(one)): f"{one.given_name} {one.family_name}" for one in night.staff.values()}
    taken = {seat.class_key for seat in night.enrolments.values()}
    found = []
    for one in night.classes.values():
        ref = class_refs(school, night)[one.key]
        if one.subject:
            found.append(Class(ref=ref, name=one.name, year=one.year, subject=one.subject))
        elif ref and one.key in taken:  # a homeroom is its students, and has no name of its own
            found.append(Class(ref=ref, name=f"{one.year} – {people[ref.split(':')[1]]}", year=one.year, subject=""))
    return found


def the_links(school: SchoolWorld, night: Night, *, leavers: bool) -> Iterable[Tie | Enrolment | Teaching]:
    refs = class_refs(school, night)
    for tie in night.ties.values():
        if leavers or not night.students[tie.student].left_on:
            guardian = night.guardians[tie.guardian]
            # No priority, no parental responsibility, no restriction: ManageBac has none of them.
            yield Tie(
                student_ref=str(user_id(night.students[tie.student])),
                guardian_ref=str(user_id(guardian)),
                relationship=relationship_of(tie),
            )
    for seat in night.enrolments.values():
        if refs[seat.class_key]:
            yield Enrolment(class_ref=refs[seat.class_key], student_ref=str(user_id(night.students[seat.student])))
    named = {one.ref for one in the_classes(school, night)}
    for post in night.teaching.values():
        if refs[post.class_key] in named:
            yield Teaching(class_ref=refs[post.class_key], staff_ref=str(user_id(night.staff[post.staff])))


def truth(school: SchoolWorld, night: int, *, leavers: bool = False) -> set[Record]:
    picture = school.at(night)
    return {
        *the_students(school, picture, leavers=leavers),
        *the_adults(picture),
        *the_classes(school, picture),
        *the_links(school, picture, leavers=leavers),
    }


# A good night


@pytest.mark.parametrize("school", [SCHOOL, HIMAL], ids=["crowd", "himal"])
@pytest.mark.parametrize("night", [1, 2])
def test_roster_is_the_truth(school: SchoolWorld, night: int):
    found = pull(ManageBac(school, night))
    assert plain(found) == truth(school, night)
    assert found.complete == SHARED
    assert not found.unreadable
    assert not remarks(found)


def test_leavers_come_with_their_last_day_if_the_school_wants_them():
    found = pull(ManageBac(HIMAL, 2), leavers="yes")
    students = {student.ref: student for student in of(Student, found)}
    former = students[str(FORMER_STUDENT)]
    assert former.left_on == FORMER_STUDENT_GRADUATED
    assert any(one.left_on for one in HIMAL.at(2).students.values())
    # Every parent in the simulator still names the former student, who is here now.
    assert {r for r in plain(found) if former.ref not in _refs(r)} == truth(HIMAL, 2, leavers=True)
    assert found.complete == SHARED


def test_homerooms_stay_out_if_the_school_wants_none():
    found = pull(ManageBac(SCHOOL, 1), homerooms="no")
    expected = {r for r in truth(SCHOOL, 1) if not any(str(part).startswith("hr:") for part in _refs(r))}
    assert {r for r in plain(found) if not isinstance(r, Student)} == {
        r for r in expected if not isinstance(r, Student)
    }
    assert {student.form for student in of(Student, found)} == {NOT_SHARED}
    assert found.complete == SHARED


def _refs(record: Record) -> tuple[str, ...]:
    key = key_of(record)  # type: ignore[arg-type]
    return (key,) if isinstance(key, str) else key


@pytest.mark.parametrize("most", [1, 2, 100])
def test_size_of_pages_makes_no_difference(most: int):
    small = crowd(students=14)
    found = pull(ManageBac(small, 1, most=most))
    assert plain(found) == truth(small, 1)
    assert found.complete == SHARED


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_reads(version: str):
    assert pull(ManageBac(SCHOOL, 1), version=version).complete == SHARED


def test_each_list_is_asked_for_once():
    simulator = ManageBac(SCHOOL, 1)
    pull(simulator)
    paths = [request.path for request in simulator.requests if request.query["page"] == "1"]
    assert sorted(paths) == [f"/v2/{name}" for name in ("classes", "memberships", "parents", "students", "teachers")]


def test_normalised_roster_has_nothing_to_complain_of_in_ties_and_seats():
    night = SCHOOL.at(1)
    roster = normalise(pull(ManageBac(SCHOOL, 1)).records, today=night.date)
    assert not [refusal for refusal in roster.refusals if refusal.kind in {Kind.TIES, *SEATS, Kind.CLASSES}]


# Faults that end the pull


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("revoked", Refused),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("down-later", Busy),
        ("cut-for-ever", Busy),
        ("html", Broken),
        ("no-meta", Broken),
        ("no-list", Broken),
        ("stuck-page", Broken),
        ("repeat-page", Broken),
        ("empty", Doubtful),
    ],
)
def test_fault_ends_the_pull(fault: str, error: type[SyncError], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error) as caught:
        faulty(fault, most=20)
    said = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert TOKEN not in said
    assert not any(one.family_name in str(caught.value) for one in SCHOOL.at(1).students.values())


def test_silence_is_busy():
    with pytest.raises(Busy):
        pull(ManageBac(SCHOOL, 1, faults=frozenset({"hang"})), timeout=(1, 0.2), tries=2)


def test_wrong_token_is_refused_and_said():
    with pytest.raises(Refused, match="does not accept the token") as caught:
        pull(ManageBac(SCHOOL, 1), token="another-token-9876")
    assert "another-token-9876" not in str(caught.value)


def test_missing_permission_for_students_is_refused_by_name():
    with pytest.raises(Refused, match="“Students”"):
        pull(ManageBac(SCHOOL, 1, permissions=frozenset({"parents", "teachers"})))


# Faults that are lived with


HARMLESS = ("throttled", "flaky", "cut", "rate-limited", "maintenance", "text-flags", "everybody", "duplicate")


@pytest.mark.parametrize("fault", HARMLESS)
def test_fault_makes_no_difference(fault: str):
    found = faulty(fault, most=60)
    assert plain(found) == truth(SCHOOL, 1)
    assert found.complete == SHARED


@pytest.mark.parametrize("fault", ["wrong-total", "no-total", "missing-more", "empty-page", "shift"])
def test_unproven_lists_are_not_complete(fault: str):
    found = faulty(fault, most=10)
    assert not found.complete
    assert remarks(found).count("complete") >= 5
    assert plain(found)


@pytest.mark.parametrize(
    ("gone", "untouched"),
    [
        ("parents", SHARED - {Kind.GUARDIANS, Kind.TIES}),
        ("teachers", SHARED - {Kind.STAFF}),
        ("classes", SHARED - {Kind.CLASSES, *SEATS}),
        ("memberships", SHARED - SEATS),
    ],
)
def test_missing_permission_is_named_and_nothing_is_complete_that_needs_it(gone: str, untouched: frozenset[Kind]):
    permissions = frozenset({"students", "parents", "teachers", "classes", "memberships"}) - {gone}
    found = pull(ManageBac(SCHOOL, 1, permissions=permissions))
    assert found.complete == untouched
    assert f"permit “{gone.capitalize()}” to the token" in remarks(found)


def test_permission_lost_for_parents_ends_no_parent():
    found = faulty("parents-forbidden")
    assert found.complete == SHARED - {Kind.GUARDIANS, Kind.TIES}
    assert not of(Guardian, found)


def test_empty_list_of_parents_proves_nothing():
    found = faulty("empty-parents")
    assert found.complete == SHARED - {Kind.GUARDIANS, Kind.TIES}
    assert "parents: the list is empty" in remarks(found)


@pytest.mark.parametrize("fault", ["null-fields", "absent-fields"])
def test_fields_switched_off_are_not_shared_and_homerooms_not_ended(fault: str):
    found = faulty(fault)
    students = of(Student, found)
    assert {(s.email, s.preferred_name, s.form) for s in students} == {(NOT_SHARED, NOT_SHARED, NOT_SHARED)}
    assert {person.email for person in of(Guardian, found)} == {NOT_SHARED}
    assert {person.email for person in of(Staff, found)} == {NOT_SHARED}
    assert {one.subject for one in of(Class, found)} == {NOT_SHARED}
    assert found.complete == SHARED - {Kind.CLASSES, *SEATS}
    assert "homerooms:" in remarks(found)


def test_fields_switched_off_do_not_matter_to_classes_without_homerooms():
    found = pull(ManageBac(SCHOOL, 1, faults=frozenset({"absent-fields"})), homerooms="no")
    assert found.complete == SHARED


def test_row_that_differs_from_itself_is_unreadable():
    found = faulty("duplicate-differs")
    twice = {record.kind for record in of(Unreadable, found)}
    assert twice == {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.CLASSES}  # of a membership we read no name
    ref = str(user_id(next(iter(SCHOOL.at(1).students.values()))))
    assert [u.ref for u in of(Unreadable, found) if u.kind is Kind.STUDENTS] == [ref]
    assert ref not in {student.ref for student in of(Student, found)}
    assert found.complete == {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF}


def test_bad_student_is_unreadable_and_keeps_everything_that_hangs_on_them():
    found = faulty("bad-student")
    student = next(iter(SCHOOL.at(1).students.values()))
    (bad,) = [u for u in of(Unreadable, found) if u.kind is Kind.STUDENTS]
    assert (bad.ref, bad.place) == (str(user_id(student)), "students, page 1")
    assert "birthday" in bad.reason
    assert "soon" not in bad.reason
    assert found.complete == SHARED - {Kind.CLASSES, *SEATS}  # they may sit in any homeroom
    roster = normalise(found.records, today=SCHOOL.at(1).date)
    for tie in SCHOOL.at(1).ties_of(student.key):
        key = (bad.ref, str(user_id(SCHOOL.at(1).guardians[tie.guardian])))
        assert not roster.proves_absence(kind=Kind.TIES, key=key)


def test_bad_parent_is_unreadable_and_keeps_the_ties():
    found = faulty("bad-parent")
    night = SCHOOL.at(1)
    guardian = next(iter(night.guardians.values()))
    assert found.complete == SHARED
    roster = normalise(found.records, today=night.date)
    assert not roster.proves_absence(kind=Kind.GUARDIANS, key=str(user_id(guardian)))
    for child in night.children_of(guardian.key):
        assert not roster.proves_absence(kind=Kind.TIES, key=(str(user_id(child)), str(user_id(guardian))))


def test_class_without_id_ends_no_class_and_no_seat():
    found = faulty("bad-class")
    roster = normalise(found.records, today=SCHOOL.at(1).date)
    lost = next(one for one in SCHOOL.at(1).classes.values() if one.subject)
    assert not roster.proves_absence(kind=Kind.CLASSES, key=str(class_id(lost)))
    for seat in SCHOOL.at(1).enrolments.values():
        if seat.class_key == lost.key:
            key = (str(class_id(lost)), str(user_id(SCHOOL.at(1).students[seat.student])))
            assert not roster.proves_absence(kind=Kind.ENROLMENTS, key=key)


def test_membership_without_a_role_keeps_only_itself_from_ending():
    found = faulty("bad-membership")
    night = SCHOOL.at(1)
    seat = next(one for one in night.enrolments.values() if night.classes[one.class_key].subject)
    key = (str(class_id(night.classes[seat.class_key])), str(user_id(night.students[seat.student])))
    bad = [u for u in of(Unreadable, found) if "role" in u.reason]
    assert {(u.kind, u.ref, u.other_ref) for u in bad} == {(kind, *key) for kind in SEATS}
    assert found.complete == SHARED
    roster = normalise(found.records, today=night.date)
    assert not roster.proves_absence(kind=Kind.ENROLMENTS, key=key)
    assert not roster.proves_absence(kind=Kind.TEACHING, key=key)
    assert roster.proves_absence(kind=Kind.ENROLMENTS, key=(key[0], "1"))


def test_teacher_who_became_an_administrator_does_not_leave():
    simulator = ManageBac(SCHOOL, 1, faults=frozenset({"administrator"}))
    found = pull(simulator)
    hidden = str(simulator.rows.administrator)
    (unseen,) = of(Unreadable, found)
    assert (unseen.kind, unseen.ref) == (Kind.STAFF, hidden)
    assert found.complete == SHARED
    assert not normalise(found.records, today=SCHOOL.at(1).date).proves_absence(kind=Kind.STAFF, key=hidden)


@pytest.mark.parametrize("fault", ["no-children", "no-links"])
def test_ties_without_relationships(fault: str):
    found = faulty(fault)
    expected = {pair(tie) for tie in truth(SCHOOL, 1) if isinstance(tie, Tie)}
    assert {pair(tie) for tie in of(Tie, found)} == expected
    assert {tie.relationship for tie in of(Tie, found)} == {NOT_SHARED}
    assert found.complete == SHARED


def pair(tie: Tie) -> tuple[str, str]:
    return (tie.student_ref, tie.guardian_ref)


def test_one_sided_tie_is_neither_made_nor_ended():
    found = faulty("one-sided")
    night = SCHOOL.at(1)
    guardian = next(iter(night.guardians.values()))
    tie = next(tie for tie in night.ties.values() if tie.guardian == guardian.key)
    key = (str(user_id(night.students[tie.student])), str(user_id(guardian)))
    assert key not in {pair(one) for one in of(Tie, found)}
    assert found.complete == SHARED
    assert not normalise(found.records, today=night.date).proves_absence(kind=Kind.TIES, key=key)


# Rows


def test_days_are_never_shifted():
    row = decode({"id": 1, "birthday": "2010-04-19T00:00:00.000+12:00"}, StudentRow)
    assert str(row.birthday) == "2010-04-19"
    assert decode({"id": 1, "birthday": ""}, StudentRow).birthday is None
    with pytest.raises(BadRow, match="birthday"):
        decode({"id": 1, "birthday": "19/04/2010"}, StudentRow)


def test_ids_stay_the_text_they_are():
    assert decode({"id": "007", "child_ids": ["008", 9]}, ParentRow).ref == "007"


def test_no_method_writes():
    public = [name for name in dir(managebac.ManageBac) if not name.startswith("_")]
    assert not [name for name in public if re.search("write|post|put|patch|delete|save|send", name)]


# The simulator


def test_simulator_speaks_the_dialect():
    simulator = ManageBac(SCHOOL, 2)
    assert ask(simulator, "ping") == (200, {"pong": "ok"})
    _, body = ask(simulator, "students", per_page="5")
    assert body["meta"] | {"total_pages": 0, "total_count": 0} == {
        "current_page": 1,
        "total_pages": 0,
        "total_count": 0,
        "per_page": 5,
    }
    assert len(body["students"]) == 5
    assert all(value is not None for row in body["students"] for value in row.values())
    assert ask(simulator, "students", page="99")[1]["students"] == []
    assert ask(simulator, "students", per_page="9999")[1]["meta"]["per_page"] == 200
    assert ask(simulator, "students/1")[0] == 404
    one = body["students"][0]
    assert ask(simulator, f"students/{one['id']}")[1] == {"student": one}


def test_simulator_refuses_bad_times_and_lists_what_is_gone():
    simulator = ManageBac(SCHOOL, 2)
    assert ask(simulator, "students", modified_since="abc")[0] == 400
    both = {"modified_since": "2026-11-09", "deleted_since": "2026-11-09"}
    assert ask(simulator, "students", **both)[0] == 400
    gone = {one for one in SCHOOL.at(1).students if one not in SCHOOL.at(2).students}
    found = ask(simulator, "students", deleted_since="2026-11-09")[1]["students"]
    assert len(found) == len(gone)
    assert ask(simulator, "classes", archived="true")[1]["meta"]["total_count"] == 1
