"""Tokens and signatures against a real server, which believes nothing that it has not checked itself."""

import base64
import hashlib
import hmac
import itertools
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import pytest

from local.simulators.server import Reply, Request, Simulator, as_json, running
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from sync.keys import Bearer, Keys, Signed
from tests.sync.partner import SCHOOL

CLIENT, SECRET = "client-of-ours", "s3cret/ü&+ %"


class Issuer(Simulator):
    """Gives out tokens, t1, t2 and so on, and lets whoever has a good one read `/list`."""

    key: ClassVar[str] = "issuer"

    def __init__(self, said: dict[str, Any] | None = None, *, quoted: bool = False) -> None:
        super().__init__(SCHOOL, 1)
        self.said = {"token_type": "bearer", "expires_in": 3600} if said is None else said
        self.pair = f"{quote(CLIENT, safe='')}:{quote(SECRET, safe='')}" if quoted else f"{CLIENT}:{SECRET}"
        self.numbers, self.good = itertools.count(1), set[str]()
        self.instead: dict[str, Callable[[Request], Reply]] = {}  # path → what a test has it answer

    def reply(self, request: Request) -> Reply:
        usual = self._issue if request.path == "/token" else self._list
        return self.instead.get(request.path, usual)(request)

    def _issue(self, request: Request) -> Reply:
        basic = request.headers.get("authorization", "").removeprefix("Basic ")
        if request.method != "POST" or base64.b64decode(basic).decode() != self.pair:
            return as_json({"error": "invalid_client", "said": self.pair}, 401)
        token = f"token-of-a-kind-{next(self.numbers)}"
        self.good.add(token)
        return as_json({"access_token": token, **self.said})

    def _list(self, request: Request) -> Reply:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.good:
            return as_json({"error": request.headers.get("authorization")}, 401)
        return as_json({"page": request.query.get("page"), "form": request.body.decode()})

    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [request.path for request in self.requests]


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(loopback=True, sleep=lambda _: None, tries=2) as one:
        yield one


def bearer(url: str, secret: str = SECRET, **how: Any) -> Bearer:
    return Bearer(token_url=f"{url}/token", client_id=CLIENT, client_secret=secret, **how)


# OAuth 2


def test_a_token_is_fetched_when_it_is_needed_and_once(http: Http) -> None:
    issuer = Issuer()
    with running(issuer) as url:
        keys = bearer(url, scope="roster.readonly")
        assert issuer.requests == []
        pages = [keys.get(http, f"{url}/list", params={"page": page}).json()["page"] for page in (1, 2, 3)]
    assert pages == ["1", "2", "3"]
    assert issuer.asked() == ["/token", "/list", "/list", "/list"]
    assert issuer.requests[0].body == b"grant_type=client_credentials&scope=roster.readonly"


def test_no_scope_is_asked_for_where_none_is_named(http: Http) -> None:
    issuer = Issuer()
    with running(issuer) as url:
        bearer(url).get(http, f"{url}/list")
    assert issuer.requests[0].body == b"grant_type=client_credentials"


def test_credentials_may_be_quoted_for_servers_that_undo_it(http: Http) -> None:
    with running(Issuer(quoted=True)) as url:
        assert bearer(url, quoted=True).get(http, f"{url}/list").status == 200
        with pytest.raises(Refused):
            bearer(url).get(http, f"{url}/list")


def test_a_token_that_is_refused_is_replaced_once(http: Http) -> None:
    issuer = Issuer()
    with running(issuer) as url:
        keys = bearer(url)
        keys.get(http, f"{url}/list", params={"page": 1})
        issuer.good.clear()
        assert keys.get(http, f"{url}/list", params={"page": 2}).json()["page"] == "2"
    assert issuer.asked() == ["/token", "/list", "/list", "/token", "/list"]


def test_a_new_token_that_is_refused_too_is_a_refusal(http: Http) -> None:
    issuer = Issuer()
    with running(issuer) as url:
        keys = bearer(url)
        keys.get(http, f"{url}/list")
        issuer.good.clear()
        issuer.instead["/token"] = lambda _: as_json({"access_token": "no-good-token"})
        with pytest.raises(Refused, match=r"^127\.0\.0\.1 refuses the client id and secret \(“list”, status 401\)"):
            keys.get(http, f"{url}/list")
    assert issuer.asked() == ["/token", "/list", "/list", "/token", "/list"]


def test_a_token_is_replaced_before_it_ends(http: Http) -> None:
    issuer = Issuer({"expires_in": 0.4})
    with running(issuer) as url:
        keys = bearer(url)
        keys.get(http, f"{url}/list")
        keys.get(http, f"{url}/list")
        assert issuer.asked() == ["/token", "/list", "/list"]
        time.sleep(0.25)  # it has not ended, but it would soon
        keys.get(http, f"{url}/list")
    assert issuer.asked() == ["/token", "/list", "/list", "/token", "/list"]
    assert len({request.headers["authorization"] for request in issuer.requests if request.path == "/list"}) == 2


@pytest.mark.parametrize(
    "said",
    [
        *({}, {"expires_in": 0}, {"expires_in": None}, {"expires_in": -1}, {"expires_in": "soon"}, {"expires_in": []}),
        *({"expires_in": "3600"}, {"expires_in": 3600.5}, {"expires_in": 10**400}, {"expires_in": "nan"}),
        *({"expires_in": 30}, {"expires_in": "inf"}),
    ],
    ids=str,
)
def test_whatever_is_said_of_its_end_a_token_serves_more_than_one_request(http: Http, said: dict[str, Any]) -> None:
    issuer = Issuer(said)
    with running(issuer) as url:
        keys = bearer(url)
        for _ in range(3):
            assert keys.get(http, f"{url}/list").status == 200
    assert issuer.asked() == ["/token", "/list", "/list", "/list"]


@pytest.mark.parametrize("said", [b"[]", b"{}", b'{"access_token": ""}', b'{"access_token": 7}', b"null", b"<html>"])
def test_no_token_is_broken(http: Http, said: bytes) -> None:
    issuer = Issuer()
    issuer.instead["/token"] = lambda _: Reply(200, said)
    with running(issuer) as url, pytest.raises(Broken):
        bearer(url).get(http, f"{url}/list")
    assert issuer.asked() == ["/token"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_client_that_is_not_known_is_refused(http: Http, status: int) -> None:
    issuer = Issuer()
    issuer.instead["/token"] = lambda _: as_json({"error": "invalid_client"}, status)
    with running(issuer) as url, pytest.raises(Refused, match="“token”"):
        bearer(url).get(http, f"{url}/list")


def test_what_may_be_missing_is_an_answer(http: Http) -> None:
    issuer = Issuer()
    issuer.instead["/list"] = lambda _: as_json("not for you", 403)
    with running(issuer) as url:
        assert bearer(url).get(http, f"{url}/list", accept=frozenset({200, 403})).status == 403
        with pytest.raises(Refused, match="does not allow us to read “list”"):
            bearer(url).get(http, f"{url}/list")


# OAuth 1.0a


class Notary(Simulator):
    """Checks each signature by RFC 5849 §3.4 and nothing of ours; answers 401 if it is not good."""

    key: ClassVar[str] = "notary"
    HASHES: ClassVar[dict[str, Any]] = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}

    def __init__(self) -> None:
        super().__init__(SCHOOL, 1)
        self.port, self.busy = "", 0
        self.proofs: list[dict[str, str]] = []

    def reply(self, request: Request) -> Reply:
        scheme, _, rest = request.headers["authorization"].partition(" ")
        parts = [part.strip().partition("=") for part in rest.split(",")]
        proof = {name: unquote(value.strip('"')) for name, _, value in parts}
        self.proofs.append(proof)
        if scheme != "OAuth" or not hmac.compare_digest(self._signature(request, proof), proof["oauth_signature"]):
            return as_json({"error": "bad signature"}, 401)
        if self.busy:
            self.busy -= 1
            return Reply(503, headers={"Retry-After": "0"})
        return as_json(request.query)

    def _signature(self, request: Request, proof: dict[str, str]) -> str:
        said = [(name, value) for name, values in request.queries.items() for value in values]
        said += [(name, value) for name, value in proof.items() if name not in {"realm", "oauth_signature"}]
        pairs = sorted((_encoded(name), _encoded(value)) for name, value in said)
        normal = "&".join(f"{name}={value}" for name, value in pairs)
        address = f"http://{request.headers['host']}{quote(request.path)}"
        text = "&".join(_encoded(part) for part in (request.method, address, normal))
        key = f"{_encoded(SECRET)}&".encode()
        return base64.b64encode(
            hmac.new(key, text.encode(), self.HASHES[proof["oauth_signature_method"]]).digest()
        ).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")


QUERY: dict[str, str | int] = {
    "filter": "familyName='Müller & Söhne' AND a=b",
    "limit": 200,
    "offset": 0,
    "empty": "",
    "plus": "a+b c%20d",
}


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
def test_a_signature_holds_before_somebody_else(http: Http, method: str) -> None:
    notary = Notary()
    keys = Signed(client_id=CLIENT, client_secret=SECRET, method=method)
    with running(notary) as url:
        queries: tuple[dict[str, str | int] | None, ...] = (QUERY, {}, None)
        for params in queries:
            answer = keys.get(http, f"{url}/ims/oneroster/v1p1/users", params=params)
            assert answer.json() == {name: str(value) for name, value in (params or {}).items()}
    [first, *_] = notary.proofs
    assert (first["oauth_consumer_key"], first["oauth_signature_method"], first["oauth_version"]) == (
        CLIENT,
        method,
        "1.0",
    )
    assert abs(int(first["oauth_timestamp"]) - time.time()) < 60
    assert "oauth_token" not in first
    assert len({proof["oauth_nonce"] for proof in notary.proofs}) == 3


def test_the_default_is_sha256(http: Http) -> None:
    notary = Notary()
    with running(notary) as url:
        Signed(client_id=CLIENT, client_secret=SECRET).get(http, f"{url}/users")
    assert notary.proofs[0]["oauth_signature_method"] == "HMAC-SHA256"


def test_another_secret_does_not_hold(http: Http) -> None:
    with running(Notary()) as url, pytest.raises(Refused, match=r"refuses the client id and secret \(“users”"):
        Signed(client_id=CLIENT, client_secret="another").get(http, f"{url}/users")


def test_every_try_is_signed_anew(http: Http) -> None:
    notary = Notary()
    notary.busy = 1
    with running(notary) as url:
        assert Signed(client_id=CLIENT, client_secret=SECRET).get(http, f"{url}/users").status == 200
    assert len({proof["oauth_nonce"] for proof in notary.proofs}) == 2


# Secrets


def every_way(url: str) -> dict[str, Keys]:
    return {"token": bearer(url), "signature": Signed(client_id=CLIENT, client_secret=SECRET)}


ENDS: dict[str, tuple[type[SyncError] | None, Callable[[Request], Reply]]] = {
    "works": (None, lambda _: as_json([])),
    "refused": (Refused, lambda request: as_json({"said": str(request.headers)}, 401)),
    "busy": (Busy, lambda _: Reply(503, headers={"Retry-After": "0"})),
    "broken": (Broken, lambda request: Reply(418, str(request.headers).encode())),
}


def fault_of(keys: Keys, http: Http, url: str) -> SyncError | None:
    try:
        keys.get(http, url, params={"key": "param-of-a-kind"})
    except SyncError as fault:
        return fault
    return None


@pytest.mark.parametrize("way", ["token", "signature"])
@pytest.mark.parametrize("end", ENDS)
def test_no_secret_is_told(http: Http, caplog: pytest.LogCaptureFixture, way: str, end: str) -> None:
    caplog.set_level(logging.DEBUG)
    issuer = Issuer()
    expected, issuer.instead["/list"] = ENDS[end]
    with running(issuer) as url:
        keys = every_way(url)[way]
        fault = fault_of(keys, http, f"{url}/list")
    assert type(fault) is (expected or type(None))
    assert getattr(fault, "__context__", None) is None
    basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
    carried = [request.headers["authorization"].partition(" ")[2] for request in issuer.requests]
    secrets = {SECRET, quote(SECRET, safe=""), basic, "param-of-a-kind", *issuer.good, *carried}
    told = f"{keys!r} {fault!r} {caplog.text}"
    assert len(secrets) >= 5
    assert [secret for secret in secrets if secret in told] == []


def test_a_token_that_cannot_be_sent_is_refused_and_not_told(http: Http) -> None:
    issuer = Issuer()
    issuer.instead["/token"] = lambda _: as_json({"access_token": "token-of-a-kind\r\nX-Other: 1"})
    with running(issuer) as url, pytest.raises(Refused, match="a character that does not belong there") as caught:
        bearer(url).get(http, f"{url}/list")
    assert "token-of-a-kind" not in repr(caught.value)
    assert issuer.asked() == ["/token"]
