"""One command beside servers of its own: its status comes through and nothing keeps running, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from local import keys, places, postgres, processes, services
from local.places import InUseError, Place

TELL = """
import json, os, pathlib, sys
names = ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL"]
pathlib.Path(sys.argv[1]).write_text(json.dumps({name: os.environ[name] for name in names}))
"""


def begin(place: Place, *command: str) -> subprocess.Popen[bytes]:
    """Start `python -m local.with_services` for a command."""
    line = [sys.executable, "-m", "local.with_services", "--name", place.name, "--", *command]
    return subprocess.Popen(line, cwd=places.ROOT, stdin=subprocess.DEVNULL)


def begin_and_wait_for(place: Place, told: Path) -> subprocess.Popen[bytes]:
    """Start a command that says where the servers are and then sleeps; return when it has said so."""
    waiting = f"{TELL}\nimport time\npathlib.Path(sys.argv[1] + '.done').touch()\ntime.sleep(60)"
    process = begin(place, sys.executable, "-c", waiting, str(told))
    assert processes.until(told.with_name(told.name + ".done").exists, seconds=60)
    return process


def ports(told: Path) -> list[int]:
    """The servers' ports, as the command was told."""
    return [urlsplit(url).port or 0 for url in json.loads(told.read_text()).values()]


def test_the_exit_status_is_the_commands(place: Place) -> None:
    assert begin(place, "sh", "-c", "exit 7").wait(timeout=60) == 7


def test_a_killed_command_reads_as_in_a_shell(place: Place) -> None:
    assert begin(place, "sh", "-c", "kill -9 $$").wait(timeout=60) == 128 + signal.SIGKILL


def test_a_missing_program_is_127_as_in_a_shell(place: Place) -> None:
    assert begin(place, "no-such-program-here").wait(timeout=60) == 127


def test_the_servers_are_gone_afterwards(place: Place, tmp_path: Path) -> None:
    told = tmp_path / "told"
    assert begin(place, sys.executable, "-c", TELL, str(told)).wait(timeout=60) == 0
    assert not any(processes.answers(port) for port in ports(told))


def test_sigterm_stops_the_servers_and_the_command(place: Place, tmp_path: Path) -> None:
    process = begin_and_wait_for(place, tmp_path / "told")
    process.terminate()
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert not any(processes.answers(port) for port in ports(tmp_path / "told"))


def test_the_next_run_recovers_from_sigkill(place: Place, tmp_path: Path) -> None:
    process = begin_and_wait_for(place, tmp_path / "told")
    process.kill()
    process.wait()
    orphans = ports(tmp_path / "told")
    assert all(processes.answers(port) for port in orphans)
    assert begin(place, "true").wait(timeout=60) == 0
    assert not any(processes.answers(port) for port in orphans)


def test_a_stale_pid_file_naming_a_stranger_is_no_obstacle(place: Place) -> None:
    assert begin(place, "true").wait(timeout=60) == 0
    stranger = subprocess.Popen(["sleep", "60"])
    versions = [*place.home.glob("postgres/data/PG_VERSION"), *place.outside.glob("postgres/data/PG_VERSION")]
    data = versions[0].parent
    (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n")
    (place.home / "redis.pid").write_text(f"{stranger.pid}\n6379\n")
    try:
        assert begin(place, "true").wait(timeout=60) == 0
        assert stranger.poll() is None, "a process that is not ours was ended"
    finally:
        stranger.kill()
        stranger.wait()


def test_a_second_claim_of_a_name_is_refused_and_the_next_name_is_free(place: Place) -> None:
    with place.claimed():
        with pytest.raises(InUseError), Place(name=place.name).claimed():
            pytest.fail("two processes hold one place")
        with places.claim_first_free(place.name) as other:
            assert other.name == f"{place.name}-2"
    other.home.joinpath("lock").unlink()
    other.logs.rmdir()
    other.home.rmdir()


def test_secrets_are_kept_and_are_the_owners_only(place: Place) -> None:
    place.make()
    first = keys.of(place.home)
    assert keys.of(place.home) == first
    assert len(set(first.values())) == len(keys.MAKERS)
    assert (place.home / "secrets.env").stat().st_mode & 0o777 == 0o600


def test_the_roles(place: Place) -> None:
    """roles.sql can run again, gives nobody too much, and the reader is taken on purpose only."""
    with place.claimed(), services.running(place) as pair:
        server = pair.postgres
        for _ in range(2):
            with psycopg.connect(server.url(role=postgres.SUPERUSER), autocommit=True) as superuser:
                superuser.execute(postgres.ROLES_SQL.read_bytes())
        found = superuser_says(server, "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreatedb FROM pg_roles")
        roles = {row[0]: row[1:] for row in found}
        assert roles["schoolsbuddy_app"] == (True, False, False, False)
        assert roles["schoolsbuddy_owner"] == (True, False, False, True)
        assert roles["schoolsbuddy_reader"] == (False, False, False, False)
        with psycopg.connect(server.url(role="schoolsbuddy_owner")) as owner:
            owner.execute("CREATE TABLE fact (said text)")
            owner.execute("GRANT SELECT ON fact TO schoolsbuddy_reader")
        with psycopg.connect(server.url(role="schoolsbuddy_app"), autocommit=True) as app:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("SELECT FROM fact")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("CREATE TABLE mine (x text)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute("SET ROLE schoolsbuddy_owner")
            app.execute("CREATE TEMPORARY TABLE staging (x text)")
            app.execute("SET ROLE schoolsbuddy_reader")
            app.execute("SELECT FROM fact")


def superuser_says(server: postgres.Postgres, question: str) -> list[tuple[object, ...]]:
    """Rows that the superuser sees."""
    with psycopg.connect(server.url(role=postgres.SUPERUSER)) as superuser:
        return superuser.execute(question.encode()).fetchall()


def test_the_servers_want_passwords(place: Place) -> None:
    with place.claimed(), services.running(place) as pair:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=processes.LOOPBACK, port=pair.postgres.port, user="postgres", dbname="postgres")
        assert pair.environment()["REDIS_URL"].startswith("redis://:")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root lends its server to another user")
def test_a_checkout_closed_to_others_still_has_a_database(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As under /root: neither programs nor data can be reached by the server's user, so both lie outside."""
    # A context: the wiping afterwards must see the machine as it is.
    with monkeypatch.context() as closed:
        closed.setattr(postgres, "_reaches", lambda *_: False)
        with place.claimed(), services.running(place) as pair:
            assert superuser_says(pair.postgres, "SHOW data_directory") == [(str(place.outside / "postgres" / "data"),)]
    postgres.wipe(place)
    assert not place.outside.exists()
    assert not places.outside_the_checkout().exists(), "the copy of the programs is of no use to this checkout"
