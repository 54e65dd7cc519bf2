"""A school's decisions as the rules of one night."""

import datetime
from typing import Final

import pytest
from django.db import IntegrityError

from sync.pipeline.snapshot import rules_of
from tenants import scope
from tenants.models import School

pytestmark = pytest.mark.django_db

FIRST: Final = datetime.date(2026, 8, 20)
LAST: Final = datetime.date(2026, 9, 10)
DAY: Final = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("night", "rolls"), [(FIRST - DAY, False), (FIRST, True), (LAST, True), (LAST + DAY, False), (None, False)]
)
def test_the_year_rolls_over_on_the_nights_of_the_calendar(
    northgate: School, night: datetime.date | None, rolls: object
) -> None:
    northgate.rollover_from, northgate.rollover_until = FIRST, LAST
    with scope.school(northgate.pk):
        assert rules_of(northgate, night=night).rollover is rolls


def test_without_a_calendar_no_night_rolls_over(northgate: School) -> None:
    with scope.school(northgate.pk):
        assert rules_of(northgate, night=FIRST).rollover is False


@pytest.mark.parametrize(("first", "last"), [(FIRST, None), (None, LAST), (LAST, FIRST)])
def test_a_calendar_has_both_its_ends(
    northgate: School, first: datetime.date | None, last: datetime.date | None
) -> None:
    northgate.rollover_from, northgate.rollover_until = first, last
    with pytest.raises(IntegrityError, match="school_rollover_has_both_ends"):
        northgate.save()
