"""Run one command beside a PostgreSQL and a Redis of its own.

`python -m local.with_services [--name test] -- COMMAND…`: the command finds SchoolsBuddy's variables in its
environment; its exit status is ours; nothing keeps running.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType

from local import services
from local.places import InUseError, claim_first_free
from local.processes import StartError


def main(arguments: Sequence[str]) -> int:
    """Start the pair, run the command, stop the pair; the command's exit status (128 + signal when killed)."""
    name, command = _asked(arguments)
    services.exit_on_signals()
    with claim_first_free(name) as place, services.running(place) as pair:
        return run(command, environment=os.environ | pair.environment())


def run(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run a command in our own process group (it may use the terminal) and wait for it, whatever signals come."""
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as fault:
        print(f"{command[0]}: {fault.strerror}", file=sys.stderr)
        return 127
    try:
        with _interrupts_go_to(process):
            status = process.wait()
    finally:
        _end(process)
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def _interrupts_go_to(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let Ctrl-C end the command, not us: in a terminal it reaches the command anyway, elsewhere we pass it on."""

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not _in_foreground():
            process.send_signal(number)

    before = signal.signal(signal.SIGINT, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_foreground() -> bool:
    with contextlib.suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    for send in (process.terminate, process.kill):
        if process.poll() is not None:
            return
        send()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=10)


def _asked(arguments: Sequence[str]) -> tuple[str, list[str]]:
    parser = argparse.ArgumentParser(prog="python -m local.with_services", description=__doc__)
    parser.add_argument("--name", default="test", help="folder below .local/ (default: test)")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="after --, the command and its arguments")
    found = parser.parse_args(arguments)
    command: list[str] = found.command[1:] if found.command[:1] == ["--"] else found.command
    if not command:
        parser.error("no command given")
    return found.name, command


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (StartError, InUseError, PermissionError) as fault:
        sys.exit(str(fault))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
