"""The Makefile explains itself and finds its way on a bare machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from local import places

MAKEFILE = places.ROOT / "Makefile"
TARGETS = {
    "help",
    "cards",
    "verify-live",
    "demo",
    "test",
    "check",
    "fix",
    "bench",
    "bench-fleet",
    "journeys",
    "smoke",
    "reset",
    "lock",
}


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # We may ourselves run under make, whose variables would turn this one into its child.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments],
        cwd=places.ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_is_the_default_and_lists_every_target() -> None:
    listed = re.findall(r"^make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    declared = re.search(r"^\.PHONY: (.*)$", MAKEFILE.read_text(), re.MULTILINE)
    assert declared is not None
    assert set(listed) == set(declared[1].split()) == TARGETS


def test_no_python_is_said_in_one_sentence(tmp_path: Path) -> None:
    answer = bootstrap(tmp_path, python=None)
    assert answer.returncode != 0
    assert "needs Python 3.11 or newer" in answer.stderr


def test_no_venv_module_is_said_in_one_sentence(tmp_path: Path) -> None:
    answer = bootstrap(tmp_path, python='case "$2" in *ensurepip*) exit 1;; esac')
    assert answer.returncode != 0
    assert "python3-venv" in answer.stderr


def bootstrap(folder: Path, *, python: str | None) -> subprocess.CompletedProcess[str]:
    """Run the first step of the Makefile in an empty checkout, with a PATH that holds a shell and this Python only."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("sh", "make", "touch"):
        programs.joinpath(name).symlink_to(next(p for p in (Path("/bin", name), Path("/usr/bin", name)) if p.exists()))
    if python is not None:
        programs.joinpath("python3").write_text(f"#!/bin/sh\n{python}\n")
        programs.joinpath("python3").chmod(0o755)
    for name in ("Makefile", "requirements-uv.txt"):
        folder.joinpath(name).write_bytes(places.ROOT.joinpath(name).read_bytes())
    return subprocess.run(
        ["make", ".venv/.uv"], cwd=folder, env={"PATH": str(programs)}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", sorted(TARGETS - {"help"}))
def test_every_target_can_be_planned(target: str) -> None:
    assert make("--dry-run", target).returncode == 0
