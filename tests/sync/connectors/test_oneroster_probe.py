"""The connection test of a OneRoster service (R2)."""

import pytest

from sync.connector import Reach
from sync.errors import Refused
from tests.sync.connectors.oneroster_feed import probe, simulator


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_all_that_is_shared_reads_at_the_cost_of_a_page_each(version: str) -> None:
    served = simulator(version=version)
    found = probe(served)
    missing = {part: finding.text for part, finding in found.items() if finding.reach is not Reach.READS}
    assert missing == {"Attendance": "OneRoster has no attendance: take the marks by CSV."}
    assert found["Classes"].text.endswith("can be read.")
    paths = [request.path for request in served.requests if request.method == "GET"]
    assert sorted(set(paths)) == sorted(f"{served.base}/{name}" for name in served.rows if name != "courses")
    assert len(paths) <= len(set(paths)) + 1  # the orgs are read to their end


def test_a_missing_scope_is_named_and_the_rest_still_read() -> None:
    found = probe(simulator(), scope="https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly")
    assert found["Birth dates"].reach is Reach.NOT_SHARED
    assert "“roster-demographics.readonly”" in found["Birth dates"].text
    assert found["Students, guardians and staff"].reach is Reach.READS


@pytest.mark.parametrize(
    ("fault", "part", "words"),
    [
        ("no-users", "Students, guardians and staff", "None came"),
        ("no-orgs", "School", "does not allow us to read “orgs”"),
    ],
)
def test_what_is_needed_and_cannot_be_read_is_faulty(fault: str, part: str, words: str) -> None:
    served = simulator(*([fault] if fault in type(simulator()).FAULTS else []))
    if fault == "no-orgs":
        served.faults = frozenset({fault})
    found = probe(served)
    assert found[part].reach is Reach.FAULTY
    assert words in found[part].text


def test_several_schools_and_none_named_is_faulty() -> None:
    found = probe(simulator(neighbour=True))["School"]
    assert (found.reach, "2 schools" in found.text) == (Reach.FAULTY, True)


def test_a_service_that_proves_no_end_is_told_so_before_the_first_night() -> None:
    found = probe(simulator(total=False, link=""))["Who has left"]
    assert found.reach is Reach.NOT_SHARED
    assert "X-Total-Count" in found.text
    assert "Who has left" not in probe(simulator())


def test_notes_need_a_key() -> None:
    found = probe(simulator(), medical_key="")
    assert found["Medical notes"].reach is Reach.NOT_SHARED
    assert "“dietary”" in found["Dietary needs"].text


def test_a_wrong_secret_is_an_error_because_nothing_at_all_can_be_said() -> None:
    with pytest.raises(Refused, match="enter them again"):
        probe(simulator(), client_secret="wrong-secret")
