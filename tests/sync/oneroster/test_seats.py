"""When a seat in a class is over, wherever the school and the worker are."""

import datetime
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.oneroster.seats import Calendar
from sync.oneroster.wire import Class, Enrollment, Ref, Session

ZONES = ["Pacific/Kiritimati", "Asia/Kathmandu", "Europe/London", "America/Chicago", "Pacific/Pago_Pago"]
NOON = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
DAYS = st.dates(datetime.date(2026, 11, 1), datetime.date(2026, 12, 15))
MOMENTS = st.timedeltas(-datetime.timedelta(days=14), datetime.timedelta(days=14)).map(lambda away: NOON + away)


def enrollment(*, begin: object = None, end: object = None) -> Enrollment:
    begin_date, end_date = (str(day) if day else None for day in (begin, end))
    return Enrollment(begin_date=begin_date, end_date=end_date)


@given(now=MOMENTS, begin=st.none() | DAYS, end=st.none() | DAYS, zone=st.sampled_from(ZONES))
def test_law_a_seat_that_is_taken_anywhere_today_is_never_over(
    now: datetime.datetime, begin: datetime.date | None, end: datetime.date | None, zone: str
) -> None:
    today = now.astimezone(zoneinfo.ZoneInfo(zone)).date()
    over = Calendar(now, {}).is_over(enrollment(begin=begin, end=end), None)
    if (begin is None or begin <= today) and (end is None or today <= end):
        assert not over
    two_days = datetime.timedelta(days=2)
    if (begin and begin > today + two_days) or (end and end < today - two_days):
        assert over


@pytest.mark.parametrize(
    ("end", "over"),
    [("2026-11-20", False), ("2026-11-14", False), ("2026-11-12", True), ("2026-11-24", False)],
)
def test_a_seat_that_ends_with_its_class_waits_for_the_service(end: str, over: bool) -> None:  # noqa: FBT001 a case
    room = Class(sourced_id="1", terms=[Ref("a"), Ref("b")])
    sessions = [Session(sourced_id="a", end_date="2026-07-01"), Session(sourced_id="b", end_date="2026-11-20")]
    assert Calendar.of(sessions, now=NOON).is_over(enrollment(end=end), room) is over


@pytest.mark.parametrize("end_date", [None, "", "soon"])
def test_a_class_of_which_a_term_is_not_known_has_no_known_end(end_date: str | None) -> None:
    room = Class(sourced_id="1", terms=[Ref("a"), Ref("b")])
    sessions = [Session(sourced_id="a", end_date="2026-11-20"), Session(sourced_id="b", end_date=end_date)]
    assert Calendar.of(sessions, now=NOON).is_over(enrollment(end="2026-11-20"), room)
