"""Workers that are started for one test, and what the same files give when nothing goes wrong."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from django.conf import settings

from local.processes import free_port
from local.world.model import SchoolWorld
from schoolsbuddy.celery import app
from sync.models import Run
from sync.operations import runs
from tests.sync.conftest import Place
from tests.sync.worker.crew import Broker, Worker, everything, here, send_to

FIRST_BROKER: Final = 8  # of Redis's sixteen databases; the site's own is 0

Start = Callable[..., Worker]


@pytest.fixture
def broker(worker_id: str) -> Iterator[str]:
    """A database of Redis for this test alone, to which this process sends as well."""
    number = FIRST_BROKER + int(worker_id.removeprefix("gw") if worker_id != "master" else 0) % 8
    url = f"{settings.REDIS_URL.rpartition('/')[0]}/{number}"
    client = redis.Redis.from_url(url)
    client.flushdb()
    usual = app.conf.broker_url
    send_to(url)
    yield url
    send_to(usual)
    client.flushdb()
    client.close()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A Redis for this test alone, to which this process sends as well; it can be stopped and started."""
    home = tmp_path / "redis"
    home.mkdir()
    server, usual = Broker(home=home, port=free_port()), app.conf.broker_url
    server.start()
    send_to(server.url)
    yield server
    send_to(usual)
    server.stop()


@pytest.fixture
def hire(tmp_path: Path) -> Iterator[Start]:
    """Start a worker at a broker; it is gone after the test."""
    started: list[Worker] = []

    def begin(broker: str, *options: str) -> Worker:
        environment = os.environ | {
            "DATABASE_URL": here(settings.DATABASE_URL),
            "DATABASE_OWNER_URL": "",
            "REDIS_URL": broker,
            "FILES_DIR": str(tmp_path / "files"),
        }
        log = tmp_path / f"worker-{len(started)}.log"
        started.append(Worker(environment=environment, log=log, options=options))  # first of all, to be ended
        started[-1].await_pool()
        return started[-1]

    yield begin
    for worker in started:
        worker.kill()


@pytest.fixture
def start(broker: str, hire: Start) -> Start:
    """Start a worker at this test's broker."""
    return lambda *options: hire(broker, *options)


@pytest.fixture
def ask(small: Place) -> Callable[[], Run]:
    """Ask for a run as a person would: it is sent to the workers on commit."""

    def request() -> Run:
        return small.request(1, enqueue=True)

    return request


@pytest.fixture
def undisturbed(place: Callable[..., Place], small_world: SchoolWorld) -> Callable[[], Any]:
    """What the same files give when nothing goes wrong."""

    def outcome() -> Any:
        other = place(small_world, slug="undisturbed")
        other.write(1)
        runs.perform(school=other.school, run=other.request(1).pk)
        return everything(other)

    return outcome
