"""The days of school around a day, over weekends and holidays, and weeks that begin on Sunday (R14)."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest

from tenants import scope
from tenants.models import Closure, School
from tenants.queries import days_without_school, school_days
from tests.factories import people

FRIDAY = datetime.date(2026, 10, 23)
MONDAY = datetime.date(2026, 11, 2)


def ahead(number: int) -> datetime.date:
    return FRIDAY + datetime.timedelta(days=number)


@pytest.fixture
def oakfield(db: None) -> Iterator[School]:
    """A school with a half-term of a week behind that Friday."""
    school = people.school("oakfield", "Oakfield School")
    with scope.school(school.pk):
        Closure.objects.create(first=ahead(3), last=ahead(7), name="Half-term")
        yield school


def test_a_day_of_school_is_the_latest_of_its_own(oakfield: School) -> None:
    found = school_days(oakfield, FRIDAY, latest=3)
    assert (found.why, found.before, found.after) == ("", ahead(-1), MONDAY)
    assert found.latest == (ahead(-2), ahead(-1), FRIDAY)


def test_a_holiday_says_its_name_and_leads_past_itself(oakfield: School) -> None:
    found = school_days(oakfield, ahead(4), latest=1)
    assert (found.why, found.before, found.after, found.latest) == ("Half-term", FRIDAY, MONDAY, (FRIDAY,))


def test_a_school_that_is_closed_for_months_has_no_day_around(oakfield: School) -> None:
    Closure.objects.create(first=ahead(-400), last=ahead(400), name="Closed")
    found = school_days(oakfield, FRIDAY, latest=14)
    assert (found.why, found.before, found.after, found.latest) == ("Closed", None, None, ())


def test_each_day_without_school_says_why(oakfield: School, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = days_without_school(oakfield, ahead(1), ahead(4))
    assert found == {
        ahead(1): "no school on a Saturday",
        ahead(2): "no school on a Sunday",
        ahead(3): "Half-term",
        ahead(4): "Half-term",
    }
    oakfield.weekdays = [1, 2, 3, 4, 7]
    assert days_without_school(oakfield, FRIDAY, ahead(2)) == {
        FRIDAY: "no school on a Friday",
        ahead(1): "no school on a Saturday",
    }
