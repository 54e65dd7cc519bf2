"""Today's fetches of marks in words, each with its age, and what had none (R14, R15)."""

import datetime
from typing import Any, Final

import pytest

from sync import clock
from sync.models import ParkedMark, Slot
from sync.queries import fetches
from tenants import scope
from tenants.models import School
from tests.factories import runs

pytestmark = pytest.mark.django_db

TODAY: Final = datetime.date(2026, 11, 24)
DAY: Final = datetime.timedelta(days=1)


def at(hour: int, minute: int = 0, *, date: datetime.date = TODAY) -> datetime.datetime:
    return datetime.datetime.combine(date, datetime.time(hour, minute), tzinfo=datetime.UTC)


def fetch(status: str, when: datetime.datetime, slot: str = "morning", **fields: Any) -> int:
    return runs.run(kind="attendance", status=status, at=when, slot=slot, kinds={}, **fields).pk


def passed_over(school: School, slot: str, outcome: str, date: datetime.date = TODAY) -> None:
    due = at(9, 30, date=date) if slot == clock.Slot.MORNING else at(14, 30, date=date)
    Slot.objects.create(
        school=school, kind="attendance", slot=slot, local_date=date, due_at=due, claimed_at=due, outcome=outcome
    )


def lines(found: tuple[fetches.Fetch, ...]) -> list[str]:
    return [f"{one.name}: {one.words}" for one in found]


def test_today_in_words_with_its_age(northgate: School):
    with scope.school(northgate.pk):
        morning = fetch("ok", at(9, 31))
        fetch("failed", at(11), slot="", error="Your MIS was busy.")
        fetch("running", at(14, 30), slot="afternoon")
        found = fetches.today(northgate, now=at(14, 31))
        assert lines(found) == [
            "The morning: read at 09:31, 4 h ago",
            "In between: failed at 11:00: Your MIS was busy.",
            "The afternoon: is being read since 14:30",
        ]
        assert (found[0].run, found[0].tone) == (morning, "ok")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("ok", "read at 10:40, just now, late"),
        ("partial", "read in part at 10:40, just now"),
        ("held", "held at 10:40, for a person to look at it"),
        ("cancelled", "cancelled at 10:40"),
        ("queued", "waits for its turn since 10:40"),
    ],
)
def test_each_way_a_fetch_can_stand(northgate: School, status: str, words: str):
    with scope.school(northgate.pk):
        fetch(status, at(10, 40), late=True)
        (found,) = fetches.today(northgate, now=at(10, 41) + datetime.timedelta(seconds=30))
    assert found.words == words


def test_a_slot_without_a_run_says_why(northgate: School, himal: School):
    with scope.school(northgate.pk):
        passed_over(northgate, "morning", "paused")
        passed_over(northgate, "afternoon", "no school")
        passed_over(himal, "morning", "frozen")
        found = fetches.today(northgate, now=at(15))
    assert lines(found) == [
        "The morning: not read: reading is paused until somebody mends it",
        "The afternoon: not read: no school on this day",
    ]
    assert [one.tone for one in found] == ["warn", "muted"]


def test_a_day_is_the_schools_own(himal: School):
    before_midnight_in_london = at(23)
    with scope.school(himal.pk):
        fetch("ok", at(4), local_date=TODAY)
        assert fetches.today(himal, now=at(12)) != ()
        assert fetches.today(himal, now=before_midnight_in_london) == ()


def test_the_last_days_come_latest_first_and_are_forgotten(northgate: School):
    with scope.school(northgate.pk):
        for ago in (0, 1, 3, 40):
            fetch("ok", at(9, 31), ago=ago)
        found = fetches.lately(northgate, now=at(12))
    assert [day.date for day in found] == [TODAY, TODAY - DAY, TODAY - 3 * DAY]


@pytest.mark.parametrize("number", [1, 3])
def test_what_it_costs(northgate: School, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        for ago in range(number):
            fetch("ok", at(9, 31), ago=ago)
        with django_assert_num_queries(2):
            assert len(fetches.lately(northgate, now=at(12))) == number


def test_parked_marks_are_counted(northgate: School):
    with scope.school(northgate.pk):
        assert fetches.parked() == 0
        ParkedMark.objects.create(
            generation=1, student_ref="7", date=TODAY, session="am", said="absent", fetched_at=at(9), run=1
        )
        assert fetches.parked() == 1
