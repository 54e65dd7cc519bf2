"""What super users see while their school's MIS is changing: what is frozen, since when, what comes next (R25)."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.models import MisChange
from sync.operations import mis_change
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import runs

DESK, CONNECTION = "/s/northgate/reception/", "/s/northgate/reception/connection/"


@pytest.fixture
def change(northgate: School) -> MisChange:
    with scope.school(northgate.pk):
        runs.connection()
        return mis_change.announce(by=None, at=timezone.now(), consultation="Between us and the head.")


def page(person: Person, path: str) -> str:
    return person.client.get(path).content.decode()


def put(school: School, **fields: Any) -> None:
    with scope.school(school.pk):
        MisChange.objects.update(**fields)


@pytest.mark.usefixtures("change")
@pytest.mark.parametrize("path", [DESK, CONNECTION])
def test_what_is_frozen_is_said_on_both_pages(rhea: Person, northgate: School, path: str) -> None:
    text = page(rhea, path)
    assert "Your MIS is changing: since" in text
    assert "Our support connects your new MIS" in text
    assert "Between us" not in text
    put(northgate, state="rehearsed")
    assert "our support looks at it, then cuts over" in page(rhea, path)


@pytest.mark.usefixtures("change")
def test_afterwards_it_is_said_for_the_days_of_going_back(rhea: Person, northgate: School) -> None:
    now = timezone.now()
    with scope.school(northgate.pk):
        new = MisChange.objects.get().old
    put(northgate, state="cut_over", ended_at=now, new=new)
    assert "Your school moved to" in page(rhea, DESK)
    assert "our support can take you back to" in page(rhea, DESK)
    put(northgate, state="rolled_back", rolled_back_at=now)
    assert "Your school went back to" in page(rhea, DESK)
    long_ago = now - datetime.timedelta(days=15)
    put(northgate, ended_at=long_ago, rolled_back_at=long_ago)
    assert "went back" not in page(rhea, DESK)
    put(northgate, state="cancelled", rolled_back_at=None, ended_at=now)
    assert "MIS is changing" not in page(rhea, DESK)


def test_a_change_costs_the_front_desk_nothing_more(rhea: Person, northgate: School) -> None:
    with scope.school(northgate.pk):
        runs.connection()
    page(rhea, DESK)  # the first request of a session notes the session
    with CaptureQueriesContext(connection) as without:
        page(rhea, DESK)
    with scope.school(northgate.pk):
        mis_change.announce(by=None, at=timezone.now())
    with CaptureQueriesContext(connection) as open_one:
        assert "Your MIS is changing" in page(rhea, DESK)
    assert len(open_one) == len(without)


def test_without_a_change_nothing_is_said(rhea: Person) -> None:
    assert "changing" not in page(rhea, DESK)


@pytest.mark.usefixtures("change")
def test_other_schools_hear_nothing_of_it(charlie: Person, himal: School) -> None:
    with scope.school(himal.pk):
        runs.connection()
    assert charlie.client.get(DESK).status_code == 404
    assert "MIS is changing" not in page(charlie, "/s/himal/staff/")


@pytest.mark.usefixtures("change")
def test_one_more_sync_is_refused_with_a_sentence(rhea: Person, northgate: School) -> None:
    answer = rhea.client.post(f"{CONNECTION}go-on/", follow=True).content.decode()
    assert "still open, so nothing is read" in answer
