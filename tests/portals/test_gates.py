"""Who gets in where: default deny, mode by mode, school by school."""

import pytest
from django.test import Client

from tenants import scope
from tenants.models import School
from tests.conftest import Person, signed_in
from tests.factories import people, runs
from users.models import Membership, Student

PAGES = {
    "staff": "/s/northgate/staff/",
    "parent": "/s/northgate/parent/",
    "reception": "/s/northgate/reception/",
}


@pytest.mark.parametrize("path", PAGES.values())
def test_an_anonymous_visitor_signs_in_first(northgate: School, path: str):
    response = Client().get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", PAGES.values())
def test_a_stranger_from_another_school_meets_404(northgate: School, charlie: Person, path: str):
    assert charlie.client.get(path).status_code == 404


@pytest.mark.parametrize("path", PAGES.values())
def test_support_has_no_way_into_portals(northgate: School, dana: Person, path: str):
    assert dana.client.get(path).status_code == 404


def test_an_unknown_or_suspended_school_is_404(alice: Person, northgate: School):
    assert alice.client.get("/s/nowhere/staff/").status_code == 404
    School.objects.filter(pk=northgate.pk).update(status="suspended")
    assert alice.client.get(PAGES["staff"]).status_code == 404


def test_the_wrong_mode_is_sent_to_the_choice(alice: Person, bob: Person):
    for person, path, word in ((alice, PAGES["parent"], "parent mode"), (bob, PAGES["staff"], "staff mode")):
        response = person.client.get(path)
        assert response.status_code == 302
        assert response["Location"] == "/?choose=1"
        assert word in person.client.get("/?choose=1").content.decode()


def test_parent_mode_grants_no_right_of_staff(bob: Person):
    assert bob.client.get(PAGES["reception"]).status_code == 302


def test_staff_without_the_role_learns_which_right_is_missing(alice: Person):
    response = alice.client.get(PAGES["reception"])
    assert response.status_code == 403
    assert "see sync runs and their changes" in response.content.decode()


def test_a_revoked_role_opens_nothing(rhea: Person, northgate: School):
    assert rhea.client.get(PAGES["reception"]).status_code == 200
    with scope.school(northgate.pk):
        row = rhea.staff_member.role_grants.get()  # type: ignore[union-attr] # Rhea is staff
        row.revoked_at = row.granted_at
        row.save()
    assert rhea.client.get(PAGES["reception"]).status_code == 403


def test_who_left_or_has_not_said_yes_stays_out(alice: Person, northgate: School):
    Membership.objects.filter(account=alice.account).update(confirmed_at=None)
    response = alice.client.get(PAGES["staff"])
    assert response["Location"] == "/?choose=1"
    Membership.objects.filter(account=alice.account).update(confirmed_at="2026-01-01T00:00Z")
    with scope.school(northgate.pk):
        alice.staff_member.status = "left"  # type: ignore[union-attr] # Alice is staff
        alice.staff_member.save()  # type: ignore[union-attr] # Alice is staff
    assert alice.client.get(PAGES["staff"]).status_code == 404


def test_a_combined_account_has_both_modes_and_never_their_union(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        contact = people.guardian("Alice Hart", email="alice.home@mail.example")
        people.membership(alice.account, guardian=contact)
        people.tie(contact, ana)
        other = people.student("Zoë Muñoz")
    staff, parent = alice.client.get(PAGES["staff"]), alice.client.get(PAGES["parent"])
    assert "Parent mode" in staff.content.decode()
    assert "Staff mode" in parent.content.decode()
    assert alice.client.get(f"/s/northgate/parent/children/{other.pk}/").status_code == 404


def test_ids_of_another_school_are_404_everywhere(
    alice: Person, bob: Person, rhea: Person, gita: Student, himal: School
):
    with scope.school(himal.pk):
        run = runs.run()
    for person, path in (
        (alice, f"/s/northgate/staff/students/{gita.pk}/"),
        (alice, f"/s/northgate/staff/students/{gita.pk}/medical/"),
        (bob, f"/s/northgate/parent/children/{gita.pk}/"),
        (rhea, f"/s/northgate/reception/runs/{run.pk}/"),
    ):
        response = person.client.get(path)
        assert response.status_code == 404, path
        assert "Gita" not in response.content.decode()
    assert alice.client.post(f"/s/northgate/staff/students/{gita.pk}/medical/").status_code == 404


def test_nothing_of_a_portal_stays_in_a_shared_browser(alice: Person):
    response = alice.client.get(PAGES["staff"])
    assert "no-store" in response["Cache-Control"]
    assert response.cookies["way"].value == "northgate/staff"


def test_an_account_of_nobody_meets_404(northgate: School):
    client = signed_in(people.account("nobody@mail.example"))
    assert client.get(PAGES["parent"]).status_code == 404
