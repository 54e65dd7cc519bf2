"""Wonde: what comes through the simulator is the world's truth, and no fault ever makes somebody seem to be gone."""

import dataclasses
import logging
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from local.simulators.server import Reply, Request
from local.simulators.wonde import PROFILES, SCHOOL, TOKEN, wonde_id
from local.simulators.wonde import Wonde as Simulator
from sync.connectors.wonde import reading, wire
from sync.connectors.wonde.connector import HOSTS, WondeSettings
from sync.connectors.wonde.picture import GROUP
from sync.connectors.wonde.sheets import Sheet
from sync.errors import Broken, Busy, Doubtful, Refused
from sync.pipeline.normalise import normalise
from sync.records import (
    NOT_SHARED,
    Complete,
    Dietary,
    Enrolment,
    Guardian,
    Kind,
    RosterRecord,
    Staff,
    Student,
    Teaching,
    Tie,
    Unreadable,
)
from tests.sync.connectors.wonde_truth import (
    ALL,
    FIRST,
    KIN,
    LESSONS,
    NIGHT,
    PEOPLE,
    SECOND,
    TRUTH,
    WORLD,
    connected,
    on_roll,
    pull,
    records,
    remarks,
    simulator,
    truth,
    unreadable,
    wrongly_absent,
)

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
    *("number-per-page", "throttled-silently", "low-total", "leaving-dates", "other-group-ids", "no-meta"),
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


# --- who has left ---


def test_a_student_on_the_list_is_on_roll_whatever_leaving_date_they_have() -> None:
    with connected(simulator("leaving-dates")) as connector:
        listed = {one.ref: one for one in connector.roster() if isinstance(one, Student)}
    assert {listed[FIRST].left_on, listed[SECOND].left_on} == {NOT_SHARED}


def test_staff_who_are_not_current_are_not_on_the_staff() -> None:
    told = pull(simulator("gone-staff"))
    gone = wonde_id(next(iter(NIGHT.staff.values())).ref)
    assert (Staff, gone) not in records(told)
    assert not [one for one in records(told).values() if isinstance(one, Teaching) and one.staff_ref == gone]
    assert told.complete == ALL


def test_only_who_is_not_current_has_left_on_the_day_their_employment_ended() -> None:
    told = records(pull(simulator("ended-staff")))
    gone, current = (told[Staff, wonde_id(one.ref)] for one in list(NIGHT.staff.values())[:2])
    assert isinstance(gone, Staff)
    assert gone.left_on == NIGHT.date.replace(month=8)
    assert isinstance(current, Staff)
    assert current.left_on is NOT_SHARED


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
        ("revoked-later", Refused),
        ("no-filters", Broken),
        ("no-rows", Broken),
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
        ("early-end", ALL - {Kind.STAFF}, "Wonde counts 120 students, but 40 came"),  # the staff fit on one page
        ("early-end-students", PEOPLE, "Wonde counts 120 students"),
        ("lost-group", LESSONS, "registration groups, but students are in 1 more"),
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
    assert wrongly_absent(told) == []


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


def test_registration_groups_have_no_total_but_their_students_know_them() -> None:
    told = pull(simulator("early-end-groups", longest_page=10))
    assert told.complete == ALL - LESSONS
    assert "Wonde lists 10 registration groups, but students are in 4 more" in remarks(told)


def test_a_school_that_hides_somebody_for_ever_may_do_without_the_totals() -> None:
    assert Kind.STUDENTS not in pull(simulator("hidden")).complete
    told = pull(simulator("hidden"), totals="no")
    assert told.complete == ALL
    assert (Student, FIRST) not in records(told)


def test_a_list_that_shrinks_while_it_is_read_is_counted_again() -> None:
    class Shrinking(Simulator):
        def _total(self, name: str) -> int:
            asked = sum(request.path.endswith("/counts") for request in self.requests)
            return super()._total(name) + int(asked == 1)

    assert pull(Shrinking(WORLD, 1)).complete == ALL


def test_a_student_who_came_back_may_have_another_identifier() -> None:
    told = records(pull(simulator("new-id")))
    assert (Student, f"{FIRST}2") in told


def test_whose_name_is_withheld_is_asked_for_once_and_named() -> None:
    told = pull(simulator(withheld=frozenset({"students.upn.read"})))
    assert {one.upn for one in records(told).values() if isinstance(one, Student)} == {NOT_SHARED}
    assert "students: Wonde sends nobody's upn" in remarks(told)


# --- rows that cannot be read ---


def test_a_bad_row_spoils_nothing_but_itself() -> None:
    told = pull(simulator("bad-row"))
    assert unreadable(told, Kind.STUDENTS) == [(FIRST, "")]
    # What the bad row says of the student's diet is not known either; the medical conditions are rows of their own.
    assert unreadable(told, Kind.DIETARY) == [(FIRST, "")]
    lost = TRUTH.keys() - {(Student, FIRST), (Dietary, (FIRST, "dietary_needs"))}
    assert records(told).keys() - {(Dietary, (FIRST, "dietary_needs"))} == lost
    assert told.complete == ALL
    assert wrongly_absent(told) == []


def test_a_row_without_an_identifier_may_be_anybody() -> None:
    told = pull(simulator("nameless-row"))
    roster = normalise(told.records, today=NIGHT.date)
    assert unreadable(told, Kind.STUDENTS) == [("", "")]
    assert told.complete == ALL
    assert wrongly_absent(told) == []
    assert not roster.proves_absence(kind=Kind.STUDENTS, key="A000000000")


def test_two_versions_of_a_row_are_unreadable() -> None:
    told = pull(simulator("changed-across-pages", longest_page=40))
    twice = unreadable(told, Kind.STUDENTS)
    assert len(twice) == 2  # the last of page 1 and of page 2
    assert not {(Student, ref) for ref, _ in twice} & records(told).keys()
    assert wrongly_absent(told) == []


def test_the_ties_of_an_unreadable_contact_are_read_all_the_same() -> None:
    told = pull(simulator("bad-contact"))
    ((contact, _),) = unreadable(told, Kind.GUARDIANS)
    assert records(told).keys() == TRUTH.keys() - {(Guardian, contact)}
    assert not unreadable(told, Kind.TIES)
    assert wrongly_absent(told) == []


def test_a_contact_without_an_identifier_keeps_the_ties_of_its_students() -> None:
    told = pull(simulator("nameless-contact"))
    assert unreadable(told, Kind.GUARDIANS) == [("", "")]
    kept = {student for student, _ in unreadable(told, Kind.TIES)}
    lost = {key[1][0] for key in TRUTH.keys() - records(told).keys() if key[0] is Tie}
    assert kept == lost
    assert wrongly_absent(told) == []


def test_somebody_in_a_class_without_an_identifier_keeps_only_this_class() -> None:
    told = pull(simulator("nameless-seat"))
    ((class_, _),) = unreadable(told, Kind.ENROLMENTS)
    assert wrongly_absent(told) == []
    roster = normalise(told.records, today=NIGHT.date)
    assert not roster.proves_absence(kind=Kind.ENROLMENTS, key=(class_, "A000000000"))
    assert roster.proves_absence(kind=Kind.ENROLMENTS, key=("A000000000", FIRST))


def test_a_permission_that_is_taken_away_while_we_read_is_named() -> None:
    with pytest.raises(Refused, match=r"does not let us read students\.read"):
        pull(simulator("revoked-later", longest_page=40))


def test_an_unreadable_tie_keeps_only_itself() -> None:
    told = pull(simulator("bad-tie"))
    ((student, guardian),) = unreadable(told, Kind.TIES)
    assert records(told).keys() == TRUTH.keys() - {(Tie, (student, guardian))}
    roster = normalise(told.records, today=NIGHT.date)
    assert not roster.proves_absence(kind=Kind.TIES, key=(student, guardian))
    assert roster.proves_absence(kind=Kind.TIES, key=(student, "A000000000"))
    assert roster.proves_absence(kind=Kind.TIES, key=("A000000000", guardian))


def test_a_contact_whose_children_are_not_said_may_be_anybodys() -> None:
    told = pull(simulator("silent-contact"))
    (silent,) = [one for one in told.records if isinstance(one, Unreadable)]
    assert (silent.kind, silent.ref) == (Kind.TIES, "")
    assert silent.place.startswith("contact A")
    assert wrongly_absent(told) == []


def test_a_group_whose_students_are_not_said_keeps_its_own() -> None:
    told = pull(simulator("silent-group"))
    ((group, _),) = unreadable(told, Kind.ENROLMENTS)
    assert group.startswith(GROUP)
    assert wrongly_absent(told) == []
    roster = normalise(told.records, today=NIGHT.date)
    assert not roster.proves_absence(kind=Kind.ENROLMENTS, key=(group, "A000000000"))
    assert roster.proves_absence(kind=Kind.ENROLMENTS, key=("A000000000", FIRST))


# --- the MIS behind Wonde ---


@pytest.mark.parametrize("profile", PROFILES)
def test_every_mis_is_read_as_far_as_it_tells(profile: str) -> None:
    told = pull(simulator(profile=profile))
    assert {Kind.STUDENTS, Kind.GUARDIANS, Kind.TIES, Kind.STAFF} <= told.complete
    assert records(told).keys() <= TRUTH.keys()
    assert wrongly_absent(told) == []
    upns = {one.upn for one in records(told).values() if isinstance(one, Student)}
    assert (upns == {NOT_SHARED}) is ("students/education_details.data.upn" in PROFILES[profile].null)


def test_a_primary_school_with_registration_groups_only_is_complete() -> None:
    told = pull(simulator(profile="ScholarPack"), classes="groups")
    assert told.complete == ALL
    assert records(told) == truth(NIGHT, classes="groups")


def test_flags_that_the_mis_does_not_hold_are_not_shared_and_never_a_no() -> None:
    ties = [one for one in records(pull(simulator(profile="Schoolbase"))).values() if isinstance(one, Tie)]
    said = {(tie.parental_responsibility, tie.restricted, tie.priority) for tie in ties}
    assert said == {(NOT_SHARED, NOT_SHARED, NOT_SHARED)}


def test_another_mis_behind_wonde_stops_the_run() -> None:
    assert pull(simulator(), mis="sims").complete == ALL
    with pytest.raises(Refused, match="another MIS than “SIMS”"):
        pull(simulator("migrated"), mis="SIMS")


def test_without_a_mis_in_the_settings_a_new_one_shows_by_its_new_identifiers_only() -> None:
    told = records(pull(simulator("migrated")))
    assert {key for key in told if key[0] is Student} == {key for key in TRUTH if key[0] is Student}
    assert not {key for key in told if key[0] in {Staff, Guardian}} & TRUTH.keys()


# --- memory ---


def test_rows_are_read_page_by_page() -> None:
    served = simulator(longest_page=10)
    with connected(served) as connector:
        first = next(one for one in connector.roster() if isinstance(one, Student))
    assert first.ref == FIRST
    asked = [request for request in served.requests if request.path.endswith("/students")]
    assert len(asked) == 12  # the end has to be proven first
    assert not any(request.path.endswith("/contacts") for request in served.requests)


def test_half_a_character_costs_no_list() -> None:
    """JSON may carry what no text can hold; a careless MIS keeps it in a name that was cut."""

    class Careless(Simulator):
        def reply(self, request: Request) -> Reply:
            said = super().reply(request)
            named = NIGHT.students[next(iter(on_roll(NIGHT)))].family_name.encode()
            return dataclasses.replace(said, body=said.body.replace(b'"surname": "' + named, b'"surname": "\\ud83d'))

    told = pull(Careless(WORLD, 1))
    assert told.complete == ALL
    first = records(told)[Student, FIRST]
    assert isinstance(first, Student)
    assert first.family_name == "?"


# --- single rows ---


def student_row(**fields: Any) -> wire.StudentRow:
    return wire.read(wire.StudentRow, {"id": "A1", "forename": "Mina", "surname": "Okafor"} | fields)


def settled(*drafts: dict[str, Any]) -> list[Student]:
    """Return what becomes of these drafts when they are all the students there are."""
    with Sheet(Kind.STUDENTS) as sheet:
        for draft in drafts:
            sheet.add((draft["ref"], ""), draft)
        return [one for one in sheet.records(proven=True) if isinstance(one, Student)]


def test_a_birthday_is_never_moved_to_another_zone() -> None:
    born = {"date": "2014-06-11 00:00:00.000000", "timezone_type": 3, "timezone": "Pacific/Auckland"}
    assert reading.student(student_row(date_of_birth=born))["date_of_birth"] == date(2014, 6, 11)


def test_the_national_year_is_taken_only_where_there_are_no_year_groups() -> None:
    without = reading.student(student_row(education_details={"data": {"current_nc_year": "R"}}, year={"data": None}))
    within = reading.student(student_row(id="A2", year={"data": {"name": "Year 3"}}))
    assert [one.year for one in settled(without)] == ["R"]
    assert [one.year for one in settled(without, within)] == ["", "Year 3"]


def test_a_null_is_empty_only_where_another_row_has_a_value() -> None:
    none, some = (reading.student(student_row(id=ref, education_details={"data": {"upn": upn}})) for ref, upn in
        (("A1", None), ("A2", "Z1")))  # fmt: skip
    unsaid = reading.student(student_row(id="A3"))
    assert [one.upn for one in settled(none, unsaid)] == [NOT_SHARED, NOT_SHARED]
    assert [one.upn for one in settled(none, some, unsaid)] == ["", "Z1", NOT_SHARED]


def test_notes_whose_words_are_not_found_are_not_no_details() -> None:
    row = wire.read(wire.ConditionRow, {"id": "A2", "description": "Asthma"})
    notes: Any = ([{"content": "Blue inhaler"}], [{"wording": "Blue inhaler"}], [], None)
    said = [reading.condition(row, student="A1", notes=given)["details"] for given in notes]
    assert said == ["Blue inhaler", UNSET, None, UNSET]


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        ("2026-11-09 09:05:00.000000", "UTC", datetime(2026, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-11-09 09:05:00", "UTC", datetime(2026, 11, 9, 9, 5, tzinfo=UTC)),
        ("2026-11-09 09:05:00", "Europe/London", None),
        ("yesterday", "UTC", None),
        (None, "UTC", None),
    ],
)
def test_a_moment_is_known_in_utc_only(written: str | None, zone: str, moment: datetime | None) -> None:
    assert wire.moment(wire.Stamp(date=written, timezone=zone)) == moment


@pytest.mark.parametrize("current", [None, True, "yes"])
def test_a_date_alone_ends_no_employment(current: Any) -> None:
    told = {"current": current, "employment_end_date": {"date": "2026-10-31 00:00:00.000000"}}
    row = wire.read(wire.EmployeeRow, {"id": "A1", "employment_details": {"data": told}})
    assert "left_on" not in (reading.employee(row, address="work") or {})


def test_unknown_flags_are_unknown_and_never_a_no() -> None:
    assert [wire.flag(value, field="x") for value in (None, UNSET, "", "T", 0, True)] == [
        *(None, UNSET, None),
        *(True, False, True),
    ]
    with pytest.raises(wire.RowError, match="x is neither"):
        wire.flag("perhaps", field="x")


@pytest.mark.parametrize("raw", [None, [], "A1", {}, {"id": ""}, {"id": " "}, {"id": None}, {"id": True}])
def test_a_row_without_an_identifier_is_nobodys(raw: Any) -> None:
    assert wire.ref_in(raw) == ""
    with pytest.raises(wire.RowError):
        wire.read(wire.ContactStudentRow, raw)


def test_identifiers_stay_as_they_are() -> None:
    assert [wire.ref_in({"id": ref}) for ref in (" A1", "007", 7)] == [" A1", "007", "7"]


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
        {"totals": "perhaps"},
    ],
)
def test_settings_that_cannot_be_right_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is"):
        WondeSettings(**({"token": TOKEN, "school": SCHOOL} | wrong))


def test_settings_know_the_regions_and_any_other_host_of_wonde() -> None:
    settings = {"token": TOKEN, "school": SCHOOL}
    assert WondeSettings(**settings).base == f"https://{HOSTS[0]}"
    assert WondeSettings(**settings, host="api-eu-9.wonde.com").base == "https://api-eu-9.wonde.com"


# --- laws ---

UPNS = st.sampled_from([UNSET, None, "", "Z1", "Z2"])


@given(rows=st.lists(st.tuples(st.sampled_from("ABC"), UPNS), min_size=1), seed=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_rows_that_come_again_change_nothing(rows: list[tuple[str, Any]], seed: Random) -> None:
    shuffled = [*rows, *rows]
    seed.shuffle(shuffled)
    assert told_of(rows) == told_of(shuffled)


@given(rows=st.lists(st.tuples(st.sampled_from("ABC"), UPNS), min_size=1))
def test_whoever_came_is_told_once_and_counted_once(rows: list[tuple[str, Any]]) -> None:
    told = told_of(rows)
    assert sorted(one.ref for one in told if isinstance(one, Student | Unreadable)) == sorted({ref for ref, _ in rows})
    assert {one.rows for one in told if isinstance(one, Complete)} <= {len({ref for ref, _ in rows})}


def told_of(rows: list[tuple[str, Any]]) -> set[RosterRecord]:
    with Sheet(Kind.STUDENTS) as sheet:
        for ref, upn in rows:
            sheet.add((ref, ""), {"ref": ref, "given_name": "Mina", "family_name": "Okafor", "upn": upn})
        return set(sheet.records(proven=True))
