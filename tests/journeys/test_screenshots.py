"""The pictures of the README, drawn on demand: SCREENSHOTS=1."""

import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.journeys.conftest import NARROW, WIDE, Site

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(os.environ.get("SCREENSHOTS") != "1", reason="pictures are drawn with SCREENSHOTS=1"),
]
FOLDER = Path(settings.BASE_DIR) / "docs" / "screenshots"


def test_draw(visit: Any, site: Site):
    FOLDER.mkdir(parents=True, exist_ok=True)
    pictures = {
        "students": ("/s/northgate/staff/", WIDE, "light"),
        "student": (f"/s/northgate/staff/students/{site.child.pk}/", WIDE, "light"),
        "run": (f"/s/northgate/reception/runs/{site.run}/", WIDE, "light"),
        "front-desk-dark": ("/s/northgate/reception/", WIDE, "dark"),
        "absence": ("/s/northgate/staff/absence/?show=all", WIDE, "light"),
        "report-phone": (f"/s/northgate/parent/children/{site.parents_child.pk}/absence/", NARROW, "light"),
        "parent-phone": ("/s/northgate/parent/", NARROW, "light"),
        "sign-in-phone-dark": ("/accounts/login/", NARROW, "dark"),
    }
    for name, (path, size, theme) in pictures.items():
        visitor = visit(size, device_scale_factor=2 if size == NARROW else 1, reduced_motion="reduce")
        visitor.theme(theme)
        if not path.startswith("/accounts"):
            visitor.sign_in("jo.hart@northgate-school.example")
        visitor.go(path)
        visitor.page.evaluate("document.fonts.ready")
        visitor.page.screenshot(path=FOLDER / f"{name}.png")
