"""A slot whose MIS was busy is tried again 10, 30 and 60 minutes later, and no other one."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from sync import clock
from sync.errors import Broken, Busy, Doubtful, Refused, Slow, SyncError
from sync.models import Run, Slot
from sync.operations import connections, runs
from tenants import scope
from tenants.models import School
from tests.sync.conftest import Place

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NIGHT = datetime.date(2026, 11, 9)
ONE = datetime.datetime(2026, 11, 9, 1, 15, tzinfo=datetime.UTC)  # London has no summer time then


def after(minutes: int) -> datetime.datetime:
    return ONE + datetime.timedelta(minutes=minutes)


def claimed(place: Place, slot: clock.Slot = clock.Slot.NIGHT, at: datetime.datetime = ONE) -> Slot:
    """A slot that was claimed with its run."""
    with scope.school(place.school.pk):
        run = runs.request(
            school=place.school,
            kind=Run.Kind(slot.kind) if slot is clock.Slot.NIGHT else Run.Kind.ROSTER,
            trigger=Run.Trigger.SCHEDULE,
            slot=slot,
            night=NIGHT,
            at=at,
            enqueue=False,
        )
    return Slot.objects.create(
        school=place.school,
        kind=run.kind,
        slot=slot,
        local_date=NIGHT,
        due_at=at,
        claimed_at=at,
        outcome=Slot.Outcome.RUN,
        run=run.pk,
    )


def fail(place: Place, run: int | None, fault: SyncError, *, at: datetime.datetime) -> Run:
    """Carry out a run whose MIS fails so."""

    def carry(*_: Any) -> Run:
        raise fault

    assert run
    return runs.perform(school=place.school, run=run, clock=lambda: at, carry=carry)


@pytest.fixture
def night(small: Place) -> Callable[[], Slot]:
    """The night's slot as it is now."""
    claimed(small)
    return Slot.objects.get


def test_a_busy_night_is_tried_again_three_times_for_the_same_slot_and_date(
    small: Place, night: Callable[[], Slot]
) -> None:
    at = 0
    for number, wait in enumerate((10, 30, 60)):
        fail(small, night().run, Busy("Try later."), at=after(at))
        at += wait
        assert (night().retry_at, night().retries) == (after(at), number)
        assert runs.try_again(at=after(at - 1)) == 0
        assert runs.try_again(at=after(at)) == 1
        assert runs.try_again(at=after(at)) == 0, "once"
        with scope.school(small.school.pk):
            run = Run.objects.latest("id")
        assert run.pk == night().run
        assert (run.trigger, run.slot, run.local_date, run.status) == ("retry", "night", NIGHT, "queued")
    fail(small, night().run, Busy("Try later."), at=after(at))
    assert (night().retry_at, night().retries) == (None, 3)


@pytest.mark.parametrize("fault", [Refused("No."), Broken("?"), Doubtful("Nobody?"), Slow("…")], ids=repr)
def test_what_time_does_not_mend_is_not_tried_again(small: Place, night: Callable[[], Slot], fault: SyncError) -> None:
    assert fail(small, night().run, fault, at=ONE).status == "failed"
    assert night().retry_at is None


def test_what_a_person_asked_for_is_theirs_to_ask_for_again(small: Place, night: Callable[[], Slot]) -> None:
    fail(small, small.request(1).pk, Busy("Try later."), at=ONE)
    assert night().retry_at is None


def test_a_night_is_not_tried_again_behind_six_in_the_morning(small: Place, night: Callable[[], Slot]) -> None:
    late = datetime.datetime(2026, 11, 9, 5, 50, tzinfo=datetime.UTC)
    fail(small, night().run, Busy("Try later."), at=late - datetime.timedelta(seconds=1))
    assert night().retry_at == late + datetime.timedelta(minutes=10, seconds=-1)
    assert runs.try_again(at=late + datetime.timedelta(minutes=11)) == 0, "beat came too late"
    assert night().retry_at is None
    Slot.objects.update(retries=0)
    with scope.school(small.school.pk):
        Run.objects.update(status="queued", finished_at=None)
    fail(small, night().run, Busy("Try later."), at=late)
    assert night().retry_at is None


def test_a_morning_is_tried_again_until_its_afternoon(small: Place) -> None:
    early = datetime.datetime(2026, 11, 9, 14, 19, tzinfo=datetime.UTC)
    slot = claimed(small, clock.Slot.MORNING, at=early)
    fail(small, slot.run, Busy("Try later."), at=early)
    slot.refresh_from_db()
    assert slot.retry_at == early + datetime.timedelta(minutes=10)
    with scope.school(small.school.pk):
        Run.objects.update(status="queued", finished_at=None)
    Slot.objects.update(retry_at=None)
    fail(small, slot.run, Busy("Try later."), at=early + datetime.timedelta(minutes=1))
    slot.refresh_from_db()
    assert slot.retry_at is None


def test_a_good_run_ends_it_whoever_asked_for_that(small: Place, night: Callable[[], Slot]) -> None:
    fail(small, night().run, Busy("Try later."), at=ONE)
    fail(small, small.request(1).pk, Busy("Try later."), at=ONE)
    assert night().retry_at == after(10), "one that was busy as well ends nothing"
    small.sync(1)
    assert night().retry_at is None
    assert runs.try_again(at=after(10)) == 0


@pytest.mark.parametrize("how", ["suspended", "paused", "not connected"])
def test_nothing_is_tried_again_where_nothing_may_run(small: Place, night: Callable[[], Slot], how: str) -> None:
    fail(small, night().run, Busy("Try later."), at=ONE)
    if how == "suspended":
        School.objects.filter(pk=small.school.pk).update(status=School.Status.SUSPENDED)
    elif how == "paused":
        with scope.school(small.school.pk):
            connections.pause(connection=connections.active(), reason="Wait.", at=ONE)
    else:
        with scope.school(small.school.pk):
            connections.active().delete()
    assert runs.try_again(at=after(10)) == 0
    assert night().retry_at is None
