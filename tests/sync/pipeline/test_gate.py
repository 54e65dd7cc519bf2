"""The brake: departures beyond belief wait for a person, the safe rest goes in (R12)."""

import datetime
from typing import Any

import msgspec
import pytest

from sync.pipeline.brakes import held_counts
from sync.pipeline.gate import gate
from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Action, Case, Hold, Plan, Rekey, plan
from sync.pipeline.plan.model import APPROVE, KEEP
from sync.pipeline.renumbering import bare, renumbered
from sync.pipeline.roster import Fault, Refusal, Roster
from sync.pipeline.rules import Rules
from sync.records import Enrolment, Kind, Medical, Record, Student
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


def gated(before: Snapshot, said: Roster, rules: Rules = RULES, *, on: int = 2, **how: Any) -> Plan:
    return gate(plan(before, said, rules, night=night(on)), before, said, rules, **how)


def decided(*holds: Hold, choice: str = APPROVE) -> dict[str, Any]:
    """Let a person have chosen this about each of these holds."""
    return {"decided": {hold.digest: choice for hold in holds}}


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


def test_classes_and_seats_may_all_change_while_the_year_rolls_over_but_people_may_not() -> None:
    everyone = [*children(1, 100), *(school_class(f"c{n}", f"Class {n}") for n in range(10))]
    before = holding(*everyone, *(Enrolment(class_ref="c1", student_ref=str(n)) for n in range(1, 101)))
    rolled = [school_class(f"d{n}", f"Class {n}") for n in range(10)]
    rolling = msgspec.structs.replace(RULES, rollover=True)
    seated = [Enrolment(class_ref="d1", student_ref=str(n)) for n in range(1, 101)]
    done = gated(before, roster(*children(1, 100), *rolled, *seated), rolling)
    assert done.holds == ()
    assert len([s for s in done.standings if s.kind is Kind.CLASSES]) == 10
    kept = gated(before, roster(*children(51, 100), *rolled), rolling)
    assert {(hold.kind, hold.case) for hold in kept.holds} == {
        (STUDENTS, Case.DEPARTURES),
        (Kind.ENROLMENTS, Case.EMPTY),
    }
    assert kept.standings == (), "nobody is sent away because the year rolls over"


# --- what a person approves (R12) ---

TEN_GONE = roster(*children(11, 100))


def test_an_approval_lets_exactly_these_go() -> None:
    [hold] = gated(HUNDRED, TEN_GONE).holds
    done = gated(HUNDRED, TEN_GONE, **decided(hold))
    assert done.holds == ()
    assert {standing.ref for standing in done.standings} == {str(n) for n in range(1, 11)}
    assert {option.key for option in hold.options} == {APPROVE, KEEP}


def test_leaving_it_as_it_is_goes_on_holding() -> None:
    [hold] = gated(HUNDRED, TEN_GONE).holds
    assert gated(HUNDRED, TEN_GONE, **decided(hold, choice=KEEP)).holds == (hold,)


@pytest.mark.parametrize("gone", [range(1, 10), range(1, 12), range(2, 12)], ids=["one fewer", "one more", "another"])
def test_other_people_than_were_approved_are_asked_about_anew(gone: range) -> None:
    [hold] = gated(HUNDRED, TEN_GONE).holds
    said = roster(*(child for child in children(1, 100) if int(child.ref) not in gone))
    done = gated(HUNDRED, said, approved={(Case.DEPARTURES, STUDENTS)}, **decided(hold))
    assert done.standings == ()
    assert done.holds[0].digest != hold.digest
    assert done.holds[0].reason.startswith(f"This has changed since it was approved. {len(gone)} of 100 students")


def test_going_missing_and_leaving_are_approved_each_for_itself() -> None:
    [hold] = gated(HUNDRED, TEN_GONE).holds
    after = applied(gated(HUNDRED, TEN_GONE, **decided(hold)), HUNDRED)
    [asked] = gated(after, TEN_GONE, on=3, **decided(hold)).holds
    assert asked.digest != hold.digest


def test_what_was_approved_goes_even_where_another_list_is_in_doubt() -> None:
    adults = [guardian(str(n), f"Bo{n} Li") for n in range(1, 101)]
    before = holding(*children(1, 100), *adults)
    said = roster(*children(11, 100), *adults[20:])
    students, guardians = sorted(gated(before, said).holds, key=lambda hold: hold.kind, reverse=True)
    done = gated(before, said, **decided(students))
    assert done.holds == (guardians,)
    assert {standing.kind for standing in done.standings} == {STUDENTS}


def test_the_departures_of_links_are_approved_like_those_of_people() -> None:
    everyone = [*children(1, 100), guardian("g")]
    before = holding(*everyone, *(tie(str(n), "g") for n in range(1, 101)))
    said = roster(*everyone, *(tie(str(n), "g") for n in range(11, 101)))
    [hold] = gated(before, said).holds
    assert len(gated(before, said, **decided(hold)).link_ends) == 10


def test_no_choice_lets_an_empty_list_pass() -> None:
    [hold] = gated(HUNDRED, roster()).holds
    assert (hold.case, hold.options) == (Case.EMPTY, ())
    assert gated(HUNDRED, roster(), **decided(hold)).holds == (hold,)


# --- ids that all change (Case.ID_SCHEME) ---


def zeroed(first: int, last: int) -> list[Student]:
    return [student(f"{n:05}", f"Child{n} Bell", date_of_birth=born(n)) for n in range(first, last + 1)]


def shorn(first: int, last: int) -> list[Student]:
    return [student(str(n), f"Child{n} Bell", date_of_birth=born(n)) for n in range(first, last + 1)]


def born(number: int) -> datetime.date:
    return datetime.date(2014, 1, 1) + datetime.timedelta(days=number)


NUMBERED = holding(*zeroed(1, 100), guardian("g"), tie("00001", "g"))


def without_rekeys(before: Snapshot, said: Roster, rekeys: tuple[Rekey, ...] = ()) -> Plan:
    """A plan that knows nobody under a new id but those named here."""
    return msgspec.structs.replace(plan(before, said, RULES, night=night(2)), rekeys=rekeys)


def test_numbers_that_lost_their_zeros_bring_nobody_twice() -> None:
    said = roster(*shorn(1, 100), guardian("g", email="new@home.example"), tie("1", "g"))
    done = gated(NUMBERED, said)
    [hold] = done.holds
    assert (hold.kind, hold.case) == (STUDENTS, Case.ID_SCHEME)
    assert hold.reason.startswith("100 of 100 students are not in the feed under their ids, while 100 come")
    assert (done.arrivals, done.rekeys, done.standings, done.link_arrivals, done.link_ends) == ((), (), (), (), ())
    assert {change.new for change in done.amendments} == {"new@home.example"}, "what is safe goes in"
    assert set(hold.refs) == {str(n) for n in range(1, 101)}


def test_zeros_lost_on_the_very_day_of_the_first_sync_are_still_so_many_of_so_many() -> None:
    said = roster(*shorn(1, 100), guardian("g"), tie("1", "g"))
    [hold] = gated(NUMBERED, said, on=1).holds
    assert hold.reason.startswith("100 of 100 students")


def test_those_who_came_tonight_and_go_again_are_not_a_share_of_those_we_held() -> None:
    mixed = holding(*children(1, 10))
    mixed = applied(plan(mixed, roster(*children(1, 100)), RULES, night=night(2)), mixed)
    [hold] = gated(mixed, roster(*children(1, 20))).holds
    assert hold.reason.startswith("80 students would go")


def test_new_ids_approved_let_the_plan_go_in_whole() -> None:
    said = roster(*shorn(1, 100), guardian("g"), tie("1", "g"))
    wish = plan(NUMBERED, said, RULES, night=night(2))
    [hold] = gate(wish, NUMBERED, said, RULES).holds
    assert gate(wish, NUMBERED, said, RULES, **decided(hold)) == wish
    one_more = roster(*shorn(1, 101), guardian("g"), tie("1", "g"))
    [anew] = gated(NUMBERED, one_more, approved={(Case.ID_SCHEME, STUDENTS)}, **decided(hold)).holds
    assert anew.reason.startswith("This has changed since it was approved.")


def test_a_few_new_ids_are_no_new_scheme() -> None:
    done = gated(NUMBERED, roster(*shorn(1, 5), *zeroed(6, 100), guardian("g"), tie("1", "g")))
    assert Case.ID_SCHEME not in {hold.case for hold in done.holds}


def test_leavers_and_as_many_others_are_a_new_year_and_no_new_scheme() -> None:
    newcomers = [student(f"9{n:04}", f"New{n} Hale") for n in range(30)]
    done = gated(NUMBERED, roster(*zeroed(31, 100), *newcomers, guardian("g")))
    assert {hold.case for hold in done.holds if hold.kind is STUDENTS} == {Case.DEPARTURES}
    assert len(done.arrivals) == 30, "a departure that waits is no reason for newcomers to wait"


def test_the_list_of_another_school_lets_nobody_in() -> None:
    strangers = [student(f"x9{n}7", f"Other{n} Wood") for n in range(80)]
    done = gated(NUMBERED, roster(*strangers, guardian("g")))
    assert [(hold.kind, hold.case) for hold in done.holds if hold.kind is STUDENTS] == [(STUDENTS, Case.ID_SCHEME)]
    assert "none of these look like the same people" in done.holds[0].reason
    assert (done.arrivals, done.standings) == ((), ())


def test_adults_are_recognised_by_their_names() -> None:
    before = holding(*(guardian(f"a{n}b", f"Bo{n} Li") for n in range(1, 41)))
    said = roster(*(guardian(f"{n}7xyz", f"BO{n} Li") for n in range(1, 11)), *map(as_before, range(11, 41)))
    [hold] = gated(before, said).holds
    assert (hold.kind, hold.case) == (Kind.GUARDIANS, Case.ID_SCHEME)


def as_before(number: int) -> Record:
    return guardian(f"a{number}b", f"Bo{number} Li")


def test_who_was_re_keyed_by_the_plan_counts_although_nobody_would_go() -> None:
    said = roster(*(student(f"n{n}x", f"Wed{n} Hale", date_of_birth=None) for n in range(1, 41)), *zeroed(41, 100))
    rekeys = tuple(
        Rekey(kind=STUDENTS, id=n, ref=f"n{n}x", was=f"{n:05}", label=f"Child{n} Bell", why="Same UPN.")
        for n in range(1, 41)
    )
    wish = without_rekeys(NUMBERED, said, rekeys)
    hold = renumbered(STUDENTS, wish, [], NUMBERED, said, 100, RULES)
    assert hold
    assert {"same:1:n1x", "gone:1", "new:n1x"} <= set(hold.facts)
    assert "40 of these look like the same people" in hold.reason
    assert hold.options[0].effect.startswith("40 who are surely the same")
    others = without_rekeys(NUMBERED, said)
    assert renumbered(STUDENTS, others, [], NUMBERED, said, 100, RULES) is None


def test_who_was_missing_before_tonight_is_not_gone_tonight() -> None:
    before = NUMBERED
    for number in range(1, 11):
        before = with_person(before, STUDENTS, f"{number:05}", missing_since=night(1))
    done = gated(before, roster(*shorn(1, 10), *zeroed(11, 100), guardian("g")), on=3)
    assert Case.ID_SCHEME not in {hold.case for hold in done.holds}


@pytest.mark.parametrize(
    ("ref", "expected"),
    [("00012", "12"), ("12", "12"), ("STU-0012", "12"), ("stu0012A", "12a"), ("ABC", "abc"), ("000", "000")],
)
def test_an_id_without_what_a_list_may_lose_of_it(ref: str, expected: str) -> None:
    assert bare(ref) == expected


# --- lists with too many bad rows (Case.UNREADABLE) ---


def spoilt(bad: int, *, of: int = 100, **more: Any) -> Roster:
    """A list of students whose first rows cannot be used, and something new about everybody else."""
    said = roster(
        *(student(str(n), f"Child{n} Bell", form="7B") for n in range(bad + 1, of + 1)),
        guardian("g", phone="1"),
        unreadable={STUDENTS: [str(n) for n in range(1, bad + 1)]},
        **more,
    )
    refusals = [
        Refusal(kind=STUDENTS, ref=str(n), fault=Fault.NAMELESS, reason="It has no name.") for n in range(1, bad + 1)
    ]
    refusals.append(Refusal(kind=STUDENTS, ref="99", fault=Fault.EMAIL, reason="Not an address.", field="email"))
    return msgspec.structs.replace(said, refusals=tuple(refusals))


BEFORE = holding(*children(1, 100), guardian("g"))


@pytest.mark.parametrize(("bad", "is_held"), [(20, False), (21, True)])
@pytest.mark.parametrize("complete", [EVERYTHING, EVERYTHING - {STUDENTS}], ids=["whole", "cut short"])
def test_a_list_of_which_a_fifth_is_unusable_is_not_believed(bad: int, is_held: object, complete: Any) -> None:
    done = gated(BEFORE, spoilt(bad, complete=complete))
    assert [(hold.kind, hold.case) for hold in done.holds] == ([(STUDENTS, Case.UNREADABLE)] if is_held else [])
    assert {change.kind for change in done.amendments} == {Kind.GUARDIANS} | (set() if is_held else {STUDENTS})
    assert not any(change.label == "Child1 Bell" for change in done.amendments)


def test_a_few_bad_rows_of_a_short_list_are_only_left_out() -> None:
    assert gated(BEFORE, spoilt(5, of=6)).holds[0].case is not Case.UNREADABLE


def test_what_a_list_says_that_is_not_believed_reaches_nobody() -> None:
    """Its ids may be wrong too, so that a note would be given to another child."""
    said = spoilt(30)
    notes = {("40", "m"): Medical(student_ref="40", ref="m", condition="Asthma")}
    ties = {("40", "g"): tie("40", "g")}
    done = gated(BEFORE, msgspec.structs.replace(said, medical=notes, ties=ties))
    assert done.link_arrivals == ()


def test_the_usable_rows_go_in_once_approved_and_as_long_as_just_these_are_bad() -> None:
    [hold] = gated(BEFORE, spoilt(30)).holds
    done = gated(BEFORE, spoilt(30), **decided(hold))
    assert (done.holds, len([c for c in done.amendments if c.kind is STUDENTS])) == ((), 70)
    assert done.standings == ()
    assert [one.case for one in gated(BEFORE, spoilt(31), **decided(hold)).holds] == [Case.UNREADABLE]


def test_a_list_approved_in_spite_of_its_bad_rows_is_braked_like_any_other() -> None:
    said = spoilt(30)
    fewer = msgspec.structs.replace(
        said,
        students={ref: record for ref, record in said.students.items() if int(ref) <= 80},
        rows={**said.rows, STUDENTS: 80},
    )
    [hold] = gated(BEFORE, fewer).holds
    assert hold.case is Case.UNREADABLE
    [braked] = gated(BEFORE, fewer, **decided(hold)).holds
    assert braked.reason.startswith("20 of 100 students would go")
