"""Who is missing, who has left, who is back (D9, R12, R48, R49, R68)."""

import datetime

import msgspec
import pytest

from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Action, Case, Plan, plan
from sync.pipeline.plan.model import APPROVE, KEEP
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.records import NOT_SHARED, Kind
from tests.sync.pipeline.builders import (
    EVERYTHING,
    RULES,
    applied,
    by_hand,
    guardian,
    held,
    holding,
    link,
    night,
    roster,
    school_class,
    staff,
    student,
    tie,
    with_person,
)

STUDENTS = Kind.STUDENTS
OTHER = student("2", "Cai Stone")
SCHOOL = holding(student("1"), OTHER)
WITHOUT = roster(OTHER)
AUTHORITATIVE = msgspec.structs.replace(RULES, staff_leavers_authoritative=True)


def actions(wish: Plan) -> list[tuple[Kind, str, Action]]:
    return [(standing.kind, standing.ref, standing.action) for standing in wish.standings]


def nights(before: Snapshot, *feeds: Roster, rules: Rules = RULES) -> Snapshot:
    """What is held after these feeds, one a night, the first on night 2."""
    for number, said in enumerate(feeds, start=2):
        before = applied(plan(before, said, rules, night=night(number)), before)
    return before


def test_missing_once_is_missing_and_missing_on_a_later_night_is_left() -> None:
    wish = plan(SCHOOL, WITHOUT, RULES, night=night(2))
    assert actions(wish) == [(STUDENTS, "1", Action.MISS)]
    assert wish.standings[0].missing_since == night(2)
    wish = plan(applied(wish, SCHOOL), WITHOUT, RULES, night=night(3))
    assert actions(wish) == [(STUDENTS, "1", Action.LEAVE)]
    assert wish.standings[0].left_on == night(3)
    assert night(2).isoformat() in wish.standings[0].why


def test_a_second_run_in_one_night_is_not_a_second_night() -> None:
    assert plan(nights(SCHOOL, WITHOUT), WITHOUT, RULES, night=night(2)).writes == 0


def test_somebody_who_left_does_not_leave_again() -> None:
    assert plan(nights(SCHOOL, WITHOUT, WITHOUT), WITHOUT, RULES, night=night(9)).writes == 0


def test_missing_one_night_only_is_forgotten() -> None:
    everyone = roster(student("1"), OTHER)
    now = nights(SCHOOL, WITHOUT, everyone)
    assert held(now, STUDENTS, "1") == held(SCHOOL, STUDENTS, "1")
    assert actions(plan(now, WITHOUT, RULES, night=night(4))) == [(STUDENTS, "1", Action.MISS)]


@pytest.mark.parametrize("day", [night(2), night(-300)])
def test_a_leaving_date_takes_effect_at_once(day: datetime.date) -> None:
    wish = plan(SCHOOL, roster(student("1", left_on=day), OTHER), RULES, night=night(2))
    assert actions(wish) == [(STUDENTS, "1", Action.LEAVE)]
    assert wish.standings[0].left_on == day


@pytest.mark.parametrize("day", [night(3), None, NOT_SHARED])
def test_a_future_leaving_date_or_none_changes_nothing(day: object) -> None:
    assert plan(SCHOOL, roster(student("1", left_on=day), OTHER), RULES, night=night(2)).standings == ()


def test_a_leaving_date_counts_even_in_a_list_cut_short() -> None:
    said = roster(student("1", left_on=night(2)), complete=[])
    assert actions(plan(SCHOOL, said, RULES, night=night(2))) == [(STUDENTS, "1", Action.LEAVE)]


def test_whoever_returns_is_the_same_row_with_the_same_parents() -> None:
    school = holding(student("90"), OTHER, guardian("g"), tie("90", "g"))
    without = roster(OTHER, guardian("g"))
    gone = nights(school, without, without)
    assert not held(gone, STUDENTS, "90").here
    assert link(gone, Kind.TIES, "90", "g") == link(school, Kind.TIES, "90", "g"), "an absent person's ties wait"
    wish = plan(gone, roster(student("90", form="8C"), OTHER, guardian("g"), tie("90", "g")), RULES, night=night(30))
    assert actions(wish) == [(STUDENTS, "90", Action.REJOIN)]
    assert wish.writes == 2, "back, in another form, and nothing else"
    back = held(applied(wish, gone), STUDENTS, "90")
    assert (back.id, back.here, back.missing_since) == (held(school, STUDENTS, "90").id, True, None)


# --- what is no proof of absence (R12) ---


def test_a_list_cut_short_ends_nobody() -> None:
    said = roster(OTHER, complete=EVERYTHING - {STUDENTS})
    assert plan(SCHOOL, said, RULES, night=night(2)).writes == 0


def test_a_list_cut_short_does_not_end_those_already_missing() -> None:
    missing = nights(SCHOOL, WITHOUT)
    assert plan(missing, roster(OTHER, complete=[]), RULES, night=night(3)).writes == 0


def test_an_unreadable_row_is_present() -> None:
    said = roster(OTHER, unreadable={STUDENTS: ["1"]})
    assert plan(SCHOOL, said, RULES, night=night(2)).writes == 0


def test_with_an_unreadable_row_that_nobody_can_name_nobody_leaves() -> None:
    said = roster(unreadable={STUDENTS: [""]})
    assert plan(SCHOOL, said, RULES, night=night(2)).writes == 0


def test_an_unreadable_row_of_another_kind_protects_nobody() -> None:
    said = roster(OTHER, unreadable={Kind.STAFF: [""]})
    assert actions(plan(SCHOOL, said, RULES, night=night(2))) == [(STUDENTS, "1", Action.MISS)]


# --- staff (R48, R49) ---


def test_missing_staff_are_only_listed_where_the_feed_is_not_the_authority() -> None:
    school, without = holding(staff("1"), staff("2", "Max Wren")), roster(staff("2", "Max Wren"))
    later = nights(school, without, without, without)
    assert held(later, Kind.STAFF, "1").here
    assert held(later, Kind.STAFF, "1").missing_since == night(2), "since when is kept, for the list"


def test_missing_staff_leave_where_the_feed_is_the_authority() -> None:
    school, without = holding(staff("1"), staff("2", "Max Wren")), roster(staff("2", "Max Wren"))
    assert not held(nights(school, without, without, rules=AUTHORITATIVE), Kind.STAFF, "1").here


def test_the_leaving_date_of_staff_counts_everywhere() -> None:
    wish = plan(holding(staff("1")), roster(staff("1", left_on=night(2))), RULES, night=night(2))
    assert actions(wish) == [(Kind.STAFF, "1", Action.LEAVE)]


@pytest.mark.parametrize("said", [roster(staff("1")), roster(staff("1", "Ruth Marsh")), roster()])
def test_whoever_was_deleted_by_hand_stays_so_whatever_the_feed_says(said: Roster) -> None:
    school = with_person(holding(staff("1")), Kind.STAFF, "1", here=False, deleted=True)
    now = nights(school, said, said, said, rules=AUTHORITATIVE)
    assert not held(now, Kind.STAFF, "1").here
    restored = with_person(now, Kind.STAFF, "1", here=True, deleted=False)
    assert held(nights(restored, roster(staff("1"))), Kind.STAFF, "1").here


def test_external_staff_and_staff_by_hand_are_never_touched_even_by_an_authority() -> None:
    school = by_hand(holding(staff("1")), Kind.STAFF, 7, "Lee Park", email="lee@home.example")
    now = nights(school, roster(staff("1")), roster(staff("1")), rules=AUTHORITATIVE)
    assert now.records[Kind.STAFF][7] == school.records[Kind.STAFF][7]


# --- staff to whom the school gave a role (R45, R46, R49) ---


def running(*refs: str) -> Snapshot:
    """A school of four members of staff, of whom these are super users; the fourth looks after fees."""
    school = holding(*(staff(ref, f"Ruth{ref} Vale") for ref in "1234"))
    for ref in refs:
        school = with_person(school, Kind.STAFF, ref, roles=("Super user",), runs_school=True)
    return with_person(school, Kind.STAFF, "4", roles=("Fees",))


def test_a_role_keeps_somebody_until_the_school_has_said_so() -> None:
    school = nights(running("1"), roster(staff("1", "Ruth1 Vale")), rules=AUTHORITATIVE)
    said = roster(staff("1", "Ruth1 Vale"))
    wish = plan(school, said, AUTHORITATIVE, night=night(3))
    assert actions(wish) == [(Kind.STAFF, "2", Action.LEAVE), (Kind.STAFF, "3", Action.LEAVE)]
    [hold] = wish.holds
    assert (hold.case, hold.kind, hold.refs, hold.labels) == (Case.ROLE_LEAVES, Kind.STAFF, ("4",), ("Ruth4 Vale",))
    assert "Ruth4 Vale (Fees) would leave. Not in the feed since" in hold.reason
    assert [option.key for option in hold.options] == [APPROVE, KEEP]
    assert [(side.ref, side.id, side.facts) for side in hold.sides] == [("4", 4, (("email", "none"), ("role", "Fees")))]
    later = plan(school, said, AUTHORITATIVE, night=night(9), decided={hold.digest: APPROVE})
    assert (Kind.STAFF, "4", Action.LEAVE) in actions(later)
    assert later.holds == ()
    assert plan(school, said, AUTHORITATIVE, night=night(9), decided={hold.digest: KEEP}).holds == (hold,)


def test_the_answer_is_about_this_leaving_and_no_later_one() -> None:
    school, said = running("1"), roster(staff("1", "Ruth1 Vale"), staff("2", "Ruth2 Vale"), staff("3", "Ruth3 Vale"))
    first = nights(school, said, rules=AUTHORITATIVE)
    [hold] = plan(first, said, AUTHORITATIVE, night=night(3)).holds
    everybody = roster(*(staff(ref, f"Ruth{ref} Vale") for ref in "1234"))
    again = applied(plan(first, everybody, AUTHORITATIVE, night=night(3)), first)
    again = applied(plan(again, said, AUTHORITATIVE, night=night(4)), again)
    wish = plan(again, said, AUTHORITATIVE, night=night(5), decided={hold.digest: APPROVE})
    assert [other.case for other in wish.holds] == [Case.ROLE_LEAVES]


def test_a_leaving_date_waits_too_where_there_is_a_role() -> None:
    said = roster(*(staff(ref, f"Ruth{ref} Vale", left_on=night(2) if ref == "4" else NOT_SHARED) for ref in "1234"))
    [hold] = plan(running(), said, RULES, night=night(2)).holds
    assert (hold.refs, hold.facts) == (("4",), ("4", night(2).isoformat(), "Fees"))
    approved = plan(running(), said, RULES, night=night(3), decided={hold.digest: APPROVE})
    assert actions(approved) == [(Kind.STAFF, "4", Action.LEAVE)]


def test_the_only_super_user_stays_whatever_anybody_says() -> None:
    others = roster(*(staff(ref, f"Ruth{ref} Vale") for ref in "234"))
    school = nights(running("1"), others, rules=AUTHORITATIVE)
    [hold] = plan(school, others, AUTHORITATIVE, night=night(3)).holds
    assert [option.key for option in hold.options] == [KEEP]
    assert "only super user" in hold.reason
    wish = plan(school, others, AUTHORITATIVE, night=night(3), decided={hold.digest: APPROVE})
    assert (actions(wish), wish.holds) == ([], (hold,))


def test_of_two_super_users_who_leave_at_once_one_stays() -> None:
    others = roster(staff("3", "Ruth3 Vale"), staff("4", "Ruth4 Vale"))
    school = nights(running("1", "2"), others, rules=AUTHORITATIVE)
    asked = plan(school, others, AUTHORITATIVE, night=night(3)).holds
    assert [[option.key for option in hold.options] for hold in asked] == [[APPROVE, KEEP], [APPROVE, KEEP]]
    answers = {hold.digest: APPROVE for hold in asked}
    wish = plan(school, others, AUTHORITATIVE, night=night(3), decided=answers)
    assert actions(wish) == [(Kind.STAFF, "1", Action.LEAVE)]
    assert [hold.refs for hold in wish.holds] == [("2",)]


# --- a student's ties on leaving and on return (R68) ---


def test_thirty_nights_later_everything_is_as_it_was_and_a_sibling_stays() -> None:
    here = [student("2", "Tom Bell"), guardian("g"), tie("2", "g")]
    everybody = [student("1"), tie("1", "g"), *here]
    school = nights(holding(*everybody), *[roster(*here)] * 30)
    assert not held(school, STUDENTS, "1").here
    assert held(school, STUDENTS, "2").here
    returned = roster(*[msgspec.structs.replace(r, year="9", form="9C") if r == student("1") else r for r in everybody])
    back = applied(plan(school, returned, RULES, night=night(40)), school)
    assert back.identities == school.identities
    assert back.links == holding(*everybody).links
    assert held(back, STUDENTS, "1").here


# --- classes, and people out of reach ---


def test_a_class_ends_at_once_and_comes_back_as_itself() -> None:
    school = holding(school_class("c"), school_class("d", "8A"))
    wish = plan(school, roster(school_class("d", "8A")), RULES, night=night(2))
    assert actions(wish) == [(Kind.CLASSES, "c", Action.LEAVE)]
    ended = applied(wish, school)
    back = plan(ended, roster(school_class("c"), school_class("d", "8A")), RULES, night=night(3))
    assert actions(back) == [(Kind.CLASSES, "c", Action.REJOIN)]
    assert back.arrivals == ()


def test_people_made_by_hand_are_out_of_reach() -> None:
    school = by_hand(SCHOOL, STUDENTS, 99, "Dana Quick")
    school = with_person(school, STUDENTS, "1", from_feed=False)
    assert plan(school, WITHOUT, AUTHORITATIVE, night=night(2)).standings == ()


def test_people_whom_only_an_earlier_mis_named_are_out_of_reach() -> None:
    known = {kind: {} if kind is STUDENTS else refs for kind, refs in SCHOOL.identities.items()}
    school = msgspec.structs.replace(SCHOOL, identities=known)
    assert plan(school, roster(), RULES, night=night(2)).standings == ()


def test_an_old_id_of_the_same_person_keeps_them_here() -> None:
    row = SCHOOL.identities[STUDENTS]["1"]
    rekeyed = msgspec.structs.replace(
        SCHOOL, identities=SCHOOL.identities | {STUDENTS: SCHOOL.identities[STUDENTS] | {"2100": row}}
    )
    for ref in ("1", "2100"):
        assert plan(rekeyed, roster(student(ref), OTHER), RULES, night=night(2)).writes == 0
    assert actions(plan(rekeyed, WITHOUT, RULES, night=night(2))) == [(STUDENTS, "1", Action.MISS)]
