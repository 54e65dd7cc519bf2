"""Wonde: what comes through the simulator is the world's truth, and no fault ever makes somebody seem to be gone."""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from local.simulators.server import running
from local.simulators.wonde import SCHOOL, TOKEN, wonde_id
from local.simulators.wonde import Wonde as Simulator
from local.world.build import crowd
from local.world.model import Night, StaffTruth
from sync.connectors.wonde import Wonde, picture, reading, wire
from sync.connectors.wonde.connector import HOSTS, WondeSettings
from sync.connectors.wonde.picture import GROUP
from sync.errors import Broken, Busy, Doubtful, Refused
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
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


def pull(served: Simulator, *, per_page: int = 200, timeout: tuple[float, float] = (10, 60), **given: str) -> Extract:
    """Read a simulator, and see to it that nothing but reading was tried."""
    given = {"token": TOKEN, "school": SCHOOL, "classes": "both"} | given
    tries = 2 if timeout[1] < 1 else 5
    http = Http(loopback=True, sleep=lambda _: None, timeout=timeout, tries=tries)
    with running(served) as url, http:
        connector = type("Paged", (Wonde,), {"per_page": per_page})(WondeSettings(host=url, **given), http)
        try:
            return extract(connector)
        finally:
            assert {request.method for request in served.requests} <= {"GET"}


def records(told: Extract) -> dict[Any, RosterRecord]:
    return {
        (type(one), key_of(one)): one for one in told.records if not isinstance(one, Complete | Unreadable | Remark)
    }


def remarks(told: Extract) -> str:
    return "\n".join(one.text for one in told.records if isinstance(one, Remark))


def unreadable(told: Extract, kind: Kind) -> list[str]:
    return [one.ref for one in told.records if isinstance(one, Unreadable) and one.kind == kind]


RECORDS = (Student, Guardian, Staff, Class, Tie, Enrolment, Teaching, Medical, Dietary)


def truth(night: Night, *, classes: str = "both") -> dict[Any, RosterRecord]:
    """What Wonde can say of a night.

    It cannot say: leavers with a date (they are on another list), dates of leaving, the year of a class, and several
    dietary needs apart from each other.
    """
    said = [*_people(night), *_kin(night), *_lessons(night, classes), *_care(night)]
    return {(type(one), key_of(one)): one for one in said}


def _people(night: Night) -> Iterator[RosterRecord]:
    for one in _on_roll(night).values():
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


def _on_roll(night: Night) -> dict[str, Any]:
    return {key: one for key, one in night.students.items() if one.left_on is None}


def _staff(one: StaffTruth) -> Staff:
    named = {"given_name": one.given_name, "family_name": one.family_name, "title": one.title}
    return Staff(ref=wonde_id(one.ref), **named, email=one.email, phone=one.phone, left_on=NOT_SHARED)


def _kin(night: Night) -> Iterator[RosterRecord]:
    ties = [tie for tie in night.ties.values() if tie.student in _on_roll(night)]
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
        if note.student in _on_roll(night):
            student = wonde_id(night.students[note.student].ref)
            ref = f"{student}{note.ref}"
            yield Medical(student_ref=student, ref=ref, condition=note.condition, details=note.details)
    for key, one in _on_roll(night).items():
        needs = ", ".join(need.need for need in night.dietary.values() if need.student == key)
        if needs:
            yield Dietary(student_ref=wonde_id(one.ref), ref="dietary_needs", need=needs)


NIGHT = WORLD.at(1)
TRUTH = truth(NIGHT)
FIRST = wonde_id(next(iter(_on_roll(NIGHT).values())).ref)


# --- the truth ---


@pytest.mark.parametrize("night", [1, 2])
def test_the_roster_is_the_worlds_truth(night: int) -> None:
    told = pull(simulator(night=night))
    assert records(told) == truth(WORLD.at(night))
    assert told.complete == ALL
    assert not sum(told.unreadable.values())


def test_night_two_has_a_leaver_whom_wonde_no_longer_lists() -> None:
    night = WORLD.at(2)
    gone = {wonde_id(one.ref) for one in night.students.values() if one.left_on}
    listed = {one.ref for one in records(pull(simulator(night=2))).values() if isinstance(one, Student)}
    assert gone
    assert not gone & listed


@pytest.mark.parametrize("classes", ["classes", "groups"])
def test_a_school_chooses_its_classes(classes: str) -> None:
    told = pull(simulator(), classes=classes)
    assert records(told) == truth(NIGHT, classes=classes)
    assert told.complete == ALL


@pytest.mark.parametrize("per_page", [1, 2])
@pytest.mark.parametrize("fault", ["", "offset-only"])
def test_the_size_and_the_way_of_pages_do_not_matter(per_page: int, fault: str) -> None:
    told = pull(simulator(*filter(None, [fault])), per_page=per_page)
    assert records(told) == TRUTH
    assert told.complete == ALL


HARMLESS = (
    *("plain-pages", "no-more-key", "bare-next", "no-counts", "all-groups", "offline", "flaky", "throttled", "cut"),
    *("to-one-null", "to-one-list", "text-booleans", "no-microseconds", "duplicate-across-pages"),
)


@pytest.mark.parametrize("fault", HARMLESS)
def test_what_may_turn_out_either_way_makes_no_difference(fault: str) -> None:
    told = pull(simulator(fault, longest_page=40))
    assert records(told) == TRUTH
    assert told.complete == ALL
    assert ("may be old" in remarks(told)) is (fault == "offline")


def test_wonde_may_cut_pages_that_are_too_long() -> None:
    assert records(pull(simulator(longest_page=7))) == TRUTH


def test_normalising_refuses_no_link() -> None:
    roster = normalise(pull(simulator()).records, today=NIGHT.date)
    assert [refusal for refusal in roster.refusals if refusal.field != "email"] == []
    assert roster.complete == ALL


def test_staff_have_the_address_the_school_chose() -> None:
    staff = {one.email for one in records(pull(simulator(), staff_email="email")).values() if isinstance(one, Staff)}
    assert staff == {one.email for one in NIGHT.staff.values()}
    told = pull(simulator(), staff_email="primary")
    assert {one.email for one in records(told).values() if isinstance(one, Staff)} == {NOT_SHARED}


def test_staff_who_are_not_current_are_not_on_the_staff() -> None:
    told = pull(simulator("gone-staff"))
    gone = wonde_id(next(iter(NIGHT.staff.values())).ref)
    assert (Staff, gone) not in records(told)
    assert not [one for one in records(told).values() if isinstance(one, Teaching) and one.staff_ref == gone]
    assert told.complete == ALL


# --- faults that end the run ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("withdrawn", Refused),
        ("unknown-school", Refused),
        ("unapproved", Refused),
        ("wrong-host", Refused),
        ("null-names", Refused),
        ("wrong-host-empty", Doubtful),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("down-later", Busy),
        ("cut-for-ever", Busy),
        ("html", Broken),
        ("repeat-page", Broken),
        ("missing-more", Broken),
        ("contradiction", Broken),
        ("other-host", Broken),
    ],
)
def test_a_fault_ends_the_run_in_its_own_way(fault: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        pull(simulator(fault, longest_page=40))
    assert TOKEN not in repr(caught.getrepr(chain=True))
    assert TOKEN not in str(caught.value)


def test_a_page_that_names_itself_is_not_read_for_ever() -> None:
    served = simulator("repeat-page", longest_page=40)
    with pytest.raises(Broken, match="repeats itself"):
        pull(served)
    assert len(served.requests) < 10


def test_a_host_that_hangs_is_busy() -> None:
    with pytest.raises(Busy):
        pull(simulator("hang"), timeout=(1, 0.2))


def test_a_list_that_says_nothing_about_pages_is_believed_up_to_the_default_page_only() -> None:
    with pytest.raises(Broken):
        pull(simulator("no-paging"))


def test_a_wrong_token_is_refused_in_plain_words_and_never_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = "0123456789abcdef0123456789abcdef01234567"
    with pytest.raises(Refused, match="does not accept the token") as caught:
        pull(simulator(), token=wrong)
    assert wrong not in caplog.text + str(caught.value) + repr(caught.value)


def test_the_region_to_choose_is_named() -> None:
    with pytest.raises(Refused, match=r"api-ap-southeast-2\.wonde\.com"):
        pull(simulator("wrong-host"))


# --- faults that leave a kind incomplete, never wrongly complete ---


@pytest.mark.parametrize(
    ("fault", "incomplete", "words"),
    [
        ("no-contacts", KIN, "contacts.read"),
        ("empty-contacts", KIN, "no guardians"),
        ("no-employees", {Kind.STAFF}, "employees.read"),
        ("no-classes", LESSONS, "classes.read"),
        ("classes-unknown", LESSONS, "does not give us classes"),
        ("empty-classes", LESSONS, "registration groups"),
        ("no-medical-include", {Kind.MEDICAL}, "medical_conditions"),
        ("vague-include", {Kind.MEDICAL}, "medical_conditions"),
        ("medical-include-forbidden", {Kind.MEDICAL}, "medical_conditions"),
        ("null-medical", {Kind.MEDICAL}, "no medical"),
        ("null-fields", {Kind.DIETARY}, "upn"),
        ("early-end", ALL - {Kind.STAFF}, "Wonde counts"),  # the staff fit on one page
        ("early-end-students", PEOPLE, "Wonde counts 120 students"),
        ("wrong-total", ALL, "Wonde counts 121 students"),
        ("unaudited", ALL, "not finished checking"),
    ],
)
def test_a_kind_that_is_not_proven_is_not_complete(fault: str, incomplete: set[Kind], words: str) -> None:
    told = pull(simulator(fault, longest_page=40))
    assert told.complete == ALL - incomplete
    assert words in remarks(told)
    assert records(told).keys() <= TRUTH.keys()
    assert not sum(told.unreadable.values())


def test_half_the_students_do_not_take_the_ties_of_the_others_away() -> None:
    told = records(pull(simulator("early-end-students", longest_page=40)))
    assert {key for key in told if key[0] in {Tie, Enrolment}} == {key for key in TRUTH if key[0] in {Tie, Enrolment}}


def test_a_field_without_permission_is_not_shared() -> None:
    told = records(pull(simulator("null-fields")))
    students = [one for one in told.values() if isinstance(one, Student)]
    assert {(one.upn, one.date_of_birth, one.email) for one in students} == {(NOT_SHARED, NOT_SHARED, NOT_SHARED)}
    assert {one.email for one in told.values() if isinstance(one, Guardian | Staff)} == {NOT_SHARED}
    assert {one.restricted for one in told.values() if isinstance(one, Tie)} == {NOT_SHARED}
    assert all(isinstance(one.year, str) for one in students)


def test_a_bad_row_spoils_nothing_but_itself() -> None:
    told = pull(simulator("bad-row"))
    assert unreadable(told, Kind.STUDENTS) == [FIRST]
    assert records(told).keys() == TRUTH.keys() - {(Student, FIRST)}
    assert told.complete == ALL
    assert not normalise(told.records, today=NIGHT.date).proves_absence(kind=Kind.STUDENTS, key=FIRST)


def test_a_row_without_an_identifier_may_be_anybody() -> None:
    told = pull(simulator("nameless-row"))
    roster = normalise(told.records, today=NIGHT.date)
    assert unreadable(told, Kind.STUDENTS) == [""]
    assert not roster.proves_absence(kind=Kind.STUDENTS, key=FIRST)
    for tie in (one for one in TRUTH.values() if isinstance(one, Tie | Enrolment | Medical)):
        assert not roster.proves_absence(kind=Kind(_kind(tie)), key=key_of(tie))


def _kind(one: RosterRecord) -> str:
    return {Tie: "ties", Enrolment: "enrolments", Medical: "medical"}[type(one)]


def test_two_versions_of_a_row_are_both_unreadable() -> None:
    served = simulator("changed-across-pages", longest_page=40)
    told = pull(served)
    twice = unreadable(told, Kind.STUDENTS)
    assert len(twice) == 4  # the last of page 1 and of page 2, twice each
    assert len(set(twice)) == 2
    assert not {(Student, ref) for ref in twice} & records(told).keys()
    roster = normalise(told.records, today=NIGHT.date)
    absent = [key for kind, key in TRUTH if roster.proves_absence(kind=KINDS[kind], key=key)]
    assert absent == []


KINDS = dict(zip(RECORDS, [Kind(name) for name in (
    "students", "guardians", "staff", "classes", "ties", "enrolments", "teaching", "medical", "dietary"
)], strict=True))  # fmt: skip


# --- single rows ---


def student_row(**fields: Any) -> wire.StudentRow:
    return wire.read(wire.StudentRow, {"id": "A1", "forename": "Mina", "surname": "Okafor"} | fields)


def test_a_birthday_is_never_moved_to_another_zone() -> None:
    born = {"date": "2014-06-11 00:00:00.000000", "timezone_type": 3, "timezone": "Pacific/Auckland"}
    assert reading.student("A1", student_row(date_of_birth=born), years=False)["date_of_birth"] == date(2014, 6, 11)


def test_the_national_year_is_taken_only_where_there_are_no_year_groups() -> None:
    row = student_row(education_details={"data": {"current_nc_year": "R"}}, year={"data": None})
    assert reading.student("A1", row, years=False)["year"] == "R"
    assert reading.student("A1", row, years=True)["year"] is None


def test_notes_whose_words_are_not_found_are_not_no_details() -> None:
    known = {"id": "A2", "description": "Asthma", "notes": {"data": [{"content": "Blue inhaler"}]}}
    unknown = known | {"notes": {"data": [{"wording": "Blue inhaler"}]}}
    none = known | {"notes": {"data": []}}
    said = [reading.condition("A1", wire.read(wire.ConditionRow, row))["details"] for row in (known, unknown, none)]
    assert said == ["Blue inhaler", UNSET, None]


def test_a_student_without_extended_details_is_not_without_dietary_needs() -> None:
    rows = [
        {"id": "A1", "extended_details": {"data": {"dietary_needs": "Nut free"}}},
        {"id": "A2", "extended_details": []},
    ]
    sheet = picture._dietary(reading.sort_rows(Kind.STUDENTS, wire.StudentRow, rows))
    assert [one.ref for one in sheet.records(proven=True) if isinstance(one, Unreadable)] == ["A2"]


def test_an_end_of_employment_is_handed_on() -> None:
    ended = {"current": False, "employment_end_date": {"date": "2026-10-31 00:00:00.000000"}}
    row = wire.read(wire.EmployeeRow, {"id": "A1", "employment_details": {"data": ended}})
    assert not reading.is_gone(row)
    assert reading.employee("A1", row, address="work")["left_on"] == date(2026, 10, 31)


def test_unknown_flags_are_unknown_and_never_a_no() -> None:
    assert [wire.flag(value, field="x") for value in (None, UNSET, "", "T", 0, True)] == [
        *(None, UNSET, None),
        *(True, False, True),
    ]
    with pytest.raises(wire.RowError, match="x is neither"):
        wire.flag("perhaps", field="x")


def test_a_complaint_names_the_field_and_never_the_value() -> None:
    with pytest.raises(wire.RowError) as caught:
        wire.read(wire.StudentRow, {"id": "A1", "surname": ["Secretname"]})
    assert "surname" in str(caught.value)
    assert "Secretname" not in str(caught.value)


# --- settings ---


def test_settings_do_not_show_the_token() -> None:
    assert TOKEN not in repr(WondeSettings(token=TOKEN, school=SCHOOL))


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "wonde.com.evil.example"},
        {"host": "https://evil.example"},
        {"host": "http://127.0.0.1@evil.example"},
        {"school": "A1/../A2"},
        {"classes": "lessons"},
        {"staff_email": "home"},
    ],
)
def test_settings_that_cannot_be_right_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is"):
        WondeSettings(**({"token": TOKEN, "school": SCHOOL} | wrong))


def test_settings_know_the_regions_and_any_other_host_of_wonde() -> None:
    given = {"token": TOKEN, "school": SCHOOL}
    assert WondeSettings(**given).base == f"https://{HOSTS[0]}"
    assert WondeSettings(**given, host="api-eu-9.wonde.com").base == "https://api-eu-9.wonde.com"


def test_every_behaviour_on_the_card_has_a_state_and_doubts_have_a_reason() -> None:
    card = (Path(__file__).parents[3] / "sync/connectors/wonde/card.yaml").read_text()
    states = [line.split(":")[1].strip() for line in card.splitlines() if line.startswith("    state:")]
    assert len(states) == card.count("  - name:")
    assert set(states) <= {"done", "exempt", "unverified"}
    assert card.count("    why:") >= len([state for state in states if state != "done"])
