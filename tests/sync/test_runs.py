"""Runs from request to report, and the two commands (R3, R12, R18)."""

import datetime
import json
import shutil
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from sync.connector import Connector
from sync.errors import Broken, Busy, Doubtful, Refused
from sync.models import Connection, Run
from sync.operations import connections, runs
from sync.records import Complete, Guardian, Kind, RosterRecord, Student, Tie
from sync.signals import run_requested
from tenants import scope
from tenants.models import AuditEvent, School
from tenants.secrets import UnreadableSecret
from tests.sync.conftest import Place
from tests.sync.test_apply import written_by
from users.models import Student as StudentRow

committed = pytest.mark.django_db(transaction=True, databases=["default", "owner"])
pytestmark = committed


class Faulty(Connector):
    """A connector that ends as the test wants."""

    key: ClassVar[str] = "faulty"
    label: ClassVar[str] = "Faulty"
    fault: ClassVar[Exception | None] = None

    def roster(self) -> Iterator[RosterRecord]:
        yield Student(ref="1", given_name="Ann", family_name="Bell", email="ann@home.example")
        if self.fault:
            raise self.fault
        yield Complete(kind=Kind.STUDENTS, rows=1)


@pytest.fixture
def faulty(settings: Settings) -> type[Faulty]:
    """Have one more connector in the registry."""
    settings.MORE_CONNECTORS = [f"{__name__}.Faulty"]
    return Faulty


@pytest.fixture
def alder(faulty: type[Faulty]) -> School:
    """A school connected to it."""
    school = School.objects.create(slug="alder", name="Alder School")
    with scope.school(school.pk):
        connections.connect(school=school, connector="faulty", given={})
    return school


NOW = datetime.datetime(2026, 11, 9, 1, tzinfo=datetime.UTC)


def request(school: School, *, at: datetime.datetime = NOW, trigger: Run.Trigger = Run.Trigger.ONE_OFF) -> Run:
    with scope.school(school.pk):
        return runs.request(school=school, trigger=trigger, at=at, enqueue=False)


def perform(school: School, run: Run, *, at: datetime.datetime = NOW) -> Run:
    return runs.perform(school=school, run=run.pk, clock=lambda: at)


def fresh(school: School, run: Run) -> Run:
    with scope.school(school.pk):
        found: Run = Run.objects.get(pk=run.pk)
        return found


# --- asking ---


def test_asking_twice_while_one_waits_gives_the_same_run(alder: School) -> None:
    first = request(alder)
    assert request(alder).pk == first.pk
    perform(alder, first)
    assert request(alder).pk != first.pk


def test_a_request_is_recorded_and_announced_on_commit(alder: School) -> None:
    heard: list[tuple[int, int]] = []

    def listen(sender: object, *, school: int, run: int, **_more: Any) -> None:
        heard.append((school, run))

    # Only our own listener, for a worker is not part of this test.
    receivers, run_requested.receivers = run_requested.receivers, []
    run_requested.sender_receivers_cache.clear()
    run_requested.connect(listen)
    try:
        with scope.school(alder.pk):
            run = runs.request(school=alder, trigger=Run.Trigger.ONE_OFF, at=NOW, reason="new boy")
            assert heard == [], "not before the commit"
            event = AuditEvent.objects.get()
    finally:
        run_requested.receivers = receivers
        run_requested.sender_receivers_cache.clear()
    assert heard == [(alder.pk, run.pk)]
    assert (event.action, event.subject, event.reason) == ("sync.request", f"run:{run.pk}", "new boy")


def test_a_school_without_a_connection_cannot_ask() -> None:
    school = School.objects.create(slug="birch", name="Birch School")
    with pytest.raises(connections.NotConnected, match="connect_school"):
        request(school)


@pytest.mark.parametrize(("zone", "date"), [("Asia/Kathmandu", "2026-11-10"), ("America/New_York", "2026-11-09")])
def test_a_run_belongs_to_the_schools_own_date(alder: School, zone: str, date: str) -> None:
    School.objects.filter(pk=alder.pk).update(timezone=zone)
    alder.refresh_from_db()
    late = datetime.datetime(2026, 11, 9, 22, tzinfo=datetime.UTC)
    assert request(alder, at=late).local_date.isoformat() == date


# --- one at a time ---


def test_only_one_run_of_a_school_is_on(alder: School) -> None:
    first, second = request(alder), request(alder, trigger=Run.Trigger.COMMAND)
    with scope.school(alder.pk):
        Run.objects.filter(pk=first.pk).update(status="running", started_at=NOW, attempts=1)
    with pytest.raises(runs.AnotherRunIsOn):
        perform(alder, second)
    assert fresh(alder, second).status == Run.Status.QUEUED
    assert perform(alder, first).status == Run.Status.OK, "its own second delivery goes on"
    assert perform(alder, second).status == Run.Status.OK


def test_the_run_of_another_school_is_no_hindrance(alder: School, small: Place) -> None:
    with scope.school(alder.pk):
        Run.objects.filter(pk=request(alder).pk).update(status="running", started_at=NOW)
    assert small.sync(1).status == Run.Status.OK


def test_carrying_out_a_run_that_is_over_does_nothing(alder: School) -> None:
    run = perform(alder, request(alder))
    assert written_by(lambda: perform(alder, run)) == {}


def test_a_run_whose_worker_was_lost_waits_again_and_is_done(alder: School) -> None:
    run = request(alder)
    with scope.school(alder.pk):
        Run.objects.filter(pk=run.pk).update(status="running", started_at=NOW, attempts=1)
    assert runs.release_stuck(at=NOW + datetime.timedelta(seconds=29)) == 0, "its message may be on its way back"
    assert runs.release_stuck(at=NOW + datetime.timedelta(seconds=30)) == 1
    assert fresh(alder, run).status == Run.Status.QUEUED
    assert perform(alder, run).status == Run.Status.OK


def test_a_run_whose_worker_was_lost_time_and_again_ends(alder: School) -> None:
    run, later = request(alder), NOW + datetime.timedelta(minutes=1)
    with scope.school(alder.pk):
        Run.objects.filter(pk=run.pk).update(status="running", started_at=NOW, attempts=runs.MOST_ATTEMPTS)
    assert runs.release_stuck(at=later) == 1
    ended = fresh(alder, run)
    assert (ended.status, ended.error_kind, ended.finished_at) == (Run.Status.FAILED, "internal", later)
    assert perform(alder, request(alder), at=later).status == Run.Status.OK


def test_a_run_that_kills_its_worker_is_not_tried_for_ever(alder: School) -> None:
    run = request(alder)
    with scope.school(alder.pk):
        Run.objects.filter(pk=run.pk).update(status="running", started_at=NOW, attempts=runs.MOST_ATTEMPTS)
    ended = perform(alder, run)
    assert (ended.status, ended.error_kind) == (Run.Status.FAILED, "internal")
    with scope.school(alder.pk):
        assert not StudentRow.objects.exists()


# --- ends ---


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Refused("Allow “students: read”."), "refused"),
        (Busy("Try later."), "busy"),
        (Broken("Not JSON."), "broken"),
        (Doubtful("No rows."), "doubtful"),
        (ValueError("ann@home.example has no birthday"), "broken"),
    ],
)
def test_every_fault_ends_the_run_with_its_name_and_nothing_written(
    alder: School, monkeypatch: pytest.MonkeyPatch, fault: Exception, kind: str
) -> None:
    monkeypatch.setattr(Faulty, "fault", fault)
    ended = perform(alder, request(alder))
    assert (ended.status, ended.error_kind, ended.finished_at) == (Run.Status.FAILED, kind, NOW)
    assert ended.error
    assert "home.example" not in ended.error
    with scope.school(alder.pk):
        assert not StudentRow.objects.exists()
        assert bool(connections.active().paused_reason) is (kind == "refused")


def test_what_nobody_foresaw_ends_the_run_without_telling_the_data_and_is_raised(
    alder: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An order of contacts that no column holds: the database refuses it, and its message names the value.
    people = [
        Student(ref="s1", given_name="Ann", family_name="Bell"),
        Guardian(ref="g1", given_name="Jo", family_name="Bell"),
    ]
    tie = Tie(student_ref="s1", guardian_ref="g1", priority=98_765_432_109)
    monkeypatch.setattr(Faulty, "roster", lambda _: iter([*people, tie]))
    run = request(alder)
    with pytest.raises(runs.InternalFault) as raised:
        perform(alder, run)
    ended = fresh(alder, run)
    assert (ended.status, ended.error_kind, ended.finished_at) == (Run.Status.FAILED, "internal", NOW)
    assert "98765432109" not in ended.error + str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_connecting_again_ends_a_pause(alder: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Faulty, "fault", Refused("Allow “students: read”."))
    perform(alder, request(alder))
    with scope.school(alder.pk):
        assert connections.active().paused_reason == "Allow “students: read”."
        connections.connect(school=alder, connector="faulty", given={})
        assert connections.active().paused_reason == ""


# --- preview (R3) ---


def test_a_preview_says_what_a_run_would_do_and_writes_nothing(small: Place) -> None:
    picture = small.write(1)
    seen: list[runs.Preview] = []
    assert written_by(lambda: seen.append(runs.preview(school=small.school, clock=small.clock(1)))) == {}
    done = small.perform(1)
    assert seen[0].plan.digest() == done.plan_hash
    assert sum(a.kind is Kind.STUDENTS for a in seen[0].plan.arrivals) == len(picture.students)


# --- manage.py sync_school ---


def command(name: str, *arguments: object) -> tuple[int, str]:
    """Return the exit status and what was printed."""
    out = StringIO()
    try:
        call_command(name, *map(str, arguments), stdout=out)
    except SystemExit as leaving:
        return int(leaving.code or 0), out.getvalue()
    except CommandError as fault:
        return fault.returncode, str(fault)
    return 0, out.getvalue()


def test_the_command_says_done_with_0(small: Place) -> None:
    small.write(1)
    status, said = command("sync_school", small.school.slug, "--confirm")
    assert status == 0
    assert "Crowd School: finished" in said
    assert f"{len(small.truth.at(1).students)} arrived" in said


def test_the_command_says_held_with_3(small: Place) -> None:
    small.sync(1)
    small.write(1, fault="header_only")
    status, said = command("sync_school", small.school.slug, "--json")
    answer = json.loads(said)
    assert (status, answer["status"]) == (3, "held")
    assert any("empty feed" in hold for hold in answer["holds"])


def test_the_command_says_failed_with_4(small: Place) -> None:
    status, said = command("sync_school", small.school.slug, "--confirm")
    assert status == 4
    assert "students.csv" in said
    status, said = command("sync_school", small.school.slug, "--plan-only")
    assert (status, said.startswith("broken: ")) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "there is no school “nowhere”"),
        (["crowd", "--confirm", "--files", "/nowhere.csv"], "/nowhere.csv does not exist"),
    ],
)
def test_the_command_refuses_bad_arguments_with_1(small: Place, arguments: list[str], words: str) -> None:
    status, said = command("sync_school", *arguments)
    assert status == 1
    assert words in said


def test_a_school_without_a_connection_is_told_what_to_run() -> None:
    School.objects.create(slug="birch", name="Birch School")
    for more in ([], ["--plan-only"]):
        status, said = command("sync_school", "birch", *more)
        assert (status, "connect_school" in said) == (1, True)


def test_a_run_that_is_on_is_not_disturbed(small: Place) -> None:
    small.write(1)
    with scope.school(small.school.pk):
        Run.objects.filter(pk=small.request(1).pk).update(status="running", started_at=NOW)
    status, said = command("sync_school", small.school.slug, "--confirm")
    assert (status, "try again" in said) == (4, True)


def test_plan_only_prints_the_plan_and_writes_nothing(small: Place) -> None:
    small.write(1)
    answers: list[tuple[int, str]] = []
    ask = ("sync_school", small.school.slug, "--plan-only")
    assert written_by(lambda: answers.append(command(*ask, "--json"))) == {}
    assert written_by(lambda: answers.append(command(*ask))) == {}
    answer = json.loads(answers[0][1])
    assert (answers[0][0], answer["plan_only"]) == (0, True)
    assert len(answer["hash"]) == 64
    assert answer["counts"]["students"]["arrived"] == len(small.truth.at(1).students)
    assert f"{len(small.truth.at(1).students)} would arrive" in answers[1][1]
    assert all(" was added" not in change["sentence"] for change in answer["changes"])
    kinds = {change["kind"] for change in answer["changes"]}
    assert {"students", "guardians", "ties", "medical"} <= kinds
    assert all(change["sentence"] and change["why"] for change in answer["changes"])
    assert all(note.condition not in answers[0][1] for note in small.truth.at(1).medical.values())


def test_plan_only_prints_each_hold_with_what_can_be_chosen(small: Place) -> None:
    small.sync(1)
    small.write(1, fault="header_only")
    status, said = command("sync_school", small.school.slug, "--plan-only", "--json")
    holds = json.loads(said)["holds"]
    assert status == 3
    assert {hold["case"] for hold in holds} == {"empty"}
    assert {len(hold["digest"]) for hold in holds} == {64}
    assert all(hold["reason"] and hold["options"] == [] for hold in holds)


def test_the_first_sync_is_made_only_by_who_has_seen_what_it_would_do(small: Place) -> None:
    small.write(1)
    status, said = command("sync_school", small.school.slug)
    assert (status, "--confirm" in said) == (1, True)
    with scope.school(small.school.pk):
        assert not Run.objects.exists()
    assert command("sync_school", small.school.slug, "--confirm")[0] == 0
    assert command("sync_school", small.school.slug)[0] == 0, "once is enough"


def test_plan_only_with_files_writes_nothing_either(small: Place, tmp_path: Path, settings: Settings) -> None:
    settings.FILES_DIR = tmp_path / "inbox"
    small.sync(1)
    upload = shutil.copytree(small.folder, tmp_path / "upload")
    Place(school=small.school, truth=small.truth, folder=upload).write(2)
    counted = written_by(lambda: command("sync_school", small.school.slug, "--plan-only", "--files", upload))
    assert counted == {}
    with scope.school(small.school.pk):
        assert connections.active().settings["folder"] == str(small.folder)


def test_files_are_taken_from_a_folder_or_one_by_one(small: Place, tmp_path: Path, settings: Settings) -> None:
    settings.FILES_DIR = tmp_path / "inbox"
    small.write(1)
    (small.folder / "notes.txt").write_text("not a list")
    status, _ = command("sync_school", small.school.slug, "--confirm", "--files", small.folder)
    assert status == 0
    with scope.school(small.school.pk):
        batch = Path(connections.active().settings["folder"])
    assert batch.is_relative_to(tmp_path / "inbox" / "crowd")
    assert {path.name for path in batch.iterdir()} == {path.name for path in small.folder.glob("*.csv")}
    status, said = command(
        "sync_school", small.school.slug, "--files", small.folder / "students.csv", small.folder / "staff.csv", "--json"
    )
    assert (status, json.loads(said)["status"]) == (0, "ok")
    with scope.school(small.school.pk):
        assert set(fresh(small.school, Run.objects.latest("id")).kinds) == {"students", "staff"}
    assert len(list(batch.parent.iterdir())) == 2, "each upload is a batch of its own"


# --- manage.py connect_school ---


def test_connecting_keeps_the_settings_that_are_not_given(small: Place) -> None:
    for more in (["--set", "dates=ymd"], []):
        status, said = command("connect_school", "crowd", "--connector", "csv_files", *more)
        assert (status, "is connected" in said) == (0, True)
    with scope.school(small.school.pk):
        assert connections.active().settings == {"folder": str(small.folder), "dates": "ymd"}
        assert Connection.objects.count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--connector", "csv_files"], "there is no school “nowhere”"),
        (
            ["crowd", "--connector", "sims"],
            "there is no connector “sims”; there are: managebac, isams, wonde, gg4l, oneroster, csv_files",
        ),
        (["crowd", "--connector", "csv_files", "--set", "colour=red"], "csv_files has no setting colour"),
        (["crowd", "--connector", "csv_files", "--set", "dates=dym"], "dates is one of dmy, mdy, ymd"),
        (["crowd", "--connector", "csv_files", "--set", "dates"], "is not name=value"),
        (["crowd", "--connector", "csv_files", "--product", "Nothing"], "there is no MIS “Nothing”"),
    ],
)
def test_connecting_says_what_is_wrong_and_changes_nothing(small: Place, arguments: list[str], words: str) -> None:
    with scope.school(small.school.pk):
        before = Connection.objects.values().get()
    status, said = command("connect_school", *arguments)
    assert status == 1
    assert words in said
    with scope.school(small.school.pk):
        assert Connection.objects.values().get() == before


def test_a_connector_without_a_folder_gets_none(alder: School) -> None:
    with scope.school(alder.pk):
        assert connections.active().settings == {}


# --- secrets at rest ---


def stored(school: School) -> str:
    with scope.school(school.pk), connection.cursor() as cursor:
        cursor.execute("select settings from sync_connection")
        return str(cursor.fetchone()[0])


def test_settings_are_encrypted_at_rest_and_survive_a_new_key(small: Place, settings: Settings) -> None:
    assert str(small.folder) not in stored(small.school)
    assert "folder" not in stored(small.school)
    old = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *old]
    with scope.school(small.school.pk):
        link = connections.active()
        assert link.settings == {"folder": str(small.folder)}
        link.save()
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    with scope.school(small.school.pk):
        assert connections.active().settings == {"folder": str(small.folder)}
    settings.FIELD_KEYS = old
    with scope.school(small.school.pk), pytest.raises(UnreadableSecret, match="older key"):
        connections.active()
