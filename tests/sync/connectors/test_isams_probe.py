"""What the connection test of iSAMS says: the method to tick, part by part (R2)."""

from typing import Any, Final

import pytest

from local.simulators.isams import CLIENT, HEALTH_KEY, KEY, SECRET
from local.simulators.isams import Isams as Simulator
from local.simulators.server import running
from local.world.build import crowd
from sync.connector import Finding, Reach
from sync.connectors.isams import Isams, IsamsSettings
from sync.errors import Broken, Refused, SyncError
from sync.http import Http

SCHOOL: Final = crowd(students=30)
ALL: Final = {
    "health_list": "CurrentPupilsHealth",
    "medical_fields": "Conditions",
    "client_id": CLIENT,
    "client_secret": SECRET,
}


def probe(*faults: str, given: dict[str, str] = ALL, **simulated: Any) -> dict[str, Finding]:
    simulator = Simulator(SCHOOL, 1, faults=frozenset(faults), **simulated)
    with running(simulator) as base, Http(loopback=True, sleep=lambda _: None) as http:
        found = list(Isams(IsamsSettings(host=base, api_key=KEY, **given), http).probe())
    assert {(one.method, one.path) for one in simulator.requests if one.method != "GET"} <= {
        ("POST", "/auth/connect/token")
    }
    assert len({one.part for one in found}) == len(found)
    return {one.part: one for one in found}


def reaches(found: dict[str, Finding], reach: Reach) -> set[str]:
    return {part for part, one in found.items() if one.reach is reach}


def test_all_parts_read() -> None:
    found = probe()
    assert reaches(found, Reach.READS) == found.keys()
    assert list(found)[:3] == ["Students", "Guardians", "Staff"]
    assert found["Students"].text == "30 read."
    assert found["Attendance"].text == "4 registers today."


def test_each_missing_method_is_named() -> None:
    found = probe("core", "no-staff", "no-contacts")
    assert reaches(found, Reach.READS) == {"Students", "Names of years", "Forms", "Attendance"}
    for part, method in {
        "Guardians": "the plain Student Contacts",
        "Staff": "HumanResources_GetCurrentStaff",
        "Sets": "Teaching_GetTeachingSets",
        "Students of sets": "Teaching_GetTeachingSetLists",
        "Subjects": "Teaching_GetDepartmentsAndSubjects",
        "Medical and dietary notes": "Pupil_GetCurrentPupilsHealth",
    }.items():
        assert found[part].reach is Reach.NOT_SHARED
        assert method in found[part].text


def test_without_students_there_is_nothing() -> None:
    found = probe("no-pupils")
    assert found["Students"].reach is Reach.FAULTY
    assert "Pupil_GetCurrentPupils" in found["Students"].text


def test_what_the_settings_leave_out_is_said() -> None:
    found = probe(given={"classes": "forms"})
    assert not {"Sets", "Subjects"} & found.keys()
    assert "name no health list" in found["Medical and dietary notes"].text
    assert "by CSV" in found["Attendance"].text


def test_the_key_for_health() -> None:
    given = ALL | {"health_key": HEALTH_KEY}
    assert probe(given=given, health_key=HEALTH_KEY)["Medical and dietary notes"].reach is Reach.READS
    faulty = probe("health-key-off", given=given, health_key=HEALTH_KEY)["Medical and dietary notes"]
    assert faulty.reach is Reach.FAULTY
    assert "does not know the batch API key" in faulty.text


def test_attendance_that_cannot_be_read_leaves_the_rest() -> None:
    missing = probe("rest-no-right")
    assert reaches(missing, Reach.NOT_SHARED) == {"Attendance"}
    assert "Manage REST API Clients" in missing["Attendance"].text
    wrong = probe(given=ALL | {"client_secret": "wrong-secret-here"})
    assert reaches(wrong, Reach.FAULTY) == {"Attendance"}
    assert "enter them again" in wrong["Attendance"].text


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("invalid-key", Refused, "does not know the batch API key"),
        ("no-batch", Broken, "check the host"),
        ("html", Broken, "check the host"),
        ("filters-required", Refused, "Untick"),
    ],
)
def test_a_wrong_key_and_a_wrong_host(fault: str, error: type[SyncError], words: str) -> None:
    with pytest.raises(error, match=words):
        probe(fault)
