"""Asking support for a sync: a wish, what waits, and the answer; never a run (R19)."""

from typing import Any, Final

import pytest
from django.utils import timezone

from sync.models import Connection, Run, RunRequest
from sync.operations import requests
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import runs
from tests.portals.conftest import EVERY_REQUEST

pytestmark = pytest.mark.django_db

HOME: Final = "/s/northgate/reception/"
PAGE: Final = f"{HOME}runs/ask/"
WHY: Final = "A class came in <today>."


@pytest.fixture
def school(northgate: School) -> School:
    """Northgate, synced."""
    with scope.school(northgate.pk):
        runs.connection()
        runs.run()
    return northgate


def page(person: Person) -> str:
    response = person.client.get(PAGE)
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, path: str = PAGE, **data: str) -> str:
    response = person.client.post(path, data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def waiting(school: School) -> RunRequest:
    with scope.school(school.pk):
        return RunRequest.objects.get(answered_at=None)


def test_a_wish_is_taken_and_nothing_is_started(rhea: Person, school: School):
    before = page(rhea)
    assert "Nothing starts by this." in before
    assert "Waits for support" not in before
    text = send(rhea, kind="roster", reason=WHY)
    assert "Asked. Support answers here; nothing has been started yet." in text
    assert "“A class came in &lt;today&gt;.”" in text
    assert 'value="roster"' not in text  # it waits, so it cannot be asked for again
    assert 'value="attendance"' in text
    with scope.school(school.pk):
        assert Run.objects.filter(trigger="one_off", status="queued").count() == 0
    assert (waiting(school).kind, waiting(school).asked_by_id) == ("roster", rhea.account.pk)


def test_what_is_wrong_with_a_wish_is_said_in_the_form(rhea: Person, school: School):
    text = send(rhea)
    assert "Choose one of them." in text
    assert text.count("This field is required.") == 1
    send(rhea, kind="roster", reason=WHY)
    again = send(rhea, kind="roster", reason="once more")
    assert "already, and waits for support’s answer." in again
    assert waiting(school).reason == WHY


def test_both_kinds_may_wait_at_once(rhea: Person, school: School):
    texts = [send(rhea, kind=kind, reason=WHY) for kind in Run.Kind.values]
    assert "All that can be asked for waits for an answer already." in texts[-1]
    with scope.school(school.pk):
        assert RunRequest.objects.count() == 2


def test_a_wish_is_withdrawn(rhea: Person, school: School):
    send(rhea, kind="roster", reason=WHY)
    path = f"{PAGE}{waiting(school).pk}/withdraw/"
    assert "Withdrawn." in send(rhea, path)
    assert rhea.client.post(path).status_code == 404
    assert rhea.client.get(path).status_code == 405


def test_what_was_answered_cannot_be_withdrawn(rhea: Person, dana: Person, school: School):
    send(rhea, kind="roster", reason=WHY)
    one = waiting(school)
    with scope.school(school.pk):
        requests.decline(request=one, declined="Tonight does it.", by=dana.account.pk, at=timezone.now())
    text = send(rhea, f"{PAGE}{one.pk}/withdraw/")
    assert "answered or withdrawn in the meantime" in text
    assert "Support says: “Tonight does it.”" in text
    assert dana.account.email not in text  # of support a school sees no name


def test_a_run_that_was_granted_is_led_to(rhea: Person, dana: Person, school: School):
    send(rhea, kind="attendance", reason=WHY)
    with scope.school(school.pk):
        run = requests.grant(request=RunRequest.objects.get(), by=dana.account.pk, at=timezone.now())
    text = page(rhea)
    assert "Attendance marks: started" in text
    assert f"{HOME}runs/{run.pk}/" in text


def test_a_wish_about_one_person_is_told_as_that_and_takes_no_place(rhea: Person, school: School):
    with scope.school(school.pk):
        requests.ask(
            school=school, kind=Run.Kind.ROSTER, only="students:1", reason=WHY, by=rhea.account.pk, at=timezone.now()
        )
    text = page(rhea)
    assert "One person or class" in text
    assert 'value="roster"' in text  # the whole school can be asked for all the same
    assert "You asked our support to read one person or class" in rhea.client.get(HOME).content.decode()


def test_where_nothing_can_be_read_nothing_can_be_asked(rhea: Person, northgate: School):
    assert northgate.pk
    text = page(rhea)
    assert "There is nothing to ask for now" in text
    assert "<c-choices" not in text
    assert 'name="reason"' not in text
    assert "not connected to a MIS yet" in send(rhea, kind="roster", reason=WHY)


def test_marks_that_are_not_shared_cannot_be_asked_for(rhea: Person, school: School):
    with scope.school(school.pk):
        Connection.objects.update(connector="gg4l")
    assert 'value="attendance"' not in page(rhea)
    assert "Attendance marks cannot be read" in send(rhea, kind="attendance", reason=WHY)


@pytest.mark.parametrize("number", [1, 3])
def test_what_the_page_costs(rhea: Person, dana: Person, school: School, number: int, django_assert_num_queries: Any):
    with scope.school(school.pk):
        for _ in range(number):
            one = requests.ask(school=school, kind=Run.Kind.ROSTER, reason=WHY, by=rhea.account.pk, at=timezone.now())
            requests.decline(request=one, declined="No.", by=dana.account.pk, at=timezone.now())
    page(rhea)  # the first request of a session notes the session
    # standing, roles, freshness (2), waiting, answered, why not (3)
    with django_assert_num_queries(EVERY_REQUEST + 9):
        assert page(rhea).count("Support says") == number


def test_who_may(alice: Person, charlie: Person, rhea: Person, school: School):
    send(rhea, kind="roster", reason=WHY)
    path = f"{PAGE}{waiting(school).pk}/withdraw/"
    assert [alice.client.get(PAGE).status_code, alice.client.post(path).status_code] == [403, 403]
    assert [charlie.client.get(PAGE).status_code, charlie.client.post(path).status_code] == [404, 404]
    assert waiting(school).reason == WHY
