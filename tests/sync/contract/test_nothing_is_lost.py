"""The same faults through the whole pipeline into the database: whatever the feed does, nobody leaves by it (R12)."""

import dataclasses
import datetime
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from pytest_django.fixtures import Settings

from sync.connector import Connector
from sync.models import Run
from sync.operations import connections, runs
from sync.pipeline.snapshot import snapshot
from sync.records import RosterRecord
from tenants import scope
from tenants.models import School, SchoolDomain
from tests.sync.conftest import by_ref
from tests.sync.contract.stands import SCHOOL, STANDS, Reading, Stand, read

ONE = datetime.datetime(2026, 11, 9, 1, tzinfo=datetime.UTC)


class Replayed(Connector):
    """Says again what another connector said, or ends as that one ended."""

    key: ClassVar[str] = "replayed"
    label: ClassVar[str] = "Replayed"
    reading: ClassVar[Reading]

    def roster(self) -> Iterator[RosterRecord]:
        if self.reading.error is not None:
            raise self.reading.error
        assert self.reading.told is not None
        yield from self.reading.told.records


@dataclasses.dataclass(frozen=True, kw_only=True)
class Held:
    """A school in the database and how to let a night pass."""

    school: School

    def sync(self, reading: Reading, *, night: int) -> Run:
        Replayed.reading = reading
        at = ONE + datetime.timedelta(days=night - 1)
        with scope.school(self.school.pk):
            run = runs.request(school=self.school, trigger=Run.Trigger.ONE_OFF, at=at, enqueue=False)
        return runs.perform(school=self.school, run=run.pk, clock=lambda: at)

    def picture(self) -> dict[str, Any]:
        with scope.school(self.school.pk):
            return by_ref(snapshot(generation=1))


@pytest.fixture
def held(settings: Settings) -> Held:
    settings.MORE_CONNECTORS = [f"{__name__}.Replayed"]
    school = School.objects.create(slug="alder", name="Alder School", primary_years=list(SCHOOL.primary_years))
    SchoolDomain.objects.bulk_create(SchoolDomain(school=school, domain=domain) for domain in SCHOOL.domains)
    with scope.school(school.pk):
        connections.connect(school=school, connector=Replayed.key, given={})
    return Held(school=school)


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
@pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.key)
def test_no_fault_ends_anybody_or_takes_anything_away(held: Held, stand: Stand) -> None:
    assert held.sync(read(stand), night=1).status == Run.Status.OK
    before = held.picture()
    wrong = []
    for fault in sorted(stand.faults - stand.other_truths):
        held.sync(read(stand, fault), night=2)
        wrong += [
            f"{fault}: {line}" for line in _differences(before, held.picture(), names=fault not in stand.renamed)
        ][:5]
        held.sync(read(stand), night=2)
    assert not wrong, "\n".join(wrong)
    assert held.picture() == before


def _differences(before: dict[str, Any], after: dict[str, Any], *, names: bool) -> Iterator[str]:
    for kind, rows in before.items():
        for key in rows.keys() | after[kind].keys():
            was, now = rows.get(key, ()), after[kind].get(key, ())
            if was[not names :] != now[not names :]:  # values come first, then who is there
                yield f"{kind} {key}: {was} became {now}"
