"""What a run tells while it reads, and what it costs: nothing for each row."""

import datetime
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from sync.connector import Connector
from sync.models import Run
from sync.operations import connections, runs
from sync.operations.runs import watching
from sync.records import RosterRecord, Student
from tenants import scope
from tenants.models import School
from tests.factories import people

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NIGHT = datetime.datetime(2026, 11, 9, 2, tzinfo=datetime.UTC)


class Many(Connector):
    """A connector with as many students as a test wants; notes what the run tells at the last of them."""

    key: ClassVar[str] = "many"
    label: ClassVar[str] = "Many"
    rows: ClassVar[int] = 600
    school: ClassVar[int]
    seen: ClassVar[list[dict[str, Any]]]
    meanwhile: ClassVar[Any] = None

    def roster(self) -> Iterator[RosterRecord]:
        for number in range(self.rows - 1):
            yield Student(ref=str(number), given_name="Ann", family_name="Bell")
        with scope.school(self.school):
            self.seen.append(Run.objects.get().progress)
        if self.meanwhile:
            type(self).meanwhile()
        yield Student(ref="last", given_name="Ann", family_name="Bell")


@pytest.fixture
def school(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> School:
    settings.MORE_CONNECTORS = [f"{__name__}.Many"]
    made = School.objects.create(slug="alder", name="Alder School", timezone="Europe/London")
    with scope.school(made.pk):
        connections.connect(school=made, connector="many", given={})
    monkeypatch.setattr(Many, "school", made.pk, raising=False)
    monkeypatch.setattr(Many, "seen", [], raising=False)
    return made


@pytest.fixture
def run(school: School) -> Run:
    with scope.school(school.pk):
        return runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=NIGHT, enqueue=False)


def perform(school: School, run: Run) -> Run:
    return runs.perform(school=school, run=run.pk, clock=lambda: NIGHT)


def test_a_run_tells_how_many_rows_it_has_read_and_nothing_once_it_is_over(
    school: School, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.0)
    done = perform(school, run)
    assert Many.seen == [{"stage": "reading", "pages": 0, "rows": 512}]
    assert (done.status, done.progress) == ("ok", {})


def test_telling_costs_as_many_queries_for_many_rows_as_for_few(
    school: School, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries: dict[int, int] = {}
    for rows in (2, 2_000):
        monkeypatch.setattr(Many, "rows", rows)

        def broken() -> None:
            queries[rows] = len(captured)  # noqa: B023 called within the same turn
            raise ValueError

        monkeypatch.setattr(Many, "meanwhile", staticmethod(broken))
        with scope.school(school.pk):
            Run.objects.update(status="queued", finished_at=None)
        with CaptureQueriesContext(connection) as captured:
            assert perform(school, run).error_kind == "broken"
    assert queries[2_000] == queries[2]


def test_a_mis_that_takes_too_long_is_left_with_a_sentence(
    school: School, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0.0)
    monkeypatch.setattr(watching, "READING", 0.0)
    done = perform(school, run)
    assert (done.status, done.error_kind) == ("failed", "slow")
    assert done.error == (
        "Your MIS answered too slowly: after 0 minutes it had not told us everything. Nothing was changed."
    )
    assert Many.seen == [], "not read to its end"


def test_a_run_that_is_cancelled_while_it_reads_writes_nothing(
    school: School, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = people.account("dana@schoolsbuddy.example", is_support=True)

    def cancel() -> None:
        with scope.school(school.pk):
            asked = runs.cancel(run=run.pk, by=by.pk, at=NIGHT)
        assert (asked.status, asked.is_over) == ("running", False), "it lives, so it ends itself"

    monkeypatch.setattr(Many, "meanwhile", staticmethod(cancel))
    assert perform(school, run).status == "cancelled"
