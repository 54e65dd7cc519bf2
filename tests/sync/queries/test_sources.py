"""How fresh a school's data is, when it comes anew, and why it is older than it should be (R21)."""

import datetime
from typing import Any, Final

import pytest

from sync.models import Connection, MisChange, MisProduct, Pulse, Run
from sync.queries import sources
from sync.queries.sources import Freshness
from tenants import scope
from tenants.models import School
from tenants.operations import add_closure, set_weekdays
from tests.conftest import Person
from tests.factories import runs

pytestmark = pytest.mark.django_db

TODAY: Final = datetime.date(2026, 11, 24)  # a Tuesday
DAY: Final = datetime.timedelta(days=1)


def at(hour: int, minute: int = 0, *, date: datetime.date = TODAY) -> datetime.datetime:
    """A moment of the clock in London."""
    return datetime.datetime.combine(date, datetime.time(hour, minute), tzinfo=datetime.UTC)


@pytest.fixture
def school(northgate: School) -> School:
    """Northgate, opened long ago, whose data comes from SIMS; its nights begin before 02:50."""
    School.objects.filter(pk=northgate.pk).update(opened_at=at(0) - 90 * DAY)
    northgate.refresh_from_db()
    with scope.school(northgate.pk):
        runs.connection(product=MisProduct.objects.create(name="SIMS", partner="Wonde", connector="csv_files"))
    return northgate


def beat(now: datetime.datetime) -> None:
    Pulse.objects.update_or_create(name=Pulse.DISPATCH, defaults={"at": now})


def said(school: School, now: datetime.datetime, kind: str = "roster") -> tuple[str, Freshness]:
    with scope.school(school.pk):
        look = sources.freshness if kind == "roster" else sources.marks_freshness
        fresh = look(now=lambda: now)
    return fresh.say(now, school.zone), fresh


def night(school: School, *, ago: int = 0, **fields: Any) -> Run:
    """Make the run of a night, which began at 02:53 and took a minute."""
    with scope.school(school.pk):
        return runs.run(at=at(2, 53, date=TODAY), ago=ago, slot="night", **fields)


def due(school: School) -> str:
    """The time of the school's own night, rounded as it is told."""
    told, _ = said(school, at(9))
    return told.rpartition("about ")[2]


def test_before_the_first_run(school: School):
    assert said(school, at(9))[0] == "Never synced yet; next about " + due(school)


def test_when_it_came_and_when_it_comes_anew(school: School):
    night(school)
    assert said(school, at(9))[0] == f"From SIMS via Wonde, 02:53 today; next about {due(school)}"
    assert "01:00" <= due(school) <= "02:50"
    assert due(school)[-1] in "05"


def test_one_missed_night_is_no_alarm_and_a_second_one_is(school: School):
    night(school, ago=1)
    assert said(school, at(9))[1].overdue == ""
    later = at(9, date=TODAY + DAY)
    beat(later)
    told, fresh = said(school, later)
    assert fresh.overdue
    assert told.startswith("From SIMS via Wonde, 02:53 on 23 November; older than it should be: ")


def test_a_night_that_has_only_begun_is_not_missed(school: School):
    night(school, ago=2)
    beat(at(1, 40))
    before = said(school, at(0, 30))[1]
    assert not before.overdue
    assert said(school, at(3, 59))[1].overdue


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ("failed", "the last run failed"),
        ("held", "the last run waits for a person"),
        ("running", "a run is still under way"),
        ("cancelled", "the last run was cancelled"),
    ],
)
def test_why_it_is_old_is_said_in_words(school: School, status: str, why: str):
    night(school, ago=3)
    night(school, status=status)
    beat(at(9))
    assert said(school, at(9))[1].overdue == why


def test_a_clock_that_stands_still_is_told_before_all_else(school: School):
    night(school, ago=3)
    night(school, ago=2, status="failed")
    beat(at(8, 40))
    assert said(school, at(9))[1].overdue == "our clock stands still, and our people know"


def test_where_no_run_came_at_all_it_still_says_why(school: School):
    night(school, ago=3)
    beat(at(9))
    assert said(school, at(9))[1].overdue == "nothing has come since"


def test_what_is_paused_has_no_next_time(school: School):
    night(school)
    with scope.school(school.pk):
        Connection.objects.update(paused_reason="Wrong token.")
    assert said(school, at(9))[0] == "From SIMS via Wonde, 02:53 today; reading is paused"
    late = at(9, date=TODAY + 2 * DAY)
    assert said(school, late)[0].endswith("; older than it should be: reading is paused")


def test_while_the_mis_changes_nothing_is_next(school: School, dana: Person):
    night(school)
    with scope.school(school.pk):
        MisChange.objects.create(old=Connection.objects.get(), opened_at=at(8), opened_by=dana.account)
    assert said(school, at(9))[0].endswith("02:53 today; the change of MIS is not over")


def test_without_a_connection(northgate: School):
    with scope.school(northgate.pk):
        runs.run(at=at(2, 53))
    assert said(northgate, at(9))[0] == "From your MIS, 02:53 today; no MIS is connected"


def marks(school: School, when: datetime.datetime) -> None:
    with scope.school(school.pk):
        runs.run(kind="attendance", at=when, slot="morning", kinds={})


def test_marks_come_next_in_the_afternoon_or_on_the_next_day_of_school(school: School):
    marks(school, at(9, 31))
    assert said(school, at(10), "attendance")[0] == "From SIMS via Wonde, 09:31 today; next about 14:30"
    friday, saturday = TODAY + 3 * DAY, TODAY + 4 * DAY
    marks(school, at(14, 31, date=friday))
    told, fresh = said(school, at(10, date=saturday), "attendance")
    assert told == "From SIMS via Wonde, 14:31 yesterday; next about 09:30 on Monday"
    assert not fresh.overdue


def test_holidays_make_no_mark_old(school: School):
    friday = TODAY - 4 * DAY
    marks(school, at(14, 31, date=friday))
    later = at(9, date=TODAY)
    beat(later)
    assert said(school, later, "attendance")[1].overdue  # Monday's two were missed
    with scope.school(school.pk):
        add_closure(first=TODAY - DAY, last=TODAY + 9 * DAY, name="Half-term", by=None, at=later)
    told, fresh = said(school, later, "attendance")
    assert not fresh.overdue
    assert told == "From SIMS via Wonde, 14:31 on 20 November; next about 09:30 on 4 December"


def test_a_week_from_sunday_to_thursday(school: School):
    with scope.school(school.pk):
        set_weekdays(school=school, days=[7, 1, 2, 3, 4], by=None, at=at(9))
    thursday, friday = TODAY + 2 * DAY, TODAY + 3 * DAY
    marks(school, at(14, 31, date=thursday))
    assert said(school, at(10, date=friday), "attendance")[0].endswith("next about 09:30 on Sunday")


@pytest.mark.parametrize(("ago", "number"), [(0, 2), (5, 4)])
def test_what_it_costs(school: School, ago: int, number: int, django_assert_num_queries: Any):
    for each in (ago, ago + 1, ago + 2):
        night(school, ago=each)
    beat(at(9))
    with scope.school(school.pk), django_assert_num_queries(number):
        sources.freshness(now=lambda: at(9))
    with scope.school(school.pk):
        runs.run(kind="attendance", at=at(9) - ago * DAY, kinds={})
        with django_assert_num_queries(number + 1):
            sources.marks_freshness(now=lambda: at(9))
