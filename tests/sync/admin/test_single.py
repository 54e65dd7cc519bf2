"""Support reads one person or class now, inside a look-in, with a reason that the school sees (R18)."""

import pytest
from django.utils import timezone

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs
from users.models import SchoolClass, Student
from users.operations import support

WHERE = "/admin/sync/run/one/"


@pytest.fixture
def zoe(northgate: School) -> Student:
    """A student of Northgate, which was synced once."""
    with scope.school(northgate.pk):
        runs.connection()
        runs.run()
        return people.student("Zoe Munoz")


@pytest.fixture
def looking(dana: Person, northgate: School) -> Person:
    """Dana, who looks into Northgate."""
    support.open_grant(account=dana.account, school=northgate, reason="ticket 7", at=timezone.now())
    return dana


def asked(school: School) -> list[tuple[str, str, str]]:
    with scope.school(school.pk):
        return list(Run.objects.filter(status="queued").values_list("only", "reason", "trigger"))


def test_from_a_persons_own_page(looking: Person, northgate: School, zoe: Student) -> None:
    there = f"{WHERE}?only=students:{zoe.pk}"
    assert there in looking.client.get(f"/admin/users/student/{zoe.pk}/change/").content.decode()
    assert "Read Zoe Munoz from the MIS now" in looking.client.get(there).content.decode()
    assert looking.client.post(there, {"reason": " "}).status_code == 200
    assert asked(northgate) == []
    answer = looking.client.post(there, {"reason": "ticket 7"}, follow=True)
    assert "waits for a worker" in answer.content.decode()
    assert asked(northgate) == [(f"students:{zoe.pk}", "ticket 7", "one_off")]


def test_from_a_classes_own_page(looking: Person, northgate: School, zoe: Student) -> None:
    with scope.school(northgate.pk):
        willow: SchoolClass = people.school_class("Willow", zoe)
    page = looking.client.get(f"/admin/users/schoolclass/{willow.pk}/change/").content.decode()
    assert f"{WHERE}?only=classes:{willow.pk}" in page
    assert "Willow" in looking.client.get("/admin/users/schoolclass/").content.decode()


@pytest.mark.usefixtures("zoe")
def test_somebody_new_is_asked_for_by_the_id_of_the_mis(looking: Person, northgate: School) -> None:
    assert WHERE in looking.client.get("/admin/sync/run/").content.decode()
    looking.client.post(WHERE, {"kind": "students", "ref": "S/47:11", "reason": "ticket 8"})
    assert asked(northgate) == [("students:ref:S/47:11", "ticket 8", "one_off")]


def test_what_cannot_be_read_is_said_in_words(looking: Person, northgate: School) -> None:
    answer = looking.client.post(WHERE, {"kind": "students", "ref": "1", "reason": "ticket 8"})
    assert "connect" in answer.content.decode()
    assert asked(northgate) == []


@pytest.mark.parametrize("only", ["students:0", "students", "money:1", "students:x"])
@pytest.mark.usefixtures("zoe")
def test_an_address_that_names_nobody_is_none(looking: Person, only: str) -> None:
    assert looking.client.get(f"{WHERE}?only={only}").status_code == 404


def test_nobody_of_another_school_nor_without_a_look_in_nor_by_anybody_else(
    looking: Person, rhea: Person, zoe: Student, himal: School
) -> None:
    there = f"{WHERE}?only=students:{zoe.pk}"
    support.open_grant(account=looking.account, school=himal, reason="ticket 9", at=timezone.now())
    assert looking.client.get(there).status_code == 404
    assert rhea.client.post(there, {"reason": "me"}).status_code in {302, 403, 404}
    with scope.school(himal.pk):
        assert not Run.objects.exists()


def test_only_inside_a_look_in(dana: Person, zoe: Student) -> None:
    assert dana.client.get(f"{WHERE}?only=students:{zoe.pk}")["Location"] == "/admin/users/supportgrant/add/"
