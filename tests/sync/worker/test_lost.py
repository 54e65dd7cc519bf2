"""A real worker that dies at any moment: nothing is half done, and the run is taken up again (R12)."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from local.simulators.server import running
from local.simulators.wonde import SCHOOL, TOKEN, Wonde
from sync.models import Change, Run, Trial
from sync.operations import connections, runs, trials
from sync.receivers import enqueue
from tenants import scope
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import (
    assert_nothing_is_there,
    before_apply,
    end_session,
    ended,
    eventually,
    everything,
    idle_session_of,
    in_hand,
    late_in_apply,
    let_an_hour_pass_at,
    life_of,
    session_is_over,
    state,
)

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

A_MINUTE = datetime.timedelta(minutes=1)


def let_beat_look() -> int:
    """Do what beat does each minute, a minute from now."""
    return runs.release_stuck(at=timezone.now() + A_MINUTE)


def test_a_requested_run_is_carried_out(
    small: Place, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    run = ask()
    assert state(small, run).status == Run.Status.QUEUED, "nobody works yet"
    start()
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 1), over.error
    assert everything(small) == undisturbed()


def test_a_worker_killed_in_apply_leaves_nothing_and_another_one_does_it_all(
    small: Place, broker: str, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    first = start()
    with late_in_apply() as wait:
        run = ask()
        session = wait()
        first.kill()
    eventually("the database noticed", lambda: session_is_over(session))
    assert_nothing_is_there(small)
    assert state(small, run).status == Run.Status.RUNNING
    let_an_hour_pass_at(broker)
    start()
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()


def test_a_killed_child_is_replaced_and_its_run_done_again(
    small: Place, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    worker = start()
    with late_in_apply() as wait:
        run = ask()
        session = wait()
        worker.kill_child()
    eventually("the database noticed", lambda: session_is_over(session))
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()


def test_a_database_session_that_is_ended_in_apply_ends_the_run_with_a_name_and_the_next_repairs(
    small: Place, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    start()
    with late_in_apply() as wait:
        run = ask()
        session = wait()
        with connection.cursor() as cursor:
            cursor.execute("select pg_terminate_backend(%s)", [session])
        over = ended(small, run)
    assert (over.status, over.error_kind) == (Run.Status.FAILED, "internal")
    assert over.error.startswith("Something went wrong on our side")
    assert_nothing_is_there(small)
    assert ended(small, ask()).status == Run.Status.OK
    assert everything(small) == undisturbed()


def test_two_runs_of_one_school_come_one_after_the_other(small: Place, start: Start, ask: Callable[[], Run]) -> None:
    small.write(1)
    start()
    first = ask()
    second = small.request(1, trigger=Run.Trigger.COMMAND, enqueue=True)
    assert first.pk != second.pk
    assert ended(small, first).status == ended(small, second).status == Run.Status.OK
    with scope.school(small.school.pk):
        assert Change.objects.filter(run=first).exists() is not Change.objects.filter(run=second).exists()


@pytest.mark.parametrize("what", ["the child", "the worker"])
def test_a_pull_killed_in_the_middle_goes_on_where_it_stood(
    small: Place,
    place: Callable[..., Place],
    broker: str,
    start: Start,
    ask: Callable[[], Run],
    what: str,
) -> None:
    partner = Breaking(small.truth)
    with running(partner) as url:
        connect(small, url)
        partner.hangs(9)
        worker = start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        before = partner.asked()[:-1]
        partner.breaks(0)
        if what == "the child":
            worker.kill_child()
        else:
            worker.kill()
            let_an_hour_pass_at(broker)
            start()
        over = ended(small, run)
        assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
        after = partner.asked()
        other = place(small.truth, slug="undisturbed")
        connect(other, url)
        partner.breaks(0)
        runs.perform(school=other.school, run=other.request(1).pk)
        assert [*before[:-1], *after] == partner.asked(), "what was kept was not asked for again"
    assert everything(small) == everything(other)


def test_a_connection_test_whose_worker_is_killed_comes_back_and_ends(small: Place, start: Start):
    partner = Wonde(small.truth, 1, faults=frozenset({"hang"}))
    with running(partner) as url:
        with scope.school(small.school.pk):
            given = {"token": TOKEN, "school": SCHOOL, "host": url}
            connections.connect(school=small.school, connector="wonde", given=given)
        worker = start()
        with scope.school(small.school.pk):
            trials.ask(school=small.school, kind=Trial.Kind.TEST, at=timezone.now(), by=None)
        eventually("the partner is asked", lambda: partner.requests)
        partner.faults = frozenset()
        worker.kill_child()
        ended = eventually("the test ends after all", lambda: _ended(small))
    assert (ended.attempts, ended.error_kind) == (2, "")
    assert ended.findings


def _ended(place: Place) -> Trial | None:
    with scope.school(place.school.pk):
        found: Trial | None = Trial.objects.exclude(ended_at=None).first()
    return found


def hanging(place: Place, at: int = 9) -> Breaking:
    """A partner that does not answer a request, counted from 1."""
    partner = Breaking(place.truth)
    partner.hangs(at)
    return partner


def test_beat_takes_up_what_a_killed_worker_was_reading_within_a_minute(
    small: Place, start: Start, ask: Callable[[], Run]
) -> None:
    partner = hanging(small)
    with running(partner) as url:
        connect(small, url)
        first = start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        assert let_beat_look() == 0, "it lives"
        first.kill()
        eventually("its life is over", lambda: life_of(run) is None)
        assert let_beat_look() == 1
        assert state(small, run).status == Run.Status.QUEUED
        partner.breaks(0)
        start()
        over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error


@pytest.mark.parametrize("moment", ["before apply", "in apply"])
def test_beat_takes_up_what_a_killed_worker_was_writing(
    small: Place, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any], moment: str
) -> None:
    small.write(1)
    first = start()
    with late_in_apply() if moment == "in apply" else before_apply(small) as wait:
        run = ask()
        session = wait()
        first.kill()
        eventually("its life is over", lambda: life_of(run) is None)
    eventually("the database noticed", lambda: session_is_over(session))
    assert_nothing_is_there(small)
    assert let_beat_look() == 1
    start()
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()


def test_a_worker_killed_after_the_commit_and_before_it_said_so_has_nothing_done_twice(
    small: Place, broker: str, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    first = start()
    with late_in_apply() as wait:
        run = ask()
        wait()
        first.freeze_parent()
    assert ended(small, run).status == Run.Status.OK
    first.kill()
    let_an_hour_pass_at(broker)
    start()
    other = small.request(1, trigger=Run.Trigger.COMMAND, enqueue=True)
    assert ended(small, other).status == Run.Status.OK
    assert state(small, run).attempts == 1
    assert let_beat_look() == 0
    assert everything(small) == undisturbed()


def test_a_run_that_is_delivered_twice_is_carried_out_once(
    small: Place, broker: str, start: Start, ask: Callable[[], Run]
) -> None:
    partner = hanging(small)
    with running(partner) as url:
        connect(small, url)
        start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        enqueue(school=small.school.pk, run=run.pk, kind="roster", trigger="one_off")
        assert in_hand(broker) == (1, 1)
        start()
        eventually("the second delivery is over", lambda: in_hand(broker) == (0, 1))
        assert state(small, run).status == Run.Status.RUNNING
        assert len(partner.requests) == 9
        assert state(small, run).attempts == 1


@pytest.mark.parametrize("session", ["of its life", "of its work"])
def test_a_database_session_that_is_ended_while_it_reads_is_replaced(
    small: Place, start: Start, ask: Callable[[], Run], session: str
) -> None:
    partner = Breaking(small.truth)
    partner.slows(9)
    with running(partner) as url:
        connect(small, url)
        worker = start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        before = life_of(run)
        found = before if session == "of its life" else idle_session_of(worker)
        assert found
        end_session(found)
        over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 1), over.error


def test_a_worker_whose_life_was_taken_for_over_writes_nothing_and_the_other_all(
    small: Place, start: Start, ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    start()
    with late_in_apply() as wait:
        run = ask()
        wait()
        life = life_of(run)
        assert life
        end_session(life)
        assert let_beat_look() == 1
        start()
        eventually("another worker has taken it up", lambda: state(small, run).attempts == 2)
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()
