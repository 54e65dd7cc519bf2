"""What every simulator stands on: it logs what it is asked, and misbehaves on demand."""

import http.client
import json
import threading
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from local.simulators.server import COMMON_FAULTS, Reply, Request, Simulator, as_json, running
from local.world.build import crowd

SCHOOL = crowd(students=14)


class Echo(Simulator):
    """Says what it heard."""

    key: ClassVar[str] = "echo"
    FAULTS: ClassVar[dict[str, str]] = {"shout": "in capitals"}

    def reply(self, request: Request) -> Reply:
        if request.path == "/bug":
            raise ZeroDivisionError
        said = {"path": request.path, "students": len(self.school.at(self.night).students)}
        return as_json(said, 201, X_Number=str(request.number))


def echo(*faults: str) -> Echo:
    return Echo(SCHOOL, 1, faults=frozenset(faults))


def ask(url: str, path: str = "/", *, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    link = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        link.request(method, path, body, {"X-Key": "k"})
        answer = link.getresponse()
        return answer.status, answer.read()
    finally:
        link.close()


def statuses(*faults: str, times: int = 8) -> list[int]:
    with running(echo(*faults)) as url:
        return [ask(url)[0] for _ in range(times)]


def test_it_answers_from_the_truth_and_remembers_what_it_was_asked() -> None:
    simulator = echo()
    with running(simulator) as url:
        status, body = ask(url, "/a%20b?x=1&x=2&y=", method="POST", body=b"hello")
    assert (status, json.loads(body)) == (201, {"path": "/a b", "students": len(SCHOOL.at(1).students)})
    (request,) = simulator.requests
    assert (request.method, request.path, request.body, request.number) == ("POST", "/a b", b"hello", 1)
    assert request.query == {"x": "2", "y": ""}
    assert request.queries == {"x": ["1", "2"], "y": [""]}
    assert request.headers["x-key"] == "k"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_writes_are_remembered_too(method: str) -> None:
    simulator = echo()
    with running(simulator) as url:
        ask(url, method=method)
    assert [request.method for request in simulator.requests] == [method]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("unauthorised", [401] * 8),
        ("forbidden", [403] * 8),
        ("throttled", [201, 201, 429, 201, 201, 429, 201, 201]),
        ("throttled-for-ever", [429] * 8),
        ("down", [500] * 8),
        ("flaky", [201] * 6 + [500, 201]),
        ("down-later", [201] * 4 + [500] * 4),
        ("html", [200] * 8),
        ("shout", [201] * 8),
    ],
)
def test_faults_change_the_status(fault: str, expected: list[int]) -> None:
    assert statuses(fault) == expected


def test_every_fourth_body_is_cut() -> None:
    with running(echo("cut")) as url:
        for _ in range(3):
            ask(url)
        with pytest.raises(http.client.IncompleteRead):
            ask(url)
        ask(url)


def test_every_body_is_cut() -> None:
    with running(echo("cut-for-ever")) as url, pytest.raises(http.client.IncompleteRead):
        ask(url)


def test_a_hanging_simulator_ends_with_its_block() -> None:
    failed: list[Exception] = []

    def wait(url: str) -> None:
        try:
            ask(url)
        except (OSError, http.client.HTTPException) as fault:
            failed.append(fault)

    simulator = echo("hang")
    with running(simulator) as url:
        client = threading.Thread(target=wait, args=(url,))
        client.start()
        while not simulator.requests:
            client.join(0.01)
    client.join(2)
    assert not client.is_alive()
    assert failed


def test_throttling_says_when_to_come_back() -> None:
    reply = echo("throttled-for-ever").answer(
        Request(method="GET", path="/", query={}, queries={}, headers={}, body=b"")
    )
    assert reply.headers == {"Retry-After": "0"}


def test_connections_are_kept() -> None:
    with running(echo()) as url:
        link = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
        try:
            for number in ("1", "2"):
                link.request("GET", "/")
                answer = link.getresponse()
                answer.read()
                assert answer.headers["X-Number"] == number
        finally:
            link.close()


def test_a_bug_of_the_simulator_is_not_taken_for_a_fault_of_the_partner() -> None:
    with pytest.raises(AssertionError, match="ZeroDivisionError"), running(echo()) as url:
        assert ask(url, "/bug")[0] == 500


def test_unknown_faults_are_refused() -> None:
    with pytest.raises(ValueError, match="no fault typo"):
        echo("typo", "down", "shout")


def test_every_common_fault_is_said() -> None:
    assert all(COMMON_FAULTS.values())
    assert not COMMON_FAULTS.keys() & Echo.FAULTS.keys()
