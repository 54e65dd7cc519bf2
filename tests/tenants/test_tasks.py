"""A task that works inside one school."""

from typing import Any

import pytest
from celery import Celery

from tenants import scope
from tenants.models import AuditEvent
from tenants.tasks import SchoolTask
from tests.tenants.samples import NIGHT, Furnished, furnish
from users.models import Student

app = Celery("tests", broker="memory://", set_as_current=False)


@app.task(base=SchoolTask, shared=False)
def count_students() -> tuple[int, int]:
    return scope.current(), Student.objects.count()


@app.task(base=SchoolTask, shared=False)
def fail_half_way() -> None:
    AuditEvent.objects.create(at=NIGHT, action="half.done")
    raise ZeroDivisionError


@pytest.fixture
def ours(db: None) -> Furnished:
    """A furnished school, next to another."""
    furnish("elmfield")
    return furnish("oakfield")


def run(task: Any, **kwargs: Any) -> Any:
    """Run it as a worker does."""
    return task.apply(kwargs=kwargs).get()


def test_its_school_is_open_while_it_runs(ours: Furnished) -> None:
    assert run(count_students, school=ours.pk) == (ours.pk, 2)
    assert not scope.is_open()


def test_its_school_is_closed_after_an_exception_and_nothing_stays(ours: Furnished) -> None:
    with pytest.raises(ZeroDivisionError):
        run(fail_half_way, school=ours.pk)
    assert not scope.is_open()
    with scope.school(ours.pk):
        assert not AuditEvent.objects.filter(action="half.done").exists()


def test_it_does_not_run_without_a_school(ours: Furnished) -> None:
    with pytest.raises(KeyError, match="school"):
        run(count_students)
