"""Who has left according to ManageBac: the archived, and nobody for a date that was left over."""

import datetime

import pytest

from local.simulators.managebac import ManageBac
from local.world.build import crowd
from sync.errors import Doubtful
from sync.pipeline.extract import Extract
from sync.records import NOT_SHARED, Day, Kind, Student
from tests.sync.connectors.managebac_feed import of, pull, remarks

OLD = datetime.date(2024, 6, 1)
SCHOOL = crowd(students=14)


def read(*, archived: bool | None, leavers: bool, **dates: datetime.date) -> Extract:
    """Read a school whose only students are Ann, with these dates, and somebody who is there."""
    ann = {"id": 7, "first_name": "Ann", "last_name": "Bell"} | {field: str(day) for field, day in dates.items()}
    ann |= {} if archived is None else {"archived": archived}
    here = {"id": 8, "first_name": "Bo", "last_name": "Bell"} | ({} if archived is None else {"archived": False})
    simulator = ManageBac(SCHOOL, 1, rows={"students": [ann, here]})
    return pull(simulator, homerooms="no", leavers="yes" if leavers else "no")


def last_day(found: Extract) -> Day:
    return next(one.left_on for one in of(Student, found) if one.ref == "7")


@pytest.mark.parametrize("leavers", [True, False])
@pytest.mark.parametrize("field", ["withdrawn_on", "graduated_on"])
def test_a_date_left_over_from_before_ends_nobody_who_is_enrolled(field: str, *, leavers: bool) -> None:
    found = read(archived=False, leavers=leavers, **{field: OLD})
    assert last_day(found) is None
    assert "1 with a leaving or graduation date but not archived" in remarks(found)


@pytest.mark.parametrize("field", ["withdrawn_on", "graduated_on"])
def test_an_archived_student_left_on_that_day(field: str) -> None:
    found = read(archived=True, leavers=True, **{field: OLD})
    assert last_day(found) == OLD
    assert "not archived" not in remarks(found)


def test_an_archived_student_without_a_date_is_not_listed() -> None:
    found = read(archived=True, leavers=True)
    assert {one.ref for one in of(Student, found)} == {"8"}
    assert Kind.STUDENTS in found.complete


def test_where_a_school_shares_no_such_field_only_the_list_of_leavers_tells() -> None:
    assert last_day(read(archived=None, leavers=True, withdrawn_on=OLD)) == OLD
    assert last_day(read(archived=None, leavers=False, withdrawn_on=OLD)) is NOT_SHARED


def test_who_is_enrolled_without_a_date_is_no_news() -> None:
    found = read(archived=False, leavers=False)
    assert last_day(found) is None
    assert not remarks(found)


def test_a_school_without_students_is_doubtful() -> None:
    with pytest.raises(Doubtful, match="no students at all"):
        pull(ManageBac(SCHOOL, 1, rows={"students": []}))


def test_a_student_of_whom_little_is_known() -> None:
    """No year group, homeroom, address or birthday, where others have them."""
    others = ManageBac(SCHOOL, 1).rows.of("students")
    bare = {"id": 7, "first_name": "Ann", "last_name": "Bell", "archived": False, "parent_ids": []}
    found = pull(ManageBac(SCHOOL, 1, rows={"students": [*others, bare]}))
    (ann,) = [one for one in of(Student, found) if one.ref == "7"]
    assert (ann.email, ann.year, ann.form, ann.date_of_birth) == ("", "", "", None)
    assert found.complete == frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}
