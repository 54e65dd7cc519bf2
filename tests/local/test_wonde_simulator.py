"""Wonde's simulator: what the connector never asks for is answered as Wonde would, too."""

import base64
import time
from typing import Any

import pytest
import requests

from local.simulators.server import running
from local.simulators.wonde import PROFILES, SCHOOL, SCOPES, TOKEN, Wonde, wonde_id
from local.world.build import crowd

WORLD = crowd(students=60)


def ask(
    path: str, *faults: str, night: int = 1, authorization: str = f"Bearer {TOKEN}", **given: Any
) -> tuple[int, Any]:
    with running(Wonde(WORLD, night, faults=frozenset(faults), **given)) as url:
        answer = requests.get(f"{url}/v1.0/{path}", headers={"Authorization": authorization}, timeout=10)
        return answer.status_code, answer.json()


def of_school(path: str, *faults: str, **how: Any) -> tuple[int, Any]:
    return ask(f"schools/{SCHOOL}/{path}", *faults, **how)


def test_the_token_may_be_a_user_name_without_a_password() -> None:
    basic = base64.b64encode(f"{TOKEN}:".encode()).decode()
    assert of_school("students", authorization=f"Basic {basic}")[0] == 200
    assert of_school("students", authorization="Bearer wrong") == (
        401,
        {"error": "invalid_token", "error_description": "Invalid token"},
    )


def test_who_has_left_is_on_other_lists() -> None:
    night = WORLD.at(2)
    gone = WORLD.at(1).students.keys() - {key for key, one in night.students.items() if one.left_on is None}
    refs = {wonde_id(WORLD.at(1).students[key].ref) for key in gone}
    assert refs
    listed = {row["id"] for row in of_school("students", night=2)[1]["data"]}
    leavers = {row["id"] for row in of_school("students-leaver", night=2)[1]["data"]}
    deleted = {row["id"] for row in of_school("deletions", night=2)[1]["data"]}
    assert not refs & listed
    assert leavers <= refs
    assert deleted == refs


def test_a_photo_is_large() -> None:
    (row,) = of_school("students?include=photo&per_page=1")[1]["data"]
    assert len(row["photo"]["data"]["content"]) > 200_000


@pytest.mark.parametrize(
    ("query", "faults", "paged"),
    [
        ("", [], True),  # sixty do not fit in the default page
        ("?per_page=100", [], True),
        ("?per_page=100", ["number-per-page"], True),
        ("?updated_after=2030-01-01", [], False),
        ("?per_page=100", ["no-paging"], False),
    ],
)
def test_a_page_says_whether_there_are_more(query: str, faults: list[str], *, paged: bool) -> None:
    paging = of_school(f"students{query}", *faults)[1]["meta"].get("pagination")
    assert (paging is not None) is paged
    if paging:
        assert isinstance(paging["per_page"], int if faults else str)
        assert paging["more"] is (not query)


def test_the_second_page_may_take_a_second() -> None:
    begun = time.monotonic()
    of_school("students?page=2", "slow-page")
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize("scope", SCOPES)
def test_every_permission_can_be_withheld_and_is_listed_so(scope: str) -> None:
    _, told = ask(f"meta/schools/{SCHOOL}/permissions", withheld=frozenset({scope}))
    assert [row["identity"] for row in told["data"] if not row["approved"]] == [scope]


def test_an_unknown_permission_or_mis_is_noticed() -> None:
    with pytest.raises(ValueError, match=r"no permission nothing\.read"):
        Wonde(WORLD, 1, withheld=frozenset({"nothing.read"}))
    with pytest.raises(KeyError):
        Wonde(WORLD, 1, profile="Nothing")


@pytest.mark.parametrize("mis", PROFILES)
def test_every_mis_names_itself(mis: str) -> None:
    assert ask(f"schools/{SCHOOL}", profile=mis)[1]["data"]["mis"] == mis


def test_the_years_are_in_the_words_of_the_mis() -> None:
    def years(mis: str) -> set[str]:
        rows = of_school("students?include=education_details&per_page=100", profile=mis)[1]["data"]
        return {row["education_details"]["data"]["current_nc_year"] for row in rows}

    assert {"Reception", "7"} <= years("SIMS")
    assert "0" in years("RM Integris")
    assert "FY" in years("Synergetic")


def test_writing_is_refused() -> None:
    with running(Wonde(WORLD, 1)) as url:
        address = f"{url}/v1.0/schools/{SCHOOL}/attendance/session"
        assert requests.post(address, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10).status_code == 403
