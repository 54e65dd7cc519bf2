"""The iSAMS connector against its simulator: the world's truth, every fault, and the guard of the parser."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from local.simulators.isams import HEALTH_KEY, KEY, TOKEN, guid_of
from local.simulators.isams import Isams as Simulator
from local.simulators.server import running
from local.world.build import crowd
from local.world.model import ClassTruth, GuardianTruth, Night, SchoolWorld, StudentTruth
from sync.connectors.isams import Isams, IsamsSettings
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.http import Http
from sync.pipeline.extract import extract
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

T = TypeVar("T", bound=RosterRecord)
SECRET = "s3cr3t-of-the-client"
HEALTH = {"health_list": "CurrentPupilsHealth", "medical_fields": "Conditions", "dietary_fields": "DietaryNeeds"}


@pytest.fixture(scope="module")
def school() -> SchoolWorld:
    return crowd(students=60)


def read(simulator: Simulator, *, key: str = KEY, timeout: float = 10, **more: str) -> list[RosterRecord]:
    with running(simulator) as base, Http(loopback=True, sleep=lambda _: None, timeout=(timeout, timeout)) as http:
        connector = Isams(IsamsSettings(host=base, api_key=key, **(HEALTH | more)), http)
        return list(extract(connector).records)


def roster(school: SchoolWorld, *faults: str, night: int = 1, timeout: float = 10, **more: str) -> list[RosterRecord]:
    return read(Simulator(school, night, faults=frozenset(faults)), timeout=timeout, **more)


def of(shape: type[T], records: list[RosterRecord]) -> list[T]:
    return [record for record in records if isinstance(record, shape)]


def complete(records: list[RosterRecord]) -> set[Kind]:
    return {claim.kind for claim in of(Complete, records)}


def remarks(records: list[RosterRecord]) -> str:
    return "\n".join(remark.text for remark in of(Remark, records))


def said(records: list[RosterRecord], shape: type[T]) -> dict[Any, T]:
    found = {key_of(record): record for record in of(shape, records)}
    assert len(found) == len(of(shape, records))
    return found


# --- the truth, less what the batch cannot say ---


def current(night: Night) -> dict[str, StudentTruth]:
    return {key: one for key, one in night.students.items() if one.left_on is None or one.left_on >= night.date}


def shared(values: list[str]) -> Callable[[str], Any]:
    """The batch leaves empty elements out: what nobody has is not shared, what one lacks is empty."""
    return (lambda value: value) if any(values) else lambda _: NOT_SHARED


def ref_of(group: ClassTruth) -> str:
    return group.ref if group.subject else f"form:{group.name}"


def expected_students(night: Night) -> dict[Any, Student]:
    children = current(night)
    preferred = shared([one.preferred_name for one in children.values()])
    return {
        one.ref: Student(
            ref=one.ref,
            given_name=one.given_name,
            family_name=one.family_name,
            preferred_name=preferred(one.preferred_name),
            date_of_birth=one.date_of_birth,
            email=one.email,
            year=one.year,
            form=one.form,
            upn=one.upn,
        )
        for one in children.values()
    }


def expected_guardians(night: Night, *, by_person: bool = False) -> dict[Any, Guardian]:
    children = current(night)
    tied = {tie.guardian for tie in night.ties.values() if tie.student in children}
    people = [one for key, one in night.guardians.items() if key in tied]
    return {
        ref: Guardian(
            ref=ref,
            given_name=one.given_name,
            family_name=one.family_name,
            title=one.title,
            email=one.email,
            phone=one.phone,
        )
        for one in people
        for ref in [guid_of(one) if by_person else one.ref]
    }


def expected_ties(night: Night, *, by_person: bool = False) -> dict[Any, Tie]:
    children, people = current(night), night.guardians
    ties = (
        Tie(
            student_ref=children[tie.student].ref,
            guardian_ref=guid_of(people[tie.guardian]) if by_person else people[tie.guardian].ref,
            relationship=tie.relationship,
            parental_responsibility=tie.parental_responsibility,
        )
        for tie in night.ties.values()
        if tie.student in children
    )
    return {key_of(tie): tie for tie in ties}


def expected_staff(night: Night) -> dict[Any, Staff]:
    return {
        one.ref: Staff(
            ref=one.ref,
            given_name=one.given_name,
            family_name=one.family_name,
            title=one.title,
            email=one.email,
            phone=one.phone,
        )
        for one in night.staff.values()
        if one.left_on is None
    }


def expected_classes(night: Night) -> dict[Any, Class]:
    return {
        ref_of(one): Class(ref=ref_of(one), name=one.name, year=one.year, subject=one.subject)
        for one in night.classes.values()
    }


def expected_enrolments(night: Night) -> set[tuple[str, str]]:
    children, classes = current(night), night.classes
    return {
        (ref_of(classes[one.class_key]), children[one.student].ref)
        for one in night.enrolments.values()
        if one.student in children
    }


def expected_teaching(night: Night) -> set[tuple[str, str]]:
    return {(ref_of(night.classes[one.class_key]), night.staff[one.staff].ref) for one in night.teaching.values()}


def expected_notes(night: Night) -> dict[tuple[str, str], str]:
    """The batch has one text a field, not one row a note."""
    notes: dict[tuple[str, str], list[str]] = {}
    for key, child in current(night).items():
        for note in night.medical.values():
            if note.student == key:
                notes.setdefault((child.ref, "conditions"), []).append(f"{note.condition}: {note.details}")
        for need in night.dietary.values():
            if need.student == key:
                notes.setdefault((child.ref, "dietaryneeds"), []).append(need.need)
    return {key: ("\n" if key[1] == "conditions" else ", ").join(texts).strip() for key, texts in notes.items()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MedicalNotes", "Medical notes"),
        ("GPNotes", "GP notes"),
        ("medical_notes", "Medical notes"),
        ("allergies", "Allergies"),
        ("CarriesAnEpiPen2", "Carries an epi pen2"),
    ],
)
def test_a_note_is_headed_with_the_name_of_its_field_in_words(name: str, words: str) -> None:
    settings = IsamsSettings(host="a.example", api_key="k", health_list="Health", medical_fields=f"Other, {name}")
    assert settings.conditions == {"other": "Other", name.lower(): words}
    assert settings.medical == settings.conditions.keys()


@pytest.mark.parametrize("night", [1, 2])
def test_a_roster_is_the_truth(school: SchoolWorld, night: int) -> None:
    truth = school.at(night)
    records = roster(school, night=night)
    assert said(records, Student) == expected_students(truth)
    assert said(records, Guardian) == expected_guardians(truth)
    assert said(records, Staff) == expected_staff(truth)
    assert said(records, Class) == expected_classes(truth)
    assert said(records, Tie) == expected_ties(truth)
    assert set(said(records, Enrolment)) == expected_enrolments(truth)
    assert set(said(records, Teaching)) == expected_teaching(truth)
    notes = {key: one.details for key, one in said(records, Medical).items()}
    notes |= {key: one.need for key, one in said(records, Dietary).items()}
    assert notes == expected_notes(truth)
    assert {one.condition for one in of(Medical, records)} == {"Conditions"}
    assert complete(records) == set(Kind)
    assert not of(Unreadable, records)
    assert not remarks(records)


def test_the_batch_never_says_who_left_who_is_first_and_who_is_restricted(school: SchoolWorld) -> None:
    records = roster(school)
    assert {one.left_on for one in of(Student, records)} | {one.left_on for one in of(Staff, records)} == {NOT_SHARED}
    assert {value for tie in of(Tie, records) for value in (tie.priority, tie.restricted)} == {NOT_SHARED}


def test_guardians_by_person(school: SchoolWorld) -> None:
    truth = school.at(1)
    records = roster(school, "relations-differ", guardians="person")
    assert said(records, Guardian) == expected_guardians(truth, by_person=True)
    assert said(records, Tie) == expected_ties(truth, by_person=True)


def test_a_parent_with_two_contact_numbers_is_told_of(school: SchoolWorld) -> None:
    records = roster(school, "relations-differ")
    assert len(of(Guardian, records)) == len(expected_guardians(school.at(1))) + 1
    assert "told apart by person" in remarks(records)


def test_couples_are_two_guardians(school: SchoolWorld) -> None:
    truth = school.at(1)
    simulator = Simulator(school, 1, faults=frozenset({"joint"}))
    couples = dict(simulator.couples())
    assert couples
    records = read(simulator)
    refs = {one.ref: f"{couples[key]}-2" for key, one in truth.guardians.items() if key in couples}
    assert set(said(records, Guardian)) == {refs.get(ref, ref) for ref in expected_guardians(truth)}
    assert {(tie.student_ref, tie.guardian_ref) for tie in of(Tie, records)} == {
        (student, refs.get(guardian, guardian)) for student, guardian in expected_ties(truth)
    }
    assert {tie.relationship for tie in of(Tie, records)} == {"Parents"}


@pytest.mark.parametrize("groups", ["forms", "sets"])
def test_classes_by_setting(school: SchoolWorld, groups: str) -> None:
    truth = school.at(1)
    records = roster(school, classes=groups)
    wanted = {ref for ref in expected_classes(truth) if ref.startswith("form:") == (groups == "forms")}
    assert set(said(records, Class)) == wanted
    assert set(said(records, Enrolment)) == {key for key in expected_enrolments(truth) if key[0] in wanted}
    assert complete(records) == set(Kind)


def test_health_only_where_it_was_agreed(school: SchoolWorld) -> None:
    records = roster(school, health_list="")
    assert not of(Medical, records)
    assert not of(Dietary, records)
    assert complete(records) == set(Kind) - {Kind.MEDICAL, Kind.DIETARY}
    assert "a health list with conditions, dietaryneeds, schoolid." in remarks(records)


def test_without_a_health_list_the_method_to_tick_is_named(school: SchoolWorld) -> None:
    for lists in ("", "CurrentPupilsHealth"):
        records = roster(school, "core", health_list=lists, classes="forms")
        assert complete(records) == set(Kind) - {Kind.MEDICAL, Kind.DIETARY}
        assert "tick Pupil_GetCurrentPupilsHealth" in remarks(records)


def test_a_key_of_its_own_for_health(school: SchoolWorld) -> None:
    simulator = Simulator(school, 1, health_key=HEALTH_KEY)
    assert sorted(map(repr, read(simulator, health_key=HEALTH_KEY))) == sorted(map(repr, roster(school)))
    assert [request.query["apiKey"] for request in simulator.requests] == [KEY, HEALTH_KEY]


def test_a_key_for_health_that_is_switched_off_has_only_stopped_sharing(school: SchoolWorld) -> None:
    simulator = Simulator(school, 1, health_key=HEALTH_KEY, faults=frozenset({"health-key-off"}))
    records = read(simulator, health_key=HEALTH_KEY)
    assert complete(records) == set(Kind) - {Kind.MEDICAL, Kind.DIETARY}
    assert "It is the key for health" in remarks(records)


# --- the same truth in other clothes ---


@pytest.mark.parametrize(
    "fault", ["utf-16", "says-utf-16", "repeated", "two-addresses", "former", "teacher-codes", "older", "slow"]
)
def test_what_makes_no_difference(school: SchoolWorld, fault: str) -> None:
    plain, other = roster(school), roster(school, fault)
    assert sorted(map(repr, other)) == sorted(map(repr, plain))


def test_a_braced_key_and_two_keys(school: SchoolWorld) -> None:
    plain = roster(school)
    assert read(Simulator(school, 1), key=f"{{{KEY}}}") == plain
    assert sorted(map(repr, read(Simulator(school, 1), key=f"{KEY}, {KEY}"))) == sorted(map(repr, plain))


def test_an_element_that_no_contact_has_is_not_shared(school: SchoolWorld) -> None:
    assert {one.email for one in of(Guardian, roster(school, "no-mail"))} == {NOT_SHARED}


def test_responsibility_by_default_is_not_shared(school: SchoolWorld) -> None:
    held = {tie.parental_responsibility for tie in of(Tie, roster(school, "default-responsibility"))}
    assert NOT_SHARED in held
    assert True not in held


def test_an_emergency_contact_gets_no_account(school: SchoolWorld) -> None:
    records = roster(school, "contact-only")
    gone = expected_guardians(school.at(1)).keys() - said(records, Guardian).keys()
    assert len(gone) == 1
    assert not gone & {tie.guardian_ref for tie in of(Tie, records)}
    assert "ContactOnly" in remarks(records)


def test_an_account_for_tests_is_nobody(school: SchoolWorld) -> None:
    records = roster(school, "blank-staff")
    assert [(one.kind, one.ref) for one in of(Unreadable, records)] == [(Kind.STAFF, "9001")]
    assert Kind.STAFF in complete(records)


def test_a_tutor_who_left_is_still_named(school: SchoolWorld) -> None:
    assert "9999" in {one.staff_ref for one in of(Teaching, roster(school, "tutor-left"))}


# --- one bad row ---


def unreadable(records: list[RosterRecord]) -> list[tuple[Kind, str, str]]:
    return [(one.kind, one.ref, one.other_ref) for one in of(Unreadable, records)]


def first_student(school: SchoolWorld) -> StudentTruth:
    return next(iter(school.at(1).students.values()))


def first_guardian(school: SchoolWorld) -> GuardianTruth:
    night = school.at(1)
    return night.guardians[next(iter(night.ties.values())).guardian]


def test_one_bad_date_is_one_unreadable_student(school: SchoolWorld) -> None:
    records, first = roster(school, "bad-date"), first_student(school)
    assert unreadable(records) == [(Kind.STUDENTS, first.ref, "")]
    assert "2015" not in repr(of(Unreadable, records))
    assert complete(records) == set(Kind)
    # Their ties and seats are as they were: nothing of them may end for a date.
    assert said(records, Tie) == expected_ties(school.at(1))
    assert set(said(records, Enrolment)) == expected_enrolments(school.at(1))


def test_a_student_without_a_number_is_named_by_the_lists_that_still_have_it(school: SchoolWorld) -> None:
    records, first = roster(school, "nameless"), first_student(school)
    assert first.ref not in said(records, Student)
    # Whoever this is, is present; and only the form has no other name for them.
    assert unreadable(records) == [(Kind.STUDENTS, "", ""), (Kind.ENROLMENTS, f"form:{first.form}", "")]
    assert said(records, Tie) == expected_ties(school.at(1))


def test_contradicting_rows_are_unreadable_and_what_hangs_on_them_stays(school: SchoolWorld) -> None:
    records, first = roster(school, "contested"), first_student(school)
    assert unreadable(records) == [(Kind.STUDENTS, first.ref, "")]
    assert first.ref not in said(records, Student)
    assert said(records, Tie) == expected_ties(school.at(1))
    assert set(said(records, Enrolment)) == expected_enrolments(school.at(1))


@pytest.mark.parametrize("fault", ["odd-flag", "contested-contact"])
def test_a_contact_that_cannot_be_read_keeps_itself_from_ending(school: SchoolWorld, fault: str) -> None:
    records, first = roster(school, fault), first_guardian(school)
    assert unreadable(records) == [(Kind.GUARDIANS, first.ref, "")]
    assert said(records, Tie) == expected_ties(school.at(1))
    assert complete(records) == set(Kind)


def test_contacts_of_one_person_who_contradict_each_other(school: SchoolWorld) -> None:
    records, first = roster(school, "contested-contact", guardians="person"), first_guardian(school)
    assert unreadable(records) == [(Kind.GUARDIANS, guid_of(first), "")]


def test_a_contact_of_whom_nobody_can_tell_who_it_is_keeps_the_ties_of_its_children(school: SchoolWorld) -> None:
    night, first = school.at(1), first_guardian(school)
    records = roster(school, "odd-couple")
    lost = {(Kind.TIES, child.ref, "") for child in night.children_of(first.key)}
    assert set(unreadable(records)) == {(Kind.GUARDIANS, "", ""), *lost}


def test_two_people_under_one_contact_and_student_are_told_apart(school: SchoolWorld) -> None:
    """What says different things about one tie is unreadable, and both halves are named."""
    records = roster(school, "twice-tied")
    first = next(iter(school.at(1).ties.values()))
    night = school.at(1)
    pair = (night.students[first.student].ref, night.guardians[first.guardian].ref)
    assert unreadable(records) == [(Kind.TIES, *pair)]
    assert pair not in said(records, Tie)
    assert complete(records) == set(Kind)


def test_a_teacher_code_that_nobody_has(school: SchoolWorld) -> None:
    records = roster(school, "teacher-codes", "no-staff")
    taught = {ref for ref, _ in expected_teaching(school.at(1)) if not ref.startswith("form:")}
    assert taught
    assert {one for one in unreadable(records) if one[0] is Kind.TEACHING} == {
        (Kind.TEACHING, ref, "") for ref in taught
    }
    assert Kind.STAFF not in complete(records)


# --- lists that are missing: never a wrong Complete ---


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("no-contacts", {Kind.GUARDIANS, Kind.TIES}),
        ("empty-contacts", {Kind.GUARDIANS, Kind.TIES}),
        ("no-staff", {Kind.STAFF}),
        ("hidden", {Kind.STUDENTS, Kind.GUARDIANS, Kind.TIES, Kind.ENROLMENTS, Kind.MEDICAL, Kind.DIETARY}),
        ("core", {Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING, Kind.MEDICAL, Kind.DIETARY}),
        ("health-renamed", {Kind.MEDICAL, Kind.DIETARY}),
    ],
)
def test_a_list_that_is_missing_is_not_complete(school: SchoolWorld, fault: str, kinds: set[Kind]) -> None:
    records = roster(school, fault)
    assert complete(records) == set(Kind) - kinds
    assert remarks(records)


def test_without_the_names_of_years_there_are_none(school: SchoolWorld) -> None:
    records = roster(school, "no-years")
    assert {one.year for one in of(Student, records)} | {one.year for one in of(Class, records)} == {NOT_SHARED}
    assert "School_GetAllYears" in remarks(records)
    assert complete(records) == set(Kind)


def test_students_who_are_hidden_on_purpose(school: SchoolWorld) -> None:
    assert "Take the filter on students off" in remarks(roster(school, "hidden"))
    records = roster(school, "hidden", hidden="yes")
    assert complete(records) == set(Kind)
    assert not remarks(records)
    assert len(of(Student, records)) == len(current(school.at(1))) - 1


# --- faults ---


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("invalid-key", Refused),
        ("message-with-200", Refused),
        ("not-allocated", Refused),
        ("filters-required", Refused),
        ("filters-required-500", Refused),
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("throttled-by-key", Busy),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("cut-for-ever", Busy),
        ("unclosed", Busy),
        ("malformed", Broken),
        ("bad-character", Broken),
        ("wrong-encoding", Broken),
        ("no-batch", Broken),
        ("doctype", Broken),
        ("entities", Broken),
        ("utf-7", Broken),
        ("other-program", Broken),
        ("html", Broken),
        ("empty", Doubtful),
        ("no-pupils", Doubtful),
    ],
)
def test_faults(school: SchoolWorld, fault: str, error: type[SyncError], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    simulator = Simulator(school, 1, faults=frozenset({fault}))
    with pytest.raises(error) as caught:
        read(simulator)
    assert type(caught.value) is error
    assert {request.method for request in simulator.requests} == {"GET"}
    told = repr(caught.getrepr()) + str(caught.value) + caplog.text
    assert KEY not in told + str(caught.value.__context__) + str(caught.value.__cause__)


def test_a_deadlock_and_a_throttle_pass(school: SchoolWorld) -> None:
    for fault in ("deadlock", "throttled", "flaky", "cut", "down-later"):
        assert roster(school, fault) == roster(school)


def test_a_host_that_hangs_is_busy(school: SchoolWorld) -> None:
    with pytest.raises(Busy):
        roster(school, "hang", timeout=0.2)


def test_the_sentences_say_what_to_do(school: SchoolWorld) -> None:
    for fault, words in {
        "not-allocated": "School_GetAllYears",
        "filters-required": "Untick",
        "invalid-key": "Control Panel",
        "html": "web page",
        "no-batch": "check the host",
        "entities": "DOCTYPE",
    }.items():
        with pytest.raises(SyncError, match=words):
            roster(school, fault)


def test_a_wrong_key_is_refused_and_never_quoted(school: SchoolWorld) -> None:
    with pytest.raises(Refused) as caught:
        read(Simulator(school, 1), key="ffffffff-0000-4000-8000-000000000000")
    assert "ffffffff" not in str(caught.value)


def test_client_id_and_secret(school: SchoolWorld) -> None:
    simulator = Simulator(school, 1, batch_secret=SECRET)
    assert read(simulator, batch_secret=SECRET) == roster(school)
    assert [(request.method, request.path) for request in simulator.requests] == [
        ("POST", "/auth/connect/token"),
        ("GET", "/api/batch/1.0/xml.ashx"),
    ]


def test_a_wrong_client_secret_is_refused(school: SchoolWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused) as caught:
        read(Simulator(school, 1, batch_secret=SECRET), batch_secret="wrong-secret-here")
    assert "wrong-secret-here" not in str(caught.value) + caplog.text
    with pytest.raises(Refused):  # a key that wants a token, without one
        read(Simulator(school, 1, batch_secret=SECRET))
    assert TOKEN not in caplog.text


# --- settings ---


def test_settings() -> None:
    made = IsamsSettings(host="school.isams.cloud/", api_key=f" {KEY} ")
    assert made.base == "https://school.isams.cloud"
    assert made.keys == (KEY,)
    for wrong in (
        {"host": " "},
        {"api_key": ""},
        {"classes": "all"},
        {"guardians": "email"},
        {"hidden": "perhaps"},
        {"client_id": "alone"},
    ):
        with pytest.raises(ValueError, match=r"host|classes|guardians|hidden|client_id"):
            IsamsSettings(**({"host": "a.example", "api_key": KEY} | wrong))
    with pytest.raises(ValueError, match="batch_secret"):
        IsamsSettings(host="a.example", api_key="one two", batch_secret=SECRET)
