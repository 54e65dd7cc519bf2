"""The only door out, against a real server: what goes wrong gets the right name, and no secret gets into any text."""

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.simulators.server import Reply, as_json
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Answer, Http, Seen
from tests.sync.partner import SECRET, Serve


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


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(http: Http, serve: Serve, waits: list[float], status: int) -> None:
    url, partner = serve({"/x": [Reply(status), Reply(status), as_json(1)]})
    assert http.get(f"{url}/x").json() == 1
    assert len(partner.requests) == 3
    assert 0.5 <= waits[0] <= 1.5
    assert 1 <= waits[1] <= 3


def test_what_does_not_pass_is_busy(http: Http, serve: Serve, waits: list[float]) -> None:
    url, partner = serve({}, "down")
    with pytest.raises(Busy, match="status 500, 5 times") as caught:
        http.get(f"{url}/x")
    assert caught.value.status == 500
    assert (len(partner.requests), len(waits)) == (5, 4)


def test_nobody_there_is_busy(http: Http, waits: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but it does not listen
        with pytest.raises(Busy, match="could not be reached") as caught:
            http.get(f"http://127.0.0.1:{taken.getsockname()[1]}/")
    assert caught.value.status is None
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


def test_the_same_page_twice_is_broken() -> None:
    seen = Seen()
    seen.check("1")
    seen.check("2")
    with pytest.raises(Broken, match="repeats itself"):
        seen.check("1")
