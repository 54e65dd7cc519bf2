"""What schools ask of support, over all schools: granted with a run, or declined with a reason (R19)."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.models import Connection, Run, RunRequest
from sync.operations import requests
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs

WAITING = "/admin/sync/runrequest/waiting/"


def wish(school: School, by: Person, reason: str = "forty new pupils") -> RunRequest:
    with scope.school(school.pk):
        if not Connection.objects.exists():
            runs.connection()
            runs.run(trigger="first")
        return requests.ask(school=school, kind=Run.Kind.ROSTER, reason=reason, by=by.account.pk, at=timezone.now())


def now(of: RunRequest) -> RunRequest:
    with scope.school(of.school.pk):
        found: RunRequest = RunRequest.objects.select_related("run").get(pk=of.pk)
        return found


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_all_that_waits_is_listed_without_naming_anybody(
    dana: Person, rhea: Person, northgate: School, himal: School
) -> None:
    assert "No school waits for an answer." in dana.client.get(WAITING).content.decode()
    wish(himal, rhea, "the form teachers changed")
    wish(northgate, rhea)
    text = dana.client.get(WAITING).content.decode()
    assert text.index("the form teachers changed") < text.index("forty new pupils")  # the longest waiting first
    assert rhea.account.email not in text


def test_granting_starts_the_run_and_leads_to_it(dana: Person, rhea: Person, northgate: School) -> None:
    asked = wish(northgate, rhea)
    assert dana.client.get(f"{WAITING}{asked.pk}/grant/")["Location"] == WAITING  # a look grants nothing
    assert now(asked).answered_at is None
    response = dana.client.post(f"{WAITING}{asked.pk}/grant/")
    granted = now(asked)
    assert granted.run
    assert (granted.run.trigger, granted.run.status, granted.answered_by_id) == ("one_off", "queued", dana.account.pk)
    assert response["Location"] == f"/admin/tenants/school/syncs/?runs={granted.run.pk}"
    again = dana.client.post(f"{WAITING}{asked.pk}/grant/")
    assert any("answered or withdrawn in the meantime" in words for words in said(again))
    with scope.school(northgate.pk):
        assert Run.objects.filter(trigger="one_off").count() == 1


def test_what_cannot_be_granted_waits_on(dana: Person, rhea: Person, northgate: School) -> None:
    asked = wish(northgate, rhea)
    School.objects.filter(pk=northgate.pk).update(status="suspended")
    response = dana.client.post(f"{WAITING}{asked.pk}/grant/")
    assert any("suspended" in words for words in said(response))
    assert now(asked).answered_at is None


def test_declining_asks_why_and_the_school_reads_it(dana: Person, rhea: Person, northgate: School) -> None:
    asked = wish(northgate, rhea)
    url = f"{WAITING}{asked.pk}/decline/"
    assert "forty new pupils" in dana.client.get(url).content.decode()
    assert dana.client.post(url, {"declined": "  "}).status_code == 200
    assert now(asked).answered_at is None
    assert dana.client.post(url, {"declined": "Your MIS is being mended until noon."})["Location"] == WAITING
    assert (now(asked).declined, now(asked).run) == ("Your MIS is being mended until noon.", None)
    assert dana.client.get(url)["Location"] == WAITING
    again = dana.client.post(url, {"declined": "No."})
    assert any("answered or withdrawn in the meantime" in words for words in said(again))
    assert now(asked).declined == "Your MIS is being mended until noon."


@pytest.mark.parametrize("who", ["alice", "bob", "rhea"])
def test_nobody_of_a_school_answers(request: pytest.FixtureRequest, rhea: Person, northgate: School, who: str) -> None:
    person: Person = request.getfixturevalue(who)
    asked = wish(northgate, rhea)
    for url in (WAITING, f"{WAITING}{asked.pk}/grant/", f"{WAITING}{asked.pk}/decline/"):
        assert person.client.get(url).status_code in {302, 403}
        assert person.client.post(url, {"declined": "No."}).status_code in {302, 403}
    assert now(asked).answered_at is None


def test_three_requests_cost_as_many_queries_as_one(
    dana: Person, rhea: Person, northgate: School, himal: School
) -> None:
    wish(northgate, rhea)
    dana.client.get(WAITING)
    with CaptureQueriesContext(connection) as alone:
        dana.client.get(WAITING)
    wish(himal, rhea)
    wish(people.school("ash", "Ash School"), rhea)
    with CaptureQueriesContext(connection) as three:
        assert dana.client.get(WAITING).content.decode().count("forty new pupils") == 3
    assert len(three) == len(alone)
