"""A one-off never collides with the night, and never uses it up (R18, R19)."""

import datetime

import pytest

from sync import clock
from sync.models import Change, Run, Slot
from sync.operations import runs
from sync.operations.dispatch import dispatch
from sync.queries import slots
from tenants import scope
from tenants.models import School
from tests.sync.conftest import Place

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

MINUTE = datetime.timedelta(minutes=1)


def test_a_one_off_just_before_the_night_leaves_it_its_run_which_finds_nothing_to_do(small: Place) -> None:
    one = small.clock(1)()
    School.objects.filter(pk=small.school.pk).update(opened_at=one - 400 * MINUTE)
    small.school.refresh_from_db()
    small.write(1)
    before = small.request(1)
    first = runs.perform(school=small.school, run=before.pk, clock=lambda: one - MINUTE)
    due = clock.due_at(slots.timing_of(small.school), clock.Slot.NIGHT, one.date())
    assert due
    assert dispatch(at=due).runs == 1
    night = Slot.objects.get()
    assert night.run
    second = runs.perform(school=small.school, run=night.run, clock=lambda: due)
    assert [(run.status, run.trigger, run.slot) for run in (first, second)] == [
        ("ok", "one_off", ""),
        ("ok", "schedule", "night"),
    ]
    with scope.school(small.school.pk):
        assert [Change.objects.filter(run=run).exists() for run in (first, second)] == [True, False]


def nightly(place: Place) -> Run:
    """The night's own run, which waits."""
    at = place.clock(1)()
    with scope.school(place.school.pk):
        return runs.request(
            school=place.school, trigger=Run.Trigger.SCHEDULE, slot="night", night=at.date(), at=at, enqueue=False
        )


def test_a_one_off_does_not_use_the_night_up_and_the_night_does_not_answer_for_it(small: Place) -> None:
    assert nightly(small).pk != small.request(1).pk
    assert small.request(1).slot == ""


def test_a_double_click_is_one_run(small: Place) -> None:
    assert small.request(1).pk == small.request(1).pk
    with scope.school(small.school.pk):
        assert Run.objects.count() == 1


def test_a_one_off_waits_for_the_night_that_is_on_and_comes_behind_it(small: Place) -> None:
    small.write(1)
    one_off = small.request(1)
    night = nightly(small)
    with scope.school(small.school.pk):
        Run.objects.filter(pk=night.pk).update(status="running", started_at=small.clock(1)())
    with pytest.raises(runs.AnotherRunIsOn):
        runs.perform(school=small.school, run=one_off.pk, clock=small.clock(1))
    assert runs.perform(school=small.school, run=night.pk, clock=small.clock(1)).status == "ok"
    assert runs.perform(school=small.school, run=one_off.pk, clock=small.clock(1)).status == "ok"
