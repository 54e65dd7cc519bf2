"""What Wonde tells us unasked: it stops the reading of the school whose address was used, and does nothing else."""

import logging
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from local.simulators.server import Reply, Request, Simulator, running
from local.simulators.wonde import deliver
from local.world.build import crowd
from sync.models import Connection, MisChange, Run
from sync.operations import connections, notices, runs
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person, signed_in
from tests.factories import people
from users.operations import support

TOKEN = "0123456789abcdef0123456789abcdef01234567"
IDS = {"northgate": "A1000000000", "himal": "A2000000000"}


@pytest.fixture(autouse=True)
def connected(northgate: School, himal: School) -> None:
    """Two schools behind Wonde."""
    for school in (northgate, himal):
        with scope.school(school.pk):
            connections.connect(school=school, connector="wonde", given={"token": TOKEN, "school": IDS[school.slug]})


def address(school: School) -> str:
    with scope.school(school.pk):
        return notices.address(school=school, connection=Connection.objects.get())


def paused(school: School) -> str:
    with scope.school(school.pk):
        return Connection.objects.get().paused_reason


def trail(school: School) -> list[str]:
    with scope.school(school.pk):
        return list(AuditEvent.objects.filter(action="sync.paused").values_list("reason", flat=True))


def payload(kind: str, school: School, **more: Any) -> dict[str, Any]:
    return {"payload_type": kind, "school_id": IDS[school.slug], "school_name": school.name} | more


def post(path: str, said: Any) -> int:
    """Post as Wonde does: JSON, no session, no token of ours, from a client that checks the CSRF token."""
    return Client(enforce_csrf_checks=True).post(path, said, content_type="application/json").status_code


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("accessRevoked", {"revoke_reason": "A private matter"}, "has withdrawn our access"),
        ("accessDeclined", {"decline_reason": "A private matter"}, "has declined our access"),
    ],
)
def test_the_school_is_paused_and_only_this_one(
    northgate: School, himal: School, kind: str, more: dict[str, str], words: str
):
    assert post(address(northgate), payload(kind, northgate, **more)) == 204
    assert words in paused(northgate)
    assert "private" not in paused(northgate)
    assert trail(northgate) == [paused(northgate)]
    assert paused(himal) == ""
    assert trail(himal) == []


def test_the_same_again_changes_nothing(northgate: School):
    for _ in range(3):
        assert post(address(northgate), payload("accessRevoked", northgate)) == 204
    assert len(trail(northgate)) == 1


def changes(school: School) -> list[MisChange]:
    with scope.school(school.pk):
        return list(MisChange.objects.select_related("old"))


def test_a_change_of_the_mis_opens_a_project_once(northgate: School, himal: School):
    for _ in range(2):
        said = payload("schoolMigration", northgate, migrate_from="SIMS", migrate_to="Private words")
        assert post(address(northgate), said) == 204
    post(address(northgate), payload("accessRevoked", northgate))
    (change,) = changes(northgate)
    assert (change.state, change.opened_by_id, change.old.connector) == ("announced", None, "wonde")
    assert "nobody of us has spoken" in change.consultation
    assert "Private" not in change.consultation
    assert "has withdrawn our access" in paused(northgate)
    assert changes(himal) == []


def test_a_token_that_is_posted_is_never_kept(northgate: School, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    stranger = "f" * 40
    assert post(address(northgate), payload("schoolApproved", northgate, school_token=stranger)) == 204
    with scope.school(northgate.pk):
        row = Connection.objects.get()
    assert (row.settings["token"], row.paused_reason) == (TOKEN, "")
    assert stranger not in caplog.text
    assert trail(northgate) == []


def test_an_approval_does_not_lift_a_pause(northgate: School):
    post(address(northgate), payload("accessRevoked", northgate))
    post(address(northgate), payload("schoolApproved", northgate, school_token="f" * 40))
    assert "withdrawn" in paused(northgate)


@pytest.mark.parametrize(
    "said",
    [
        "no JSON at all",
        b"\xff\xfe",
        "[]",
        "{}",
        '{"payload_type": 7}',
        '{"payload_type": "somethingNew", "school_id": "A1000000000", "secret": "Mina Okafor"}',
        '{"payload_type": "accessRevoked"}',
        '{"payload_type": "accessRevoked", "school_id": "A2000000000"}',
    ],
)
def test_what_cannot_be_understood_is_noted_without_content(
    northgate: School, caplog: pytest.LogCaptureFixture, said: str | bytes
):
    assert post(address(northgate), said) == 204
    assert paused(northgate) == ""
    assert f"Wonde told school {northgate.pk} something that we do not understand" in caplog.text
    assert "Mina" not in caplog.text
    assert "somethingNew" not in caplog.text


def test_an_address_is_one_schools_and_one_generations(northgate: School, himal: School):
    ours, theirs = address(northgate), address(himal)
    secret = theirs.rstrip("/").rpartition("/")[2]
    forged = ours.replace(ours.rstrip("/").rpartition("/")[2], secret)
    for path in (forged, "/hooks/wonde/northgate/x/", "/hooks/wonde/northgate/:/", "/hooks/wonde/nowhere/x/"):
        assert post(path, payload("accessRevoked", northgate)) == 404
    assert paused(northgate) == paused(himal) == ""
    with scope.school(northgate.pk):
        Connection.objects.update(generation=2)
    assert post(ours, payload("accessRevoked", northgate)) == 404
    assert post(address(northgate), payload("accessRevoked", northgate)) == 204


def test_an_address_outlives_a_change_of_our_key(northgate: School, settings: Any):
    before = address(northgate)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, which is long enough to be one of ours"
    assert address(northgate) != before
    assert post(before, payload("accessRevoked", northgate)) == 204


def test_only_a_school_behind_wonde_that_is_open_has_an_address(northgate: School, himal: School):
    paths = address(northgate), address(himal)
    School.objects.filter(pk=himal.pk).update(status=School.Status.SUSPENDED)
    with scope.school(northgate.pk):
        connections.connect(school=northgate, connector="csv_files", given={})
    assert [post(path, payload("accessRevoked", northgate)) for path in paths] == [404, 404]


def test_looking_at_an_address_says_nothing(northgate: School):
    assert Client().get(address(northgate)).status_code == 405


# --- and what follows ---


def run_of(school: School, trigger: Run.Trigger) -> Run:
    with scope.school(school.pk):
        return runs.request(school=school, trigger=trigger, at=timezone.now(), enqueue=False)


@pytest.mark.parametrize("trigger", [Run.Trigger.SCHEDULE, Run.Trigger.ONE_OFF])
def test_nothing_is_read_any_more_whoever_asks(northgate: School, trigger: Run.Trigger):
    waiting = run_of(northgate, trigger)
    post(address(northgate), payload("schoolMigration", northgate))
    with pytest.raises(connections.Frozen, match="still open, so nothing is read"):
        run_of(northgate, trigger)
    done = runs.perform(school=northgate, run=waiting.pk)  # anything else would be a way out, which tests have not
    assert (done.status, done.error_kind) == ("failed", "refused")
    assert "still open, so nothing is read" in done.error


def test_resuming_ends_no_other_pause_than_the_one_that_was_seen(northgate: School):
    post(address(northgate), payload("accessRevoked", northgate))
    with scope.school(northgate.pk):
        was = Connection.objects.get().paused_reason
        connections.resume(was="")
        connections.resume(was="something else")
        assert Connection.objects.get().paused_reason == was
        connections.resume(was=was)
    assert paused(northgate) == ""


# --- support sees the address ---


def test_support_sees_the_address_inside_a_look_in(northgate: School, db: None):
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    boss = Person(account=account, client=signed_in(account))
    support.open_grant(account=account, school=northgate, reason="ticket 9", at=timezone.now())
    with scope.school(northgate.pk):
        row = Connection.objects.get()
    page = boss.client.get(f"/admin/sync/connection/{row.pk}/change/").content.decode()
    assert address(northgate) in page
    assert TOKEN not in page
    with scope.school(northgate.pk):
        connections.connect(school=northgate, connector="csv_files", given={})
    page = boss.client.get(f"/admin/sync/connection/{row.pk}/change/").content.decode()
    assert "/hooks/" not in page
    assert "posts nothing to us" in page


# --- Wonde's own sender ---


class Receiver(Simulator):
    """Takes what is posted, after a while."""

    key = "receiver"
    refusals = 0

    def reply(self, request: Request) -> Reply:
        return Reply(500 if request.number <= self.refusals else 204)


@pytest.mark.parametrize(("refusals", "statuses"), [(0, [204]), (2, [500, 500, 204]), (9, [500, 500, 500])])
def test_wonde_tries_three_times_and_signs_nothing(refusals: int, statuses: list[int]):
    receiver = Receiver(crowd(students=20), 1)
    receiver.refusals = refusals
    with running(receiver) as url:
        assert deliver(f"{url}/hooks/wonde/x/y/", {"payload_type": "writeback"}) == statuses
    heads = {name for request in receiver.requests for name in request.headers}
    assert not {name for name in heads if "sign" in name or "auth" in name}
