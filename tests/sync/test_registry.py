"""A connector that whoever runs the product brings along: selectable, synced, tested, without a change to it (R5)."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from sync import registry
from sync.admin.products import ProductForm
from sync.connector import Connector, Reach, setting
from sync.models import Connection, MisProduct, Run
from sync.operations import connections, runs
from sync.records import Complete, Kind, RosterRecord, Student
from tenants import scope
from tenants.models import School
from users.models import Student as Child

NOW = datetime.datetime(2026, 11, 9, 1, tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChalkboardSettings:
    """What a school tells us."""

    token: str = setting(label="Token", secret=True)
    names: str = setting(label="Names", default="Ann")


class Chalkboard(Connector):
    """A sixth system, known to this module only."""

    key: ClassVar[str] = "chalkboard"
    label: ClassVar[str] = "Chalkboard"
    Settings: ClassVar[type] = ChalkboardSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset({Kind.STUDENTS})

    def roster(self) -> Iterator[RosterRecord]:
        names = self.settings.names.split()
        for name in names:
            yield Student(ref=name, given_name=name, family_name="Bell")
        yield Complete(kind=Kind.STUDENTS, rows=len(names))


@pytest.fixture
def chalkboard(settings: Settings) -> str:
    settings.MORE_CONNECTORS = [f"{__name__}.Chalkboard"]
    return Chalkboard.key


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_sixth_connector_syncs_without_a_change_to_the_product(chalkboard: str) -> None:
    school = School.objects.create(slug="alder", name="Alder School")
    MisProduct.objects.create(name="Chalkboard", connector=chalkboard)
    given = ["--set=token=secret-token", "--set=names=Ann Bo"]
    call_command("connect_school", "alder", f"--connector={chalkboard}", "--product=Chalkboard", *given)
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=NOW, enqueue=False)
    assert runs.perform(school=school, run=run.pk, clock=lambda: NOW).status == Run.Status.OK
    with scope.school(school.pk):
        assert sorted(Child.objects.values_list("given_name", flat=True)) == ["Ann", "Bo"]
        assert Connection.objects.get().connector == chalkboard


def test_support_may_choose_it_for_a_system_of_the_catalogue(chalkboard: str) -> None:
    field = ProductForm().fields["connector"]
    assert field.clean(chalkboard) == chalkboard


def test_it_is_tested_by_reading_it(chalkboard: str) -> None:
    with connections.way_out() as http:
        made = registry.connector(chalkboard)(ChalkboardSettings(token="secret-token", names="Ann Bo"), http)
        findings = {finding.part: (finding.reach, finding.text) for finding in made.probe()}
    assert findings["Students"] == (Reach.READS, "2 read.")
    assert findings["Guardians"] == (Reach.NOT_SHARED, "None came.")


def test_without_the_setting_it_is_not_there() -> None:
    with pytest.raises(registry.UnknownConnector, match="managebac"):
        registry.connector(Chalkboard.key)


def test_keys_are_unique_and_every_connector_says_what_it_is() -> None:
    keys = [connector.key for connector in registry.connectors()]
    assert len(keys) == len(set(keys))
    assert all(connector.label and connector.capabilities for connector in registry.connectors())
