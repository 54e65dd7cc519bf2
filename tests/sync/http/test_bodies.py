"""Bodies, in one piece or as a stream: whole, in time and no longer than allowed, or not at all."""

import gzip
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from local.simulators.server import Reply, as_json
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from tests.sync.partner import SECRET, Serve


def test_a_body_cut_short_is_read_again(http: Http, serve: Serve) -> None:
    url, partner = serve({"/x": [Reply(200, b"[1, 2, 3]", cut=4), Reply(200, b"[1, 2, 3]")]})
    assert http.get(f"{url}/x").json() == [1, 2, 3]
    assert len(partner.requests) == 2


def test_a_refusal_cut_short_is_read_again(http: Http, serve: Serve) -> None:
    url, partner = serve({"/x": [Reply(403, b"no permission", cut=4), Reply(403, b"no permission")]})
    with pytest.raises(Refused):
        http.get(f"{url}/x")
    assert len(partner.requests) == 2


def test_a_body_always_cut_short_is_busy(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": as_json(list(range(99)))}, "cut-for-ever")
    with pytest.raises(Busy, match="cut its answer short, 5 times"):
        http.get(f"{url}/x")


@pytest.mark.parametrize("body", [b"x" * 100_001, None])
def test_a_body_too_long_is_broken(http: Http, serve: Serve, body: bytes | None) -> None:
    bomb = Reply(200, gzip.compress(b"\0" * 1_000_000), {"Content-Encoding": "gzip"})
    url, partner = serve({"/x": Reply(200, body) if body else bomb})
    with pytest.raises(Broken, match="more than 100000 bytes"):
        http.get(f"{url}/x")
    assert len(partner.requests) == 1


def test_a_body_of_just_the_longest_is_read(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": Reply(200, b"x" * 100_000)})
    assert len(http.get(f"{url}/x").body) == 100_000


def test_compression_is_undone_or_broken(http: Http, serve: Serve) -> None:
    packed = {"Content-Encoding": "gzip"}
    url, _ = serve({"/x": Reply(200, gzip.compress(b"[1]"), packed), "/y": Reply(200, b"not gzip", packed)})
    assert http.get(f"{url}/x").json() == [1]
    with pytest.raises(Broken, match="compressed"):
        http.get(f"{url}/y")


@pytest.mark.parametrize("body", [b"", b"<html>Ann Lee</html>", b'{"name": "Ann Lee"', b"\xff\xfe\xfa", b"[" * 99_999])
def test_what_is_not_json_is_broken_and_not_quoted(http: Http, serve: Serve, body: bytes) -> None:
    url, _ = serve({"/x": Reply(200, body)})
    with pytest.raises(Broken, match="not JSON") as caught:
        http.get(f"{url}/x").json()
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (b'\xef\xbb\xbf["Zo\xc3\xab"]', ["Zoë"]),  # with a BOM
        ('["Zoë"]'.encode("utf-16"), ["Zoë"]),
        (b'["\\ud83d half"]', ["\ud83d half"]),
        (b"[1e999]", [float("inf")]),
        (b"[123456789012345678901234567890]", [123456789012345678901234567890]),  # an id, to the last digit
        (b'{"id": 1, "id": 2}', {"id": 2}),
    ],
)
def test_json_of_a_careless_partner_is_read(http: Http, serve: Serve, body: bytes, meant: object) -> None:
    url, _ = serve({"/x": Reply(200, body)})
    assert http.get(f"{url}/x").json() == meant


def test_a_stream_is_read_piece_by_piece(http: Http, serve: Serve) -> None:
    text = b"<all>" + b"<one/>" * 9_000 + b"</all>"
    url, _ = serve({"/x": Reply(200, gzip.compress(text), {"Content-Encoding": "gzip"})})
    with http.stream(f"{url}/x") as body:
        assert body.readable()
        assert body.read(5) == b"<all>"
        assert body.read() == text[5:]
        assert body.read() == b""


def test_a_stream_may_be_left_early(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": Reply(200, b"x" * 90_000), "/y": as_json(1)})
    with http.stream(f"{url}/x") as body:
        body.read(1)
    assert http.get(f"{url}/y").json() == 1


def test_a_stream_is_tried_again_until_it_begins(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": [Reply(500), Reply(429, headers={"Retry-After": "0"}), Reply(200, b"<all/>")]})
    with http.stream(f"{url}/x") as body:
        assert body.read() == b"<all/>"


@pytest.mark.parametrize(("status", "kind"), [(401, Refused), (404, Broken), (500, Busy), (204, Broken)])
def test_a_stream_fails_as_anything_else(http: Http, serve: Serve, status: int, kind: type[SyncError]) -> None:
    url, _ = serve({"/x": Reply(status)})
    with pytest.raises(kind), http.stream(f"{url}/x"):
        pytest.fail("it was opened")


def test_a_stream_cut_short_is_busy(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": Reply(200, b"<all><one/></all>", cut=9)})
    with http.stream(f"{url}/x") as body, pytest.raises(Busy, match="cut its answer short"):
        body.read()


def test_a_stream_has_a_limit_of_its_own(serve: Serve) -> None:
    url, _ = serve({"/x": Reply(200, b"x" * 100_000)})
    with Http(loopback=True, longest=10, longest_stream=100_000) as http, http.stream(f"{url}/x") as body:
        assert len(body.read()) == 100_000
    with (
        Http(loopback=True, longest_stream=99_999) as http,
        http.stream(f"{url}/x") as body,
        pytest.raises(Broken, match="more than 99999 bytes"),
    ):
        body.read()


# A host that drips: each piece comes in time, the whole never does.

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX-Padding: "
DRIPS = {"the head": b"", "the body": b"x\r\n\r\n"}


@contextmanager
def dripping(begin: bytes, drip: bytes = b"x") -> Iterator[str]:
    """A server that sends `begin` at once and then a drip every 20 ms, for ever."""
    over = threading.Event()

    class Dripping(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with suppress(OSError):
                self.wfile.write(begin)
                while not over.wait(0.02):
                    self.wfile.write(drip)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Dripping) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        over.set()
        server.shutdown()
        thread.join()


def dripped(**how: Any) -> Http:
    return Http(loopback=True, sleep=lambda _: None, tries=2, timeout=(2, 2), **how)


@pytest.mark.parametrize("what", DRIPS)
@pytest.mark.parametrize("way", ["get", "token"])
def test_a_host_that_drips_is_busy(what: str, way: str) -> None:
    began = time.monotonic()
    ask: dict[str, Any] = {"form": {}} if way == "token" else {}
    with (
        dripping(HEAD + DRIPS[what]) as url,
        dripped(whole=0.3) as http,
        pytest.raises(Busy, match="answer in time, 2 times") as caught,
    ):
        getattr(http, way)(f"{url}/{SECRET}", **ask)
    assert 0.6 <= time.monotonic() - began < 2  # of each piece it would be two seconds
    assert caught.value.__context__ is None


def test_a_host_that_drips_chunks_is_busy() -> None:
    with (
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n") as url,
        dripped(whole=0.3) as http,
        pytest.raises(Busy, match="did not finish its answer in time, 2 times"),
    ):
        http.get(url)


def test_a_stream_may_drip_longer_but_not_for_ever() -> None:
    began = time.monotonic()
    with (
        dripping(HEAD + DRIPS["the body"]) as url,
        dripped(whole=0.2) as http,
        http.stream(url) as body,
        pytest.raises(Busy, match=r"^127\.0\.0\.1 did not finish its answer in time; it is tried again later$"),
    ):
        body.read()
    assert 0.6 <= time.monotonic() - began < 2


def test_a_host_that_wastes_all_our_patience_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.http.door.PATIENCE", 0.1)
    with (
        dripping(HEAD + DRIPS["the body"]) as url,
        dripped(whole=0.3) as http,
        pytest.raises(Busy, match="in time, once;"),
    ):
        http.get(url)


def test_the_limit_is_for_one_answer_and_not_for_all_together(serve: Serve) -> None:
    url, partner = serve({"/x": Reply(200, b"[]", delay=0.2)})
    with Http(loopback=True, whole=0.5) as http:
        for _ in range(4):
            assert http.get(f"{url}/x").json() == []
    assert len(partner.requests) == 4
