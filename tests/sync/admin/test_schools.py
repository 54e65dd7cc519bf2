"""Support's admin: one-off runs with a reason (R18), and a school's rows only inside a look-in (house rule, R86)."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sync.models import Connection, Run
from tenants import scope
from tenants.models import AuditEvent, School, SchoolOwned
from tests.conftest import Person, signed_in
from tests.factories import people, runs
from users.models import Account, SupportGrant
from users.operations import support

SYNC_NOW = "/admin/tenants/school/sync-now/"


@pytest.fixture
def boss(db: None) -> Person:
    """One of our own people who may do everything in the admin."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    return Person(account=account, client=signed_in(account))


def runs_of(school: School) -> list[Run]:
    """The runs that wait for a worker."""
    with scope.school(school.pk):
        return list(Run.objects.filter(finished_at=None).order_by("id"))


def synced(school: School) -> None:
    """Connect a school that has had its first sync."""
    with scope.school(school.pk):
        runs.connection()
        runs.run()


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_action_asks_for_a_reason_before_anything_happens(boss: Person, northgate: School, himal: School):
    response = boss.client.post(
        "/admin/tenants/school/", {"action": "sync_now", "_selected_action": [northgate.pk, himal.pk]}
    )
    page = boss.client.get(response["Location"])
    assert response["Location"].startswith(SYNC_NOW)
    assert "Northgate School" in page.content.decode()
    assert "Himal International School" in page.content.decode()
    assert runs_of(northgate) == runs_of(himal) == []


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_starts(boss: Person, northgate: School, reason: str):
    synced(northgate)
    assert boss.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": reason}).status_code == 200
    assert runs_of(northgate) == []


def test_a_reason_queues_one_run_that_remembers_who_and_why(boss: Person, northgate: School):
    synced(northgate)
    for _ in range(2):  # a double click
        boss.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "the office changed 40 addresses"})
    (run,) = runs_of(northgate)
    assert (run.trigger, run.status, run.requested_by_id) == ("one_off", "queued", boss.account.pk)
    assert run.reason == "the office changed 40 addresses"
    with scope.school(northgate.pk):
        assert AuditEvent.objects.filter(action="sync.request", actor_id=boss.account.pk).exists()


def test_a_school_that_is_not_connected_or_suspended_is_named(boss: Person, northgate: School, himal: School):
    School.objects.filter(pk=himal.pk).update(status=School.Status.SUSPENDED)
    response = boss.client.post(f"{SYNC_NOW}?schools={northgate.pk},{himal.pk}", {"reason": "ticket 9"})
    assert any("not connected" in message for message in said(response))
    assert any("suspended" in message for message in said(response))
    assert runs_of(northgate) == runs_of(himal) == []


def test_the_first_sync_of_a_school_starts_from_its_preview_only(boss: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
    response = boss.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "ticket 9"})
    assert any("look at the preview of its first sync" in message for message in said(response))
    assert runs_of(northgate) == []


def test_a_look_into_one_school_does_not_stop_a_run_of_another(boss: Person, northgate: School, himal: School):
    support.open_grant(account=boss.account, school=himal, reason="ticket 9", at=timezone.now())
    synced(northgate)
    boss.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "ticket 9"})
    assert len(runs_of(northgate)) == 1


def test_every_one_of_our_people_may_run_a_sync_and_only_look_at_the_rest(dana: Person, northgate: School):
    synced(northgate)
    dana.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "ticket 9"})
    assert len(runs_of(northgate)) == 1
    path = f"/admin/tenants/school/{northgate.pk}/change/"
    assert dana.client.get("/admin/tenants/school/").status_code == dana.client.get(path).status_code == 200
    assert dana.client.post(path, {"name": "Mine now"}).status_code == 403
    assert dana.client.get("/admin/tenants/school/add/").status_code == 403


@pytest.mark.parametrize("who", ["alice", "bob", "rhea"])
def test_nobody_else_starts_a_run(request: pytest.FixtureRequest, who: str, northgate: School):
    synced(northgate)
    person: Person = request.getfixturevalue(who)
    response = person.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "I want to"})
    assert response.status_code in {302, 403}
    assert runs_of(northgate) == []


def owned_lists() -> list[str]:
    """The admin lists of everything a school owns."""
    models = [model for model in admin.site._registry if issubclass(model, SchoolOwned)]
    return [reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in models]


def test_a_school_s_rows_are_behind_a_look_in(boss: Person, northgate: School):
    lists = owned_lists()
    assert len(lists) >= 4
    for path in lists:
        response = boss.client.get(path)
        assert (response.status_code, response["Location"]) == (302, reverse("admin:users_supportgrant_add")), path


def test_inside_a_look_in_only_that_school_is_seen(boss: Person, northgate: School, himal: School):
    with scope.school(northgate.pk):
        here = runs.run(reason="northgate reason")
    with scope.school(himal.pk):
        runs.run(reason="himal reason")
    boss.client.post(
        reverse("admin:users_supportgrant_add"), {"school": northgate.pk, "reason": "ticket 9", "minutes": "30"}
    )
    text = boss.client.get("/admin/sync/run/").content.decode()
    assert "northgate reason" in text
    assert "himal reason" not in text
    assert boss.client.get(f"/admin/sync/run/{here.pk}/change/").status_code == 200
    for path in owned_lists():
        assert boss.client.get(path).status_code == 200, path


def test_a_look_in_needs_a_reason_and_is_recorded_in_the_school(boss: Person, northgate: School):
    form = {"school": northgate.pk, "minutes": "30"}
    assert boss.client.post(reverse("admin:users_supportgrant_add"), form | {"reason": "  "}).status_code == 200
    assert not SupportGrant.objects.exists()
    boss.client.post(reverse("admin:users_supportgrant_add"), form | {"reason": "ticket 9"})
    grant = SupportGrant.objects.get()
    assert (grant.account, grant.school, grant.reason) == (boss.account, northgate, "ticket 9")
    with scope.school(northgate.pk):
        assert AuditEvent.objects.filter(action="support.opened", reason="ticket 9").exists()
    boss.client.post("/admin/users/supportgrant/", {"action": "close", "_selected_action": [grant.pk]})
    grant.refresh_from_db()
    assert grant.closed_at is not None


def test_the_settings_of_a_connection_are_never_shown(boss: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
        Connection.objects.update(settings={"folder": "a very secret folder"})
        row = Connection.objects.get()
    support.open_grant(account=boss.account, school=northgate, reason="ticket 9", at=timezone.now())
    page = boss.client.get(f"/admin/sync/connection/{row.pk}/change/")
    assert page.status_code == 200
    assert "a very secret folder" not in page.content.decode()


@pytest.mark.parametrize(
    "label", ["auth.Group", "account.EmailAddress", "mfa.Authenticator", "usersessions.UserSession"]
)
def test_no_page_lets_our_people_hand_out_addresses_or_factors(label: str):
    assert label not in {model._meta.label for model in admin.site._registry}


def test_the_one_front_door(client: Client, db: None):
    response = client.get("/admin/")
    assert response.status_code == 302
    assert "login" in response["Location"]
    again = client.get(response["Location"], follow=True)
    assert again.redirect_chain[-1][0].startswith("/accounts/login/")


def test_accounts_are_looked_at_and_never_edited_there(boss: Person, alice: Person):
    path = f"/admin/users/account/{alice.account.pk}/change/"
    assert boss.client.get(path).status_code == 200
    boss.client.post(path, {"email": "taken@over.example"})
    assert Account.objects.get(pk=alice.account.pk).email == "alice@northgate-school.example"
