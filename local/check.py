"""`make check`: everything that can be judged without running the tests. One line a step; all steps run."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import enum
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cryptography.fernet import Fernet

from local import places, services

PYTHON = sys.executable
TOGETHER = 2


def _nothing(_output: str) -> str | None:
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A tool to run. `excuse` looks at its output and may say why the result counts neither way."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    excuse: Callable[[str], str | None] = _nothing


class Verdict(enum.StrEnum):
    """How a step ended."""

    OK = "ok"
    FAIL = "FAIL"
    SKIPPED = "skip"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A step's end: what is printed of it."""

    step: Step
    verdict: Verdict
    seconds: float
    said: str = ""


def deployed() -> dict[str, str]:
    """Return an environment like production's, with nobody's secrets, for tools that connect nowhere."""
    return {
        "DJANGO_SETTINGS_MODULE": "schoolsbuddy.settings",
        "DATABASE_URL": "postgresql://schoolsbuddy_app:x@127.0.0.1:1/schoolsbuddy",
        "DATABASE_OWNER_URL": "postgresql://schoolsbuddy_owner:x@127.0.0.1:1/schoolsbuddy",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_KEYS": Fernet.generate_key().decode(),
        "SITE_URL": "https://schoolsbuddy.example",
        "ALLOWED_HOSTS": "schoolsbuddy.example",
        "DEBUG": "0",
        "INSECURE_LOCAL": "0",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": "1",
        "DEFAULT_FROM_EMAIL": "SchoolsBuddy <hello@schoolsbuddy.example>",
        "FILES_DIR": str(places.ROOT / ".local" / "check"),
    }


def steps() -> list[Step]:
    """List what is checked, in the order of the report."""
    site = deployed()
    strict = ["check", "--deploy", "--fail-level", "WARNING"]
    served = [PYTHON, "-m", "local.with_services", "--name", "check", "--"]
    return [
        Step("ruff check", ["ruff", "check", "."]),
        Step("ruff format", ["ruff", "format", "--check", "."]),
        Step("mypy", ["mypy", "."], site),
        Step("import-linter", ["lint-imports"], site),
        Step("djlint", ["djlint", "--lint", "--quiet", "."]),
        Step("django check --deploy", [PYTHON, "manage.py", *strict], site),
        Step("migrations match models", [*served, PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"]),
        _compose(),
        Step("pip-audit", AUDIT, excuse=unreachable),
    ]


AUDIT = ("pip-audit", "-r", "requirements.txt", "--require-hashes", "--disable-pip", "--progress-spinner=off")
CLOSED_NETWORK = ("ConnectionError", "Max retries exceeded", "ProxyError", "HTTPError", "SSLError", "timed out")
REQUIRED_BY_COMPOSE = {
    "POSTGRES_PASSWORD": "x",
    "OWNER_PASSWORD": "x",
    "APP_PASSWORD": "x",
    "REDIS_PASSWORD": "x",
    "SECRET_KEY": "x",
    "FIELD_KEYS": "x",
    "SITE_URL": "https://schoolsbuddy.example",
    "ALLOWED_HOSTS": "schoolsbuddy.example",
    "EMAIL_HOST": "mail.schoolsbuddy.example",
    "DEFAULT_FROM_EMAIL": "hello@schoolsbuddy.example",
}


def unreachable(output: str) -> str | None:
    """Say so where pip-audit reached no service that knows the packages: nothing was judged then."""
    if "known vulnerabilit" in output and "No known vulnerabilit" not in output:
        return None
    unknown = output.count("could not be audited")
    if unknown:
        return f"no advisory service reachable ({unknown} packages unknown to the one asked)"
    return "no advisory service reachable" if any(sign in output for sign in CLOSED_NETWORK) else None


def _compose() -> Step:
    """Validate docker-compose.yml with whichever generation of the tool is here; neither needs an engine for it."""
    tool = compose_tool()
    if tool is None:
        missing = [PYTHON, "-c", "raise SystemExit(1)"]
        return Step("docker-compose config", missing, excuse=lambda _: "no docker-compose on this machine")
    environment = {"DOCKER_HOST": "unix:///nonexistent", **REQUIRED_BY_COMPOSE}
    return Step("docker-compose config", [*tool, "config", "-q"], environment)


def compose_tool() -> list[str] | None:
    """`docker-compose` or `docker compose`, whichever answers; None when neither does."""
    for tool in (["docker-compose"], ["docker", "compose"]):
        if (
            shutil.which(tool[0])
            and not subprocess.run([*tool, "version"], capture_output=True, check=False).returncode
        ):
            return tool
    return None


def run(step: Step) -> Outcome:
    """Run one step to its end."""
    begun = time.monotonic()
    # The tools of the virtual environment come first, whether it is activated or not.
    path = os.pathsep.join([str(Path(PYTHON).parent), os.environ.get("PATH", os.defpath)])
    try:
        done = subprocess.run(
            step.command,
            cwd=places.ROOT,
            env=os.environ | {"PATH": path} | dict(step.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as fault:
        return Outcome(step=step, verdict=Verdict.FAIL, seconds=0, said=str(fault))
    seconds = time.monotonic() - begun
    if excuse := step.excuse(done.stdout):
        return Outcome(step=step, verdict=Verdict.SKIPPED, seconds=seconds, said=excuse)
    verdict = Verdict.FAIL if done.returncode else Verdict.OK
    return Outcome(step=step, verdict=verdict, seconds=seconds, said=done.stdout)


def main() -> int:
    """Run every step, report each, explain the failures at the end; 1 when there is one."""
    services.exit_on_signals()
    outcomes = []
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        for outcome in pool.map(run, steps()):
            outcomes.append(outcome)
            reason = f" skipped: {outcome.said}" if outcome.verdict is Verdict.SKIPPED else ""
            print(f"{outcome.verdict:<4} {outcome.step.name:<26} {outcome.seconds:5.1f} s{reason}", flush=True)
    failed = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    for outcome in failed:
        print(f"\n--- {outcome.step.name} ---\n{outcome.said.rstrip()}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
