"""Who has left according to ManageBac: the archived, and nobody for a date that was left over."""

import datetime

import pytest

from sync.connectors.managebac.listing import Table
from sync.connectors.managebac.picture import Picture
from sync.connectors.managebac.wire import StudentRow
from sync.records import NOT_SHARED, Day, Kind, Student

OLD = datetime.date(2024, 6, 1)
SHARED = frozenset({"archived", "withdrawn_on", "graduated_on"})


def picture(*, archived: bool | None, leavers: bool, withdrawn: Day = None, graduated: Day = None) -> Picture:
    row = StudentRow(
        id=7,
        first_name="Ann",
        last_name="Bell",
        archived=archived,
        withdrawn_on=withdrawn if isinstance(withdrawn, datetime.date) else None,
        graduated_on=graduated if isinstance(graduated, datetime.date) else None,
    )
    return Picture(
        students=Table(rows={"7": row}, shared=SHARED, whole=True),
        parents=Table(),
        teachers=Table(),
        classes=Table(),
        memberships=Table(),
        homerooms=False,
        leavers=leavers,
    )


def last_days(of: Picture) -> list[Day]:
    return [
        one.left_on for kind, rows in of.kinds() if kind is Kind.STUDENTS for one in rows if isinstance(one, Student)
    ]


@pytest.mark.parametrize("leavers", [True, False])
@pytest.mark.parametrize("field", ["withdrawn", "graduated"])
def test_a_date_left_over_from_before_ends_nobody_who_is_enrolled(field: str, *, leavers: bool) -> None:
    seen = picture(archived=False, leavers=leavers, **{field: OLD})
    assert last_days(seen) == [None]
    assert any("1 with a leaving or graduation date but not archived" in remark for remark in seen.remarks())


@pytest.mark.parametrize("field", ["withdrawn", "graduated"])
def test_an_archived_student_left_on_that_day(field: str) -> None:
    seen = picture(archived=True, leavers=True, **{field: OLD})
    assert last_days(seen) == [OLD]
    assert not any("not archived" in remark for remark in seen.remarks())


def test_where_a_school_shares_no_such_field_only_the_list_of_leavers_tells() -> None:
    assert last_days(picture(archived=None, leavers=True, withdrawn=OLD)) == [OLD]
    assert last_days(picture(archived=None, leavers=False, withdrawn=OLD)) == [NOT_SHARED]


def test_who_is_enrolled_without_a_date_is_no_news() -> None:
    seen = picture(archived=False, leavers=False)
    assert last_days(seen) == [None]
    assert list(seen.remarks()) == []
