"""Schools of the demo world in a real database, their files in a folder, and nights that are run by hand."""

import dataclasses
import datetime
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from local.renderings import csv_files
from local.simulators.server import as_json, running
from local.world.build import crowd, world
from local.world.model import Night, SchoolWorld, World
from sync.http import Http
from sync.models import Run
from sync.operations import connections, runs
from sync.pipeline.held import LINKS, Snapshot
from sync.pipeline.snapshot import snapshot
from sync.records import Kind
from tenants import scope
from tenants.models import School, SchoolDomain
from tests.sync.partner import Partner, Serve

ONE_IN_THE_MORNING: Final = datetime.time(1, 0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A school in the database, the truth about it, and the folder its files lie in."""

    school: School
    truth: SchoolWorld
    folder: Path

    def clock(self, night: int) -> Callable[[], datetime.datetime]:
        """One in the morning of that night, by the school's own clock."""
        date = self.truth.at(min(night, 5)).date + datetime.timedelta(days=max(0, night - 5))
        moment = datetime.datetime.combine(date, ONE_IN_THE_MORNING, tzinfo=self.school.zone)
        return lambda: moment

    def write(self, night: int, **how: Any) -> Night:
        """Lay the files of a night into the folder."""
        picture = self.truth.at(min(night, 5))
        csv_files.write(picture, self.folder, **how)
        return picture

    def request(self, night: int, *, trigger: Run.Trigger = Run.Trigger.ONE_OFF, enqueue: bool = False) -> Run:
        """Ask for a run of that night."""
        with scope.school(self.school.pk):
            return runs.request(school=self.school, trigger=trigger, at=self.clock(night)(), enqueue=enqueue)

    def perform(self, night: int) -> Run:
        """Sync whatever lies in the folder, on that night."""
        return runs.perform(school=self.school, run=self.request(night).pk, clock=self.clock(night))

    def sync(self, night: int, **how: Any) -> Run:
        """Write the files of a night and sync them."""
        self.write(night, **how)
        return self.perform(night)

    def held(self) -> Snapshot:
        """What the database holds."""
        with scope.school(self.school.pk):
            return snapshot(generation=1)


def by_ref(held: Snapshot) -> dict[str, Any]:
    """The same without our own keys, so that two schools, or a database and a sketch of one, can be compared."""
    refs = {kind: held.refs(kind) for kind in held.identities}
    people = {
        kind.value: {
            refs[kind].get(row, f"by hand: {held.name(kind, row)}"): (
                one.values,
                one.here,
                one.missing_since,
                one.email,
                one.mis_email,
                one.domain_recognised,
            )
            for row, one in rows.items()
        }
        for kind, rows in held.records.items()
    }
    return people | {kind.value: _links_by_ref(held, kind, refs) for kind in LINKS}


def _links_by_ref(held: Snapshot, kind: Kind, refs: dict[Kind, dict[int, str]]) -> dict[tuple[str, str], Any]:
    parts: dict[Kind, tuple[Kind, Kind | None]] = {
        Kind.TIES: (Kind.STUDENTS, Kind.GUARDIANS),
        Kind.ENROLMENTS: (Kind.CLASSES, Kind.STUDENTS),
        Kind.TEACHING: (Kind.CLASSES, Kind.STAFF),
    }
    first, second = parts.get(kind, (Kind.STUDENTS, None))
    return {
        (refs[first][one], refs[second][int(other)] if second else str(other)): (link.values, link.here)
        for (one, other), link in held.links[kind].items()
    }


@pytest.fixture(scope="session")
def demo_world() -> World:
    """The five demo schools over five nights."""
    return world()


@pytest.fixture(scope="session")
def small_world() -> SchoolWorld:
    """A school of sixty students, for tests in which size says nothing."""
    return crowd(students=60)


@pytest.fixture
def place(tmp_path: Path) -> Callable[..., Place]:
    """Make a school of the world in the database, connected to a folder of its own."""

    def make(truth: SchoolWorld, *, slug: str = "", **settings: Any) -> Place:
        school = School.objects.create(
            slug=slug or truth.slug,
            name=truth.name,
            timezone=truth.timezone,
            currency=truth.currency,
            country=truth.country,
            **{
                "primary_years": list(truth.primary_years),
                "student_access_years": list(truth.student_access_years),
                "block_own_domains_for_guardians": truth.block_own_domains_for_guardians,
                "staff_leavers_authoritative": truth.staff_leavers_authoritative,
            }
            | settings,
        )
        SchoolDomain.objects.bulk_create(SchoolDomain(school=school, domain=domain) for domain in truth.domains)
        folder = tmp_path / school.slug
        folder.mkdir()
        with scope.school(school.pk):
            connections.connect(school=school, connector="csv_files", given={"folder": str(folder)})
        return Place(school=school, truth=truth, folder=folder)

    return make


@pytest.fixture
def small(place: Callable[..., Place], small_world: SchoolWorld) -> Place:
    """The school of sixty students."""
    return place(small_world)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a partner with these pages; its base URL and itself."""
    with ExitStack() as stack:

        def start(pages: dict[str, Any] | None = None, *faults: str) -> tuple[str, Partner]:
            partner = Partner(pages or {"/": as_json([])}, faults=frozenset(faults))
            return stack.enter_context(running(partner)), partner

        yield start


@pytest.fixture
def waits() -> list[float]:
    """Every pause that was made; nobody really waits."""
    return []


@pytest.fixture
def http(waits: list[float]) -> Iterator[Http]:
    """A way out that may reach this machine."""
    with Http(loopback=True, sleep=waits.append, timeout=(2, 2), longest=100_000) as one:
        yield one
