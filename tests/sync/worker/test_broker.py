"""A broker that is down or comes back: no page fails, no claim is lost, and what is under way goes on (R12)."""

import datetime
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from local.simulators.server import running
from sync.models import Run, Trial
from sync.operations import runs, trials
from tenants import scope
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import Broker, ended, eventually, everything, in_hand, state

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

TEN_MINUTES = datetime.timedelta(minutes=10)


def test_what_is_asked_for_while_the_broker_is_down_waits_and_is_sent_again(
    small: Place, own_broker: Broker, hire: Start, undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    own_broker.stop()
    began = time.monotonic()
    with scope.school(small.school.pk):
        at = timezone.now()
        run = runs.request(school=small.school, trigger=Run.Trigger.ONE_OFF, at=at)
        trials.ask(school=small.school, kind=Trial.Kind.TEST, at=at, by=None)
    assert time.monotonic() - began < 10, "nobody waits for a broker"
    own_broker.start()
    assert in_hand(own_broker.url) == (0, 0), "it was not sent"
    runs.release_stuck(at=at + TEN_MINUTES)
    hire(own_broker.url)
    assert ended(small, run).status == "ok"
    assert everything(small) == undisturbed()


def test_a_broker_that_starts_again_disturbs_no_run_that_is_on(
    small: Place, own_broker: Broker, hire: Start, ask: Callable[[], Run]
) -> None:
    partner = Breaking(small.truth)
    partner.slows(9, by=4)
    with running(partner) as url:
        connect(small, url)
        hire(own_broker.url)
        run = ask()
        eventually("the worker waits for the ninth answer", lambda: len(partner.requests) == 9)
        own_broker.stop()
        time.sleep(1)
        own_broker.start()
        over = ended(small, run)
        assert (over.status, over.attempts) == ("ok", 1), over.error
        again = ask()
        assert ended(small, again).status == "ok", "the worker is back by itself"
    assert state(small, run).attempts == 1
