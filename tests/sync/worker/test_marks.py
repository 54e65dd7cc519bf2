"""Attendance at a real worker: killed or cancelled, no mark is half written, and it is taken up again (R12, R17)."""

import datetime
from collections.abc import Iterator

import pytest
from django.utils import timezone

from attendance.models import Mark
from local.simulators.server import running
from sync.models import Run
from sync.operations import runs
from tenants import scope
from tests.factories import people
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import before_apply, ended, eventually, life_of, session_is_over
from users.operations import turns

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


@pytest.fixture
def marked(small: Place) -> Iterator[Place]:
    """The small school behind a ManageBac that shares marks, with its people known."""
    partner = Breaking(small.truth)
    with running(partner) as url:
        connect(small, url)
        assert runs.perform(school=small.school, run=small.request(1).pk, clock=small.clock(1)).status == "ok"
        yield small


def asked(place: Place) -> Run:
    """Ask for the marks of a day of the world."""
    with scope.school(place.school.pk):
        return runs.request(
            school=place.school,
            kind=Run.Kind.ATTENDANCE,
            trigger=Run.Trigger.ONE_OFF,
            night=place.truth.at(1).date,
            at=timezone.now(),
        )


def marks(place: Place) -> int:
    with scope.school(place.school.pk):
        return int(Mark.objects.count())


def test_marks_whose_worker_is_killed_are_taken_in_by_the_next(marked: Place, start: Start) -> None:
    first = start()
    with before_apply(marked, turn=turns.ATTENDANCE) as wait:
        run = asked(marked)
        session = wait()
        first.kill()
        eventually("its life is over", lambda: life_of(run) is None)
    eventually("the database noticed", lambda: session_is_over(session))
    assert marks(marked) == 0
    assert runs.release_stuck(at=timezone.now() + datetime.timedelta(minutes=1)) == 1
    start()
    over = ended(marked, run)
    assert (over.status, over.attempts) == ("ok", 2), over.error
    assert marks(marked) > 0


def test_marks_are_cancelled_before_they_are_written_and_read_again_when_asked_for(marked: Place, start: Start) -> None:
    by = people.account("dana@schoolsbuddy.example", is_support=True)
    start()
    with before_apply(marked, turn=turns.ATTENDANCE) as wait:
        run = asked(marked)
        wait()
        with scope.school(marked.school.pk):
            assert runs.cancel(run=run.pk, by=by.pk, at=timezone.now()).status == "running"
        assert ended(marked, run).status == "cancelled"
    assert marks(marked) == 0
    assert ended(marked, asked(marked)).status == "ok"
    assert marks(marked) > 0
