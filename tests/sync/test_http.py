"""The only door out, against a real server: what goes wrong gets the right name, and no secret gets into any text."""

import datetime
import email.utils
import gzip
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.simulators.server import Reply, Request, Simulator, as_json, running
from local.world.build import crowd
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import LONGEST_WAIT, Answer, Http, Seen

SCHOOL = crowd(students=14)
SECRET = "k3y-of-the-school"


class Partner(Simulator):
    """Answers as the test says: one reply a path, or a list of them, the last for ever."""

    key: ClassVar[str] = "partner"

    def __init__(self, pages: dict[str, Any], **how: Any) -> None:
        super().__init__(SCHOOL, 1, **how)
        self.pages = pages

    def reply(self, request: Request) -> Reply:
        page = self.pages.get(request.path, Reply(404))
        if callable(page):
            page = page(request)
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        assert isinstance(page, Reply)
        return page


Serve = Callable[..., tuple[str, Partner]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a partner with these pages; its base URL and itself."""
    with ExitStack() as stack:

        def start(pages: dict[str, Any] | None = None, *faults: str) -> tuple[str, Partner]:
            partner = Partner(pages or {"/": as_json([])}, faults=frozenset(faults))
            return stack.enter_context(running(partner)), partner

        yield start


@pytest.fixture
def waits() -> list[float]:
    """Every pause that was made; nobody really waits."""
    return []


@pytest.fixture
def http(waits: list[float]) -> Iterator[Http]:
    """A way out that may reach this machine."""
    with Http(loopback=True, sleep=waits.append, timeout=(2, 2), longest=100_000) as one:
        yield one


def test_an_answer_has_status_headers_in_any_case_and_json(http: Http, serve: Serve) -> None:
    url, partner = serve({"/students": as_json({"data": ["Zoë"]}, X_Total_Count="1")})
    answer = http.get(
        f"{url}/students", params=[("page", "1"), ("page", "2")], headers={"X-Key": SECRET}, auth=("me", "pass")
    )
    assert (answer.status, answer.headers["x-total-count"], answer.json()) == (200, "1", {"data": ["Zoë"]})
    asked = partner.requests[0]
    assert (asked.method, asked.path, asked.query, asked.queries) == (
        "GET",
        "/students",
        {"page": "2"},
        {"page": ["1", "2"]},
    )
    assert asked.headers["x-key"] == SECRET
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.headers["user-agent"] == "SchoolsBuddy"


def test_a_token_is_posted_as_a_form(http: Http, serve: Serve) -> None:
    url, partner = serve({"/token": as_json({"access_token": "t"})})
    assert http.token(f"{url}/token", form={"grant_type": "client_credentials"}).json() == {"access_token": "t"}
    assert (partner.requests[0].method, partner.requests[0].body) == ("POST", b"grant_type=client_credentials")


def test_nothing_but_a_token_can_be_posted() -> None:
    assert {name for name in vars(Http) if not name.startswith("_")} == {"get", "token", "stream", "close"}


def test_an_accepted_status_is_an_answer(http: Http, serve: Serve) -> None:
    url, _ = serve({"/gone": Reply(404, b"no such list"), "/later": Reply(503)})
    accepted = frozenset({200, 404, 503})
    assert http.get(f"{url}/gone", accept=accepted).body == b"no such list"
    assert http.get(f"{url}/later", accept=accepted).status == 503


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Refused), (403, Refused), (400, Broken), (404, Broken), (410, Broken), (204, Broken)]
)
def test_other_statuses_are_told_at_once(
    http: Http, serve: Serve, waits: list[float], status: int, kind: type[SyncError]
) -> None:
    url, partner = serve({"/x": Reply(status)})
    with pytest.raises(kind, match=rf"^127\.0\.0\.1 .*status {status}"):
        http.get(f"{url}/x")
    assert (len(partner.requests), waits) == (1, [])


def test_a_refusal_is_explained_in_the_partners_terms(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": as_json({"missing": "medical"}, 403), "/page": Reply(403, b"<html>")})

    def explain(answer: Answer) -> str:
        return f"ask for the permission “{answer.json()['missing']}”"

    with pytest.raises(Refused, match=r"^ask for the permission “medical”$"):
        http.get(f"{url}/x", explain=explain)
    with pytest.raises(Refused, match=r"^127\.0\.0\.1 refused us \(status 403\)$"):
        http.get(f"{url}/page", explain=explain)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_end_point_that_does_not_know_us_refuses(http: Http, serve: Serve, status: int) -> None:
    url, _ = serve({"/token": as_json({"error": "invalid_client"}, status)})
    with pytest.raises(Refused, match="check the secret"):
        http.token(f"{url}/token", form={}, explain=lambda _: "check the secret")


# Tries


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(http: Http, serve: Serve, waits: list[float], status: int) -> None:
    url, partner = serve({"/x": [Reply(status), Reply(status), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert len(partner.requests) == 3
    assert 0.5 <= waits[0] <= 1.5
    assert 1 <= waits[1] <= 3


def test_what_does_not_pass_is_busy(http: Http, serve: Serve, waits: list[float]) -> None:
    url, partner = serve({}, "down")
    with pytest.raises(Busy, match="status 500, 5 times"):
        http.get(f"{url}/x")
    assert (len(partner.requests), len(waits)) == (5, 4)


def test_retry_after_is_kept(http: Http, serve: Serve, waits: list[float]) -> None:
    soon = datetime.datetime.now(tz=datetime.UTC) + datetime.timedelta(seconds=30)
    said = ["7", "0", "9999", email.utils.format_datetime(soon, usegmt=True)]
    url, _ = serve({"/x": [*(Reply(429, headers={"Retry-After": text}) for text in said), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits[:3] == [7, 0, LONGEST_WAIT]
    assert 25 <= waits[3] <= 30


@pytest.mark.parametrize("said", ["soon", "-3", "1.5", "", "9" * 400, "Mon, 99 Nov 2026 01:00:00 GMT"])
def test_a_retry_after_that_says_nothing_is_not_kept(http: Http, serve: Serve, waits: list[float], said: str) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"Retry-After": said}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits[0] <= LONGEST_WAIT


def test_a_date_that_is_over_means_now(http: Http, serve: Serve, waits: list[float]) -> None:
    url, _ = serve({"/x": [Reply(429, headers={"Retry-After": "Mon, 09 Nov 2020 01:00:00 GMT"}), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert waits == [0]


def test_patience_ends(http: Http, serve: Serve, waits: list[float]) -> None:
    url, partner = serve({"/x": Reply(503, headers={"Retry-After": "120"})})
    with pytest.raises(Busy, match="3 times"):
        http.get(f"{url}/x")
    assert (len(partner.requests), waits) == (3, [120, 120])


def test_nobody_there_is_busy(http: Http, waits: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but it does not listen
        with pytest.raises(Busy, match="could not be reached"):
            http.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert len(waits) == 4


def test_a_name_that_nobody_knows_is_busy() -> None:
    with Http(tries=1) as http, pytest.raises(Busy, match=r"nowhere\.invalid could not be reached"):
        http.get("https://nowhere.invalid/")


def test_silence_is_busy(serve: Serve, waits: list[float]) -> None:
    url, _ = serve({}, "hang")
    with (
        Http(loopback=True, sleep=waits.append, timeout=(1, 0.05), tries=2) as http,
        pytest.raises(Busy, match="did not answer in time"),
    ):
        http.get(f"{url}/x")


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


# Redirects


def test_redirects_at_home_are_followed(http: Http, serve: Serve) -> None:
    url, partner = serve({"/a": Reply(301, headers={"Location": "/b?page=2"}), "/b": as_json("here")})
    assert http.get(f"{url}/a", params={"page": 1}, headers={"X-Key": SECRET}).json() == "here"
    assert [request.query for request in partner.requests] == [{"page": "1"}, {"page": "2"}]
    assert partner.requests[1].headers["x-key"] == SECRET


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_elsewhere_are_not(http: Http, serve: Serve, status: int) -> None:
    elsewhere, stranger = serve()
    url, _ = serve({"/a": Reply(status, headers={"Location": f"{elsewhere}/"})})
    with pytest.raises(Broken, match="another address"):
        http.get(f"{url}/a", headers={"X-Key": SECRET})
    assert stranger.requests == []


@pytest.mark.parametrize("to", ["https://127.0.0.1/", "//mis.example/", "http://[broken/", "http://127.0.0.1:x/"])
def test_other_schemes_hosts_and_nonsense_are_elsewhere(http: Http, serve: Serve, to: str) -> None:
    url, _ = serve({"/a": Reply(302, headers={"Location": to})})
    with pytest.raises(Broken, match="another address"):
        http.get(f"{url}/a")


def test_a_form_is_never_sent_on(http: Http, serve: Serve) -> None:
    url, partner = serve({"/token": Reply(307, headers={"Location": "/other"})})
    with pytest.raises(Broken, match="another address"):
        http.token(f"{url}/token", form={"client_secret": SECRET})
    assert len(partner.requests) == 1


def test_the_body_of_a_redirect_is_not_read(http: Http, serve: Serve) -> None:
    url, _ = serve({"/a": Reply(302, b"x" * 900_000, {"Location": "/b"}, cut=10), "/b": as_json("here")})
    assert http.get(f"{url}/a").json() == "here"


@pytest.mark.parametrize("headers", [{"Location": "/a"}, {}])
def test_a_circle_is_broken(http: Http, serve: Serve, headers: dict[str, str]) -> None:
    url, partner = serve({"/a": Reply(302, headers=headers)})
    with pytest.raises(Broken, match="from one address to the next"):
        http.get(f"{url}/a")
    assert len(partner.requests) <= 6


# Addresses


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1", "2130706433", "[::1]", "[fe80::1]", "[fd00::1]"),  # noqa: S104 not bound to
        *("[::ffff:127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]"),
    ],
)
def test_private_addresses_are_refused(waits: list[float], host: str) -> None:
    with Http(sleep=waits.append, timeout=(1, 1)) as http, pytest.raises(Refused, match="private address"):
        http.get(f"https://{host}/")
    assert waits == []


@pytest.mark.parametrize(
    "url",
    ["https://10.1.2.3", "http://10.1.2.3", "http://169.254.169.254", "https://[fe80::1]", "http://93.184.215.14"],
)
def test_loopback_opens_nothing_but_loopback(http: Http, url: str) -> None:
    with pytest.raises(Refused, match=r"private address|without TLS"):
        http.get(url)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Have mis.example resolve to these addresses in turn, and return what was asked for."""
    real, asked, left = socket.getaddrinfo, list[str](), list(addresses)

    def lookup(host: Any, port: Any, *given: Any, **more: Any) -> Any:
        if host != "mis.example":
            return real(host, port, *given, **more)
        asked.append(host)
        return real(left.pop(0) if len(left) > 1 else left[0], port, *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    return asked


@pytest.mark.parametrize("loopback", [True, False])
def test_a_name_is_worth_what_it_resolves_to(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, waits: list[float], *, loopback: bool
) -> None:
    url, partner = serve()
    resolving(monkeypatch, "127.0.0.1")
    named = url.replace("127.0.0.1", "mis.example")
    with Http(loopback=loopback, sleep=waits.append) as http:
        if loopback:
            assert http.get(f"{named}/").status == 200
        else:
            with pytest.raises(Refused, match=r"mis\.example is a private address"):
                http.get(f"{named.replace('http:', 'https:')}/")
    assert len(partner.requests) == (1 if loopback else 0)


def test_a_name_that_changes_its_mind_is_caught_before_a_byte_is_sent(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    asked = resolving(monkeypatch, "93.184.215.14", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with Http(sleep=waits.append, timeout=(2, 2)) as http, pytest.raises(Refused, match="private address"):
            http.get(f"https://mis.example:{port}/", headers={"X-Key": SECRET})
        server.settimeout(2)
        peer, _ = server.accept()
        with peer:
            peer.settimeout(2)
            assert peer.recv(1) == b""
    assert len(asked) == 2


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "mis.example",
            "ftp://mis.example/",
            "file:///etc/passwd",
            f"https://me:{SECRET}@mis.example/",
            "https://",
        ),
        *("https://[::1/", "https://mis.example:0/", "https://mis.example:99999/", "https://mis.example:x/"),
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with Http() as http, pytest.raises(Refused, match="not a web address") as caught:
        http.get(url)
    assert SECRET not in str(caught.value)


def test_without_tls_nothing_goes_out() -> None:
    with Http() as http, pytest.raises(Refused, match="https://"):
        http.get("http://mis.example/")


@pytest.fixture
def self_signed(tmp_path: Path) -> Iterator[str]:
    """A server on this machine whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(tz=datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (tmp_path / "pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_nobody_vouches_for_is_broken_at_once(http: Http, self_signed: str, waits: list[float]) -> None:
    with pytest.raises(Broken, match="certificate"):
        http.get(f"{self_signed}/")
    assert waits == []


# Streams


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


# Secrets


@pytest.mark.parametrize("fault", ["unauthorised", "forbidden", "down", "throttled-for-ever", "cut-for-ever", "hang"])
@pytest.mark.parametrize("way", ["get", "token", "stream"])
def test_no_secret_is_told(serve: Serve, caplog: pytest.LogCaptureFixture, fault: str, way: str) -> None:
    caplog.set_level(logging.DEBUG)
    url, partner = serve({f"/{SECRET}": as_json({"said": SECRET})}, fault)
    carried: dict[str, Any] = {"headers": {"X-Key": SECRET}, "auth": ("me", SECRET)}
    carried |= {"form": {"client_secret": SECRET}} if way == "token" else {"params": {"apiKey": SECRET}}
    with Http(loopback=True, tries=2, sleep=lambda _: None, timeout=(1, 0.02)) as http:
        with pytest.raises(SyncError) as caught:
            _use(getattr(http, way), f"{url}/{SECRET}", carried)
        assert SECRET not in repr(http)
    assert partner.requests
    assert SECRET not in repr(caught.value)
    assert caught.value.__context__ is None
    assert SECRET not in caplog.text


def _use(ask: Callable[..., Any], url: str, carried: dict[str, Any]) -> None:
    opened = ask(url, **carried)
    if not isinstance(opened, Answer):
        with opened as body:
            body.read()


def test_an_explanation_does_not_hand_back_what_was_sent(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": lambda request: Reply(401, request.headers["authorization"].encode())})
    for sent in ({"headers": {"Authorization": f"Bearer {SECRET}"}}, {"auth": ("me", SECRET)}):
        with pytest.raises(Refused) as caught:
            http.get(f"{url}/x", explain=lambda answer: f"not known: {answer.body.decode()}", **sent)
        assert str(caught.value).startswith("not known: ")
        assert "…" in str(caught.value)
        assert SECRET not in str(caught.value)
        assert len(str(caught.value)) < 25


@pytest.mark.parametrize("secret", [f"{SECRET}\r\nX-Other: 1", f"{SECRET}“"])
def test_a_credential_that_cannot_be_sent_is_refused(http: Http, serve: Serve, secret: str) -> None:
    url, partner = serve()
    with pytest.raises(Refused, match="character") as caught:
        http.get(f"{url}/", headers={"X-Key": secret})
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None
    assert partner.requests == []


def test_an_answer_does_not_show_what_it_holds(http: Http, serve: Serve) -> None:
    url, _ = serve({"/x": as_json("Ann Lee", Set_Cookie=SECRET)})
    assert repr(http.get(f"{url}/x")) == "Answer(status=200, host='127.0.0.1')"


def test_nothing_comes_in_from_the_environment(
    http: Http, serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pass\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    url, partner = serve()
    assert http.get(f"{url}/").status == 200
    assert "authorization" not in partner.requests[0].headers


# Pace and pages


def test_every_try_and_every_redirect_keeps_the_pace(serve: Serve) -> None:
    class Pace:
        hosts: ClassVar[list[str]] = []

        def wait(self, host: str) -> None:
            self.hosts.append(host)

    url, partner = serve({"/a": Reply(302, headers={"Location": "/b"}), "/b": [Reply(500), as_json(1)]})
    with Http(pace=Pace(), loopback=True, sleep=lambda _: None) as http:
        http.get(f"{url}/a")
    assert Pace.hosts == ["127.0.0.1"] * len(partner.requests) == ["127.0.0.1"] * 4


def test_the_same_page_twice_is_broken() -> None:
    seen = Seen()
    seen.check("1")
    seen.check("2")
    with pytest.raises(Broken, match="repeats itself"):
        seen.check("1")
