"""A run's processes: nothing of it stays, whoever dies first."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from local import crew, processes
from local.crew import Crew
from local.places import Place

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
# A process with a child of its own, as gunicorn and Celery have; it writes the child's number.
PARENT = """
import pathlib, subprocess, sys
child = subprocess.Popen(["sleep", "60"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
child.wait()
"""
FAMILY = [sys.executable, "-c", PARENT]


def test_members_and_their_children_end_with_the_block(place: Place, tmp_path: Path) -> None:
    place.make()
    told = tmp_path / "child"
    with Crew(place, environment={}) as ours:
        ours.start("family", [*FAMILY, str(told)], ready=lambda: told.exists() and told.read_text() != "")
        child = int(told.read_text())
        assert "sleep" in processes.command_line(child)
    assert processes.until(lambda: processes.command_line(child) == "", seconds=10)


def test_who_fell_is_known(place: Place) -> None:
    place.make()
    with Crew(place, environment={}) as ours:
        ours.start("one", SLEEPER, ready=lambda: True)
        ours.start("two", SLEEPER, ready=lambda: True)
        assert ours.fallen() is None
        os.kill(ours.members[1].process.pid, signal.SIGKILL)
        assert processes.until(lambda: ours.fallen() is not None, seconds=10)
        fallen = ours.fallen()
        assert fallen is not None
        assert fallen.name == "two"


def test_a_command_that_fails_says_why(place: Place) -> None:
    place.make()
    with Crew(place, environment={}) as ours, pytest.raises(processes.StartError, match="no world today"):
        ours.run("seed", [sys.executable, "-c", "raise SystemExit('no world today')"])


def test_a_command_is_not_waited_for_when_what_it_needs_has_died(place: Place) -> None:
    place.make()
    with Crew(place, environment={}) as ours:
        ours.start("worker", [sys.executable, "-c", "import time; time.sleep(1)"], ready=lambda: True)
        with pytest.raises(processes.StartError, match="worker ended"):
            ours.run("seed", SLEEPER)


def test_a_process_that_ends_at_once_is_told_with_its_log(place: Place) -> None:
    place.make()
    with Crew(place, environment={}) as ours, pytest.raises(processes.StartError, match="cannot bind"):
        ours.start("web", [sys.executable, "-c", "raise SystemExit('cannot bind')"], ready=lambda: False)


def test_what_a_killed_predecessor_left_is_ended(place: Place) -> None:
    place.make()
    ours = Crew(place, environment={})
    ours.start("one", SLEEPER, ready=lambda: True)  # and never leave: as after SIGKILL
    crew.end_leftovers(place)
    assert ours.members[0].process.wait(timeout=10) == -signal.SIGTERM


def test_members_get_the_environment(place: Place) -> None:
    place.make()
    with Crew(place, environment={"SAID": "to all"}) as ours:
        ours.run(
            "tell",
            [sys.executable, "-c", "import os; print(os.environ['SAID'], os.environ['MORE'])"],
            more={"MORE": "to it"},
        )
    assert place.log("tell").read_text().strip() == "to all to it"
