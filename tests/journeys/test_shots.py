import os, pathlib
import pytest
from tests.journeys.conftest import NARROW, WIDE
pytestmark = pytest.mark.journey
OUT = pathlib.Path("/tmp/c-shots"); OUT.mkdir(exist_ok=True)
def test_shots(visit, site):
    bad = {}
    for size in (WIDE, NARROW):
        for theme in ("light", "dark"):
            v = visit(size); v.theme(theme)
            anon = ["/", "/accounts/login/", "/accounts/login/code/", "/accounts/password/reset/", "/gallery/", "/nope/"]
            for path in anon:
                v.complaints.clear(); v.go(path); 
                name = path.strip("/").replace("/", "-") or "landing"
                v.page.screenshot(path=OUT / f"{name}-{size[0]}-{theme}.png", full_page=True)
                f = [x for x in v.faults() if "404" not in x]
                if f: bad[(path, size[0], theme)] = f
            v.sign_in("jo.hart@northgate-school.example")
            s = "/s/northgate"
            for path in ["/?choose=1", "/account/", "/accounts/2fa/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/logout/", "/accounts/email/",
                f"{s}/staff/", f"{s}/staff/students/{site.child.pk}/", f"{s}/staff/students/{site.child.pk}/medical/", f"{s}/parent/", f"{s}/reception/", f"{s}/reception/runs/", f"{s}/reception/runs/{site.run}/", f"{s}/reception/runs/{site.running}/"]:
                v.complaints.clear(); v.go(path)
                name = path.strip("/").replace("/", "-").replace("?", "")
                v.page.screenshot(path=OUT / f"{name}-{size[0]}-{theme}.png", full_page=True)
                f = v.faults()
                if f: bad[(path, size[0], theme)] = f
    for k, v in bad.items(): print(k); [print("    ", x) for x in v[:6]]
    assert not bad
