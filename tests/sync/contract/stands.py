"""Where each connector stands: the other side it is tried against, the settings that reach it, and how faults end.

A connector of the registry without a stand fails the suite, and so does a fault that nobody says the end of.
"""

import dataclasses
import enum
import functools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

from local.renderings import csv_files
from local.simulators import gg4l, isams, managebac, oneroster, wonde
from local.simulators.server import COMMON_FAULTS, Request, Simulator, running
from local.world.build import crowd
from local.world.model import SchoolWorld
from sync.connector import Connector
from sync.errors import SyncError
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.registry import CONNECTORS
from tests.sync.connectors.oneroster_truth import METADATA

SCHOOL: Final = crowd(students=56)
PAGE: Final = 25  # rows; small, so that every list has several pages
SECRET: Final = "the-secret-of-the-contract"


class End(enum.StrEnum):
    """How a reading ends."""

    WHOLE = "whole"  # the fault is overcome: the same records and proofs as without it
    PARTLY = "partly"  # a roster that says or proves less
    REFUSED = "refused"
    BUSY = "busy"
    BROKEN = "broken"
    DOUBTFUL = "doubtful"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Served:
    """The other side, ready to be read: the settings that reach it, and what it is asked."""

    settings: dict[str, Any]
    requests: list[Request]


Serve = Callable[[SchoolWorld, frozenset[str]], AbstractContextManager[Served]]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Stand:
    """One connector: how to serve its other side, and the end of every fault that this can be told to have."""

    key: str
    serve: Serve
    faults: frozenset[str]
    ends: Mapping[str, End]
    token_paths: frozenset[str] = frozenset()
    unnoticed: frozenset[str] = frozenset()  # faults that nobody can see in the feed itself; the gate has to
    other_truths: frozenset[str] = frozenset()  # switches that change who is there, not how it is told

    @property
    def connector(self) -> type[Connector]:
        """The connector itself."""
        return next(one for one in CONNECTORS if one.key == self.key)


def _simulated(kind: type[Simulator], settings: Callable[[str, Any], dict[str, Any]], **more: Any) -> Serve:
    @contextmanager
    def serve(school: SchoolWorld, faults: frozenset[str]) -> Iterator[Served]:
        simulator = kind(school, 1, faults=faults, **more)
        with running(simulator) as url:
            yield Served(settings=settings(url, simulator), requests=simulator.requests)

    return serve


@contextmanager
def _files(school: SchoolWorld, faults: frozenset[str]) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        csv_files.write(school.at(1), Path(folder), fault=next(iter(faults), None))
        yield Served(settings={"folder": folder}, requests=[])


_HEALTH: Final = {
    "health_list": "CurrentPupilsHealth",
    "medical_fields": "Conditions",
    "dietary_fields": "DietaryNeeds",
}

COMMON: Final = {
    "unauthorised": End.REFUSED,
    "forbidden": End.REFUSED,
    "throttled": End.WHOLE,
    "throttled-for-ever": End.BUSY,
    "down": End.BUSY,
    "flaky": End.WHOLE,
    "down-later": End.BUSY,
    "hang": End.BUSY,
    "cut": End.WHOLE,
    "cut-for-ever": End.BUSY,
    "html": End.BROKEN,
}

STANDS: Final = (
    Stand(
        key="managebac",
        serve=_simulated(
            managebac.ManageBac, lambda url, _: {"token": SECRET, "base_url": url}, token=SECRET, most=PAGE
        ),
        faults=frozenset(COMMON_FAULTS.keys() | managebac.ManageBac.FAULTS.keys()),
        ends=COMMON,
    ),
    Stand(
        key="isams",
        serve=_simulated(isams.Isams, lambda url, _: {"host": url, "api_key": SECRET, **_HEALTH}, api_key=SECRET),
        faults=frozenset(COMMON_FAULTS.keys() | isams.Isams.FAULTS.keys()),
        ends=COMMON,
    ),
    Stand(
        key="wonde",
        serve=_simulated(
            wonde.Wonde,
            lambda url, _: {"host": url, "token": SECRET, "school": wonde.SCHOOL, "classes": "both"},
            token=SECRET,
            longest_page=PAGE,
        ),
        faults=frozenset(COMMON_FAULTS.keys() | wonde.Wonde.FAULTS.keys()),
        ends=COMMON,
    ),
    Stand(
        key="gg4l",
        serve=_simulated(
            gg4l.Gg4lSimulator,
            lambda url, one: {
                "host": url,
                "client_id": "demo-client",
                "client_secret": SECRET,
                "years": oneroster.years_setting(one.school),
                "page_size": PAGE,
                **METADATA,
            },
            client_secret=SECRET,
        ),
        faults=frozenset(COMMON_FAULTS.keys() | gg4l.Gg4lSimulator.FAULTS.keys()),
        ends=COMMON,
        token_paths=frozenset({gg4l.Gg4lSimulator.token_path}),
    ),
    Stand(
        key="oneroster",
        serve=_simulated(
            oneroster.OneRosterSimulator,
            lambda url, one: {
                "base_url": f"{url}{one.base}",
                "token_url": f"{url}{one.token_path}",
                "client_id": "demo-client",
                "client_secret": SECRET,
                "years": oneroster.years_setting(one.school),
                "page_size": PAGE,
                **METADATA,
            },
            client_secret=SECRET,
        ),
        faults=frozenset(COMMON_FAULTS.keys() | oneroster.OneRosterSimulator.FAULTS.keys()),
        ends=COMMON,
        token_paths=frozenset({oneroster.OneRosterSimulator.token_path}),
    ),
    Stand(
        key="csv_files",
        serve=_files,
        faults=frozenset(csv_files.FAULTS),
        ends={"half": End.PARTLY, "header_only": End.PARTLY, "empty": End.BROKEN},
        unnoticed=frozenset({"half", "header_only"}),
    ),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """One pull: what came of it, or the error it ended in, and what the other side was asked meanwhile."""

    told: Extract | None
    error: SyncError | None
    requests: tuple[Request, ...]


@functools.cache
def read(stand: Stand, *faults: str) -> Reading:
    """Read the whole roster of the school of the contract, as the pipeline does."""
    with opened(stand, *faults) as (connector, requests):
        try:
            return Reading(told=extract(connector), error=None, requests=tuple(requests))
        except SyncError as fault:
            return Reading(told=None, error=fault, requests=tuple(requests))


@contextmanager
def opened(stand: Stand, *faults: str) -> Iterator[tuple[Connector, list[Request]]]:
    """Yield the connector, reaching its other side, and the list of what that is asked."""
    impatient = {"timeout": (5.0, 0.3), "tries": 2} if "hang" in faults else {}
    with (
        stand.serve(SCHOOL, frozenset(faults)) as served,
        Http(loopback=True, sleep=lambda _: None, **impatient) as http,
    ):
        yield stand.connector(stand.connector.Settings(**served.settings), http), served.requests
