"""The rehearsal says what the table of R11 says, and names what is unusual about each night."""

import datetime

import pytest

from sync import clock
from sync.queries.rehearsal import Day, rehearse

LONG_AGO = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def rehearsed(zone: str, date: str, *, school: int = 0, morning: str = "09:30") -> dict[str, Day]:
    timing = clock.Timing(school=school, zone=zone, morning=datetime.time.fromisoformat(morning), since=LONG_AGO)
    return {day.date.isoformat(): day for day in rehearse(timing, datetime.date.fromisoformat(date))}


@pytest.mark.parametrize(
    ("zone", "date", "minutes", "begins", "said"),
    [
        (
            "Europe/London",
            "2026-03-29",
            60,
            "29 01:00",
            "forward from 01:00 to 02:00 on 29 March 2026: this night is 60",
        ),
        (
            "Europe/London",
            "2026-10-25",
            180,
            "25 00:00",
            "back from 02:00 to 01:00 on 25 October 2026: this night is 180",
        ),
        ("America/New_York", "2026-03-08", 60, "08 06:00", "forward from 02:00 to 03:00"),
        ("America/New_York", "2026-11-01", 180, "01 05:00", "back from 02:00 to 01:00"),
        ("Australia/Lord_Howe", "2026-10-04", 90, "03 14:30", "forward from 02:00 to 02:30"),
        ("Australia/Lord_Howe", "2026-04-05", 150, "04 14:00", "back from 02:00 to 01:30"),
        ("Pacific/Chatham", "2026-09-27", 105, "26 12:15", "forward from 02:45 to 03:45"),
        ("Pacific/Chatham", "2026-04-05", 135, "04 11:15", "back from 03:45 to 02:45"),
        ("Antarctica/Troll", "2026-03-29", 0, "29 01:00", "no minute between 01:00 and 03:00"),
        ("Asia/Kathmandu", "2026-07-01", 120, "30 19:15", ""),
        ("Asia/Kolkata", "2026-07-01", 120, "30 19:30", ""),
        ("Asia/Yangon", "2026-07-01", 120, "30 18:30", ""),
        ("Australia/Eucla", "2026-07-01", 120, "30 16:15", ""),
        ("Australia/Adelaide", "2026-07-01", 120, "30 15:30", ""),
        ("Pacific/Marquesas", "2026-07-01", 120, "01 10:30", ""),
    ],
)
def test_the_table(zone: str, date: str, minutes: int, begins: str, said: str) -> None:
    day = rehearsed(zone, date)[date]
    assert day.night
    assert (day.minutes, f"{day.night[0]:%d %H:%M}") == (minutes, begins)
    assert said in day.remark
    assert bool(day.remark) is bool(said)
    assert [moment.slot for moment in day.moments] == list(clock.Slot)  # one night, not two, and no day without one


def test_three_days_before_and_behind_of_which_only_one_is_unusual() -> None:
    days = rehearsed("Europe/London", "2026-03-29")
    assert list(days) == [f"2026-03-{number}" for number in (26, 27, 28, 29, 30, 31)] + ["2026-04-01"]
    assert [date for date, day in days.items() if day.remark] == ["2026-03-29"]
    mornings = [day.moments[1] for day in days.values()]
    assert {f"{moment.local:%H:%M}" for moment in mornings} == {"09:30"}
    assert [moment.at.hour for moment in mornings] == [9, 9, 9, 8, 8, 8, 8]


def test_minutes_that_come_again_behind_the_night_are_told_apart() -> None:
    day = rehearsed("Pacific/Chatham", "2026-04-05")["2026-04-05"]
    assert day.again == 15
    assert day.remark.endswith("135 minutes long, 15 of them again once 03:00 was reached; nothing is due twice.")
    assert rehearsed("Europe/London", "2026-10-25")["2026-10-25"].again == 0


def test_a_date_that_a_zone_leaves_out_has_no_runs() -> None:
    days = rehearsed("Pacific/Apia", "2011-12-30")
    assert days["2011-12-30"].moments == ()
    assert "this date does not exist" in days["2011-12-30"].remark
    assert "00:00 on 30 December 2011 to 00:00 on 31 December 2011" in days["2011-12-30"].remark
    assert [len(day.moments) for day in days.values()] == [3, 3, 3, 0, 3, 3, 3]


def test_a_change_outside_of_the_night_is_named_and_the_night_is_as_ever() -> None:
    assert rehearsed("America/Havana", "2026-03-08")["2026-03-08"].remark == (
        "Clocks go forward from 00:00 to 01:00 on 8 March 2026; the night is 120 minutes long, as ever."
    )


def test_a_change_across_midnight_belongs_to_the_date_that_comes_twice() -> None:
    days = rehearsed("America/Asuncion", "2020-03-22")
    assert "back from 00:00 on 22 March 2020 to 23:00 on 21 March 2020" in days["2020-03-21"].remark
    assert days["2020-03-22"].remark == ""


def test_a_school_has_its_own_place_and_its_own_morning() -> None:
    timing = clock.Timing(school=7, zone="Europe/London", morning=datetime.time(10, 30), since=LONG_AGO)
    (day,) = rehearse(timing, datetime.date(2026, 7, 1), around=0)
    assert [moment.at for moment in day.moments] == [clock.due_at(timing, slot, day.date) for slot in clock.Slot]
    assert day.moments[0].at > day.night[0] if day.night else False
    assert day.moments[1].words == "10:30:00 (UTC+01:00)"
