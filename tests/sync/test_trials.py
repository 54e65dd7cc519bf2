"""Trials: what the MIS would give and do is said, and nobody is written (R2, R3)."""

import datetime
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from local.simulators.server import running
from local.simulators.wonde import SCHOOL, TOKEN
from local.simulators.wonde import Wonde as Simulator
from local.world.model import SchoolWorld
from sync import tasks
from sync.models import TRIAL_LOST_AFTER, Change, Connection, MisIdentity, Run, Trial
from sync.operations import connections, runs, trials
from sync.operations.joining import save_connection
from sync.queries.joining import joining
from sync.sentences import PRIVATE_KINDS, say
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.sync.conftest import Place
from users.models import Guardian, SchoolClass, StaffMember, Student, Tie

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
CANARY = "0123456789abcdef0123456789abcdef01234567"


def try_out(school: School, kind: Trial.Kind, *, at: datetime.datetime = NOW) -> Trial:
    """Ask for a trial, and carry it out as the worker would."""
    with scope.school(school.pk):
        trial = trials.ask(school=school, kind=kind, at=at, by=None)
    trials.perform(school=school, trial=trial.pk, clock=lambda: at)
    with scope.school(school.pk):
        return Trial.objects.get(pk=trial.pk)


def nobody_was_written(school: School) -> bool:
    with scope.school(school.pk):
        tables = (Student, Guardian, StaffMember, SchoolClass, Tie, MisIdentity, Change, Run)
        return not any(table.objects.exists() for table in tables)


@pytest.fixture
def by_wonde(northgate: School, small_world: SchoolWorld) -> Iterator[Callable[..., Simulator]]:
    """Connect Northgate to a Wonde with these faults; it is served until the test is over."""
    served: list[Any] = []

    def connect(*faults: str, token: str = TOKEN) -> Simulator:
        simulator = Simulator(small_world, 1, faults=frozenset(faults))
        served.append(running(simulator))
        given = {"token": token, "school": SCHOOL, "host": served[-1].__enter__(), "classes": "both"}
        with scope.school(northgate.pk):
            connections.connect(school=northgate, connector="wonde", given=given)
        return simulator

    yield connect
    for server in served:
        server.__exit__(None, None, None)


# A test of the connection.


def test_what_can_be_read_is_found_and_nobody_is_written(northgate: School, by_wonde: Callable[..., Simulator]):
    simulator = by_wonde()
    test = try_out(northgate, Trial.Kind.TEST)
    assert (test.ended_at, test.error_kind, test.error) == (NOW, "", "")
    assert {row["reach"] for row in test.findings} <= {"reads", "not shared"}
    assert next(row for row in test.findings if row["part"].startswith("Students"))["reach"] == "reads"
    assert nobody_was_written(northgate)
    assert {request.method for request in simulator.requests} == {"GET"}


def test_credentials_that_are_refused_are_a_sentence_without_them(
    northgate: School, by_wonde: Callable[..., Simulator]
):
    by_wonde(token=CANARY)
    test = try_out(northgate, Trial.Kind.TEST)
    assert test.error_kind == "refused"
    assert test.error.endswith(".")
    assert CANARY not in test.error
    assert not test.went_well
    assert nobody_was_written(northgate)
    with scope.school(northgate.pk):
        assert Connection.objects.get().paused_reason == ""  # a test decides nothing about the nights


def test_what_is_withheld_is_not_shared_and_no_fault(northgate: School, by_wonde: Callable[..., Simulator]):
    by_wonde("no-contacts")
    test = try_out(northgate, Trial.Kind.TEST)
    assert test.error_kind == ""
    assert any(row["reach"] != "reads" for row in test.findings if row["part"].startswith("Guardians"))


def test_a_service_that_is_down_is_busy(northgate: School, by_wonde: Callable[..., Simulator], settings: Any):
    by_wonde("throttled-for-ever")
    assert try_out(northgate, Trial.Kind.TEST).error_kind == "busy"


def test_settings_that_no_longer_fit_are_said(northgate: School, by_wonde: Callable[..., Simulator]):
    by_wonde()
    with scope.school(northgate.pk):
        link = Connection.objects.get()
        link.settings = {**link.settings, "classes": "none of them"}
        link.save()
    test = try_out(northgate, Trial.Kind.TEST)
    assert (test.error_kind, "do not fit" in test.error) == ("refused", True)


def test_a_fault_of_ours_ends_the_trial_and_tells_no_data(small: Place):
    with scope.school(small.school.pk):
        trial = trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=None)
        Connection.objects.update(connector="no-connector-of-today")
    with pytest.raises(runs.InternalFault) as caught:
        trials.perform(school=small.school, trial=trial.pk)
    assert "no-connector-of-today" not in str(caught.value)
    assert caught.value.__cause__ is None
    with scope.school(small.school.pk):
        trial.refresh_from_db()
    assert (trial.error_kind, "our side" in trial.error) == ("internal", True)


# Asking.


def test_asking_twice_gives_the_one_that_is_under_way(small: Place, rhea: Person):
    with scope.school(small.school.pk):
        first = trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=rhea.account.pk)
        assert trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=None) == first
        assert trials.ask(school=small.school, kind=Trial.Kind.PREVIEW, at=NOW, by=None) != first
        assert AuditEvent.objects.get(action="test.requested").actor_id == rhea.account.pk


def test_without_a_connection_there_is_nothing_to_look_at(northgate: School):
    with scope.school(northgate.pk), pytest.raises(connections.NotConnected):
        trials.ask(school=northgate, kind=Trial.Kind.TEST, at=NOW, by=None)


def test_a_trial_whose_worker_was_lost_is_ended_by_the_next_one(small: Place):
    with scope.school(small.school.pk):
        first = trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=None)
        later = NOW + TRIAL_LOST_AFTER + datetime.timedelta(seconds=1)
        assert not first.is_lost(NOW)
        assert first.is_lost(later)
        second = trials.ask(school=small.school, kind=Trial.Kind.TEST, at=later, by=None)
        first.refresh_from_db()
    assert second != first
    assert (first.error_kind, first.ended_at) == ("lost", later)


def test_a_lost_task_that_comes_back_after_all_changes_nothing(small: Place):
    ended = try_out(small.school, Trial.Kind.TEST)
    small.write(1)
    trials.perform(school=small.school, trial=ended.pk)
    with scope.school(small.school.pk):
        assert Trial.objects.get().findings == ended.findings


def test_a_feed_that_kills_its_worker_is_given_up(small: Place):
    with scope.school(small.school.pk):
        trial = trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=None)
        Trial.objects.update(attempts=runs.MOST_ATTEMPTS)
    trials.perform(school=small.school, trial=trial.pk)
    with scope.school(small.school.pk):
        assert Trial.objects.get().error_kind == "lost"


def test_asking_sends_the_task_once_committed(small: Place, django_capture_on_commit_callbacks: Any):
    with django_capture_on_commit_callbacks() as callbacks, scope.school(small.school.pk):
        trials.ask(school=small.school, kind=Trial.Kind.TEST, at=NOW, by=None)
    assert len(callbacks) == 1


# The first sync, seen before it happens.


def confirm(place: Place, preview: Trial, by: Person, *, at: datetime.datetime = NOW) -> Run:
    with scope.school(place.school.pk):
        return trials.confirm(school=place.school, trial=preview.pk, at=at, by=by.account.pk)


def test_a_preview_writes_nobody_and_the_confirmed_sync_does_what_it_showed(small: Place, rhea: Person):
    small.write(1)
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    assert preview.went_well
    assert nobody_was_written(small.school)
    run = confirm(small, preview, rhea)
    assert run.trigger == Run.Trigger.FIRST
    done = runs.perform(school=small.school, run=run.pk, clock=lambda: NOW + datetime.timedelta(days=1))
    assert done.status == Run.Status.OK
    shown = {row["kind"]: row["number"] for row in (*preview.summary["people"], *preview.summary["others"])}
    assert shown == {kind: done.counts.get(kind, {}).get("arrived", 0) for kind in shown}
    assert shown["students"] == 60
    with scope.school(small.school.pk):
        addressless = Guardian.objects.filter(email_is_dummy=True).count()
        assert joining(small.school).synced
    assert {"kind": "guardians", "number": shown["guardians"], "without_email": addressless} in preview.summary[
        "people"
    ]


def test_if_the_feed_changes_in_between_nothing_is_written_and_we_ask_again(small: Place, rhea: Person):
    small.write(1)
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    run = confirm(small, preview, rhea)
    small.write(2)
    held = runs.perform(school=small.school, run=run.pk, clock=lambda: NOW)
    assert (held.status, "changed since the preview" in held.error) == (Run.Status.HELD, True)
    with scope.school(small.school.pk):
        assert not Student.objects.exists()
        now = joining(small.school)
        assert now.preview is not None
        assert now.preview.pk != preview.pk
        assert (now.previewed, now.preview.confirmed_at, now.synced) == (True, None, False)
    done = runs.perform(school=small.school, run=confirm(small, now.preview, rhea).pk, clock=lambda: NOW)
    assert done.status == Run.Status.OK


def test_confirming_twice_starts_it_once(small: Place, rhea: Person):
    small.write(1)
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    assert confirm(small, preview, rhea) == confirm(small, preview, rhea)


def test_only_the_newest_good_preview_of_the_present_settings_is_confirmed(small: Place, rhea: Person):
    small.write(1)
    old = try_out(small.school, Trial.Kind.PREVIEW)
    new = try_out(small.school, Trial.Kind.PREVIEW, at=NOW + datetime.timedelta(minutes=1))
    with pytest.raises(trials.NothingToConfirm, match="newer preview"):
        confirm(small, old, rhea)
    with scope.school(small.school.pk):
        connections.connect(school=small.school, connector="csv_files", given={"dates": "mdy"})
    with pytest.raises(trials.NothingToConfirm, match="settings were changed"):
        confirm(small, new, rhea)


def test_a_preview_that_failed_is_not_confirmed(small: Place, rhea: Person):
    failed = try_out(small.school, Trial.Kind.PREVIEW)  # no file is there
    assert failed.error_kind in {"broken", "busy", "doubtful", "refused"}
    with pytest.raises(trials.NothingToConfirm):
        confirm(small, failed, rhea)


def test_after_the_first_sync_there_is_nothing_to_confirm(small: Place, rhea: Person):
    small.sync(1)
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    with pytest.raises(trials.NothingToConfirm, match="done already"):
        confirm(small, preview, rhea)


def test_new_files_do_not_undo_a_preview_but_are_seen_at_the_sync(small: Place, rhea: Person):
    small.write(1)
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    other = small.folder.with_name("other")
    shutil.copytree(small.folder, other)
    with scope.school(small.school.pk):
        connections.place_files(school=small.school, paths=[other], at=timezone.now())
    run = confirm(small, preview, rhea)
    assert runs.perform(school=small.school, run=run.pk, clock=lambda: NOW).status == Run.Status.OK


def test_a_preview_names_domains_and_what_does_not_fit_and_nobody(small: Place):
    picture = small.write(1)
    with scope.school(small.school.pk):
        small.school.domains.all().delete()
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    domains = {row["domain"]: row["number"] for row in preview.summary["domains"]}
    truth = {one.email.rpartition("@")[2].lower() for one in picture.staff.values() if one.email}
    assert set(domains) <= truth
    assert domains
    said = str(preview.summary)
    assert not [one.family_name for one in picture.students.values() if one.family_name in said]


# What changes tonight.


def test_what_changes_tonight_is_told_in_sentences_and_nobody_is_written(small: Place):
    small.sync(1)
    with scope.school(small.school.pk):
        before = Change.objects.count()
    small.write(2)
    trial = try_out(small.school, Trial.Kind.TONIGHT)
    with scope.school(small.school.pk):
        assert Change.objects.count() == before
    done = small.perform(2)
    said = trial.summary
    assert said["counts"] == done.counts
    assert trial.plan_hash
    sentences = {line["sentence"] for action in said["actions"] for line in action["lines"]}
    with scope.school(small.school.pk):
        made = Change.objects.filter(run=done, action=Change.Action.AMEND).exclude(kind__in=PRIVATE_KINDS)
        would = {str(say(change, "would")) for change in made}
    assert would
    assert would & sentences


def test_the_names_in_what_changes_tonight_are_forgotten_when_a_newer_one_ends(small: Place):
    small.write(1)
    first = try_out(small.school, Trial.Kind.TONIGHT)
    assert first.summary["actions"]
    preview = try_out(small.school, Trial.Kind.PREVIEW)
    second = try_out(small.school, Trial.Kind.TONIGHT, at=NOW + datetime.timedelta(hours=1))
    with scope.school(small.school.pk):
        kept = {trial.pk: bool(trial.summary) for trial in Trial.objects.all()}
    assert kept == {first.pk: False, preview.pk: True, second.pk: True}


def test_the_names_in_what_changes_tonight_are_forgotten_after_two_days(small: Place):
    small.write(1)
    trial, preview = try_out(small.school, Trial.Kind.TONIGHT), try_out(small.school, Trial.Kind.PREVIEW)
    assert trials.purge(at=NOW + trials.NAMES_KEPT) == 0
    late = NOW + trials.NAMES_KEPT + datetime.timedelta(seconds=1)
    with time_machine.travel(late, tick=False):
        tasks.purge_trials()
    assert trials.purge(at=late) == 0, "it was done"
    with scope.school(small.school.pk):
        assert Trial.objects.get(pk=trial.pk).summary == {}
        assert Trial.objects.get(pk=preview.pk).summary == preview.summary


def test_what_could_not_be_read_changes_nothing_tonight(small: Place):
    trial = try_out(small.school, Trial.Kind.TONIGHT)  # no file is there
    assert (trial.went_well, trial.summary) == (False, {})
    assert trial.error


# Another system is another matter.


def test_settings_are_saved_by_somebody_and_recorded(northgate: School, rhea: Person):
    with scope.school(northgate.pk):
        link = save_connection(
            school=northgate, product=None, connector="wonde", given={"token": CANARY, "school": "A1"},
            by=rhea.account.pk, at=NOW, reason="ticket 9",
        )  # fmt: skip
        event = AuditEvent.objects.get(action="connection.saved")
    assert (event.actor_id, event.subject, event.reason) == (rhea.account.pk, f"connection:{link.pk}", "ticket 9")
    assert CANARY not in f"{link!r}{link}{event}"
