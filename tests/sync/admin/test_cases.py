"""Support's look at what waits: inside a look-in only, decided by the same operation, and never without a reason."""

import pytest
from django.test import Client
from django.utils import timezone

from sync.models import Decision, Hold
from tenants import scope
from tenants.models import School
from tests.conftest import Person, signed_in
from tests.factories import holds, people, runs
from users.operations import support


@pytest.fixture
def boss(northgate: School) -> Client:
    """One of our own people who may do everything, inside a look-in at Northgate."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    support.open_grant(account=account, school=northgate, reason="ticket 9", at=timezone.now())
    return signed_in(account)


@pytest.fixture
def hold(northgate: School) -> Hold:
    with scope.school(northgate.pk):
        return holds.id_reused(runs.run(status="partial"), people.guardian("Joan Bell"))


def path_of(hold: Hold) -> str:
    return f"/admin/sync/hold/case/{hold.digest}/"


def decisions(school: School) -> list[Decision]:
    with scope.school(school.pk):
        return list(Decision.objects.order_by("id"))


def test_the_lists_lead_to_the_case(boss: Client, northgate: School, hold: Hold):
    with scope.school(northgate.pk):
        holds.decision(hold, "same")
    paths = ("/admin/sync/hold/", "/admin/sync/decision/", f"/admin/sync/run/{hold.run_id}/change/",
             f"/admin/sync/hold/{hold.pk}/change/")  # fmt: skip
    for path in paths:
        response = boss.get(path)
        assert response.status_code == 200
        assert path_of(hold) in response.content.decode(), path


def test_a_case_shows_both_records_and_is_decided_with_a_reason(boss: Client, northgate: School, hold: Hold):
    text = boss.get(path_of(hold)).content.decode()
    for words in ("Joan Bell", "Joan Newcome", "What the MIS says", "They keep everything", "differs"):
        assert words in text
    assert boss.post(path_of(hold), {"choice": "keep"}).status_code == 200
    again = boss.post(path_of(hold), {"choice": "same", "reason": "the school rang"})
    assert "tick the box" in again.content.decode()
    assert decisions(northgate) == []
    response = boss.post(path_of(hold), {"choice": "same", "reason": "the school rang", "sure": "on"})
    assert response["Location"] == path_of(hold)
    (decision,) = decisions(northgate)
    assert (decision.choice, decision.reason) == ("same", "the school rang")
    assert "boss@schoolsbuddy.example" in boss.get(path_of(hold)).content.decode()


def test_a_decision_is_withdrawn(boss: Client, northgate: School, hold: Hold):
    with scope.school(northgate.pk):
        holds.decision(hold, "same")
    boss.post(path_of(hold), {"withdraw": "Withdraw"})
    (decision,) = decisions(northgate)
    assert decision.withdrawn_at
    assert "(withdrawn)" in boss.get(path_of(hold)).content.decode()


def test_what_is_carried_out_or_decided_already_is_left(boss: Client, northgate: School, hold: Hold):
    with scope.school(northgate.pk):
        holds.decision(hold, "same", run=hold.run)
    response = boss.post(path_of(hold), {"withdraw": "Withdraw"}, follow=True)
    assert "A sync has already done" in response.content.decode()
    boss.post(path_of(hold), {"choice": "keep", "reason": "no"})
    assert [one.choice for one in decisions(northgate)] == ["same"]


def test_a_case_of_another_school_is_not_there(boss: Client, himal: School):
    with scope.school(himal.pk):
        theirs = holds.new_id(runs.run())
    assert boss.get(path_of(theirs)).status_code == 404


def test_without_a_look_in_or_the_right_nothing_is_decided(dana: Person, northgate: School, hold: Hold):
    given = {"choice": "keep", "reason": "I want to"}
    assert dana.client.post(path_of(hold), given)["Location"] == "/admin/users/supportgrant/add/"
    support.open_grant(account=dana.account, school=northgate, reason="ticket 9", at=timezone.now())
    assert "takes the right" in dana.client.get(path_of(hold)).content.decode()
    assert dana.client.post(path_of(hold), given).status_code == 403
    assert decisions(northgate) == []
