"""What every simulator stands on: requests, replies, the faults common to all, and a server on the loopback."""

import abc
import dataclasses
import datetime
import json
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit

from local.world.model import SchoolWorld

HANG: Final = 120.0  # seconds: longer than the time-out of any client

COMMON_FAULTS: Final[Mapping[str, str]] = {
    "unauthorised": "always 401",
    "forbidden": "always 403",
    "throttled": "429 with Retry-After: 0 for every third request",
    "throttled-for-ever": "always 429 with Retry-After: 0",
    "down": "always 500",
    "flaky": "500 for every seventh request",
    "down-later": "500 from the fifth request on",
    "hang": f"no answer for {HANG:.0f} seconds",
    "cut": "every fourth body is cut in the middle",
    "cut-for-ever": "every body is cut in the middle",
    "html": "200 with a page for people instead of data",
}
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We will be back soon</h1></body></html>"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked. Names of headers are lower case; of a repeated parameter `query` holds the last value."""

    method: str
    path: str
    query: dict[str, str]
    queries: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    number: int = 1  # counted from 1 within one simulator


@dataclasses.dataclass(frozen=True)
class Reply:
    """What is answered. With `cut` the connection ends after so many bytes of the promised body.

    With `drip` so many seconds pass before each of its bytes.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    cut: int | None = None
    delay: float = 0  # seconds
    drip: float = 0


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply with a JSON body; `Retry_After="3"` is the header Retry-After."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace")  # half a character, as JSON does
    return Reply(status, body, {"Content-Type": "application/json; charset=utf-8", **named})


class Simulator(abc.ABC):
    """One partner with one school on one night. Credentials are keyword arguments of the subclass, with defaults."""

    key: ClassVar[str]
    FAULTS: ClassVar[Mapping[str, str]] = {}  # the partner's own: name → what it does

    def __init__(self, school: SchoolWorld, night: int, *, faults: frozenset[str] = frozenset()) -> None:
        unknown = sorted(faults - COMMON_FAULTS.keys() - self.FAULTS.keys())
        if unknown:
            raise ValueError(f"the simulator {self.key} has no fault {', '.join(unknown)}")
        self.school, self.night, self.faults = school, night, faults
        self.clock: Callable[[], datetime.date] | None = None  # whose registers are taken to this day, as in the demo
        self.requests: list[Request] = []
        self.mistakes: list[str] = []  # tracebacks of the simulator's own bugs
        self._counting = threading.Lock()

    def today(self) -> datetime.date:
        """Return the last day of which there are registers: the night's, unless a clock says otherwise."""
        return self.clock() if self.clock else self.school.at(self.night).date

    @abc.abstractmethod
    def reply(self, request: Request) -> Reply:
        """Answer as the partner would; may be called from several threads."""

    def answer(self, request: Request) -> Reply:
        """Note the request and answer it, with the common faults that are switched on."""
        with self._counting:
            request = dataclasses.replace(request, number=len(self.requests) + 1)
            self.requests.append(request)
        return self._instead(request) or self._spoilt(self._own(request), request.number)

    def _own(self, request: Request) -> Reply:
        try:
            return self.reply(request)
        except Exception:  # noqa: BLE001 the client gets an answer; `running` tells the test
            self.mistakes.append(traceback.format_exc())
            return Reply(500)

    def _instead(self, request: Request) -> Reply | None:
        """The reply of a fault that leaves the partner no say."""
        number, wait = request.number, {"Retry-After": "0"}
        replies = {
            "unauthorised": Reply(401),
            "forbidden": Reply(403),
            "throttled-for-ever": Reply(429, headers=wait),
            "throttled": Reply(429, headers=wait) if number % 3 == 0 else None,
            "down": Reply(500),
            "flaky": Reply(500) if number % 7 == 0 else None,
            "down-later": Reply(500) if number >= 5 else None,
            "html": Reply(200, _PAGE, {"Content-Type": "text/html; charset=utf-8"}),
        }
        return next((reply for name, reply in replies.items() if reply and name in self.faults), None)

    def _spoilt(self, reply: Reply, number: int) -> Reply:
        if "hang" in self.faults:
            reply = dataclasses.replace(reply, delay=HANG)
        if "cut-for-ever" in self.faults or ("cut" in self.faults and number % 4 == 0):
            reply = dataclasses.replace(reply, cut=len(reply.body) // 2)
        return reply


@contextmanager
def running(simulator: Simulator, *, port: int = 0) -> Iterator[str]:
    """Serve a simulator on the loopback, on a free port unless one is named, and yield its base URL.

    Raises:
        AssertionError: at the end, if the simulator itself broke down.
    """
    server = _Server(simulator, port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
    if simulator.mistakes:
        raise AssertionError(f"the simulator {simulator.key} broke down:\n{simulator.mistakes[0]}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator, self.over = simulator, threading.Event()
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    timeout = 60

    def _serve(self) -> None:
        reply = self.server.simulator.answer(self._request())
        if reply.delay and self.server.over.wait(reply.delay):
            self.close_connection = True  # the test is over
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in reply.headers}:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self._write(reply)
        if reply.cut is not None:
            self.close_connection = True

    def _write(self, reply: Reply) -> None:
        if not reply.drip:
            self.wfile.write(reply.body[: reply.cut])
            return
        for byte in reply.body:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.server.over.wait(reply.drip):
                return

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 so the library looks for them

    def _request(self) -> Request:
        target = urlsplit(self.path)
        queries = parse_qs(target.query, keep_blank_values=True)
        return Request(
            method=self.command,
            path=unquote(target.path),
            query={name: values[-1] for name, values in queries.items()},
            queries=queries,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )

    def log_message(self, format: str, *values: Any) -> None:
        """Say nothing: the requests are in `Simulator.requests`."""
