"""Ways through the product: by keyboard alone, without JavaScript, by code, and with htmx making it nicer."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from playwright.sync_api import expect

from tests.factories import people
from tests.journeys.conftest import NARROW, Site, tab_to

pytestmark = pytest.mark.journey


def test_by_keyboard_alone_from_sign_in_to_a_student(visit: Any, site: Site):
    visitor = visit()
    visitor.go("/accounts/login/")
    tab_to(visitor, "Skip to content")
    tab_to(visitor, "Email")
    visitor.page.keyboard.type("kit.moss@northgate-school.example")
    tab_to(visitor, "Password")
    visitor.page.keyboard.type(people.PASSWORD)
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/s/northgate/staff/")
    tab_to(visitor, "Name")
    visitor.page.keyboard.type("reyes")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**q=reyes**")
    expect(visitor.page.locator("#results tbody tr")).to_have_count(1)
    tab_to(visitor, "Ana Reyes")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/students/*/")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Ana Reyes")
    tab_to(visitor, "Medical and dietary")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/medical/")
    tab_to(visitor, "Show – this is logged")
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_text("Asthma")).to_be_visible()


def test_everything_works_without_javascript(visit: Any, site: Site):
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in("jo.hart@northgate-school.example")
    page = visitor.page
    page.get_by_role("link", name="Northgate School · Staff").click()
    page.get_by_label("Name").fill("munoz")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Zoë Muñoz").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Zoë Muñoz")
    page.locator("summary[aria-label]").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("link[href*=dark]")).to_have_attribute("media", "all")
    page.locator("summary[aria-label]").click()
    page.get_by_role("link", name="Parent mode").click()
    page.get_by_role("link", name="Open Łucja Żak").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Łucja Żak")
    visitor.go(f"/s/northgate/reception/runs/{site.run}/")
    page.get_by_role("navigation", name="By kind").get_by_role("link", name="Guardians").click()
    expect(page.locator("article.rec")).to_have_count(1)
    visitor.go(f"/s/northgate/reception/runs/{site.running}/")
    expect(page.get_by_role("link", name="Look again")).to_be_visible()
    page.locator("summary[aria-label]").click()
    page.get_by_role("button", name="Sign out").click()
    visitor.go("/s/northgate/staff/")
    assert "/accounts/login/" in page.url


def test_files_are_uploaded_and_looked_at_by_keyboard_alone(visit: Any, site: Site, tmp_path: Path):
    roster = tmp_path / "students.csv"
    roster.write_text("ref,given_name,family_name,email\n1,Ann,Lee,nonsense\n2,Bo\n")
    visitor = visit(NARROW)
    visitor.sign_in("jo.hart@northgate-school.example")
    visitor.go("/s/northgate/reception/files/")
    assert not visitor.faults()
    tab_to(visitor, "Upload and look first")
    visitor.page.get_by_label("Files").set_input_files(roster)  # the window for it is the browser's own
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/files/uploads/**")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Your upload")
    expect(visitor.page.get_by_text("2 read")).to_be_visible()
    assert not visitor.faults()
    tab_to(visitor, "Sync now")
    tab_to(visitor, "Do not use these files")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**/reception/files/")
    expect(visitor.page.get_by_text("Uploaded: 1 file").first).to_be_visible()


def test_wrong_files_are_named_without_javascript(visit: Any, site: Site, tmp_path: Path):
    wrong = tmp_path / "students.csv"
    wrong.write_text("ref,given_name\n1,Ann\n")
    visitor = visit(NARROW, java_script_enabled=False)
    visitor.sign_in("jo.hart@northgate-school.example")
    visitor.go("/s/northgate/reception/files/")
    visitor.page.get_by_label("Files").set_input_files(wrong)
    visitor.page.get_by_role("button", name="Upload and look first").click()
    expect(visitor.page.get_by_text("students.csv has no column family_name")).to_be_visible()
    visitor.page.get_by_role("link", name="Upload again").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("CSV files")


def test_search_swaps_the_results_and_back_brings_them_back(visit: Any, site: Site):
    visitor = visit()
    visitor.sign_in("kit.moss@northgate-school.example")
    page = visitor.page
    page.get_by_label("Name").press_sequentially("munoz", delay=20)
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.wait_for_url("**q=munoz**")
    page.get_by_label("Name").fill("")
    page.get_by_label("Year").select_option("4")
    expect(page.locator("#results tbody tr")).to_have_count(4)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Students")
    assert not visitor.complaints


def test_a_run_under_way_is_looked_at_again(visit: Any, site: Site):
    visitor = visit()
    visitor.sign_in("jo.hart@northgate-school.example")
    visitor.go(f"/s/northgate/reception/runs/{site.running}/")
    with visitor.page.expect_response(f"**/runs/{site.running}/", timeout=5000) as response:
        pass
    assert response.value.ok
    assert not visitor.complaints


def test_the_first_sign_in_is_by_code(visit: Any, site: Site):
    visitor = visit(NARROW)
    visitor.go("/")
    page = visitor.page
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Send me a code by e-mail").click()
    page.get_by_label("Email").fill("tom.reyes@mail.example")
    page.get_by_role("button", name="Send the code").click()
    page.wait_for_url("**/confirm/")
    assert not visitor.faults()
    code = re.search(r"^[A-Z0-9]{3,}-?[A-Z0-9]*$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code
    page.get_by_label("Code").fill(code.group())
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url("**/s/northgate/parent/")
    expect(page.get_by_role("heading", name="Ana Reyes")).to_be_visible()
    expect(page.get_by_text("Ines")).to_have_count(0)


def test_a_page_prints_without_its_bars(visit: Any, site: Site):
    visitor = visit()
    visitor.sign_in("jo.hart@northgate-school.example")
    visitor.go(f"/s/northgate/reception/runs/{site.run}/")
    visitor.page.emulate_media(media="print")
    expect(visitor.page.locator(".rail")).to_be_hidden()
    expect(visitor.page.locator(".top")).to_be_hidden()
    expect(visitor.page.get_by_role("heading", name="What changed")).to_be_visible()
