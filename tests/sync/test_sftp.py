"""The second door out, against a real server: whose it is, who we are, what is read, and all that can go wrong."""

import io
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from local.simulators.sftp import PASSWORD, USER, SftpServer, serving
from sync.connector import Reach
from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from sync.records import Complete, Kind, Student
from sync.sftp import Entry, Login, Sftp

ROSTER = "ref,given_name,family_name\n1,Ann,Lee\n"
LONG_AGO = time.time() - 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder in which the MIS has left a roster an hour ago."""
    folder = tmp_path / "far"
    (folder / "drop").mkdir(parents=True)
    lay(folder / "drop" / "students.csv", ROSTER)
    return folder


def lay(path: Path, text: str, *, at: float = LONG_AGO) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


@pytest.fixture
def server(root: Path) -> Iterator[SftpServer]:
    with serving(root) as found:
        yield found


def login(server: SftpServer, **other: str) -> Login:
    known = {"user": USER, "password": PASSWORD, "fingerprint": server.fingerprint, **other}
    return Login(host="127.0.0.1", port=server.port, **known)


def door(**how: float) -> Sftp:
    return Sftp(loopback=True, timeout=how.pop("timeout", 20), **how)  # type: ignore[arg-type] # a number of bytes


def connector(server: SftpServer, **other: str) -> CsvFiles:
    known = {
        "user": USER,
        "password": PASSWORD,
        "fingerprint": server.fingerprint,
        "folder": "",
        "far_folder": "/drop",
        **other,
    }
    settings = CsvSettings(place="sftp", host="127.0.0.1", port=str(server.port), **known)
    return CsvFiles(settings, Http(), sftp=door())


def fault(server: SftpServer, **other: str) -> SyncError:
    with pytest.raises(SyncError) as caught:
        list(connector(server, **other).roster())
    return caught.value


def test_the_newest_batch_is_read_and_nothing_is_written(server: SftpServer, root: Path) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    records = list(connector(server).roster())
    assert records == [
        Student(ref="1", given_name="Ann", family_name="Lee"),
        Complete(kind=Kind.STUDENTS, rows=1),
    ]
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert set(server.asked) <= {"list", "open", "stat"}


def test_nothing_secret_goes_to_a_server_that_shows_another_key(server: SftpServer) -> None:
    other = f"SHA256:{'A' * 43}"
    said = fault(server, fingerprint=other)
    assert isinstance(said, Refused)
    assert server.fingerprint in str(said)
    assert isinstance(fault(server, fingerprint=""), Refused)
    assert server.attempts == []


def test_the_connection_test_names_the_key_that_it_meets(server: SftpServer) -> None:
    (unknown,) = connector(server, fingerprint="").probe()
    assert unknown.reach is Reach.FAULTY
    assert server.fingerprint in unknown.text
    assert server.attempts == []
    known, *parts = connector(server).probe()
    assert known.reach is Reach.READS
    assert {part.part for part in parts if part.reach is Reach.READS} == {"Students"}


@pytest.mark.parametrize("other", [{"password": "another one"}, {"user": "somebody"}])
def test_a_wrong_user_or_password_is_refused_without_being_told(server: SftpServer, other: dict[str, str]) -> None:
    said = fault(server, **other)
    assert isinstance(said, Refused)
    assert "enter them again" in str(said)
    assert not any(secret in str(said) for secret in (PASSWORD, USER, *other.values()))
    assert said.__cause__ is said.__context__ is None


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_a_private_key_is_as_good_as_a_password(root: Path, kind: str) -> None:
    key = paramiko.RSAKey.generate(2048) if kind == "rsa" else paramiko.ECDSAKey.generate()
    text = io.StringIO()
    key.write_private_key(text)
    with serving(root, client_key=key) as server:
        assert len(list(connector(server, password="", private_key=text.getvalue()).roster())) == 2
        assert server.attempts == ["publickey"] * len(server.attempts)
        other = io.StringIO()
        paramiko.RSAKey.generate(2048).write_private_key(other)
        assert isinstance(fault(server, password="", private_key=other.getvalue()), Refused)


def test_a_private_key_that_cannot_be_read_is_refused_before_anything_is_sent(server: SftpServer) -> None:
    locked = io.StringIO()
    paramiko.RSAKey.generate(2048).write_private_key(locked, password="a passphrase")
    for key in ("no key at all", locked.getvalue()):
        assert "cannot be read" in str(fault(server, password="", private_key=key))
    assert server.attempts == []


def test_settings_and_login_never_show_a_secret() -> None:
    known = {"password": "very secret", "folder": "/", "host": "files.school.example", "user": "u"}
    settings = CsvSettings(place="sftp", **known)
    assert "very secret" not in repr(settings)
    shown = repr(Login(host="files.school.example", port=22, user="u-1", password="very secret", private_key="p-k"))
    assert not any(secret in shown for secret in ("very secret", "u-1", "p-k"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"host": ""}, "needs host, user"),
        ({"password": ""}, "either password or private_key"),
        ({"private_key": "both"}, "either password or private_key"),
        ({"port": "0"}, "from 1 to 65535"),
        ({"port": "ssh"}, "from 1 to 65535"),
        ({"fingerprint": "aa:bb:cc"}, "fingerprint is written SHA256:"),
        ({"place": "ftp"}, "place is one of"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given: dict[str, str], words: str) -> None:
    known = {"place": "sftp", "folder": "/", "host": "files.school.example", "user": "u", "password": "p"}
    with pytest.raises(ValueError, match=words):
        CsvSettings(**known | given)


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("cut", Busy, "hung up"),
        ("grows", Busy, "changed while it was read"),
        ("forbidden", Refused, "does not let us read"),
        ("no-sftp", Busy, "hung up"),
        ("strange-letters", Broken, "not UTF-8"),
    ],
)
def test_a_server_that_fails_is_told_apart_by_what_happens_next(
    root: Path, name: str, error: type[SyncError], words: str
) -> None:
    lay(root / "drop" / "students.csv", ROSTER + "2,Bo,Li\n" * 20_000)
    with serving(root, fault=name) as server:
        said = fault(server)
    assert isinstance(said, error)
    assert words in str(said)
    assert "students" not in str(said)


def test_a_server_that_says_nothing_is_left_in_time(root: Path) -> None:
    with serving(root, fault="silent") as server, pytest.raises(Busy):
        door(timeout=0.5).fingerprint(host="127.0.0.1", port=server.port)


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Busy, match="could not be reached"):
        door().fingerprint(host="127.0.0.1", port=port)
    with pytest.raises(Busy, match="could not be reached"):
        door().fingerprint(host="nowhere.invalid", port=22)


@pytest.mark.parametrize("host", ["files..school.example", f"{'x' * 64}.example"])
def test_a_host_that_can_be_none_is_a_setting_to_correct(host: str) -> None:
    with pytest.raises(Broken, match="no name of a host"):
        door().fingerprint(host=host, port=22)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "192.168.1.1"])
def test_private_addresses_are_refused_without_a_byte(server: SftpServer, host: str) -> None:
    with pytest.raises(Refused, match="private address"):
        Sftp(timeout=1).fingerprint(host=host, port=server.port)


def test_a_folder_that_is_not_there_is_named_as_such(server: SftpServer) -> None:
    said = fault(server, far_folder="/elsewhere")
    assert isinstance(said, Broken)
    assert "elsewhere" not in str(said)


def test_names_that_lead_elsewhere_are_not_seen(root: Path, tmp_path: Path) -> None:
    with serving(root, fault="strange-names") as server, door().open(login(server)) as far:
        assert [entry.name for entry in far.listed("/drop")] == ["students.csv"]


def test_a_file_longer_than_it_may_be_is_not_fetched(server: SftpServer, tmp_path: Path) -> None:
    with Sftp(loopback=True, longest=5).open(login(server)) as far, pytest.raises(Broken, match="larger"):
        far.fetch(far.listed("/drop")[0], tmp_path / "x")
    with door().open(login(server)) as far:
        (entry,) = far.listed("/drop")
        with pytest.raises(Busy, match="changed"):
            far.fetch(Entry(path=entry.path, name=entry.name, size=5, changed=entry.changed), tmp_path / "y")


def test_what_lies_in_our_own_way_is_our_own_fault(server: SftpServer, tmp_path: Path) -> None:
    with door().open(login(server)) as far:
        (entry,) = far.listed("/drop")
        with pytest.raises(FileNotFoundError):
            far.fetch(entry, tmp_path / "nowhere" / "x")
