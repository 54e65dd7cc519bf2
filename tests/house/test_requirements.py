"""The numbers that docstrings and tests cite: each is explained, and what a test proves is not still to come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.product import ROOMS, ROOT

LIST = ROOT / "docs" / "requirements.md"
ITSELF = Path(__file__).resolve()  # cites numbers to try the pattern, not to rest on them
STATES = {"there", "part", "later"}

# A word of its own: not the end of `EXAMPLE-D1` or `#D4`, not the start of `R12.md`, not a piece of `D205` or `R2D2`.
NUMBER = r"[RD][1-9][0-9]?(?![\w/]|\.\w)"
CITED = re.compile(rf"(?<![\w#/.&-])(?P<first>{NUMBER})(?:[–-](?P<last>{NUMBER}))?")
ROW = re.compile(r"^\| ([RD]\d+) \| (.+?) \|(?: `(\w+)` \|)?$", re.MULTILINE)


def cited(text: str) -> Iterator[str]:
    """Each number a text names; R45–R47 names three."""
    for found in CITED.finditer(text):
        first, last = found["first"], found["last"] or found["first"]
        yield from (f"{first[0]}{number}" for number in range(int(first[1:]), int(last[1:]) + 1))


def files() -> list[Path]:
    """What may cite: the code, its tests and templates, and the documents beside the list."""
    code = [file for folder in (*ROOMS, "local", "tests") for file in (ROOT / folder).rglob("*.py")]
    pages = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    return sorted({*code, *pages, ROOT / "manage.py"} - {LIST, ITSELF})


CITATIONS = {str(file.relative_to(ROOT)): set(cited(file.read_text())) for file in files()}
ROWS = ROW.findall(LIST.read_text())
STATE_OF = {number: state for number, _text, state in ROWS}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("held (R12), as D4 says; R9.", ["R12", "D4", "R9"]),
        ("what roles are (R45–R47)", ["R45", "R46", "R47"]),
        ('help_text=_("R42")', ["R42"]),
        ("EXAMPLE-D1 #D4 noqa: D205 R2D2 R12.md docs/R12 D4/ xR1 R1x R123 R0 R07 &D1;", []),
    ],
)
def test_a_number_is_a_word_of_its_own(text: str, numbers: list[str]) -> None:
    assert list(cited(text)) == numbers


def test_every_number_is_listed_once() -> None:
    listed = sorted((number for number, _text, _state in ROWS), key=lambda number: (number[0], int(number[1:])))
    assert listed == [*(f"D{n}" for n in range(1, 13)), *(f"R{n}" for n in range(1, 89))]


def test_every_row_of_the_list_is_read() -> None:
    assert len(ROWS) == len(re.findall(r"^\| *[RD]\d", LIST.read_text(), re.MULTILINE))


def test_requirements_have_a_known_state_and_answers_have_none() -> None:
    assert {state for number, state in STATE_OF.items() if number.startswith("R")} <= STATES
    assert {state for number, state in STATE_OF.items() if number.startswith("D")} == {""}


def test_every_state_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", LIST.read_text(), re.MULTILINE)) == STATES


def test_a_line_is_short() -> None:
    assert [number for number, text, _state in ROWS if len(text.split()) > 20] == []


def test_citations_are_found_in_code_pages_and_tests() -> None:
    folders = {file.partition("/")[0] for file, numbers in CITATIONS.items() if numbers}
    assert folders >= {"sync", "users", "tenants", "templates", "tests"}


def test_every_number_that_is_cited_is_listed() -> None:
    unknown = {file: sorted(numbers - STATE_OF.keys()) for file, numbers in CITATIONS.items()}
    assert {file: numbers for file, numbers in unknown.items() if numbers} == {}


def test_what_a_test_cites_is_not_still_to_come() -> None:
    early = {
        file: sorted(number for number in numbers if STATE_OF.get(number) == "later")
        for file, numbers in CITATIONS.items()
        if file.startswith("tests/")
    }
    assert {file: numbers for file, numbers in early.items() if numbers} == {}
