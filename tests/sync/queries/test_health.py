"""The pulse, and the numbers of all schools together."""

import datetime
from typing import Any, Final

import pytest

from sync import errors
from sync.models import Connection, Pulse, Run, Slot
from sync.operations import dispatch
from sync.queries import health
from tenants import scope
from tenants.models import School
from tests.factories import people
from tests.factories import runs as run_factory

pytestmark = pytest.mark.django_db

NOW: Final = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
MINUTE: Final = datetime.timedelta(minutes=1)
HOUR: Final = datetime.timedelta(hours=1)


def pulse(ago: datetime.timedelta, **fields: Any) -> None:
    """Have the dispatcher have had a turn so long ago."""
    Pulse.objects.update_or_create(name=Pulse.DISPATCH, defaults={"at": NOW - ago, **fields})


@pytest.fixture
def alder(db: None) -> School:
    return people.school("alder", "Alder", timezone="UTC", opened_at=NOW - 400 * HOUR)


@pytest.fixture
def birch(db: None) -> School:
    return people.school("birch", "Birch", timezone="UTC", opened_at=NOW - 400 * HOUR)


def night(of: School, outcome: str, *, run: Run | None = None, ago: int = 0) -> None:
    """Claim a night of a school."""
    Slot.objects.create(
        school=of,
        kind="roster",
        slot="night",
        local_date=NOW.date() - ago * datetime.timedelta(days=1),
        due_at=NOW,
        claimed_at=NOW,
        outcome=outcome,
        run=run.pk if run else None,
    )


def test_a_clock_that_never_ran_is_silent() -> None:
    assert health.clock_age(at=NOW) is None
    assert health.clock_is_silent(at=NOW)


@pytest.mark.parametrize(("seconds", "silent"), [(0, False), (179, False), (180, True), (3600, True), (-2, False)])
def test_a_clock_is_silent_after_three_minutes(seconds: int, silent: bool) -> None:  # noqa: FBT001 - what is expected
    pulse(datetime.timedelta(seconds=seconds))
    assert health.clock_age(at=NOW) == datetime.timedelta(seconds=max(seconds, 0))
    assert health.clock_is_silent(at=NOW) is silent


def test_a_turn_of_the_dispatcher_ends_the_silence() -> None:
    pulse(HOUR)
    dispatch.dispatch(at=NOW)
    assert not health.clock_is_silent(at=NOW + 2 * MINUTE)


def test_nothing_is_nought_and_not_left_out() -> None:
    seen = health.vitals(at=NOW)
    assert (seen.clock_age, seen.turn, seen.left) == (None, 0, 0)
    assert seen.missed == {"night": 0, "morning": 0, "afternoon": 0}
    assert seen.queues == dict.fromkeys(("roster", "attendance", "asked"), health.Queue())
    assert set(seen.failed) == {
        *(kind.__name__.lower() for kind in errors.SyncError.__subclasses__()),
        "internal",
    }
    assert {*Run.Status.values, "suspended", "no school", "nothing was due"} <= set(seen.nights)
    assert "run" not in seen.nights
    assert {*seen.failed.values(), *seen.nights.values()} == {0}


def test_the_last_turn() -> None:
    pulse(MINUTE, seconds=2.5, left=7)
    seen = health.vitals(at=NOW)
    assert (seen.clock_age, seen.turn, seen.left) == (MINUTE, 2.5, 7)


def test_slots_that_were_missed(alder: School, birch: School) -> None:
    """By noon yesterday's slots are over: three of Alder, of Birch all but its night."""
    night(birch, "suspended", ago=1)
    assert health.vitals(at=NOW).missed == {"night": 1, "morning": 2, "afternoon": 2}


def test_runs_wait_in_the_queue_of_whoever_waits_for_them(alder: School, birch: School) -> None:
    with scope.school(alder.pk):
        run_factory.run(status="queued", trigger="schedule", slot="night", at=NOW - 20 * MINUTE)
        run_factory.run(status="running", kind="attendance", trigger="schedule", slot="morning", at=NOW - HOUR)
        run_factory.run(status="queued", trigger="one_off", at=NOW - MINUTE)
        run_factory.run(status="ok", at=NOW - HOUR)
    with scope.school(birch.pk):
        run_factory.run(status="queued", trigger="retry", slot="night", at=NOW - 30 * MINUTE)
        run_factory.run(status="queued", trigger="decision", at=NOW - 2 * MINUTE)
    assert health.vitals(at=NOW).queues == {
        "roster": health.Queue(waiting=2, running=0, oldest=30 * MINUTE),
        "attendance": health.Queue(waiting=0, running=1),
        "asked": health.Queue(waiting=2, running=0, oldest=2 * MINUTE),
    }


def test_runs_that_failed_within_a_day(alder: School, birch: School) -> None:
    with scope.school(alder.pk):
        run_factory.run(status="failed", error_kind="busy", at=NOW - 2 * HOUR)
        run_factory.run(status="failed", error_kind="internal", at=NOW - 23 * HOUR)
        run_factory.run(status="failed", error_kind="busy", at=NOW - 25 * HOUR)
        run_factory.run(status="ok", at=NOW - HOUR)
    with scope.school(birch.pk):
        run_factory.run(status="failed", error_kind="busy", at=NOW - HOUR)
    found = health.vitals(at=NOW).failed
    assert {kind: number for kind, number in found.items() if number} == {"busy": 2, "internal": 1}


def test_each_school_counts_once_by_its_last_night(alder: School, birch: School) -> None:
    people.school("cedar", "Cedar", opened_at=NOW)
    with scope.school(alder.pk):
        ended = run_factory.run(status="partial", trigger="schedule", slot="night", at=NOW)
    night(alder, "run", run=ended)
    night(alder, "paused", ago=1)
    night(birch, "frozen")
    found = health.vitals(at=NOW).nights
    assert {said: number for said, number in found.items() if number} == {
        "partial": 1,
        "frozen": 1,
        "nothing was due": 1,
    }


def test_the_numbers_cost_the_same_however_many_schools_there_are(
    alder: School, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        with django_assert_num_queries(10):  # four of them open and close the look across schools
            health.vitals(at=NOW)
        more = people.school(f"more-{number}", "More")
        with scope.school(more.pk):
            Connection.objects.create(connector="csv_files", settings={})
