"""The GG4L connector: its token, its onboarding service, and the OneRoster service behind them (R4, R12, R20)."""

import datetime
import functools
import logging
from typing import Any

import pytest

from local.renderings.oneroster import years_setting
from local.simulators.gg4l import DISTRICT_GUID, Gg4lSimulator
from local.simulators.server import running
from local.world.build import crowd, world
from local.world.model import SchoolWorld
from sync.connectors.gg4l import Gg4l, Gg4lSettings
from sync.connectors.gg4l.discovery import district, oneroster_base
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
from sync.records import KIND_OF, NOT_SHARED, Kind, Remark, Student, Unreadable
from tests.sync.connectors.oneroster_truth import METADATA, notes_in, notes_of, said_of

ALL = frozenset(Kind)
OF_USERS = {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.TIES, Kind.MEDICAL, Kind.DIETARY}
NOW = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)
SECRETS = ("demo-client-secret", "demo-partner-secret")
PARTNER: dict[str, Any] = {
    "client_id": "demo-partner",
    "client_secret": "demo-partner-secret",
    "district": DISTRICT_GUID,
}


@functools.cache
def school() -> SchoolWorld:
    return crowd(students=60)


def simulator(*faults: str, night: int = 1, **more: Any) -> Gg4lSimulator:
    return Gg4lSimulator(more.pop("school", None) or school(), night, faults=frozenset(faults), **more)


def pull(served: Gg4lSimulator, *, http: dict[str, Any] | None = None, **settings: Any) -> Extract:
    """Read the simulator's roster as the pipeline does."""
    with running(served) as url, Http(loopback=True, sleep=lambda _: None, **(http or {})) as door:
        given = {
            "host": url,
            "client_id": "demo-client",
            "client_secret": "demo-client-secret",
            "years": years_setting(served.school),
            **METADATA,
        }
        return extract(Gg4l(Gg4lSettings(**{**given, **settings}), door, now=lambda: NOW))


def remarks(said: Extract) -> str:
    return " ".join(record.text for record in said.records if isinstance(record, Remark))


def assert_true(said: Extract, *, night: int, of: SchoolWorld | None = None) -> None:
    """Whatever was said is what the world is on that night, with names cut at 50 letters, all of it, and proven."""
    picture = (of or school()).at(night)
    truth = said_of(picture, longest=50)
    assert {kind: {r for r in said.records if KIND_OF.get(type(r)) is kind} for kind in truth} == truth
    roster = normalise(said.records, today=datetime.date(2026, 11, 24))
    assert notes_in(roster) == notes_of(picture)
    assert said.complete == ALL
    assert not any(isinstance(record, Unreadable) for record in said.records)


# The truth


@pytest.mark.parametrize("night", [1, 2])
@pytest.mark.parametrize("given", [{}, PARTNER])
def test_the_roster_is_the_truth_and_nothing_is_written(night: int, given: dict[str, Any]) -> None:
    served = simulator(night=night)
    assert_true(pull(served, **given), night=night)
    assert {r.path for r in served.requests if r.method != "GET"} == {served.token_path}
    assert {r.method for r in served.requests} == {"GET", "POST"}


@pytest.mark.parametrize("size", [1, 2, 90])
def test_the_size_of_a_page_makes_no_difference(size: int) -> None:
    assert_true(pull(simulator(), page_size=str(size)), night=1)


@pytest.mark.parametrize(
    "odd",
    [
        {"total": True},
        {"link": "angle"},
        {"total": True, "link": ""},
        {"agents": "student"},
        {"agents": "guardian"},
        {"neighbour": True},
    ],
)
def test_what_nobody_knows_of_gg4l_may_turn_out_either_way(odd: dict[str, Any]) -> None:
    served = simulator(**odd)
    assert_true(pull(served, school=served.school_ref), night=1)


@pytest.mark.parametrize(("link", "size"), [("", "90"), ("bare", "500")])
def test_without_a_total_and_without_a_second_page_anywhere_nothing_is_proven(link: str, size: str) -> None:
    said = pull(simulator(link=link), page_size=size)
    assert not said.complete
    assert "neither counts its rows" in remarks(said)


@pytest.mark.parametrize(
    "habit", ["clamped", "wrong-wrapper", "lost-token", "no-page-behind", "throttled", "flaky", "cut"]
)
def test_what_can_be_borne_changes_nothing(habit: str) -> None:
    assert_true(pull(simulator(habit), **PARTNER), night=1)


def test_names_that_were_cut_are_remarked_on() -> None:
    northgate = world().school("northgate")
    said = pull(simulator(school=northgate), page_size="500")
    assert_true(said, night=1, of=northgate)
    assert "2 names are 50 characters long" in remarks(said)


# The onboarding service


@pytest.mark.parametrize("shape", ["list", "named", "keyed"])
@pytest.mark.parametrize("api_url", ["whole", "host"])
def test_the_list_of_districts_may_be_written_in_several_ways(shape: str, api_url: str) -> None:
    said = pull(simulator(shape=shape, api_url=api_url), **PARTNER)
    assert_true(said, night=1)
    assert "GG4L last took data from the MIS on 2026-11-20 at 03:12 UTC." in remarks(said)


def test_a_district_is_found_by_its_name_too() -> None:
    assert_true(pull(simulator(), **{**PARTNER, "district": "larkhill trust "}), night=1)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("expired", Refused, "ended on 2025-07-31"),
        ("unshared-district", Refused, "no longer lists the district"),
        ("half-credentials", Broken, "without all of its credentials"),
    ],
)
def test_a_district_out_of_reach_is_not_everybody_gone(fault: str, error: type[SyncError], words: str) -> None:
    with pytest.raises(error, match=words):
        pull(simulator(fault), **PARTNER)


def test_a_name_of_two_districts_is_refused() -> None:
    one = {"clientId": "a", "districtName": "Twin"}
    with pytest.raises(Refused, match="several"):
        district([one, one], wanted="Twin", now=NOW)


@pytest.mark.parametrize("said", [[], {}])
def test_an_empty_list_of_districts_is_a_refusal(said: object) -> None:
    with pytest.raises(Refused):
        district(said, wanted="Larkhill Trust", now=NOW)


@pytest.mark.parametrize("said", ["text", None, 5, {"error": "x"}])
def test_no_list_of_districts_is_broken(said: object) -> None:
    with pytest.raises(Broken):
        district(said, wanted="Larkhill Trust", now=NOW)


@pytest.mark.parametrize("moment", ["not a moment", "", None])
def test_a_moment_that_cannot_be_read_is_none(moment: str | None) -> None:
    urls = {"tokenUrl": "https://a.example/t", "apiUrl": "https://a.example"}
    entry = {"clientId": "the-id", "clientSecret": "the-secret", "districtName": "One", "expiryDate": moment, **urls}
    found = district({"one": entry}, wanted="one", now=NOW)
    assert (found.expires, found.processed) == (None, None)
    assert "the-" not in repr(found)


def test_both_names_of_the_last_processing_are_known_and_a_moment_without_zone_is_utc() -> None:
    urls = {"tokenUrl": "https://a.example/t", "apiUrl": "https://a.example"}
    late = {"lastDataProcessingCompleteTimestamp": "2026-11-20T03:12:44.120"}
    found = district([{"clientId": "a", "clientSecret": "b", "districtGuid": "1", **urls, **late}], wanted="1", now=NOW)
    assert found.processed == datetime.datetime(2026, 11, 20, 3, 12, 44, 120000, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("said", "base"),
    [
        ("https://a.example", "https://a.example/datahub/services/ims/oneroster/v1p1"),
        ("https://a.example/datahub/services", "https://a.example/datahub/services/ims/oneroster/v1p1"),
        ("https://a.example/x/ims/oneroster/v1p1/", "https://a.example/x/ims/oneroster/v1p1"),
    ],
)
def test_the_address_of_the_service_is_completed(said: str, base: str) -> None:
    assert oneroster_base(said) == base


def test_a_host_without_a_scheme_is_asked_with_tls() -> None:
    settings = Gg4lSettings(host="sync.gg4l.example", client_id="a", client_secret="b")
    with Http() as door:
        found = Gg4l(settings, door)._district()
    assert found.token_url == "https://sync.gg4l.example/datahub/oauth/token"
    assert found.api_url == "https://sync.gg4l.example/datahub/services/ims/oneroster/v1p1"


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
        ("unshared-school", Refused),
    ],
)
@pytest.mark.parametrize("given", [{}, PARTNER])
def test_a_fault_is_the_right_error(fault: str, error: type[SyncError], given: dict[str, Any]) -> None:
    served = simulator(fault)
    with pytest.raises(error):
        pull(served, http={"tries": 2}, school=served.school_ref, **given)


def test_a_service_that_hangs_is_busy() -> None:
    with pytest.raises(Busy):
        pull(simulator("hang"), http={"tries": 1, "timeout": (0.3, 0.3)})


def test_pages_that_do_not_turn_are_no_roster() -> None:
    with pytest.raises(Broken, match="repeats itself"):
        pull(simulator("repeat-page"), page_size="3")


@pytest.mark.parametrize("fault", ["hole", "duplicate-across-pages"])
def test_users_that_are_not_proven_to_the_end_end_nobody(fault: str) -> None:
    assert not pull(simulator(fault), page_size="80").complete & OF_USERS


def test_masked_names_take_nobodys_place() -> None:
    with pytest.raises(Doubtful, match="no students"):
        pull(simulator("masked"))


def test_attributes_that_the_district_does_not_tick_are_not_shared() -> None:
    said = pull(simulator("unticked"), null_means="nothing")
    shown = [record for record in said.records if isinstance(record, Student)]
    assert {(student.email, student.date_of_birth) for student in shown} == {(NOT_SHARED, NOT_SHARED)}
    # The grade still stands in GG4L's own metadata.
    assert {student.year for student in shown} == {s.year for s in school().at(1).students.values()}
    assert said.complete == ALL


@pytest.mark.parametrize("fault", ["unauthorised", "forbidden", "down", "html", "half-credentials", "expired"])
def test_no_secret_is_told(fault: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SyncError) as caught:
        pull(simulator(fault), http={"tries": 2}, **PARTNER)
    told = f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"
    assert not [secret for secret in (*SECRETS, "token-") if secret in told]


def test_pages_over_500_are_refused() -> None:
    with pytest.raises(ValueError, match="500"):
        Gg4lSettings(host="a.example", client_id="a", client_secret="b", page_size="501")
