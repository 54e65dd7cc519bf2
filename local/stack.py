"""SchoolsBuddy whole, on one machine: servers, migrations, static files, mail, simulators, worker, web, beat."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import http.client
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from local import places, processes, services
from local.crew import Crew
from local.places import Place
from local.processes import LOOPBACK
from local.progress import step

PYTHON = sys.executable
# The clock and the marks of the day wait for nobody's night, so each has a worker of its own, as in production.
WORKERS = {
    "worker": ["-Q", "roster,asked", "--concurrency", "2", "--loglevel", "INFO"],
    "worker-attendance": ["-Q", "attendance", "--concurrency", "1", "--loglevel", "INFO"],
    "worker-clock": ["-Q", "clock,mail,celery", "--concurrency", "2", "--loglevel", "INFO"],
}
NOT_OURS = {".venv", ".git", ".local", "node_modules", "__pycache__"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running SchoolsBuddy."""

    crew: Crew
    web_port: int
    mail_port: int
    control_port: int

    @property
    def url(self) -> str:
        """Where the site answers, without a slash at the end: by a name, because passkeys need one."""
        return f"http://localhost:{self.web_port}"

    @property
    def mail_url(self) -> str:
        """Where the caught mail is shown."""
        return f"http://localhost:{self.mail_port}"

    @property
    def control_url(self) -> str:
        """Where the simulators are seen and moved."""
        return f"http://localhost:{self.control_port}"

    def logins(self) -> dict[str, dict[str, str]]:
        """Who can sign in: name → email, password, home (a path). Written by the seed."""
        file = self.crew.place.home / "logins.json"
        found: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.exists() else {}
        return found


@contextlib.contextmanager
def running(
    place: Place, *, web_port: int, mail_port: int, control_port: int, night: int, durable: bool
) -> Iterator[Stack]:
    """Run everything inside the block, the world moved to `night`. The caller has claimed the place.

    Raises StartError, which names the process and quotes its log.
    """
    with contextlib.ExitStack() as opened:
        with step("PostgreSQL and Redis"):
            pair = opened.enter_context(services.running(place, durable=durable))
        smtp_port = processes.free_port()
        environment = pair.environment(web_port=web_port, mail_port=smtp_port)
        # As in production, only what migrates and sets up knows the owner's password: site and workers do not.
        owner = {"DATABASE_OWNER_URL": environment.pop("DATABASE_OWNER_URL")}
        # PYTHONUNBUFFERED: a log shows what happened now, not what fitted into a buffer.
        more = {"LOCAL_HOME": str(place.home), "PYTHONUNBUFFERED": "1"}
        crew = opened.enter_context(Crew(place, environment=environment | more))
        _prepare(crew, owner=owner)
        site = Stack(crew=crew, web_port=web_port, mail_port=mail_port, control_port=control_port)
        _start(site, smtp_port=smtp_port)
        _seed(site, night=night, owner=owner)
        yield site


def _prepare(crew: Crew, *, owner: Mapping[str, str]) -> None:
    with step("migrations"):
        crew.run("migrate", [PYTHON, "manage.py", "migrate", "--database=owner", "--noinput"], more=owner)
    with step("catalogue of systems"):
        crew.run("catalogue", [PYTHON, "manage.py", "load_catalogue"])
    now, stamp = _static_state(), crew.place.home / "static.stamp"
    if stamp.exists() and stamp.read_text() == now and Path(crew.environment["STATIC_ROOT"]).is_dir():
        return
    with step("static files"):
        crew.run("collectstatic", [PYTHON, "manage.py", "collectstatic", "--noinput"])
    stamp.write_text(now)


def _start(site: Stack, *, smtp_port: int) -> None:
    crew, home = site.crew, site.crew.place.home
    with step("mail catcher"):
        ports = ["--smtp-port", str(smtp_port), "--page-port", str(site.mail_port)]
        command = [PYTHON, "-m", "local.mail", *ports, "--folder", str(home / "mail")]
        crew.start("mail", command, ready=lambda: processes.answers(smtp_port) and processes.answers(site.mail_port))
    with step("simulators of the MISs"):
        where = ["--port", str(site.control_port), "--folder", str(home / "uploads"), "--site", site.url]
        command = [PYTHON, "-m", "local.simulators", *where]
        crew.start("simulators", command, ready=lambda: processes.answers(site.control_port))
    with step("Celery workers"):
        for name, queues in WORKERS.items():
            crew.start(name, _worker(queues), ready=functools.partial(_works, crew.place.log(name)))
    with step("web server"):
        crew.start("web", _web(site.web_port), ready=lambda: _healthy(site.web_port), more={"DATABASE_POOL": "6"})


def _seed(site: Stack, *, night: int, owner: Mapping[str, str]) -> None:
    """Fill the schools through the worker; only then let beat start syncs of its own."""
    crew = site.crew
    with step(f"demo schools, night {night}, synced by the worker"):
        where = ["--simulators", f"http://{LOOPBACK}:{site.control_port}"]
        crew.run("seed", [PYTHON, "-m", "local.seed", "--night", str(night), *where], more=owner)
    with step("Celery beat"):
        schedule = ["--schedule", str(crew.place.home / "beat-schedule"), "--pidfile="]
        command = [PYTHON, "-m", "celery", "-A", "schoolsbuddy", "beat", *schedule, "--loglevel", "INFO"]
        crew.start("beat", command, ready=lambda: "beat: Starting" in _text(crew.place.log("beat")))


def _worker(queues: list[str]) -> list[str]:
    # It has no neighbours to look for.
    return [PYTHON, "-m", "celery", "-A", "schoolsbuddy", "worker", *queues, "--without-mingle", "--without-gossip"]


def _works(log: Path) -> bool:
    return " ready." in _text(log)


def _web(port: int) -> list[str]:
    size = ["--worker-class", "gthread", "--workers", "2", "--threads", "4"]
    # Its control socket would lie in the home directory and be shared by every gunicorn of this person.
    where = ["--bind", f"{LOOPBACK}:{port}", "--access-logfile", "-", "--no-control-socket"]
    return [PYTHON, "-m", "gunicorn", "schoolsbuddy.wsgi", *size, *where]


def _healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    return False


def _text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""


def _static_state() -> str:
    """Take a fingerprint of every static file of ours and of the versions of everybody else's."""
    digest = hashlib.sha256((places.ROOT / "requirements.txt").read_bytes())
    for folder, inner, files in os.walk(places.ROOT):
        inner[:] = sorted(name for name in inner if name not in NOT_OURS)
        if "static" in Path(folder).relative_to(places.ROOT).parts:
            for file in sorted(files):
                found = Path(folder, file).stat()
                digest.update(f"{folder}/{file} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
