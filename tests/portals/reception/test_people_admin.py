"""People in the Django admin: the same reasons and history for support, inside a look-in only (R86)."""

import pytest
from django.utils import timezone

from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people
from tests.portals.reception.conftest import Here
from users.models import MedicalNote
from users.operations import support

NAMES = {"students": "student", "guardians": "guardian", "staff": "staffmember"}


@pytest.fixture
def looking(dana: Person, here: Here) -> Person:
    """Dana, who looks into Northgate."""
    support.open_grant(account=dana.account, school=here.school, reason="ticket 7", at=timezone.now())
    return dana


@pytest.mark.parametrize("kind", list(NAMES))
def test_support_reads_why_and_what_happened(looking: Person, here: Here, kind: str):
    row = {"students": here.zoe, "guardians": here.mei, "staff": here.kit}[kind]
    base = f"/admin/users/{NAMES[kind]}/"
    with scope.school(here.school.pk):
        MedicalNote.objects.create(student=here.zoe, ref="1", condition="Asthma")
    assert row.name in looking.client.get(base).content.decode()
    shown = looking.client.get(f"{base}{row.pk}/change/").content.decode()
    assert f"{base}{row.pk}/why/" in shown
    why = looking.client.get(f"{base}{row.pk}/why/").content.decode()
    assert "History" in why
    assert "They cannot sign in" in why
    assert "Asthma" not in shown + why
    if kind == "students":
        assert "was added" in why


def test_support_asks_about_a_student_of_a_guardian(looking: Person, here: Here):
    with scope.school(here.school.pk):
        people.student("Bo Stranger")
    text = looking.client.get(f"/admin/users/guardian/{here.mei.pk}/why/?q=stranger").content.decode()
    assert "They are not tied to this student." in text
    assert f"{here.zoe.name}: seen" in text


def test_parent_mode_of_staff_is_explained(looking: Person, here: Here):
    text = looking.client.get(f"/admin/users/staffmember/{here.kit.pk}/why/").content.decode()
    assert "They have no parent mode" in text


def test_nothing_is_shown_without_a_look_in_or_of_another_school(dana: Person, here: Here, himal: School):
    url = f"/admin/users/student/{here.zoe.pk}/why/"
    answer = dana.client.get(url)
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/users/supportgrant/add/"
    support.open_grant(account=dana.account, school=himal, reason="ticket 8", at=timezone.now())
    assert dana.client.get(url).status_code == 404


def test_the_history_pages(looking: Person, here: Here):
    with scope.school(here.school.pk):
        for place in range(30):
            people_change(here, place)
    first = looking.client.get(f"/admin/users/student/{here.zoe.pk}/why/").content.decode()
    assert "?page=2" in first
    assert "was added" not in first
    assert "was added" in looking.client.get(f"/admin/users/student/{here.zoe.pk}/why/?page=2").content.decode()


def people_change(here: Here, place: int) -> None:
    here.run.changes.create(
        kind="students", person_id=here.zoe.pk, label="Zoe", action="amend", field=f"field_{place}", new="x"
    )
