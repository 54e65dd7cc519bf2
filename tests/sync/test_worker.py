"""A real Celery worker and a real broker: a worker that dies in the middle leaves nothing half done."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import kombu.pools
import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from local.simulators.server import running
from local.simulators.wonde import SCHOOL, TOKEN, Wonde
from local.world.model import SchoolWorld
from schoolsbuddy.celery import app
from sync.models import Change, Run, Trial
from sync.operations import connections, runs, trials
from tenants import scope
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place, by_ref
from users.models import Guardian, Membership, StaffMember, Student, Tie

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

PATIENCE: Final = 60.0
FIRST_BROKER: Final = 8  # of Redis's sixteen databases; the site's own is 0


def eventually(what: str, true: Callable[[], Any], *, within: float = PATIENCE) -> Any:
    """Wait until something holds, and return it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := true():
            return found
        time.sleep(0.05)
    pytest.fail(f"waited {within:.0f} s in vain: {what}")


class Worker:
    """`celery worker` as it runs in production, on the test's database and broker."""

    def __init__(self, *, environment: dict[str, str], log: Path) -> None:
        self.log = log
        command = ["-A", "schoolsbuddy", "worker", "-Q", "roster,asked", "--pool", "prefork", "-c", "1"]
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", *command, "--without-gossip", "--without-mingle"],
                env=environment,
                cwd=settings.BASE_DIR,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def await_pool(self) -> None:
        """Wait until it has somebody to do the work."""
        eventually("the worker has its pool", self._has_pool)

    def _has_pool(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return bool(self.children())

    def children(self) -> list[int]:
        """Return the processes of its pool."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def kill(self) -> None:
        """Kill it and its pool as a power cut would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_child(self) -> None:
        """Kill the process that does the work, not its parent."""
        [child] = self.children()
        os.kill(child, signal.SIGKILL)


@pytest.fixture
def broker(worker_id: str) -> Iterator[str]:
    """A database of Redis for this test alone, to which this process sends as well."""
    number = FIRST_BROKER + int(worker_id.removeprefix("gw") if worker_id != "master" else 0) % 8
    url = f"{settings.REDIS_URL.rpartition('/')[0]}/{number}"
    client = redis.Redis.from_url(url)
    client.flushdb()
    usual = app.conf.broker_url
    _send_to(url)
    yield url
    _send_to(usual)
    client.flushdb()
    client.close()


def let_an_hour_pass_at(broker: str) -> None:
    """Have the broker believe that what was handed out was handed out an hour ago: it takes it for lost."""
    client = redis.Redis.from_url(broker)
    handed_out: Any = client.zrange("unacked_index", 0, -1, withscores=True)
    assert handed_out, "a task that nobody has said is done"
    for tag, since in handed_out:
        client.zadd("unacked_index", {tag: since - settings.BROKER_VISIBILITY_TIMEOUT})
    client.close()


def _send_to(url: str) -> None:
    """Have this process send its tasks there; Celery keeps its connections for ever otherwise."""
    celery: Any = app
    kombu.pools.reset()
    celery._pool = celery.amqp._producer_pool = None
    celery.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url)


def _here(url: str) -> str:
    """The same server and role, but the test's database."""
    return urlsplit(url)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@pytest.fixture
def start(broker: str, tmp_path: Path) -> Iterator[Callable[[], Worker]]:
    """Start a worker; it is gone after the test."""
    environment = os.environ | {
        "DATABASE_URL": _here(settings.DATABASE_URL),
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": broker,
        "FILES_DIR": str(tmp_path / "files"),
    }
    started: list[Worker] = []

    def begin() -> Worker:
        started.append(Worker(environment=environment, log=tmp_path / "worker.log"))  # first of all, to be ended
        started[-1].await_pool()
        return started[-1]

    yield begin
    for worker in started:
        worker.kill()


@pytest.fixture
def ask(small: Place) -> Callable[[], Run]:
    """Ask for a run as a person would: it is sent to the workers on commit."""

    def request() -> Run:
        return small.request(1, enqueue=True)

    return request


@contextlib.contextmanager
def late_in_apply() -> Iterator[Callable[[], int]]:
    """Stop whoever writes the change log, which is last; yields a wait for the session that stands there."""
    with psycopg.connect(_here(settings.DATABASE_OWNER_URL)) as owner:
        owner.execute("lock table sync_change in access exclusive mode")
        yield lambda: int(eventually("a worker is late in apply", _who_waits))
        owner.rollback()


def _who_waits() -> int | None:
    with connection.cursor() as cursor:
        cursor.execute("select pid from pg_locks where not granted and relation = 'sync_change'::regclass")
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _session_is_over(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_stat_activity where pid = %s", [pid])
        return bool(cursor.fetchone() == (0,))


def state(place: Place, run: Run) -> Run:
    with scope.school(place.school.pk):
        found: Run = Run.objects.get(pk=run.pk)
        return found


def ended(place: Place, run: Run) -> Run:
    """Wait for the end of a run."""

    def look() -> Run | None:
        now = state(place, run)
        return now if now.is_over else None

    over: Run = eventually("the run is over", look)
    return over


def assert_nothing_is_there(place: Place) -> None:
    """Not one row of anybody, nor of what was done."""
    with scope.school(place.school.pk):
        for model in (Student, Guardian, StaffMember, Tie, Change):
            assert not model.objects.exists(), model
        assert not Membership.objects.filter(school=place.school).exists()


def everything(place: Place) -> tuple[dict[str, Any], Counter[Any], Counter[Any]]:
    """People and what joins them, the change log, and the logins: without our own keys and without times."""
    with scope.school(place.school.pk):
        names = ("kind", "label", "ref", "action", "field", "old", "new", "why")
        log = Counter(Change.objects.values_list(*names))
        logins = Counter(
            Membership.objects.filter(school=place.school).values_list(
                "account__email", "guardian__folded", "student__folded", "staff_member__folded"
            )
        )
    return by_ref(place.held()), log, logins


@pytest.fixture
def undisturbed(place: Callable[..., Place], small_world: SchoolWorld) -> Callable[[], Any]:
    """What the same files give when nothing goes wrong."""

    def outcome() -> Any:
        other = place(small_world, slug="undisturbed")
        other.write(1)
        runs.perform(school=other.school, run=other.request(1).pk)
        return everything(other)

    return outcome


def test_a_requested_run_is_carried_out(
    small: Place, start: Callable[[], Worker], ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    run = ask()
    assert state(small, run).status == Run.Status.QUEUED, "nobody works yet"
    start()
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 1), over.error
    assert everything(small) == undisturbed()


def test_a_worker_killed_in_apply_leaves_nothing_and_another_one_does_it_all(
    small: Place, broker: str, start: Callable[[], Worker], ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    first = start()
    with late_in_apply() as wait:
        run = ask()
        session = wait()
        first.kill()
    eventually("the database noticed", lambda: _session_is_over(session))
    assert_nothing_is_there(small)
    assert state(small, run).status == Run.Status.RUNNING
    let_an_hour_pass_at(broker)
    start()
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()


def test_a_killed_child_is_replaced_and_its_run_done_again(
    small: Place, start: Callable[[], Worker], ask: Callable[[], Run], undisturbed: Callable[[], Any]
) -> None:
    small.write(1)
    worker = start()
    with late_in_apply() as wait:
        run = ask()
        session = wait()
        worker.kill_child()
    eventually("the database noticed", lambda: _session_is_over(session))
    over = ended(small, run)
    assert (over.status, over.attempts) == (Run.Status.OK, 2), over.error
    assert everything(small) == undisturbed()


def test_a_database_session_that_is_ended_in_apply_ends_the_run_with_a_name_and_the_next_repairs(
    small: Place, start: Callable[[], Worker], ask: Callable[[], Run], undisturbed: Callable[[], Any]
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


def test_two_runs_of_one_school_come_one_after_the_other(
    small: Place, start: Callable[[], Worker], ask: Callable[[], Run]
) -> None:
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
    start: Callable[[], Worker],
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


def test_a_connection_test_whose_worker_is_killed_comes_back_and_ends(small: Place, start: Callable[[], Worker]):
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
