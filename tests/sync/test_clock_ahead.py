"""What is coming and what was due, as pages tell it: the same instants as the dispatcher's (R14, R21)."""

import datetime
import itertools
import zoneinfo

from hypothesis import given
from hypothesis import strategies as st

from sync import clock

ZONES = ("Europe/London", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo")
LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)
FIRST = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)


def timing(zone: str = "Europe/London", since: datetime.datetime = LONG_AGO) -> clock.Timing:
    return clock.Timing(school=7, zone=zone, morning=datetime.time(9, 30), since=since)


def every_day(_: datetime.date) -> bool:
    return True


moments = st.integers(0, 3 * 365 * 24 * 3600).map(lambda seconds: FIRST + datetime.timedelta(seconds=seconds))


@given(now=moments, zone=st.sampled_from(ZONES))
def test_the_coming_ones_of_each_slot_are_what_comes_next(now: datetime.datetime, zone: str):
    each = [next(clock.ahead(timing(zone), slot, now, counts=every_day)) for slot in clock.Slot]
    assert min(each, key=lambda due: due.at) == clock.upcoming(timing(zone), now)[0]


@given(now=moments, zone=st.sampled_from(ZONES), slot=st.sampled_from(clock.Slot))
def test_what_was_due_would_have_been_coming_the_moment_before(now: datetime.datetime, zone: str, slot: clock.Slot):
    latest, earlier = itertools.islice(clock.behind(timing(zone), slot, now, counts=every_day), 2)
    assert earlier.at < latest.at <= now
    just_before = latest.at - datetime.timedelta(seconds=1)
    assert next(clock.ahead(timing(zone), slot, just_before, counts=every_day)) == latest
    assert next(clock.ahead(timing(zone), slot, now, counts=every_day)).at > now


@given(now=moments, slot=st.sampled_from(clock.Slot))
def test_only_dates_that_count_are_told(now: datetime.datetime, slot: clock.Slot):
    on_sundays = {"counts": lambda date: date.isoweekday() == 7}
    coming = itertools.islice(clock.ahead(timing(), slot, now, **on_sundays), 3)
    past = itertools.islice(clock.behind(timing(), slot, now, **on_sundays), 3)
    assert {due.date.isoweekday() for due in (*coming, *past)} == {7}


def test_nothing_before_a_school_was_opened_was_due():
    now = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    since = datetime.datetime(2026, 11, 23, 9, 30, tzinfo=zoneinfo.ZoneInfo("Europe/London"))
    found = clock.behind(timing(since=since), clock.Slot.MORNING, now, counts=every_day)
    assert [due.date.day for due in found] == [24, 23]


def test_a_school_that_is_never_open_has_nothing_ahead_or_behind():
    now = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
    for look in (clock.ahead, clock.behind):
        assert not list(look(timing(), clock.Slot.NIGHT, now, counts=lambda _: False))
