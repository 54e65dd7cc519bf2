"""Every page, wide and narrow, light and dark: no axe violation, no console message, nothing wider than the screen."""

from typing import Any

import pytest

from tests.journeys.conftest import NARROW, WIDE, Site

pytestmark = pytest.mark.journey

ANYBODY = (
    "/", "/accounts/login/", "/accounts/login/code/", "/accounts/password/reset/", "/accounts/signup/", "/gallery/",
    "/systems/", "/systems/managebac/", "/systems/isams/", "/systems/sims-via-wonde/", "/systems/powerschool-via-gg4l/",
    "/systems/csv-files/",
)  # fmt: skip
OWN = (
    "/?choose=1", "/account/", "/accounts/email/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/logout/",
    "/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/2fa/totp/activate/",
    "/accounts/2fa/webauthn/add/",
)  # fmt: skip


def portal_pages(site: Site) -> tuple[str, ...]:
    child = site.child.pk
    return (
        "/s/northgate/staff/",
        "/s/northgate/staff/?q=nobody+at+all",
        f"/s/northgate/staff/students/{child}/",
        f"/s/northgate/staff/students/{child}/medical/",
        "/s/northgate/staff/classes/",
        f"/s/northgate/staff/classes/{site.willow}/",
        "/s/northgate/staff/absence/?show=all",
        "/s/northgate/parent/",
        f"/s/northgate/parent/children/{site.parents_child.pk}/",
        f"/s/northgate/parent/children/{site.parents_child.pk}/absence/",
        "/s/northgate/reception/",
        "/s/northgate/reception/conflicts/",
        f"/s/northgate/reception/conflicts/{site.case}/",
        "/s/northgate/reception/tonight/",
        "/s/northgate/reception/runs/",
        "/s/northgate/reception/data-quality/",
        "/s/northgate/reception/data-quality/fixed/",
        "/s/northgate/reception/data-quality/malformed/",
        "/s/northgate/reception/data-quality/role-mailbox/",
        "/s/northgate/reception/data-quality/characters/",
        "/s/northgate/reception/files/",
        "/s/northgate/reception/joining/",
        "/s/northgate/reception/joining/preview/",
        "/s/northgate/reception/connection/",
        "/s/northgate/reception/connection/system/",
        "/s/northgate/reception/connection/settings/",
        f"/s/northgate/reception/runs/{site.run}/",
        f"/s/northgate/reception/runs/{site.run}/undo/",
        f"/s/northgate/reception/runs/{site.running}/",
        "/s/northgate/reception/runs/?kind=attendance",
        f"/s/northgate/reception/runs/{site.fetched}/",
        "/s/northgate/reception/runs/ask/",
        "/s/northgate/reception/attendance/",
        f"/s/northgate/reception/attendance/codes/{site.code}/",
        *people_pages(site),
    )


def people_pages(site: Site) -> tuple[str, ...]:
    people, student = "/s/northgate/reception/people/", f"students/{site.broken.pk}/"
    below = (
        *("", "?tab=guardians", "?tab=staff", "?tab=gone", "?q=nobody+at+all"),
        *(f"students/{site.child.pk}/", f"{student}why/", f"{student}correct/family_name/", f"{student}id/"),
        *(f"{student}guardian/", f"guardians/{site.contact.pk}/", f"guardians/{site.contact.pk}/why/?q=a"),
        *(f"guardians/{site.contact.pk}/tie/?q=mu", f"staff/{site.teacher.pk}/", f"staff/{site.teacher.pk}/why/"),
        *(f"staff/{site.teacher.pk}/delete/", f"ties/{site.restricted.pk}/block/"),
    )
    rules = (
        *("", "parents-domain/", "primary-years/", "roll-over/"),
        *("open/", "open/morning/", "open/weekdays/", "open/closures/add/"),
    )
    return (*(f"{people}{path}" for path in below), *(f"/s/northgate/reception/rules/{path}" for path in rules))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_no_page_has_a_fault(visit: Any, site: Site, size: tuple[int, int], theme: str):
    visitor = visit(size)
    visitor.theme(theme)
    faults = {}
    for path in ANYBODY:
        visitor.go(path)
        faults[path] = visitor.faults()
    visitor.sign_in("jo.hart@northgate-school.example")
    for path in (*OWN, *portal_pages(site)):
        visitor.go(path)
        faults[path] = visitor.faults()
    visitor.go(f"/s/northgate/staff/students/{site.child.pk}/medical/")
    visitor.page.get_by_role("button", name="Show – this is logged").click()
    visitor.page.get_by_text("Asthma").wait_for()
    faults["medical notes"] = visitor.faults()
    visitor.page.locator("summary[aria-label]").click()
    faults["account menu"] = visitor.faults()
    assert not {path: found for path, found in faults.items() if found}


JOINING = (
    "/s/birch/reception/", "/s/birch/reception/joining/", "/s/birch/reception/joining/preview/",
    "/s/birch/reception/connection/", "/s/birch/reception/connection/system/",
    "/s/birch/reception/connection/settings/", "/s/birch/reception/connection/settings/?system=isams",
)  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["360", "1280"])
def test_no_page_of_a_school_that_joins_has_a_fault(visit: Any, site: Site, size: tuple[int, int], theme: str):
    visitor = visit(size)
    visitor.theme(theme)
    visitor.sign_in("lena.bell@birch.example")
    faults = {}
    for path in JOINING:
        visitor.go(path)
        faults[path] = visitor.faults()
    assert not {path: found for path, found in faults.items() if found}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_of_refusal_have_no_fault(visit: Any, site: Site, theme: str):
    visitor = visit(NARROW)
    visitor.theme(theme)
    visitor.sign_in("kit.moss@northgate-school.example")
    for path in ("/s/northgate/reception/", "/nowhere/"):
        visitor.go(path)
        visitor.complaints.clear()  # the browser reports the 403 and the 404 themselves
        assert not visitor.faults()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_holds_for_every_hue_of_a_school(visit: Any, site: Site, theme: str):
    visitor = visit(WIDE)
    visitor.theme(theme)
    visitor.sign_in("jo.hart@northgate-school.example")
    for path in (f"/s/northgate/staff/students/{site.child.pk}/", f"/s/northgate/reception/runs/{site.run}/"):
        visitor.go(path)
        for hue in range(0, 360, 60):
            visitor.page.evaluate("hue => document.documentElement.style.setProperty('--h', hue)", hue)
            visitor.page.wait_for_timeout(200)  # colours fade in
            assert not visitor.faults(), hue


ADMIN_PAGES = (
    "/admin/",
    "/admin/tenants/school/",
    "/admin/users/supportgrant/add/",
    "/admin/sync/slot/schedule/",
    "/admin/sync/slot/rehearsal/?zone=Europe/London&date=2026-03-29",
    "/admin/sync/runrequest/waiting/",
    "/admin/tenants/school/syncs/",
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_admin_has_no_fault(visit: Any, site: Site, theme: str):
    visitor = visit(WIDE, color_scheme=theme)
    visitor.sign_in("dana@schoolsbuddy.example")
    for path in ADMIN_PAGES:
        visitor.go(path)
        assert not visitor.faults(), path


def test_the_look_for_faults_sees_some(visit: Any, site: Site):
    visitor = visit(NARROW)
    visitor.go("/")
    visitor.page.evaluate("document.body.append(Object.assign(new Image(), {src: '/broken'}))")
    visitor.page.evaluate("document.querySelector('main').style.minWidth = '900px'")
    found = " ".join(visitor.faults())
    assert "image-alt" in found
    assert "too wide" in found
