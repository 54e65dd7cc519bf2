"""What guardians see: a tie in force each, nothing else, never each other (R50, R69)."""

from typing import Any

import pytest
from django.test import Client

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.conftest import Person, signed_in
from tests.factories import people
from tests.portals.conftest import EVERY_REQUEST
from users.models import DietaryNeed, MedicalNote, Student

HOME = "/s/northgate/parent/"


def page(client: Client, path: str = HOME) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_home_costs_the_same_for_one_and_three(
    bob: Person, northgate: School, synced: Run, number: int, django_assert_num_queries: Any
):
    with scope.school(northgate.pk):
        for place in range(number - 1):
            people.tie(bob.guardian, people.student(f"Ana Number{place}"))  # type: ignore[arg-type] # Bob is a guardian
    page(bob.client, "/account/")  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 4):  # standing, children, run, connection
        assert page(bob.client).count('<article class="card child') == number


def test_two_guardians_see_the_same_child_and_not_each_other(bob: Person, northgate: School, ana: Student):
    account = people.account("ines@mail.example")
    with scope.school(northgate.pk):
        other = people.guardian("Ines Elsewhere", email=account.email, phone="07700 900999")
        people.membership(account, guardian=other)
        people.tie(other, ana, relationship="Mother")
    for client, stranger in ((bob.client, "Ines"), (signed_in(account), "Bob")):
        for path in (HOME, f"{HOME}children/{ana.pk}/"):
            text = page(client, path)
            assert "Ana Reyes" in text
            assert stranger not in text.replace("bob@", "").replace("ines@", "")


@pytest.mark.parametrize("end", [{"ended_on": "2026-11-01"}, {"restricted": True}])
def test_an_ended_or_restricted_tie_gives_nothing(bob: Person, northgate: School, ana: Student, end: dict[str, Any]):
    with scope.school(northgate.pk):
        tie = bob.guardian.ties.get()  # type: ignore[union-attr] # Bob is a guardian
        for name, value in end.items():
            setattr(tie, name, value)
        tie.save()
    text = page(bob.client)
    assert "Ana" not in text
    assert ("Nothing can be shown to you here" if "restricted" in end else "Ask the school’s office") in text
    assert bob.client.get(f"{HOME}children/{ana.pk}/").status_code == 404


def test_a_sibling_without_a_tie_is_404(bob: Person, northgate: School):
    with scope.school(northgate.pk):
        sibling = people.student("Ben Reyes")
    assert bob.client.get(f"{HOME}children/{sibling.pk}/").status_code == 404


def test_the_child_page(bob: Person, northgate: School, ana: Student, synced: Run):
    with scope.school(northgate.pk):
        people.school_class("Willow", ana, teacher=people.staff_member("Jo Hart"), subject="Registration")
        MedicalNote.objects.create(student=ana, ref="1", condition="Asthma", details="Inhaler")
        DietaryNeed.objects.create(student=ana, ref="1", need="No nuts")
    text = page(bob.client, f"{HOME}children/{ana.pk}/")
    for word in ("Willow", "Jo Hart", "Year 4", "4B", "Asthma", "Inhaler", "No nuts"):
        assert word in text


def test_a_child_who_left_is_gone_and_the_page_says_whom_to_ask(bob: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        ana.status = "left"
        ana.save()
    assert "Ask the school’s office" in page(bob.client)


def test_no_money_anywhere(bob: Person, ana: Student):
    assert not {"£", "wallet", "Wallet"} & set(page(bob.client).split())
