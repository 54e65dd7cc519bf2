"""The first of two doors out: reading over HTTP from the MIS partners, and nothing but reading (R20).

What goes wrong becomes one of `sync.errors`, told apart by what happens next. No text of this module holds a header,
a parameter, a form field, a path or a body: those are secrets and children's data. It names the host and the status.
"""

import dataclasses
import email.utils
import io
import ipaddress
import json
import logging
import random
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, Final, Protocol, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection

from sync.errors import Broken, Busy, Refused, SyncError

log = logging.getLogger(__name__)
# urllib3 writes whole addresses into its log, and some partners want their key in the address.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

LONGEST: Final = 64 * 1024 * 1024  # bytes of one body, decompressed
LONGEST_WAIT: Final = 120.0  # seconds between two tries, whatever Retry-After says
PATIENCE: Final = 300.0  # seconds that all waits for one answer may take together
MOST_REDIRECTS: Final = 5
TIMEOUT: Final = (10.0, 60.0)  # seconds until connected, and between two pieces of an answer
_CHUNK: Final = 64 * 1024
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LATER: Final = frozenset({408, 425, 429})  # and everything from 500 on
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_SHORTEST_SECRET: Final = 6  # shorter values, such as a page number, are no secrets

T = TypeVar("T")
_NO_TLS: Final = "{host} is asked for without TLS; the address has to begin with https://"

Params = Mapping[str, str | int] | Sequence[tuple[str, str]]
Auth = AuthBase | tuple[str, str]


class Pace(Protocol):
    """Keeps all workers together under a partner's rate limit."""

    def wait(self, host: str) -> None:
        """Return as soon as one more request may go to this host."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a host said. `headers` are looked up in any case; `host` is for messages."""

    status: int
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    host: str = ""

    def json(self) -> Any:
        """Return the body read as JSON.

        Raises:
            Broken: it is none; the message does not quote it.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            pass  # raised below, because the fault itself carries the body
        raise Broken(f"{self.host or 'the MIS'} answered with something that is not JSON")


class Seen:
    """The page tokens of one listing: a token that comes twice would have us read for ever."""

    def __init__(self) -> None:
        self._tokens: set[str] = set()

    def check(self, token: str) -> None:
        """Note a token.

        Raises:
            Broken: it came before.
        """
        if token in self._tokens:
            raise Broken("the answer repeats itself: the same next page was named twice")
        self._tokens.add(token)


@dataclasses.dataclass(frozen=True)
class _Call:
    """One request; its repr says nothing."""

    method: str
    url: str = dataclasses.field(repr=False)
    params: Params | None = dataclasses.field(repr=False, default=None)
    headers: Mapping[str, str] | None = dataclasses.field(repr=False, default=None)
    auth: Auth | None = dataclasses.field(repr=False, default=None)
    form: Mapping[str, str] | None = dataclasses.field(repr=False, default=None)
    refusals: frozenset[int] = frozenset({401, 403})
    slowly: bool = False

    @property
    def host(self) -> str:
        return _host(self.url)

    def redacted(self, text: str, *more: str) -> str:
        """The text without whatever this request carried: an explanation may quote what the host echoes."""
        for secret in sorted(self._carried(*more), key=len, reverse=True):
            text = text.replace(secret, "…")
        return text

    def _carried(self, *more: str) -> set[str]:
        pairs: Iterable[tuple[str, str | int]] = (
            self.params.items() if isinstance(self.params, Mapping) else self.params or ()
        )
        values = [*more, *(str(value) for _, value in pairs)]
        values += [*(self.headers or {}).values(), *(self.form or {}).values()]
        values += self.auth if isinstance(self.auth, tuple) else ()
        words = {word for value in values for word in (value, *value.split())}
        return {word for word in words if len(word) >= _SHORTEST_SECRET}


@dataclasses.dataclass(frozen=True)
class _Again:
    """No answer this time: what happened, and how many seconds the host asks us to wait."""

    reason: str
    after: float | None = None


class Http:
    """The requests of one run; a context manager, for it holds connections open.

    `loopback` lets it speak to this machine, without TLS (the demo's simulators); any other private address is refused.
    Of `timeout` (connect, read) the seconds are for one try, of which there are `tries`.
    """

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        loopback: bool = False,
        tries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        longest: int = LONGEST,
        timeout: tuple[float, float] = TIMEOUT,
    ) -> None:
        self._pace, self._loopback, self._tries, self._sleep = pace, loopback, tries, sleep
        self._longest, self._timeout = longest, timeout
        self._session = _Session()
        self._session.trust_env = False  # no proxy, and no password of .netrc, comes in from the environment
        self._session.headers["User-Agent"] = "SchoolsBuddy"
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(loopback=loopback))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def get(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        accept: frozenset[int] = frozenset({200}),
        explain: Callable[[Answer], str] | None = None,
    ) -> Answer:
        """Return the answer, whose status is one of `accept`.

        `explain` puts a 401 or 403 into a sentence for the school's office, "" if it has none.

        Raises:
            Refused: 401 or 403, or an address we do not go to.
            Busy: no whole answer after several tries (429, 5xx, time-out, a body cut short).
            Broken: any other status, a redirect elsewhere, a body longer than `longest`.
        """
        return self._whole(_Call("GET", url, params, headers, auth), accept=accept, explain=explain)

    def token(
        self,
        url: str,
        *,
        form: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        explain: Callable[[Answer], str] | None = None,
    ) -> Answer:
        """Post a form to a token end point, the only thing that is ever posted (R20); errors as in `get`.

        A 400 is `Refused` as well: so OAuth says that it does not know a client (RFC 6749, 5.2).
        """
        call = _Call("POST", url, headers=headers, auth=auth, form=form, refusals=frozenset({400, 401, 403}))
        return self._whole(call, accept=frozenset({200}), explain=explain)

    @contextmanager
    def stream(
        self,
        url: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        explain: Callable[[Answer], str] | None = None,
    ) -> Iterator[BinaryIO]:
        """Open the body of a 200 for reading piece by piece, decompressed; errors as in `get`, also while reading.

        What is streamed is made when it is asked for, so it may be three times as long in coming as other answers.
        """
        call = _Call("GET", url, params, headers, auth, slowly=True)

        def opened(response: requests.Response) -> requests.Response | _Again:
            if response.status_code == requests.codes.ok:
                return response
            return self._unwanted(call, response, explain)

        with self._ask(call, opened) as response, io.BufferedReader(_Body(self._chunks(response)), _CHUNK) as body:
            yield body

    def _whole(self, call: _Call, *, accept: frozenset[int], explain: Callable[[Answer], str] | None) -> Answer:
        def whole(response: requests.Response) -> Answer | _Again:
            if response.status_code not in accept:
                return self._unwanted(call, response, explain)
            with response:
                return self._read(response)

        return self._ask(call, whole)

    def _ask(self, call: _Call, settle: Callable[[requests.Response], T | _Again]) -> T:
        """Try until there is an answer to settle on; between tries wait as asked, or twice as long each time."""
        waited = 0.0
        for attempt in range(1, self._tries + 1):
            sent = self._send(call)
            outcome = sent if isinstance(sent, _Again) else settle(sent)
            if not isinstance(outcome, _Again):
                return outcome
            wait = min(outcome.after if outcome.after is not None else _backoff(attempt), LONGEST_WAIT)
            waited += wait
            if attempt == self._tries or waited > PATIENCE:
                raise Busy(f"{call.host} {outcome.reason}, {attempt} times; it is tried again later")
            log.info("%s %s; trying again in %.1f s", call.host, outcome.reason, wait)
            self._sleep(wait)
        raise Busy(f"{call.host} was not asked")  # with tries=0

    def _send(self, call: _Call) -> requests.Response | _Again:
        """Send the request, follow redirects that stay at home, and return the answer with its body unread."""
        url, params = call.url, call.params
        for _ in range(MOST_REDIRECTS + 1):
            response = self._exchange(call, url, params)
            if isinstance(response, _Again) or response.status_code not in _REDIRECTS:
                return response
            response.close()
            target = _at_home(url, response.headers.get("Location", ""))
            if call.form is not None or target is None:
                raise Broken(f"{call.host} sends us to another address ({response.status_code}), where we do not go")
            url, params = target, None
        raise Broken(f"{call.host} sends us from one address to the next")

    def _exchange(self, call: _Call, url: str, params: Params | None) -> requests.Response | _Again:
        _demand_address(url, loopback=self._loopback)
        if self._pace:
            self._pace.wait(call.host)
        try:
            return self._session.request(
                call.method,
                url,
                params=params,
                headers=call.headers,
                auth=call.auth,
                data=call.form,
                timeout=(self._timeout[0], self._timeout[1] * (3 if call.slowly else 1)),
                allow_redirects=False,
                stream=True,
            )
        except SyncError:
            raise
        except (requests.RequestException, OSError, ValueError) as fault:
            failed = _what_failed(fault)
        # Here, not above: the fault would stay attached to the error, and it quotes addresses and headers.
        if isinstance(failed, str):
            return _Again(failed)
        raise type(failed)(f"{call.host} {failed}")

    def _unwanted(self, call: _Call, response: requests.Response, explain: Callable[[Answer], str] | None) -> _Again:
        status = response.status_code
        with response:
            if status in _LATER or status >= requests.codes.internal_server_error:
                return _Again(f"answered with status {status}", _asked_to_wait(response.headers))
            answer = self._read(response)
        if isinstance(answer, _Again):
            return answer
        if status in call.refusals:
            sent: str | bytes = response.request.headers.get("Authorization", "")  # bytes from a library that signs
            carried = sent.decode("latin-1") if isinstance(sent, bytes) else sent
            text = call.redacted(_explained(answer, explain), carried)
            raise Refused(text or f"{call.host} refused us (status {status})")
        raise Broken(f"{call.host} answered with status {status}")

    def _read(self, response: requests.Response) -> Answer | _Again:
        try:
            body = b"".join(self._chunks(response))
        except Busy:
            return _Again("cut its answer short")
        headers = CaseInsensitiveDict(response.headers)
        return Answer(status=response.status_code, headers=headers, body=body, host=_host(response.url))

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        host, size = _host(response.url), 0
        fault: SyncError | None = None
        try:
            for chunk in response.iter_content(_CHUNK):
                size += len(chunk)
                if size > self._longest:
                    break
                yield chunk
        except requests.exceptions.ContentDecodingError:
            fault = Broken(f"{host} compressed its answer in a way that cannot be read")
        except (requests.RequestException, OSError):
            fault = Busy(f"{host} cut its answer short; it is tried again later")
        if fault:
            raise fault
        if size > self._longest:
            raise Broken(f"{host} answered with more than {self._longest} bytes")


class _Body(io.RawIOBase):
    """Chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._rest = chunk
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)


class _Session(requests.Session):
    """Sees no redirects, for `Http` does: left to itself it would read their bodies, however long."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _Adapter(HTTPAdapter):
    """Connections that look where they lead before a byte is sent, so that no DNS answer can change its mind."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback
        super().__init__()

    def init_poolmanager(self, *given: Any, **more: Any) -> None:
        super().init_poolmanager(*given, **more)
        self.poolmanager.pool_classes_by_scheme = _pools(loopback=self._loopback)


def _pools(*, loopback: bool) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            _demand_resolved(self.host, self.port, loopback=loopback, plain=True)
            return _demand_peer(super()._new_conn(), self.host, loopback=loopback, plain=True)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            _demand_resolved(self.host, self.port, loopback=loopback, plain=False)
            return _demand_peer(super()._new_conn(), self.host, loopback=loopback, plain=False)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


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


def demand_allowed(address: str, host: str, *, loopback: bool, plain: bool = False) -> None:
    """Refuse an address that no door leads to; `plain` is a way without encryption, which none but ours may be.

    Raises:
        Refused: it is not on the public network; or, if `plain`, not on this machine.
    """
    ip = _embedded(ipaddress.ip_address(address))
    if loopback and ip.is_loopback:
        return
    if plain:
        raise Refused(_NO_TLS.format(host=host))
    if not ip.is_global or ip.is_multicast:
        raise Refused(f"{host} is a private address, and requests only go to public ones")


def _embedded(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of the old kind that one of the new kind stands for, if it does."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


def _demand_address(url: str, *, loopback: bool) -> None:
    """Refuse what is no plain web address; a password in it would end in logs on the way."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable:
        raise Refused("the address of the MIS is not a web address such as https://mis.example")
    if parts.scheme == "http" and not loopback:
        raise Refused(_NO_TLS.format(host=parts.hostname))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the MIS"
    except ValueError:
        return "the MIS"


def _at_home(url: str, location: str) -> str | None:
    """Where a redirect leads; None if that is another scheme, host or port, or no address at all."""
    try:
        target = urljoin(url, location)
        return target if _origin(target) == _origin(url) else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _backoff(attempt: int) -> float:
    return float(2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 so that workers do not come back in step


def _asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds, given as such or as a date; None if nothing of use is said."""
    said = headers.get("Retry-After", "").strip()
    try:
        if not said:
            return None
        if said.isdecimal():
            return float(said)
        return max(email.utils.parsedate_to_datetime(said).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return None


def _what_failed(fault: Exception) -> str | SyncError:
    """What to say of a request that got no answer: text if it is worth another try."""
    if isinstance(fault, ValueError):  # of ours: an address or a header that cannot be written down
        return Refused("cannot be asked: the address or the credentials hold a character that does not belong there")
    if isinstance(fault, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(fault):
        return Broken("does not prove who it is: its TLS certificate is not valid")
    if isinstance(fault, requests.Timeout):
        return "did not answer in time"
    return "could not be reached"


def _explained(answer: Answer, explain: Callable[[Answer], str] | None) -> str:
    try:
        return explain(answer) if explain else ""
    except Broken:  # a refusal that is not in the partner's own words, such as a proxy's page
        return ""
