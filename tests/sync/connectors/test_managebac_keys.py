"""The two ways into ManageBac: a token made by hand, or OAuth with a client id and its secret."""

import dataclasses
import json
import logging

import pytest

from local.simulators.managebac import CLIENT_ID, CLIENT_SECRET, TOKEN, ManageBac
from local.world.build import crowd
from sync.connectors import managebac
from sync.connectors.managebac.settings import REGIONS
from sync.errors import Broken, Refused
from sync.keys import Bearer, Fixed
from sync.pipeline.extract import Extract
from sync.records import Kind, Remark
from tests.sync.connectors.managebac_feed import of, pull, remarks

SCHOOL = crowd(students=14)
SHARED = frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}


def enter(simulator: ManageBac, *, secret: str = CLIENT_SECRET, **given: str) -> Extract:
    return pull(simulator, client_id=CLIENT_ID, client_secret=secret, **given)


def test_a_client_id_reads_what_a_token_reads() -> None:
    simulator = ManageBac(SCHOOL, 1)
    found = enter(simulator)
    assert set(found.records) == set(pull(ManageBac(SCHOOL, 1)).records)
    (issued,) = [request for request in simulator.requests if request.path == "/oauth/token"]
    assert json.loads(issued.body) == {
        "grant_type": "client_credentials",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    assert all("auth-token" not in request.headers for request in simulator.requests)


def test_the_token_end_point_has_no_version() -> None:
    simulator = ManageBac(SCHOOL, 1)
    assert enter(simulator, version="v2p3").complete == SHARED
    assert {request.path.split("/")[1] for request in simulator.requests} == {"oauth", "v2p3"}


def test_an_access_token_that_ends_is_fetched_again() -> None:
    simulator = ManageBac(SCHOOL, 1, most=10, faults=frozenset({"expired"}))
    assert enter(simulator).complete == SHARED
    assert sum(request.path == "/oauth/token" for request in simulator.requests) > 2


def test_a_wrong_secret_is_refused_without_being_quoted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Refused, match="refuses the client id and secret") as caught:
        enter(ManageBac(SCHOOL, 1), secret="wrong-secret-1234")
    assert "wrong-secret-1234" not in f"{caught.value!r} {caught.value.__context__!r} {caplog.text}"


def test_an_end_point_without_a_token_is_broken() -> None:
    with pytest.raises(Broken, match="without one"):
        enter(ManageBac(SCHOOL, 1, faults=frozenset({"no-token"})))


def test_a_missing_permission_is_named_to_a_client_as_well() -> None:
    found = enter(ManageBac(SCHOOL, 1, faults=frozenset({"parents-forbidden"})))
    assert found.complete == SHARED - {Kind.GUARDIANS, Kind.TIES}
    assert "permit “Parents” to the token" in remarks(found)
    assert len(of(Remark, found)) == 1


# Settings


def test_secrets_are_marked_and_in_no_repr():
    fields = dataclasses.fields(managebac.ManageBacSettings)
    assert [field.name for field in fields if field.metadata["secret"]] == ["token", "client_secret"]
    assert all(field.metadata["label"] and field.metadata["help"] for field in fields)
    assert TOKEN not in repr(managebac.ManageBacSettings(token=TOKEN))
    assert CLIENT_SECRET not in repr(managebac.ManageBacSettings(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))


@pytest.mark.parametrize("name", ["token", "client_secret"])
def test_an_error_never_quotes_a_secret(name: str) -> None:
    with pytest.raises(ValueError, match=name) as caught:
        managebac.ManageBacSettings(**{"client_id": CLIENT_ID, name: "se cret"})
    assert "se cret" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"client_id": CLIENT_ID},
        {"client_secret": CLIENT_SECRET},
        {"token": TOKEN, "client_id": CLIENT_ID},
        {"token": TOKEN, "client_secret": CLIENT_SECRET},
        {"token": TOKEN, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
    ],
)
def test_exactly_one_way_in_is_given(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="either a token is given, or a client_id and its client_secret"):
        managebac.ManageBacSettings(**given)


def test_each_way_has_its_keys() -> None:
    assert isinstance(managebac.ManageBacSettings(token=TOKEN).keys(), Fixed)
    assert isinstance(managebac.ManageBacSettings(client_id=CLIENT_ID, client_secret=CLIENT_SECRET).keys(), Bearer)


@pytest.mark.parametrize(
    "given",
    [
        {"region": "moon"},
        {"homerooms": "perhaps"},
        {"version": "v1"},
        {"base_url": "http://api.managebac.example"},
        {"base_url": "https://me:secret@api.managebac.example"},
        {"base_url": "https://api.managebac.example?auth_token=1"},
        {"base_url": "ftp://api.managebac.example"},
        {"token": "a\nb"},
    ],
)
def test_bad_settings_are_refused(given: dict[str, str]):
    with pytest.raises(ValueError, match=next(iter(given))):
        managebac.ManageBacSettings(**{"token": TOKEN, **given})


def test_region_gives_the_address():
    assert managebac.ManageBacSettings(token=TOKEN).root == "https://api.managebac.com/v2"
    assert managebac.ManageBacSettings(token=TOKEN, region="china", version="v2p3").root == f"{REGIONS['china']}/v2p3"
    assert managebac.ManageBacSettings(token=TOKEN, base_url="https://x.example/").root == "https://x.example/v2"
