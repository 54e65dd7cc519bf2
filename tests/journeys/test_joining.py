"""Joining by hand: with the keyboard alone, and without JavaScript."""

from typing import Any

import pytest

from tests.journeys.conftest import NARROW, WIDE, Site

pytestmark = pytest.mark.journey

LENA = "lena.bell@birch.example"
BIRCH = "/s/birch/reception/"


def test_without_javascript_a_test_is_asked_for_and_looked_at_again(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(LENA)
    visitor.go(f"{BIRCH}connection/")
    visitor.page.get_by_role("button", name="Test again").click()
    visitor.page.get_by_text("A worker is looking.").wait_for()
    visitor.page.get_by_role("link", name="Look again").click()
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "Connection to your MIS"


def test_the_form_is_filled_in_by_keyboard_alone(visit: Any, site: Site):
    visitor = visit(WIDE)
    visitor.sign_in(LENA)
    visitor.go(f"{BIRCH}connection/settings/")
    keyboard, page = visitor.page.keyboard, visitor.page
    page.get_by_label("Token").focus()
    assert page.get_by_label("Token").input_value() == ""
    keyboard.press("Tab")
    keyboard.press("Control+A")
    keyboard.type("no/t an id")
    keyboard.press("Enter")
    page.get_by_text("nothing was saved").wait_for()
    assert page.get_by_label("School id").get_attribute("aria-invalid") == "true"
    assert not visitor.faults()


def test_the_list_of_systems_is_found_from_the_front_door(visit: Any, site: Site):
    visitor = visit(NARROW)
    visitor.go("/")
    visitor.page.get_by_role("link", name="Supported systems").click()
    visitor.page.get_by_role("link", name="Bromcom").click()
    assert visitor.page.get_by_role("heading", level=1).inner_text() == "Bromcom via Wonde"
