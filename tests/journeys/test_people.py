"""A broken name put right: by keyboard alone, without JavaScript, and seen by staff at once (R65)."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import NARROW, Site, tab_to

pytestmark = pytest.mark.journey
PEOPLE = "/s/northgate/reception/people/"
JO, KIT = "jo.hart@northgate-school.example", "kit.moss@northgate-school.example"


def seen_by_staff(visit: Any, site: Site) -> str:
    """The name as a teacher reads it on the student's page."""
    kit = visit(NARROW)
    kit.sign_in(KIT)
    kit.go(f"/s/northgate/staff/students/{site.broken.pk}/")
    return str(kit.page.get_by_role("heading", level=1).inner_text())


def test_a_name_is_corrected_by_keyboard_alone_and_the_correction_withdrawn(visit: Any, site: Site):
    visitor = visit()
    visitor.sign_in(JO)
    visitor.go(PEOPLE)
    tab_to(visitor, "Name")
    visitor.page.keyboard.type("lucia")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**q=lucia**")
    tab_to(visitor, "Lucía MuÃ±oz")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Lucía MuÃ±oz")
    tab_to(visitor, "Correct Surname")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/correct/family_name/")
    tab_to(visitor, "Surname")
    visitor.page.keyboard.press("Control+a")
    visitor.page.keyboard.type("Muñoz")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Lucía Muñoz")
    expect(visitor.page.get_by_text("Your edit stays until the MIS changes.")).to_be_visible()
    assert not visitor.faults()
    assert seen_by_staff(visit, site) == "Lucía Muñoz"
    tab_to(visitor, "Withdraw the edit")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/withdraw/")
    tab_to(visitor, "Withdraw it")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Lucía MuÃ±oz")
    assert seen_by_staff(visit, site) == "Lucía MuÃ±oz"


def test_people_are_put_right_on_a_phone_without_javascript(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(JO)
    page = visitor.page
    visitor.go(f"{PEOPLE}students/{site.child.pk}/")
    page.get_by_role("link", name="Add a guardian by hand").click()
    page.get_by_label("First name").fill("Kit")
    page.get_by_label("Surname").fill("Moss")
    page.get_by_label("Personal e-mail address").fill("kit@home.example")
    page.get_by_label("Relationship").fill("Carer")
    page.get_by_role("button", name="Add and tie").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kit Moss")
    expect(page.get_by_text("Comes in, in Parent mode.")).to_be_visible()
    page.get_by_role("link", name="Block for safety").click()
    expect(page.get_by_text("The block beats your MIS")).to_be_visible()
    page.get_by_label("Why").fill("court letter")
    page.get_by_role("button", name="Block for safety").click()
    page.get_by_role("link", name="Why can’t they …?").click()
    expect(page.get_by_text("They see nothing")).to_be_visible()
    page.get_by_role("link", name="Lift the block").click()
    page.get_by_label("Why").fill("it was a mistake")
    page.get_by_role("button", name="Lift it").click()
    page.get_by_role("link", name="End the tie").click()
    page.get_by_role("button", name="End it").click()
    expect(page.get_by_text("The tie was ended.")).to_be_visible()
