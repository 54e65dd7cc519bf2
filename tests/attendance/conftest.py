"""A school on a Tuesday morning, and whoever says something about Ana."""

import datetime
from collections.abc import Iterator

import pytest
import time_machine

from tenants import scope
from tenants.models import School
from tests.factories import people
from users.models import Account, Guardian, Student

TUESDAY = datetime.date(2026, 11, 24)
AT = datetime.datetime(2026, 11, 24, 9, 45, tzinfo=datetime.UTC)


@pytest.fixture
def oakfield(db: None) -> Iterator[School]:
    """A school that is open, at a quarter to ten."""
    school = people.school("oakfield", "Oakfield School")
    with time_machine.travel(AT, tick=False), scope.school(school.pk):
        yield school


@pytest.fixture
def account(oakfield: School) -> Account:
    """Whoever presses the buttons."""
    return people.account("office@oakfield.example")


@pytest.fixture
def ana(oakfield: School) -> Student:
    """A student."""
    return people.student("Ana Reyes", year="4", form="4B")


@pytest.fixture
def tom(ana: Student) -> Guardian:
    """Ana's father."""
    guardian = people.guardian("Tom Reyes", email="tom@mail.example")
    people.tie(guardian, ana)
    return guardian
