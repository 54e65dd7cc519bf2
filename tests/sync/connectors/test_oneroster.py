"""The OneRoster connector against a service that is correct, odd or broken (R4, R5, R12, R20)."""

import dataclasses
import logging
from typing import Any, ClassVar

import pytest
import requests

from local.simulators.oneroster import OneRosterSimulator
from local.simulators.server import Reply, Request, as_json
from sync.connectors.oneroster import OneRoster, OneRosterSettings
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.keys import Signed
from sync.oneroster.metadata import Metadata, Note
from sync.records import NOT_SHARED, Complete, Kind
from tests.sync.connectors.oneroster_feed import (
    ALL,
    SECRET,
    assert_true,
    picture,
    pull,
    remarks,
    school,
    simulator,
    students,
    unreadable,
)
from tests.sync.connectors.oneroster_truth import METADATA, notes_of, said_of

# The truth


@pytest.mark.parametrize("night", [1, 2])
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_roster_is_the_truth_and_nothing_is_written(night: int, version: str) -> None:
    served = simulator(night=night, version=version)
    assert_true(pull(served), night=night, version=version)
    assert [r.path for r in served.requests if r.method != "GET"] == [served.token_path]


def test_the_world_has_what_these_tests_speak_of() -> None:
    assert all(said_of(school().at(1)).values())
    assert all(notes_of(school().at(1)).values())
    assert any(student.left_on for student in school().at(2).students.values())


@pytest.mark.parametrize(
    "odd",
    [
        {"link": "bare"},
        {"link": ""},
        {"total": False},
        {"total": False, "link": "bare"},
        {"agents": "student"},
        {"agents": "guardian"},
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_the_partner_s_habits_make_no_difference(odd: dict[str, Any], version: str) -> None:
    assert_true(pull(simulator(version=version, **odd), page_size="90"), version=version)


@pytest.mark.parametrize(
    "habit",
    [
        *("clamped", "wrong-wrapper", "lost-token", "no-page-behind", "throttled", "flaky", "cut", "no-sort"),
        *("relative-href", "inactive", "no-academicSessions"),
    ],
)
@pytest.mark.parametrize("total", [True, False])
def test_what_can_be_borne_changes_nothing(*, habit: str, total: bool) -> None:
    assert_true(pull(simulator(habit, total=total)))


def test_whoever_is_inactive_is_gone_like_whoever_is_to_be_deleted() -> None:
    assert_true(pull(simulator("inactive", night=2)), night=2)


# Not shared, empty and a value are three things


@pytest.mark.parametrize("blank", ["null", "omit"])
def test_what_is_null_or_missing_is_not_shared(blank: str) -> None:
    said = pull(simulator(blank=blank))
    emails = {ref: student.email for ref, student in students(said).items()}
    truth = {f"ST-{one.ref}": one.email or NOT_SHARED for one in school().at(1).students.values()}
    assert emails == truth
    assert NOT_SHARED in emails.values()
    assert said.complete == ALL


def test_null_clears_where_the_school_says_that_it_means_nothing_and_a_missing_key_never() -> None:
    truth = {f"ST-{one.ref}": one.email for one in school().at(1).students.values()}
    said = pull(simulator(blank="null"), null_means="nothing")
    assert {ref: student.email for ref, student in students(said).items()} == truth
    omitted = pull(simulator(blank="omit"), null_means="nothing")
    assert NOT_SHARED in {student.email for student in students(omitted).values()}


@pytest.mark.parametrize("meaning", ["nothing", "not shared"])
def test_a_permission_on_fields_that_was_taken_away_is_never_empty(meaning: str) -> None:
    said = pull(simulator("null-fields"), null_means=meaning)
    for student in students(said).values():
        assert {student.email, student.date_of_birth, student.year} == {NOT_SHARED}
    assert said.complete == ALL


def test_nothing_of_the_metadata_is_read_without_a_key() -> None:
    no_keys: dict[str, Any] = dict.fromkeys(METADATA, "")
    said = pull(simulator(), **no_keys)
    assert {(s.upn, s.preferred_name) for s in students(said).values()} == {(NOT_SHARED, NOT_SHARED)}
    assert said.complete == ALL - {Kind.MEDICAL, Kind.DIETARY}
    assert {tie.relationship for tie in picture(said).ties.values()} <= {"Parent", "Guardian", "Relative"}


def test_a_key_that_nobody_has_proves_nothing() -> None:
    said = pull(simulator(), medical_key="no_such_key")
    assert said.complete == ALL - {Kind.MEDICAL}
    assert "No medical came" in remarks(said)


def test_a_grade_without_a_name_stays_a_grade_and_keys_can_have_dots() -> None:
    grades = {s.year for s in students(pull(simulator(), years="")).values()}
    assert grades <= {"KG", *(f"{n:02d}" for n in range(1, 14))}
    assert_true(pull(simulator(), year_key="gg4l.primaryGrade"))


# Permissions


@pytest.mark.parametrize(
    ("fault", "lost"),
    [
        ("no-enrollments", {Kind.ENROLMENTS, Kind.TEACHING}),
        ("no-classes", {Kind.CLASSES}),
        ("no-demographics", {Kind.MEDICAL, Kind.DIETARY}),
        ("missing-demographics", {Kind.MEDICAL, Kind.DIETARY}),
        ("no-guardians", {Kind.GUARDIANS, Kind.TIES}),
        ("no-agents", {Kind.TIES}),
    ],
)
def test_a_kind_that_is_not_shared_is_not_complete(fault: str, lost: set[Kind]) -> None:
    said = pull(simulator(fault))
    assert said.complete == ALL - lost
    assert ("No ties came" if fault == "no-agents" else fault.partition("-")[2]) in remarks(said)
    assert not any(isinstance(r, Complete) and r.kind in lost for r in said.records)


def test_forms_and_birth_dates_that_are_not_shared_are_not_empty() -> None:
    assert {s.form for s in students(pull(simulator("no-enrollments"))).values()} == {NOT_SHARED}
    assert {s.date_of_birth for s in students(pull(simulator("no-demographics"))).values()} == {NOT_SHARED}


def test_a_scope_that_was_not_granted_is_named() -> None:
    only_core = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
    said = pull(simulator(), scope=only_core)
    assert said.complete == ALL - {Kind.MEDICAL, Kind.DIETARY}
    assert "grant the scope “roster-demographics.readonly”" in remarks(said)
    with pytest.raises(Refused, match=r"grant the scope “roster-core\.readonly”"):
        pull(simulator(), scope=only_core.replace("core", "demographics"))


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
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_fault_is_the_right_error(fault: str, error: type[SyncError], version: str) -> None:
    with pytest.raises(error):
        pull(simulator(fault, version=version), http={"tries": 2})


def test_a_service_that_hangs_is_busy() -> None:
    with pytest.raises(Busy):
        pull(simulator("hang"), http={"tries": 1, "timeout": (0.3, 0.3)})


def test_a_service_that_takes_no_request_at_all_is_broken() -> None:
    class Stubborn(OneRosterSimulator):
        def _page(self, name: str, request: Request) -> Reply:
            return self._failure(400, "invalid_selection_field")

    with pytest.raises(Broken, match="400"):
        pull(Stubborn(school(), 1))


def test_a_bare_list_is_no_answer_of_oneroster() -> None:
    class Bare(OneRosterSimulator):
        def _page(self, name: str, request: Request) -> Reply:
            return as_json([])

    with pytest.raises(Broken, match="no OneRoster answer"):
        pull(Bare(school(), 1))


def test_bad_rows_are_named_and_the_rest_goes_in() -> None:
    said = pull(simulator("bad-rows"))
    bad = unreadable(said)
    (student,) = {ref for kind, ref in bad if kind is Kind.STUDENTS}
    assert {(Kind.TIES, student), (Kind.MEDICAL, student), (Kind.CLASSES, "")} <= bad
    assert len(students(said)) == len(said_of(school().at(1))[Kind.STUDENTS]) - 1
    assert said.complete == ALL
    assert not picture(said).proves_absence(kind=Kind.STUDENTS, key=student)
    assert not picture(said).proves_absence(kind=Kind.CLASSES, key="CL-nobody-knows")


# Sign-in


class Telling(OneRosterSimulator):
    """A service whose token end point says what a test wants."""

    said: ClassVar[Any] = None
    scoped: ClassVar[bool] = False

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
    assert_true(pull(served))
    tokens = sum(request.method == "POST" for request in served.requests)
    assert tokens == 1


@pytest.mark.parametrize(("sign_in", "method"), [("oauth1-sha256", "HMAC-SHA256"), ("oauth1-sha1", "HMAC-SHA1")])
def test_requests_can_be_signed_instead(sign_in: str, method: str) -> None:
    served = simulator(oauth1=method)
    assert_true(pull(served, sign_in=sign_in, token_url=""))
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

RIGHT: dict[str, Any] = {
    "base_url": "https://a.example",
    "token_url": "https://a.example/token",
    "client_id": "a",
    "client_secret": "b",
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"page_size": "0"},
        {"page_size": "many"},
        {"page_size": "5001"},
        {"years": "KG"},
        {"years": "=Reception"},
        {"sign_in": "oauth3"},
        {"version": "2"},
        {"null_means": "maybe"},
        {"token_url": ""},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OneRosterSettings(**{**RIGHT, **wrong})


def test_the_secret_is_declared_as_one_and_every_setting_is_text() -> None:
    fields = dataclasses.fields(OneRosterSettings)
    assert [f.name for f in fields if f.metadata["secret"]] == ["client_secret"]
    assert {f.type for f in fields} == {str}  # forms and commands give nothing else


@pytest.mark.parametrize(
    ("base_url", "version", "root"),
    [
        ("https://a.example", "1.1", "https://a.example/ims/oneroster/v1p1"),
        ("https://a.example/x/", "1.2", "https://a.example/x/ims/oneroster/rostering/v1p2"),
        ("https://a.example/ims/oneroster/v1p1/", "1.1", "https://a.example/ims/oneroster/v1p1"),
        ("https://a.example/learningdata/v1", "1.1", "https://a.example/learningdata/v1"),
    ],
)
def test_the_address_is_completed_where_it_ends_in_no_version(base_url: str, version: str, root: str) -> None:
    assert OneRosterSettings(**{**RIGHT, "base_url": base_url, "version": version}).root == root


def test_the_standard_scopes_are_those_of_the_version() -> None:
    assert "v1p2/scope/roster-core.readonly" in OneRosterSettings(**RIGHT, version="1.2").scopes
    assert OneRosterSettings(**RIGHT, scope="").scopes == ""


def test_there_is_no_attendance() -> None:
    assert not OneRoster.sessions


def test_a_note_has_a_title_and_details() -> None:
    note = Note(whole="Diabetes\nSugar in the drawer")
    assert (note.title, note.details) == ("Diabetes", "Sugar in the drawer")
    assert Note(whole="Asthma").details is NOT_SHARED
    long = Note(whole="x" * 300)
    assert (long.title, long.details) == ("", "x" * 300)


def test_metadata_is_text_or_not_shared() -> None:
    said = Metadata({"a.b": "flat", "c": {"d": 7}, "e": None, "f": ["x"], "g": True})
    assert [said.text(key) for key in ("a.b", "c.d", "e", "f", "g", "", "x.y")] == ["flat", "7", *[NOT_SHARED] * 5]
