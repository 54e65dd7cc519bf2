"""What one school's MIS says at present: a night of the world, and the faults that are on; both can be moved."""

import abc
import collections
import contextlib
import dataclasses
import datetime
import tempfile
import threading
import zoneinfo
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlencode

from local.renderings import csv_files
from local.simulators import registry
from local.simulators.server import COMMON_FAULTS, Reply, Request, Simulator, running
from local.world.model import NIGHTS, SchoolWorld

KEPT: Final = 50  # requests remembered
_HIDDEN: Final = ("key", "token", "secret")


class BadMove(ValueError):
    """A feed cannot be moved there; the message says why, and nothing was changed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """One request and what was answered; no credential is in it."""

    at: datetime.datetime
    school: str  # slug
    method: str
    target: str
    status: int


class Feed(abc.ABC):
    """One school's feed. `faults_there` are those that can be switched on: by whose they are, name → what it does.

    `bad_nights` are those that stand for what the world calls a bad night; `url` is "" where files are sent.
    """

    key: str
    url: str = ""
    bad_nights: Mapping[str, frozenset[str]]
    faults_there: Mapping[str, Mapping[str, str]]

    def __init__(self, school: SchoolWorld) -> None:
        self.school, self.night = school, NIGHTS[0]
        self.faults: frozenset[str] = frozenset()
        self._moving = threading.Lock()

    def move(self, *, night: int, faults: Collection[str] = ()) -> None:
        """Let the MIS be on that night, with these faults and no others.

        Raises:
            BadMove: there is no such night or fault.
        """
        if night not in NIGHTS:
            raise BadMove(f"There is no night {night}: the world is told for nights {NIGHTS[0]} to {NIGHTS[-1]}.")
        known = {name for faults_of in self.faults_there.values() for name in faults_of}
        if unknown := sorted(set(faults) - known):
            raise BadMove(f"{self.school.name} has no fault called {', '.join(f'“{name}”' for name in unknown)}.")
        with self._moving:
            self._show(night, frozenset(faults))
            self.night, self.faults = night, frozenset(faults)

    @abc.abstractmethod
    def settings(self) -> registry.Settings:
        """Return the settings with which a connector reads this feed."""

    @abc.abstractmethod
    def asked(self) -> list[Asked]:
        """Return the last requests, oldest first."""

    @abc.abstractmethod
    def _show(self, night: int, faults: frozenset[str]) -> None:
        """Say from now on what this night was."""


class _Stage(Simulator):
    """A simulator that can be exchanged for another one while it is served."""

    key: ClassVar[str] = "stage"

    def __init__(self, present: Simulator) -> None:
        super().__init__(present.school, present.night)
        self.present = present
        self._asked: collections.deque[Asked] = collections.deque(maxlen=KEPT)
        self._noting = threading.Lock()

    def asked(self) -> list[Asked]:
        """Return the last requests, oldest first."""
        with self._noting:
            return list(self._asked)

    def answer(self, request: Request) -> Reply:
        """Let the present simulator answer, and remember that it did."""
        present = self.present
        reply = present.answer(request)
        while present.mistakes:  # of the simulator itself; `running` complains of them at its end
            self.mistakes.append(present.mistakes.pop())
        one = Asked(
            at=datetime.datetime.now(datetime.UTC),
            school=self.school.slug,
            method=request.method,
            target=_target(request),
            status=reply.status,
        )
        with self._noting:
            self._asked.append(one)
        return reply

    def reply(self, request: Request) -> Reply:
        """Never asked: `answer` leaves everything to the present simulator."""
        return self.present.reply(request)


def _target(request: Request) -> str:
    """Say what was asked for, without the values of credentials."""
    shown = {
        name: "***" if any(part in name.lower() for part in _HIDDEN) else value for name, value in request.query.items()
    }
    return request.path + (f"?{urlencode(shown, safe='*/:,')}" if shown else "")


class Served(Feed):
    """A feed over HTTP: a simulator on a port of its own."""

    def __init__(self, school: SchoolWorld, entry: registry.Entry) -> None:
        super().__init__(school)
        self.key, self._entry = entry.key, entry
        self.bad_nights = entry.bad_nights
        self.faults_there = {f"Of {entry.reaches}": entry.simulator.FAULTS, "Of any partner": COMMON_FAULTS}
        self._stage = _Stage(self._simulator(self.night, frozenset()))

    @contextlib.contextmanager
    def served(self, *, port: int = 0) -> Iterator[None]:
        """Serve it inside the block, on a free port unless one is named."""
        with running(self._stage, port=port) as self.url:
            yield

    def settings(self) -> registry.Settings:
        """Return the settings with which a connector reads this feed."""
        return self._entry.settings_for(self.school, self.url)

    def asked(self) -> list[Asked]:
        """Return the last requests, oldest first."""
        return self._stage.asked()

    def _show(self, night: int, faults: frozenset[str]) -> None:
        self._stage.present = self._simulator(night, faults)

    def _simulator(self, night: int, faults: frozenset[str]) -> Simulator:
        """Make one whose registers are taken to this very day, so that the demo has marks of today."""
        made = self._entry.simulate(self.school, night, faults=faults)
        zone = zoneinfo.ZoneInfo(self.school.timezone)
        made.clock = lambda: datetime.datetime.now(zone).date()
        return made


class Sent(Feed):
    """A feed of files, as an office leaves them in a folder: from a spreadsheet of the country it is in."""

    key = registry.FILES
    bad_nights: Mapping[str, frozenset[str]] = {name: frozenset({name}) for name in (registry.HALF, registry.EMPTY)}
    faults_there: Mapping[str, Mapping[str, str]] = {
        "Of files": csv_files.FAULTS
        | {"lost-zeros": "numbers have lost the zeros they began with, as in a spreadsheet"}
    }

    def __init__(self, school: SchoolWorld, folder: Path) -> None:
        super().__init__(school)
        self.folder = folder
        self._show(self.night, self.faults)

    def settings(self) -> registry.Settings:
        """Return the settings with which a connector reads this feed."""
        return {"folder": str(self.folder), "dates": "dmy"}

    def asked(self) -> list[Asked]:
        """Return nothing: nobody notices how often a file is read."""
        return []

    def _show(self, night: int, faults: frozenset[str]) -> None:
        worst = next((name for name in reversed(csv_files.FAULTS) if name in faults), None)
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as aside:
            written = csv_files.write(
                self.school.at(night),
                Path(aside),
                encoding="cp1252",
                delimiter=";",
                fault=worst,
                zeros="lost-zeros" not in faults,
            )
            for file in written:
                file.replace(self.folder / file.name)  # whole or not at all


def feed_of(school: SchoolWorld, *, folder: Path) -> Served | Sent:
    """Return the feed of a school of the world, on night 1; files lie in a folder of the school's own in `folder`."""
    entry = registry.entry_of(school)
    return Served(school, entry) if entry else Sent(school, folder / school.slug)
