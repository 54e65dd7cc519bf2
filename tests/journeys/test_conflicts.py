"""From the inbox to what is carried out: by keyboard alone, on a phone, and without JavaScript."""

import concurrent.futures
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import expect

from sync.models import Run, Trial
from sync.operations import runs, trials
from tenants import scope
from tests.journeys.conftest import NARROW, WIDE, Site, tab_to
from tests.sync.conftest import Place

pytestmark = pytest.mark.journey

MIRA = "mira.lind@cedar.example"
JO = "jo.hart@northgate-school.example"


def worker(task: Callable[[], None]) -> None:
    """Do what a worker does, beside the browser's event loop."""

    def work() -> None:
        try:
            task()
        finally:
            connections["default"].close()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def carry_out(place: Place, run: int) -> None:
    done = runs.perform(school=place.school, run=run, clock=place.clock(2))
    assert done.status == Run.Status.OK


def look(place: Place) -> None:
    with scope.school(place.school.pk):
        asked = Trial.objects.get(kind=Trial.Kind.TONIGHT)
    trials.perform(school=place.school, trial=asked.pk)


def test_by_keyboard_alone_from_the_inbox_until_nothing_waits(visit: Any, site: Site):
    visitor = visit(WIDE)
    visitor.sign_in(MIRA)
    page = visitor.page
    visitor.go("/s/cedar/reception/")
    tab_to(visitor, "Conflicts")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conflicts/")
    assert not visitor.faults()
    tab_to(visitor, "10 students")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Many would go at once")
    assert not visitor.faults()
    tab_to(visitor, "Let these 10 go")
    assert page.locator("input:checked").count() == 0  # nothing is chosen beforehand
    page.keyboard.press("Space")
    tab_to(visitor, "Reason")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Say why")).to_be_visible()
    assert not visitor.faults()
    page.get_by_label("Reason").focus()
    page.keyboard.type("A class went to our sister school.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Are you sure?")
    assert not visitor.faults()
    tab_to(visitor, "Yes, do this")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Decided. The next sync carries it out.")).to_be_visible()
    assert not visitor.faults()
    tab_to(visitor, "Carry out now")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/*/")
    expect(page.get_by_text("Waiting for a worker")).to_be_visible()
    run = int(page.url.rstrip("/").rpartition("/")[2])
    worker(lambda: carry_out(site.place, run))
    expect(page.get_by_role("heading", name="Carried out because somebody decided it")).to_be_visible()
    expect(page.get_by_text("A class went to our sister school.")).to_be_visible()
    assert not visitor.faults()
    visitor.go("/s/cedar/reception/conflicts/")
    expect(page.get_by_text("Nothing waits for you")).to_be_visible()


def test_without_javascript_a_case_is_decided_on_a_phone_and_taken_back(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(JO)
    page = visitor.page
    visitor.go("/s/northgate/reception/connection/")
    page.get_by_text("More", exact=True).click()
    expect(page.locator(".mobile-tabs summary.here")).to_be_visible()
    page.get_by_role("navigation", name="Main, on a phone").get_by_role("link", name="Conflicts").click()
    page.get_by_role("link", name="Ines Reyes").click()
    page.get_by_label("Somebody new").check()
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_text("Decided. The next sync carries it out.")).to_be_visible()
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("It waits for a decision again.")).to_be_visible()
    expect(page.get_by_label("Somebody new")).not_to_be_checked()


def test_without_javascript_tonight_is_asked_for_and_looked_at_again(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in(MIRA)
    visitor.go("/s/cedar/reception/tonight/")
    visitor.page.get_by_role("button", name="Look now").click()
    visitor.page.get_by_role("link", name="Look again").click()
    expect(visitor.page.get_by_text("A worker reads your MIS.")).to_be_visible()
    worker(lambda: look(site.place))
    visitor.page.get_by_role("link", name="Look again").click()
    expect(visitor.page.get_by_text("Would be held for a person", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Look again")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_records_side_by_side_fit_a_phone(visit: Any, site: Site, theme: str):
    visitor = visit(NARROW)
    visitor.theme(theme)
    visitor.sign_in(JO)
    visitor.go(f"/s/northgate/reception/conflicts/{site.case}/")
    expect(visitor.page.get_by_role("region")).to_be_visible()
    visitor.page.locator(".mobile-tabs summary").click()
    assert not visitor.faults()
