"""The registry of simulators against the connectors: every one is reached with the settings that it names."""

import datetime
from collections.abc import Iterator

import pytest

from local.simulators import registry
from local.simulators.registry import ENTRIES, Entry
from local.simulators.server import COMMON_FAULTS, running
from local.world.build import crowd, world
from local.world.model import SchoolWorld
from sync import registry as connectors
from sync.errors import SyncError
from sync.http import Http
from sync.operations.connections import check_settings
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
from sync.pipeline.roster import Roster
from sync.records import Kind

SCHOOL = crowd(students=300)
every = pytest.mark.parametrize("entry", ENTRIES, ids=registry.KEYS)


def read(entry: Entry, school: SchoolWorld = SCHOOL, *, faults: frozenset[str] = frozenset()) -> Extract:
    """Read night 1 as a school that is connected with the registry's settings would."""
    with running(entry.simulate(school, 1, faults=faults)) as url, Http(loopback=True, sleep=lambda _: None) as http:
        settings = check_settings(entry.key, entry.settings_for(school, url))
        return extract(connectors.connector(entry.key)(settings, http))


def roster(extracted: Extract) -> Roster:
    return normalise(extracted.records, today=datetime.date(2026, 11, 9))


def names(roster: Roster) -> Iterator[tuple[str, str]]:
    return ((one.given_name, one.family_name) for one in roster.students.values())


def test_every_connector_has_a_simulator_or_files() -> None:
    assert {*registry.KEYS, registry.FILES} == {connector.key for connector in connectors.CONNECTORS}


@every
def test_its_settings_lead_a_connector_to_the_whole_school(entry: Entry) -> None:
    found = roster(read(entry))
    night = SCHOOL.at(1)
    assert sorted(names(found)) == sorted((one.given_name, one.family_name) for one in night.students.values())
    assert {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.TIES} <= found.complete


@every
def test_another_schools_credentials_open_nothing(entry: Entry) -> None:
    other = world().school("northgate")
    with running(entry.simulate(SCHOOL, 1)) as url, Http(loopback=True, sleep=lambda _: None) as http:
        settings = check_settings(entry.key, entry.settings_for(other, url))
        connector = connectors.connector(entry.key)(settings, http)
        with pytest.raises(SyncError):
            extract(connector)


@every
@pytest.mark.parametrize("name", [registry.HALF, registry.EMPTY])
def test_on_a_bad_night_nobody_can_leave(entry: Entry, name: str) -> None:
    faults = entry.bad_nights[name]
    assert faults <= entry.simulator.FAULTS.keys() | COMMON_FAULTS.keys()
    try:
        found = roster(read(entry, faults=faults))
    except SyncError:
        return
    assert Kind.STUDENTS not in found.complete
    assert len(found.students) < len(SCHOOL.at(1).students)


def test_each_school_is_read_from_its_own_system() -> None:
    read_from = {school.slug: getattr(registry.entry_of(school), "key", None) for school in world().schools}
    assert read_from == {
        "northgate": "wonde",
        "himal": "managebac",
        "tamarind": "isams",
        "heronfork": "gg4l",
        "kareedal": None,
    }


def test_every_bad_night_of_the_world_is_known() -> None:
    assert {fault for school in world().schools for fault in school.faults.values()} == {registry.HALF, registry.EMPTY}


def test_an_unknown_key_is_said_with_those_there_are() -> None:
    with pytest.raises(registry.UnknownSimulator, match=r"“engage”.*wonde, managebac"):
        registry.entry("engage")
