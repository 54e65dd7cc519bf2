"""A real Celery worker, a broker of the test's own, and waiting for what they do."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import kombu.pools
import psycopg
import pytest
import redis
from django.conf import settings
from django.db import connection

from local.redis import program
from schoolsbuddy.celery import app
from sync.models import Change, Run
from tenants import scope
from tests.sync.conftest import Place, by_ref
from users.models import Guardian, Membership, StaffMember, Student, Tie
from users.operations import turns

PATIENCE: Final = 60.0


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

    def __init__(self, *, environment: Mapping[str, str], log: Path, options: Sequence[str] = ()) -> None:
        self.log = log
        command = ["-A", "schoolsbuddy", "worker", "-Q", "roster,attendance,asked", "--pool", "prefork", "-c", "1"]
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "celery", *command, "--without-gossip", "--without-mingle", *options],
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

    def freeze_parent(self) -> None:
        """Stop the process that speaks to the broker, so that its child's work is not told to be done."""
        os.kill(self.process.pid, signal.SIGSTOP)


class Broker:
    """A Redis of the test's own, which can be stopped, and started again with what it had on its disk."""

    def __init__(self, *, home: Path, port: int) -> None:
        self.url, self._home, self._port = f"redis://127.0.0.1:{port}/0", home, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""]
        with (self._home / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program(), *options, "--dir", str(self._home)], stdout=log, stderr=log, start_new_session=True
            )
        eventually("Redis answers", self._answers)

    def stop(self) -> None:
        """Stop it as a restart would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False


def let_an_hour_pass_at(broker: str) -> None:
    """Have the broker believe that what was handed out was handed out an hour ago: it takes it for lost."""
    client = redis.Redis.from_url(broker)
    handed_out: Any = client.zrange("unacked_index", 0, -1, withscores=True)
    assert handed_out, "a task that nobody has said is done"
    for tag, since in handed_out:
        client.zadd("unacked_index", {tag: since - settings.BROKER_VISIBILITY_TIMEOUT})
    client.close()


def in_hand(broker: str) -> tuple[int, int]:
    """How many of what people asked for wait at a broker, and how many tasks it has handed out."""
    with redis.Redis.from_url(broker) as client:
        waiting: Any = client.llen("asked")
        handed_out: Any = client.hlen("unacked")
    return waiting, handed_out


def send_to(url: str) -> None:
    """Have this process send its tasks there; Celery keeps its connections for ever otherwise."""
    celery: Any = app
    kombu.pools.reset()
    celery._pool = celery.amqp._producer_pool = None
    celery.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url)


def here(url: str) -> str:
    """The same server and role, but the test's database."""
    return urlsplit(url)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


@contextlib.contextmanager
def late_in_apply() -> Iterator[Callable[[], int]]:
    """Stop whoever writes the change log, which is last; yields a wait for the session that stands there."""
    with psycopg.connect(here(settings.DATABASE_OWNER_URL)) as owner:
        owner.execute("lock table sync_change in access exclusive mode")
        yield lambda: int(eventually("a worker is late in apply", _who_waits))
        owner.rollback()


@contextlib.contextmanager
def before_apply(place: Place, *, turn: int = turns.ROSTER) -> Iterator[Callable[[], int]]:
    """Stop whoever has read all and wants to write; yields a wait for the session that stands there."""
    with psycopg.connect(here(settings.DATABASE_OWNER_URL)) as owner:
        owner.execute("select pg_advisory_lock(%s, %s)", [turn, place.school.pk])
        yield lambda: int(eventually("a worker has read all", _who_queues))


def _who_queues() -> int | None:
    return _first("select pid from pg_locks where not granted and locktype = 'advisory'")


def _who_waits() -> int | None:
    return _first("select pid from pg_locks where not granted and relation = 'sync_change'::regclass")


def life_of(run: Run) -> int | None:
    """The session that says that a run is being carried out."""
    return _first("select pid from pg_stat_activity where application_name = %s", f"schoolsbuddy run {run.pk}")


def idle_session_of(worker: Worker) -> int | None:
    """The session of the worker's child in which it works, while it reads and so does nothing there."""
    ours = "select pid from pg_stat_activity where usename = %s and datname = current_database() and state = 'idle'"
    own = connection.cursor().connection.info.backend_pid
    named = f"{ours} and pid <> %s and application_name not like 'schoolsbuddy run %%' order by backend_start desc"
    return _first(named, connection.settings_dict["USER"], own)


def end_session(pid: int) -> None:
    """End a session of the database as its administrator would."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_terminate_backend(%s)", [pid])
    eventually("the session is over", lambda: session_is_over(pid))


def _first(sql: str, *values: Any) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        row = cursor.fetchone()
    return int(row[0]) if row else None


def session_is_over(pid: int) -> bool:
    return _first("select pid from pg_stat_activity where pid = %s", pid) is None


def state(place: Place, run: Run) -> Run:
    with scope.school(place.school.pk):
        found: Run = Run.objects.get(pk=run.pk)
        return found


def ended(place: Place, run: Run, *, within: float = PATIENCE) -> Run:
    """Wait for the end of a run."""

    def look() -> Run | None:
        now = state(place, run)
        return now if now.is_over else None

    over: Run = eventually("the run is over", look, within=within)
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
