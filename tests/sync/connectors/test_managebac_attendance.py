"""ManageBac's homeroom registers: one mark a day, told by the number of its category and by nothing else."""

import collections
import datetime
import logging
from typing import Any

import pytest

from local.simulators.managebac import PERMISSIONS, TOKEN, ManageBac
from local.simulators.managebac_registers import LABELS, number_of
from local.simulators.managebac_rows import user_id, year_group_id
from local.world.build import crowd, world
from local.world.model import FIRST_DAY, SchoolWorld
from local.world.registers import picture_on, register
from sync.connectors.managebac.registers import MEANINGS
from sync.errors import Broken, Busy, Refused, SyncError
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark
from tests.sync.connectors.managebac_feed import ask, attendance, connected

HIMAL = world().school("himal")
SCHOOL = crowd(students=42)
SATURDAY = FIRST_DAY - datetime.timedelta(days=2)


def read(*faults: str, school: SchoolWorld = SCHOOL, day: datetime.date = FIRST_DAY, **given: Any) -> list[MarkRecord]:
    return attendance(ManageBac(school, 1, faults=frozenset(faults), **given), day)


def truth(school: SchoolWorld, day: datetime.date) -> set[Mark]:
    """What the registers say, as far as ManageBac can say it: no minutes and no time of day."""
    marks = register(school, day, "am")
    found = set()
    for one in picture_on(school, day).students.values():
        if one.ref in marks:
            number = number_of(one, marks[one.ref])
            code = "" if number is None else str(number)
            meaning = MEANINGS.get(code, Meaning.UNKNOWN) if code else Meaning.NOT_TAKEN
            label = NOT_SHARED if number is None else LABELS[number]
            found.add(
                Mark(
                    student_ref=str(user_id(one)),
                    date=day,
                    session=Session.DAY,
                    code=code,
                    meaning=meaning,
                    label=label,
                )
            )
    return found


@pytest.mark.parametrize("day", [FIRST_DAY, FIRST_DAY + datetime.timedelta(days=1)])
@pytest.mark.parametrize("school", [SCHOOL, HIMAL], ids=["crowd", "himal"])
def test_marks_are_the_truth(school: SchoolWorld, day: datetime.date) -> None:
    marks = read(school=school, day=day)
    assert set(marks) == truth(school, day)
    assert len(marks) == len(truth(school, day))


def test_the_world_says_everything_that_a_register_can() -> None:
    meanings = collections.Counter(mark.meaning for mark in truth(HIMAL, FIRST_DAY))
    assert meanings.keys() == set(Meaning) - {Meaning.NOT_EXPECTED}


@pytest.mark.parametrize(
    ("number", "meaning"),
    [
        (-1, Meaning.UNCONFIRMED),
        (0, Meaning.ABSENT),
        (1, Meaning.PRESENT),
        (2, Meaning.LATE),
        (3, Meaning.PRESENT),
        (4, Meaning.LATE),
        (5, Meaning.UNKNOWN),
        (10, Meaning.EXCUSED),
        (11, Meaning.ELSEWHERE),
        (12, Meaning.ELSEWHERE),
        (13, Meaning.EXCUSED),
        (14, Meaning.UNKNOWN),
        (18, Meaning.UNKNOWN),
        (99, Meaning.UNKNOWN),
        ("X", Meaning.UNKNOWN),
    ],
)
def test_only_the_number_tells_what_a_mark_means(number: int | str, meaning: Meaning) -> None:
    (mark,) = given({"id": 7, "attendance": {"status": "Present", "category": {"status": number}}})
    assert isinstance(mark, Mark)
    assert (mark.meaning, mark.code, mark.label) == (meaning, str(number), "Present")
    assert mark.minutes_late is NOT_SHARED


def given(*rows: dict[str, Any], **more: Any) -> list[MarkRecord]:
    """Read registers of these rows."""
    return attendance(ManageBac(SCHOOL, 1, marks=[*rows], **more), FIRST_DAY)


def test_a_register_that_was_not_taken_says_nothing() -> None:
    (mark,) = given({"id": 7, "attendance": {}})
    assert isinstance(mark, Mark)
    assert (mark.meaning, mark.code, mark.label) == (Meaning.NOT_TAKEN, "", NOT_SHARED)


def test_only_the_year_groups_registers_are_asked_for() -> None:
    simulator = ManageBac(HIMAL, 1)
    attendance(simulator, FIRST_DAY)
    paths = [request.path for request in simulator.requests]
    groups = [year_group_id(HIMAL, label) for label in HIMAL.year_labels]
    assert paths == [
        "/v2/year-groups",
        *(f"/v2/year-groups/{group}/homeroom/attendance/date/2026-11-09" for group in groups),
    ]


def test_the_academic_year_names_a_mark_that_does_not_name_itself() -> None:
    simulator = ManageBac(HIMAL, 1, faults=frozenset({"no-labels"}))
    assert set(attendance(simulator, FIRST_DAY)) == truth(HIMAL, FIRST_DAY)
    years = [request.path for request in simulator.requests if "academic-years" in request.path]
    assert len(years) == 1 + 3  # once for each programme's present year, however many marks there are


def test_a_label_on_which_the_programmes_differ_is_nobodys() -> None:
    (mark,) = given({"id": 7, "attendance": {"category": {"status": 15}}})
    assert isinstance(mark, Mark)
    assert (mark.code, mark.label) == ("15", NOT_SHARED)


def test_without_permission_for_the_school_marks_have_no_label_and_nothing_else_is_amiss() -> None:
    found = read("no-labels", permissions=PERMISSIONS - {"school"})
    marks = [mark for mark in found if isinstance(mark, Mark)]
    assert len(marks) == len(found) == len(truth(SCHOOL, FIRST_DAY))
    assert {mark.label for mark in marks} == {NOT_SHARED}


# Days and registers without marks


def test_a_day_without_school_has_no_marks_and_says_so() -> None:
    (remark,) = read(day=SATURDAY)
    assert isinstance(remark, Remark)
    assert "no homeroom register for this day" in remark.text


def test_a_school_that_takes_attendance_by_class_only_is_told() -> None:
    (remark,) = read("class-only")
    assert isinstance(remark, Remark)
    assert "by class only" in remark.text


@pytest.mark.parametrize(
    ("faults", "permissions"),
    [({"no-add-on"}, PERMISSIONS), (set(), PERMISSIONS - {"attendance"}), (set(), PERMISSIONS - {"year-groups"})],
)
def test_attendance_that_is_kept_from_us_is_one_remark(faults: set[str], permissions: frozenset[str]) -> None:
    (remark,) = read(*faults, permissions=permissions)
    assert isinstance(remark, Remark)
    assert "“Year Groups”" in remark.text
    assert "not shared with us" in remark.text


def test_a_year_group_that_is_gone_takes_no_other_with_it() -> None:
    first = [one for one in truth(HIMAL, FIRST_DAY) if one.student_ref in _first_year()]
    assert first
    found = read("group-gone", school=HIMAL)
    assert {one for one in found if isinstance(one, Mark)} == truth(HIMAL, FIRST_DAY) - set(first)
    (remark,) = [one for one in found if isinstance(one, Remark)]
    assert "no register for this day in 1 of the year groups" in remark.text


def _first_year() -> set[str]:
    people = picture_on(HIMAL, FIRST_DAY).students.values()
    return {str(user_id(one)) for one in people if one.year == HIMAL.year_labels[0]}


def test_an_unproven_list_of_year_groups_is_said_and_its_marks_are_kept() -> None:
    *marks, remark = sorted(read("wrong-total"), key=lambda one: isinstance(one, Remark))
    assert set(marks) == truth(SCHOOL, FIRST_DAY)
    assert isinstance(remark, Remark)
    assert remark.text.startswith("year groups: ManageBac counts")


def test_a_year_group_that_cannot_be_read_is_said() -> None:
    groups = ManageBac(SCHOOL, 1).rows.of("year-groups")
    found = read(rows={"year-groups": [groups[0], {"name": "Class of 2030"}]})
    assert any(isinstance(one, Remark) and "a year group cannot be read" in one.text for one in found)
    assert any(isinstance(one, Mark) for one in found)


# Marks that cannot be used


def test_bad_marks_name_the_field_and_the_student_and_never_the_value() -> None:
    bad = [one for one in read("bad-marks", school=HIMAL) if isinstance(one, UnreadableMark)]
    per_group = len(HIMAL.year_labels)
    assert len(bad) == 3 * per_group
    fields = collections.Counter(one.reason.partition(" ")[0] for one in bad)
    assert fields == {"category": per_group, "attendance": per_group, "id": per_group}
    assert {bool(one.student_ref) for one in bad if "id is" not in one.reason} == {True}
    assert not any("Present" in one.reason for one in bad)


@pytest.mark.parametrize("row", [None, 7, [], {"id": True, "attendance": {}}, {"id": 7, "attendance": "Present"}])
def test_a_row_of_another_form_is_unreadable(row: Any) -> None:
    found = given(row)
    assert {type(one) for one in found} == {UnreadableMark, Remark}


def test_a_student_with_different_marks_in_two_year_groups_has_none() -> None:
    found = read("two-groups")
    (bad,) = [one for one in found if isinstance(one, UnreadableMark)]
    first = next(iter(picture_on(SCHOOL, FIRST_DAY).students.values()))
    assert (bad.student_ref, "two year groups" in bad.reason) == (str(user_id(first)), True)
    marked = {one.student_ref for one in found if isinstance(one, Mark)}
    assert marked == {one.student_ref for one in truth(SCHOOL, FIRST_DAY)} - {bad.student_ref}


# Faults


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("unauthorised", Refused),
        ("forbidden", Refused),
        ("revoked", Refused),
        ("throttled-for-ever", Busy),
        ("down", Busy),
        ("down-later", Busy),
        ("cut-for-ever", Busy),
        ("html", Broken),
        ("no-meta", Broken),
        ("no-list", Broken),
        ("no-students", Broken),
    ],
)
def test_fault_ends_the_reading(fault: str, error: type[SyncError], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(error) as caught:
        read(fault)
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r} {caplog.text}"


@pytest.mark.parametrize("fault", ["throttled", "rate-limited", "maintenance", "flaky", "cut"])
def test_fault_makes_no_difference(fault: str) -> None:
    assert set(read(fault)) == truth(SCHOOL, FIRST_DAY)


def test_a_client_id_reads_registers_too() -> None:
    simulator = ManageBac(SCHOOL, 1)
    client_id, client_secret = simulator.client
    found = attendance(simulator, FIRST_DAY, client_id=client_id, client_secret=client_secret)
    assert set(found) == truth(SCHOOL, FIRST_DAY)


def test_nothing_is_asked_before_the_first_mark_is_wanted() -> None:
    simulator = ManageBac(SCHOOL, 1)
    with connected(simulator) as connector:
        marks = connector.attendance(FIRST_DAY)
        assert not simulator.requests
        next(marks)
        marks.close()  # type: ignore[attr-defined]  # a generator, whose files end here


# The simulator


def test_simulator_answers_as_documented() -> None:
    simulator = ManageBac(HIMAL, 1)
    group = year_group_id(HIMAL, HIMAL.year_labels[0])
    status, body = ask(simulator, f"year-groups/{group}/homeroom/attendance/date/2026-11-09")
    assert status == 200
    assert {row["attendance"].get("category", {}).get("status") for row in body["students"]} >= {1}
    assert ask(simulator, "year-groups/1/homeroom/attendance/date/2026-11-09")[0] == 404
    assert ask(simulator, f"year-groups/{group}/homeroom/attendance/date/2026-11-07") == (200, {"students": []})
    years = ask(simulator, "school/academic-years")[1]["academic_years"]
    assert years.keys() == {"pyp", "myp", "diploma"}
    for year in years["myp"]["academic_years"]:
        assert ask(simulator, f"school/academic-years/{year['id']}/attendance_categories")[0] == 200
    assert ask(simulator, "school/academic-years/1/attendance_categories")[0] == 404
    assert ask(ManageBac(HIMAL, 1, permissions=PERMISSIONS - {"attendance"}), "year-groups")[0] == 200
