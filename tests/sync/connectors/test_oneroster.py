"""The OneRoster connector against a service that is correct, odd or broken (R4, R5, R12, R20)."""

import dataclasses
import datetime
import functools
import logging
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
import requests

from local.simulators.oneroster import OneRosterSimulator, years_setting
from local.simulators.server import Reply, Request, as_json, running
from local.world.build import crowd
from local.world.model import SchoolWorld
from sync.connectors.oneroster import OneRoster, OneRosterSettings
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.http import Http
from sync.keys import Signed
from sync.oneroster.metadata import Metadata, Note
from sync.oneroster.wire import Misshapen, day
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
from sync.pipeline.roster import Fault, Roster
from sync.records import KIND_OF, NOT_SHARED, Complete, Kind, Remark, Student, Unreadable
from tests.sync.connectors.oneroster_truth import METADATA, notes_in, notes_of, said_of

ALL = frozenset(Kind)
OF_USERS = {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.TIES, Kind.MEDICAL, Kind.DIETARY}
SECRET = "demo-client-secret"
Rows = dict[str, list[dict[str, Any]]]


@functools.cache
def school() -> SchoolWorld:
    return crowd(students=60)


def simulator(*faults: str, night: int = 1, **more: Any) -> OneRosterSimulator:
    return OneRosterSimulator(school(), night, faults=frozenset(faults), **more)


def pull(served: OneRosterSimulator, *, http: dict[str, Any] | None = None, **settings: Any) -> Extract:
    """Read the simulator's roster as the pipeline does."""
    with running(served) as url, Http(loopback=True, sleep=lambda _: None, **(http or {})) as door:
        given = {
            "base_url": f"{url}{served.base}",
            "token_url": f"{url}{served.token_path}",
            "client_id": "demo-client",
            "client_secret": SECRET,
            "years": years_setting(served.school),
            **METADATA,
        }
        return extract(OneRoster(OneRosterSettings(**{**given, **settings}), door))


def picture(said: Extract) -> Roster:
    return normalise(said.records, today=datetime.date(2026, 11, 24))


def remarks(said: Extract) -> str:
    return " ".join(record.text for record in said.records if isinstance(record, Remark))


def unreadable(said: Extract) -> set[tuple[Kind, str]]:
    return {(record.kind, record.ref) for record in said.records if isinstance(record, Unreadable)}


def students(said: Extract) -> list[Student]:
    return [record for record in said.records if isinstance(record, Student)]


def assert_true(said: Extract, *, night: int) -> None:
    """Whatever was said is what the world is on that night, all of it, and proven.

    Addresses are compared as the MIS has them, before `normalise` refuses some.
    """
    truth = said_of(school().at(night))
    assert {kind: {r for r in said.records if KIND_OF.get(type(r)) is kind} for kind in truth} == truth
    assert notes_in(picture(said)) == notes_of(school().at(night))
    assert said.complete == ALL
    assert not unreadable(said)


# The truth


@pytest.mark.parametrize("night", [1, 2])
def test_the_roster_is_the_truth_and_nothing_is_written(night: int) -> None:
    served = simulator(night=night)
    assert_true(pull(served), night=night)
    assert [r.path for r in served.requests if r.method != "GET"] == [served.token_path]


def test_the_world_has_what_these_tests_speak_of() -> None:
    assert all(said_of(school().at(1)).values())
    assert all(notes_of(school().at(1)).values())
    assert any(student.left_on for student in school().at(2).students.values())


@pytest.mark.parametrize("size", [1, 2, 7, 5000])
@pytest.mark.parametrize("total", [True, False])
def test_the_size_of_a_page_makes_no_difference(*, size: int, total: bool) -> None:
    assert_true(pull(simulator(total=total), page_size=size), night=1)


@pytest.mark.parametrize("odd", [{"link": "bare"}, {"link": ""}, {"agents": "student"}, {"agents": "guardian"}])
def test_the_partner_s_habits_make_no_difference(odd: dict[str, Any]) -> None:
    assert_true(pull(simulator(**odd)), night=1)


@pytest.mark.parametrize(
    "habit", ["clamped", "wrong-wrapper", "lost-token", "no-page-behind", "throttled", "flaky", "cut"]
)
@pytest.mark.parametrize("total", [True, False])
def test_what_can_be_borne_changes_nothing(*, habit: str, total: bool) -> None:
    assert_true(pull(simulator(habit, total=total)), night=1)


# Not shared, empty and a value are three things


@pytest.mark.parametrize("blank", ["null", "omit"])
def test_what_is_null_or_missing_is_not_shared(blank: str) -> None:
    said = pull(simulator(blank=blank))
    emails = {student.ref: student.email for student in students(said)}
    truth = {f"ST-{one.ref}": one.email or NOT_SHARED for one in school().at(1).students.values()}
    assert emails == truth
    assert NOT_SHARED in emails.values()
    assert said.complete == ALL


def test_a_permission_on_fields_that_was_taken_away_is_never_empty() -> None:
    said = pull(simulator("null-fields"))
    for student in students(said):
        assert {student.email, student.date_of_birth, student.year} == {NOT_SHARED}
    assert said.complete == ALL


def test_nothing_of_the_metadata_is_read_without_a_key() -> None:
    no_keys: dict[str, Any] = dict.fromkeys(METADATA, "")
    said = pull(simulator(), **no_keys)
    assert {(s.upn, s.preferred_name) for s in students(said)} == {(NOT_SHARED, NOT_SHARED)}
    assert said.complete == ALL - {Kind.MEDICAL, Kind.DIETARY}
    assert {tie.relationship for tie in picture(said).ties.values()} <= {"Parent", "Guardian", "Relative"}


def test_a_key_that_nobody_has_proves_nothing() -> None:
    said = pull(simulator(), medical_key="no_such_key")
    assert said.complete == ALL - {Kind.MEDICAL}
    assert "No medical came" in remarks(said)


def test_a_grade_without_a_name_stays_a_grade_and_keys_can_have_dots() -> None:
    assert {s.year for s in students(pull(simulator(), years=""))} <= {"KG", *(f"{n:02d}" for n in range(1, 14))}
    assert_true(pull(simulator(), year_key="gg4l.primaryGrade"), night=1)


# Permissions


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        ("no-enrollments", {Kind.ENROLMENTS, Kind.TEACHING}),
        ("no-classes", {Kind.CLASSES}),
        ("no-demographics", {Kind.MEDICAL}),
        ("missing-demographics", {Kind.MEDICAL}),
        ("no-guardians", {Kind.GUARDIANS, Kind.TIES}),
    ],
)
def test_a_kind_that_is_not_shared_is_not_complete(fault: str, lost: set[Kind]) -> None:
    said = pull(simulator(fault))
    assert said.complete == ALL - lost
    assert fault.partition("-")[2] in remarks(said)
    assert not any(isinstance(r, Complete) and r.kind in lost for r in said.records)


def test_forms_and_birth_dates_that_are_not_shared_are_not_empty() -> None:
    assert {s.form for s in students(pull(simulator("no-enrollments")))} == {NOT_SHARED}
    assert {s.date_of_birth for s in students(pull(simulator("no-demographics")))} == {NOT_SHARED}


# Faults


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("down-later", Busy),
        ("cut-for-ever", Busy),
        ("html", Broken),
        ("no-list", Broken),
        ("null-list", Broken),
        ("failure-200", Broken),
        ("empty", Refused),
        ("no-users", Doubtful),
    ],
)
def test_a_fault_is_the_right_error(fault: str, error: type[SyncError]) -> None:
    with pytest.raises(error):
        pull(simulator(fault), http={"tries": 2})


def test_a_service_that_hangs_is_busy() -> None:
    with pytest.raises(Busy):
        pull(simulator("hang"), http={"tries": 1, "timeout": (0.3, 0.3)})


@pytest.mark.parametrize("total", [True, False])
def test_pages_that_do_not_turn_are_no_roster(*, total: bool) -> None:
    with pytest.raises(Broken, match="repeats itself"):
        pull(simulator("repeat-page", total=total), page_size=3)


def test_one_page_that_holds_everything_may_repeat() -> None:
    assert_true(pull(simulator("repeat-page", total=True), page_size=5000), night=1)


@pytest.mark.parametrize(
    ("fault", "total"),
    [
        ("wrong-total", True),
        ("low-total", True),
        ("moving-total", True),
        ("hole", True),
        ("hole", False),
        ("lost-rows", True),
        ("duplicate-across-pages", False),
    ],
)
def test_users_that_are_not_proven_to_the_end_end_nobody(*, fault: str, total: bool) -> None:
    said = pull(simulator(fault, total=total), page_size=80)
    assert not said.complete & OF_USERS
    assert "“users” was not read to its end" in remarks(said)


def test_a_hole_is_seen_without_total_and_link_if_something_is_behind_it() -> None:
    with pytest.raises(Doubtful):  # only guardians stand before the hole
        pull(simulator("hole", total=False, link=""), page_size=40)
    said = pull(simulator("hole", total=False, link=""), page_size=76)
    assert not said.complete & OF_USERS


def test_rows_that_come_again_count_once_where_the_total_agrees() -> None:
    assert_true(pull(simulator("duplicate-across-pages", total=True), page_size=40), night=1)


@pytest.mark.parametrize("total", [True, False])
def test_contradictory_rows_are_both_unreadable(*, total: bool) -> None:
    said = pull(simulator("contradiction", total=total))
    (ref,) = {ref for kind, ref in unreadable(said) if kind is Kind.STUDENTS}
    assert ref
    assert ref not in {student.ref for student in students(said)}
    assert Kind.STUDENTS not in said.complete


def test_bad_rows_are_named_and_the_rest_goes_in() -> None:
    said = pull(simulator("bad-rows"))
    bad = unreadable(said)
    (student,) = {ref for kind, ref in bad if kind is Kind.STUDENTS}
    assert {(Kind.TIES, student), (Kind.MEDICAL, student), (Kind.CLASSES, "")} <= bad
    assert len(students(said)) == len(said_of(school().at(1))[Kind.STUDENTS]) - 1
    assert said.complete == ALL
    reasons = {record.reason for record in said.records if isinstance(record, Unreadable)}
    assert any("“email”" in reason for reason in reasons)
    assert not picture(said).proves_absence(kind=Kind.STUDENTS, key=student)
    assert not picture(said).proves_absence(kind=Kind.CLASSES, key="CL-nobody-knows")


def test_a_role_that_nobody_knows_may_be_anybody() -> None:
    bad = unreadable(pull(simulator("unknown-role")))
    assert {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF} <= {kind for kind, _ in bad}


class Altered(OneRosterSimulator):
    """A service whose rows a test has changed."""

    def __init__(self, change: Callable[[Rows], object], **more: Any) -> None:
        super().__init__(school(), 1, **more)
        self._change = change

    def _spoil(self, rows: Rows) -> Rows:
        rows = super()._spoil(rows)
        self._change(rows)
        return rows


def row(rows: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return next(row for row in rows if all(row.get(name) == value for name, value in fields.items()))


def test_demographics_that_cannot_be_read_leave_notes_and_birth_dates_alone() -> None:
    refs: list[str] = []

    def change(rows: Rows) -> None:
        one, two, three, four = rows["demographics"][:4]
        one["birthDate"], two["birthDate"], three["status"] = 2013, "2013-04-08T23:00:00Z", "tobedeleted"
        four["birthDate"] = ""
        refs.extend(each["sourcedId"] for each in (one, two, three, four))

    said = pull(Altered(change))
    born = {student.ref: student.date_of_birth for student in students(said)}
    assert [born[ref] for ref in refs] == [NOT_SHARED, NOT_SHARED, NOT_SHARED, None]
    assert {(Kind.MEDICAL, refs[0]), (Kind.DIETARY, refs[0])} <= unreadable(said)
    assert "1 birth dates cannot be read" in remarks(said)


@pytest.mark.parametrize("wrong", [{"role": "captain"}, {"role": None}, {"endDate": "soon"}, {"user": None}])
def test_an_enrollment_that_cannot_be_read_keeps_its_class_as_it_is(wrong: dict[str, Any]) -> None:
    classes: list[str] = []

    def change(rows: Rows) -> None:
        seat = row(rows["enrollments"], role="student", status="active")
        seat.update(wrong)
        classes.append(seat["class"]["sourcedId"])

    said = pull(Altered(change))
    assert {(Kind.ENROLMENTS, classes[0]), (Kind.TEACHING, classes[0])} <= unreadable(said)
    assert not picture(said).proves_absence(kind=Kind.ENROLMENTS, key=(classes[0], "ST-nobody"))


def test_whoever_is_gone_takes_ties_and_seats_along_and_agents_that_are_staff_are_none() -> None:
    def change(rows: Rows) -> None:
        row(rows["users"], role="student")["status"] = "inactive"
        other = row(rows["users"], role="student", status="active")
        other["agents"].append({"sourcedId": row(rows["users"], role="teacher")["sourcedId"]})
        other["agents"].append({"sourcedId": "CT-nobody"})

    served = Altered(change)
    gone = row(served.rows["users"], role="student", status="inactive")["sourcedId"]
    said = pull(served)
    named = {getattr(record, "student_ref", getattr(record, "ref", "")) for record in said.records}
    assert gone not in named
    assert "1 agents are neither" in remarks(said)
    assert Fault.DANGLING in {refusal.fault for refusal in picture(said).refusals}


def test_orgs_that_cannot_be_read_are_passed_over() -> None:
    assert_true(pull(Altered(lambda rows: rows["orgs"].insert(0, {"sourcedId": "x", "type": 5}))), night=1)


# Several schools in one feed


def test_of_several_schools_one_is_named() -> None:
    with pytest.raises(Refused, match="2 schools"):
        pull(simulator(neighbour=True))
    with pytest.raises(Refused, match="no longer shared"):
        pull(simulator(neighbour=True), school="SC-gone")
    served = simulator(neighbour=True)
    assert_true(pull(served, school=served.school_ref), night=1)


def test_members_of_our_school_are_known_by_its_parts_its_classes_and_its_children() -> None:
    def change(rows: Rows) -> None:
        for role in ("student", "parent", "teacher"):
            user = row(rows["users"], role=role)
            user["orgs"] = [{"sourcedId": "DP-1" if role == "student" else "DI-1"}]
        taught = row(rows["enrollments"], role="teacher")
        taught["user"] = {"sourcedId": row(rows["users"], role="teacher")["sourcedId"]}
        row(rows["users"], sourcedId="CT-next")["agents"].append({"sourcedId": "ST-elsewhere"})

    served = Altered(change, neighbour=True)
    said = pull(served, school=served.school_ref)
    refs = {getattr(record, "ref", "") for record in said.records}
    assert refs >= {row(served.rows["users"], role=role)["sourcedId"] for role in ("student", "parent", "teacher")}
    assert not refs & {"ST-next", "CT-next", "TC-next", "CL-next"}
    assert said.complete == ALL


@pytest.mark.parametrize("fault", ["no-classes", "no-enrollments"])
def test_of_several_schools_staff_and_seats_are_proven_only_with_the_classes(fault: str) -> None:
    served = simulator(fault, neighbour=True)
    said = pull(served, school=served.school_ref)
    assert not said.complete & {Kind.STAFF, Kind.ENROLMENTS, Kind.TEACHING}
    assert Kind.STUDENTS in said.complete


# Sign-in


class Telling(OneRosterSimulator):
    """A service whose token end point says what a test wants."""

    said: ClassVar[Any] = None

    def _token(self, request: Request) -> Reply:
        self.uses["it"] = 0
        return as_json(self.said)


@pytest.mark.parametrize("said", [{}, [], {"access_token": 5}, {"access_token": ""}])
def test_a_token_that_is_none_is_broken(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Telling, "said", said)
    with pytest.raises(Broken, match="without one"):
        pull(Telling(school(), 1))


@pytest.mark.parametrize("lasts", [{}, {"expires_in": "7199"}, {"expires_in": "long"}, {"expires_in": 30}])
def test_a_token_lasts_as_long_as_is_said(lasts: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Telling, "said", {"access_token": "it", **lasts})
    served = Telling(school(), 1)
    assert_true(pull(served), night=1)
    tokens = sum(request.method == "POST" for request in served.requests)
    assert tokens == 1


@pytest.mark.parametrize(("sign_in", "method"), [("oauth1-sha256", "HMAC-SHA256"), ("oauth1-sha1", "HMAC-SHA1")])
def test_requests_can_be_signed_instead(sign_in: str, method: str) -> None:
    served = simulator(oauth1=method)
    assert_true(pull(served, sign_in=sign_in, token_url=""), night=1)
    assert {request.method for request in served.requests} == {"GET"}
    with pytest.raises(Refused):
        pull(simulator(oauth1=method), sign_in=sign_in, client_secret="wrong-secret")


def test_every_attempt_has_its_own_nonce() -> None:
    auth = Signed(client_id="a", client_secret="b")._auth
    request = requests.Request("GET", "https://mis.example/users").prepare()
    first = auth(request).headers["Authorization"]
    assert first != auth(request).headers["Authorization"]


@pytest.mark.parametrize("fault", ["unauthorised", "forbidden", "down", "html", "cut-for-ever"])
def test_no_secret_is_told(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SyncError) as caught:
        pull(simulator(fault), http={"tries": 2})
    told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert SECRET not in told
    assert "token-" not in told


def test_a_wrong_secret_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="enter them again"):
        pull(simulator(), client_secret="wrong-secret")


@pytest.mark.parametrize("signed", [True, False])
def test_a_missing_permission_is_named(*, signed: bool) -> None:
    class Closed(OneRosterSimulator):
        def _page(self, name: str, request: Request) -> Reply:
            return Reply(403)

    served = Closed(school(), 1, oauth1="HMAC-SHA256" if signed else "")
    with pytest.raises(Refused, match="does not allow us to read “orgs”"):
        pull(served, sign_in="oauth1-sha256" if signed else "oauth2")


# Settings and small parts


@pytest.mark.parametrize(
    "wrong", [{"page_size": 0}, {"years": "KG"}, {"years": "=Reception"}, {"sign_in": "oauth3"}, {"token_url": ""}]
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    right = {"base_url": "https://a.example", "token_url": "https://a.example/token", "client_id": "a"}
    with pytest.raises(ValueError, match=r"page_size|years|sign_in|token_url"):
        OneRosterSettings(**{**right, "client_secret": "b", **wrong})


def test_the_secret_is_declared_as_one() -> None:
    assert [f.name for f in dataclasses.fields(OneRosterSettings) if f.metadata["secret"]] == ["client_secret"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2013-04-09", datetime.date(2013, 4, 9)),
        ("2013-04-09T00:00:00.000Z", datetime.date(2013, 4, 9)),
        ("2013-04-09T00:00:00+00:00", datetime.date(2013, 4, 9)),
        (" ", None),
        (None, NOT_SHARED),
    ],
)
def test_a_day_is_read_as_it_is_written(written: str | None, read: object) -> None:
    assert day(written) == read


@pytest.mark.parametrize("written", ["2013-04-08T23:00:00.000Z", "9/4/2013", "2013-02-30"])
def test_a_day_that_may_have_been_moved_is_not_guessed(written: str) -> None:
    with pytest.raises(Misshapen):
        day(written)


def test_a_note_has_a_title_and_details() -> None:
    note = Note(whole="Diabetes\nSugar in the drawer")
    assert (note.title, note.details) == ("Diabetes", "Sugar in the drawer")
    assert Note(whole="Asthma").details is NOT_SHARED
    long = Note(whole="x" * 300)
    assert (long.title, long.details) == ("", "x" * 300)


def test_metadata_is_text_or_not_shared() -> None:
    said = Metadata({"a.b": "flat", "c": {"d": 7}, "e": None, "f": ["x"], "g": True})
    assert [said.text(key) for key in ("a.b", "c.d", "e", "f", "g", "", "x.y")] == ["flat", "7", *[NOT_SHARED] * 5]
