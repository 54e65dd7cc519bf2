"""From the front desk to what is wrong, the file for the data manager, and the question to support (R28, R67)."""

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.conftest import NARROW, WIDE, Site

pytestmark = pytest.mark.journey

JO = "jo.hart@northgate-school.example"
HOME = "/s/northgate/reception/"


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_from_the_front_desk_to_a_file(visit: Any, site: Site, size: tuple[int, int], tmp_path: Path):
    visitor = visit(size, java_script_enabled=size == WIDE)
    visitor.sign_in(JO)
    visitor.go(HOME)
    page = visitor.page
    page.get_by_role("link", name="See what was put right").click()
    page.get_by_text("G-12").wait_for()
    page.get_by_label("Breadcrumb").get_by_role("link", name="Data quality").click()
    page.get_by_role("link", name="Malformed e-mail addresses").click()
    page.get_by_text("Ines Grün").wait_for()
    with page.expect_download() as given:
        page.get_by_role("link", name="Download as CSV").click()
    kept = tmp_path / "file.csv"
    given.value.save_as(kept)
    assert given.value.suggested_filename == "data-quality-malformed.csv"
    with kept.open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["MIS id"], row["Name"], row["Field"]) == ("G-40", "Ines Grün", "e-mail")


def test_an_offices_mailbox_is_one_line_with_everybody_behind_it(visit: Any, site: Site):
    visitor = visit(NARROW)
    visitor.sign_in(JO)
    visitor.go(f"{HOME}data-quality/role-mailbox/")
    page = visitor.page
    page.get_by_text("6 affected.").wait_for()
    assert not page.get_by_text("Parent Number3").is_visible()
    page.get_by_text("6 people").click()
    assert page.get_by_text("Parent Number3").is_visible()
    assert not visitor.faults()
