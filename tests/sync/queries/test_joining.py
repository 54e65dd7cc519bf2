"""The checklist: every tick is a fact of this moment, and a step that is undone loses it (R1)."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from sync import registry
from sync.connector import Connector
from sync.models import Connection, MisProduct, Trial
from sync.operations import catalogue, connections
from sync.operations.joining import (
    ChangeIsAProject,
    changes_system,
    confirm_timezone,
    save_connection,
)
from sync.queries import joining
from tenants import scope
from tenants.models import AuditEvent, School, SchoolDomain
from tests.conftest import Person
from tests.factories import people, runs
from tests.factories.trials import FINDINGS, OUTLOOK, trial
from tests.sync.test_trials import NOW
from users.models import RoleGrant

pytestmark = pytest.mark.django_db

# What each connector cannot do without, and nothing that leads anywhere.
GIVEN: dict[str, dict[str, Any]] = {
    "managebac": {"token": "a-token"},
    "isams": {"host": "school.isams.example", "api_key": "a-key"},
    "wonde": {"token": "a-token", "school": "A1"},
    "gg4l": {"host": "https://datasync.gg4l.example", "client_id": "c", "client_secret": "a-secret"},
    "oneroster": {
        "base_url": "https://mis.example/ims/oneroster/v1p1",
        "client_id": "c",
        "client_secret": "a-secret",
        "token_url": "https://mis.example/token",
    },
    "csv_files": {},
}
API = ["system", "credentials", "test", "domains", "zone", "preview", "sync", "super_user"]
FILES = ["system", "files", "domains", "zone", "preview", "sync", "super_user"]
every = pytest.mark.parametrize("connector", registry.CONNECTORS, ids=lambda connector: connector.key)


def connect(school: School, key: str, *, product: MisProduct | None = None, **more: Any) -> Connection:
    return connections.connect(school=school, connector=key, given=GIVEN[key] | more, product=product)


def done(school: School) -> set[str]:
    return {step.key for step in joining.joining(school).steps if step.done}


def test_before_anything_is_done_the_first_step_is_the_system(northgate: School):
    with scope.school(northgate.pk):
        now = joining.joining(northgate)
    assert [step.key for step in now.steps] == API
    assert (now.done, now.next and now.next.key) == (0, "system")


@every
def test_the_steps_are_the_connector_s_and_become_true_one_by_one(
    northgate: School, connector: type[Connector], tmp_path: Path, settings: Any
):
    settings.FILES_DIR = tmp_path
    by_files = connector.key == "csv_files"
    with scope.school(northgate.pk):
        link = connect(northgate, connector.key)
        ticked = {"system"} if by_files else {"system", "credentials"}
        assert [step.key for step in joining.joining(northgate).steps] == (FILES if by_files else API)
        assert done(northgate) == ticked
        if by_files:
            folder = tmp_path / northgate.slug
            folder.mkdir()
            (folder / "students.csv").write_text("ref\n")
            ticked |= {"files"}
        else:
            trial(link, findings=FINDINGS)
            ticked |= {"test"}
        assert done(northgate) == ticked
        SchoolDomain.objects.create(school=northgate, domain="northgate-school.example")
        confirm_timezone(school=northgate, name="Asia/Kathmandu", by=people.account("r@n.example").pk, at=NOW)
        ticked |= {"domains", "zone"}
        assert done(northgate) == ticked
        preview = trial(link, kind="preview", summary=OUTLOOK)
        assert done(northgate) == ticked
        Trial.objects.filter(pk=preview.pk).update(confirmed_at=NOW)
        ticked |= {"preview"}
        assert done(northgate) == ticked
        runs.run(status="failed")
        assert done(northgate) == ticked
        runs.run()
        people.super_user(people.staff_member("Rhea Stone"))
        now = joining.joining(northgate)
        assert (now.next, now.done) == (None, len(now.steps))


def test_a_step_that_is_undone_loses_its_tick(northgate: School):
    with scope.school(northgate.pk):
        link = connect(northgate, "wonde")
        trial(link, findings=FINDINGS)
        trial(link, kind="preview", summary=OUTLOOK, confirmed_at=NOW)
        confirm_timezone(school=northgate, name="Europe/London", by=people.account("r@n.example").pk, at=NOW)
        rhea = people.super_user(people.staff_member("Rhea Stone"))
        before = done(northgate)
        assert {"test", "preview", "zone", "super_user", "credentials"} <= before
        connect(northgate, "wonde", token="another-token")
        assert before - done(northgate) == {"test", "preview"}
        connect(northgate, "wonde")
        assert done(northgate) == before  # the old token again
        School.objects.filter(pk=northgate.pk).update(timezone="Europe/Paris")
        RoleGrant.objects.filter(pk=rhea.pk).update(revoked_at=NOW)
        Connection.objects.update(settings={"school": "A1"}, paused_reason="The token was revoked.")
        northgate.refresh_from_db()
        assert before - done(northgate) == {"test", "preview", "zone", "super_user", "credentials"}


@pytest.mark.parametrize(
    "fields",
    [
        {"error_kind": "refused", "error": "The token is wrong."},
        {"findings": [{"part": "Students", "reach": "faulty", "text": "Approve “students.read”."}]},
        {"over": False},
    ],
    ids=["refused", "faulty", "under way"],
)
def test_a_test_that_did_not_go_well_ticks_nothing(northgate: School, fields: dict[str, Any]):
    with scope.school(northgate.pk):
        link = connect(northgate, "wonde")
        trial(link, **fields)
        assert "test" not in done(northgate)


def test_the_newest_test_counts(northgate: School):
    with scope.school(northgate.pk):
        link = connect(northgate, "wonde")
        trial(link, findings=FINDINGS)
        trial(link, error_kind="refused", error="The token was revoked.")
        assert "test" not in done(northgate)


def test_the_fingerprint_gives_nothing_away_and_ignores_what_we_fill_in(northgate: School):
    with scope.school(northgate.pk):
        link = connect(northgate, "csv_files", folder="/one/batch")
        before = joining.fingerprint(link)
        link.settings = {**link.settings, "folder": "/the/next"}
        assert joining.fingerprint(link) == before
        link.settings = {**link.settings, "dates": "dmy"}  # the default, said aloud
        assert joining.fingerprint(link) == before
        link.settings = {**link.settings, "dates": "mdy"}
        assert joining.fingerprint(link) != before
        assert "mdy" not in joining.fingerprint(link)
        connect(northgate, "wonde")
        assert joining.fingerprint(Connection.objects.get()) != before


@pytest.mark.parametrize("number", [0, 3])
def test_the_answer_costs_the_same(northgate: School, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        link = connect(northgate, "wonde")
        for _ in range(number):
            trial(link, findings=FINDINGS)
            runs.run()
        with django_assert_num_queries(5):  # connection, trials, runs, domains, super user
            joining.joining(northgate)


def test_another_school_s_facts_tick_nothing_here(northgate: School, himal: School):
    with scope.school(himal.pk):
        link = connect(himal, "wonde")
        trial(link, findings=FINDINGS)
        runs.run()
        people.super_user(people.staff_member("Charlie Moss"))
    with scope.school(northgate.pk):
        assert done(northgate) == set()


# What the MIS shares, in words.


def test_what_the_test_found_outweighs_what_is_known_of_the_system(northgate: School):
    catalogue.load()
    sims = MisProduct.objects.get(name="SIMS")
    with scope.school(northgate.pk):
        test = trial(connect(northgate, "wonde", product=sims), findings=FINDINGS)
        now = joining.joining(northgate)
    assert now.system is not None
    lines = {line.ability: line for line in joining.shares(now.system, test)}
    assert lines["medical"].word == "Not shared by your MIS"
    assert "medical.read" in lines["medical"].note
    assert lines["sessions"].word == "Shared with us"
    assert lines["dietary"].word == "Yes"
    assert {line.word for line in joining.shares(now.system, None)} <= set(joining.WORDS.values())
    assert "none" not in {line.word.casefold() for line in lines.values()}


@pytest.mark.parametrize("part", ["Medical", "Medical notes", "Medical and dietary notes"])
def test_parts_are_understood_by_their_words(northgate: School, part: str):
    system = joining.system_of(MisProduct(name="Any", connector="wonde"))
    with scope.school(northgate.pk):
        test = Trial(findings=[{"part": part, "reach": "not shared", "text": "None came."}])
    lines = {line.ability: line.word for line in joining.shares(system, test)}
    assert lines["medical"] == "Not shared by your MIS"
    assert (lines["dietary"] == lines["medical"]) is ("dietary" in part)


def test_classes_without_their_teachers_are_not_the_teachers_classes(northgate: School):
    system = joining.system_of(MisProduct(name="Any", connector="wonde"))
    parts = [("Classes", "reads"), ("Teaching", "not shared")]
    with scope.school(northgate.pk):
        test = Trial(findings=[{"part": part, "reach": reach, "text": "Said."} for part, reach in parts])
    lines = {line.ability: line.word for line in joining.shares(system, test)}
    assert lines["classes"] == "Not shared by your MIS"


# Another system, and the time zone.


def save(school: School, product: MisProduct | None, key: str, by: Person) -> Connection:
    return save_connection(
        school=school, product=product, connector=key, given=GIVEN[key], by=by.account.pk, at=NOW
    )  # fmt: skip


def test_before_the_first_sync_another_system_may_be_chosen_and_the_old_secrets_go(northgate: School, rhea: Person):
    catalogue.load()
    sims, managebac = (MisProduct.objects.get(name=name) for name in ("SIMS", "ManageBac"))
    with scope.school(northgate.pk):
        save(northgate, sims, "wonde", rhea)
        link = save(northgate, managebac, "managebac", rhea)
        assert (Connection.objects.count(), link.settings) == (1, {"token": "a-token"})
        assert link.product == managebac


def test_after_it_a_change_of_system_is_a_project(northgate: School, rhea: Person):
    catalogue.load()
    sims, arbor, managebac = (MisProduct.objects.get(name=name) for name in ("SIMS", "Arbor", "ManageBac"))
    with scope.school(northgate.pk):
        save(northgate, sims, "wonde", rhea)
        runs.run()
        for product in (arbor, managebac):
            with pytest.raises(ChangeIsAProject, match="project"):
                save(northgate, product, product.connector, rhea)
        assert Connection.objects.get().product == sims
        save(northgate, sims, "wonde", rhea)  # its settings may change all the same
        assert not changes_system(product=None, connector="wonde")


def test_a_connection_made_without_a_product_may_learn_its_name(northgate: School, rhea: Person):
    catalogue.load()
    with scope.school(northgate.pk):
        connect(northgate, "wonde")
        runs.run()
        assert save(northgate, MisProduct.objects.get(name="SIMS"), "wonde", rhea).product is not None


def test_a_time_zone_is_one_that_there_is(northgate: School, rhea: Person):
    with scope.school(northgate.pk), pytest.raises(ValidationError):
        confirm_timezone(school=northgate, name="Europe/Atlantis", by=rhea.account.pk, at=NOW)
    northgate.refresh_from_db()
    assert (northgate.timezone, northgate.confirmed_timezone) == ("Europe/London", "")
    with scope.school(northgate.pk):
        confirm_timezone(school=northgate, name="Asia/Kathmandu", by=rhea.account.pk, at=NOW)
        assert AuditEvent.objects.filter(action="timezone.confirmed", actor_id=rhea.account.pk).exists()


def test_every_connector_has_its_settings_tried_here() -> None:
    assert GIVEN.keys() == {connector.key for connector in registry.CONNECTORS}
    for connector in registry.CONNECTORS:
        settings: Any = connector.Settings
        needed = {f.name for f in dataclasses.fields(settings) if f.default is dataclasses.MISSING}
        assert needed - {"folder"} <= GIVEN[connector.key].keys()
