"""How a run reaches a partner: one way out a reading, outside any transaction; to this machine in the demo only."""

import datetime
import socket
import threading
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from local.simulators.server import Reply, Request, Simulator, as_json, running
from local.world.build import crowd
from sync import registry
from sync.connector import Connector
from sync.http import PACE, Http
from sync.models import Run
from sync.operations import connections, runs
from sync.pace import BURST
from sync.records import Complete, Kind, RosterRecord, Student
from tenants import scope
from tenants.models import School

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NOW = datetime.datetime(2026, 11, 9, 1, tzinfo=datetime.UTC)


class Register(Simulator):
    """One list of names."""

    key: ClassVar[str] = "register"

    def reply(self, request: Request) -> Reply:
        return as_json(["Ann", "Ben"])


class Reader(Connector):
    """Reads that list."""

    key: ClassVar[str] = "reader"
    label: ClassVar[str] = "Reader"
    url: ClassVar[str] = ""
    used: ClassVar[list[Http]] = []
    in_a_transaction: ClassVar[list[bool]] = []

    def roster(self) -> Iterator[RosterRecord]:
        self.used.append(self.http)
        self.in_a_transaction.append(connection.in_atomic_block)
        names = self.http.get(f"{self.url}/names").json()
        for ref, name in enumerate(names):
            yield Student(ref=str(ref), given_name=name, family_name="Bell")
        yield Complete(kind=Kind.STUDENTS, rows=len(names))


@pytest.fixture
def school(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[School]:
    """A school whose partner is a simulator on this machine."""
    settings.MORE_CONNECTORS = [f"{__name__}.Reader"]
    monkeypatch.setattr(Reader, "used", [])
    monkeypatch.setattr(Reader, "in_a_transaction", [])
    made = School.objects.create(slug="alder", name="Alder School")
    with scope.school(made.pk):
        connections.connect(school=made, connector="reader", given={})
    with running(Register(crowd(students=14), 1)) as url:
        monkeypatch.setattr(Reader, "url", url)
        yield made


def sync(school: School) -> Run:
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=NOW, enqueue=False)
    return runs.perform(school=school, run=run.pk, clock=lambda: NOW)


def test_a_run_reads_outside_any_transaction_with_a_way_out_of_its_own(school: School, settings: Settings) -> None:
    settings.INSECURE_LOCAL = True
    assert sync(school).kinds == {"students": 2}
    runs.preview(school=school, clock=lambda: NOW)
    assert Reader.in_a_transaction == [False, False]
    assert len(set(map(id, Reader.used))) == 2


def test_the_real_site_does_not_ask_its_own_machine(school: School, settings: Settings) -> None:
    settings.INSECURE_LOCAL = False
    run = sync(school)
    assert (run.status, run.error_kind) == (Run.Status.FAILED, "refused")
    assert "without TLS" in run.error
    with scope.school(school.pk):
        assert connections.active().paused_reason == run.error


# Pace


@pytest.mark.parametrize(("key", "pace"), [("managebac", 10.0), ("isams", 1.0), ("wonde", PACE), ("gg4l", PACE)])
def test_a_connector_knows_what_its_partner_bears(key: str, pace: float) -> None:
    assert registry.connector(key).pace == pace


def test_a_reading_keeps_the_pace_of_its_connector_and_none_on_this_machine(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reader, "pace", 0.1)
    waits: list[float] = []
    host = f"{uuid.uuid4()}.example"
    with scope.school(school.pk):
        link = connections.active()
    with connections.reader(link) as connector:
        shared: Any = connector.http._pace
        shared._sleep = waits.append
        for _ in range(BURST + 1):
            shared.wait(host)
            shared.wait("127.0.0.1")
    assert waits == pytest.approx([10], abs=2)


def test_a_redis_that_is_away_does_not_cost_the_night(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with connections.way_out() as http:
        shared: Any = http._pace
        shared.wait("mis.example")
    assert "mis.example are not paced" in caplog.text


def read_and_fail(url: str) -> None:
    with connections.way_out() as http:
        http.get(url)
        raise ZeroDivisionError


def test_the_way_out_is_shut_behind_every_reading(settings: Settings) -> None:
    settings.INSECURE_LOCAL = True
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        peers: list[socket.socket] = []

        def answer_once() -> None:
            peers.append(server.accept()[0])
            peers[0].recv(65536)
            peers[0].sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

        thread = threading.Thread(target=answer_once)
        thread.start()
        with pytest.raises(ZeroDivisionError):
            read_and_fail(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
        with peers[0] as peer:
            peer.settimeout(5)
            assert peer.recv(1) == b"", "nobody holds the connection any more"
