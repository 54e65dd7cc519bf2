"""Testing ManageBac's connection: what can be read, and which permissions are missing (R2)."""

import pytest

from local.simulators.managebac import CLIENT_ID, PERMISSIONS, ManageBac
from local.world.build import crowd
from sync.connector import Reach
from sync.errors import Broken, Busy, Refused, SyncError
from tests.sync.connectors.managebac_feed import probe

SCHOOL = crowd(students=42)
PARTS = ("Students", "Parents", "Teachers", "Classes", "Memberships", "Attendance")


def test_everything_can_be_read() -> None:
    simulator = ManageBac(SCHOOL, 1)
    found = probe(simulator)
    assert [part for part, finding in found.items() if finding.reach is Reach.READS] == [*PARTS]
    assert found["Students"].text == "42 listed."
    assert found["Medical and dietary notes"].reach is Reach.NOT_SHARED
    assert len(simulator.requests) == 7
    assert {request.query["per_page"] for request in simulator.requests[:6]} == {"1"}


@pytest.mark.parametrize("part", PARTS[:5])
def test_a_missing_permission_is_named(part: str) -> None:
    found = probe(ManageBac(SCHOOL, 1, permissions=PERMISSIONS - {part.lower()}))
    assert found[part].reach is (Reach.FAULTY if part == "Students" else Reach.NOT_SHARED)
    assert f"permit “{part}” to the token at Settings › Develop › API Manager" in found[part].text
    assert [one for one in PARTS if found[one].reach is Reach.READS] == [one for one in PARTS if one != part]


@pytest.mark.parametrize("missing", ["attendance", "year-groups"])
def test_a_missing_permission_for_attendance_is_named(missing: str) -> None:
    found = probe(ManageBac(SCHOOL, 1, permissions=PERMISSIONS - {missing}))["Attendance"]
    assert found.reach is Reach.NOT_SHARED
    assert "“Year Groups” and “Attendance”" in found.text


def test_a_missing_add_on_is_named() -> None:
    found = probe(ManageBac(SCHOOL, 1, faults=frozenset({"no-add-on"})))["Attendance"]
    assert (found.reach, "Attendance add-on" in found.text) == (Reach.NOT_SHARED, True)


def test_a_school_without_year_groups_has_no_attendance() -> None:
    found = probe(ManageBac(SCHOOL, 1, rows={"year-groups": []}))["Attendance"]
    assert (found.reach, "no year groups" in found.text) == (Reach.NOT_SHARED, True)


def test_a_year_group_without_a_register_today_is_readable() -> None:
    assert probe(ManageBac(SCHOOL, 1, faults=frozenset({"group-gone"})))["Attendance"].reach is Reach.READS


def test_a_school_without_students_is_faulty() -> None:
    found = probe(ManageBac(SCHOOL, 1, faults=frozenset({"empty"})))["Students"]
    assert (found.reach, "this school's own" in found.text) == (Reach.FAULTY, True)


def test_a_list_that_counts_nothing_is_readable() -> None:
    assert probe(ManageBac(SCHOOL, 1, faults=frozenset({"no-total"})))["Parents"].text == "Can be read."


def test_a_bad_token_is_refused_in_a_sentence() -> None:
    with pytest.raises(
        Refused, match="does not accept the token: it is wrong, switched off, of another region"
    ) as caught:
        probe(ManageBac(SCHOOL, 1), token="another-token-9876")
    assert "another-token-9876" not in str(caught.value)


def test_a_bad_client_is_refused_in_a_sentence() -> None:
    with pytest.raises(Refused, match="refuses the client id and secret"):
        probe(ManageBac(SCHOOL, 1), client_id=CLIENT_ID, client_secret="another-secret-9876")


@pytest.mark.parametrize(
    ("fault", "error"), [("down", Busy), ("html", Broken), ("no-meta", Broken), ("no-list", Broken)]
)
def test_where_nothing_can_be_said_the_fault_is(fault: str, error: type[SyncError]) -> None:
    with pytest.raises(error):
        probe(ManageBac(SCHOOL, 1, faults=frozenset({fault})))
