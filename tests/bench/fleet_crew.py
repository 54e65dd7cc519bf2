"""The processes of a fleet: its MISs, its workers and its clock, and the schools that they serve."""

import contextlib
import datetime
import functools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from local.simulators.managebac import TOKEN
from sync import clock
from sync.models import Slot
from sync.operations import connections
from tenants import scope
from tenants.models import School

PATIENCE: Final = 600  # seconds until what is waited for will not come any more
LONG_AGO: Final = datetime.timedelta(days=30)


class Mis:
    """The MISs of a fleet, in a process of their own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.urls: list[str] = json.loads(self._line())

    def turn(self, night: int) -> int:
        """Take them to a night; return how many requests they have had since the last time."""
        assert self._process.stdin
        self._process.stdin.write(f"{night}\n")
        self._process.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@contextlib.contextmanager
def mis(*, students: int, schools: int) -> Iterator[Mis]:
    """Run a MIS for each of so many schools inside the block."""
    command = [sys.executable, "-m", "tests.bench.fleet_mis", *[str(students)] * schools]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Mis(process)


@contextlib.contextmanager
def celery(*processes: Sequence[str]) -> Iterator[None]:
    """Run these processes of Celery inside the block, workers and beat as in production.

    Raises:
        RuntimeError: one of them does not come up.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        logs = []
        for number, options in enumerate(processes):
            logs.append(folder / f"{number}.log")
            stack.callback(_end, _started(options, log=logs[-1]))
        for log in logs:
            until(f"celery {log.stem} is there", functools.partial(_is_up, log))
        yield


def worker(name: str, queues: str) -> list[str]:
    """Return what a worker with one child is called with."""
    return ["worker", "-n", f"{name}@%h", "-Q", queues, "-c", "1", "--without-gossip", "--without-mingle", "-l", "INFO"]


def beat(folder: Path) -> list[str]:
    """Return what beat is called with."""
    return ["beat", "--schedule", str(folder / "schedule"), "--pidfile=", "-l", "INFO"]


def _started(options: Sequence[str], *, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as file:
        command = [sys.executable, "-m", "celery", "-A", "schoolsbuddy", *options]
        return subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=file, stderr=file)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_up(log: Path) -> bool:
    said = log.read_text(errors="replace")
    return " ready." in said or "beat: Starting" in said


def until(what: str, true: Callable[[], Any]) -> None:
    """Wait until something holds.

    Raises:
        RuntimeError: it does not.
    """
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"waited in vain until {what}")
        time.sleep(0.2)


def connected(school: School, url: str) -> None:
    """Have a school read from there."""
    with scope.school(school.pk):
        connections.connect(school=school, connector="managebac", given={"token": TOKEN, "base_url": url})


def claim(due: Sequence[clock.Due], *, at: datetime.datetime) -> None:
    """Let these slots be claimed already."""
    Slot.objects.bulk_create(
        Slot(
            school_id=one.school,
            kind=one.slot.kind,
            slot=one.slot,
            local_date=one.date,
            due_at=one.at,
            claimed_at=at,
            outcome=Slot.Outcome.RUN,
        )
        for one in due
    )


def where_it_is(hour: int) -> str:
    """Return a zone in which it is this hour of the day, whenever the bench runs."""
    ahead = (hour - timezone.now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"
