"""A school asks for a sync; support grants it with a run or says why not; super users start none (R19)."""

import datetime

import pytest

from sync.models import Connection, MisChange, Run, RunRequest
from sync.operations import requests
from sync.queries import requests as asked
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import runs

pytestmark = pytest.mark.django_db

NOW = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
WHY = "A class came in today."


@pytest.fixture
def synced(northgate: School) -> Run:
    """Northgate, connected, and synced once."""
    with scope.school(northgate.pk):
        runs.connection()
        return runs.run(at=NOW - datetime.timedelta(hours=8))


def ask(school: School, by: Person, kind: Run.Kind = Run.Kind.ROSTER, *, why: str = WHY) -> RunRequest:
    return requests.ask(school=school, kind=kind, reason=why, by=by.account.pk, at=NOW)


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def test_a_wish_waits_and_no_run_is_started(northgate: School, rhea: Person, synced: Run):
    with scope.school(northgate.pk):
        made = ask(northgate, rhea, why=f"  {WHY} ")
        assert asked.waiting() == [made]
        assert (made.reason, made.asked_by_id, made.asked_at) == (WHY, rhea.account.pk, NOW)
        assert list(Run.objects.all()) == [synced]
        assert actions() == ["sync.asked"]


@pytest.mark.usefixtures("synced")
def test_one_wish_of_a_kind_waits_and_asking_again_says_so(northgate: School, rhea: Person):
    with scope.school(northgate.pk):
        ask(northgate, rhea)
        with pytest.raises(requests.AlreadyAsked, match=r"on 24 November at 09:00 already"):
            ask(northgate, rhea)
        ask(northgate, rhea, Run.Kind.ATTENDANCE)
        assert RunRequest.objects.count() == 2


@pytest.mark.usefixtures("synced")
def test_a_wish_without_a_reason_is_none(northgate: School, rhea: Person):
    with scope.school(northgate.pk), pytest.raises(requests.NoReason):
        ask(northgate, rhea, why="  ")


@pytest.mark.usefixtures("synced")
def test_granting_starts_one_run_in_the_name_of_whoever_asked(northgate: School, rhea: Person, dana: Person):
    with scope.school(northgate.pk):
        made = ask(northgate, rhea, Run.Kind.ATTENDANCE)
        run = requests.grant(request=made, by=dana.account.pk, at=NOW)
        assert (run.kind, run.trigger, run.slot, run.reason) == ("attendance", "one_off", "", WHY)
        assert run.requested_by_id == rhea.account.pk
        (answer,) = asked.answered()
        assert (answer.run, answer.answered_by_id, answer.declined) == (run, dana.account.pk, "")
        assert not asked.waiting()
        with pytest.raises(requests.NotWaiting):
            requests.grant(request=made, by=dana.account.pk, at=NOW)
        assert Run.objects.filter(trigger="one_off", status="queued").count() == 1
        assert actions() == ["sync.asked", "sync.request", "sync.ask_granted"]


@pytest.mark.usefixtures("synced")
def test_declining_says_why_and_makes_room_for_the_next_wish(northgate: School, rhea: Person, dana: Person):
    with scope.school(northgate.pk):
        made = ask(northgate, rhea)
        with pytest.raises(requests.NoReason):
            requests.decline(request=made, declined=" ", by=dana.account.pk, at=NOW)
        requests.decline(request=made, declined="The night does it.", by=dana.account.pk, at=NOW)
        assert asked.answered()[0].declined == "The night does it."
        assert ask(northgate, rhea).pk != made.pk


@pytest.mark.usefixtures("synced")
def test_what_is_withdrawn_cannot_be_granted(northgate: School, rhea: Person, dana: Person):
    with scope.school(northgate.pk):
        made = ask(northgate, rhea)
        requests.withdraw(request=made, by=rhea.account.pk, at=NOW)
        for answer in (requests.grant, requests.withdraw):
            with pytest.raises(requests.NotWaiting):
                answer(request=made, by=dana.account.pk, at=NOW)
        assert actions() == ["sync.asked", "sync.ask_withdrawn"]


def test_what_cannot_be_read_cannot_be_asked(northgate: School, rhea: Person):
    with scope.school(northgate.pk):
        with pytest.raises(requests.UnableToAsk, match="not connected"):
            ask(northgate, rhea)
        link = runs.connection()
        with pytest.raises(requests.UnableToAsk, match="preview"):
            ask(northgate, rhea)
        runs.run()
        link.connector = "gg4l"  # shares no marks
        link.save()
        with pytest.raises(requests.UnableToAsk, match="Attendance marks cannot be read"):
            ask(northgate, rhea, Run.Kind.ATTENDANCE)
        ask(northgate, rhea)


def test_nothing_is_granted_that_became_impossible(northgate: School, rhea: Person, dana: Person, synced: Run):
    with scope.school(northgate.pk):
        made = ask(northgate, rhea)
        MisChange.objects.create(old=Connection.objects.get(), opened_at=NOW, opened_by=dana.account)
        with pytest.raises(requests.UnableToAsk, match="change of MIS"):
            requests.grant(request=made, by=dana.account.pk, at=NOW)
        MisChange.objects.all().delete()
        School.objects.filter(pk=northgate.pk).update(status="suspended")
        with pytest.raises(requests.UnableToAsk, match="suspended"):
            requests.grant(request=RunRequest.objects.get(), by=dana.account.pk, at=NOW)
        assert asked.waiting() == [made]
        assert list(Run.objects.all()) == [synced]


def test_support_sees_what_every_school_waits_for(
    northgate: School, himal: School, rhea: Person, charlie: Person, synced: Run
):
    assert synced.pk
    with scope.school(northgate.pk):
        first = ask(northgate, rhea)
    with scope.school(himal.pk):
        runs.connection()
        runs.run()
        later = NOW + datetime.timedelta(minutes=1)
        second = requests.ask(school=himal, kind=Run.Kind.ROSTER, reason=WHY, by=charlie.account.pk, at=later)
        assert asked.waiting() == [second]
    assert asked.waiting_everywhere() == [first, second]
    assert [one.school.name for one in asked.waiting_everywhere(since=later)] == [himal.name]
