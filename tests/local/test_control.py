"""The feeds of the demo and the page that moves them: as a person would, and as somebody who should not."""

import contextlib
import datetime
import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from local.simulators import control
from local.simulators.control import LONGEST_FORM, Control
from local.simulators.feeds import KEPT, BadMove, Feed, Sent, Served, feed_of
from local.simulators.remote import Remote, Unmoved
from local.simulators.server import Request
from local.world.build import world
from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.connectors.isams import Isams
from sync.connectors.isams.settings import IsamsSettings
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.records import Mark, Student

TAMARIND, KAREEDAL = world().school("tamarind"), world().school("kareedal")
Answer = tuple[int, str, str]


@pytest.fixture
def feeds(tmp_path: Path) -> Iterator[dict[str, Feed]]:
    """One school that is read over HTTP, and one that sends files."""
    made = {school.slug: feed_of(school, folder=tmp_path) for school in (TAMARIND, KAREEDAL)}
    tamarind = made["tamarind"]
    assert isinstance(tamarind, Served)
    with tamarind.served():
        yield dict(made)


@pytest.fixture
def page(feeds: dict[str, Feed]) -> Iterator[str]:
    """The host and port of the control page."""
    with control.running(Control(list(feeds.values()), site="http://localhost:8000")) as url:
        yield urllib.parse.urlsplit(url).netloc


def ask(page: str, path: str = "/", form: bytes | str | None = None, **headers: str) -> Answer:
    """Status, text and Location of what is answered; a form is posted."""
    link = http.client.HTTPConnection(page, timeout=5)
    with contextlib.closing(link):
        body = form.encode() if isinstance(form, str) else form
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request("GET" if form is None else "POST", path, body, named)
        answer = link.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Location", "")


def read(feed: Feed) -> Extract:
    """Read a feed with its connector."""
    with Http(loopback=True, sleep=lambda _: None) as door:
        if isinstance(feed, Sent):
            return extract(CsvFiles(CsvSettings(**feed.settings()), door))
        return extract(Isams(IsamsSettings(**feed.settings()), door))


def refs(extracted: Extract) -> set[str]:
    return {record.ref for record in extracted.records if isinstance(record, Student)}


def truth(feed: Feed) -> set[str]:
    """The numbers of those whom the MIS still has as students."""
    night = feed.school.at(feed.night)
    gone = {one.ref for one in night.students.values() if one.left_on and one.left_on < night.date}
    return {one.ref for one in night.students.values()} - (gone if isinstance(feed, Served) else set())


def place_of(feed: Feed) -> tuple[int, set[str]]:
    """The night and the faults of a feed."""
    return feed.night, set(feed.faults)


# Feeds


@pytest.mark.parametrize("slug", ["tamarind", "kareedal"])
def test_a_feed_says_what_the_night_is_and_can_be_moved_while_it_runs(feeds: dict[str, Feed], slug: str) -> None:
    feed = feeds[slug]
    first = refs(read(feed))
    assert first == truth(feed)
    feed.move(night=4)
    assert refs(read(feed)) == truth(feed) != first
    feed.move(night=1)
    assert refs(read(feed)) == first


@pytest.mark.parametrize("slug", ["tamarind", "kareedal"])
def test_a_bad_move_changes_nothing(feeds: dict[str, Feed], slug: str) -> None:
    feed = feeds[slug]
    feed.move(night=2, faults=feed.bad_nights["half"])
    for night, faults in ((6, []), (0, []), (3, ["no such fault", "half"])):
        with pytest.raises(BadMove):
            feed.move(night=night, faults=faults)
    assert place_of(feed) == (2, set(feed.bad_nights["half"]))


def test_files_are_as_a_spreadsheet_there_writes_them(feeds: dict[str, Feed]) -> None:
    feed = feeds["kareedal"]
    assert isinstance(feed, Sent)
    students = (feed.folder / "students.csv").read_bytes()
    assert b"0000120;Mieke;Cronj\xe9;;03/04/2016;" in students
    feed.move(night=1, faults=["lost-zeros", "half"])
    assert b"\r\n120;Mieke;Cronj\xe9;" in (feed.folder / "students.csv").read_bytes()
    feed.move(night=1, faults=["half", "empty"])
    assert (feed.folder / "students.csv").read_bytes() == b"", "the worse of two"


def test_the_last_requests_are_kept_without_credentials(feeds: dict[str, Feed]) -> None:
    feed = feeds["tamarind"]
    assert isinstance(feed, Served)
    read(feed)
    (one,) = feed.asked()
    assert (one.school, one.method, one.status) == ("tamarind", "GET", 200)
    assert one.target.startswith("/api/batch/1.0/xml.ashx?apiKey=***")
    assert feed.settings()["api_key"] not in one.target
    for _ in range(KEPT + 5):
        feed._stage.answer(Request(method="GET", path="/x", query={}, queries={}, headers={}))
    assert len(feed.asked()) == KEPT
    assert {one.status for one in feed.asked()} == {404}


# The page


def test_the_page_shows_every_school_its_night_and_all_its_faults(page: str, feeds: dict[str, Feed]) -> None:
    feeds["tamarind"].move(night=3, faults=["unclosed"])
    status, text, _ = ask(page)
    assert status == 200
    for feed in feeds.values():
        assert feed.school.name in text
        assert all(f'value="{name}"' in text for there in feed.faults_there.values() for name in there)
    assert 'name="night" value="3" checked' in text
    assert 'value="unclosed" checked' in text
    assert 'href="http://localhost:8000/s/tamarind/reception/runs/"' in text
    assert "None yet" in text
    read(feeds["kareedal"])
    feeds["tamarind"].move(night=1)
    read(feeds["tamarind"])
    assert "xml.ashx?apiKey=***" in ask(page)[1]


def test_a_person_moves_a_night_and_switches_faults(page: str, feeds: dict[str, Feed]) -> None:
    tamarind = feeds["tamarind"]
    status, _, location = ask(page, "/feeds/tamarind", "night=2&fault=empty&fault=flaky")
    assert (status, location) == (303, "/?moved=tamarind#tamarind")
    assert place_of(tamarind) == (2, {"empty", "flaky"})
    assert "is on night 2; faults: empty, flaky" in ask(page, location.partition("#")[0])[1]
    ask(page, "/feeds/tamarind", "night=2&fault=empty&off=1")
    assert place_of(tamarind) == (2, set())


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("night=6", "There is no night 6"),
        ("night=0", "There is no night 0"),
        ("night=two", "not a number"),
        ("night=%C2%B2", "not a number"),
        (f"night={'9' * 5000}", "not a number"),
        ("", "not a number"),
        ("fault=half", "not a number"),
        ("night=1&fault=%3Cscript%3E", "no fault called “&lt;script&gt;”"),
        ("night=1&fault=unclosed&fault=hole", "no fault called “hole”"),
        ("night=1" + "&fault=empty" * 600, "no form of this page"),
        ("night=1&fault=%ff", "no form of this page"),
        (b"night=1&fault=\xff", "no form of this page"),
        (b"x" * (LONGEST_FORM + 1), "no form of this page"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bad_input_is_survived_and_said(page: str, feeds: dict[str, Feed], form: str | bytes, said: str) -> None:
    feeds["tamarind"].move(night=5, faults=["joint"])
    status, text, _ = ask(page, "/feeds/tamarind", form)
    assert status == 422
    assert "Nothing was changed" in text
    assert said in text
    assert "<script" not in text
    assert place_of(feeds["tamarind"]) == (5, {"joint"})
    assert ask(page)[0] == 200


@pytest.mark.parametrize("length", ["-1", "ten", ""])
def test_a_length_that_is_none_is_survived(page: str, length: str) -> None:
    assert ask(page, "/feeds/tamarind", "", Content_Length=length)[0] == 422


@pytest.mark.parametrize("path", ["/feeds/eton", "/feeds/", "/", "/feeds/tamarind/x"])
def test_only_schools_that_are_there_can_be_moved(page: str, path: str) -> None:
    status, text, _ = ask(page, path, "night=1")
    assert status == 404
    assert "no such school" in text


def test_a_page_that_is_not_there_is_said(page: str) -> None:
    assert ask(page, "/nowhere")[0] == 404
    assert ask(page, "/?moved=eton")[0] == 200


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example:80"}, {"Origin": "http://evil.example"}, {"Origin": "null"}], ids=str
)
def test_somebody_elses_page_changes_and_reads_nothing(
    page: str, feeds: dict[str, Feed], headers: dict[str, str]
) -> None:
    assert ask(page, "/feeds/tamarind", "night=2", **headers)[0] == 403
    assert ask(page, "/feeds.json", **headers)[0] == 403
    assert feeds["tamarind"].night == 1


def test_its_own_form_is_let_in_under_either_name(page: str, feeds: dict[str, Feed]) -> None:
    port = page.rpartition(":")[2]
    for name in ("127.0.0.1", "localhost"):
        headers = {"Host": f"{name}:{port}", "Origin": f"http://{name}:{port}"}
        assert ask(page, "/feeds/tamarind", "night=2", **headers)[0] == 303


def test_nothing_but_its_own_style_is_loaded(page: str) -> None:
    link = http.client.HTTPConnection(page, timeout=5)
    with contextlib.closing(link):
        link.request("GET", "/")
        policy = link.getresponse().headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert ".fault" in ask(page, "/style.css")[1]


# From another process


def test_the_seed_sees_and_moves_the_same_feeds(page: str, feeds: dict[str, Feed]) -> None:
    remote = Remote(f"http://{page}")
    seen = remote.feeds()
    assert {slug: feed.connector for slug, feed in seen.items()} == {"tamarind": "isams", "kareedal": "csv_files"}
    assert seen["tamarind"].settings == feeds["tamarind"].settings()
    remote.move("tamarind", night=3, faults=seen["tamarind"].bad_nights["half"])
    assert place_of(feeds["tamarind"]) == (3, {"unclosed"})
    assert remote.feeds()["tamarind"].faults == ("unclosed",)
    with pytest.raises(Unmoved, match="422"):
        remote.move("tamarind", night=9)
    assert json.loads(ask(page, "/feeds.json")[1])["tamarind"]["night"] == 3


def test_simulators_that_are_gone_are_said() -> None:
    with pytest.raises(Unmoved, match="do not answer"):
        Remote("http://127.0.0.1:9").feeds()


@pytest.mark.parametrize("instant", ["2026-12-01T20:59:00+00:00", "2026-12-01T21:01:00+00:00"])
def test_a_feed_has_registers_to_this_very_day_of_its_school(feeds: dict[str, Feed], instant: str) -> None:
    """Kuwait begins its day three hours before UTC does."""
    now = datetime.datetime.fromisoformat(instant)
    day = (now + datetime.timedelta(hours=3)).date()
    tamarind = feeds["tamarind"]
    with time_machine.travel(now, tick=False), Http(loopback=True) as http:
        connector = Isams(IsamsSettings(**tamarind.settings()), http)
        assert {one.date for one in connector.attendance(day) if isinstance(one, Mark)} == {day}
