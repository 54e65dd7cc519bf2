"""Undoing a run in Reception: what would be put back, what stays, a reason, and back again."""

import re
from typing import Any

import pytest
from django.utils import timezone

from sync.models import Connection, Run
from sync.operations import mis_change
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST
from users.models import Guardian, StaffMember

RUNS = "/s/northgate/reception/runs/"
CONNECTION = "/s/northgate/reception/connection/"


def made(school: School, number: int = 1) -> Run:
    """A run that gave this many guardians a telephone; one more has another one by now."""
    with scope.school(school.pk):
        runs.connection()
        StaffMember.objects.update(domain_recognised=True)  # as a sync finds it: logins follow it after every run
        run = runs.run(counts={"guardians": {"amended": number}})
        for place in range(number + 1):
            told: dict[str, Any] = {"kind": "guardians", "field": "phone", "old": "1", "new": "2"}
            row = people.guardian(f"Bo{place} Li", phone="2" if place else "3").pk
            exact = {"row": row, "was": {"phone": "1"}, "now": {"phone": "2"}}
            runs.change(run, f"Bo{place} Li", "amend", person_id=row, exact=exact, **told)
    return run


def page(person: Person, path: str) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def confirm(person: Person, run: Run, **fields: str) -> Any:
    seen = re.search(r'name="seen" value="(\w+)"', page(person, f"{RUNS}{run.pk}/undo/"))
    assert seen
    return person.client.post(f"{RUNS}{run.pk}/undo/", {"reason": "wrong file", "seen": seen[1]} | fields)


def phones(school: School) -> list[str]:
    with scope.school(school.pk):
        return list(Guardian.objects.order_by("given_name").values_list("phone", flat=True))


def test_an_undo_is_shown_then_confirmed_and_can_be_undone(rhea: Person, northgate: School) -> None:
    run = made(northgate)
    assert f"{RUNS}{run.pk}/undo/" in page(rhea, f"{RUNS}{run.pk}/")
    text = page(rhea, f"{RUNS}{run.pk}/undo/")
    for words in (
        "Bo1 Li’s phone goes back from <del>2</del> to <ins>1</ins>.",
        "Bo0 Li’s phone changed from <del>1</del> to <ins>2</ins>.",
        "It was changed by hand since.",
        "Undo 1 change<",
        "does what your MIS says again",
    ):
        assert words in text, words
    assert phones(northgate) == ["3", "2"], "looking changes nothing"
    where = confirm(rhea, run)["Location"]
    assert phones(northgate) == ["3", "1"]
    text = page(rhea, where)
    assert f"Undo of run {run.pk}" in text
    assert "wrong file" in text
    assert "1 change stays as it is" in text
    assert "This run is undone." in page(rhea, f"{RUNS}{run.pk}/")
    assert "undone already" in page(rhea, f"{RUNS}{run.pk}/undo/")
    with scope.school(northgate.pk):
        confirm(rhea, Run.objects.get(undoes=run), reason="right after all")
    assert phones(northgate) == ["3", "2"]


def test_a_reason_is_asked_for(rhea: Person, northgate: School) -> None:
    run = made(northgate)
    assert "This field is required" in confirm(rhea, run, reason=" ").content.decode()
    assert phones(northgate) == ["3", "2"]


def test_only_what_was_shown_is_undone(rhea: Person, northgate: School) -> None:
    run = made(northgate)
    assert "since you looked" in confirm(rhea, run, seen="another").content.decode()
    assert phones(northgate) == ["3", "2"]
    assert rhea.client.post(f"{RUNS}{run.pk}/undo/", {"reason": "wrong file"}).status_code == 200
    assert phones(northgate) == ["3", "2"]


def test_nothing_is_undone_while_a_sync_runs(rhea: Person, northgate: School) -> None:
    run = made(northgate)
    with scope.school(northgate.pk):
        runs.run(status="running")
    assert "A sync is running." in confirm(rhea, run).content.decode()
    assert phones(northgate) == ["3", "2"]


def test_when_nothing_is_left_the_page_says_so(rhea: Person, northgate: School) -> None:
    run = made(northgate, number=0)
    text = page(rhea, f"{RUNS}{run.pk}/undo/")
    assert "Nothing is left to put back" in text
    assert 'name="reason"' not in text


def test_the_nights_are_paused_and_read_again(rhea: Person, northgate: School) -> None:
    run = made(northgate)
    confirm(rhea, run, pause="on")
    text = page(rhea, CONNECTION)
    assert f"Paused after the undo of run {run.pk}" in text
    assert "read again" in text
    answer = rhea.client.post(f"{CONNECTION}go-on/", follow=True).content.decode()
    assert "is read again from the next night on" in answer
    assert "Paused after" not in answer


def test_a_change_of_mis_has_no_button(rhea: Person, northgate: School) -> None:
    with scope.school(northgate.pk):
        runs.connection(paused_reason="After an undo.")
        mis_change.announce(by=None, at=timezone.now())
    assert "read again" not in page(rhea, CONNECTION)
    assert "still open, so nothing is read" in rhea.client.post(f"{CONNECTION}go-on/", follow=True).content.decode()
    with scope.school(northgate.pk):
        assert Connection.objects.get().paused_reason


@pytest.mark.parametrize("wish", ["get", "post"])
def test_others_may_not(rhea: Person, alice: Person, charlie: Person, northgate: School, wish: str) -> None:
    run = made(northgate)
    assert getattr(alice.client, wish)(f"{RUNS}{run.pk}/undo/").status_code == 403
    assert getattr(charlie.client, wish)(f"{RUNS}{run.pk}/undo/").status_code == 404
    assert getattr(rhea.client, wish)(f"{RUNS}{run.pk + 1}/undo/").status_code == 404
    assert phones(northgate) == ["3", "2"]


@pytest.mark.parametrize("number", [1, 3])
def test_an_undo_page_costs_the_same(rhea: Person, northgate: School, number: int, django_assert_num_queries: Any):
    run = made(northgate, number)
    page(rhea, RUNS)  # the first request of a session notes the session
    # standing, roles, run, undos, changes, rows, corrections, domains, later runs (count, changes)
    with django_assert_num_queries(EVERY_REQUEST + 10):
        assert page(rhea, f"{RUNS}{run.pk}/undo/").count("goes back from") == number
