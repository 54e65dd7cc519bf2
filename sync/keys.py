"""How a request proves who asks: an OAuth 2 token, or an OAuth 1.0a signature. Nothing here can be printed."""

import base64
import time
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from requests_oauthlib import OAuth1

from sync.errors import Broken
from sync.http import Answer, Http

Params = Mapping[str, str | int]
Explain = Callable[[Answer], str]
OK: Final = frozenset({200})
_EARLY: Final = 60  # seconds: a token that ends while a request travels is no use


class Keys(Protocol):
    """Sends one request with whatever proves who asks."""

    def get(
        self,
        http: Http,
        url: str,
        *,
        params: Params | None = None,
        accept: frozenset[int] = OK,
        explain: Explain | None = None,
    ) -> Answer:
        """Send it.

        Raises:
            Refused, Busy, Broken: as `Http.get`.
        """


class Bearer:
    """OAuth 2 client credentials: one token, fetched when first needed, and again when it ends."""

    def __init__(
        self,
        *,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str = "",
        quoted: bool = False,
        in_form: bool = False,
    ) -> None:
        """`in_form`: the pair goes into the form (RFC 6749 §2.3.1 allows it) and not into a header."""
        self._url = token_url
        pair = (client_id, client_secret)
        if quoted:  # RFC 6749 §2.3.1; not every server undoes it
            pair = (_quote(client_id), _quote(client_secret))
        basic = base64.b64encode(":".join(pair).encode()).decode()
        self._authority = {} if in_form else {"Authorization": f"Basic {basic}"}
        self._form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        self._form |= {"client_id": client_id, "client_secret": client_secret} if in_form else {}
        self._token = ""
        self._ends = 0.0

    def get(
        self,
        http: Http,
        url: str,
        *,
        params: Params | None = None,
        accept: frozenset[int] = OK,
        explain: Explain | None = None,
    ) -> Answer:
        """Send a request; where the token is refused, once more with a new one."""
        explain = explain or explained(url)
        answer = http.get(url, params=params, headers=self.headers(http), accept=accept | {401}, explain=explain)
        if answer.status == 401:
            self._fetch(http)
            return http.get(url, params=params, headers=self._headers(), accept=accept, explain=explain)
        return answer

    def headers(self, http: Http) -> dict[str, str]:
        """Return what a request has to carry that is not sent from here, such as a stream; errors as in `get`."""
        if not self._token or time.monotonic() >= self._ends:
            self._fetch(http)
        return self._headers()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}

    def _fetch(self, http: Http) -> None:
        headers = {**self._authority, "Accept": "application/json"}
        said = http.token(self._url, form=self._form, headers=headers, explain=explained(self._url)).json()
        token = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(token, str) or not token:
            raise Broken(f"{_host(self._url)} answered the request for a token without one.")
        self._token = token
        self._ends = time.monotonic() + _seconds(said.get("expires_in")) - _EARLY


class Signed:
    """OAuth 1.0a: every request is signed (RFC 5849 §3.4) with HMAC-SHA256 or, for older servers, HMAC-SHA1."""

    def __init__(self, *, client_id: str, client_secret: str, method: str = "HMAC-SHA256") -> None:
        self._auth = OAuth1(client_id, client_secret, signature_method=method)

    def get(
        self,
        http: Http,
        url: str,
        *,
        params: Params | None = None,
        accept: frozenset[int] = OK,
        explain: Explain | None = None,
    ) -> Answer:
        """Send a signed request."""
        explain = explain or explained(url)
        return http.get(
            url, params=params, headers={"Accept": "application/json"}, auth=self._auth, accept=accept, explain=explain
        )


def _quote(value: str) -> str:
    return urllib.parse.quote(value, safe="-._~")


def _host(url: str) -> str:
    return urllib.parse.urlsplit(url).hostname or "The server"


def _seconds(said: object) -> float:
    """Return how long a token lasts; where nobody says, it lasts until it is refused."""
    try:
        return float(said) if isinstance(said, int | float | str) else float("inf")
    except ValueError:
        return float("inf")


def explained(url: str) -> Explain:
    """Return what puts a refusal of this address into a sentence for the school's office."""
    path = urllib.parse.urlsplit(url).path.rstrip("/").rpartition("/")[2]

    def sentence(answer: Answer) -> str:
        if answer.status == 403:
            return f"{_host(url)} does not allow us to read “{path}”: ask the partner to grant it."
        return f"{_host(url)} refuses the client id and secret (“{path}”, status {answer.status}): enter them again."

    return sentence
