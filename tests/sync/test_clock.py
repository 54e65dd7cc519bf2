"""The clock, held against zones that are read in another way: no fact here is taken from the code under test.

The table of R11 is counted instant by instant; the 400 days of every zone are held against the offsets that the zone
had, sampled from UTC. Neither asks what a wall time is in UTC, which is what the clock has to find out.
"""

import bisect
import dataclasses
import datetime
import itertools
import math
import statistics
import zoneinfo
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync import clock
from sync.clock import Due, Slot, Timing

UTC: Final = datetime.UTC
DAY: Final = datetime.timedelta(days=1)
HOUR: Final = datetime.timedelta(hours=1)
MINUTE: Final = datetime.timedelta(minutes=1)
SECOND: Final = datetime.timedelta(seconds=1)
LONG_AGO: Final = datetime.datetime(1970, 1, 1, tzinfo=UTC)
EARLY: Final = datetime.time(9, 30)
LATE: Final = datetime.time(10, 30)
ZONES: Final = sorted(zoneinfo.available_timezones())
ODD_ZONES: Final = (
    "Africa/Casablanca",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
)


def wall(text: str) -> datetime.datetime:
    """What a clock on the wall shows, from "2026-03-29 01:00"."""
    return datetime.datetime.fromisoformat(text)


some_zone = st.sampled_from(ZONES) | st.sampled_from(ODD_ZONES)
some_instant = st.datetimes(wall("1975-01-01"), wall("2036-12-31"), timezones=st.just(UTC))


def of(zone: str, *, school: int = 1, morning: datetime.time = EARLY, since: datetime.datetime = LONG_AGO) -> Timing:
    """The timing of a school."""
    return Timing(school=school, zone=zone, morning=morning, since=since)


def utc(text: str) -> datetime.datetime:
    """An instant, from "2026-03-29 01:00"."""
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def due(timing: Timing, slot: Slot, day: datetime.date) -> Due:
    """The slot of that date, which must be there."""
    [found] = [one for one in clock.slots_of(timing, day) if one.slot is slot]
    return found


def shown(zone: str, instant: datetime.datetime) -> datetime.datetime:
    """What a clock on the wall shows, naive."""
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).replace(tzinfo=None)


# The table of R11, counted.


def minutes_of(zone: str, day: datetime.date) -> list[datetime.datetime]:
    """Each minute (UTC) at which the clocks of a zone show this date and a time from 01:00 to before 03:00."""
    first = datetime.datetime.combine(day, datetime.time(), tzinfo=UTC) - 16 * HOUR
    minutes = (first + number * MINUTE for number in range(56 * 60))
    return [minute for minute in minutes if _in_the_night(shown(zone, minute), day)]


def _in_the_night(told: datetime.datetime, day: datetime.date) -> bool:
    return told.date() == day and 1 <= told.hour < 3


TABLE: Final = (
    ("Europe/London", "2026-03-29", 60),
    ("Europe/London", "2026-10-25", 180),
    ("America/New_York", "2026-03-08", 60),
    ("America/New_York", "2026-11-01", 180),
    ("Australia/Lord_Howe", "2026-10-04", 90),
    ("Australia/Lord_Howe", "2026-04-05", 150),
    ("Pacific/Chatham", "2026-09-27", 105),
    ("Pacific/Chatham", "2026-04-05", 135),
    ("Antarctica/Troll", "2026-03-29", 0),
    ("Antarctica/Troll", "2026-10-25", 240),
    ("Asia/Kathmandu", "2026-11-24", 120),
    ("Asia/Kolkata", "2026-11-24", 120),
    ("Asia/Yangon", "2026-11-24", 120),
    ("Australia/Eucla", "2026-11-24", 120),
    ("Australia/Adelaide", "2026-11-24", 120),
    ("Pacific/Marquesas", "2026-11-24", 120),
    ("Pacific/Kiritimati", "2026-11-24", 120),
    ("Pacific/Pago_Pago", "2026-11-24", 120),
)
each_night = pytest.mark.parametrize(("zone", "day", "minutes"), TABLE)
SCHOOLS: Final = range(1, 200)


@each_night
def test_a_night_has_its_real_minutes(zone: str, day: str, minutes: int) -> None:
    counted = minutes_of(zone, date(day))
    assert len(counted) == minutes
    window = clock.night(zone, date(day))
    assert window
    begins, ends = window
    assert [minute for minute in counted if not begins <= minute < ends] == [
        minute for minute in counted if minute >= ends
    ]
    # Where clocks are put back over 03:00 the night ends as it is first shown: Chatham's last quarter is not used.
    assert (ends - begins) // MINUTE == min(minutes, 120 if zone == "Pacific/Chatham" else minutes)


@each_night
def test_each_school_has_one_run_that_starts_inside(zone: str, day: str, minutes: int) -> None:
    counted = set(minutes_of(zone, date(day)))
    for school in SCHOOLS:
        nights = [one for one in clock.slots_of(of(zone, school=school), date(day)) if one.slot is Slot.NIGHT]
        assert len(nights) == 1
        assert nights[0].date == date(day)
        assert not counted or nights[0].at.replace(second=0, microsecond=0) in counted


def test_a_night_that_troll_leaves_out_runs_as_the_gap_ends() -> None:
    assert {due(of("Antarctica/Troll", school=school), Slot.NIGHT, date("2026-03-29")).at for school in SCHOOLS} == {
        utc("2026-03-29 01:00")
    }


def test_londons_short_night_starts_no_earlier_than_its_first_minute() -> None:
    at = [due(of("Europe/London", school=school), Slot.NIGHT, date("2026-03-29")).at for school in SCHOOLS]
    assert utc("2026-03-29 01:00") <= min(at)
    assert max(at) < utc("2026-03-29 02:00")


def test_kathmandus_night_begins_the_day_before_in_utc_and_belongs_to_its_own_date() -> None:
    assert clock.night("Asia/Kathmandu", date("2026-11-24")) == (utc("2026-11-23 19:15"), utc("2026-11-23 21:15"))
    now = utc("2026-11-23 21:14")
    assert [one.date for one in clock.open_slots(of("Asia/Kathmandu"), now)] == [date("2026-11-24")]


def test_a_place_in_the_night_that_clocks_skip_is_one_in_the_night_there_is() -> None:
    """The school at the middle of its night is due at 02:00, which New York leaves out on 8 March."""
    middle = min(SCHOOLS, key=lambda school: abs(clock.share(school) - 0.55))
    ordinary = due(of("America/New_York", school=middle), Slot.NIGHT, date("2026-03-09")).at
    assert 1 <= shown("America/New_York", ordinary).hour < 3
    short = due(of("America/New_York", school=middle), Slot.NIGHT, date("2026-03-08")).at
    assert shown("America/New_York", short).hour == 1
    assert short < clock.first_instant("America/New_York", wall("2026-03-08 03:00"))


def test_samoa_had_no_30_december() -> None:
    assert clock.night("Pacific/Apia", date("2011-12-30")) is None
    assert clock.due_at(of("Pacific/Apia"), Slot.MORNING, date("2011-12-30")) is None
    assert list(clock.slots_of(of("Pacific/Apia"), date("2011-12-30"))) == []
    before = due(of("Pacific/Apia"), Slot.NIGHT, date("2011-12-29"))
    after = due(of("Pacific/Apia"), Slot.NIGHT, date("2011-12-31"))
    assert after.at - before.at == DAY
    assert before.until == utc("2011-12-30 10:00")  # the first instant of the 31st


@pytest.mark.parametrize(("zone", "hours"), [("Pacific/Kiritimati", 14), ("Pacific/Pago_Pago", -11)])
def test_the_ends_of_the_earth(zone: str, hours: int) -> None:
    begins, _ = clock.night(zone, date("2026-11-24")) or pytest.fail("no night")
    assert begins == utc("2026-11-24 01:00") - hours * HOUR
    assert due(of(zone), Slot.AFTERNOON, date("2026-11-24")).at == utc("2026-11-24 14:30") - hours * HOUR


# Every zone, 400 days.


@dataclasses.dataclass(frozen=True)
class Offsets:
    """What a zone's clocks were ahead of UTC: from each instant (seconds of the epoch) on so many seconds."""

    since: tuple[int, ...]
    ahead: tuple[int, ...]

    def shown(self, instant: float) -> float:
        """What the clocks show, as seconds of the epoch as if in UTC."""
        return instant + self.ahead[bisect.bisect_right(self.since, instant) - 1]

    def stretches(self, *, until: int) -> Iterator[tuple[int, int]]:
        """What the clocks show from and to, between one turning of the clocks and the next."""
        for begins, ends, ahead in zip(self.since, [*self.since[1:], until], self.ahead, strict=True):
            yield begins + ahead, ends + ahead


DAY_LONG: Final = 86_400
EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
STEP: Final = DAY_LONG // 4  # no zone turns its clocks there and back within six hours


def sampled(zone: str, begin: int, end: int) -> Offsets:
    """Read a zone's offsets from UTC every six hours, and each turning between two of them to the second."""

    def ahead(instant: int) -> int:
        offset = datetime.datetime.fromtimestamp(instant, local).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    local = zoneinfo.ZoneInfo(zone)
    since, found = [begin], [ahead(begin)]
    for instant in range(begin + STEP, end + STEP, STEP):
        if (now := ahead(instant)) != found[-1]:
            turning = bisect.bisect_left(range(instant - STEP, instant), x=True, key=lambda at: ahead(at) == now)
            since.append(instant - STEP + turning)
            found.append(now)
    return Offsets(tuple(since), tuple(found))


@dataclasses.dataclass(frozen=True)
class Lived:
    """The dates that a zone lived whole, as days of the epoch, and on which of them there was a moment of the night."""

    dates: frozenset[int]
    nights: frozenset[int]


def lived(offsets: Offsets, first: int, last: int) -> Lived:
    """Read from the stretches between turnings which dates there were, and which had an instant from 01:00 to 03:00."""
    dates: set[int] = set()
    nights: set[int] = set()
    for begins, ends in offsets.stretches(until=(last + 2) * DAY_LONG):
        for day in range(max(first, begins // DAY_LONG), min(last, (ends - 1) // DAY_LONG + 1)):
            dates.add(day)
            if max(begins, day * DAY_LONG + 3600) < min(ends, day * DAY_LONG + 3 * 3600):
                nights.add(day)
    return Lived(frozenset(dates), frozenset(nights))


def slots_over(zone: str, first: datetime.date, days: int) -> list[list[Due]]:
    """What the clock says of each of these dates, for one and the same school."""
    timing = of(zone, school=77)
    return [list(clock.slots_of(timing, first + number * DAY)) for number in range(days)]


def check(said: list[list[Due]], offsets: Offsets, first: datetime.date) -> tuple[int, int]:
    """Hold every date against a zone's sampled offsets; return how many were lived, and how many without a night."""
    from_day = first.toordinal() - EPOCH
    there = lived(offsets, from_day, from_day + len(said))
    last = -math.inf
    for day, slots in enumerate(said, start=from_day):
        assert [one.slot for one in slots] == (list(Slot) if day in there.dates else []), day
        for one, hour in zip(slots, (1.0, 9.5, 14.5), strict=False):
            at = one.at.timestamp()
            told, wanted = offsets.shown(at) - day * DAY_LONG, hour * 3600
            assert last < at < one.until.timestamp(), one
            last = at
            if one.slot is Slot.NIGHT and day in there.nights:
                assert wanted <= told < 3 * 3600, one
            else:  # on the minute, or where clocks are put forward over it: the first moment behind
                assert told == wanted or offsets.shown(at - 1) - day * DAY_LONG < wanted < told, one
    return len(there.dates), len(there.dates - there.nights)


def sampled_over(zone: str, first: datetime.date, days: int) -> Offsets:
    """A zone's offsets on these dates, and two days more at both ends."""
    begin = (first.toordinal() - EPOCH) * DAY_LONG
    return sampled(zone, begin - 2 * DAY_LONG, begin + (days + 2) * DAY_LONG)


def test_400_days_of_every_zone() -> None:
    """One night, one morning and one afternoon for each date that is lived, inside the window if there is one (R10)."""
    first, days = date("2026-01-01"), 400
    alike: dict[Offsets, list[str]] = {}
    for zone in ZONES:
        alike.setdefault(sampled_over(zone, first, days), []).append(zone)
    assert len(ZONES) > 400
    assert len(alike) > 60
    for offsets, (one, *others) in alike.items():
        said = slots_over(one, first, days)
        assert check(said, offsets, first) == (400, 1 if "Antarctica/Troll" in (one, *others) else 0), one
        assert [zone for zone in others if slots_over(zone, first, days) != said] == []


@pytest.mark.parametrize(
    ("zone", "first"),
    [
        ("Pacific/Apia", "2011-06-01"),
        ("Pacific/Fakaofo", "2011-06-01"),
        ("Pacific/Kiritimati", "1994-06-01"),
        ("Pacific/Kwajalein", "1993-01-01"),
    ],
)
def test_400_days_over_the_date_line(zone: str, first: str) -> None:
    said = slots_over(zone, date(first), 400)
    assert check(said, sampled_over(zone, date(first), 400), date(first)) == (399, 0)


def test_400_days_of_midnights_that_come_twice() -> None:
    """Newfoundland turned its clocks back at one minute past midnight, so that yesterday was shown once more."""
    first = date("2010-01-01")
    said = slots_over("America/St_Johns", first, 400)
    assert check(said, sampled_over("America/St_Johns", first, 400), first) == (400, 0)


# The first instant, held against instants tried one by one.


def first_of(zone: str, told: datetime.datetime) -> datetime.datetime:
    """The first instant whose local time is this or later, found from before by ever smaller steps, from UTC only."""
    instant = told.replace(tzinfo=UTC) - 30 * HOUR
    for step in (15 * MINUTE, MINUTE, SECOND):
        while shown(zone, instant + step) < told:
            instant += step
    return instant + SECOND


whole_seconds = st.datetimes(wall("1975-01-01"), wall("2036-12-31")).map(lambda moment: moment.replace(microsecond=0))


def around(moment: datetime.datetime) -> st.SearchStrategy[datetime.datetime]:
    """Moments within three hours of one."""
    return st.integers(-180 * 60, 180 * 60).map(lambda seconds: moment + seconds * SECOND)


turnings = st.sampled_from(
    [
        ("Europe/London", wall("2026-03-29 01:00")),
        ("Europe/London", wall("2026-10-25 01:00")),
        ("Australia/Lord_Howe", wall("2026-10-04 02:00")),
        ("Australia/Lord_Howe", wall("2026-04-05 02:00")),
        ("Pacific/Chatham", wall("2026-04-05 03:00")),
        ("Antarctica/Troll", wall("2026-03-29 01:00")),
        ("Antarctica/Troll", wall("2026-10-25 01:00")),
        ("Pacific/Apia", wall("2011-12-30")),
        ("Pacific/Apia", wall("2011-12-31")),
        ("America/St_Johns", wall("2010-11-07")),
        ("America/Nuuk", wall("2026-03-28 22:00")),
        ("Asia/Beirut", wall("2026-03-29")),
    ]
).flatmap(lambda turning: st.tuples(st.just(turning[0]), around(turning[1])))


@given(place=st.tuples(some_zone, whole_seconds) | turnings)
@example(place=("Europe/London", wall("2026-10-25 01:30")))
@example(place=("Pacific/Apia", wall("2011-12-30 23:59:59")))
def test_the_first_instant_is_the_first(place: tuple[str, datetime.datetime]) -> None:
    assert clock.first_instant(*place) == first_of(*place)


@given(place=turnings | st.tuples(some_zone, whole_seconds), seconds=st.integers(0, 3 * DAY_LONG))
def test_a_later_time_of_day_never_comes_earlier(place: tuple[str, datetime.datetime], seconds: int) -> None:
    zone, told = place
    assert clock.first_instant(zone, told) <= clock.first_instant(zone, told + seconds * SECOND)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "Europe", "Zürich\x00"])
def test_what_is_no_zone_is_said(zone: str) -> None:
    with pytest.raises((zoneinfo.ZoneInfoNotFoundError, ValueError, OSError)):
        clock.first_instant(zone, wall("2026-11-24"))


# Places in the night.


def test_schools_are_spread_evenly_over_the_night() -> None:
    shares = sorted(clock.share(school) for school in range(1, 10_001))
    tenths = [sum(part <= 10 * share < part + 1 for share in shares) for part in range(10)]
    assert all(990 <= tenth <= 1010 for tenth in tenths)
    gaps = [later - earlier for earlier, later in itertools.pairwise(shares)]
    assert max(gaps) < 3 / 10_000
    assert statistics.fmean(shares) == pytest.approx(0.5, abs=0.01)


def test_neighbours_lie_far_apart() -> None:
    distances = [abs(clock.share(school) - clock.share(school + 1)) for school in range(1, 1_000)]
    assert min(distances) > 0.3


@given(school=st.integers(1, 2**63 - 1))
def test_a_place_is_within_the_night_whatever_the_number(school: int) -> None:
    assert 0 <= clock.share(school) <= 1
    at = due(of("Asia/Kolkata", school=school), Slot.NIGHT, date("2026-11-24")).at
    assert utc("2026-11-23 19:30") <= at <= utc("2026-11-23 21:30") - 9 * MINUTE


@given(school=st.integers(1, 10_000), zone=some_zone)
def test_a_place_is_the_same_every_ordinary_night(school: int, zone: str) -> None:
    assert clock.share(school) == clock.share(school)
    times = {
        due(of("Asia/Kolkata", school=school), Slot.NIGHT, date("2026-11-24") + number * DAY).at - number * DAY
        for number in range(30)
    }
    assert len(times) == 1


# What is open, what is missed, what comes.


@given(zone=some_zone, school=st.integers(1, 10_000), morning=st.sampled_from([EARLY, LATE]), now=some_instant)
def test_a_slot_is_open_from_its_instant_until_it_is_missed(
    zone: str, school: int, morning: datetime.time, now: datetime.datetime
) -> None:
    timing = of(zone, school=school, morning=morning)
    tiny = datetime.timedelta(microseconds=1)
    for one in clock.slots_of(timing, clock.today(zone, now)):
        assert one in clock.open_slots(timing, one.at)
        assert one not in clock.open_slots(timing, one.at - tiny)
        assert one not in clock.open_slots(timing, one.until)
        assert one in clock.closed_slots(timing, one.until)
        assert one in clock.closed_slots(timing, one.until + DAY - tiny)
        assert one not in clock.closed_slots(timing, one.until + DAY)
        assert one not in clock.closed_slots(timing, one.until - tiny)


@given(zone=some_zone, now=some_instant, number=st.integers(1, 12), morning=st.sampled_from([EARLY, LATE]))
def test_what_comes_is_next_in_order_and_without_gaps(
    zone: str, now: datetime.datetime, number: int, morning: datetime.time
) -> None:
    timing = of(zone, morning=morning)
    coming = clock.upcoming(timing, now, number=number)
    assert len(coming) == number
    at = [now, *(one.at for one in coming)]
    assert all(earlier < later for earlier, later in itertools.pairwise(at))
    around_now = {one for days in range(-2, 6) for one in clock.slots_of(timing, clock.today(zone, now) + days * DAY)}
    assert [one for one in around_now if now < one.at <= coming[-1].at and one not in coming] == []


def test_the_three_slots_of_an_ordinary_day() -> None:
    timing = of("Europe/London", school=1)
    told = [(one.slot, one.at, one.until) for one in clock.slots_of(timing, date("2026-11-24"))]
    night = utc("2026-11-24 01:00") + 2 * HOUR * (0.92 * clock.share(1))
    assert told == [
        (Slot.NIGHT, night, utc("2026-11-25 00:00")),
        (Slot.MORNING, utc("2026-11-24 09:30"), utc("2026-11-24 14:30")),
        (Slot.AFTERNOON, utc("2026-11-24 14:30"), utc("2026-11-25 00:00")),
    ]
    assert [one.slot.kind for one in clock.slots_of(timing, date("2026-11-24"))] == [
        "roster",
        "attendance",
        "attendance",
    ]


@pytest.mark.parametrize(
    "zone", ["Europe/London", "Asia/Kathmandu", "America/New_York", "Asia/Dubai", "Pacific/Auckland"]
)
def test_marks_are_read_at_local_times_all_week(zone: str) -> None:
    """Two a day, at the times the school chose (R14)."""
    for number in range(7):
        by_day = list(clock.slots_of(of(zone, morning=LATE), date("2026-11-23") + number * DAY))[1:]
        assert [(shown(zone, one.at).time(), one.slot) for one in by_day] == [
            (datetime.time(10, 30), Slot.MORNING),
            (datetime.time(14, 30), Slot.AFTERNOON),
        ]


def test_a_late_start_is_not_read_at_half_past_nine() -> None:
    now = utc("2026-11-24 09:45")
    assert [one.slot for one in clock.open_slots(of("UTC", morning=LATE), now)] == [Slot.NIGHT]
    assert [one.slot for one in clock.open_slots(of("UTC", morning=EARLY), now)] == [Slot.NIGHT, Slot.MORNING]


def test_the_mornings_marks_are_not_read_once_the_afternoons_are_due() -> None:
    assert [one.slot for one in clock.open_slots(of("UTC"), utc("2026-11-24 14:29"))] == [Slot.NIGHT, Slot.MORNING]
    assert [one.slot for one in clock.open_slots(of("UTC"), utc("2026-11-24 14:30"))] == [Slot.NIGHT, Slot.AFTERNOON]
    assert [one.slot for one in clock.open_slots(of("UTC"), utc("2026-11-25 00:00"))] == []


def test_missed_after_is_the_end_of_each_slot() -> None:
    for one in clock.slots_of(of("Asia/Kathmandu"), date("2026-11-24")):
        assert clock.missed_after(of("Asia/Kathmandu"), one.slot, one.date) == one.until


@pytest.mark.parametrize("school", SCHOOLS[:10])
def test_a_school_made_within_the_night_begins_with_the_next(school: int) -> None:
    """Also where its own place in the night is still to come (R10)."""
    timing = of("UTC", school=school, since=utc("2026-11-24 01:30"))
    assert [one.slot for one in clock.slots_of(timing, date("2026-11-24"))] == [Slot.MORNING, Slot.AFTERNOON]
    assert next(one for one in clock.upcoming(timing, timing.since) if one.slot is Slot.NIGHT).date == date(
        "2026-11-25"
    )
    assert [one.slot for one in clock.open_slots(timing, utc("2026-11-24 03:00"))] == []
    assert {one.slot for one in clock.closed_slots(timing, utc("2026-11-25 00:00"))} == {Slot.MORNING, Slot.AFTERNOON}


def test_a_school_made_at_one_sharp_has_its_first_night() -> None:
    timing = of("UTC", since=utc("2026-11-24 01:00"))
    assert [one.slot for one in clock.slots_of(timing, date("2026-11-24"))] == list(Slot)
