"""The schedule board: each school's health by what it is judged by, then the board itself over real rows."""

import datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sync import clock
from sync.models import Connection, MisChange, Pulse, Run, Slot, Trouble
from sync.queries import board
from sync.queries.board import Claim, Filters, Health, Look, Standing, State, judge, look
from sync.queries.slots import timing_of
from tenants import scope
from tenants.models import Closure, School
from tests.factories import people, runs

NOON = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)  # a Tuesday
LONG_AGO = datetime.datetime(2026, 9, 1, tzinfo=datetime.UTC)
LATE = datetime.timedelta(minutes=40)


def one(state: State, **fields: Any) -> Look:
    return Look(slot=clock.Slot.NIGHT, state=state, **fields)


def skipped(outcome: Slot.Outcome) -> Look:
    return one(State.SKIPPED, words=str(outcome.label))


BUSY, HELD = ("busy", "The MIS was busy."), ("held", "It waits.")


HEALTHS: list[tuple[Standing, Health]] = [
    (Standing(looks=[one(State.DONE)] * 3), Health.GOOD),
    (Standing(looks=[one(State.DONE), skipped(Slot.Outcome.NO_SCHOOL)]), Health.GOOD),
    (Standing(looks=[one(State.DONE), skipped(Slot.Outcome.NOT_SHARED)]), Health.GOOD),
    (Standing(looks=[one(State.NONE)] * 3), Health.WAITING),
    (Standing(looks=[one(State.DONE), one(State.DUE)]), Health.WAITING),
    (Standing(looks=[one(State.DONE), one(State.QUEUED)]), Health.WAITING),
    (Standing(looks=[one(State.DONE), one(State.RUNNING)]), Health.WAITING),
    (Standing(looks=[one(State.DONE), one(State.RETRY)]), Health.WAITING),
    (Standing(looks=[one(State.CANCELLED), one(State.DONE)]), Health.WAITING),
    (Standing(looks=[one(State.DONE, late=LATE)]), Health.LATE),
    (Standing(looks=[one(State.RUNNING, late=LATE)]), Health.LATE),
    (Standing(looks=[one(State.OVERDUE)]), Health.LATE),
    (Standing(looks=[one(State.HELD)]), Health.HELD),
    (Standing(looks=[one(State.PART, late=LATE)]), Health.HELD),
    (Standing(looks=[one(State.DONE)], troubles=[HELD]), Health.HELD),
    (Standing(looks=[one(State.FAILED), one(State.HELD)]), Health.TROUBLE),
    (Standing(looks=[one(State.DONE)], troubles=[HELD, BUSY]), Health.TROUBLE),
    (Standing(strange_zone=True), Health.TROUBLE),
    (Standing(looks=[one(State.FAILED)], paused="It refused us."), Health.PAUSED),
    (Standing(looks=[skipped(Slot.Outcome.PAUSED)]), Health.GOOD),  # it was, and is no more: the next slot tells
    (Standing(looks=[skipped(Slot.Outcome.NOT_CONFIRMED)]), Health.NOT_CONFIRMED),
    (Standing(looks=[one(State.DONE)], frozen=True, paused="It refused us."), Health.FROZEN),
    (Standing(looks=[one(State.MISSED), one(State.DONE)], frozen=True), Health.MISSED),
    (Standing(looks=[one(State.MISSED)], connected=False), Health.NOT_CONNECTED),
    (Standing(looks=[one(State.MISSED)], connected=False, suspended=True), Health.SUSPENDED),
]


@pytest.mark.parametrize(("of", "health"), HEALTHS)
def test_health(of: Standing, health: Health) -> None:
    judged, why = judge(of)
    assert judged is health
    assert bool(why) is (health is not Health.GOOD)


def test_every_health_is_reached() -> None:
    assert {health for _, health in HEALTHS} == set(Health)


DUE = clock.Due(
    school=1,
    slot=clock.Slot.MORNING,
    date=NOON.date(),
    at=NOON.replace(hour=9, minute=30),
    until=NOON.replace(hour=14, minute=30),
)


@pytest.mark.parametrize(
    ("claim", "minutes", "state", "late"),
    [
        (None, 5, State.DUE, None),
        (None, 11, State.OVERDUE, None),
        (None, 299, State.OVERDUE, None),
        (None, 300, State.MISSED, None),
        (Claim(outcome="no school"), 20, State.SKIPPED, None),
        (Claim(outcome="run", status="queued"), 5, State.QUEUED, None),
        (Claim(outcome="run", status="queued"), 25, State.QUEUED, 25),
        (Claim(outcome="run", status="running", began=DUE.at), 60, State.RUNNING, None),
        (Claim(outcome="run", status="ok", began=DUE.at + datetime.timedelta(minutes=10)), 60, State.DONE, None),
        (Claim(outcome="run", status="ok", began=DUE.at + datetime.timedelta(minutes=31)), 60, State.DONE, 31),
        (Claim(outcome="run", status="partial", began=DUE.at), 60, State.PART, None),
        (Claim(outcome="run", status="held", began=DUE.at), 60, State.HELD, None),
        (Claim(outcome="run", status="failed", began=DUE.at), 60, State.FAILED, None),
        (Claim(outcome="run", status="cancelled"), 60, State.CANCELLED, None),
        (Claim(outcome="run", status="failed", began=DUE.at, retry_at=NOON), 60, State.RETRY, None),
        (Claim(outcome="run"), 60, State.FAILED, None),  # its run is gone
    ],
)
def test_what_became_of_a_slot(claim: Claim | None, minutes: int, state: State, late: int | None) -> None:
    found = look(clock.Slot.MORNING, DUE, claim, now=DUE.at + datetime.timedelta(minutes=minutes))
    assert (found.state, found.late) == (state, late and datetime.timedelta(minutes=late))


def test_before_its_first_slot_nothing_was_due() -> None:
    assert look(clock.Slot.NIGHT, None, None, now=NOON).state is State.NONE


# Over real rows.


def claimed(school: School, *, now: datetime.datetime = NOON, status: str = "ok") -> None:
    """Claim the last turn of each slot of a school, with a run that began two minutes behind its time."""
    School.objects.filter(pk=school.pk).update(opened_at=LONG_AGO)
    school.refresh_from_db()
    with scope.school(school.pk):
        for slot in clock.Slot:
            due = board.last_due(timing_of(school), slot, now)
            assert due
            began = due.at + datetime.timedelta(minutes=2)
            run = runs.run(at=began, status=status, kind=slot.kind, slot=slot.value, local_date=due.date)
            Slot.objects.create(
                school=school, kind=slot.kind, slot=slot, local_date=due.date, due_at=due.at, claimed_at=due.at,
                outcome="run", run=run.pk,
            )  # fmt: skip


def health_of(school: School, **filters: str) -> Health:
    found = board.board(now=NOON, filters=Filters(**filters))
    return next(line.health for line in found.lines if line.school == school)


@pytest.fixture
def good(northgate: School) -> School:
    """A school whose last three slots went well."""
    with scope.school(northgate.pk):
        runs.connection()
    claimed(northgate)
    return northgate


def test_a_school_whose_slots_went_well_is_good(good: School) -> None:
    (line,) = board.board(now=NOON).lines
    assert (line.health, line.mis) == (Health.GOOD, "CSV files")
    assert [each.state for each in line.looks] == [State.DONE] * 3
    assert {each.began - each.due for each in line.looks if each.began and each.due} == {datetime.timedelta(minutes=2)}


def test_a_slot_without_a_claim_is_missed_once_its_time_is_over(good: School) -> None:
    Slot.objects.filter(slot="morning").delete()
    assert health_of(good) is Health.LATE
    Slot.objects.filter(slot="afternoon").delete()  # yesterday's
    (line,) = board.board(now=NOON).lines
    assert (line.health, line.why) == (Health.MISSED, "Missed: afternoon.")


def test_a_new_school_misses_nothing_from_before_it_was_ours(northgate: School) -> None:
    with scope.school(northgate.pk):
        runs.connection()
    School.objects.filter(pk=northgate.pk).update(opened_at=NOON)
    (line,) = board.board(now=NOON).lines
    assert (line.health, {each.state for each in line.looks}) == (Health.WAITING, {State.NONE})


def test_what_stands_in_its_way_is_told(good: School) -> None:
    with scope.school(good.pk):
        run = Run.objects.earliest("pk")
        trouble = Trouble.objects.create(kind="roster", reason="busy", says="Busy.", since=NOON, last_at=NOON, run=run)
    assert health_of(good) is Health.TROUBLE
    with scope.school(good.pk):
        Trouble.objects.filter(pk=trouble.pk).update(over_at=NOON)
    assert health_of(good) is Health.GOOD
    with scope.school(good.pk):
        link = Connection.objects.get()
        Connection.objects.update(paused_reason="It refused us.")
    assert health_of(good) is Health.PAUSED
    with scope.school(good.pk):
        MisChange.objects.create(old=link, opened_at=NOON)
    assert health_of(good) is Health.FROZEN
    with scope.school(good.pk):
        Connection.objects.update(active=False)
    assert health_of(good) is Health.NOT_CONNECTED
    School.objects.update(status="suspended")
    assert health_of(good) is Health.SUSPENDED


def test_the_worst_come_first_and_filters_leave_the_rest_out(good: School, himal: School) -> None:
    elm = people.school("elmfield", "Elmfield School")
    School.objects.filter(pk=elm.pk).update(opened_at=LONG_AGO)
    with scope.school(elm.pk):
        runs.connection()
    found = board.board(now=NOON)
    assert [line.school.slug for line in found.lines] == ["elmfield", "himal", "northgate"]
    assert dict(found.counts) == {Health.MISSED: 1, Health.NOT_CONNECTED: 1, Health.GOOD: 1}
    assert found.zones == ("Asia/Kathmandu", "Europe/London")

    def shown(**filters: str) -> set[str]:
        return {line.school.slug for line in board.board(now=NOON, filters=Filters(**filters)).lines}

    assert shown(health="missed") == {"elmfield"}
    assert shown(zone="Asia/Kathmandu") == {"himal"}
    assert shown(mis="CSV files") == {"elmfield", "northgate"}
    assert shown(search="NORTH") == {"northgate"}
    assert shown(search="himal", zone="Europe/London") == set()


def test_the_next_slots_say_where_no_marks_are_read(good: School) -> None:
    with scope.school(good.pk):
        Closure.objects.create(first=NOON.date(), last=NOON.date(), name="Half-term")
    (line,) = board.board(now=NOON).lines
    coming = line.upcoming(NOON)
    assert [(each.slot.value, each.without) for each in coming] == [
        ("afternoon", "Half-term"),
        ("night", ""),
        ("morning", ""),
    ]
    assert coming[0].words == "Tue 14:30"


def test_the_load_counts_each_school_in_the_hour_it_is_due(good: School, himal: School) -> None:
    hours = board.board(now=NOON).hours
    assert [hour.at.hour for hour in hours] == [*range(12, 24), *range(12)]
    assert sum(hour.roster for hour in hours) == 1  # the other school is connected to nothing
    assert {hour.at.hour for hour in hours if hour.attendance} == {14, 9}
    with scope.school(good.pk):
        Closure.objects.create(first=NOON.date(), last=NOON.date(), name="Half-term")
    assert {hour.at.hour for hour in board.board(now=NOON).hours if hour.attendance} == {9}


@pytest.mark.parametrize(("minutes", "silent"), [(1, False), (3, False), (4, True), (None, True)])
def test_a_clock_without_a_pulse_is_silent(good: School, minutes: int | None, *, silent: bool) -> None:
    if minutes is not None:
        Pulse.objects.create(name=Pulse.DISPATCH, at=NOON - datetime.timedelta(minutes=minutes))
    assert board.board(now=NOON).silent is silent


def test_a_zone_that_nobody_knows_stops_no_other_school(good: School, himal: School) -> None:
    School.objects.filter(pk=himal.pk).update(timezone="Mars/Olympus", opened_at=LONG_AGO)
    with scope.school(himal.pk):
        runs.connection()
    found = {line.school.slug: line for line in board.board(now=NOON).lines}
    assert found["northgate"].health is Health.GOOD
    assert found["himal"].health is Health.TROUBLE
    assert found["himal"].upcoming(NOON) == ()


def test_three_schools_cost_as_many_queries_as_one(good: School) -> None:
    with CaptureQueriesContext(connection) as alone:
        board.board(now=NOON)
    for slug in ("ash", "birch"):
        school = people.school(slug, slug.title())
        with scope.school(school.pk):
            runs.connection()
        claimed(school)
    with CaptureQueriesContext(connection) as three:
        assert len(board.board(now=NOON).lines) == 3
    assert len(three) == len(alone)
