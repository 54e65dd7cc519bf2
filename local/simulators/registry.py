"""Every simulator by its key: how it is built for a school of the world, and which settings lead a connector to it."""

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from local.renderings.oneroster import years_setting
from local.simulators.gg4l import Gg4lSimulator
from local.simulators.isams import Isams
from local.simulators.managebac import ManageBac
from local.simulators.oneroster import OneRosterSimulator
from local.simulators.server import Simulator
from local.simulators.wonde import Wonde
from local.world.dice import digest
from local.world.model import SchoolWorld

Settings = dict[str, str]

# What the world calls a bad night (`SchoolWorld.faults`).
HALF, EMPTY = "half", "empty"

FILES: Final = "csv_files"  # the key of the connector of schools that send files; nothing simulates them


class UnknownSimulator(LookupError):
    """There is no simulator of that key."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One simulator. `credentials` are its keyword arguments, and each school has its own.

    `reaches` is the partner, or the MIS that is read without one, as the world calls it. `settings` makes a connector's
    settings of a school, its credentials and the address where it is served. `bad_nights` says which of the simulator's
    own faults stand for what the world calls "half" and "empty".
    """

    simulator: type[Simulator]
    reaches: str
    credentials: Callable[[SchoolWorld], Mapping[str, Any]]
    settings: Callable[[SchoolWorld, Mapping[str, Any], str], Settings]
    bad_nights: Mapping[str, frozenset[str]]

    @property
    def key(self) -> str:
        """The key of the simulator and of the connector that reads it."""
        return self.simulator.key

    def simulate(self, school: SchoolWorld, night: int, *, faults: frozenset[str] = frozenset()) -> Simulator:
        """Build the simulator of a school on one night.

        Raises:
            ValueError: it has no such fault.
            local.world.model.NoSuchNight: the world is not told for that night.
        """
        return self.simulator(school, night, faults=faults, **self.credentials(school))

    def settings_for(self, school: SchoolWorld, url: str) -> Settings:
        """Return the settings with which a connector reads this school at this address."""
        return self.settings(school, self.credentials(school), url)


def _secret(school: SchoolWorld, what: str) -> str:
    return f"demo-{school.slug}-{what}"  # of a simulator on this machine, so it may be known


def _client(school: SchoolWorld) -> Settings:
    return {"client_id": _secret(school, "client"), "client_secret": _secret(school, "secret")}


def _wonde(_: SchoolWorld, keys: Mapping[str, Any], url: str) -> Settings:
    return {"token": keys["token"], "school": keys["school_id"], "host": url, "classes": "both"}


def _managebac(_: SchoolWorld, keys: Mapping[str, Any], url: str) -> Settings:
    return {"token": keys["token"], "base_url": url}


def _isams(_: SchoolWorld, keys: Mapping[str, Any], url: str) -> Settings:
    health = {"health_list": "CurrentPupilsHealth", "medical_fields": "Conditions", "dietary_fields": "DietaryNeeds"}
    rest = {"client_id": keys["client_id"], "client_secret": keys["client_secret"]}
    return {"host": url, "api_key": keys["api_key"], **rest, **health}


METADATA: Final = {
    "upn_key": "upn",
    "preferred_name_key": "preferred_name",
    "title_key": "title",
    "relationship_key": "relationship",
    "medical_key": "medical",
    "dietary_key": "dietary",
}


def _oneroster(school: SchoolWorld, keys: Mapping[str, Any], url: str) -> Settings:
    at = {
        "base_url": url,
        "token_url": f"{url}{OneRosterSimulator.token_path}",
    }
    return {**at, **keys, "years": years_setting(school), **METADATA}


def _gg4l(school: SchoolWorld, keys: Mapping[str, Any], url: str) -> Settings:
    return {"host": url, **keys, "years": years_setting(school), **METADATA}


ENTRIES: Final = (
    Entry(
        simulator=Wonde,
        reaches="Wonde",
        credentials=lambda school: {
            "token": _secret(school, "token"),
            "school_id": f"A1{digest(school.slug, below=10**9):09d}",
        },
        settings=_wonde,
        bad_nights={HALF: frozenset({"early-end"}), EMPTY: frozenset({"wrong-host-empty"})},
    ),
    Entry(
        simulator=ManageBac,
        reaches="ManageBac",
        credentials=lambda school: {"token": _secret(school, "token")},
        settings=_managebac,
        bad_nights={HALF: frozenset({"missing-more"}), EMPTY: frozenset({"empty"})},
    ),
    Entry(
        simulator=Isams,
        reaches="iSAMS",
        credentials=lambda school: {
            "api_key": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{school.slug}.example")),
            **_client(school),
        },
        settings=_isams,
        bad_nights={HALF: frozenset({"unclosed"}), EMPTY: frozenset({"empty"})},
    ),
    Entry(
        simulator=OneRosterSimulator,
        reaches="OneRoster",
        credentials=_client,
        settings=_oneroster,
        bad_nights={HALF: frozenset({"hole"}), EMPTY: frozenset({"empty"})},
    ),
    Entry(
        simulator=Gg4lSimulator,
        reaches="GG4L",
        credentials=_client,
        settings=_gg4l,
        bad_nights={HALF: frozenset({"hole"}), EMPTY: frozenset({"empty"})},
    ),
)
KEYS: Final = tuple(entry.key for entry in ENTRIES)


def entry(key: str) -> Entry:
    """Return the entry of a key.

    Raises:
        UnknownSimulator: there is none.
    """
    for found in ENTRIES:
        if found.key == key:
            return found
    raise UnknownSimulator(f"there is no simulator “{key}”; there are {', '.join(KEYS)}")


def entry_of(school: SchoolWorld) -> Entry | None:
    """Return what simulates a school's MIS; None where the school sends files."""
    reached = school.mis_partner or school.mis_product
    return next((found for found in ENTRIES if found.reaches == reached), None)
