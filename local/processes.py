"""Starting, watching and ending processes of our own, by pid, never by name."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"


class StartError(Exception):
    """A process did not come up; the text says which one and quotes the end of its log."""


def free_port() -> int:
    """Find a TCP port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether we could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on this loopback port."""
    with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=1):
        return True
    return False


def spawn(
    command: Sequence[str | os.PathLike[str]],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: int | None = None,
    group: int | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (Ctrl-C does not reach it), output to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            user=user,
            group=group,
            extra_groups=[] if user is not None else None,
            start_new_session=True,
        )


def stop(
    process: subprocess.Popen[bytes],
    *,
    first: signal.Signals = signal.SIGTERM,
    patience: float = 10.0,
) -> None:
    """End a process that `spawn` started, with everything in its session; politely, then by force."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(first)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_leftover(pid: int, *, recognised: Callable[[str], bool], first: signal.Signals, patience: float = 10.0) -> None:
    """End a process that a killed predecessor left behind, and its session, if the pid still is what we think."""
    if not recognised(command_line(pid)):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, first)
    until(lambda: not recognised(command_line(pid)), seconds=patience)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    until(lambda: not recognised(command_line(pid)), seconds=patience)


def command_line(pid: int) -> str:
    """Read the command line of a running process; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return ""
    found = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def until(true: Callable[[], bool], *, seconds: float, pause: float = 0.05) -> bool:
    """Wait until `true()`; False when the time is up."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def wait_ready(
    process: subprocess.Popen[bytes], *, name: str, log: Path, ready: Callable[[], bool], seconds: float = 60.0
) -> None:
    """Wait until a started process is ready. Raises StartError when it ended or the time is up."""
    until(lambda: process.poll() is not None or ready(), seconds=seconds)
    if process.poll() is not None:
        raise StartError(f"{name} ended at once (status {process.returncode}).\n{tail(log)}")
    if not ready():
        raise StartError(f"{name} was not ready after {seconds:.0f} seconds.\n{tail(log)}")


def tail(log: Path, *, lines: int = 20) -> str:
    """Read the last lines of a log, indented, under its path."""
    found = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join([f"{log}:", *(f"    {line}" for line in found)])


def read_pid(file: Path) -> int | None:
    """Read the process id on the first line of a pid file."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(file.read_text().splitlines()[0])
    return None
