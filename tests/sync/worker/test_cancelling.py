"""A run is cancelled within seconds, wherever a real worker stands in it, and never half done (R18, sync.md row 19)."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.utils import timezone

from local.simulators.server import running
from sync.models import Run
from sync.operations import runs
from sync.signals import cancel_asked
from tenants import scope
from tenants.models import AuditEvent
from tests.factories import people
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import (
    assert_nothing_is_there,
    before_apply,
    ended,
    eventually,
    everything,
    late_in_apply,
    session_is_over,
    state,
)
from users.models import Account

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

SOON: Final = 15.0  # seconds: a partner that hangs does so for 120, and so would whoever waits for it


@pytest.fixture
def dana(db: None) -> Account:
    """One of our own people."""
    return people.account("dana@schoolsbuddy.example", is_support=True)


Cancel = Callable[[Run], Run]


@pytest.fixture
def cancel(small: Place, dana: Account) -> Cancel:
    """Cancel a run as a person would."""

    def do(run: Run) -> Run:
        with scope.school(small.school.pk):
            return runs.cancel(run=run.pk, by=dana.pk, at=timezone.now())

    return do


@pytest.fixture
def deaf() -> Iterator[None]:
    """No signal comes through to the workers, as when their broker is down."""
    receivers, cancel_asked.receivers = cancel_asked.receivers, []
    cancel_asked.sender_receivers_cache.clear()
    yield
    cancel_asked.receivers = receivers
    cancel_asked.sender_receivers_cache.clear()


def assert_cancelled(place: Place, run: Run, by: Account) -> None:
    assert (run.status, run.cancel_asked_by_id, run.error) == (
        "cancelled",
        by.pk,
        "It was cancelled. Nothing was changed.",
    )
    assert runs.told(run) == "The sync is cancelled. Nothing was changed."
    assert_nothing_is_there(place)


def test_a_run_that_waits_is_cancelled_at_once_and_its_message_does_nothing(
    small: Place, dana: Account, start: Start, ask: Callable[[], Run], cancel: Cancel
) -> None:
    small.write(1)
    run = ask()
    assert_cancelled(small, cancel(run), dana)
    start()
    other = small.request(1, trigger=Run.Trigger.COMMAND)
    with scope.school(small.school.pk):
        assert cancel(run).status == "cancelled", "twice does no harm"
        [event] = AuditEvent.objects.filter(action="sync.cancel")
        runs.enqueue_run(small.school, other)
    assert (event.subject, event.actor_id) == (f"run:{run.pk}", dana.pk)
    assert ended(small, other).status == "ok"
    assert state(small, run).attempts == 0


def test_a_run_whose_partner_says_nothing_is_cancelled(
    small: Place, dana: Account, start: Start, ask: Callable[[], Run], cancel: Cancel
) -> None:
    partner = Breaking(small.truth)
    partner.hangs(9)
    with running(partner) as url:
        connect(small, url)
        start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        before = partner.asked()
        asked = cancel(run)
        assert (asked.status, runs.told(asked)) == (
            "running",
            "The sync is being stopped, which takes a few seconds. Nothing is changed unless it ends first.",
        )
        assert_cancelled(small, ended(small, run, within=SOON), dana)
        partner.breaks(0)
        assert ended(small, ask()).status == "ok", "the worker goes on with the next"
        assert partner.asked()[: len(before)] == before, "and reads everything afresh"


def test_a_run_is_cancelled_between_two_pages_where_no_signal_comes_through(
    small: Place, dana: Account, start: Start, ask: Callable[[], Run], cancel: Cancel, deaf: None
) -> None:
    partner = Breaking(small.truth)
    partner.slows(9)
    with running(partner) as url:
        connect(small, url)
        start()
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        cancel(run)
        assert_cancelled(small, ended(small, run), dana)
        assert len(partner.requests) <= 10, "not read to its end"


@pytest.mark.parametrize(("moment", "stage"), [("before apply", "comparing"), ("in apply", "writing")])
def test_a_run_that_writes_is_cancelled_and_rolled_back(
    small: Place,
    dana: Account,
    start: Start,
    ask: Callable[[], Run],
    cancel: Cancel,
    undisturbed: Callable[[], Any],
    moment: str,
    stage: str,
) -> None:
    small.write(1)
    start()
    with late_in_apply() if moment == "in apply" else before_apply(small) as wait:
        run = ask()
        session = wait()
        assert state(small, run).progress["stage"] == stage
        assert cancel(run).status == "running", "whoever cancels does not wait for what is locked"
        over = ended(small, run, within=SOON)
        eventually("nobody waits in the database any more", lambda: session_is_over(session))
    assert_cancelled(small, over, dana)
    assert ended(small, ask()).status == "ok"
    assert everything(small) == undisturbed()


def test_a_cancelled_run_cannot_end_otherwise_where_no_signal_comes_through(
    small: Place, dana: Account, start: Start, ask: Callable[[], Run], cancel: Cancel, deaf: None
) -> None:
    small.write(1)
    start()
    with late_in_apply() as wait:
        run = ask()
        wait()
        cancel(run)
    assert_cancelled(small, ended(small, run), dana)


def test_a_run_that_was_faster_ends_as_it_ends_and_whoever_cancels_is_told(
    small: Place, start: Start, ask: Callable[[], Run], cancel: Cancel
) -> None:
    small.write(1)
    start()
    run = ended(small, ask())
    late = cancel(run)
    assert (late.status, late.cancel_asked_at) == ("ok", None)
    assert runs.told(late) == "The sync was over before it could be cancelled: finished."


def test_a_run_whose_worker_is_lost_is_cancelled_at_once(
    small: Place, dana: Account, start: Start, ask: Callable[[], Run], cancel: Cancel
) -> None:
    small.write(1)
    worker = start()
    with before_apply(small) as wait:
        run = ask()
        session = wait()
        worker.kill()
    eventually("the database noticed", lambda: session_is_over(session))
    assert_cancelled(small, cancel(run), dana)
