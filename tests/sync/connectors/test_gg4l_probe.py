"""The connection test of GG4L, and what a district may keep from us (R2, R4)."""

from typing import Any

import pytest

from local.simulators.gg4l import DISTRICT_GUID, Gg4lSimulator
from local.simulators.server import running
from local.world.build import crowd
from sync.connector import Finding, Reach
from sync.connectors.gg4l import Gg4l, Gg4lSettings
from sync.errors import Refused
from sync.http import Http

PARTNER: dict[str, Any] = {
    "client_id": "demo-partner",
    "client_secret": "demo-partner-secret",
    "district": DISTRICT_GUID,
}


def probe(served: Gg4lSimulator, **given: Any) -> dict[str, Finding]:
    settings = {"client_id": "demo-client", "client_secret": "demo-client-secret", **given}
    with running(served) as url, Http(loopback=True, sleep=lambda _: None) as door:
        return {found.part: found for found in Gg4l(Gg4lSettings(host=url, **settings), door).probe()}


def simulator(*faults: str, **more: Any) -> Gg4lSimulator:
    return Gg4lSimulator(crowd(students=60), 1, faults=frozenset(faults), **more)


def test_until_when_the_district_shares_is_told() -> None:
    found = probe(simulator(), **PARTNER)
    told = "The district shares with us until 2099-07-31. GG4L last took data from the MIS on 2026-11-20 at 03:12 UTC."
    assert (found["Sharing"].reach, found["Sharing"].text) == (Reach.READS, told)
    assert found["Students, guardians and staff"].reach is Reach.READS


def test_the_district_s_own_credentials_tell_nothing_of_the_sharing() -> None:
    found = probe(simulator())
    assert "Sharing" not in found
    assert found["Attendance"].reach is Reach.NOT_SHARED
    assert "CSV" in found["Attendance"].text


def test_another_school_is_faulty_and_says_so() -> None:
    served = simulator("unshared-school")
    found = probe(served, school=served.school_ref)
    assert found["School"].reach is Reach.FAULTY
    assert "share it again" in found["School"].text


def test_a_sharing_that_ended_is_an_error() -> None:
    with pytest.raises(Refused, match="ended on 2025-07-31"):
        probe(simulator("expired"), **PARTNER)
