"""A guardian reports, a monitor sees and settles, a teacher reads it on the class list (R16, R81)."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import NARROW, WIDE, Site, Visitor, tab_to

pytestmark = pytest.mark.journey
LIST = "/s/northgate/staff/absence/"
JO, MONA, TOM = (
    f"{who}.example" for who in ("jo.hart@northgate-school", "mona.ward@northgate-school", "tom.reyes@mail")
)


def signed_in(visit: Any, email: str, size: tuple[int, int] = WIDE, **options: Any) -> Visitor:
    visitor: Visitor = visit(size, **options)
    visitor.sign_in(email)
    return visitor


def press(visitor: Visitor, name: str) -> None:
    """Reach something by Tab and press Enter."""
    tab_to(visitor, name)
    visitor.page.keyboard.press("Enter")


def test_reported_seen_settled_and_read_on_the_class_list_by_keyboard_alone(visit: Any, site: Site):
    tom = signed_in(visit, TOM)
    tom.go("/s/northgate/parent/")
    press(tom, "Report an absence")
    expect(tom.page.get_by_role("heading", level=1)).to_have_text("Report an absence")
    assert not tom.faults()
    tab_to(tom, "Why?")
    tom.page.keyboard.type("ill")
    tab_to(tom, "Anything the school should know?")
    tom.page.keyboard.type("Sore throat")
    press(tom, "Go on")
    expect(tom.page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    expect(tom.page.get_by_text("without the reason")).to_be_visible()
    assert not tom.faults()
    press(tom, "Yes, report it")
    expect(tom.page.get_by_text("Thank you. The school knows.")).to_be_visible()
    expect(tom.page.get_by_text("present (AM mark", exact=False)).to_be_visible()
    assert not tom.faults()

    mona = signed_in(visit, MONA)
    mona.go(LIST)
    expect(mona.page.get_by_text("Sore throat")).to_be_visible()
    expect(mona.page.get_by_text("Reported absent, but at school").first).to_be_visible()
    press(mona, "Settle: Ana Reyes")
    expect(mona.page.get_by_role("heading", level=1)).to_have_text("Settle this absence")
    assert not mona.faults()
    tab_to(mona, "What did you find out?")
    mona.page.keyboard.type("Came after all, the father knows.")
    mona.page.keyboard.press("Enter")
    expect(mona.page.get_by_text("Ana Reyes: settled.")).to_be_visible()
    expect(mona.page.get_by_role("link", name="Settle: Ana Reyes")).to_have_count(0)

    jo = signed_in(visit, JO)
    jo.go("/s/northgate/staff/classes/")
    press(jo, "Willow")
    row = jo.page.get_by_role("listitem").filter(has=jo.page.get_by_role("link", name="Ana Reyes"))
    expect(row.get_by_text("present (AM mark, fetched")).to_be_visible()
    expect(row.get_by_text("reported away by a guardian: the whole day")).to_be_visible()
    expect(row.get_by_text("Sore throat")).to_have_count(0)
    assert not jo.faults()

    mona.go(f"{LIST}?show=settled")
    press(mona, "Open again: Ana Reyes")
    expect(mona.page.get_by_role("heading", level=1)).to_have_text("Open it again")
    press(mona, "Open again")
    expect(mona.page.get_by_text("Ana Reyes: open again.")).to_be_visible()
    tom.page.get_by_role("link", name="Withdraw it").click()
    assert not tom.faults()
    tom.page.get_by_role("button", name="Withdraw it").click()
    expect(tom.page.get_by_text("Withdrawn. The school knows")).to_be_visible()


def test_a_call_is_noted_on_a_phone_without_javascript(visit: Any, site: Site):
    mona = signed_in(visit, MONA, NARROW, java_script_enabled=False)
    page = mona.page
    mona.go(LIST)
    page.get_by_role("link", name="A call came in").click()
    page.get_by_label("Name of the student").fill("hoa")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="Nguyễn Hoa").click()
    page.get_by_label("Somebody else").check()
    page.get_by_label("The morning").check()
    page.get_by_label("Why?").select_option("An appointment")
    page.get_by_role("button", name="Report the absence").click()
    expect(page.get_by_text("Nguyễn Hoa: reported absent.")).to_be_visible()
    mona.go(f"{LIST}?show=awaited")
    expect(page.get_by_text("reported away by the school: the morning").first).to_be_visible()
    page.get_by_role("link", name="Withdraw the report about Nguyễn Hoa").click()
    page.get_by_role("button", name="Withdraw it").click()
    expect(page.get_by_text("Nguyễn Hoa: the report was withdrawn.")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_no_page_of_a_monitor_has_a_fault(visit: Any, site: Site, size: tuple[int, int], theme: str):
    mona = signed_in(visit, MONA, size)
    mona.theme(theme)
    child = site.child.pk
    faults = {}
    for path in (
        "",
        "?show=all",
        "?show=late",
        "call/",
        "call/?q=a",
        f"call/{child}/",
        f"{child}/settle/",
        f"{child}/reopen/",
    ):
        mona.go(f"{LIST}{path}")
        faults[path] = mona.faults()
    mona.go(f"{LIST}?show=all")
    mona.page.get_by_text("Show figures").click()
    faults["figures"] = mona.faults()
    assert not {path: found for path, found in faults.items() if found}
