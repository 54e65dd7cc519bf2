"""Two clicks at the same moment are one run (R18): the second waits for the first, on a real database."""

import datetime
import threading

import pytest
from django.db import connection
from django.utils import timezone

from sync.models import Run
from sync.operations import one_off
from tenants import scope
from tenants.models import School
from tests.factories import people, runs

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def test_two_clicks_at_once_are_one_run() -> None:
    school, by = people.school("alder", "Alder School"), people.account("dana@schoolsbuddy.example", is_support=True)
    with scope.school(school.pk):
        runs.connection()
        runs.run(trigger="first")
    shown, together = timezone.now(), threading.Barrier(2, timeout=10)
    asked: list[int] = []

    def click() -> None:
        try:
            with scope.school(school.pk):
                together.wait()
                asked.append(ask(school, by.pk, shown))
        finally:
            connection.close()

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join(20)
    assert len(asked) == 2
    assert len(set(asked)) == 1
    with scope.school(school.pk):
        assert Run.objects.filter(trigger="one_off").count() == 1


def ask(school: School, by: int, shown: datetime.datetime) -> int:
    at = timezone.now()
    return one_off.ask(school=school, kind=Run.Kind.ROSTER, reason="ticket 9", by=by, at=at, shown=shown).pk
