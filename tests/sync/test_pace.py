"""All workers keep one pace, kept in a real Redis."""

import logging
import math
import uuid
from collections.abc import Iterator

import pytest
import redis
from django.conf import settings

from sync.pace import RedisPace


@pytest.fixture
def host() -> Iterator[str]:
    """A host that nobody else asks."""
    name = f"{uuid.uuid4()}.example"
    yield name
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        server.delete(f"pace:{name}")


def test_workers_wait_their_turn_together(host: str) -> None:
    waits: list[float] = []
    with (
        RedisPace(settings.REDIS_URL, {host: 0.1}, burst=2, sleep=waits.append) as one,
        RedisPace(settings.REDIS_URL, {host: 0.1}, burst=2, sleep=waits.append) as other,
    ):
        for pace in (one, other, one, other, one):
            pace.wait(host)
    assert waits == pytest.approx([10, 20, 30], abs=2)


def test_hosts_do_not_wait_for_each_other(host: str) -> None:
    waits: list[float] = []
    with RedisPace(settings.REDIS_URL, {}, otherwise=0.1, burst=1, sleep=waits.append) as pace:
        pace.wait(host)
        pace.wait(f"other.{host}")
        assert waits == []
        pace.wait(host)
    assert waits == pytest.approx([10], abs=2)
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        assert 20_000 <= server.pttl(f"pace:{host}") <= 22_000  # nothing of it stays for ever
        server.delete(f"pace:other.{host}")


def test_a_fast_host_is_hardly_waited_for(host: str) -> None:
    waits: list[float] = []
    with RedisPace(settings.REDIS_URL, {host: 1000}, sleep=waits.append) as pace:
        for _ in range(20):
            pace.wait(host)
    assert sum(waits) < 1


def test_no_limit_asks_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with RedisPace("redis://127.0.0.1:1/0", {"here.example": math.inf}) as pace:
        pace.wait("here.example")
    assert caplog.text == ""


def test_without_redis_nobody_waits_and_it_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    caplog.set_level(logging.WARNING)
    with RedisPace("redis://:s3cret-word@127.0.0.1:1/0", {}, sleep=waits.append) as pace:
        pace.wait("mis.example")
        pace.wait("mis.example")
    assert waits == []
    assert len(caplog.records) == 1
    assert "mis.example are not paced" in caplog.text
    assert "s3cret-word" not in caplog.text


def test_a_rest_is_kept_by_all_workers(host: str) -> None:
    waits: list[float] = []
    with (
        RedisPace(settings.REDIS_URL, {host: 1000}, sleep=waits.append) as one,
        RedisPace(settings.REDIS_URL, {host: 1000}, sleep=waits.append) as other,
    ):
        one.wait(host)
        one.rest(host, 30)
        one.rest(host, 10)  # the longer one stands
        other.wait(host)
    assert waits == pytest.approx([30], abs=2)
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        assert server.pttl(f"pace:{host}") <= 32_000


def test_a_rest_where_there_is_no_limit_asks_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with RedisPace("redis://127.0.0.1:1/0", {"here.example": math.inf}) as pace:
        pace.rest("here.example", 30)
    assert caplog.text == ""


def test_without_redis_a_rest_is_let_be(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    with RedisPace("redis://127.0.0.1:1/0", {}) as pace:
        pace.rest("mis.example", 30)
    assert "mis.example are not paced" in caplog.text
