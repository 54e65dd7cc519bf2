"""How a run reaches a partner: one way out a reading, outside any transaction; to this machine in the demo only."""

import datetime
from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.db import connection
from pytest_django.fixtures import Settings

from local.simulators.server import Reply, Request, Simulator, as_json, running
from local.world.build import crowd
from sync.connector import Connector
from sync.http import Http
from sync.models import Run
from sync.operations import connections, runs
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


def test_a_redis_that_is_away_does_not_cost_the_night(school: School, settings: Settings) -> None:
    settings.INSECURE_LOCAL = True
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert sync(school).kinds == {"students": 2}


def test_the_way_out_is_shut_behind_every_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Http] = []
    monkeypatch.setattr(Http, "close", lambda http: closed.append(http))  # noqa: PLW0108 a method, so it is bound
    with pytest.raises(ZeroDivisionError), connections.way_out() as http:
        raise ZeroDivisionError
    assert closed == [http]
