"""Where the only door out leads: to public addresses over TLS, never elsewhere by a redirect or a change of mind."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.simulators.server import Reply, as_json
from sync.errors import Broken, Refused
from sync.http import Http
from tests.sync.partner import SECRET, Serve


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
