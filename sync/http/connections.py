"""Connections that look where they lead before a byte is sent, and that end an answer which does not end by itself."""

import dataclasses
import http.client
import io
import logging
import socket
import time
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from sync.http.addresses import demand_allowed

# urllib3 writes whole addresses into its log, and some partners want their key in the address.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)


@dataclasses.dataclass
class Limit:
    """How many seconds the next answer may take, from its first byte to its last."""

    seconds: float


def session(*, loopback: bool, limit: Limit) -> requests.Session:
    """Return a session of requests whose connections keep to the rules of this module."""
    made = _Session()
    made.trust_env = False  # no proxy, and no password of .netrc, comes in from the environment
    made.headers["User-Agent"] = "SchoolsBuddy"
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(loopback=loopback, limit=limit))
    return made


class _Session(requests.Session):
    """Sees no redirects, for `Http` does: left to itself it would read their bodies, however long."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Adapter(HTTPAdapter):
    """Makes connections of our own kind; no answer of a name server can change their mind."""

    def __init__(self, *, loopback: bool, limit: Limit) -> None:
        self._loopback, self._limit = loopback, limit
        super().__init__()

    def init_poolmanager(self, *given: Any, **more: Any) -> None:
        super().init_poolmanager(*given, **more)
        self.poolmanager.pool_classes_by_scheme = _pools(loopback=self._loopback, limit=self._limit)


def _pools(*, loopback: bool, limit: Limit) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Timed(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *given: Any, **more: Any) -> None:
            super().__init__(sock, *given, **more)
            self.fp = io.BufferedReader(_Ending(self.fp, sock, seconds=limit.seconds))

    class Plain(HTTPConnection):
        response_class = Timed

        def _new_conn(self) -> socket.socket:
            _demand_resolved(self.host, self.port, loopback=loopback, plain=True)
            return _demand_peer(super()._new_conn(), self.host, loopback=loopback, plain=True)

    class Secure(HTTPSConnection):
        response_class = Timed

        def _new_conn(self) -> socket.socket:
            _demand_resolved(self.host, self.port, loopback=loopback, plain=False)
            return _demand_peer(super()._new_conn(), self.host, loopback=loopback, plain=False)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Ending(io.RawIOBase):
    """What comes in over a socket until the time for all of it is over.

    The time-out of a socket is for one piece, so a host that drips a byte a minute would never meet it.
    """

    def __init__(self, buffered: io.BufferedReader, sock: socket.socket, *, seconds: float) -> None:
        self._raw, self._socket = buffered.detach(), sock
        self._for_a_piece: float = sock.gettimeout() or seconds
        self._over = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._over - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self._socket.settimeout(min(left, self._for_a_piece))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _demand_resolved(host: str, port: int | None, *, loopback: bool, plain: bool) -> None:
    """Refuse a name before anything is connected to; a name that is not known is left to the connection."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return
    for *_, address in found:
        demand_allowed(str(address[0]), host, loopback=loopback, plain=plain)


def _demand_peer(sock: socket.socket, host: str, *, loopback: bool, plain: bool) -> socket.socket:
    try:
        demand_allowed(str(sock.getpeername()[0]), host, loopback=loopback, plain=plain)
    except BaseException:
        sock.close()
        raise
    return sock
