"""A super user asks that one person be read now; it is a wish, and what came of it stands in the person's history."""

import pytest

from sync.models import Run, RunRequest
from tenants import scope
from tests.conftest import Person
from tests.factories import runs
from tests.portals.reception.conftest import BASE, Here


@pytest.mark.parametrize("kind", ["students", "guardians", "staff"])
def test_it_is_asked_and_nothing_is_started(rhea: Person, here: Here, kind: str) -> None:
    assert here.url(kind, "read/") in rhea.client.get(here.url(kind)).content.decode()
    page = rhea.client.get(here.url(kind, "read/")).content.decode()
    assert "Nothing starts by this" in page
    assert "SIMS here via Wonde" in page
    assert rhea.client.post(here.url(kind, "read/"), {"reason": " "}).status_code == 200
    answer = rhea.client.post(here.url(kind, "read/"), {"reason": "New phone."}, follow=True)
    assert "Support answers" in answer.content.decode()
    again = rhea.client.post(here.url(kind, "read/"), {"reason": "New phone."})
    assert "waits for support’s answer" in again.content.decode()
    with scope.school(here.school.pk):
        wish = RunRequest.objects.get()
        row = {"students": here.zoe, "guardians": here.mei, "staff": here.kit}[kind]
        assert (wish.only, wish.reason, wish.kind) == (f"{kind}:{row.pk}", "New phone.", "roster")
        assert list(Run.objects.all()) == [here.run]


def test_whoever_does_not_run_the_school_cannot_ask(bob: Person, charlie: Person, here: Here) -> None:
    for person in (bob, charlie):
        answer = person.client.post(here.url("students", "read/"), {"reason": "me"})
        assert answer.status_code in {302, 403, 404}
    with scope.school(here.school.pk):
        assert not RunRequest.objects.exists()


def test_of_another_school_there_is_nobody(rhea: Person, here: Here) -> None:
    assert rhea.client.get(f"{BASE}people/students/{here.zoe.pk + 1000}/read/").status_code == 404


def test_what_came_of_it_stands_in_the_run_and_in_the_history(rhea: Person, here: Here) -> None:
    with scope.school(here.school.pk):
        run = runs.run(only=f"guardians:{here.mei.pk}", remarks=["Nothing more."])
        runs.change(run, "Mei Li", "amend", kind="guardians", person_id=here.mei.pk, field="phone", old="1", new="2")
    page = rhea.client.get(f"{BASE}runs/{run.pk}/").content.decode()
    assert "Only about Mei Li." in page
    assert "Nothing more." in page
    history = rhea.client.get(here.url("guardians")).content.decode()
    assert "Read alone on" in history
    assert "Only about" not in rhea.client.get(f"{BASE}runs/{here.run.pk}/").content.decode()
