"""How a request proves who asks: an OAuth 2 token, or an OAuth 1.0a signature. Nothing here can be printed."""

import abc
import base64
import functools
import logging
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final, Literal, Protocol

from requests.auth import AuthBase
from requests_oauthlib import OAuth1

from sync.errors import Broken
from sync.http import Answer, Http

# These write the addresses, parameters and signatures of requests into their logs.
for _library in ("oauthlib", "requests_oauthlib"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)

Params = Mapping[str, str | int]
Explain = Callable[[Answer], str]
Proof = Literal["header", "form", "json"]
OK: Final = frozenset({200})
_AS_JSON: Final = {"Accept": "application/json"}
_EARLY: Final = 60.0  # seconds: a token that ends while a request travels is no use


class Ask(Protocol):
    """Sends one request, of which all is known but what proves who asks."""

    def __call__(self, *, headers: Mapping[str, str], auth: AuthBase | None = None, accept: frozenset[int]) -> Answer:
        """Send it; see `Keys.get`."""


class Keys(abc.ABC):
    """Sends requests with whatever proves who asks."""

    def get(
        self,
        http: Http,
        url: str,
        *,
        params: Params | None = None,
        accept: frozenset[int] = OK,
        explain: Explain | None = None,
        keep: bool = True,
    ) -> Answer:
        """Send a request.

        Raises:
            Refused, Busy, Broken: as `Http.get`.
        """
        explain = explain or explained(url)
        ask = functools.partial(http.get, url, params=params, explain=explain, keep=keep)
        return self._proved(http, ask, accept)

    @abc.abstractmethod
    def _proved(self, http: Http, ask: Ask, accept: frozenset[int]) -> Answer:
        """Ask with the proof."""


class Fixed(Keys):
    """A token that somebody made by hand, in a header of the partner's own name; never in an address."""

    def __init__(self, *, header: str, token: str) -> None:
        self._headers = {header: token, **_AS_JSON}

    def _proved(self, http: Http, ask: Ask, accept: frozenset[int]) -> Answer:
        return ask(headers=self._headers, accept=accept)


class Bearer(Keys):
    """OAuth 2 client credentials: one token, fetched when first needed, and again when it ends.

    The client's proof travels in a header, in the form (RFC 6749 §2.3.1 allows both), or in a body of JSON, as the
    partner wants it.
    """

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        quoted: bool = False,
        proof: Proof = "header",
    ) -> None:
        self._url = token_url
        pair = (client_id, client_secret)
        if quoted:  # RFC 6749 §2.3.1; not every server undoes it
            pair = (_quote(client_id), _quote(client_secret))
        basic = base64.b64encode(":".join(pair).encode()).decode()
        in_header = proof == "header"
        self._proof = _AS_JSON | ({"Authorization": f"Basic {basic}"} if in_header else {})
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._form |= {} if in_header else {"client_id": client_id, "client_secret": client_secret}
        self._as_json = proof == "json"
        self._token = ""
        self._ends = 0.0

    def _proved(self, http: Http, ask: Ask, accept: frozenset[int]) -> Answer:
        answer = ask(headers=self.headers(http), accept=accept | {401})
        if answer.status == 401:  # the token has ended: once more with a new one
            self._fetch(http)
            return ask(headers=self._headers(), accept=accept)
        return answer

    def headers(self, http: Http) -> dict[str, str]:
        """Return what a request has to carry that is not sent from here, such as a stream; errors as in `get`."""
        if not self._token or time.monotonic() >= self._ends:
            self._fetch(http)
        return self._headers()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", **_AS_JSON}

    def _fetch(self, http: Http) -> None:
        said = http.token(
            self._url, form=self._form, as_json=self._as_json, headers=self._proof, explain=explained(self._url)
        ).json()
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token:
            raise Broken(f"{_host(self._url)} answered the request for a token without one.")
        self._token = token
        self._ends = time.monotonic() + _lasts(said.get("expires_in"))


class Signed(Keys):
    """OAuth 1.0a: every request is signed (RFC 5849 §3.4) with HMAC-SHA256 or, for older servers, HMAC-SHA1."""

    def __init__(self, *, client_id: str, client_secret: str, method: str = "HMAC-SHA256") -> None:
        self._auth = OAuth1(client_id, client_secret, signature_method=method)

    def _proved(self, http: Http, ask: Ask, accept: frozenset[int]) -> Answer:
        return ask(headers=_AS_JSON, auth=self._auth, accept=accept)


def _quote(value: str) -> str:
    return urllib.parse.quote(value, safe="-._~")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "The server"


def _lasts(said: object) -> float:
    """Return for how many seconds a token is used; where nobody says, and 0 says nothing, until it is refused."""
    try:
        seconds = float(said) if isinstance(said, int | float | str) else 0.0
    except (ValueError, OverflowError):
        seconds = 0.0
    return seconds - min(_EARLY, seconds / 2) if seconds > 0 else float("inf")


def explained(url: str) -> Explain:
    """Return what puts a refusal of this address into a sentence for the school's office."""
    path = urllib.parse.urlsplit(url).path.rstrip("/").rpartition("/")[2]

    def sentence(answer: Answer) -> str:
        if answer.status == 403:
            return f"{_host(url)} does not allow us to read “{path}”: ask the partner to grant it."
        return f"{_host(url)} refuses the client id and secret (“{path}”, status {answer.status}): enter them again."

    return sentence
