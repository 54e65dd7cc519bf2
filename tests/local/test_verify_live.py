"""Reading a live partner says how much came and never what; tried on the simulators."""

import math
import os
import subprocess
import sys

import pytest

from local import places, verify_live
from local.simulators.managebac import TOKEN, ManageBac
from local.simulators.server import running
from local.world.build import crowd
from sync.registry import CONNECTORS

SCHOOL = crowd(students=42)
NIGHT = SCHOOL.at(1)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_what_is_read_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with running(ManageBac(SCHOOL, 1)) as url:
        environment = {"VERIFY_MANAGEBAC_TOKEN": TOKEN, "VERIFY_MANAGEBAC_BASE_URL": url, "VERIFY_DAY": "2026-11-09"}
        assert verify_live.main(environment, loopback=True, pace=math.inf) == 0
    said = lines(capsys)
    assert f"  roster  students: {len(NIGHT.students)} rows, 0 unreadable, proven to its end" in said
    assert "  roster  medical: not shared" in said
    assert "ok   ManageBac" in said
    assert [line for line in said if line.startswith("skip Wonde")] == [
        "skip Wonde: set VERIFY_WONDE_TOKEN, VERIFY_WONDE_SCHOOL"
    ]


def test_nothing_of_anybody_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with running(ManageBac(SCHOOL, 1)) as url:
        environment = {"VERIFY_MANAGEBAC_TOKEN": TOKEN, "VERIFY_MANAGEBAC_BASE_URL": url}
        verify_live.main(environment, loopback=True, pace=math.inf)
    said = capsys.readouterr().out
    people = [*NIGHT.students.values(), *NIGHT.guardians.values(), *NIGHT.staff.values()]
    assert not [one.family_name for one in people if one.family_name in said]
    assert not [one.email for one in people if one.email and one.email in said]
    assert TOKEN not in said


def test_a_partner_that_refuses_is_a_failure_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    with running(ManageBac(SCHOOL, 1)) as url:
        environment = {"VERIFY_MANAGEBAC_TOKEN": "another-token", "VERIFY_MANAGEBAC_BASE_URL": url}
        assert verify_live.main(environment, loopback=True, pace=math.inf) == 1
    said = capsys.readouterr().out
    assert "FAIL ManageBac: refused: " in said
    assert "another-token" not in said


def test_bad_settings_are_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"VERIFY_MANAGEBAC_TOKEN": "two words"}
    assert verify_live.main(environment, pace=math.inf) == 1
    said = capsys.readouterr().out
    assert "FAIL ManageBac: the settings are refused" in said
    assert "two words" not in said


def test_without_credentials_it_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_live.main({}) == 2
    said = lines(capsys)
    assert len([line for line in said if line.startswith("skip ")]) == len(CONNECTORS)
    assert said[-1] == "Nothing was verified: no credentials were given."


def test_it_does_not_run_in_ci(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_live.main({"CI": "1", "VERIFY_MANAGEBAC_TOKEN": TOKEN}) == 2
    assert "does not run in CI" in capsys.readouterr().out


def test_it_keeps_a_slow_pace() -> None:
    slowly = verify_live.Slowly(50.0)
    waits = [slowly._next]
    for _ in range(3):
        slowly.wait("mis.example")
        waits.append(slowly._next)
    assert waits[-1] - waits[1] == pytest.approx(0.04, abs=0.01)


def test_it_is_a_program() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("VERIFY_")}
    done = subprocess.run(
        [sys.executable, "-m", "local.verify_live"],
        cwd=places.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "skip ManageBac: set VERIFY_MANAGEBAC_TOKEN" in done.stdout
