"""The clock's pages by hand: a code is explained by keyboard alone, a sync is asked for, days without school noted."""

from typing import Any

import pytest

from tests.journeys.conftest import NARROW, WIDE, Site, tab_to

pytestmark = pytest.mark.journey

JO = "jo.hart@northgate-school.example"
BASE = "/s/northgate/reception/"


def test_by_keyboard_alone_a_code_gets_a_meaning_and_loses_it_again(visit: Any, site: Site):
    visitor = visit(WIDE)
    visitor.sign_in(JO)
    visitor.go(f"{BASE}attendance/")
    keyboard, page = visitor.page.keyboard, visitor.page
    tab_to(visitor, "Say what “Zq” means")
    keyboard.press("Enter")
    page.get_by_role("heading", name="What “Zq” means").wait_for()
    page.get_by_text("1 mark will read “absent”: whoever has one counts as not at school.").wait_for()
    tab_to(visitor, "In, says the MIS by itself")  # the first of the choices
    for _ in range(3):  # present, late, absent
        keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="Absent 1 mark").is_checked()
    keyboard.press("Enter")
    page.get_by_text("Noted: 1 mark reads “absent” now").wait_for()
    assert not visitor.faults()
    visitor.go(f"{BASE}attendance/codes/{site.code}/")
    tab_to(visitor, "Let it mean what your MIS says")
    keyboard.press("Enter")
    page.get_by_text("Taken back: “Zq” means again what your MIS says.").wait_for()
    assert not visitor.faults()


def test_on_a_phone_without_javascript_a_sync_is_asked_for_and_withdrawn(visit: Any):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(JO)
    visitor.go(f"{BASE}runs/")
    page = visitor.page
    page.get_by_role("link", name="Ask for a sync").click()
    page.get_by_text("Nothing starts by this.").wait_for()
    page.get_by_role("radio", name="People and classes").check()
    page.get_by_label("Why now").fill("A class came in today.")
    page.get_by_role("button", name="Ask support").click()
    page.get_by_text("Asked. Support answers here").wait_for()
    visitor.go(BASE)
    page.get_by_text("they have not answered yet").wait_for()
    page.get_by_role("link", name="Look at the request").click()
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_text("Withdrawn.").wait_for()


def test_days_without_school_are_added_and_removed_after_a_question(visit: Any):
    visitor = visit(NARROW)
    visitor.sign_in(JO)
    visitor.go(f"{BASE}rules/")
    page = visitor.page
    page.get_by_role("link", name="Days, times and closures").click()
    page.get_by_role("link", name="Add days without school").click()
    page.get_by_label("What they are called").fill("Staff training")
    page.get_by_label("First day").fill("2027-02-01")
    page.get_by_label("Last day").fill("2027-01-31")
    page.get_by_role("button", name="Add them").click()
    page.get_by_text("The last day lies before the first.").wait_for()
    assert not visitor.faults()
    page.get_by_label("Last day").fill("2027-02-01")
    page.get_by_role("button", name="Add them").click()
    page.get_by_text("Added. Next: ").wait_for()
    assert not visitor.faults()
    page.get_by_role("link", name="Remove Staff training").click()
    page.get_by_text("Staff training, 1 February 2027, is forgotten.").wait_for()
    assert not visitor.faults()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("Removed. Next: ").wait_for()
    assert page.get_by_text("Staff training").count() == 0


def test_a_time_for_the_morning_says_first_what_it_does(visit: Any):
    visitor = visit(WIDE)
    visitor.sign_in(JO)
    visitor.go(f"{BASE}rules/open/morning/")
    visitor.page.get_by_text("As it is now.").wait_for()
    visitor.page.get_by_role("radio", name="10:30").check()
    visitor.page.get_by_role("button", name="Save").click()
    visitor.page.get_by_text("Saved. Next: ").wait_for()
    visitor.page.get_by_role("link", name="Change the morning’s time").click()
    visitor.page.get_by_role("radio", name="09:30").check()
    visitor.page.get_by_role("button", name="Save").click()
    visitor.page.get_by_text("09:30", exact=True).first.wait_for()
    assert not visitor.faults()
