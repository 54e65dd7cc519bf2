"""Conflicts in Reception: the inbox, a case, what is decided, and who may do so (R12, R22–R24, R33)."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from sync.models import Decision, Hold, Run
from sync.pipeline.plan.model import Case
from sync.queries.headings import HEADINGS
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import holds, people, runs
from tests.portals.conftest import EVERY_REQUEST
from users.models import Account

RECEPTION = "/s/northgate/reception/"
CONFLICTS = f"{RECEPTION}conflicts/"
CARRY_OUT = f"{CONFLICTS}carry-out/"
DAY = datetime.timedelta(days=1)


@pytest.fixture
def held(northgate: School) -> Run:
    """A night at Northgate after which something waits."""
    with scope.school(northgate.pk):
        runs.connection()
        return runs.run(status="partial")


def page(person: Person, path: str = CONFLICTS) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    assert len(response.content) < 100_000
    return response.content.decode()


def path_of(hold: Hold) -> str:
    return f"{CONFLICTS}{hold.digest}/"


def said(person: Person, hold: Hold, choice: str, **given: str) -> str:
    """Post a choice and return what the browser ends up with."""
    response = person.client.post(path_of(hold), {"choice": choice, **given}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def decisions(school: School) -> list[Decision]:
    with scope.school(school.pk):
        return list(Decision.objects.order_by("id"))


# The inbox.


def test_an_empty_inbox_says_that_nothing_waits(rhea: Person, northgate: School):
    assert "Nothing waits for you" in page(rhea)


def test_cases_are_grouped_by_kind_and_the_oldest_comes_first(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        holds.new_id(held, labels=["Young Case"], reason="A young case.")
        for run in (runs.run(ago=3), held):
            holds.new_id(run, labels=["Old Case"], reason="An old case.")
        holds.departures(held, "Ann Lee")
    text = page(rhea)
    order = [text.index(words) for words in ("Somebody new, or", "Old Case", "Young Case", "Many would go at once")]
    assert order == sorted(order)
    assert text.count("Old Case") == 1


@pytest.mark.parametrize("case", list(Case))
def test_every_kind_of_case_has_a_heading(rhea: Person, northgate: School, held: Run, case: Case):
    with scope.school(northgate.pk):
        hold = holds.hold(held, case.value)
    assert HEADINGS[case].title in page(rhea)
    assert HEADINGS[case].about in page(rhea, path_of(hold))


def test_what_is_decided_stands_apart_with_who_did_it(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Ann Lee", "Bo Day")
        holds.decision(hold, "approve", by=rhea.account, expires_at=timezone.now() + 6 * DAY)
    text = page(rhea)
    for words in ("Decided already", "Let these 2 go", "rhea@northgate-school.example", "Carry out 1 decision now"):
        assert words in text
    assert "Everything that was held is decided" in text


def test_an_approval_that_ran_out_waits_again_and_says_so(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Ann Lee")
        holds.decision(hold, "approve", by=rhea.account, at=timezone.now() - 8 * DAY, expires_at=timezone.now() - DAY)
    assert "the approval of rhea@northgate-school.example ran out" in page(rhea)
    text = page(rhea, path_of(hold))
    assert "Decide anew" in text
    assert 'value="approve"' in text
    assert "Withdraw" not in text


def test_an_approval_that_runs_out_soon_is_announced(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Ann Lee")
        holds.decision(hold, "approve", by=rhea.account, expires_at=timezone.now() + DAY)
    assert "1 approval runs out within two days" in page(rhea)


@pytest.mark.parametrize("number", [1, 3])
def test_the_inbox_costs_the_same(
    rhea: Person, northgate: School, held: Run, number: int, django_assert_num_queries: Any
):
    with scope.school(northgate.pk):
        for place in range(number):
            holds.new_id(held, reason=f"Open {place}.", labels=[f"Open {place}"])
            decided = holds.new_id(held, reason=f"Decided {place}.", labels=[f"Decided {place}"])
            holds.decision(decided, "other", by=rhea.account)
    page(rhea)  # the first request of a session notes the session
    # standing, roles, newest judgement, holds, decisions, since, under way, freshness (2)
    with django_assert_num_queries(EVERY_REQUEST + 9):
        assert page(rhea).count("Open ") == 2 * number


# A case.


def test_both_records_stand_side_by_side_and_say_where_they_differ(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        joan = people.guardian("Joan Bell", email="joan@mail.example")
        hold = holds.id_reused(held, joan)
    text = page(rhea, path_of(hold))
    for words in ("What we hold", "What the MIS says", "Joan Bell", "Joan Newcome", "First name", "not given"):
        assert words in text
    assert text.count("differs</span>") == 3  # surname, e-mail, phone; the first name is the same
    assert "They keep everything and take the new details." in text
    assert "checked" not in text


def test_two_of_one_title_are_told_apart_and_a_field_named_twice_keeps_both(rhea: Person, northgate: School, held: Run):
    side = {"kind": "staff", "title": "What we hold", "id": None}
    with scope.school(northgate.pk):
        hold = holds.hold(
            held,
            "role leaves",
            sides=[
                side | {"ref": "1", "facts": [["given_name", "Ann"], ["role", "fees"], ["role", "super user"]]},
                side | {"ref": "2", "facts": [["given_name", "Bo"], ["role", "fees"]]},
            ],
        )
    text = page(rhea, path_of(hold))
    assert "fees, super user" in text
    assert 'data-label="What we hold, Ann"' in text


def test_stakes_are_said_in_words_and_ask_for_a_reason(rhea: Person, bob: Person, northgate: School, held: Run):
    assert bob.guardian
    with scope.school(northgate.pk):
        hold = holds.id_reused(held, bob.guardian)
        Account.objects.filter(pk=bob.account.pk).update(activated_at=timezone.now())
    text = page(rhea, path_of(hold))
    assert "What is at stake" in text
    assert "has signed in" in text
    assert "Say why" in said(rhea, hold, "same", sure="on")
    assert decisions(northgate) == []


@pytest.mark.parametrize("number", [1, 3])
def test_a_case_costs_the_same(rhea: Person, northgate: School, held: Run, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        hold = holds.id_reused(held, people.guardian("Joan Bell"))
        for _ in range(number):
            holds.decision(hold, "same", withdrawn_at=timezone.now(), by=rhea.account)
    page(rhea)
    # standing, roles, judgement, hold, decision, all decisions, since, stakes (1 register), under way
    with django_assert_num_queries(EVERY_REQUEST + 9):
        assert page(rhea, path_of(hold)).count("withdrawn</span>") == number


def test_a_brake_lists_whom_it_is_about_in_pages_with_a_search(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Zoë Muñoz", *(f"Child {place:03}" for place in range(120)))
    first, last = page(rhea, path_of(hold)), page(rhea, f"{path_of(hold)}?page=3")
    assert "1–50 of 121" in first
    assert "Zoë Muñoz" not in first
    assert "Zoë Muñoz" in last
    assert "1–1 of 1" in page(rhea, f"{path_of(hold)}?q=munoz")
    assert "Nobody among them is called so" in page(rhea, f"{path_of(hold)}?q=nobody")


def test_an_empty_list_offers_nothing_to_choose(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.hold(held, "empty", options=[])
    text = page(rhea, path_of(hold))
    assert "Nothing can be chosen here" in text
    assert "radio" not in text
    rhea.client.post(path_of(hold), {"choice": "approve", "reason": "because", "sure": "on"})
    assert decisions(northgate) == []


def test_a_case_of_the_past_says_so_and_offers_nothing(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
        holds.decision(hold, "other", by=rhea.account, run=runs.run())
    text = page(rhea, path_of(hold))
    assert "This no longer waits" in text
    assert "radio" not in text
    rhea.client.post(path_of(hold), {"choice": "keep"})
    assert len(decisions(northgate)) == 1


# Deciding.


def test_what_does_no_harm_is_decided_at_once(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
    text = said(rhea, hold, "other")
    assert "The next sync carries it out" in text
    assert "Carry out now" in text
    (decision,) = decisions(northgate)
    assert (decision.choice, decision.by_id, decision.digest) == ("other", rhea.account.pk, hold.digest)
    with scope.school(northgate.pk):
        assert AuditEvent.objects.filter(action="hold.decided", actor_id=rhea.account.pk).exists()


def test_leaving_it_as_it_is_needs_no_reason_and_is_carried_out_by_nobody(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Ann Lee")
    text = said(rhea, hold, "keep")
    assert "Noted. Nothing changes." in text
    assert "Carry out now" not in text


def test_harm_is_asked_twice_and_a_brake_takes_a_reason(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.departures(held, "Ann Lee")
    assert "Say why" in said(rhea, hold, "approve")
    again = said(rhea, hold, "approve", reason="they <b>moved</b>")
    assert "Are you sure?" in again
    assert "they &lt;b&gt;moved" in again
    assert decisions(northgate) == []
    said(rhea, hold, "approve", reason="they moved", sure="on")
    (decision,) = decisions(northgate)
    assert (decision.reason, decision.expires_at is not None) == ("they moved", True)


@pytest.mark.parametrize("choice", ["", "nonsense", "approve"])
def test_only_what_is_offered_can_be_chosen(rhea: Person, northgate: School, held: Run, choice: str):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
    said(rhea, hold, choice, reason="because", sure="on")
    assert decisions(northgate) == []


def test_a_decision_is_withdrawn_until_a_sync_has_done_it(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
        done = holds.new_id(held, reason="Done.")
        holds.decision(hold, "other", by=rhea.account)
        holds.decision(done, "other", by=rhea.account, run=held)
    back = rhea.client.post(f"{path_of(hold)}take-back/", follow=True).content.decode()
    assert "It waits for a decision again" in back
    assert "withdrawn</span>" in back
    late = rhea.client.post(f"{path_of(done)}take-back/", follow=True).content.decode()
    assert "A sync has already done" in late
    again = rhea.client.post(f"{path_of(hold)}take-back/", follow=True)
    assert again.status_code == 200
    assert [bool(one.withdrawn_at) for one in decisions(northgate)] == [True, False]


def test_what_somebody_else_decided_meanwhile_is_not_overruled(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
        holds.decision(hold, "other", by=rhea.account)
    said(rhea, hold, "keep")
    assert [one.choice for one in decisions(northgate)] == ["other"]


def test_carrying_out_now_asks_for_a_sync(rhea: Person, northgate: School, held: Run):
    response = rhea.client.post(CARRY_OUT)
    with scope.school(northgate.pk):
        asked = Run.objects.get(trigger="decision")
    assert response["Location"] == f"{RECEPTION}runs/{asked.pk}/"
    assert (asked.status, asked.requested_by_id) == ("queued", rhea.account.pk)
    assert "A sync is under way" in page(rhea)
    assert "After a decision" in page(rhea, f"{RECEPTION}runs/")


def test_without_a_connection_nothing_is_carried_out(rhea: Person, northgate: School):
    assert rhea.client.post(CARRY_OUT)["Location"] == CONFLICTS
    with scope.school(northgate.pk):
        assert not Run.objects.exists()


# The report of the run, and the front desk.


def test_a_report_links_its_holds_and_names_who_decided_what_it_did(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        hold = holds.new_id(held)
        after = runs.run(trigger="decision")
        holds.decision(hold, "other", by=rhea.account, run=after, reason="I know her")
        runs.change(after, "Ann Lee", "rekey", kind="guardians", field="ref", old="7", new="70")
    assert f'href="{path_of(hold)}"' in page(rhea, f"{RECEPTION}runs/{held.pk}/")
    text = page(rhea, f"{RECEPTION}runs/{after.pk}/")
    for words in ("Carried out because somebody decided it", "Somebody new", "rhea@", "I know her", "after a decision"):
        assert words in text
    assert "New id" in text
    assert "Ended</span>" not in text


def test_the_front_desk_counts_what_waits(rhea: Person, northgate: School, held: Run):
    with scope.school(northgate.pk):
        holds.new_id(held)
        hold = holds.departures(held, "Ann Lee")
        holds.decision(hold, "approve", by=rhea.account, expires_at=timezone.now() + DAY)
    text = page(rhea, RECEPTION)
    assert text.count(f'href="{CONFLICTS}') >= 4
    for words in ("wait for your decision", "carried out with the next sync", "within two days"):
        assert words in text


# Strangers.


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("bob", 302), ("charlie", 404), ("dana", 404)])
def test_nobody_else_sees_or_decides_anything(
    request: pytest.FixtureRequest, who: str, status: int, rhea: Person, northgate: School, held: Run
):
    with scope.school(northgate.pk):
        hold, decided = holds.new_id(held), holds.new_id(held, reason="Decided.")
        holds.decision(decided, "other", by=rhea.account)
    person: Person = request.getfixturevalue(who)
    assert {person.client.get(path).status_code for path in (CONFLICTS, path_of(hold))} == {status}
    posts = (path_of(hold), f"{path_of(decided)}take-back/", CARRY_OUT)
    assert {person.client.post(path, {"choice": "other"}).status_code for path in posts} == {status}
    (only,) = decisions(northgate)
    assert only.withdrawn_at is None
    with scope.school(northgate.pk):
        assert Run.objects.get() == held


def test_another_school_s_cases_stay_there(rhea: Person, northgate: School, himal: School, held: Run):
    with scope.school(himal.pk):
        theirs = holds.new_id(runs.run(), labels=["Gita Secretly"], reason="Gita Secretly waits.")
    assert "Gita Secretly" not in page(rhea)
    assert rhea.client.get(path_of(theirs)).status_code == 404
    assert rhea.client.post(path_of(theirs), {"choice": "keep"}).status_code == 404
    assert decisions(himal) == []
