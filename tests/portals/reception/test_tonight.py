"""What changes tonight: asked for, looked at, told in sentences, and never believed for longer than it is true."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from sync.models import TRIAL_LOST_AFTER, Connection, Run, Trial
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import holds, runs
from tests.factories.trials import TONIGHT, trial
from tests.portals.conftest import EVERY_REQUEST

RECEPTION = "/s/northgate/reception/"
PATH = f"{RECEPTION}tonight/"


@pytest.fixture
def connected(northgate: School) -> Connection:
    with scope.school(northgate.pk):
        return runs.connection()


def page(person: Person) -> str:
    response = person.client.get(PATH)
    assert response.status_code == 200
    assert len(response.content) < 100_000
    return response.content.decode()


def look(link: Connection, **fields: Any) -> Trial:
    with scope.school(link.school.pk):
        return trial(link, kind="tonight", **{"summary": TONIGHT, **fields})


def test_without_a_connection_it_leads_to_the_checklist(rhea: Person):
    assert f'href="{RECEPTION}joining/"' in page(rhea)
    assert "Not connected yet" in page(rhea)
    assert "Look now" not in page(rhea)
    rhea.client.post(PATH)
    assert "Not connected yet" in page(rhea)


def test_a_look_is_asked_for_and_looked_at_again(rhea: Person, connected: Connection):
    assert "Nobody has looked yet" in page(rhea)
    for _a_double_click in range(2):
        assert rhea.client.post(PATH)["Location"] == PATH
    with scope.school(connected.school.pk):
        asked = Trial.objects.get()
        assert (asked.kind, asked.asked_by_id, Run.objects.count()) == ("tonight", rhea.account.pk, 0)
    text = page(rhea)
    assert 'hx-trigger="every 2s"' in text
    assert "Look again</a>" in text  # without JavaScript


def test_it_says_what_would_happen_what_would_wait_and_what_is_refused(rhea: Person, connected: Connection):
    look(connected)
    text = page(rhea)
    for words in (
        "Ana Reyes would be added", "1 student", "And 11 more like these", "Two people, one address", "Ian Ford and",
        "<h2>Would be added</h2>", "Would leave or be missing",
        "It can be decided once a sync has held it", "Two people have this address.", "G77, G78", "read as Windows",
        "What changes tonight, ",
    ):  # fmt: skip
        assert words in text, words
    assert "every 2s" not in text
    assert "btn primary" not in text.partition("<main")[2]  # nothing has happened since: no need to look again


def test_what_waits_already_leads_to_its_case(rhea: Person, connected: Connection):
    with scope.school(connected.school.pk):
        hold = holds.hold(runs.run(ago=1), "address shared", digest=TONIGHT["holds"][0]["digest"])
    look(connected)
    assert f'href="{RECEPTION}conflicts/{hold.digest}/"' in page(rhea)


def test_nothing_to_change_is_said(rhea: Person, connected: Connection):
    look(connected, summary={"actions": [], "holds": [], "faults": [], "remarks": [], "counts": {}})
    assert "Nothing would change" in page(rhea)


@pytest.mark.parametrize(
    ("event", "words"),
    [("settings", "were changed after this"), ("run", "A sync has run since"), ("decision", "decided or withdrawn")],
)
def test_what_has_happened_since_is_said(rhea: Person, connected: Connection, event: str, words: str):
    look(connected, ended_at=timezone.now() - datetime.timedelta(hours=2))
    with scope.school(connected.school.pk):
        earlier = runs.run(ago=1)
    assert words not in page(rhea)
    with scope.school(connected.school.pk):
        if event == "settings":
            Connection.objects.update(settings={"school": "another"})
        elif event == "run":
            runs.run()
        else:
            holds.decision(holds.new_id(earlier), "other")
    assert words in page(rhea)
    assert "btn primary" in page(rhea).partition("<main")[2]


def test_a_failed_look_a_lost_one_and_a_forgotten_one_say_so(rhea: Person, connected: Connection):
    failed = look(connected, error_kind="refused", error="The MIS refused our key.", summary={})
    assert "The MIS refused our key." in page(rhea)
    with scope.school(connected.school.pk):
        failed.delete()
    old = look(connected, summary={})
    assert "That night is past" in page(rhea)
    with scope.school(connected.school.pk):
        old.delete()
    look(connected, over=False, asked_at=timezone.now() - TRIAL_LOST_AFTER * 2)
    text = page(rhea)
    assert "The worker was lost" in text
    assert "every 2s" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_it_costs_the_same(rhea: Person, connected: Connection, number: int, django_assert_num_queries: Any):
    for _ in range(number):
        look(connected, summary=TONIGHT | {"holds": TONIGHT["holds"] * number})
    page(rhea)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 7):  # standing, roles, connection, trial, runs, decisions, holds
        page(rhea)


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("bob", 302), ("charlie", 404), ("dana", 404)])
def test_nobody_else_sees_it_or_asks_for_it(
    request: pytest.FixtureRequest, who: str, status: int, connected: Connection
):
    look(connected)
    person: Person = request.getfixturevalue(who)
    assert person.client.get(PATH).status_code == person.client.post(PATH).status_code == status
    with scope.school(connected.school.pk):
        assert Trial.objects.count() == 1


def test_another_school_s_look_stays_there(rhea: Person, connected: Connection, himal: School):
    with scope.school(himal.pk):
        look(runs.connection())
    assert "Nobody has looked yet" in page(rhea)
