"""Who arrives, what is new about them, and ids that suddenly describe somebody else (R13, R22–R24)."""

import datetime

import pytest

from sync.pipeline.plan import Action, plan
from sync.records import NOT_SHARED, Kind
from tests.sync.pipeline.builders import (
    BORN,
    NIGHT,
    RULES,
    applied,
    guardian,
    holding,
    night,
    nothing_held,
    roster,
    school_class,
    staff,
    student,
    tie,
    value,
)

OTHER_DAY = datetime.date(2010, 10, 18)


def test_whoever_is_named_for_the_first_time_arrives_with_everything_that_was_said() -> None:
    wish = plan(nothing_held(), roster(student("1", year="7", form="7B")), RULES, night=NIGHT)
    [arrival] = wish.arrivals
    assert (arrival.kind, arrival.ref) == (Kind.STUDENTS, "1")
    assert arrival.values == ("Ann", "Bell", None, BORN, "7", "7B", None)
    assert wish.writes == 1


def test_a_class_arrives_by_its_ref() -> None:
    [arrival] = plan(nothing_held(), roster(school_class("c1", "7B/Maths")), RULES, night=NIGHT).arrivals
    assert (arrival.kind, arrival.values) == (Kind.CLASSES, ("7B/Maths", None, None))


@pytest.mark.parametrize("left_on", [NIGHT, OTHER_DAY])
def test_somebody_never_known_who_has_left_already_does_not_arrive(left_on: datetime.date) -> None:
    said = roster(student("1", left_on=left_on), guardian("g"), tie("1", "g"))
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    assert [arrival.ref for arrival in wish.arrivals] == ["g"]
    assert wish.link_arrivals == ()


def test_somebody_who_will_leave_later_arrives() -> None:
    wish = plan(nothing_held(), roster(student("1", left_on=night(2))), RULES, night=NIGHT)
    assert [arrival.ref for arrival in wish.arrivals] == ["1"]


def test_only_the_field_that_is_new_is_amended() -> None:
    before = holding(student("1", year="7", form="7B"))
    wish = plan(before, roster(student("1", year="7", form="7C")), RULES, night=NIGHT)
    [change] = wish.amendments
    assert (change.field, change.old, change.new, change.label) == ("form", "7B", "7C", "Ann Bell")
    assert wish.writes == 1


def test_what_is_not_shared_leaves_the_field_and_what_is_empty_clears_it() -> None:
    before = holding(student("1", form="7B", upn="U1"))
    after = applied(plan(before, roster(student("1", form="", upn=NOT_SHARED)), RULES, night=NIGHT), before)
    assert value(after, Kind.STUDENTS, "1", "form") == ""
    assert value(after, Kind.STUDENTS, "1", "upn") == "U1"


def test_a_date_of_birth_can_be_cleared() -> None:
    before = holding(student("1"))
    after = applied(plan(before, roster(student("1", date_of_birth=None)), RULES, night=NIGHT), before)
    assert value(after, Kind.STUDENTS, "1", "date_of_birth") is None


def test_the_case_of_a_name_is_a_change_and_the_same_name_is_none() -> None:
    before = holding(student("1", "ann Bell"))
    assert [a.field for a in plan(before, roster(student("1")), RULES, night=NIGHT).amendments] == ["given_name"]
    assert plan(before, roster(student("1", "ann Bell")), RULES, night=NIGHT).writes == 0


def test_a_ref_is_compared_byte_for_byte() -> None:
    wish = plan(holding(student("055")), roster(student("55", "Cai Reed")), RULES, night=NIGHT)
    assert [arrival.ref for arrival in wish.arrivals] == ["55"]


def test_student_contact_and_staff_ids_are_separate_spaces() -> None:
    before = holding(student("55"), guardian("55"), staff("55"))
    wish = plan(before, roster(student("55"), guardian("55", "Joan Stone"), staff("55")), RULES, night=NIGHT)
    assert [(a.kind, a.field) for a in wish.amendments] == [(Kind.GUARDIANS, "family_name")]
    assert wish.holds == ()


def test_what_was_refused_while_reading_is_reported_with_what_the_plan_refuses() -> None:
    said = roster(guardian("1", email="x@home.example"), guardian("2", "Tom Bell", email="x@home.example"))
    [refusal] = plan(nothing_held(), said, RULES, night=NIGHT).refusals
    assert (refusal.kind, refusal.ref, refusal.field) == (Kind.GUARDIANS, "2", "email")
    assert "x@home.example" not in refusal.reason


def test_the_hash_of_a_plan_is_that_of_its_contents() -> None:
    one = plan(nothing_held(), roster(student("1")), RULES, night=NIGHT)
    same = plan(nothing_held(), roster(student("1")), RULES, night=NIGHT)
    other = plan(nothing_held(), roster(student("2")), RULES, night=NIGHT)
    assert one.digest() == same.digest() != other.digest()
    assert {standing.action for standing in one.standings} <= set(Action)
