"""The repository as a whole: locks without addresses that match pyproject.toml, one PostgreSQL everywhere."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local import check, places, postgres

PYPROJECT: dict[str, Any] = tomllib.loads((places.ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-bench.txt", "requirements-uv.txt")
GROUPS = {
    "requirements.txt": ("local",),
    "requirements-dev.txt": ("local", "dev"),
    "requirements-bench.txt": ("local", "dev", "bench"),
}
ADDRESS = re.compile(r"https?://|file://|--(extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>[^\s;\\]+)", re.MULTILINE)


def asked(lock: str) -> list[Requirement]:
    """The direct dependencies that a lock must hold."""
    lines = list(PYPROJECT["project"]["dependencies"])
    for group in GROUPS[lock]:
        lines += PYPROJECT["dependency-groups"][group]
    return [Requirement(line) for line in lines]


def locked(lock: str) -> dict[str, str]:
    """Name → version of everything in a lock."""
    found = LOCKED.finditer((places.ROOT / lock).read_text())
    return {canonicalize_name(line["name"]): line["version"] for line in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_registry(lock: str) -> None:
    assert ADDRESS.findall((places.ROOT / lock).read_text()) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_locked_has_a_hash(lock: str) -> None:
    text = (places.ROOT / lock).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert len(entries) == len(LOCKED.findall(text))


@pytest.mark.parametrize("lock", GROUPS)
def test_a_lock_matches_pyproject(lock: str) -> None:
    versions = locked(lock)
    wrong = [
        str(wanted)
        for wanted in asked(lock)
        if not wanted.specifier.contains(versions.get(canonicalize_name(wanted.name), "0"), prereleases=True)
    ]
    assert wrong == []


def test_the_tests_run_on_the_versions_that_the_demo_runs_on() -> None:
    small, large = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: large.get(name) for name in small} == small


def test_every_dependency_says_what_it_is_for() -> None:
    lines = (places.ROOT / "pyproject.toml").read_text().splitlines()
    asked_lines = [line for line in lines if re.match(r'^    "[A-Za-z].*[<>=]=', line)]
    total = len(asked("requirements-bench.txt"))
    assert len(asked_lines) == total
    assert [line for line in asked_lines if not re.search(r",\s+# \S", line)] == []


def test_compose_runs_the_postgresql_that_the_tests_run_on() -> None:
    images = re.findall(r"image: postgres:(\d+)", (places.ROOT / "docker-compose.yml").read_text())
    assert images == [str(postgres.MAJOR)]


def test_compose_makes_its_cluster_like_the_embedded_one() -> None:
    """Sorting and case folding must not differ between the tests and production."""
    compose = (places.ROOT / "docker-compose.yml").read_text()
    assert [option for option in postgres.CLUSTER if option.startswith("--locale") and option not in compose] == []
    assert "--builtin-locale=C.UTF-8" in compose


def test_the_compose_check_fills_in_every_required_variable() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", (places.ROOT / "docker-compose.yml").read_text()))
    assert required == set(check.REQUIRED_BY_COMPOSE)
