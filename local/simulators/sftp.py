"""A server for SFTP on the loopback, which shows the files of one folder of this machine and lets nobody write."""

import base64
import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import paramiko
from paramiko import common, sftp

USER: Final = "northgate"
PASSWORD: Final = "a long password"  # noqa: S105 of a server that lives for one test
FAULTS: Final = ("cut", "grows", "forbidden", "no-sftp", "silent", "strange-letters", "strange-names")


class SftpServer:
    """One server: `key` proves who it is, `attempts` are the ways in that were tried, `asked` what was done.

    "cut" hangs up in the middle of a file, "grows" has every file changed when it is opened, "forbidden" refuses to
    list, "no-sftp" speaks SSH alone, "silent" says nothing at all, "strange-letters" has a name that is no UTF-8,
    "strange-names" has names that lead elsewhere.
    """

    def __init__(self, root: Path, *, client_key: paramiko.PKey | None = None, fault: str = "") -> None:
        self.root, self.client_key, self.fault = root, client_key, fault
        self.key = paramiko.ECDSAKey.generate()
        self.attempts: list[str] = []
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[paramiko.Transport | socket.socket] = []

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    @property
    def fingerprint(self) -> str:
        """Its key, as OpenSSH prints it."""
        return f"SHA256:{base64.b64encode(hashlib.sha256(self.key.asbytes()).digest()).decode().rstrip('=')}"

    def serve(self) -> None:
        """Answer until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                self._welcome(self._listener.accept()[0])

    def _welcome(self, sock: socket.socket) -> None:
        self._open.append(sock)
        if self.fault == "silent":
            return
        transport = paramiko.Transport(sock)
        self._open.append(transport)
        transport.add_server_key(self.key)
        if self.fault != "no-sftp":
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):  # a client that hangs up is no news
            transport.start_server(server=_Door(self))

    def hang_up(self) -> None:
        """End every connection."""
        for each in self._open:
            each.close()

    def close(self) -> None:
        """End it all."""
        with contextlib.suppress(OSError):  # it wakes whoever waits for a client
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()


@contextlib.contextmanager
def serving(root: Path, *, client_key: paramiko.PKey | None = None, fault: str = "") -> Iterator[SftpServer]:
    """Serve a folder on a free port."""
    server = SftpServer(root, client_key=client_key, fault=fault)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(timeout=5)


class _Door(paramiko.ServerInterface):
    """Lets in one user, by password or by key."""

    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.attempts.append("password")
        return _yes((username, password) == (USER, PASSWORD))

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        self._server.attempts.append("publickey")
        return _yes(username == USER and key == self._server.client_key)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return common.OPEN_SUCCEEDED if kind == "session" else common.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE


def _yes(welcome: bool) -> int:  # noqa: FBT001 an answer, not a switch
    return common.AUTH_SUCCESSFUL if welcome else common.AUTH_FAILED


class _Files(paramiko.SFTPServerInterface):
    """Shows the folder."""

    def __init__(self, door: paramiko.ServerInterface, server: SftpServer) -> None:
        super().__init__(door)
        self._server = server

    def _noted(self, action: str, path: str) -> Path:
        self._server.asked.append(action)
        return self._server.root / path.strip("/")

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        here = self._noted("list", path)
        if self._server.fault == "forbidden":
            return sftp.SFTP_PERMISSION_DENIED
        if not here.is_dir():
            return sftp.SFTP_NO_SUCH_FILE
        found = [paramiko.SFTPAttributes.from_stat(each.stat(), each.name) for each in here.iterdir()]
        if self._server.fault == "strange-letters":
            found[0].filename = "Schüler.csv".encode("latin-1")  # type: ignore[assignment] # as it goes over the wire
        if self._server.fault == "strange-names" and found:
            seen = next(here.iterdir()).stat()
            names = ("../students.csv", "..", "/etc/students.csv")
            found += [paramiko.SFTPAttributes.from_stat(seen, name) for name in names]
        return found

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        return _attributes(self._noted("stat", path))

    lstat = stat

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:
        here = self._noted("open", path)
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return sftp.SFTP_PERMISSION_DENIED
        if not here.is_file():
            return sftp.SFTP_NO_SUCH_FILE
        if self._server.fault == "grows":
            here.write_bytes(here.read_bytes() + b"\n")
        return _Reading(here, hang_up=self._server.hang_up if self._server.fault == "cut" else None)


def _attributes(path: Path) -> paramiko.SFTPAttributes | int:
    return paramiko.SFTPAttributes.from_stat(path.stat()) if path.exists() else sftp.SFTP_NO_SUCH_FILE


class _Reading(paramiko.SFTPHandle):
    """An open file."""

    def __init__(self, path: Path, *, hang_up: Callable[[], None] | None) -> None:
        super().__init__(os.O_RDONLY)
        self._path, self._hang_up = path, hang_up

    def read(self, offset: int, length: int) -> bytes | int:
        if self._hang_up and offset:
            self._hang_up()
            return sftp.SFTP_FAILURE
        return self._path.read_bytes()[offset : offset + length]

    def stat(self) -> paramiko.SFTPAttributes | int:
        return _attributes(self._path)
