"""A pull that broke off goes on where it stood, and only then; its pages are sealed, and gone after some days."""

import datetime
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as site
from pytest_django.fixtures import Settings

from local.simulators.managebac import TOKEN
from local.simulators.server import Reply, as_json, running
from local.world.model import SchoolWorld
from sync import tasks
from sync.errors import Busy
from sync.http import Http, Moved
from sync.models import Run
from sync.operations import connections, pulls, runs
from sync.operations.pulls import MAX_AGE, Pull
from tenants import scope
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place, by_ref
from tests.sync.partner import Serve

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

LATER = datetime.timedelta(minutes=5)
BROKE_AT = 5  # the second page of parents


@pytest.fixture(autouse=True)
def files(tmp_path: Path, settings: Settings) -> Path:
    """Where the pages of these tests lie."""
    settings.FILES_DIR = tmp_path / "files"
    settings.INSECURE_LOCAL = True
    return tmp_path / "files"


@pytest.fixture
def partner(small_world: SchoolWorld) -> Breaking:
    return Breaking(small_world)


@pytest.fixture
def url(partner: Breaking) -> Iterator[str]:
    with running(partner) as address:
        yield address


@pytest.fixture
def here(small: Place, url: str) -> Place:
    """The school of sixty students, which has ManageBac."""
    connect(small, url)
    return small


def sync(place: Place, *, after: datetime.timedelta = datetime.timedelta()) -> Run:
    at = place.clock(1)() + after
    return runs.perform(school=place.school, run=place.request(1).pk, clock=lambda: at)


def undisturbed(place: Callable[..., Place], partner: Breaking, url: str) -> dict[str, Any]:
    """What another school gets that reads the same without a break."""
    other = place(partner.school, slug="undisturbed")
    connect(other, url)
    partner.breaks(0)
    assert sync(other).status == Run.Status.OK
    return by_ref(other.held())


def pulls_of(place: Place) -> list[Path]:
    return sorted((Path(site.FILES_DIR) / place.school.slug / "pulls").glob("*"))


# Going on


@pytest.mark.parametrize("at", [2, 3, 9, 20])
def test_a_pull_that_broke_off_goes_on_where_it_stood(
    place: Callable[..., Place], here: Place, partner: Breaking, url: str, at: int
) -> None:
    partner.breaks(at)
    run = sync(here)
    assert (run.status, run.error_kind) == (Run.Status.FAILED, "busy")
    before = partner.asked()[: at - 1]
    partner.breaks(0)
    assert sync(here, after=LATER).status == Run.Status.OK
    after = partner.asked()
    assert not set(before[:-1]) & set(after), "these were kept"
    assert before[-1] == after[0], "the last one shows whether the lists have moved"
    assert by_ref(here.held()) == undisturbed(place, partner, url)
    assert [*before[:-1], *after] == partner.asked(), "nothing was left out"


def test_a_pull_may_break_off_twice(place: Callable[..., Place], here: Place, partner: Breaking, url: str) -> None:
    for at in (6, 7):
        partner.breaks(at)
        assert sync(here).status == Run.Status.FAILED
    partner.breaks(0)
    assert sync(here, after=LATER).status == Run.Status.OK
    whole = len(partner.asked())
    assert by_ref(here.held()) == undisturbed(place, partner, url)
    assert len(partner.asked()) == whole + 5 + 5 - 1  # of both pulls the first page again is the last


def test_a_pull_that_succeeded_is_not_gone_on_with(here: Place, partner: Breaking) -> None:
    assert sync(here).status == Run.Status.OK
    first = partner.asked()
    partner.breaks(0)
    assert sync(here, after=LATER).status == Run.Status.OK
    assert partner.asked() == first
    assert [folder.suffix for folder in pulls_of(here)] == ["", ""]


def test_a_pull_that_was_gone_on_with_is_over_too(here: Place, partner: Breaking) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    partner.breaks(0)
    sync(here)
    partner.breaks(0)
    sync(here)
    assert partner.asked()[0] == ("students", "1")
    assert len(pulls_of(here)) == 2


@pytest.mark.parametrize(("after", "kept"), [(MAX_AGE, True), (MAX_AGE + datetime.timedelta(seconds=1), False)])
def test_a_pull_is_gone_on_with_for_half_an_hour(
    here: Place, partner: Breaking, after: datetime.timedelta, *, kept: bool
) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    partner.breaks(0)
    assert sync(here, after=after).status == Run.Status.OK
    assert (("students", "1") not in partner.asked()) is kept
    assert not [folder for folder in pulls_of(here) if folder.suffix]


def test_the_half_hour_counts_from_the_first_page(here: Place, partner: Breaking) -> None:
    for minutes in (0, 20):
        partner.breaks(BROKE_AT)
        sync(here, after=datetime.timedelta(minutes=minutes))
    partner.breaks(0)
    sync(here, after=datetime.timedelta(minutes=40))
    assert ("students", "1") in partner.asked()


def test_pages_are_of_one_school(place: Callable[..., Place], here: Place, partner: Breaking, url: str) -> None:
    other = place(partner.school, slug="other")
    connect(other, url)
    partner.breaks(BROKE_AT)
    sync(here)
    partner.breaks(0)
    assert sync(other).status == Run.Status.OK
    assert ("students", "1") in partner.asked()
    assert [folder.suffix for folder in pulls_of(here)] == [".open"]


def test_pages_are_of_one_setting(here: Place, partner: Breaking, url: str) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    connect(here, url, homerooms="no")
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") in partner.asked()
    connect(here, url, homerooms="yes")
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") in partner.asked(), "that pull is over as well"


def test_where_the_lists_have_moved_all_is_read_again(
    place: Callable[..., Place], small_world: SchoolWorld, partner: Breaking, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    moved = place(small_world)
    connect(moved, url)
    partner.breaks(2)
    sync(moved)
    partner.turn(5)
    partner.breaks(0)
    assert sync(moved).status == Run.Status.OK
    assert "all is read again" in caplog.text
    assert by_ref(moved.held()) == undisturbed(place, partner, url)


BAD = {
    "broken": as_json({"students": "none"}),
    "refused": Reply(401, b"{}"),
    "page for people": Reply(200, b"<html>"),
}


@pytest.mark.parametrize("what", BAD)
def test_only_a_busy_partner_is_gone_on_with(here: Place, partner: Breaking, what: str) -> None:
    partner.breaks(3, reply=BAD[what])
    assert sync(here).status == Run.Status.FAILED
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert partner.asked()[0] == ("students", "1")


def test_a_look_ahead_neither_uses_nor_keeps_pages(here: Place, partner: Breaking) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    before = pulls_of(here)
    kept = [len(list(folder.iterdir())) for folder in before]
    partner.breaks(0)
    runs.preview(school=here.school, clock=here.clock(1))
    assert ("students", "1") in partner.asked()
    assert pulls_of(here) == before
    assert [len(list(folder.iterdir())) for folder in before] == kept


def test_what_is_read_afresh_leaves_no_other_pull_open(here: Place, partner: Breaking) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    with scope.school(here.school.pk):
        link = connections.active()
    at = here.clock(1)()
    with pulls.reading(school=here.school, link=link, kind="roster", at=at, afresh=True) as pull:
        assert pull is not None
        assert pull.size == 0
        assert [folder.suffix for folder in pulls_of(here)] == [""]


# What lies on the disk


def test_pages_are_sealed_and_no_name_tells_anything(here: Place, partner: Breaking) -> None:
    assert sync(here).status == Run.Status.OK
    [pull] = pulls_of(here)
    files = sorted(pull.iterdir())
    assert len(files) == len(partner.asked())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(pull.stat().st_mode) == 0o700
    child = next(iter(partner.school.at(1).students.values()))
    for path in files:
        assert not [word for word in (TOKEN, child.family_name, "students") if word in str(path.relative_to(pull))]
        assert child.family_name.encode() not in path.read_bytes()
    first = next(pulls.pages(pull))
    assert child.family_name in first.body.decode()
    assert json.loads(first.asked)[1].endswith("/v2/students")
    assert TOKEN not in repr(first.headers)


def test_the_pages_of_a_pull_are_evidence_in_the_order_they_came(here: Place, partner: Breaking) -> None:
    sync(here)
    [pull] = pulls_of(here)
    asked = [json.loads(page.asked) for page in pulls.pages(pull)]
    assert [(one[1].rpartition("/")[2], dict(one[2])["page"]) for one in asked] == partner.asked()


def test_keys_may_be_replaced_between(here: Place, partner: Breaking, settings: Settings) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), *settings.FIELD_KEYS]
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") not in partner.asked()


def test_pages_that_no_key_opens_are_read_again(here: Place, partner: Breaking, settings: Settings) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    with scope.school(here.school.pk):
        link = connections.active()
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    with scope.school(here.school.pk):
        link.save()
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") in partner.asked()


@pytest.mark.parametrize("number", range(BROKE_AT - 1))
def test_a_torn_page_is_read_again(here: Place, partner: Breaking, number: int) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    [pull] = pulls_of(here)
    torn = sorted(pull.iterdir())[number]
    os.truncate(torn, torn.stat().st_size // 2)
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") in partner.asked()


def test_what_a_killed_worker_was_writing_is_no_page(here: Place, partner: Breaking) -> None:
    partner.breaks(BROKE_AT)
    sync(here)
    [pull] = pulls_of(here)
    (pull / f"{BROKE_AT:06}-0123-0.draft").write_bytes(b"half")
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK
    assert ("students", "1") not in partner.asked()


def test_a_disk_that_fails_costs_the_pages_and_not_the_run(
    here: Place, partner: Breaking, settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.FILES_DIR = tmp_path / "a-file"
    settings.FILES_DIR.write_text("no folder")
    assert sync(here).status == Run.Status.OK
    assert caplog.text.count("the pages of this pull are not kept any more") == 1
    assert here.school.slug not in caplog.text


def test_none_are_kept_where_none_may_be(here: Place, partner: Breaking, settings: Settings, files: Path) -> None:
    settings.EVIDENCE_DAYS = 0
    partner.breaks(BROKE_AT)
    sync(here)
    assert not files.exists()
    partner.breaks(0)
    assert sync(here).status == Run.Status.OK


def test_a_pull_that_read_no_page_leaves_nothing(small: Place, files: Path) -> None:
    assert small.sync(1).status == Run.Status.OK
    assert not (files / small.school.slug).exists()


# How long it lies there


def aged(place: Place, days: float, *, suffix: str = "") -> Path:
    began = datetime.datetime.now(tz=datetime.UTC) - datetime.timedelta(days=days)
    folder = Path(site.FILES_DIR) / place.school.slug / "pulls" / f"{began:%Y%m%dT%H%M%SZ}-0123-roster-4567{suffix}"
    folder.mkdir(parents=True)
    (folder / "000001-89-0.page").write_bytes(b"sealed")
    return folder


def test_old_pulls_are_purged_and_nothing_else(place: Callable[..., Place], small: Place, settings: Settings) -> None:
    settings.EVIDENCE_DAYS = 3
    other = place(small.truth, slug="other")
    gone = [aged(small, 3.1), aged(small, 30, suffix=".open"), aged(other, 4)]
    stay = [aged(small, 2.9), aged(small, 0), aged(other, 1)]
    uploads = Path(site.FILES_DIR) / small.school.slug / "20200101T010000Z-abcd"
    uploads.mkdir()
    foreign = stay[0].parent / "notes"
    foreign.mkdir()
    tasks.purge_pulls()
    assert [folder for folder in gone if folder.exists()] == []
    assert all(folder.exists() for folder in (*stay, uploads, foreign))
    assert pulls.purge(at=datetime.datetime.now(tz=datetime.UTC)) == 0


# One page after the other


@pytest.fixture
def ask(serve: Serve, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Ask one partner for a path, each time by the pull of this test, which is opened anew for `pull` of a number."""
    address, partner = serve({f"/{name}": as_json(name) for name in "abc"})
    opened: dict[int, Http] = {}

    def get(path: str, *, pull: int = 1, says: Any = None, **how: Any) -> Any:
        if pull not in opened:
            opened[pull] = Http(loopback=True, sleep=lambda _: None, pages=Pull(tmp_path / "pull.open"))
        if says is not None:
            partner.pages[f"/{path}"] = says if isinstance(says, Reply) else as_json(says, X_Total_Count="7")
        before = len(partner.requests)
        answer = opened[pull].get(f"{address}/{path}", **how)
        return answer.json(), len(partner.requests) - before

    yield get
    for http in opened.values():
        http.close()


def test_the_same_asked_twice_is_answered_twice(ask: Callable[..., Any]) -> None:
    """A list that moved while it was read is read once more: its second answer must not be its first."""
    assert [ask("a", says=1), ask("a", says=2), ask("a", says=3), ask("b", says=4)] == [(1, 1), (2, 1), (3, 1), (4, 1)]
    asked = [ask(path, pull=2) for path in "aaab"]
    assert asked == [(1, 0), (2, 0), (3, 0), (4, 1)]


def test_an_answer_comes_back_as_it_was(serve: Serve, tmp_path: Path) -> None:
    body = "Zoë \0".encode() + bytes(range(256))
    address, _ = serve({"/a": Reply(200, body, {"X-Total-Count": "7", "Set-Cookie": "let-me-in"})})
    answers = []
    for _ in range(2):
        with Http(loopback=True, pages=Pull(tmp_path / "pull.open")) as http:
            answers.append(http.get(f"{address}/a", params={"page": 1}))
            http.get(f"{address}/a", params={"page": 2})
    first, again = answers
    assert (again.status, again.body, again.host) == (200, body, first.host)
    assert again.headers["x-total-count"] == "7"
    assert "set-cookie" in first.headers
    assert "set-cookie" not in again.headers


def test_parameters_and_addresses_tell_pages_apart_and_credentials_do_not(serve: Serve, tmp_path: Path) -> None:
    address, partner = serve({"/a": lambda request: as_json(request.query), "/b": as_json("b")})

    def read(token: str) -> list[Any]:
        with Http(loopback=True, pages=Pull(tmp_path / "pull.open")) as http:
            headers = {"Authorization": f"Bearer {token}"}
            pages = [http.get(f"{address}/a", params={"page": page}, headers=headers).json() for page in (1, 2)]
            return [*pages, http.get(f"{address}/b", headers=headers).json()]

    assert read("today") == read("tomorrow") == [{"page": "1"}, {"page": "2"}, "b"]
    assert len(partner.requests) == 4


def test_what_is_not_to_be_kept_is_always_asked(ask: Callable[..., Any], tmp_path: Path) -> None:
    for pull in (1, 2):
        assert [ask("a", pull=pull, keep=False), ask("b", pull=pull, keep=False)] == [("a", 1), ("b", 1)]
    assert not (tmp_path / "pull.open").exists()


def test_a_refusal_that_is_accepted_is_always_asked_again(ask: Callable[..., Any]) -> None:
    """A permission may have been granted since; and a token that ended must not end again."""
    accept = frozenset({200, 401, 403})
    for pull in (1, 2):
        assert ask("a", pull=pull, says=as_json("no", 403), accept=accept) == ("no", 1)
    assert ask("a", pull=3, says="yes", accept=accept) == ("yes", 1)
    assert ask("a", pull=3, says=as_json("ended", 401), accept=accept) == ("ended", 1)
    assert ask("a", pull=3, says="second", accept=accept) == ("second", 1)
    assert [ask("a", pull=4, says=as_json("ended", 401), accept=accept)[1]] == [0]


def test_a_token_is_never_kept(serve: Serve, tmp_path: Path) -> None:
    address, partner = serve({"/token": as_json({"access_token": "t"})})
    for _ in range(2):
        with Http(loopback=True, pages=Pull(tmp_path / "pull.open")) as http:
            http.token(f"{address}/token", form={})
    assert len(partner.requests) == 2
    assert not (tmp_path / "pull.open").exists()


def test_a_last_page_that_differs_is_told(ask: Callable[..., Any]) -> None:
    ask("a")
    ask("b")
    assert ask("a", pull=2) == ("a", 0)
    with pytest.raises(Moved):
        ask("b", pull=2, says="another")
    assert issubclass(Moved, Busy)
