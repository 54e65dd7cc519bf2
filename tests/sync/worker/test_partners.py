"""Whatever a partner does, the run ends by a name, the next good one repairs, and no other school waits (R12)."""

from collections.abc import Callable

import pytest

from local.simulators.server import HANG, Reply, running
from sync.models import Run
from sync.receivers import ASKED
from sync.tasks import roster
from tests.sync.breaking import IN_A_HURRY, Breaking, connect
from tests.sync.conftest import Place
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import assert_nothing_is_there, ended, eventually, state

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

ENDS = {
    "401": (Reply(401), "refused"),
    "429": (Reply(429, headers=IN_A_HURRY), "busy"),
    "500": (Reply(500, headers=IN_A_HURRY), "busy"),
    "a body cut short": (Reply(200, b"{}", headers=IN_A_HURRY, cut=1), "busy"),
    "a page for people": (Reply(200, b"<!DOCTYPE html>"), "broken"),
}


def test_every_fault_ends_the_run_by_its_name_and_the_next_good_one_repairs(
    small: Place, start: Start, ask: Callable[[], Run]
) -> None:
    partner = Breaking(small.truth)
    with running(partner) as url:
        connect(small, url)
        start()
        for name, (reply, kind) in ENDS.items():
            partner.breaks(4, reply=reply)
            over = ended(small, ask())
            assert (over.status, over.error_kind) == ("failed", kind), name
            assert_nothing_is_there(small)
        partner.breaks(0)
        assert ended(small, ask()).status == "ok"


@pytest.mark.parametrize("how", ["says nothing", "drips"])
def test_a_partner_that_takes_for_ever_is_left_in_time(
    small: Place, start: Start, ask: Callable[[], Run], how: str
) -> None:
    partner = Breaking(small.truth)
    partner.breaks(4, reply=Reply(200, delay=HANG) if how == "says nothing" else Reply(200, b"{" * 1_000, drip=0.1))
    with running(partner) as url:
        connect(small, url)
        start()
        run = small.request(1)
        roster.apply_async(kwargs={"school": small.school.pk, "run": run.pk}, queue=ASKED, soft_time_limit=3)
        over = ended(small, run)
        assert (over.status, over.error_kind) == ("failed", "slow")
        assert over.error == "This took longer than a sync may, so it was stopped. Nothing was changed."
        assert_nothing_is_there(small)
        partner.breaks(0)
        assert ended(small, ask()).status == "ok"


def test_one_schools_hanging_mis_and_its_many_runs_keep_no_other_school_waiting(
    small: Place, place: Callable[..., Place], start: Start
) -> None:
    other = place(small.truth, slug="birch")
    other.write(1)
    partner = Breaking(small.truth)
    partner.hangs(4)
    with running(partner) as url:
        connect(small, url)
        start("--concurrency", "2")
        flood = [
            small.request(1, trigger=trigger, enqueue=True)
            for trigger in (Run.Trigger.ONE_OFF, Run.Trigger.COMMAND, Run.Trigger.DECISION, Run.Trigger.FIRST)
        ]
        eventually("one of them hangs", lambda: len(partner.requests) == 4)
        theirs = other.request(1, enqueue=True)
        assert ended(other, theirs).status == "ok"
        assert sorted(state(small, run).status for run in flood) == ["queued", "queued", "queued", "running"]


def test_runs_of_one_queue_are_carried_out_the_oldest_first(
    small: Place, place: Callable[..., Place], start: Start
) -> None:
    schools = [small, *(place(small.truth, slug=slug) for slug in ("birch", "cedar"))]
    asked = []
    for each in schools:
        each.write(1)
        asked.append(each.request(1, enqueue=True))
    start()
    over = [ended(each, run) for each, run in zip(schools, asked, strict=True)]
    begun = [run.started_at for run in over if run.started_at]
    assert len(begun) == len(schools)
    assert begun == sorted(begun)
