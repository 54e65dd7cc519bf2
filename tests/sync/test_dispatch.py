"""The dispatcher on a real database: each slot once, whatever happens to beat, broker, zones and other schools."""

import contextlib
import datetime
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

import kombu.pools
import pytest
from django.db import OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from schoolsbuddy.celery import app
from sync.connector import Connector
from sync.models import Connection, MisChange, Pulse, Run, Slot
from sync.operations import dispatch, runs
from sync.queries import slots
from sync.records import RosterRecord, Session
from sync.signals import run_requested
from tenants import scope
from tenants.models import Closure, School
from tenants.operations import set_morning_slot
from tests.factories import people
from tests.factories import runs as run_factory

pytestmark = pytest.mark.django_db

UTC: Final = datetime.UTC
HOUR: Final = datetime.timedelta(hours=1)
MINUTE: Final = datetime.timedelta(minutes=1)
LONG_AGO: Final = datetime.datetime(2026, 1, 1, tzinfo=UTC)
Outcome = Slot.Outcome


class Told(Connector):
    """A connector of which only the name counts here; it shares marks."""

    key: ClassVar[str] = "told"
    label: ClassVar[str] = "Told"
    sessions: ClassVar[frozenset[Session]] = frozenset({Session.AM, Session.PM})

    def roster(self) -> Iterator[RosterRecord]:
        return iter(())


class Silent(Told):
    """One that shares no marks."""

    key: ClassVar[str] = "silent"
    label: ClassVar[str] = "Silent"
    sessions: ClassVar[frozenset[Session]] = frozenset()


@pytest.fixture(autouse=True)
def connectors(settings: Settings) -> None:
    settings.MORE_CONNECTORS = [f"{__name__}.Told", f"{__name__}.Silent"]


@pytest.fixture(autouse=True)
def heard(request: pytest.FixtureRequest) -> Iterator[list[int]]:
    """The runs handed to the workers; no worker takes part, and no broker unless the test is about one."""
    found: list[int] = []
    if "broker" in request.fixturenames:
        yield found
        return
    receivers, run_requested.receivers = run_requested.receivers, []
    run_requested.sender_receivers_cache.clear()

    def listen(*, run: int, **_more: Any) -> None:
        found.append(run)

    run_requested.connect(listen)
    yield found
    run_requested.receivers = receivers
    run_requested.sender_receivers_cache.clear()


def utc(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def school(slug: str = "alder", *, zone: str = "UTC", connector: str = "told", **fields: Any) -> School:
    """Make a school whose first sync is long behind it."""
    made = people.school(slug, slug.title(), **{"timezone": zone, "opened_at": LONG_AGO} | fields)
    with scope.school(made.pk):
        Connection.objects.create(connector=connector, settings={})
        run_factory.run(trigger="first", at=LONG_AGO)
    return made


def at(text: str, **how: Any) -> dispatch.Dispatched:
    """Let the dispatcher have its turn."""
    return dispatch.dispatch(at=utc(text), **how)


def claims(of: School | None = None) -> list[tuple[str, str, str, bool]]:
    """Every claim: date, slot, outcome, whether late."""
    rows = Slot.objects.filter(**{"school": of} if of else {}).order_by("local_date", "due_at", "school_id")
    return [(str(row.local_date), row.slot, row.outcome, row.late) for row in rows]


def runs_of(of: School) -> list[tuple[str, str, str, bool]]:
    """Every run of the clock's: date, slot, kind, whether late."""
    with scope.school(of.pk):
        found = Run.objects.filter(trigger=Run.Trigger.SCHEDULE).order_by("local_date", "queued_at", "pk")
        return [(str(run.local_date), run.slot, run.kind, run.late) for run in found]


# What becomes of a slot.


def test_a_day_of_a_school(heard: list[int], django_capture_on_commit_callbacks: Any) -> None:
    alder = school()
    with django_capture_on_commit_callbacks(execute=True):
        for hour in (1, 2, 9, 14):
            for minute in range(60):
                dispatch.dispatch(at=utc("2026-11-24") + hour * HOUR + minute * MINUTE)
    told = [("night", "roster"), ("morning", "attendance"), ("afternoon", "attendance")]
    assert claims() == [("2026-11-24", slot, "run", False) for slot, _ in told]
    assert runs_of(alder) == [("2026-11-24", slot, kind, False) for slot, kind in told]
    rows = list(Slot.objects.order_by("due_at"))
    assert [row.run for row in rows] == heard
    assert [(row.due_at, row.claimed_at) for row in rows[1:]] == [
        (utc(text), utc(text)) for text in ("2026-11-24 09:30", "2026-11-24 14:30")
    ]
    assert datetime.timedelta() <= rows[0].claimed_at - rows[0].due_at < MINUTE


def suspend(of: School) -> None:
    School.objects.filter(pk=of.pk).update(status=School.Status.SUSPENDED)


def resume(of: School) -> None:
    School.objects.filter(pk=of.pk).update(status=School.Status.ACTIVE)


def disconnect(_: School) -> None:
    Connection.objects.update(active=False)


def unconfirm(_: School) -> None:
    Run.objects.filter(trigger="first").update(status=Run.Status.HELD)


def pause(_: School) -> None:
    Connection.objects.update(paused_reason="The MIS refused us.")


def freeze(_: School) -> None:
    MisChange.objects.create(old=Connection.objects.get(), opened_at=LONG_AGO)


def say_nothing(_: School) -> None:
    Connection.objects.update(connector="silent")


def close(_: School) -> None:
    Closure.objects.create(first=date("2026-11-24"), last=date("2026-11-24"), name="Training day")


def open_on_sundays(of: School) -> None:
    School.objects.filter(pk=of.pk).update(weekdays=[1, 3, 4, 5, 7])  # the 24th is a Tuesday


WHY: Final = (
    (suspend, Outcome.SUSPENDED, Outcome.SUSPENDED),
    (disconnect, Outcome.NOT_CONNECTED, Outcome.NOT_CONNECTED),
    (unconfirm, Outcome.NOT_CONFIRMED, Outcome.NOT_CONFIRMED),
    (pause, Outcome.PAUSED, Outcome.PAUSED),
    (freeze, Outcome.FROZEN, Outcome.FROZEN),
    (say_nothing, Outcome.RUN, Outcome.NOT_SHARED),
    (close, Outcome.RUN, Outcome.NO_SCHOOL),
    (open_on_sundays, Outcome.RUN, Outcome.NO_SCHOOL),
)


@pytest.mark.parametrize(("happens", "night", "by_day"), WHY)
def test_a_slot_that_cannot_run_says_why(happens: Callable[[School], None], night: Outcome, by_day: Outcome) -> None:
    alder, birch = school(), school("birch")
    with scope.school(alder.pk):
        happens(alder)
    for hour in ("03:00", "09:30", "14:30", "14:31"):
        at(f"2026-11-24 {hour}")
    told = [(one[1], one[2]) for one in claims(alder)]
    assert told == [("night", night), ("morning", by_day), ("afternoon", by_day)]
    assert [slot for _, slot, _, _ in runs_of(alder)] == [slot for slot, outcome in told if outcome == Outcome.RUN]
    assert {row.run is None for row in Slot.objects.filter(school=alder).exclude(outcome=Outcome.RUN)} <= {True}
    assert len(runs_of(birch)) == 3


def test_every_outcome_is_tried() -> None:
    assert {outcome for _, *outcomes in WHY for outcome in outcomes} == set(Outcome)


def test_a_school_that_is_resumed_in_the_day_begins_with_what_is_still_to_come() -> None:
    alder = school()
    suspend(alder)
    at("2026-11-24 09:30")
    resume(alder)
    at("2026-11-24 12:00")
    at("2026-11-24 14:30")
    assert [one[1:] for one in claims()] == [
        ("night", "suspended", True),
        ("morning", "suspended", False),
        ("afternoon", "run", False),
    ]


def test_a_week_of_sundays_to_thursdays() -> None:
    """Fridays and Saturdays have nights and no marks (R14)."""
    dubai = school(zone="Asia/Dubai", weekdays=[1, 2, 3, 4, 7])
    for number in range(7 * 24 * 4):
        dispatch.dispatch(at=utc("2026-11-21 20:00") + number * 15 * MINUTE)  # from Sunday's first minute
    assert Counter(slot for _, slot, _, _ in runs_of(dubai)) == {"night": 7, "morning": 5, "afternoon": 5}
    free = {day for day, _, outcome, _ in claims() if outcome == "no school"}
    assert free == {"2026-11-27", "2026-11-28"}


def test_a_closure_is_one_of_the_schools_own_dates() -> None:
    """Auckland's 24th begins while it is still the 23rd in UTC."""
    auckland = school(zone="Pacific/Auckland")
    with scope.school(auckland.pk):
        close(auckland)
    at("2026-11-23 20:30")
    at("2026-11-24 20:30")
    assert [(day, outcome) for day, slot, outcome, _ in claims() if slot == "morning"] == [
        ("2026-11-24", "no school"),
        ("2026-11-25", "run"),
    ]


# Behind its time.


def test_beat_stopped_from_midnight_to_six() -> None:
    """Caught up once, marked late (R10)."""
    alder = school()
    for text in ("2026-11-23 23:59", "2026-11-24 06:00", "2026-11-24 06:01", "2026-11-24 09:29"):
        at(text)
    assert [one for one in claims() if one[0] == "2026-11-24"] == [("2026-11-24", "night", "run", True)]
    assert [one for one in runs_of(alder) if one[0] == "2026-11-24"] == [("2026-11-24", "night", "roster", True)]


@pytest.mark.parametrize(("minutes", "late"), [(0, False), (10, False), (11, True)])
def test_a_slot_is_late_after_ten_minutes(minutes: int, late: bool) -> None:  # noqa: FBT001 - what is expected
    school()
    dispatch.dispatch(at=utc("2026-11-24 14:30") + minutes * MINUTE)
    assert ("2026-11-24", "afternoon", "run", late) in claims()


def test_the_mornings_marks_are_caught_up_until_the_afternoons_are_due() -> None:
    school()
    at("2026-11-24 14:29")
    assert ("2026-11-24", "morning", "run", True) in claims()
    at("2026-11-25 14:30")
    assert [one[1] for one in claims() if one[0] == "2026-11-25"] == ["night", "afternoon"]


def test_a_date_without_a_dispatcher_is_missed_and_not_caught_up_on_the_next() -> None:
    alder = school()
    at("2026-11-23 23:59")
    at("2026-11-25 00:30")
    assert [one for one in claims() if one[0] == "2026-11-24"] == []
    missed = {(one.school, str(one.date), one.slot.value) for one in slots.missed(at=utc("2026-11-25 00:30"))}
    assert missed == {(alder.pk, "2026-11-24", slot) for slot in ("night", "morning", "afternoon")}
    at("2026-11-25 03:00")
    assert [one[:2] for one in claims() if one[0] > "2026-11-23"] == [("2026-11-25", "night")]
    later = {(str(one.date), one.slot.value) for one in slots.missed(at=utc("2026-11-26 00:00"))}
    assert later == {("2026-11-25", "morning"), ("2026-11-25", "afternoon")}


def test_what_was_claimed_was_not_missed() -> None:
    school()
    for hour in ("03:00", "09:30", "14:30"):
        at(f"2026-11-24 {hour}")
    assert [one.date for one in slots.missed(at=utc("2026-11-25 00:00"))] == []


def test_a_school_made_within_the_night_begins_with_the_next() -> None:
    """Made at 01:30, wherever in the night its own place is (R10)."""
    for number in range(12):
        school(f"school-{number}", opened_at=utc("2026-11-24 01:30"))
    for minute in (*range(0, 120, 10), 20 * 60, *range(23 * 60, 26 * 60, 10)):
        dispatch.dispatch(at=utc("2026-11-24 01:30") + minute * MINUTE)
    assert [day for day, slot, _, _ in claims() if slot == "night"] == ["2026-11-25"] * 12


# The school changes its mind.


def test_half_past_ten_chosen_at_a_quarter_to_ten_reads_no_second_morning() -> None:
    alder = school()
    at("2026-11-24 09:30")
    with scope.school(alder.pk):
        set_morning_slot(school=alder, slot="10:30", by=None, at=utc("2026-11-24 09:45"))
    for hour in ("09:46", "10:30", "10:31", "11:00"):
        at(f"2026-11-24 {hour}")
    assert [slot for _, slot, _, _ in runs_of(alder)].count("morning") == 1
    at("2026-11-25 09:59")
    at("2026-11-25 10:30")
    assert [one for one in claims() if one[1] == "morning"] == [
        ("2026-11-24", "morning", "run", False),
        ("2026-11-25", "morning", "run", False),
    ]
    assert Slot.objects.filter(slot="morning").latest("due_at").due_at == utc("2026-11-25 10:30")


def test_half_past_nine_chosen_at_ten_reads_the_morning_at_once() -> None:
    alder = school(morning_slot="10:30")
    at("2026-11-24 09:45")
    assert [slot for _, slot, _, _ in runs_of(alder)] == ["night"]
    with scope.school(alder.pk):
        set_morning_slot(school=alder, slot="09:30", by=None, at=utc("2026-11-24 10:00"))
    at("2026-11-24 10:00")
    at("2026-11-24 10:30")
    assert [one for one in claims() if one[1] == "morning"] == [("2026-11-24", "morning", "run", True)]


STEP: Final = 30 * MINUTE
BEGIN: Final = utc("2026-11-21 00:00")
FAR: Final = (
    "Pacific/Kiritimati",
    "Pacific/Auckland",
    "Asia/Kathmandu",
    "UTC",
    "America/Los_Angeles",
    "Pacific/Pago_Pago",
)


def step(fleet: dict[int, School], now: datetime.datetime) -> None:
    """Let the dispatcher have its turn, and hold what it has done by now against the clocks on the schools' walls."""
    dispatch.dispatch(at=now)
    there: dict[int, set[tuple[datetime.date, str]]] = {pk: set() for pk in fleet}
    for pk, day, slot in Slot.objects.values_list("school_id", "local_date", "slot"):
        there[pk].add((day, slot))
    for pk, one in fleet.items():
        wall = one.local(now)
        must = {("night", datetime.time(3), datetime.time.max), ("afternoon", datetime.time(14, 30), datetime.time.max)}
        must |= {("morning", datetime.time(9, 30), datetime.time(14, 29))}
        due = {(wall.date(), slot) for slot, first, last in must if first <= wall.time() <= last}
        assert due <= there[pk], f"{one.timezone} at {wall}"
        assert not {day for day, _ in there[pk] if day > wall.date() + datetime.timedelta(days=1)}


def lives(moves: Sequence[tuple[int, int, str]], outages: Sequence[tuple[int, int]], *, steps: int) -> None:
    """Let a fleet live: `moves` (step, school, zone), `outages` (first step, steps) of the dispatcher.

    No date is doubled and none is skipped whose night a school has seen the end of.
    """
    fleet = {one.pk: one for one in (school(f"school-{number}", zone=FAR[number]) for number in range(3))}
    numbers = list(fleet)
    silent = {first + number for first, long in outages for number in range(long)}
    for turn in range(steps):
        for _, number, zone in (move for move in moves if move[0] == turn):
            School.objects.filter(pk=numbers[number]).update(timezone=zone)
            fleet[numbers[number]].timezone = zone
        if turn not in silent:
            step(fleet, BEGIN + turn * STEP)
    for one in fleet.values():
        told = runs_of(one)
        assert [count for count in Counter((day, slot) for day, slot, _, _ in told).values() if count > 1] == []
        nights = sorted(date(day) for day, slot, _, _ in told if slot == "night")
        assert len(nights) == len(set(nights))
    for row in Slot.objects.all():
        assert row.due_at <= row.claimed_at


def test_schools_that_move_over_the_date_line_and_back() -> None:
    """West: the date just lived comes again, and has its runs already. East: what is left of the date is caught up."""
    moves = [
        (2 * 48, 1, "America/Los_Angeles"),
        (4 * 48, 1, "Pacific/Auckland"),
        (3 * 48 + 7, 0, "Pacific/Pago_Pago"),
        (6 * 48 + 31, 0, "Pacific/Kiritimati"),
        (3 * 48, 2, "Asia/Tokyo"),
        (5 * 48 + 20, 2, "America/New_York"),
    ]
    lives(moves, [(90, 6), (200, 8)], steps=9 * 48)


def test_a_date_that_comes_again_in_the_west_is_not_run_again() -> None:
    auckland = school(zone="Pacific/Auckland")
    at("2026-11-23 14:00")  # the 24th, 03:00
    School.objects.update(timezone="America/Los_Angeles")  # the 23rd, 06:00
    for hour in range(1, 30):
        dispatch.dispatch(at=utc("2026-11-23 14:00") + hour * HOUR)
    nights = [day for day, slot, _, _ in runs_of(auckland) if slot == "night"]
    assert nights == ["2026-11-23", "2026-11-24"]  # the 23rd is caught up, for nobody had dispatched it in Auckland
    assert Slot.objects.get(slot="night", local_date="2026-11-24").claimed_at == utc("2026-11-23 14:00")


@pytest.mark.parametrize("zone", ["Etc/GMT-4", "Etc/GMT-2", "Etc/GMT-17"])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_a_new_time_zone_database_does_no_harm(zone: str, hour: int) -> None:
    """A country decides to keep other hours; what was claimed by the old ones is not run again."""
    zone = "Etc/GMT+7" if zone == "Etc/GMT-17" else zone  # there is no such zone; ten hours the other way
    alder = school(zone="Etc/GMT-3")
    for number in range(3 * 24 * 2):
        now = utc("2026-11-22 21:00") + number * STEP
        if now >= utc("2026-11-24 00:00") + hour * HOUR:
            School.objects.update(timezone=zone)
        dispatch.dispatch(at=now)
    told = Counter((day, slot) for day, slot, _, _ in runs_of(alder))
    assert set(told.values()) == {1}
    assert {"2026-11-23", "2026-11-24", "2026-11-25"} <= {day for day, slot in told if slot == "night"}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(st.tuples(st.integers(0, 4 * 48), st.integers(0, 2), st.sampled_from(FAR)), max_size=8),
    outages=st.lists(st.tuples(st.integers(0, 4 * 48), st.integers(1, 8)), max_size=4),
)
@example(moves=[(47, 0, "Pacific/Pago_Pago"), (48, 0, "Pacific/Kiritimati"), (49, 0, "Pacific/Pago_Pago")], outages=[])
def test_no_date_is_doubled_and_none_skipped(moves: list[tuple[int, int, str]], outages: list[tuple[int, int]]) -> None:
    """Whatever zones schools move to, and whenever the dispatcher is silent for less than a morning."""
    with rolled_back():
        lives(moves, outages, steps=4 * 48)


@contextlib.contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what an example did: Hypothesis runs all of them within one test."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


# Faults of one are nobody else's.


def test_a_school_without_a_zone_we_know_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    lost, alder = school("lost", zone="Mars/Olympus"), school()
    assert at("2026-11-24 03:00").claimed == 1
    assert len(runs_of(alder)) == 1
    assert "lives by no time zone we know" in caplog.text
    School.objects.filter(pk=lost.pk).update(timezone="UTC")
    at("2026-11-24 04:00")
    assert claims(lost) == [("2026-11-24", "night", "run", True)]


@pytest.mark.parametrize("zone", ["", "Europe", "../../etc/passwd", "Europe/London\x01"])
def test_no_name_of_a_zone_stops_the_dispatcher(zone: str) -> None:
    school("lost", zone=zone)
    alder = school()
    assert at("2026-11-24 03:00") == dispatch.Dispatched(claimed=1, runs=1, left=0)
    assert len(runs_of(alder)) == 1


def test_a_school_with_a_connector_that_is_gone_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Its marks wait until somebody has put the connector back; its name may be ours to mend, so nothing is claimed."""
    lost, alder = school("lost", connector="gone"), school()
    at("2026-11-24 03:00")
    with caplog.at_level(logging.ERROR):
        assert at("2026-11-24 09:30") == dispatch.Dispatched(claimed=1, runs=1, left=1)
    assert [slot for _, slot, _, _ in runs_of(alder)] == ["night", "morning"]
    assert f"slot morning of school {lost.pk}: UnknownConnector" in caplog.text
    with scope.school(lost.pk):
        Connection.objects.update(connector="told")
    at("2026-11-24 10:00")
    assert claims(lost)[-1] == ("2026-11-24", "morning", "run", True)


def test_the_longest_due_is_first_and_a_turn_has_an_end() -> None:
    for number in range(6):
        school(f"school-{number}")
    turns = [at("2026-11-24 03:00", most=4), at("2026-11-24 03:01", most=4), at("2026-11-24 03:02", most=4)]
    assert [(turn.claimed, turn.left) for turn in turns] == [(4, 2), (2, 0), (0, 0)]
    due = list(Slot.objects.order_by("claimed_at", "pk").values_list("due_at", flat=True))
    assert due == sorted(due)
    assert Pulse.objects.get().at == utc("2026-11-24 03:02")


def test_a_turn_that_takes_too_long_leaves_the_rest_to_the_next() -> None:
    for number in range(3):
        school(f"school-{number}")
    turns = [at("2026-11-24 03:00", longest=0.0), at("2026-11-24 03:01", longest=0.0), at("2026-11-24 03:02")]
    assert [(turn.claimed, turn.left) for turn in turns] == [(1, 2), (1, 1), (1, 0)]


def test_whoever_cannot_be_claimed_uses_up_nobodys_turn() -> None:
    for number in range(3):
        school(f"lost-{number}", connector="gone")
    at("2026-11-24 03:00")
    alder = school("alder", morning_slot="10:30")
    at("2026-11-24 03:00")
    assert at("2026-11-24 10:30", most=1) == dispatch.Dispatched(claimed=1, runs=1, left=3)
    assert [slot for _, slot, _, _ in runs_of(alder)] == ["night", "morning"]


def test_the_pulse_tells_of_the_last_turn() -> None:
    school()
    at("2026-11-24 03:00", most=0)
    beat = Pulse.objects.get(name=Pulse.DISPATCH)
    assert (beat.at, beat.claimed, beat.left) == (utc("2026-11-24 03:00"), 0, 1)
    at("2026-11-24 03:01")
    beat.refresh_from_db()
    assert (beat.at, beat.claimed, beat.left) == (utc("2026-11-24 03:01"), 1, 0)
    assert 0 < beat.seconds < 60


def test_a_turn_costs_the_same_however_many_schools_there_are() -> None:
    def queries(text: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            at(text)
        return len(captured)

    school("one")
    at("2026-11-24 03:00")
    idle = queries("2026-11-24 03:01")
    alone = queries("2026-11-25 03:00")
    for number in range(4):
        school(f"school-{number}")
    at("2026-11-25 03:01")
    assert queries("2026-11-25 03:02") == idle
    assert queries("2026-11-26 03:00") - idle == 5 * (alone - idle)


# Two at once, and what they stand on is gone.

real = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def in_threads(*what: Callable[[], Any]) -> list[Any]:
    """Do all of these at once, each on a connection of its own."""
    found: list[Any] = []

    def do(one: Callable[[], Any]) -> None:
        try:
            found.append(one())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=[one]) for one in what]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return found


@real
def test_two_dispatchers_at_once_claim_each_slot_once() -> None:
    fleet = [school(f"school-{number}") for number in range(12)]
    start = threading.Barrier(3)

    def turn() -> dispatch.Dispatched:
        start.wait()
        return at("2026-11-24 09:30")

    found = in_threads(turn, turn, turn)
    assert sum(one.claimed for one in found) == 24
    assert sum(one.runs for one in found) == 24
    for one in fleet:
        assert [slot for _, slot, _, _ in runs_of(one)] == ["night", "morning"]


class Died(Exception):
    """Somebody's dispatcher."""


@real
@pytest.mark.parametrize("commits", [True, False])
def test_a_slot_that_another_dispatcher_is_claiming_is_waited_for(commits: bool) -> None:  # noqa: FBT001 - two ways
    """If that one commits, it is theirs; if it dies, ours."""
    alder = school()
    [due] = slots.unclaimed(at=utc("2026-11-24 03:00"))
    claimed, asked = threading.Event(), threading.Event()

    def first() -> None:
        with contextlib.suppress(Died), scope.school(alder.pk):
            assert dispatch.claim(due, at=due.at)
            claimed.set()
            assert asked.wait(10)
            wait_for_a_lock()
            if not commits:
                raise Died

    def second() -> bool:
        assert claimed.wait(10)
        asked.set()
        return dispatch.dispatch(at=due.at).claimed == 1

    assert (not commits) in in_threads(first, second)
    assert claims() == [("2026-11-24", "night", "run", False)]
    assert len(runs_of(alder)) == 1


def wait_for_a_lock() -> None:
    """Wait until somebody waits for what this transaction holds."""
    for _ in range(1_000):
        with connection.cursor() as cursor:
            cursor.execute("select pg_sleep(0.01), count(*) from pg_locks where not granted")
            if cursor.fetchone()[1]:
                return
    pytest.fail("nobody waits")


@pytest.fixture
def broker() -> Iterator[None]:
    """A broker that nobody can reach."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"
        usual = app.conf.broker_url
        point(nobody)
        yield
        point(usual)


def point(url: str | None) -> None:
    """Have Celery send to this broker from now on."""
    celery: Any = app
    kombu.pools.reset()
    celery._pool = celery.amqp._producer_pool = None
    celery.conf.update(broker_url=url, broker_write_url=url, broker_read_url=url)


@real
@pytest.mark.usefixtures("broker")
def test_a_broker_that_is_down_undoes_no_claim(caplog: pytest.LogCaptureFixture) -> None:
    alder, birch = school(), school("birch")
    assert at("2026-11-24 03:00") == dispatch.Dispatched(claimed=2, runs=2, left=0)
    assert [one[:3] for one in claims()] == [("2026-11-24", "night", "run")] * 2
    for one in (alder, birch):
        with scope.school(one.pk):
            assert Run.objects.get(trigger="schedule").status == Run.Status.QUEUED
    assert "OperationalError" in caplog.text
    assert at("2026-11-24 03:01").claimed == 0


@real
def test_a_run_whose_message_was_lost_is_sent_again(heard: list[int]) -> None:
    alder = school()
    at("2026-11-24 03:00")
    [run] = heard
    for minute in range(1, 20):
        runs.release_stuck(at=utc("2026-11-24 03:00") + minute * MINUTE)
    assert heard[1:] == [run]
    assert len(runs_of(alder)) == 1


@real
def test_without_a_database_a_turn_ends_and_leaves_no_pulse(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(5):
        school(f"school-{number}")

    def cut(**_more: Any) -> None:
        connection.connection.close()

    run_requested.connect(cut)
    with pytest.raises(OperationalError):
        at("2026-11-24 03:00")
    connection.close()
    run_requested.disconnect(cut)
    assert not Pulse.objects.exists()
    assert Slot.objects.count() == 1
    assert caplog.text.count("slot night") <= 1
    assert at("2026-11-24 03:01").claimed == 4


def test_claims_of_more_than_a_year_ago_are_forgotten_and_their_runs_stay() -> None:
    alder = school()
    at("2026-10-20 03:00")
    at("2026-10-21 03:00")
    assert dispatch.forget(at=utc("2027-11-25 12:00")) == 1
    assert [str(row.local_date) for row in Slot.objects.all()] == ["2026-10-21"]
    assert len(runs_of(alder)) == 2
