"""`manage.py simulate` and the process that serves all schools: what they print, and how they end."""

import contextlib
import io
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from local import places, processes
from local.simulators import registry
from local.simulators.server import COMMON_FAULTS
from sync.connectors.gg4l import Gg4l, Gg4lSettings
from sync.http import Http
from sync.operations.connections import check_settings
from sync.pipeline.extract import extract
from sync.records import Kind

SIMULATE = [sys.executable, "manage.py", "simulate"]
ALL = [sys.executable, "-m", "local.simulators"]
ENVIRONMENT = os.environ | {"PYTHONUNBUFFERED": "1"}


def listed(*arguments: str) -> str:
    """What a command prints that ends by itself."""
    out = io.StringIO()
    call_command("simulate", *arguments, stdout=out)
    return out.getvalue()


@contextlib.contextmanager
def started(command: list[str], *, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a command that serves, and yield it with what it printed up to a line that matches."""
    with subprocess.Popen(
        command, cwd=places.ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if re.search(until, line):
                    break
            else:
                pytest.fail("".join(lines))
            yield process, "".join(lines)
        finally:
            process.kill()


def test_the_list_names_every_simulator_and_where_it_is_used() -> None:
    told = listed("--list")
    assert [line.split()[0] for line in told.splitlines()] == list(registry.KEYS)
    assert "as at heronfork" in told


@pytest.mark.parametrize("key", registry.KEYS)
def test_the_list_of_one_says_what_each_fault_does(key: str) -> None:
    told = listed(key, "--list")
    for name, what in {**registry.entry(key).simulator.FAULTS, **COMMON_FAULTS}.items():
        assert re.search(rf"^  {re.escape(name)} +{re.escape(what)}$", told, re.MULTILINE), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name a simulator"),
        (["engage"], "no simulator “engage”"),
        (["wonde", "--fault", "hole", "--fault", "typo"], "no fault hole, typo"),
        (["wonde", "--school", "eton"], "no school “eton”"),
        (["wonde", "--night", "6"], "invalid choice: 6"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_said_in_a_sentence(arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=re.escape(said)):
        listed(*arguments)


def test_a_port_that_cannot_be_used_is_said() -> None:
    with socket.socket() as holder:
        holder.bind((processes.LOOPBACK, 0))
        holder.listen()
        for port in (str(holder.getsockname()[1]), "99999"):
            command = [*SIMULATE, "isams", "--port", port]
            done = subprocess.run(command, cwd=places.ROOT, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 1
            assert done.stderr.startswith(f"CommandError: port {port} cannot be used")


def test_it_prints_the_settings_with_which_a_connector_reads_it_and_ends_on_ctrl_c() -> None:
    with started([*SIMULATE, "gg4l", "--night", "2", "--fault", "flaky"], until="Ctrl-C") as (process, told):
        assert "Heron Fork Academy on night 2, as GG4L tells it" in told
        assert "Switched on: flaky" in told
        words = shlex.split(told[told.index("python manage.py connect_school") : told.index("Faults of")])
        assert words[2:6] == ["connect_school", "heronfork", "--connector", "gg4l"]
        given = dict(words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--set")
        settings = check_settings("gg4l", given)
        assert isinstance(settings, Gg4lSettings)
        with Http(loopback=True, sleep=lambda _: None) as http:
            assert extract(Gg4l(settings, http)).rows[Kind.STUDENTS] > 100
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)
        assert process.returncode == 0
        assert rest.split() == ["Stopped."]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_process_of_all_schools_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    with started([*ALL, "--folder", str(tmp_path)], until="simulators on") as (process, told):
        found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
        assert found is not None
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{found[0]}/feeds.json") as answer:
            feeds = json.loads(answer.read())
        assert sorted(feed["connector"] for feed in feeds.values()) == [
            "csv_files",
            "gg4l",
            "isams",
            "managebac",
            "wonde",
        ]
        ports = {int(port) for feed in feeds.values() for port in re.findall(r"127\.0\.0\.1:(\d+)", str(feed))}
        assert len(ports) == 4
        process.send_signal(number)
        rest, _ = process.communicate(timeout=10)
        assert rest == ""
        assert process.returncode == (0 if number == signal.SIGINT else 128 + number)
        assert not any(map(processes.answers, ports))
