"""Wonde: the connection test says part by part what can be read, and what the portal calls what is missing."""

import pytest

from local.simulators.wonde import TOKEN
from sync.connector import Finding, Reach
from sync.errors import Busy, Refused
from tests.sync.connectors.wonde_truth import connected, simulator

PARTS = [
    *("School", "Students", "Medical notes", "Dietary needs", "Guardians", "Staff", "Classes", "Registration groups"),
    *("Attendance", "Permissions"),
]


def probe(
    *faults: str, withheld: frozenset[str] = frozenset(), profile: str = "SIMS", classes: str = "both"
) -> dict[str, Finding]:
    with connected(simulator(*faults, withheld=withheld, profile=profile), classes=classes) as connector:
        return {finding.part: finding for finding in connector.probe()}


def test_everything_reads_at_the_cost_of_one_row_of_each_list() -> None:
    served = simulator()
    with connected(served) as connector:
        found = list(connector.probe())
    assert [finding.part for finding in found] == PARTS
    assert {finding.reach for finding in found} == {Reach.READS}
    assert found[0].text == "Wonde reads from SIMS."
    assert len(served.requests) == 9
    lists = [request for request in served.requests if "meta" not in request.path and request.query]
    assert {request.query["per_page"] for request in lists} == {"1"}


@pytest.mark.parametrize(
    ("scope", "part", "name"),
    [
        ("contacts.read", "Guardians", "“Contacts read” (contacts.read)"),
        ("employees.read", "Staff", "“Employees read” (employees.read)"),
        ("classes.read", "Classes", "“Classes read” (classes.read)"),
        ("groups.read", "Registration groups", "“Groups read” (groups.read)"),
        ("attendance.read", "Attendance", "“Attendance read” (attendance.read)"),
        ("medical-conditions.read", "Medical notes", "“Medical conditions read” (medical-conditions.read)"),
        ("students.medical-conditions.read", "Medical notes", "“Medical conditions read”"),
    ],
)
def test_a_missing_permission_has_the_name_that_the_portal_gives_it(scope: str, part: str, name: str) -> None:
    found = probe(withheld=frozenset({scope}))
    assert found[part].reach is Reach.NOT_SHARED
    assert name in found[part].text
    others = {other: finding for other, finding in found.items() if other not in {part, "Permissions"}}
    assert {finding.reach for finding in others.values()} == {Reach.READS}


def test_what_is_missing_inside_of_a_list_is_named() -> None:
    found = probe(withheld=frozenset({"subjects.read"}))["Classes"]
    assert found.reach is Reach.READS
    assert "without subject (“Subjects read” (subjects.read))" in found.text


def test_fields_that_are_withheld_are_listed() -> None:
    found = probe(withheld=frozenset({"students.upn.read", "students.date-of-birth.read"}))
    assert found["Students"].reach is Reach.READS
    assert found["Permissions"].reach is Reach.NOT_SHARED
    assert "“Students date of birth read”, “Students upn read”" in found["Permissions"].text


def test_without_students_nothing_can_be_synced() -> None:
    assert probe(withheld=frozenset({"students.read"}))["Students"].reach is Reach.FAULTY
    empty = probe("wrong-host-empty")["Students"]
    assert empty.reach is Reach.FAULTY
    assert "region" in empty.text


def test_a_school_that_wonde_does_not_know_here_may_be_somewhere_else() -> None:
    found = probe("unknown-school")["Students"]
    assert found.reach is Reach.FAULTY
    assert "whether the region and the school id are right" in found.text


def test_what_the_mis_does_not_offer_is_not_shared() -> None:
    found = probe(profile="ScholarPack")
    assert found["Classes"].reach is Reach.NOT_SHARED
    assert found["Registration groups"].reach is Reach.READS
    assert probe(profile="RM Integris")["Medical notes"].reach is Reach.NOT_SHARED
    assert probe("empty-contacts")["Guardians"].reach is Reach.NOT_SHARED


@pytest.mark.parametrize(("classes", "left_out"), [("classes", "Registration groups"), ("groups", "Classes")])
def test_only_the_lists_that_are_read_are_tried(classes: str, left_out: str) -> None:
    assert [part for part in PARTS if part not in probe(classes=classes)] == [left_out]


@pytest.mark.parametrize(
    ("fault", "words"),
    [("offline", "may be old"), ("unaudited", "not finished checking"), ("stale", "reads from SIMS")],
)
def test_how_the_school_stands_with_wonde_is_said(fault: str, words: str) -> None:
    assert words in probe(fault)["School"].text


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unauthorised", "does not accept the token"),
        ("wrong-host", r"api-ap-southeast-2\.wonde\.com"),
        ("unapproved", "has not approved our access"),
    ],
)
def test_where_nothing_can_be_read_one_sentence_says_why(fault: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        probe(fault)
    assert TOKEN not in repr(caught.getrepr(chain=True))


def test_without_a_list_of_permissions_their_identity_has_to_do() -> None:
    found = probe("no-meta", "no-attendance")
    assert "Permissions" not in found
    assert "allow attendance.read in the school's Wonde portal" in found["Attendance"].text


def test_a_host_that_is_down_is_busy() -> None:
    with pytest.raises(Busy):
        probe("down")
