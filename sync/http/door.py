"""The requests of one run: GET, and the POST of a form to a token end point (R20)."""

import io
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import BinaryIO, Final, Self, TypeVar

import requests
import requests.exceptions
from requests.structures import CaseInsensitiveDict

from sync.errors import Broken, Busy, Refused, SyncError
from sync.http.addresses import at_home, demand_address, host_of
from sync.http.answers import Answer
from sync.http.bodies import CHUNK, Body, Cut, pieces
from sync.http.call import Auth, Call, Params
from sync.http.connections import Limit, session
from sync.http.pace import LONGEST_WAIT, Pace, asked_to_wait, backoff, spent
from sync.http.pages import PageStore

log = logging.getLogger(__name__)

LONGEST: Final = 64 * 1024 * 1024  # bytes of one body, decompressed
LONGEST_STREAM: Final = 1024 * 1024 * 1024  # the same of a body that is never whole in memory
PATIENCE: Final = 300.0  # seconds that all failed tries for one answer, and the waits between them, may take together
MOST_REDIRECTS: Final = 5
TIMEOUT: Final = (10.0, 60.0)  # seconds until connected, and between two pieces of an answer
WHOLE: Final = 300.0  # seconds from the first piece of an answer to the last
SLOWLY: Final = 3  # times as long may a stream take: what is streamed is made when it is asked for
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_LATER: Final = frozenset({408, 425, 429})  # and everything from 500 on

T = TypeVar("T")


class _Again:
    """No answer this time: what happened, how many seconds the host asks us to wait, and the status, if any came."""

    def __init__(self, reason: str, after: float | None = None, status: int | None = None) -> None:
        self.reason, self.after, self.status = reason, after, status


class Http:
    """The requests of one run; a context manager, for it holds connections open.

    `loopback` lets it speak to this machine, without TLS (the demo's simulators); any other private address is refused.
    Of `timeout` (connect, read) and of `whole` the seconds are for one try, of which there are `tries`. `pages` keeps
    what is read, so that a pull which breaks off can go on.
    """

    def __init__(
        self,
        *,
        pace: Pace | None = None,
        pages: PageStore | None = None,
        loopback: bool = False,
        tries: int = 5,
        sleep: Callable[[float], None] = time.sleep,
        longest: int = LONGEST,
        longest_stream: int = LONGEST_STREAM,
        timeout: tuple[float, float] = TIMEOUT,
        whole: float = WHOLE,
    ) -> None:
        self._pace, self._pages, self._loopback, self._tries, self._sleep = pace, pages, loopback, tries, sleep
        self._longest, self._longest_stream = longest, longest_stream
        self._timeout, self._seconds = timeout, whole
        self._limit = Limit(whole)
        self._session = session(loopback=loopback, limit=self._limit)
        self._resting: dict[str, float] = {}  # host → seconds to wait before it is asked again

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
        keep: bool = True,
    ) -> Answer:
        """Return the answer, whose status is one of `accept`.

        `explain` puts a 401 or 403 into a sentence for the school's office, "" if it has none. Without `keep` the host
        itself is always asked and its answer not kept: it holds credentials, or tells what is true at this moment.

        Raises:
            Refused: 401 or 403, or an address we do not go to.
            Busy: no whole answer after several tries (429, 5xx, time-out, a body cut short).
            Broken: any other status, a redirect elsewhere, a body longer than `longest`.
        """
        call = Call("GET", url, params, headers, auth)
        pages = self._pages if keep else None
        if pages is not None and (kept := pages.find(call.asked)):
            return kept
        answer = self._whole(call, accept=accept, explain=explain)
        if pages is not None and answer.status == requests.codes.ok:  # what is refused now may be granted later
            pages.keep(call.asked, answer)
        return answer

    def token(
        self,
        url: str,
        *,
        form: Mapping[str, str],
        as_json: bool = False,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        explain: Callable[[Answer], str] | None = None,
    ) -> Answer:
        """Post a form, or its fields as JSON, to a token end point; nothing else is ever posted (R20).

        Errors as in `get`. A 400 is `Refused` as well: so OAuth says that it does not know a client (RFC 6749, 5.2).
        """
        refusals = frozenset({400, 401, 403})
        call = Call("POST", url, headers=headers, auth=auth, form=form, as_json=as_json, refusals=refusals)
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
        call = Call("GET", url, params, headers, auth, slowly=True)

        def opened(response: requests.Response) -> requests.Response | _Again:
            if response.status_code == requests.codes.ok:
                return response
            return self._unwanted(call, response, explain)

        with (
            self._ask(call, opened) as response,
            io.BufferedReader(Body(response, longest=self._longest_stream), CHUNK) as body,
        ):
            yield body

    def _whole(self, call: Call, *, accept: frozenset[int], explain: Callable[[Answer], str] | None) -> Answer:
        def whole(response: requests.Response) -> Answer | _Again:
            if response.status_code not in accept:
                return self._unwanted(call, response, explain)
            with response:
                return self._read(response)

        return self._ask(call, whole)

    def _ask(self, call: Call, settle: Callable[[requests.Response], T | _Again]) -> T:
        """Try until there is an answer to settle on; between tries wait as asked, or twice as long each time."""
        lost = 0.0
        for attempt in range(1, self._tries + 1):
            began = time.monotonic()
            sent = self._send(call)
            outcome = sent if isinstance(sent, _Again) else settle(sent)
            if not isinstance(outcome, _Again):
                return outcome
            wait = min(outcome.after if outcome.after is not None else backoff(attempt), LONGEST_WAIT)
            lost += time.monotonic() - began + wait
            if attempt == self._tries or lost > PATIENCE:
                times = "once" if attempt == 1 else f"{attempt} times"
                text = f"{call.host} {outcome.reason}, {times}; it is tried again later"
                raise Busy(text, status=outcome.status)
            log.info("%s %s; trying again in %.1f s", call.host, outcome.reason, wait)
            if outcome.after:
                self._rest(call.host, outcome.after)
            self._sleep(wait)
        raise Busy(f"{call.host} was not asked")  # with tries=0

    def _send(self, call: Call) -> requests.Response | _Again:
        """Send the request, follow redirects that stay at home, and return the answer with its body unread."""
        url, params = call.url, call.params
        for _ in range(MOST_REDIRECTS + 1):
            response = self._exchange(call, url, params)
            if isinstance(response, _Again) or response.status_code not in _REDIRECTS:
                return response
            response.close()
            target = at_home(url, response.headers.get("Location", ""))
            if call.form is not None or target is None:
                raise Broken(f"{call.host} sends us to another address ({response.status_code}), where we do not go")
            url, params = target, None
        raise Broken(f"{call.host} sends us from one address to the next")

    def _exchange(self, call: Call, url: str, params: Params | None) -> requests.Response | _Again:
        demand_address(url, loopback=self._loopback)
        self._await_turn(call.host)
        slower = SLOWLY if call.slowly else 1
        self._limit.seconds = self._seconds * slower
        try:
            response = self._session.request(
                call.method,
                url,
                params=params,
                headers=call.headers,
                auth=call.auth,
                data=None if call.as_json else call.form,
                json=call.form if call.as_json else None,
                timeout=(self._timeout[0], self._timeout[1] * slower),
                allow_redirects=False,
                stream=True,
            )
        except SyncError:
            raise
        except (requests.RequestException, OSError, ValueError) as fault:
            failed = _what_failed(fault)
        else:
            return self._noted(call.host, response)
        # Here, not above: the fault would stay attached to the error, and it quotes addresses and headers.
        if isinstance(failed, str):
            return _Again(failed)
        raise type(failed)(f"{call.host} {failed}")

    def _await_turn(self, host: str) -> None:
        if pause := self._resting.pop(host, 0.0):
            self._sleep(pause)
        if self._pace:
            self._pace.wait(host)

    def _noted(self, host: str, response: requests.Response) -> requests.Response:
        """Note that this was the last answer for now: asked once more the host would only say 429."""
        if response.ok and (pause := spent(response.headers)):  # else the wait between two tries is wait enough
            self._resting[host] = pause
            self._rest(host, pause)
        return response

    def _rest(self, host: str, seconds: float) -> None:
        if self._pace:
            self._pace.rest(host, min(seconds, LONGEST_WAIT))

    def _unwanted(self, call: Call, response: requests.Response, explain: Callable[[Answer], str] | None) -> _Again:
        status = response.status_code
        with response:
            if status in _LATER or status >= requests.codes.internal_server_error:
                return _Again(f"answered with status {status}", asked_to_wait(response.headers), status)
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
            body = b"".join(pieces(response, longest=self._longest))
        except Cut as cut:
            return _Again(str(cut))
        headers = CaseInsensitiveDict(response.headers)
        return Answer(status=response.status_code, headers=headers, body=body, host=host_of(response.url))


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
