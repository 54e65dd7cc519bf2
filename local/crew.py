"""The processes of one run: started one by one, watched together, ended in reverse, known again if we are killed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from local import places, processes
from local.places import Place


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A running process and its name for people."""

    name: str
    process: subprocess.Popen[bytes]


class Crew:
    """Use as a context manager: at the end of the block every member and all of its children are gone."""

    def __init__(self, place: Place, *, environment: Mapping[str, str]) -> None:
        """Members get `environment` on top of ours."""
        self.place = place
        self.environment = os.environ | environment
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        end_leftovers(self.place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in reversed(self.members):
            processes.stop(member.process)
        _record(self.place).unlink(missing_ok=True)

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        ready: Callable[[], bool],
        seconds: float = 60.0,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Start a member, with `more` environment, and wait until it is ready. Raises StartError with its log's end."""
        member = self._engage(name, command, more=more or {})
        processes.wait_ready(member.process, name=name, log=self.place.log(name), ready=ready, seconds=seconds)

    def run(self, name: str, command: Sequence[str], *, more: Mapping[str, str] | None = None) -> None:
        """Run a command to its end, output to its log. Raises StartError when it fails."""
        member = self._engage(name, command, more=more or {})
        status = self._wait(member)
        self.members.remove(member)
        if status:
            log = self.place.log(name)
            raise processes.StartError(f"{name} failed (status {status}).\n{processes.tail(log, lines=30)}")

    def fallen(self) -> Member | None:
        """Return the first member that has ended although nobody asked it to."""
        return next((member for member in self.members if member.process.poll() is not None), None)

    def _engage(self, name: str, command: Sequence[str], *, more: Mapping[str, str]) -> Member:
        log = self.place.log(name)
        log.unlink(missing_ok=True)
        process = processes.spawn(command, log=log, environment=self.environment | dict(more), cwd=places.ROOT)
        member = Member(name, process)
        self.members.append(member)
        # For a moment after it started a process has no command line yet, and by that we know it again.
        processes.until(lambda: process.poll() is not None or processes.command_line(process.pid) != "", seconds=5)
        self._remember()
        return member

    def _wait(self, member: Member) -> int:
        """Wait for a command, but not longer than everybody it depends on lives."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return member.process.wait(timeout=0.5)
            fallen = self.fallen()
            if fallen is not None and fallen is not member:
                told = processes.tail(self.place.log(fallen.name))
                raise processes.StartError(f"{fallen.name} ended (status {fallen.process.returncode}).\n{told}")

    def _remember(self) -> None:
        lines = {member.process.pid: processes.command_line(member.process.pid) for member in self.members}
        _record(self.place).write_text(json.dumps(lines))


def end_leftovers(place: Place) -> None:
    """End the members that a killed predecessor of this place left behind."""
    record = _record(place)
    with contextlib.suppress(OSError, ValueError):
        for pid, line in reversed(json.loads(record.read_text()).items()):
            if line:
                processes.end_leftover(int(pid), recognised=line.__eq__, first=signal.SIGTERM)
    record.unlink(missing_ok=True)


def _record(place: Place) -> Path:
    return place.home / "crew.json"
