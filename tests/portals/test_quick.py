from tests.factories import runs
from tenants import scope
def test_pages(alice, bob, rhea, charlie, dana, ana, northgate):
    with scope.school(northgate.pk):
        runs.connection(); r = runs.run(counts={"students": {"arrived": 3}}, stages=[{"name": "extract", "seconds": 1.2, "note": "x"}])
        runs.change(r, "Ana Reyes", new="4 · 4B")
    for c, url in [(alice.client, "/s/northgate/staff/"), (alice.client, f"/s/northgate/staff/students/{ana.pk}/"), (alice.client, f"/s/northgate/staff/students/{ana.pk}/medical/"),
        (bob.client, "/s/northgate/parent/"), (bob.client, f"/s/northgate/parent/children/{ana.pk}/"), (rhea.client, "/s/northgate/reception/"), (rhea.client, "/s/northgate/reception/runs/"), (rhea.client, f"/s/northgate/reception/runs/{r.pk}/"),
        (alice.client, "/?choose=1"), (alice.client, "/account/"), (alice.client, "/accounts/email/"), (alice.client, "/gallery/"), (alice.client,"/healthz"), (alice.client,"/readyz")]:
        response = c.get(url)
        print(url, response.status_code, len(response.content))
        if response.status_code != 200: print(response.content[:1500].decode())
    r = alice.client.post(f"/s/northgate/staff/students/{ana.pk}/medical/"); print(r.status_code, len(r.content))
    from django.test import Client
    for url in ["/", "/accounts/login/", "/accounts/login/code/", "/accounts/password/reset/", "/accounts/signup/", "/nope/", "/s/nope/staff/"]:
        r = Client().get(url); print(url, r.status_code)
    for url in ["/accounts/2fa/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/reauthenticate/", "/accounts/logout/"]:
        r = alice.client.get(url); print(url, r.status_code, r.headers.get("location"))
    r = dana.client.get("/admin/"); print(r.status_code)
    assert 0
