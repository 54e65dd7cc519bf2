"""The dead man's switch, and the numbers for Prometheus."""

import datetime
import math
import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from portals.entrance import exposition
from portals.entrance.exposition import Gauge
from sync.models import Pulse
from sync.operations import dispatch
from tests.factories import people

TOKEN = "a-token-of-more-than-thirty-two-letters"
BEARS = {"Authorization": f"Bearer {TOKEN}"}
LINE = re.compile(r'^([a-z_]+)(?:\{([a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*)\})? (\+Inf|[0-9.e+-]+)$')


def beat(**ago: float) -> None:
    """Have the dispatcher have had a turn so long ago."""
    Pulse.objects.update_or_create(
        name=Pulse.DISPATCH, defaults={"at": timezone.now() - datetime.timedelta(**ago), "seconds": 0.25, "left": 3}
    )


def answer(path: str = "/healthz/clock", **headers: str) -> tuple[int, str]:
    response = Client().get(path, headers=headers)
    return response.status_code, response.content.decode()


def test_a_clock_that_never_ran(db: None) -> None:
    status, said = answer()
    assert status == 503
    assert "has never run" in said


def test_a_clock_that_runs(db: None) -> None:
    dispatch.dispatch(at=timezone.now())
    assert answer() == (200, "ok: the last turn was 0 seconds ago")


@pytest.mark.parametrize(
    ("ago", "status", "words"),
    [
        ({"seconds": 100}, 200, "100 seconds ago"),
        ({"minutes": 2, "seconds": 50}, 200, "2 minutes ago"),
        ({"minutes": 3}, 503, "3 minutes ago"),
        ({"minutes": 90}, 503, "90 minutes ago"),
        ({"hours": 50}, 503, "50 hours ago"),
    ],
)
def test_the_age_is_said_in_words(db: None, ago: dict[str, float], status: int, words: str) -> None:
    beat(**ago)
    code, said = answer()
    assert code == status
    assert said.endswith(words)
    assert said.startswith("ok" if status == 200 else "the clock is silent")


def test_it_is_plain_text_that_nobody_keeps(db: None) -> None:
    response = Client().get("/healthz/clock")
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    assert Client().post("/healthz/clock").status_code == 405
    assert Client().head("/healthz/clock").status_code == 503


def test_it_asks_one_thing_of_the_database(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        Client().get("/healthz/clock")


@pytest.mark.parametrize("path", ["/healthz/clock", "/metrics"])
def test_without_a_database_nobody_knows_and_nothing_breaks(db: None, settings: Settings, path: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    def down(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(down):
        assert answer(path, **BEARS) == (503, "the database does not answer, so nobody knows")


def test_without_a_token_there_are_no_numbers(db: None) -> None:
    assert answer("/metrics")[0] == 404
    assert answer("/metrics", Authorization="Bearer ")[0] == 404


@pytest.mark.parametrize("said", ["", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer ü"])
def test_only_whoever_bears_the_token_reads_the_numbers(db: None, settings: Settings, said: str) -> None:
    settings.METRICS_TOKEN = TOKEN
    response = Client().get("/metrics", headers={"Authorization": said} if said else {})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert TOKEN not in response.content.decode()


def read(said: str) -> dict[str, float]:
    """Read what Prometheus would read: each line is a comment or a value, and no value comes twice."""
    found: dict[str, float] = {}
    for line in said.splitlines():
        if not line.startswith("#"):
            value = LINE.match(line)
            assert value, line
            name = line.rpartition(" ")[0]
            assert name not in found
            found[name] = float(value[3])
    return found


def test_the_numbers(db: None, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    people.school("alder", "Alder School", status="suspended", timezone="UTC")
    dispatch.dispatch(at=timezone.now())
    beat(minutes=1)
    response = Client().get("/metrics", headers=BEARS)
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    found = read(response.content.decode())
    assert 60 <= found["schoolsbuddy_clock_age_seconds"] < 90
    assert found["schoolsbuddy_clock_turn_seconds"] == 0.25
    assert found["schoolsbuddy_clock_slots_left"] == 3
    assert found['schoolsbuddy_slots_missed{slot="night"}'] == 0
    assert found['schoolsbuddy_runs{queue="roster",status="queued"}'] == 0
    assert found['schoolsbuddy_runs_oldest_seconds{queue="attendance"}'] == 0
    assert found['schoolsbuddy_runs_failed{error="busy"}'] == 0
    assert found['schoolsbuddy_schools{last_night="nothing was due"}'] == 1
    assert "Alder" not in response.content.decode()
    assert "alder" not in response.content.decode()


def test_a_clock_that_never_ran_is_infinitely_old(db: None, settings: Settings) -> None:
    """So that an alert above a number of seconds goes off."""
    settings.METRICS_TOKEN = TOKEN
    assert read(answer("/metrics", **BEARS)[1])["schoolsbuddy_clock_age_seconds"] == math.inf


def test_the_format_to_the_letter() -> None:
    told = exposition.text(
        [
            exposition.plain("a_seconds", "How long.", 1.5),
            exposition.by("x", "b", "How many.", {'quo"te': 2, "back\\slash": 1_234_567, "new\nline": math.inf}),
            Gauge("c", "Two labels.", [({"x": "1", "y": "2"}, 0)]),
        ]
    )
    assert told == (
        "# HELP a_seconds How long.\n# TYPE a_seconds gauge\na_seconds 1.5\n"
        "# HELP b How many.\n# TYPE b gauge\n"
        'b{x="quo\\"te"} 2\nb{x="back\\\\slash"} 1234567\nb{x="new\\nline"} +Inf\n'
        '# HELP c Two labels.\n# TYPE c gauge\nc{x="1",y="2"} 0\n'
    )
