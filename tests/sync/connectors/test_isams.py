"""The iSAMS connector against its simulator: the world's truth, every fault, and the guard of the parser."""

import io
import logging
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import msgspec
import pytest

from local.simulators.isams import KEY, TOKEN, guid_of
from local.simulators.isams import Isams as Simulator
from local.simulators.server import running
from local.world.build import crowd
from local.world.model import ClassTruth, Night, SchoolWorld, StudentTruth
from sync.connectors.isams import Isams
from sync.connectors.isams.connector import IsamsSettings
from sync.connectors.isams.document import Document, Node
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
    assert not remarks(records)


# --- the same truth in other clothes ---


@pytest.mark.parametrize("fault", ["utf-16", "says-utf-16", "repeated", "two-addresses", "former", "teacher-codes"])
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


def test_one_bad_date_is_one_unreadable_student(school: SchoolWorld) -> None:
    records = roster(school, "bad-date")
    first = next(iter(school.at(1).students.values()))
    bad = {(one.kind, one.ref) for one in of(Unreadable, records)}
    assert bad == {(Kind.STUDENTS, first.ref), (Kind.ENROLMENTS, f"form:{first.form}")}
    assert "2015" not in repr(of(Unreadable, records))
    assert complete(records) == set(Kind)
    assert first.ref in {tie.student_ref for tie in of(Tie, records)}


def test_a_student_whom_nobody_can_name_blocks_what_may_be_theirs(school: SchoolWorld) -> None:
    records = roster(school, "nameless")
    first = next(iter(school.at(1).students.values()))
    assert first.ref not in said(records, Student)
    # The contacts and set lists still name them by the old key, but not so that we would believe it.
    assert {(one.kind, one.ref) for one in of(Unreadable, records)} >= {(Kind.STUDENTS, ""), (Kind.TIES, "")}
    assert not {tie for tie in of(Tie, records) if tie.student_ref == first.ref}


def test_contradicting_rows_are_both_unreadable(school: SchoolWorld) -> None:
    records = roster(school, "contested")
    first = next(iter(school.at(1).students.values()))
    assert [(one.kind, one.ref) for one in of(Unreadable, records)] == [(Kind.STUDENTS, first.ref)] * 2
    assert first.ref not in said(records, Student)


# --- lists that are missing: never a wrong Complete ---


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("no-contacts", {Kind.GUARDIANS, Kind.TIES}),
        ("empty-contacts", {Kind.GUARDIANS, Kind.TIES}),
        ("no-staff", {Kind.STAFF}),
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
        "entities": "DOCTYPE",
    }.items():
        with pytest.raises(SyncError, match=words):
            roster(school, fault)


def test_a_wrong_key_is_refused_and_never_quoted(school: SchoolWorld) -> None:
    with pytest.raises(Refused) as caught:
        read(Simulator(school, 1), key="ffffffff-0000-4000-8000-000000000000")
    assert "ffffffff" not in str(caught.value)


def test_client_id_and_secret(school: SchoolWorld) -> None:
    simulator = Simulator(school, 1, client_secret=SECRET)
    assert read(simulator, client_secret=SECRET) == roster(school)
    assert [(request.method, request.path) for request in simulator.requests] == [
        ("POST", "/auth/connect/token"),
        ("GET", "/api/batch/1.0/xml.ashx"),
    ]


def test_a_wrong_client_secret_is_refused(school: SchoolWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused) as caught:
        read(Simulator(school, 1, client_secret=SECRET), client_secret="wrong-secret-here")
    assert "wrong-secret-here" not in str(caught.value) + caplog.text
    with pytest.raises(Refused):  # a key that wants a token, without one
        read(Simulator(school, 1, client_secret=SECRET))
    assert TOKEN not in caplog.text


# --- the guard ---


def never(_: Node) -> NoReturn:
    raise AssertionError


def rows(text: str | bytes) -> list[tuple[str, Node]]:
    raw = text.encode() if isinstance(text, str) else text
    return list(Document(io.BytesIO(raw), complain=never).rows())


PUPIL = "<iSAMS><PupilManager><CurrentPupils><Pupil Id='1'><A>x</A></Pupil></CurrentPupils></PupilManager></iSAMS>"


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE iSAMS>",
        "<!doctype iSAMS>",
        "  \n<!-- <iSAMS> --><?x y?><!DOCTYPE iSAMS [<!ENTITY a SYSTEM 'file:///etc/hostname'>]>",
        "<?xml version='1.0'?>\n<!DOCTYPE iSAMS [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/'> %p;]>",
        "<?xml version='1.0' encoding='utf-7'?>+ADw-!DOCTYPE iSAMS+AD4-",
        f"<!-- {'x' * 70_000} --><!DOCTYPE iSAMS>",
    ],
)
def test_a_doctype_is_never_parsed(before: str) -> None:
    with pytest.raises(Broken):
        rows(before + PUPIL)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_doctype_cannot_hide_in_utf_16(codec: str) -> None:
    assert len(rows(PUPIL.encode(codec))) == 1
    with pytest.raises(Broken):
        rows(("<!DOCTYPE iSAMS>" + PUPIL).encode(codec))


@pytest.mark.parametrize("text", ["", "   ", "{}", "\0\0", "<", "<?xml version='1.0'?>", "<iSAMS>&unknown;</iSAMS>"])
def test_what_is_no_document(text: str) -> None:
    with pytest.raises((Broken, Busy)):
        rows(text)


def test_a_document_that_is_cut_is_asked_for_again_and_a_wrong_one_is_not() -> None:
    for size in range(len("<iSAMS>"), len(PUPIL)):
        with pytest.raises(Busy):
            rows(PUPIL[:size])
    for wrong in (PUPIL.replace("</A>", "</B>"), PUPIL + "<a/>", PUPIL.replace("'1'", "1")):
        with pytest.raises(Broken):
            rows(wrong)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(Broken):
        rows(PUPIL.replace("x", "\x81\xff").encode("latin-1"))
    with pytest.raises(Broken):
        rows(PUPIL.encode("utf-16") + b"<")


def test_letters_of_all_scripts_and_of_latin_1() -> None:
    names = "Zoë 小明 Żółć"
    assert rows(PUPIL.replace("x", names))[0][1].said("a") == names
    assert rows(PUPIL.replace("x", names).encode("utf-16"))[0][1].said("A") == names
    latin = ("<?xml version='1.0' encoding='ISO-8859-1'?>" + PUPIL.replace("x", "Zoë")).encode("latin-1")
    assert rows(latin)[0][1].said("A") == "Zoë"


def test_a_row_without_end_is_refused() -> None:
    with pytest.raises(Broken, match="longer"):
        rows(PUPIL.replace("<A>x</A>", "<A/>" * 20_001))
    with pytest.raises((Broken, Busy)):
        rows("<iSAMS>" + "<a>" * 5_000 + "</a>" * 5_000 + "</iSAMS>")


class Endless(io.RawIOBase):
    """A document of many rows that is never whole in memory."""

    def __init__(self, count: int) -> None:
        self._pieces = self._write(count)
        self._rest = b""

    def _write(self, count: int) -> Any:
        yield b"<iSAMS><PupilManager><CurrentPupils>"
        for at in range(count):
            yield b"<Pupil Id='%d'><SchoolId>%d</SchoolId><Notes>%s</Notes></Pupil>\n" % (at, at, b"n" * 500)
        yield b"</CurrentPupils></PupilManager></iSAMS>"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._pieces, b"")
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


def resident() -> int:
    """Kilobytes of this process now; the parser's memory is not Python's."""
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) if found else 0


def test_memory_stays_flat() -> None:
    def walk(count: int) -> int:
        body = io.BufferedReader(Endless(count))
        return sum(1 for _ in Document(body, complain=never).rows())

    assert walk(2_000) == 2_000
    before = resident()
    tracemalloc.start()
    assert walk(40_000) == 40_000  # more than 20 MB of XML
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    assert resident() - before < 12_000


# --- settings ---


def test_settings() -> None:
    made = IsamsSettings(host="school.isams.cloud/", api_key=f" {KEY} ")
    assert made.base == "https://school.isams.cloud"
    assert made.keys == (KEY,)
    for wrong in ({"host": " "}, {"api_key": ""}, {"classes": "all"}, {"guardians": "email"}):
        with pytest.raises(ValueError, match=r"host|classes"):
            IsamsSettings(**({"host": "a.example", "api_key": KEY} | wrong))
    with pytest.raises(ValueError, match="client_secret"):
        IsamsSettings(host="a.example", api_key="one two", client_secret=SECRET)


def test_the_card_names_only_states_that_exist() -> None:
    card = (Path(__file__).parents[3] / "sync/connectors/isams/card.yaml").read_text()
    entries = re.split(r"(?m)^- name: ", card)[1:]
    assert entries
    for entry in entries:
        state = re.search(r"(?m)^  state: (done|exempt|unverified)$", entry)
        assert state, entry
        assert state[1] == "done" or "  why: " in entry


def test_rows_are_frozen_values() -> None:
    (_, node), *_rest = rows(PUPIL)
    assert msgspec.structs.replace(node, text="y") != node
