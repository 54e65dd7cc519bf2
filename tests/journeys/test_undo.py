"""Undoing a run by hand: by keyboard alone, and without JavaScript."""

from typing import Any

import pytest

from tests.journeys.conftest import NARROW, WIDE, Site

pytestmark = pytest.mark.journey

JO = "jo.hart@northgate-school.example"


def test_without_javascript_an_undo_is_seen_then_asked_for(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(JO)
    visitor.go(f"/s/northgate/reception/runs/{site.run}/")
    visitor.page.get_by_role("link", name="Undo this run").click()
    visitor.page.get_by_text("Class 9B Latin’s subject goes back from Latin to Greek.").wait_for()
    visitor.page.get_by_label("Why").fill("The wrong file was sent.")
    visitor.page.get_by_role("button", name="Undo 1 change").click()
    # Another sync is under way in this school, so it is told to wait, and what was typed is still there.
    visitor.page.get_by_text("A sync is running.").wait_for()
    assert visitor.page.get_by_label("Why").input_value() == "The wrong file was sent."


def test_by_keyboard_alone_a_reason_is_asked_for(visit: Any, site: Site):
    visitor = visit(WIDE)
    visitor.sign_in(JO)
    visitor.go(f"/s/northgate/reception/runs/{site.run}/undo/")
    keyboard, page = visitor.page.keyboard, visitor.page
    page.get_by_label("Why").focus()
    keyboard.type("   ")
    keyboard.press("Enter")
    page.get_by_text("This field is required.").wait_for()
    assert page.get_by_label("Why").get_attribute("aria-invalid") == "true"
    assert not visitor.faults()
