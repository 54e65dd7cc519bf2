"""What becomes of runs that wait, are overtaken or belong to another night; and links that come back."""

import datetime
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pytest_django.fixtures import Settings

from sync.connector import Connector
from sync.models import Change, Run
from sync.operations import connections, runs
from sync.records import NOT_SHARED, Complete, Guardian, Kind, RosterRecord, Student, Tie
from sync.signals import run_requested
from tenants import scope
from tenants.models import School
from users.models import Tie as TieRow

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NIGHT = datetime.datetime(2026, 11, 9, 2, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


class Told(Connector):
    """A connector that says what the test tells it to."""

    key: ClassVar[str] = "told"
    label: ClassVar[str] = "Told"
    records: ClassVar[list[RosterRecord]] = []
    meanwhile: ClassVar[Any] = None

    def roster(self) -> Iterator[RosterRecord]:
        if self.meanwhile:
            type(self).meanwhile()
        yield from self.records


@pytest.fixture
def school(settings: Settings) -> School:
    settings.MORE_CONNECTORS = [f"{__name__}.Told"]
    made = School.objects.create(slug="alder", name="Alder School", timezone="Europe/London")
    with scope.school(made.pk):
        connections.connect(school=made, connector="told", given={})
    return made


@pytest.fixture
def heard() -> Iterator[list[int]]:
    """The runs handed to the workers; no worker takes part."""
    found: list[int] = []

    def listen(sender: object, *, run: int, **_more: Any) -> None:
        found.append(run)

    receivers, run_requested.receivers = run_requested.receivers, []
    run_requested.sender_receivers_cache.clear()
    run_requested.connect(listen)
    yield found
    run_requested.receivers = receivers
    run_requested.sender_receivers_cache.clear()


def request(school: School, *, at: datetime.datetime = NIGHT, **more: Any) -> Run:
    with scope.school(school.pk):
        return runs.request(school=school, trigger=more.pop("trigger", Run.Trigger.ONE_OFF), at=at, **more)


def perform(school: School, run: Run, *, at: datetime.datetime = NIGHT) -> Run:
    return runs.perform(school=school, run=run.pk, clock=lambda: at)


def test_asking_again_sends_a_waiting_run_again_for_its_message_may_be_lost(school: School, heard: list[int]) -> None:
    run = request(school)
    assert request(school).pk == run.pk
    assert heard == [run.pk, run.pk]


def test_a_run_that_waited_long_is_handed_to_the_workers_again(school: School, heard: list[int]) -> None:
    run = request(school, enqueue=False)
    sent = []
    for minute in range(31):
        before = len(heard)
        runs.release_stuck(at=NIGHT + datetime.timedelta(minutes=minute, seconds=20))
        sent += [minute] * (len(heard) - before)
    assert set(heard) == {run.pk}
    assert sent == [10, 20, 30], "not each minute: it may just be a long queue"


def test_a_run_that_waits_for_another_is_not_sent_again(school: School, heard: list[int]) -> None:
    waits, is_on = request(school, enqueue=False), request(school, trigger=Run.Trigger.COMMAND, enqueue=False)
    with scope.school(school.pk):
        Run.objects.filter(pk=is_on.pk).update(status="running", started_at=NIGHT + DAY)
    runs.release_stuck(at=NIGHT + datetime.timedelta(minutes=10))
    assert heard == []
    perform(school, is_on)
    runs.release_stuck(at=NIGHT + datetime.timedelta(minutes=20))
    assert heard == [waits.pk]


def test_a_run_that_waited_past_midnight_belongs_to_the_day_it_starts_on(school: School, heard: list[int]) -> None:
    done = perform(school, request(school), at=NIGHT + DAY)
    assert done.local_date == (NIGHT + DAY).date()


def test_a_replay_keeps_its_night(school: School, heard: list[int]) -> None:
    night = datetime.date(2026, 11, 2)
    assert perform(school, request(school, night=night), at=NIGHT + DAY).local_date == night


def test_nothing_is_read_by_itself_while_the_mis_refuses_us(school: School, heard: list[int]) -> None:
    with scope.school(school.pk):
        link = connections.active()
        link.paused_reason = "the token was revoked"
        link.save()
    with pytest.raises(connections.Paused, match="the token was revoked"):
        request(school, trigger=Run.Trigger.SCHEDULE)
    perform(school, request(school))
    with scope.school(school.pk):
        assert connections.active().paused_reason == "", "a person tried it, and it works again"


def test_a_run_that_was_ended_meanwhile_writes_nothing(school: School, heard: list[int], monkeypatch: Any) -> None:
    run = request(school)

    def end() -> None:
        with scope.school(school.pk):
            Run.objects.filter(pk=run.pk).update(status="failed", finished_at=NIGHT, error_kind="internal")

    monkeypatch.setattr(Told, "meanwhile", staticmethod(end))
    monkeypatch.setattr(Told, "records", [Student(ref="1", given_name="Ann", family_name="Bell")])
    assert perform(school, run).status == Run.Status.FAILED
    with scope.school(school.pk):
        assert not Change.objects.exists()


def test_a_pause_that_comes_while_we_read_is_kept_and_nothing_written(
    school: School, heard: list[int], monkeypatch: Any
) -> None:
    def pause() -> None:
        with scope.school(school.pk):
            connections.pause(connection=connections.active(), reason="the MIS is being changed", at=NIGHT)

    monkeypatch.setattr(Told, "meanwhile", staticmethod(pause))
    monkeypatch.setattr(Told, "records", [Student(ref="1", given_name="Ann", family_name="Bell")])
    done = perform(school, request(school))
    assert (done.status, done.error_kind, done.error) == ("failed", "refused", "the MIS is being changed")
    with scope.school(school.pk):
        assert not Change.objects.exists()
        assert connections.active().paused_reason == "the MIS is being changed"


def family(*ties: Tie) -> list[RosterRecord]:
    return [
        Student(ref="s1", given_name="Ann", family_name="Bell"),
        Guardian(ref="g1", given_name="Jo", family_name="Bell"),
        Guardian(ref="g2", given_name="Al", family_name="Bell"),
        *ties,
        Complete(kind=Kind.STUDENTS, rows=1),
        Complete(kind=Kind.GUARDIANS, rows=2),
        Complete(kind=Kind.TIES, rows=len(ties)),
    ]


def test_a_tie_that_comes_back_is_the_same_row_and_keeps_what_is_not_said(
    school: School, heard: list[int], monkeypatch: Any
) -> None:
    full = Tie(student_ref="s1", guardian_ref="g1", relationship="Mother", priority=1, restricted=True)
    bare = Tie(student_ref="s1", guardian_ref="g1", relationship=NOT_SHARED, priority=2)
    other = Tie(student_ref="s1", guardian_ref="g2")  # so that the file is not empty, which would be held
    rows = []
    for number, ties in enumerate(([full], [other], [bare])):
        said = [*family(*ties), Guardian(ref="g2", given_name="Al", family_name="Bell")]
        monkeypatch.setattr(
            Told, "records", [r for r in said if not (isinstance(r, Complete) and r.kind == "guardians")]
        )
        perform(school, request(school, at=NIGHT + number * DAY), at=NIGHT + number * DAY)
        with scope.school(school.pk):
            rows.append(TieRow.objects.filter(guardian__given_name="Jo").values().get())
    assert [row["ended_on"] for row in rows] == [None, (NIGHT + DAY).date(), None]
    assert len({row["id"] for row in rows}) == 1
    assert (rows[2]["relationship"], rows[2]["priority"], rows[2]["restricted"]) == ("Mother", 2, True)
