"""Support undoes a run inside a look-in, as a school does in Reception."""

import re
from typing import Any

import pytest
from django.utils import timezone

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.conftest import Person, signed_in
from tests.factories import people, runs
from users.models import Guardian
from users.operations import support


@pytest.fixture
def boss(db: None, northgate: School) -> Person:
    """One of our own people who may do everything in the admin, looking into Northgate."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    support.open_grant(account=account, school=northgate, reason="ticket 9", at=timezone.now())
    return Person(account=account, client=signed_in(account))


@pytest.fixture
def run(northgate: School) -> Run:
    """A run that gave a guardian another telephone."""
    with scope.school(northgate.pk):
        row = people.guardian("Bo Li", phone="2").pk
        run = runs.run()
        exact = {"row": row, "was": {"phone": "1"}, "now": {"phone": "2"}}
        told: dict[str, Any] = {"kind": "guardians", "field": "phone", "old": "1", "new": "2"}
        runs.change(run, "Bo Li", "amend", person_id=row, exact=exact, **told)
        runs.change(run, "Bo Li", "amend", person_id=row, **told | {"field": "title"})
        return run


def phone(school: School) -> str | None:
    with scope.school(school.pk):
        found: str | None = Guardian.objects.values_list("phone", flat=True).get()
        return found


def test_it_is_shown_then_done(boss: Person, northgate: School, run: Run) -> None:
    where = f"/admin/sync/run/{run.pk}/undo/"
    assert where in boss.client.get(f"/admin/sync/run/{run.pk}/change/").content.decode()
    text = boss.client.get(where).content.decode()
    assert "Bo Li’s phone goes back from 2 to 1." in text
    assert "before we kept what an undo needs" in text
    seen = re.search(r'name="seen" value="(\w+)"', text)
    assert seen
    assert phone(northgate) == "2"
    assert boss.client.post(where, {"reason": "", "seen": seen[1]}).status_code == 200
    assert phone(northgate) == "2"
    answer = boss.client.post(where, {"reason": "ticket 9", "seen": seen[1]}, follow=True)
    assert "put it back" in answer.content.decode()
    assert phone(northgate) == "1"
    with scope.school(northgate.pk):
        assert Run.objects.get(undoes=run).requested_by_id == boss.account.pk
    assert "undone already" in boss.client.get(where, follow=True).content.decode()


def test_not_what_was_not_shown(boss: Person, northgate: School, run: Run) -> None:
    answer = boss.client.post(f"/admin/sync/run/{run.pk}/undo/", {"reason": "ticket 9"}, follow=True)
    assert "since you looked" in answer.content.decode()
    assert phone(northgate) == "2"


def test_not_outside_of_a_look_in_nor_without_the_right(dana: Person, northgate: School, run: Run) -> None:
    where = f"/admin/sync/run/{run.pk}/undo/"
    assert dana.client.get(where)["Location"] == "/admin/users/supportgrant/add/"
    support.open_grant(account=dana.account, school=northgate, reason="ticket 9", at=timezone.now())
    assert dana.client.get(where).status_code == 403
    assert "Undo this run" not in dana.client.get(f"/admin/sync/run/{run.pk}/change/").content.decode()


def test_of_another_school_there_is_nothing(boss: Person, himal: School) -> None:
    with scope.school(himal.pk):
        other = runs.run()
    assert boss.client.get(f"/admin/sync/run/{other.pk}/undo/").status_code == 404
