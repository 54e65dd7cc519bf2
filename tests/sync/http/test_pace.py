"""Waiting: as a host asks for it, within bounds, and together with all other workers."""

import datetime
import email.utils
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.server import Reply, as_json
from sync.errors import Busy
from sync.http import LONGEST_WAIT, Http
from sync.http.pace import asked_to_wait
from tests.sync.partner import Serve


def test_retry_after_is_kept(http: Http, serve: Serve, waits: list[float]) -> None:
    soon = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=30)
    said = ["7", "0", "9999", email.utils.format_datetime(soon, usegmt=True)]
    url, _ = serve({"/x": [*(Reply(429, headers={"Retry-After": text}) for text in said), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits[:3] == [7, 0, LONGEST_WAIT]
    assert 25 <= waits[3] <= 30


@pytest.mark.parametrize("said", ["soon", "-3", "1.5", "", "9" * 400, "Mon, 99 Nov 2026 01:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_not_kept(http: Http, serve: Serve, waits: list[float], said: str) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"Retry-After": said}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits[0] <= LONGEST_WAIT


def test_a_date_that_is_over_means_now(http: Http, serve: Serve, waits: list[float]) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"Retry-After": "Mon, 09 Nov 2020 01:00:00 GMT"}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits == [0]


def test_patience_ends(http: Http, serve: Serve, waits: list[float]) -> None:
    url, partner = serve({"/x": Reply(503, headers={"Retry-After": "120"})})
    with pytest.raises(Busy, match="3 times"):
        http.get(f"{url}/x")
    assert (len(partner.requests), waits) == (3, [120, 120])


def test_every_try_and_every_redirect_keeps_the_pace(serve: Serve) -> None:
    class Pace:
        hosts: ClassVar[list[str]] = []

        def wait(self, host: str) -> None:
            self.hosts.append(host)

        def rest(self, host: str, seconds: float) -> None:
            raise AssertionError("nobody asked for that")

    url, partner = serve({"/a": Reply(302, headers={"Location": "/b"}), "/b": [Reply(500), as_json(1)]})
    with Http(pace=Pace(), loopback=True, sleep=lambda _: None) as http:
        http.get(f"{url}/a")
    assert Pace.hosts == ["127.0.0.1"] * len(partner.requests) == ["127.0.0.1"] * 4


def in_(seconds: float) -> datetime.datetime:
    return datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=seconds)


RESETS: dict[str, Callable[[], str]] = {
    "seconds from now": lambda: "30",
    "a part of a second": lambda: "29.5",
    "Unix time": lambda: str(int(in_(30).timestamp())),
    "Unix time in thousandths": lambda: str(round(in_(30).timestamp() * 1000)),
    "ISO 8601": lambda: in_(30).isoformat(timespec="seconds"),
    "ISO 8601 with Z": lambda: in_(30).strftime("%Y-%m-%dT%H:%M:%SZ"),
    "ISO 8601 without a zone": lambda: in_(30).strftime("%Y-%m-%d %H:%M:%S"),
    "a date of HTTP": lambda: email.utils.format_datetime(in_(30), usegmt=True),
}


@pytest.mark.parametrize("form", RESETS)
def test_x_ratelimit_reset_is_kept_in_any_form(http: Http, serve: Serve, waits: list[float], form: str) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"X-RateLimit-Reset": RESETS[form]()}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert len(waits) == 1
    assert 27 <= waits[0] <= 30


@pytest.mark.parametrize("said", ["99999", str(10**11), str(10**300), "2999-01-01T00:00:00Z"])
def test_a_reset_far_away_is_bounded(http: Http, serve: Serve, waits: list[float], said: str) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"X-RateLimit-Reset": said}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits == [LONGEST_WAIT]


@pytest.mark.parametrize("said", ["0", "-5", "soon", "", "nan", "1_0", "٣", "1700000000", "2020-01-01T00:00:00Z"])
def test_a_reset_that_is_over_or_unreadable_says_nothing(
    http: Http, serve: Serve, waits: list[float], said: str
) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"X-RateLimit-Reset": quote(said, safe=": -")}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert 0.5 <= waits[0] <= 1.5


def test_retry_after_goes_before_a_reset(http: Http, serve: Serve, waits: list[float]) -> None:
    said = {"Retry-After": "3", "X-RateLimit-Reset": "30"}
    url, _ = serve({"/x": [Reply(429, headers=said), as_json(1)]})
    http.get(f"{url}/x")
    assert waits == [3]


class Together:
    """Notes what all workers would be told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, float]] = []

    def wait(self, host: str) -> None: ...

    def rest(self, host: str, seconds: float) -> None:
        self.told.append((host, seconds))


def test_the_last_answer_for_now_is_waited_for_before_the_next_request(serve: Serve, waits: list[float]) -> None:
    last = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7"}
    url, partner = serve({"/x": [Reply(200, b"1", last), as_json(2), as_json(3)]})
    pace = Together()
    with Http(loopback=True, sleep=waits.append, pace=pace) as http:
        assert http.get(f"{url}/x").json() == 1
        assert waits == []
        assert [http.get(f"{url}/x").json() for _ in range(2)] == [2, 3]
    assert waits == [7]
    assert pace.told == [("127.0.0.1", 7)]
    assert len(partner.requests) == 3


@pytest.mark.parametrize("remaining", ["12", "", "none", "00"])
def test_while_some_remain_nobody_waits(http: Http, serve: Serve, waits: list[float], remaining: str) -> None:
    said = {"X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": "7"}
    url, _ = serve({"/x": Reply(200, b"1", said)})
    for _ in range(2):
        http.get(f"{url}/x")
    assert waits == []


def test_a_host_that_asks_for_a_rest_gets_it_from_all_workers(serve: Serve, waits: list[float]) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"Retry-After": "9"}), Reply(500), as_json(1)]})
    pace = Together()
    with Http(loopback=True, sleep=waits.append, pace=pace) as http:
        http.get(f"{url}/x")
    assert pace.told == [("127.0.0.1", 9)]


@given(st.text(max_size=40))
def test_whatever_the_headers_say_the_wait_is_bounded(said: str) -> None:
    for name in ("Retry-After", "X-RateLimit-Reset"):
        wait = asked_to_wait({name: said})
        assert wait is None or 0 <= wait <= LONGEST_WAIT
