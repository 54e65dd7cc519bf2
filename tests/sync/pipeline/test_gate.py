"""The brake: departures beyond belief wait for a person, the safe rest goes in (R12)."""

import msgspec
import pytest

from sync.pipeline.gate import gate, held_counts
from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Action, Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import Enrolment, Kind, Record, Student
from tests.sync.pipeline.builders import (
    EVERYTHING,
    RULES,
    applied,
    by_hand,
    guardian,
    held,
    holding,
    night,
    nothing_held,
    roster,
    school_class,
    student,
    tie,
    with_person,
)

STUDENTS = Kind.STUDENTS


def children(first: int, last: int) -> list[Student]:
    return [student(str(n), f"Child{n} Bell") for n in range(first, last + 1)]


def gated(before: Snapshot, said: Roster, rules: Rules = RULES) -> Plan:
    return gate(plan(before, said, rules, night=night(2)), before, said, rules)


def rules(*, percent: int, count: int) -> Rules:
    return msgspec.structs.replace(RULES, leaving_percent=percent, leaving_count=count)


HUNDRED = holding(*children(1, 100))


@pytest.mark.parametrize(
    ("gone", "percent", "count", "is_held"),
    [
        (5, 5, 0, False),  # exactly the share
        (6, 5, 0, True),
        (6, 5, 6, False),  # exactly the number, whatever the share
        (7, 5, 6, True),
        (100, 100, 0, True),  # an empty list is held whatever the rule says
        (99, 100, 0, False),
    ],
)
def test_more_than_the_share_and_more_than_the_number_wait(
    gone: int, percent: int, count: int, is_held: object
) -> None:
    done = gated(HUNDRED, roster(*children(1 + gone, 100)), rules(percent=percent, count=count))
    assert bool(done.holds) is is_held
    assert len(done.standings) == (0 if is_held else gone)


def test_the_hold_says_how_many_and_who_and_what_to_do() -> None:
    [hold] = gated(HUNDRED, roster(*children(7, 100))).holds
    assert hold.kind is STUDENTS
    assert "6 of 100 students" in hold.reason
    assert set(hold.refs) == {"1", "2", "3", "4", "5", "6"}
    assert "Child1 Bell" in hold.labels


def test_the_brake_is_measured_against_what_is_held_not_against_the_feed() -> None:
    newcomers = [student(f"n{n}", f"New{n} Bell") for n in range(1000)]
    done = gated(HUNDRED, roster(*children(11, 100), *newcomers))
    assert done.holds, "a big feed does not make ten of a hundred fewer"


def test_those_who_have_left_and_those_made_by_hand_and_those_who_come_tonight_do_not_count() -> None:
    some = by_hand(with_person(HUNDRED, STUDENTS, "1", here=False), STUDENTS, 500, "Dana Quick")
    some = with_person(some, STUDENTS, "2", since=night(2))
    wish = plan(some, roster(*children(2, 100), student("new", "Ida Hale")), RULES, night=night(2))
    assert held_counts(wish, some)[STUDENTS] == 98


def test_a_second_run_of_the_night_does_not_dissolve_the_hold() -> None:
    said = roster(*children(7, 100), *(student(f"n{n}", f"New{n} Bell") for n in range(1000)))
    once = gated(HUNDRED, said)
    after = applied(once, HUNDRED)
    again = gated(after, said)
    assert (again.writes, len(again.holds)) == (0, 1)


def test_a_second_night_of_leaving_is_braked_like_the_first() -> None:
    missing = HUNDRED
    for number in range(1, 8):
        missing = with_person(missing, STUDENTS, str(number), missing_since=night(1))
    done = gated(missing, roster(*children(8, 100)))
    assert done.standings == ()
    assert done.holds


def test_the_safe_part_of_a_held_night_goes_in() -> None:
    before = holding(*children(1, 100), guardian("g", email=""), school_class("c"))
    said = roster(
        *children(51, 100), student("new", "Ida Hale"), guardian("g", email="x@home.example"), school_class("c", "7C")
    )
    done = gated(before, said)
    assert [hold.kind for hold in done.holds] == [STUDENTS]
    assert [arrival.ref for arrival in done.arrivals] == ["new"]
    assert {(a.kind, a.field) for a in done.amendments} >= {(Kind.GUARDIANS, "email"), (Kind.CLASSES, "name")}


def test_whoever_comes_back_is_not_held_with_those_who_go() -> None:
    before = with_person(HUNDRED, STUDENTS, "100", here=False)
    done = gated(before, roster(*children(51, 100)))
    assert [(s.ref, s.action) for s in done.standings] == [("100", Action.REJOIN)]


def test_one_spoilt_list_of_people_keeps_everything_that_came_with_it() -> None:
    seated = [Enrolment(class_ref="c", student_ref="51")]
    before = holding(*children(1, 100), guardian("g"), guardian("h", "Tom Bell"), school_class("c"), *seated)
    done = gated(before, roster(*children(51, 100), guardian("g"), school_class("c")))
    assert STUDENTS in {hold.kind for hold in done.holds}
    assert (done.standings, done.link_ends) == ((), ())


def test_a_spoilt_list_of_classes_keeps_the_seats_but_not_the_people() -> None:
    everyone = [*children(1, 3), *(school_class(f"c{n}", f"Class {n}") for n in range(10))]
    seat = Enrolment(class_ref="c0", student_ref="1")
    said = roster(*children(2, 3), *everyone[3:8])
    done = gated(holding(*everyone, seat), said, rules(percent=100, count=4))
    assert [hold.kind for hold in done.holds] == [Kind.CLASSES, Kind.ENROLMENTS]
    assert [(standing.kind, standing.ref) for standing in done.standings] == [(STUDENTS, "1")]


def test_a_newcomer_does_not_get_the_address_of_somebody_whose_leaving_is_held() -> None:
    adults = [guardian(str(n), f"Bo{n} Li", email=f"b{n}@home.example") for n in range(100)]
    before = holding(*adults)
    for number in range(50):
        before = with_person(before, Kind.GUARDIANS, str(number), missing_since=night(1))
    said = roster(*adults[50:], guardian("new", "Ida Hale", email="b1@home.example"))
    after = applied(gated(before, said), before)
    assert held(after, Kind.GUARDIANS, "1").email == "b1@home.example"
    assert held(after, Kind.GUARDIANS, "new").email == ""


EVERY_KIND: tuple[Record, ...] = (student("1"), guardian("g"), tie("1", "g"), school_class("c"))


def test_a_list_without_a_single_row_is_never_everybody_leaving() -> None:
    said = roster(guardian("g"), school_class("c"))
    done = gated(holding(*EVERY_KIND), said, rules(percent=100, count=1000))
    assert {hold.kind for hold in done.holds} == {STUDENTS, Kind.TIES}
    assert done.writes == 0
    assert all("empty feed is never taken" in hold.reason for hold in done.holds)


def test_an_empty_list_of_a_kind_never_held_is_nothing_to_ask_about() -> None:
    assert gated(nothing_held(), roster(student("1"))).holds == ()


def test_a_list_cut_short_needs_no_brake() -> None:
    done = gated(HUNDRED, roster(complete=EVERYTHING - {STUDENTS}))
    assert (done.writes, done.holds) == (0, ())


def test_unreadable_rows_count_as_rows() -> None:
    done = gated(holding(student("1")), roster(unreadable={STUDENTS: ["1"]}))
    assert (done.writes, done.holds) == (0, ())


# --- classes are rebuilt every September (CLASS_CHURN_PERCENT) ---


def seats(first: int, last: int) -> list[Enrolment]:
    return [Enrolment(class_ref="c", student_ref=str(n)) for n in range(first, last + 1)]


@pytest.mark.parametrize(("gone", "is_held"), [(40, False), (41, True)])
def test_many_seats_but_never_half_of_them_may_change_before_anybody_is_asked(gone: int, is_held: object) -> None:
    everyone = [*children(1, 100), school_class("c")]
    done = gated(holding(*everyone, *seats(1, 100)), roster(*everyone, *seats(1 + gone, 100)))
    assert [hold.kind for hold in done.holds] == ([Kind.ENROLMENTS] if is_held else [])
    assert len(done.link_ends) == (0 if is_held else gone)


@pytest.mark.parametrize(("gone", "is_held"), [(5, False), (6, True)])
def test_ties_are_braked_like_people(gone: int, is_held: object) -> None:
    everyone = [*children(1, 100), guardian("g")]
    ties = [tie(str(n), "g") for n in range(1, 101)]
    done = gated(holding(*everyone, *ties), roster(*everyone, *ties[gone:]))
    assert [hold.kind for hold in done.holds] == ([Kind.TIES] if is_held else [])
