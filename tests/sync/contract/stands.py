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
from local.simulators.registry import ENTRIES
from local.simulators.server import COMMON_FAULTS, Request, running
from local.world.build import crowd
from local.world.model import SchoolWorld
from local.world.registers import register
from sync.connector import Connector
from sync.errors import SyncError
from sync.http import TIMEOUT, Http
from sync.pipeline.extract import Extract, extract
from sync.registry import CONNECTORS
from tests.sync.contract.ends import ENDS

SCHOOL: Final = crowd(students=56)
_ENTRY: Final = {entry.key: entry for entry in ENTRIES}
PAGE: Final = 25  # rows; small, so that every list has several pages
SECRETS: Final = frozenset(
    str(value)
    for entry in ENTRIES
    for name, value in entry.credentials(SCHOOL).items()
    if name not in {"school_id", "client_id"}
)


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
    renamed: frozenset[str] = frozenset()  # faults that change a name for a night, and nobody's standing

    @property
    def connector(self) -> type[Connector]:
        """The connector itself."""
        return next(one for one in CONNECTORS if one.key == self.key)


def _simulated(key: str, *, settings: Mapping[str, Any] | None = None, **more: Any) -> Serve:
    entry = _ENTRY[key]

    @contextmanager
    def serve(school: SchoolWorld, faults: frozenset[str]) -> Iterator[Served]:
        simulator = entry.simulator(school, 1, faults=faults, **entry.credentials(school), **more)
        with running(simulator) as url:
            found = {**entry.settings_for(school, url), **(settings or {})}
            yield Served(settings=found, requests=simulator.requests)

    return serve


@contextmanager
def _files(school: SchoolWorld, faults: frozenset[str]) -> Iterator[Served]:
    with tempfile.TemporaryDirectory() as folder:
        night = school.at(1)
        csv_files.write(night, Path(folder), fault=next(iter(faults), None))
        marks = [f"{ref},{night.date},am,{mark.meaning}" for ref, mark in register(school, night.date, "am").items()]
        Path(folder, "attendance.csv").write_text("\n".join(["student_ref,date,session,code", *marks]))
        yield Served(settings={"folder": folder}, requests=[])


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


def _faults(key: str) -> frozenset[str]:
    return frozenset(COMMON_FAULTS.keys() | _ENTRY[key].simulator.FAULTS.keys())


def _ends(key: str) -> dict[str, End]:
    own = {fault: End(end) for end, faults in ENDS[key].items() for fault in faults.split()}
    return COMMON | own


STANDS: Final = (
    Stand(
        key="managebac",
        serve=_simulated("managebac", most=PAGE),
        faults=_faults("managebac"),
        ends=_ends("managebac"),
        # A homeroom is called after its advisor, and by number while nobody can say who that is.
        renamed=frozenset({"administrator", "duplicate-differs"}),
    ),
    Stand(
        key="isams",
        serve=_simulated("isams"),
        faults=_faults("isams"),
        ends=_ends("isams"),
        token_paths=frozenset({"/auth/connect/token"}),
        other_truths=frozenset({"contact-only", "joint", "relations-differ", "tutor-left"}),
    ),
    Stand(
        key="wonde",
        serve=_simulated("wonde", longest_page=PAGE),
        faults=_faults("wonde"),
        ends=_ends("wonde"),
        other_truths=frozenset({"ended-staff", "gone-staff", "migrated", "new-id"}),
    ),
    Stand(
        key="gg4l",
        serve=_simulated("gg4l", settings={"page_size": str(PAGE)}),
        faults=_faults("gg4l"),
        ends=_ends("gg4l"),
        unnoticed=frozenset({"shrunk"}),
        other_truths=frozenset({"new-ids", "same-email"}),
        token_paths=frozenset({"/datahub/oauth/token"}),
    ),
    Stand(
        key="oneroster",
        serve=_simulated("oneroster", settings={"page_size": str(PAGE)}),
        faults=_faults("oneroster"),
        ends=_ends("oneroster"),
        unnoticed=frozenset({"shrunk"}),
        other_truths=frozenset({"new-ids", "same-email"}),
        token_paths=frozenset({"/token"}),
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
    impatient = "hang" in faults
    with (
        stand.serve(SCHOOL, frozenset(faults)) as served,
        Http(
            loopback=True,
            sleep=lambda _: None,
            timeout=(5.0, 0.3) if impatient else TIMEOUT,
            tries=2 if impatient else 5,
        ) as http,
    ):
        yield stand.connector(stand.connector.Settings(**served.settings), http), served.requests
