"""The second door out: reading files over SFTP, and nothing but reading (R20).

It keeps to the rules of the first, `sync/http.py`: only public addresses (this machine for the demo), time-outs always,
nothing longer than it may be, and no text that holds a user, a password, a key or a path. Whose server it is must be
known beforehand by the fingerprint of its key; nothing secret is sent to a server that shows another.
"""

import base64
import dataclasses
import hashlib
import hmac
import io
import logging
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, TypeVar

import paramiko

from sync.errors import Broken, Busy, Refused, SyncError
from sync.http.addresses import demand_allowed

# paramiko tells its log whose key and which user were tried.
logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)

LONGEST: Final = 256 * 1024 * 1024  # bytes of one file
MOST_ENTRIES: Final = 5_000  # names in one folder
TIMEOUT: Final = 30.0  # seconds for each step: connect, greet, sign in, list, and each piece of a file
_CHUNK: Final = 1 << 15  # bytes: the most that every server gives at once
_KEYS: Final[tuple[type[paramiko.PKey], ...]] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)
# UnicodeError is a host that cannot be one, or a name of a file that is no UTF-8.
_FAULTS: Final = (OSError, EOFError, UnicodeError, paramiko.SSHException, paramiko.SFTPError)

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Login:
    """Where and as whom; either a password or a private key. `fingerprint` is written SHA256:…, as OpenSSH does."""

    host: str
    port: int
    user: str = dataclasses.field(repr=False)
    password: str = dataclasses.field(repr=False, default="")
    private_key: str = dataclasses.field(repr=False, default="")
    fingerprint: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """One name in a folder, here or there; `changed` is in seconds since 1970."""

    path: str
    name: str
    size: int
    changed: float
    is_folder: bool = False


class Sftp:
    """Opens folders of other machines. Of no use until then: it holds no connection.

    `loopback` lets it speak to this machine (the demo's and the tests' servers).
    """

    def __init__(self, *, loopback: bool = False, timeout: float = TIMEOUT, longest: int = LONGEST) -> None:
        self._loopback, self._timeout, self._longest = loopback, timeout, longest

    def fingerprint(self, *, host: str, port: int) -> str:
        """Return the fingerprint of the key that a server shows; nothing secret is sent.

        Raises:
            Refused: an address we do not go to.
            Busy, Broken: see `open`.
        """
        with self._greeted(host, port) as transport:
            return _tried(host, lambda: _fingerprint(transport))

    @contextmanager
    def open(self, login: Login) -> Iterator["SftpFolders"]:
        """Sign in.

        Raises:
            Refused: an address we do not go to, a key that is not the server's, a password or key that is refused.
            Busy: the server cannot be reached, is too slow, or hangs up.
            Broken: it speaks no SFTP.
        """
        own = _private_key(login)
        with self._greeted(login.host, login.port) as transport:
            seen = _tried(login.host, lambda: _fingerprint(transport))
            if not same_fingerprint(seen, login.fingerprint):
                raise Refused(another_key(login.host, seen))
            with _tried(login.host, lambda: _signed_in(transport, login, own)) as client:
                client.get_channel().settimeout(self._timeout)  # type: ignore[union-attr] # it was just opened
                yield SftpFolders(client, host=login.host, longest=self._longest)

    @contextmanager
    def _greeted(self, host: str, port: int) -> Iterator[paramiko.Transport]:
        transport = _tried(host, lambda: paramiko.Transport(self._connected(host, port)))
        try:
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = self._timeout
            _tried(host, lambda: transport.start_client(timeout=self._timeout))
            yield transport
        finally:
            transport.close()

    def _connected(self, host: str, port: int) -> socket.socket:
        """Connect to the first address that answers; each is looked at before a byte is sent."""
        fault: OSError | None = None
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            demand_allowed(str(address[0]), host, loopback=self._loopback)
            try:
                return socket.create_connection((str(address[0]), port), timeout=self._timeout)
            except OSError as failed:
                fault = failed
        raise fault or OSError


class SftpFolders:
    """The folders of one server, while signed in."""

    def __init__(self, client: paramiko.SFTPClient, *, host: str, longest: int) -> None:
        self._client, self._host, self._longest = client, host, longest

    def listed(self, folder: str) -> list[Entry]:
        """Return what is in a folder; names that lead elsewhere are left out.

        Raises:
            Broken: there is no such folder, or far too much in it.
            Refused: it may not be read.
            Busy: the server does not answer.
        """
        return _tried(self._host, lambda: self._list(folder))

    def _list(self, folder: str) -> list[Entry]:
        found: list[Entry] = []
        for number, seen in enumerate(self._client.listdir_iter(folder or ".")):
            if number >= MOST_ENTRIES:
                raise Broken(f"The folder at {self._host} holds more than {MOST_ENTRIES} files. Remove the old ones.")
            mode = seen.st_mode or 0
            if _is_name(seen.filename) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                found.append(_entry(folder, seen))
        return found

    def fetch(self, entry: Entry, into: Path) -> None:
        """Copy a file.

        Raises:
            Broken: it is longer than it may be.
            Refused: it may not be read.
            Busy: it changed meanwhile, or the transfer was cut.
        """
        if entry.size > self._longest:
            raise Broken(f"A file at {self._host} is larger than a school's lists can be; it is not read.")
        with into.open("xb") as near:
            unchanged = _tried(self._host, lambda: self._copied(entry, near))
        if not unchanged:
            raise Busy(f"A file at {self._host} changed while it was read; it will be read again later.")

    def _copied(self, entry: Entry, near: BinaryIO) -> bool:
        """Copy a file; return whether it is still the one that was listed."""
        with self._client.open(entry.path, "rb") as far:
            # One piece after the other: reading ahead is done in a thread, where a cut could not be caught.
            left = entry.size
            while left and (chunk := far.read(min(left, _CHUNK))):
                near.write(chunk)
                left -= len(chunk)
            now = far.stat()
        return not left and (now.st_size, now.st_mtime) == (entry.size, int(entry.changed))


def same_fingerprint(seen: str, known: str) -> bool:
    """Whether the key that was seen is the one that was entered; nothing entered is never the same."""
    return hmac.compare_digest(seen.rstrip("=").encode(), known.strip().rstrip("=").encode())


def another_key(host: str, seen: str) -> str:
    """Return what to tell a school whose server shows a key that nobody has entered."""
    return (
        f"{host} shows a host key that is not the one entered here: {seen}. Ask whoever runs the server whether it is "
        "theirs; only then enter it. Nothing was sent to it."
    )


def _fingerprint(transport: paramiko.Transport) -> str:
    """Return whose server it is; a fault if it has not said so by now, for `start_client` only stops waiting."""
    digest = hashlib.sha256(transport.get_remote_server_key().asbytes()).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _private_key(login: Login) -> paramiko.PKey | None:
    if not login.private_key:
        return None
    for kind in _KEYS:
        try:
            return kind.from_private_key(io.StringIO(f"{login.private_key.strip()}\n"))
        except (paramiko.SSHException, ValueError):
            continue
    raise Refused("The private key for SFTP cannot be read: it is damaged, of another kind, or has a passphrase.")


def _signed_in(transport: paramiko.Transport, login: Login, own: paramiko.PKey | None) -> paramiko.SFTPClient:
    if own:
        transport.auth_publickey(login.user, own)
    else:
        transport.auth_password(login.user, login.password, fallback=False)
    if not transport.is_authenticated():
        raise Refused(f"{login.host} asks for more than a password or a key, which we do not have.")
    client = paramiko.SFTPClient.from_transport(transport)
    if client is None:
        raise Broken(f"{login.host} speaks SSH, but offers no SFTP")
    return client


def _tried(host: str, step: Callable[[], T]) -> T:
    """Take one step, and make one of our errors of whatever goes wrong."""
    try:
        return step()
    except SyncError:
        raise
    except _FAULTS as fault:
        failed = _what_failed(fault, host)
    # Here, not above: the fault would stay attached to the error, and it may quote paths, users and keys.
    raise failed


def _what_failed(fault: Exception, host: str) -> SyncError:
    if isinstance(fault, paramiko.AuthenticationException):
        return Refused(f"{host} refuses the user, password or key for SFTP: enter them again.")
    if isinstance(fault, PermissionError):
        return Refused(f"{host} does not let us read the folder or a file in it: ask for permission to read.")
    if isinstance(fault, FileNotFoundError):
        return Broken(f"The folder at {host} is not there, or a file went away. Correct the folder's name.")
    if isinstance(fault, TimeoutError):
        return Busy(f"{host} did not answer in time; it is tried again later.")
    if isinstance(fault, UnicodeError):
        return Broken(f"{host} is no name of a host, or a file there has a name that is not UTF-8. Correct it.")
    if isinstance(fault, paramiko.SFTPError):
        return Broken(f"{host} answers in a way that is not SFTP")
    return Busy(f"{host} could not be reached or hung up; it is tried again later.")


def _is_name(name: str) -> bool:
    return bool(name) and name not in {".", ".."} and not {"/", "\\", "\0"} & set(name)


def _entry(folder: str, seen: paramiko.SFTPAttributes) -> Entry:
    name = seen.filename
    return Entry(
        path=f"{folder.rstrip('/')}/{name}" if folder else name,
        name=name,
        size=seen.st_size or 0,
        changed=float(seen.st_mtime or 0),
        is_folder=stat.S_ISDIR(seen.st_mode or 0),
    )
