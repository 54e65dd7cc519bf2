"""Attendance from iSAMS's REST API against the registers of the world."""

import datetime
import logging
from typing import Final, TypeVar

import pytest

from local.simulators.isams import CLIENT, KEY, REST_TOKEN, SECRET
from local.simulators.isams import Isams as Simulator
from local.simulators.server import running
from local.world.build import crowd
from local.world.model import FIRST_DAY
from local.world.registers import Half, register
from sync.connectors.isams import Isams, IsamsSettings
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark

T = TypeVar("T", bound=MarkRecord)

SCHOOL: Final = crowd(students=150)
DAY: Final = FIRST_DAY
REST: Final = {"client_id": CLIENT, "client_secret": SECRET}
CODES: Final = {"late": "L", "excused": "ILL", "absent": "?", "elsewhere": "TRIP", "unknown": "ZX", "not_taken": ""}
SESSIONS: Final[tuple[Half, ...]] = ("am", "pm")
TAKEN: Final = [(ref, half) for half in SESSIONS for ref in register(SCHOOL, DAY, half)]


def read(simulator: Simulator, *, day: datetime.date = DAY, **given: str) -> list[MarkRecord]:
    with running(simulator) as base, Http(loopback=True, sleep=lambda _: None, timeout=(10, 10)) as http:
        connector = Isams(IsamsSettings(host=base, api_key=KEY, **(REST | given)), http)
        return list(connector.attendance(day))


def marks(*faults: str, day: datetime.date = DAY) -> list[MarkRecord]:
    return read(Simulator(SCHOOL, 1, faults=frozenset(faults)), day=day)


def of(shape: type[T], records: list[MarkRecord]) -> list[T]:
    return [record for record in records if isinstance(record, shape)]


def said(records: list[MarkRecord]) -> dict[tuple[str, str], Mark]:
    found = {(mark.student_ref, mark.session.value): mark for mark in of(Mark, records)}
    assert len(found) == len(of(Mark, records))
    return found


def remarks(records: list[MarkRecord]) -> str:
    return "\n".join(remark.text for remark in of(Remark, records))


def code_of(meaning: str, half: Half) -> str:
    return CODES.get(meaning) or ("" if meaning == "not_taken" else {"am": "/", "pm": "\\"}[half])


def test_the_marks_are_the_registers() -> None:
    records = marks()
    found = said(records)
    truth = {(ref, half): mark for half in SESSIONS for ref, mark in register(SCHOOL, DAY, half).items()}
    assert len({mark.meaning for mark in truth.values()}) > 4
    assert {key: (one.meaning.name.lower(), one.minutes_late, one.code) for key, one in found.items()} == {
        (ref, half): (mark.meaning, mark.minutes_late, code_of(mark.meaning, half))
        for (ref, half), mark in truth.items()
    }
    assert {one.date for one in found.values()} == {DAY}
    assert {one.label for one in found.values() if one.code == "ILL"} == {"Illness"}
    assert {one.label for one in found.values() if one.code == ""} == {NOT_SHARED}
    assert not remarks(records)
    assert not of(UnreadableMark, records)


def test_the_sessions_of_the_connector_are_those_of_its_marks() -> None:
    assert {mark.session for mark in of(Mark, marks())} == Isams.sessions == {Session.AM, Session.PM}


@pytest.mark.parametrize(
    "fault", ["rest-paged", "rest-bare", "rest-untyped", "rest-lessons", "rest-doubled", "rest-expired", "rest-once"]
)
def test_what_makes_no_difference(fault: str) -> None:
    assert sorted(map(repr, marks(fault))) == sorted(map(repr, marks()))


def test_a_token_is_fetched_once_and_again_when_it_ends() -> None:
    plain, expired = Simulator(SCHOOL, 1), Simulator(SCHOOL, 1, faults=frozenset({"rest-expired"}))
    for simulator, tokens in ((plain, 1), (expired, 2)):
        read(simulator)
        posts = [request.path for request in simulator.requests if request.method != "GET"]
        assert posts == ["/auth/connect/token"] * tokens


def test_codes_that_the_government_does_not_know_stay_raw() -> None:
    away = {"ILL", "?", "TRIP", "ZX"}
    found = [one for one in of(Mark, marks("rest-no-government-codes")) if one.code in away]
    assert {one.meaning for one in found} == {Meaning.UNKNOWN}
    assert len({one.code for one in found}) > 2
    found = [one for one in of(Mark, marks("rest-unknown-code")) if one.code == "999"]
    assert {(one.meaning, one.label) for one in found} == {(Meaning.UNKNOWN, NOT_SHARED)}


def test_where_a_register_contradicts_itself_the_student_is_asked_for() -> None:
    simulator = Simulator(SCHOOL, 1, faults=frozenset({"rest-disagreeing"}))
    records = read(simulator)
    assert sorted(map(repr, records)) == sorted(map(repr, marks()))
    assert sum("/students/" in request.path for request in simulator.requests) == 4


def test_where_the_student_cannot_be_asked_for_either_there_is_no_mark() -> None:
    records = marks("rest-disagreeing", "rest-no-single")
    assert len({one.student_ref for one in of(UnreadableMark, records)}) > 1
    assert len(of(Mark, records)) == len(TAKEN) - len(of(UnreadableMark, records))


def test_two_registers_that_contradict_each_other_give_no_mark() -> None:
    records = marks("rest-two-registers")
    torn = of(UnreadableMark, records)
    assert len(torn) == 2
    assert all("say different things" in one.reason for one in torn)
    assert len(of(Mark, records)) == len(TAKEN) - 2


def test_a_row_that_cannot_be_read_is_only_itself() -> None:
    records = marks("rest-nobody")
    assert [one.student_ref for one in of(UnreadableMark, records)] == [""] * 4
    assert len(of(Mark, records)) == len(TAKEN)


@pytest.mark.parametrize("fault", ["rest-no-right", "rest-no-right-401", "rest-no-right-200"])
def test_a_missing_right_is_named_and_nothing_else_happens(fault: str) -> None:
    records = marks(fault)
    assert [type(record) for record in records] == [Remark]
    assert "the Registration Manager" in remarks(records)


def test_without_a_client_there_is_a_remark_and_no_request() -> None:
    simulator = Simulator(SCHOOL, 1)
    records = read(simulator, client_id="", client_secret="")
    assert [type(record) for record in records] == [Remark]
    assert "send attendance by CSV" in remarks(records)
    assert not simulator.requests


def test_registers_of_another_day_are_not_taken_for_this_one() -> None:
    for fault, words in (("rest-yesterday", "of another day"), ("rest-no-periods", "lists none")):
        records = marks(fault)
        assert [type(record) for record in records] == [Remark]
        assert words in remarks(records)
    assert not of(Mark, marks(day=DAY + datetime.timedelta(days=1)))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rest-no-token", Refused),
        ("rest-page-lost", Busy),
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("down-later", Busy),
        ("cut-for-ever", Busy),
        ("html", Broken),
    ],
)
def test_faults(fault: str, error: type[SyncError], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    simulator = Simulator(SCHOOL, 1, faults=frozenset({fault}))
    with pytest.raises(error) as caught:
        read(simulator)
    told = repr(caught.getrepr(showlocals=False)) + str(caught.value) + caplog.text
    for secret in (SECRET, REST_TOKEN, KEY):
        assert secret not in told
    assert {(one.method, one.path) for one in simulator.requests if one.method != "GET"} <= {
        ("POST", "/auth/connect/token")
    }


def test_a_wrong_secret_is_refused_and_never_quoted() -> None:
    with pytest.raises(Refused, match="enter them again") as caught:
        read(Simulator(SCHOOL, 1), client_secret="wrong-secret-here")
    assert "wrong-secret-here" not in str(caught.value)


def test_the_laws_of_a_register() -> None:
    """Nobody is absent for a register that was not taken, and a mark that the MIS made by itself is no presence."""
    found = of(Mark, marks("rest-foreseen"))
    assert {one.meaning for one in found if one.code in {"/", "\\"}} == {Meaning.UNCONFIRMED}
    assert {one.meaning for one in found if one.code == ""} >= {Meaning.EXCUSED, Meaning.NOT_TAKEN}
