"""Who gets which address (R26, R29, R30, R33, R38, R39, R42, R58, R59, D3, D4)."""

import random

import msgspec
import pytest

from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Case, Plan, plan
from sync.pipeline.plan.model import KEEP, OTHER, SAME
from sync.pipeline.roster import Fault, Roster
from sync.pipeline.rules import Rules
from sync.records import NOT_SHARED, Guardian, Kind, Record
from tests.sync.pipeline.builders import (
    NIGHT,
    RULES,
    applied,
    by_hand,
    guardian,
    held,
    holding,
    night,
    nothing_held,
    roster,
    row,
    staff,
    student,
    tie,
    with_edit,
    with_person,
    with_stake,
)

X, Y, Z = "x@home.example", "y@home.example", "z@home.example"
STUDENTS, GUARDIANS, STAFF = Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF


def after(before: Snapshot, said: Roster, rules: Rules = RULES) -> Snapshot:
    return applied(plan(before, said, rules, night=NIGHT), before)


def emails(snapshot: Snapshot, kind: Kind = GUARDIANS) -> dict[str, str]:
    return {ref: held(snapshot, kind, ref).email for ref in snapshot.identities[kind]}


def decided(before: Snapshot, said: Roster, wish: Plan, choice: str, rules: Rules = RULES) -> Snapshot:
    """What is held once a person has chosen this for every hold."""
    choices = {hold.digest: choice for hold in wish.holds}
    return applied(plan(before, said, rules, night=NIGHT, decided=choices), before)


def faults(wish: Plan) -> list[tuple[str, Fault]]:
    return [(refusal.ref, refusal.fault) for refusal in wish.refusals]


def test_without_an_address_a_dummy_stands_in() -> None:
    now = after(nothing_held(), roster(guardian("1"), guardian("2", "Tom Bell", email="")))
    assert emails(now) == {"1": "", "2": ""}
    assert held(now, GUARDIANS, "1").mis_email is None, "not shared"
    assert held(now, GUARDIANS, "2").mis_email == "", "the MIS says there is none"


def test_a_dummy_is_upgraded_in_place() -> None:
    before = holding(guardian("1", email=""))
    now = after(before, roster(guardian("1", email=X)))
    assert before.identities == now.identities
    assert emails(now) == {"1": X}


def test_the_upgrade_of_an_address_that_somebody_has_is_refused() -> None:
    before = holding(guardian("1", email=""), guardian("2", "Tom Bell", email=X))
    wish = plan(before, roster(guardian("1", email=X), guardian("2", "Tom Bell", email=X)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": "", "2": X}
    assert faults(wish) == [("1", Fault.SHARED_ADDRESS)]


@pytest.mark.parametrize("silence", ["", NOT_SHARED])
def test_a_real_address_is_kept_when_the_mis_is_silent(silence: object) -> None:
    before = holding(guardian("1", email=X))
    wish = plan(before, roster(guardian("1", email=silence)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X}
    assert faults(wish) == ([("1", Fault.ADDRESS_GONE)] if silence == "" else [])


def test_a_new_address_replaces_the_old_one() -> None:
    assert emails(after(holding(guardian("1", email=X)), roster(guardian("1", email=Y)))) == {"1": Y}


# --- two people, one address (R33a, D3) ---


def test_the_incumbent_keeps_the_address_even_against_a_lower_id_and_priority() -> None:
    before = holding(student("s"), guardian("9", "Mei Li", email=X), tie("s", "9", priority=2))
    said = roster(
        student("s"),
        guardian("9", "Mei Li", email=X),
        guardian("1", "Bo Li", email=X),
        tie("s", "9", priority=2),
        tie("s", "1", priority=1),
    )
    wish = plan(before, said, RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"9": X, "1": ""}
    assert faults(wish) == [("1", Fault.SHARED_ADDRESS)]


def test_between_newcomers_the_contact_called_first_gets_it() -> None:
    said = roster(
        student("s"),
        guardian("1", "Bo Li", email=X),
        guardian("2", "Mei Li", email=X),
        tie("s", "1", priority=2),
        tie("s", "2", priority=1),
    )
    assert emails(after(nothing_held(), said)) == {"1": "", "2": X}


@pytest.mark.parametrize(("one", "other", "winner"), [("2", "10", "2"), ("b", "a", "a"), ("05", "5", "5")])
def test_between_equals_the_lowest_id_gets_it(one: str, other: str, winner: str) -> None:
    now = after(nothing_held(), roster(guardian(one, "Bo Li", email=X), guardian(other, "Mei Li", email=X)))
    assert {ref for ref, address in emails(now).items() if address} == {winner}


@pytest.mark.parametrize("seed", range(20))
def test_the_order_of_the_feed_never_decides(seed: int) -> None:
    people: list[Record] = [guardian(str(n), f"Bo{n} Li", email=(X, Y, Z)[n % 3]) for n in range(1, 10)]
    people += [student(str(n), f"Ann{n} Bell", email=(X, Y)[n % 2], year="12") for n in range(1, 5)]
    people += [staff("1", email=Y), staff("2", "Max Wren", email=Y)]
    random.Random(seed).shuffle(people)
    now = plan(nothing_held(), roster(*people), RULES, night=NIGHT)
    assert now == plan(nothing_held(), roster(*sorted(people, key=repr)), RULES, night=NIGHT)
    winners = {(a.kind, a.ref) for a in now.arrivals if a.email}
    assert winners == {(STAFF, "1"), (GUARDIANS, "2"), (GUARDIANS, "3")}
    assert {hold.refs for hold in now.holds} == {("1", "1"), ("1", "4"), ("1", "7")}, "nobody is like Ruth Vale"


# --- swaps, chains and rotations (R33b, D4) ---


def ring(*addresses: str) -> list[Guardian]:
    return [guardian(str(n), f"Bo{n} Li", email=address) for n, address in enumerate(addresses, start=1)]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param((X, Y), (Y, X), id="swap"),
        pytest.param((X, Y, Z), (Y, Z, X), id="rotation"),
        pytest.param((X, Y, ""), (Y, Z, X), id="chain"),
    ],
)
def test_addresses_that_change_hands_end_right(before: tuple[str, ...], now: tuple[str, ...]) -> None:
    wish = plan(holding(*ring(*before)), roster(*ring(*now)), RULES, night=NIGHT)
    assert wish.holds == ()
    assert emails(applied(wish, holding(*ring(*before)))) == {str(n): a for n, a in enumerate(now, start=1)}


@pytest.mark.parametrize("staked", ["1", "2"])
def test_a_swap_waits_for_a_person_if_either_has_a_stake(staked: str) -> None:
    before = with_stake(holding(*ring(X, Y)), GUARDIANS, staked, "has credit")
    wish = plan(before, roster(*ring(Y, X)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X, "2": Y}
    assert {frozenset(hold.refs) for hold in wish.holds} == {frozenset({"1", "2"})}
    assert all("has credit" in hold.reason for hold in wish.holds)
    assert not any(address in hold.reason for hold in wish.holds for address in (X, Y))


def test_a_rotation_with_one_stake_is_held_whole_since_nobody_can_move() -> None:
    before = with_stake(holding(*ring(X, Y, Z)), GUARDIANS, "2")
    wish = plan(before, roster(*ring(Y, Z, X)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X, "2": Y, "3": Z}


def test_a_held_swap_does_not_hold_the_upgrade_of_others() -> None:
    before = with_stake(holding(*ring(X, Y, "")), GUARDIANS, "1")
    assert emails(after(before, roster(*ring(Y, X, Z)))) == {"1": X, "2": Y, "3": Z}


def test_somebody_with_a_stake_may_take_an_address_that_nobody_had() -> None:
    before = with_stake(holding(*ring(X)), GUARDIANS, "1")
    wish = plan(before, roster(*ring(Y)), RULES, night=NIGHT)
    assert wish.holds == ()
    assert emails(applied(wish, before)) == {"1": Y}


def test_a_newcomer_does_not_get_the_address_that_somebody_with_a_stake_gives_up() -> None:
    before = with_stake(holding(*ring(X)), GUARDIANS, "1")
    wish = plan(before, roster(*ring(Y), guardian("9", "Ida Hale", email=X)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X, "9": ""}
    assert [set(hold.refs) for hold in wish.holds] == [{"1", "9"}]


def test_the_stake_of_whoever_would_get_an_address_counts_as_well() -> None:
    before = with_stake(holding(*ring(X, "")), GUARDIANS, "2")
    wish = plan(before, roster(*ring(Y, X)), RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X, "2": ""}
    assert [set(hold.refs) for hold in wish.holds] == [{"1", "2"}]


def test_the_stake_of_either_of_two_who_share_an_address_counts() -> None:
    before = with_stake(holding(staff("s", "Jo Hart", email=X), guardian("g", "Jo Hart", email=X)), GUARDIANS, "g")
    said = roster(staff("s", "Jo Hart", email=Y), guardian("g", "Jo Hart", email=Y), guardian("h", "Ida Hale", email=X))
    wish = plan(before, said, RULES, night=NIGHT)
    assert wish.holds
    assert emails(applied(wish, before)) == {"g": X, "h": ""}


def test_a_swap_is_one_question_with_both_sides_and_is_done_once_it_is_answered() -> None:
    before = with_stake(holding(*ring(X, Y)), GUARDIANS, "1", "has credit")
    said = roster(*ring(Y, X))
    wish = plan(before, said, RULES, night=NIGHT)
    [hold] = wish.holds
    assert (hold.case, hold.kind, hold.refs, hold.labels) == (
        Case.ADDRESS_MOVES,
        GUARDIANS,
        ("1", "2"),
        ("Bo1 Li", "Bo2 Li"),
    )
    assert [option.key for option in hold.options] == [SAME, KEEP]
    assert [(side.ref, side.id, dict(side.facts)["email"], dict(side.facts)["mis_email"]) for side in hold.sides] == [
        ("1", row(before, GUARDIANS, "1"), X, Y),
        ("2", row(before, GUARDIANS, "2"), Y, X),
    ]
    assert emails(decided(before, said, wish, SAME)) == {"1": Y, "2": X}
    kept = plan(before, said, RULES, night=NIGHT, decided={hold.digest: KEEP})
    assert (kept.holds, kept.writes) == ((hold,), wish.writes), "kept: it goes on waiting"


def test_an_answer_holds_only_as_long_as_the_facts_do() -> None:
    before = with_stake(holding(*ring(X, Y, Z)), GUARDIANS, "1")
    [asked] = plan(before, roster(*ring(Y, X, Z)), RULES, night=NIGHT).holds
    other = plan(before, roster(*ring(Z, Y, X)), RULES, night=NIGHT, decided={asked.digest: SAME})
    assert [hold.refs for hold in other.holds] == [("1", "3")]
    renamed = roster(guardian("1", "Bob Stone", email=Y), *ring("", X)[1:])
    assert plan(before, renamed, RULES, night=NIGHT, decided={asked.digest: SAME}).holds


def test_the_question_about_a_newcomer_is_the_same_on_the_next_night() -> None:
    before = with_stake(holding(*ring(X)), GUARDIANS, "1")
    said = roster(*ring(Y), guardian("9", "Ida Hale", email=X))
    wish = plan(before, said, RULES, night=NIGHT)
    after_it = applied(wish, before)
    later = plan(after_it, said, RULES, night=night(2))
    assert [hold.digest for hold in later.holds] == [hold.digest for hold in wish.holds]
    assert emails(decided(after_it, said, wish, SAME)) == {"1": Y, "9": X}


@pytest.mark.parametrize("seed", range(20))
def test_two_rings_are_two_questions_whatever_the_order(seed: int) -> None:
    addresses = [f"p{n}@home.example" for n in range(5)]
    before = holding(*ring(*addresses))
    for ref in ("1", "3"):
        before = with_stake(before, GUARDIANS, ref)
    a, b, c, d, e = addresses
    now = ring(b, a, d, e, c)
    random.Random(seed).shuffle(now)
    wish = plan(before, roster(*now), RULES, night=NIGHT)
    assert [hold.refs for hold in wish.holds] == [("1", "2"), ("3", "4", "5")]
    one = plan(before, roster(*now), RULES, night=NIGHT, decided={wish.holds[1].digest: SAME})
    assert emails(applied(one, before)) == {"1": a, "2": b, "3": d, "4": e, "5": c}


def test_an_agreed_move_that_somebody_else_blocks_does_not_happen() -> None:
    """Bo2 was to give way to Bo1, but the address Bo2 is to have is another person's."""
    before = with_stake(holding(*ring(X, Y)), GUARDIANS, "1")
    said = roster(*ring(Y, Z))
    answer = {hold.digest: SAME for hold in plan(before, said, RULES, night=NIGHT).holds}
    taken = holding(*ring(X, Y, Z))
    taken = with_stake(taken, GUARDIANS, "1")
    wish = plan(taken, roster(*ring(Y, Z, Z)), RULES, night=NIGHT, decided=answer)
    assert emails(applied(wish, taken)) == {"1": X, "2": Y, "3": Z}
    assert faults(wish) == [("1", Fault.SHARED_ADDRESS), ("2", Fault.SHARED_ADDRESS)]


# --- one address, two names (R33, R40) ---


JO = "jo@alder.example"


def test_staff_and_guardian_of_one_address_and_unlike_names_are_asked_about() -> None:
    said = roster(staff("s", "Jo Hart", email=JO), guardian("g", "Bob Vale", email=JO))
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    now = applied(wish, nothing_held())
    assert (emails(now, STAFF), emails(now)) == ({"s": JO}, {"g": ""})
    [hold] = wish.holds
    assert (hold.case, hold.refs, [option.key for option in hold.options]) == (
        Case.ADDRESS_SHARED,
        ("s", "g"),
        [SAME, OTHER, KEEP],
    )
    assert [(side.kind, side.id) for side in hold.sides] == [(STAFF, None), (GUARDIANS, None)]
    assert wish.refusals == ()
    assert emails(decided(now, said, wish, SAME)) == {"g": JO}
    assert (
        plan(now, said, RULES, night=NIGHT, decided={hold.digest: KEEP}).holds
        == plan(now, said, RULES, night=NIGHT).holds
    )
    two = plan(now, said, RULES, night=NIGHT, decided={hold.digest: OTHER})
    assert (two.holds, two.writes, faults(two)) == ((), 0, [("g", Fault.SHARED_ADDRESS)])


def test_of_unlike_names_the_incumbent_keeps_the_address_even_against_staff() -> None:
    before = holding(guardian("g", "Bob Vale", email=JO))
    wish = plan(
        before, roster(staff("s", "Jo Hart", email=JO), guardian("g", "Bob Vale", email=JO)), RULES, night=NIGHT
    )
    now = applied(wish, before)
    assert (emails(now, STAFF), emails(now)) == ({"s": ""}, {"g": JO})
    assert [hold.case for hold in wish.holds] == [Case.ADDRESS_SHARED]


def test_whoever_had_another_address_keeps_that_one_while_it_is_asked() -> None:
    before = holding(staff("s", "Jo Hart", email=JO), guardian("g", "Bob Vale", email=X))
    said = roster(staff("s", "Jo Hart", email=JO), guardian("g", "Bob Vale", email=JO))
    wish = plan(before, said, RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"g": X}
    assert len(wish.holds) == 1
    assert emails(decided(before, said, wish, SAME)) == {"g": JO}
    two = plan(before, said, RULES, night=NIGHT, decided={wish.holds[0].digest: OTHER})
    assert (emails(applied(two, before)), two.holds, faults(two)) == ({"g": X}, (), [("g", Fault.SHARED_ADDRESS)])


def test_two_who_share_already_go_on_sharing_whatever_they_are_called_now() -> None:
    before = holding(staff("s", "Jo Hart", email=JO), guardian("g", "Jo Hart", email=JO))
    now = after(before, roster(staff("s", "Jo Hart", email=JO), guardian("g", "Mary Hale", email=JO)))
    assert emails(now) == {"g": JO}


@pytest.mark.parametrize(
    ("teacher", "parent", "one"),
    [
        ("Jo Hart", "Jo Hart", True),
        ("Jo Hart", "JOANNA HART", True),
        ("Jo Hart", "Mary Hart-Reed", True),
        ("Jo Hart", "J. Reed", True),
        ("Zoë Muñoz", "Elena Munoz", True),
        ("Mei Li", "Li Mei", True),
        ("Jo Hart", "Bob Vale", False),
        ("王 小明", "Wang Xiaoming", False),
        ("- Hart", "- Vale", False),
    ],
)
def test_which_names_may_be_one_humans(teacher: str, parent: str, one: object) -> None:
    said = roster(staff("s", teacher, email=JO), guardian("g", parent, email=JO))
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    assert (emails(applied(wish, nothing_held())) == {"g": JO}) is one
    assert (wish.holds == ()) is one


def test_a_second_guardian_of_the_pairs_address_is_a_plain_collision() -> None:
    said = roster(
        staff("s", "Jo Hart", email=JO), guardian("g", "Jo Hart", email=JO), guardian("h", "Ida Hale", email=JO)
    )
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    assert (wish.holds, faults(wish)) == ((), [("h", Fault.SHARED_ADDRESS)])


def test_a_contact_who_comes_weeks_after_the_staff_record_gets_the_second_mode_and_each_survives_the_other() -> None:
    teacher, parent = staff("s", "Jo Hart", email=JO), guardian("g", "Jo Hart", email=JO)
    both = after(holding(teacher), roster(teacher, parent))
    assert (emails(both, STAFF), emails(both)) == ({"s": JO}, {"g": JO})
    no_staff = with_person(both, STAFF, "s", here=False)
    assert emails(after(no_staff, roster(parent))) == {"g": JO}
    assert emails(after(with_person(both, GUARDIANS, "g", here=False), roster(teacher)), STAFF) == {"s": JO}


def test_two_addresses_are_two_logins_until_the_mis_aligns_them() -> None:
    teacher = staff("s", "Kit Moss", email=JO)
    apart = holding(teacher, guardian("g", "Kit Moss", email=X))
    assert (emails(apart, STAFF), emails(apart)) == ({"s": JO}, {"g": X})
    now = after(with_stake(apart, GUARDIANS, "g"), roster(teacher, guardian("g", "Kit Moss", email=JO)))
    assert (emails(now, STAFF), emails(now)) == ({"s": JO}, {"g": JO})


# --- leavers, and those who come back ---


def test_a_leaver_yields_the_address_to_a_newcomer() -> None:
    before = with_person(holding(*ring(X)), GUARDIANS, "1", here=False)
    now = after(before, roster(guardian("2", "Ida Hale", email=X)))
    assert emails(now) == {"1": "", "2": X}


def test_a_leaver_with_a_stake_keeps_it_until_somebody_says_whose_it_is() -> None:
    before = with_stake(with_person(holding(*ring(X)), GUARDIANS, "1", here=False), GUARDIANS, "1")
    said = roster(guardian("2", "Ida Hale", email=X))
    wish = plan(before, said, RULES, night=NIGHT)
    assert emails(applied(wish, before)) == {"1": X, "2": ""}
    assert [(hold.case, hold.refs) for hold in wish.holds] == [(Case.ADDRESS_MOVES, ("1", "2"))]
    assert emails(decided(before, said, wish, SAME)) == {"1": "", "2": X}


def test_a_leaver_who_is_still_in_the_feed_yields_as_well() -> None:
    """Freed and taken in one night: the MIS lists the leaver with a date, and gives the address to the successor."""
    before = holding(staff("1", "Ruth Vale", email="head@alder.example"))
    leaver = staff("1", "Ruth Vale", email="head@alder.example", left_on=NIGHT)
    said = roster(leaver, staff("2", "Max Wren", email="head@alder.example"))
    wish = plan(before, said, RULES, night=NIGHT)
    assert emails(applied(wish, before), STAFF) == {"1": "", "2": "head@alder.example"}
    [change] = [change for change in wish.amendments if change.field == "email"]
    assert change.why == "Somebody else has this address now."
    again = plan(applied(wish, before), said, RULES, night=NIGHT)
    assert (again.writes, again.refusals) == (0, ()), "nor does the leaver claim it back"


def test_a_leaver_who_shares_the_address_already_yields_to_nobody() -> None:
    before = holding(staff("s", "Jo Hart", email=X), guardian("g", "Jo Hart", email=X))
    before = with_person(before, GUARDIANS, "g", here=False, values=("Bob", "Vale", None, None))
    assert emails(after(before, roster(staff("s", "Jo Hart", email=X)))) == {"g": X}


def test_a_leaver_whose_address_nobody_wants_keeps_it() -> None:
    before = with_person(holding(*ring(X)), GUARDIANS, "1", here=False)
    assert emails(after(before, roster())) == {"1": X}


@pytest.mark.parametrize("address", [X, "", NOT_SHARED])
def test_whoever_comes_back_tonight_keeps_the_address(address: object) -> None:
    before = with_person(holding(*ring(X)), GUARDIANS, "1", here=False)
    now = after(before, roster(guardian("1", "Bo1 Li", email=address), guardian("0", "Ida Hale", email=X)))
    assert emails(now) == {"1": X, "0": ""}


def test_somebody_missing_for_one_night_still_holds_the_address() -> None:
    before = with_person(holding(*ring(X)), GUARDIANS, "1", missing_since=night(0))
    assert emails(after(before, roster(guardian("2", "Ida Hale", email=X), complete=[]))) == {"1": X, "2": ""}


# --- staff, guardians and students ---


def test_staff_and_guardian_of_one_address_are_one_human_in_two_modes() -> None:
    now = after(
        nothing_held(),
        roster(staff("s", "Jo Hart", email="jo@alder.example"), guardian("g", "Jo Hart", email="jo@alder.example")),
    )
    assert emails(now, STAFF) == {"s": "jo@alder.example"}
    assert emails(now) == {"g": "jo@alder.example"}


def test_the_mother_keeps_her_address_and_the_student_gets_a_dummy() -> None:
    said = roster(student("s", email=X, year="12"), guardian("g", email=X), tie("s", "g"))
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    now = applied(wish, nothing_held())
    assert (emails(now, STUDENTS), emails(now)) == ({"s": ""}, {"g": X})
    assert faults(wish) == [("s", Fault.SHARED_ADDRESS)]


def test_a_student_who_had_the_address_first_keeps_it() -> None:
    before = holding(student("s", email=X, year="12"))
    assert emails(after(before, roster(student("s", email=X, year="12"), guardian("g", email=X)))) == {"g": ""}


@pytest.mark.parametrize(("year", "address"), [("12", X), ("3", ""), ("", ""), (NOT_SHARED, "")])
def test_a_student_uses_a_real_address_only_in_a_year_with_access(year: object, address: str) -> None:
    wish = plan(nothing_held(), roster(student("s", email=X, year=year)), RULES, night=NIGHT)
    now = applied(wish, nothing_held())
    assert emails(now, STUDENTS) == {"s": address}
    assert held(now, STUDENTS, "s").mis_email == X
    assert wish.refusals == (), "it is the school's decision, not a fault of the data"


def test_a_primary_year_gets_dummies_whatever_else_is_set() -> None:
    rules = Rules(student_access_years=frozenset({"3"}), primary_years=frozenset({"3"}))
    assert emails(after(nothing_held(), roster(student("s", email=X, year="3")), rules), STUDENTS) == {"s": ""}


def test_access_switched_on_upgrades_in_place_and_a_move_into_such_a_year_too() -> None:
    before = holding(student("s", email=X, year="11"))
    assert emails(after(before, roster(student("s", email=X, year="12"))), STUDENTS) == {"s": X}
    allowed = msgspec.structs.replace(RULES, student_access_years=frozenset({"11"}))
    assert emails(after(before, roster(student("s", email=X, year="11")), allowed), STUDENTS) == {"s": X}


# --- domains ---


@pytest.mark.parametrize(
    ("address", "recognised"),
    [
        ("ruth@alder.example", True),
        ("ruth@second.example", True),
        ("ruth@evil-alder.example", False),
        ("ruth@alder.example.evil.example", False),
        ("ruth@mail.alder.example", False),
        ("alder.example@home.example", False),
    ],
)
def test_staff_are_recognised_by_the_exact_domain(address: str, recognised: object) -> None:
    rules = Rules(domains=frozenset({"alder.example", "second.example"}))
    wish = plan(nothing_held(), roster(staff("s", email=address)), rules, night=NIGHT)
    assert wish.arrivals[0].domain_recognised is recognised
    assert faults(wish) == ([] if recognised else [("s", Fault.UNKNOWN_DOMAIN)])


def test_staff_without_an_address_are_not_recognised() -> None:
    [arrival] = plan(nothing_held(), roster(staff("s")), RULES, night=NIGHT).arrivals
    assert not arrival.domain_recognised


def test_a_domain_added_or_taken_away_is_noticed_by_the_next_sync() -> None:
    said = roster(staff("s", email="ruth@second.example"))
    before = applied(plan(nothing_held(), said, RULES, night=NIGHT), nothing_held())
    more = msgspec.structs.replace(RULES, domains=RULES.domains | {"second.example"})
    now = after(before, said, more)
    assert held(now, STAFF, "s").domain_recognised
    assert not held(after(now, said), STAFF, "s").domain_recognised
    assert held(after(now, said), STAFF, "s").here


def test_a_blocked_domain_gives_a_guardian_a_dummy_and_says_so() -> None:
    rules = msgspec.structs.replace(RULES, block_own_domains_for_guardians=True)
    said = roster(guardian("1", email="dev@alder.example"), guardian("2", "Tom Bell", email=X))
    wish = plan(nothing_held(), said, rules, night=NIGHT)
    assert emails(applied(wish, nothing_held())) == {"1": "", "2": X}
    assert faults(wish) == [("1", Fault.BLOCKED_DOMAIN)]


def test_the_block_does_not_touch_students_and_staff() -> None:
    rules = msgspec.structs.replace(RULES, block_own_domains_for_guardians=True)
    said = roster(student("s", email="ann@alder.example", year="12"), staff("t", email="ruth@alder.example"))
    now = after(nothing_held(), said, rules)
    assert emails(now, STUDENTS) == {"s": "ann@alder.example"}
    assert emails(now, STAFF) == {"t": "ruth@alder.example"}


def test_people_made_by_hand_keep_their_address_and_their_login() -> None:
    before = by_hand(nothing_held(), STAFF, 5, "Dana Quick", email=X, domain_recognised=True)
    now = after(before, roster(staff("5", email=X)))
    assert now.records[STAFF][5] == before.records[STAFF][5]
    assert emails(now, STAFF) == {"5": ""}


# --- what a school's own rules take away and give back (R42, R58, R59) ---


BLOCKING = msgspec.structs.replace(RULES, block_own_domains_for_guardians=True)


def test_a_block_switched_on_later_takes_the_way_in_and_switched_off_gives_it_back() -> None:
    teacher, parent = staff("s", "Jo Hart", email=JO), guardian("g", "Jo Hart", email=JO)
    said = roster(student("c"), teacher, parent, tie("c", "g"))
    before = applied(plan(nothing_held(), said, RULES, night=NIGHT), nothing_held())
    wish = plan(before, said, BLOCKING, night=NIGHT)
    blocked = applied(wish, before)
    assert (emails(blocked), emails(blocked, STAFF)) == ({"g": ""}, {"s": JO})
    assert (held(blocked, GUARDIANS, "g").mis_email, held(blocked, GUARDIANS, "g").here) == (JO, True)
    assert blocked.links == before.links, "their children stay theirs"
    assert faults(wish) == [("g", Fault.BLOCKED_DOMAIN)]
    assert [change.why for change in wish.amendments] == ["Your school’s rules allow no such address here."]
    assert emails(after(blocked, said)) == {"g": JO}


@pytest.mark.parametrize("says", ["", NOT_SHARED])
def test_a_block_counts_even_where_the_mis_is_silent(says: object) -> None:
    before = holding(guardian("g", "Jo Hart", email=JO))
    assert emails(after(before, roster(guardian("g", "Jo Hart", email=says)), BLOCKING)) == {"g": ""}


def test_a_blocked_address_does_not_replace_a_personal_one() -> None:
    wish = plan(holding(guardian("g", email=X)), roster(guardian("g", email=JO)), BLOCKING, night=NIGHT)
    assert emails(applied(wish, holding(guardian("g", email=X)))) == {"g": X}
    assert faults(wish) == [("g", Fault.BLOCKED_DOMAIN)]


def test_the_block_of_a_domain_added_later_covers_it_and_another_schools_does_not_matter() -> None:
    parent = roster(guardian("g", email="jo@second.example"))
    assert emails(after(nothing_held(), parent, BLOCKING)) == {"g": "jo@second.example"}
    more = msgspec.structs.replace(BLOCKING, domains=BLOCKING.domains | {"second.example"})
    assert emails(after(after(nothing_held(), parent, BLOCKING), parent, more)) == {"g": ""}


def test_access_switched_off_ends_the_login_and_keeps_the_rest() -> None:
    said = roster(student("s", email=X, year="12"))
    before = with_stake(holding(student("s", email=X, year="12")), STUDENTS, "s")
    off = msgspec.structs.replace(RULES, student_access_years=frozenset())
    now = after(before, said, off)
    assert emails(now, STUDENTS) == {"s": ""}
    assert held(now, STUDENTS, "s").mis_email == X
    assert emails(after(now, said), STUDENTS) == {"s": X}, "and on again"


def test_september_moves_children_between_years_with_and_without_access() -> None:
    before = holding(student("up", email=X, year="11"), student("down", "Tom Bell", email=Y, year="12"))
    now = after(before, roster(student("up", email=X, year="12"), student("down", "Tom Bell", email=Y, year="13")))
    assert emails(now, STUDENTS) == {"up": X, "down": ""}


@pytest.mark.parametrize("shared", [X, NOT_SHARED])
def test_a_year_that_is_not_shared_tonight_is_the_one_we_know(shared: object) -> None:
    before = holding(student("s", email=X, year="12"))
    assert emails(after(before, roster(student("s", email=shared))), STUDENTS) == {"s": X}


def test_twins_with_one_address_have_one_real_and_one_dummy_address() -> None:
    twins = [student(ref, name, email=X, year="12") for ref, name in (("2", "Tom Bell"), ("1", "Ann Bell"))]
    wish = plan(nothing_held(), roster(*twins), RULES, night=NIGHT)
    assert emails(applied(wish, nothing_held()), STUDENTS) == {"1": X, "2": ""}
    assert faults(wish) == [("2", Fault.SHARED_ADDRESS)]


# --- mailboxes of offices, and owners who say no (R28, R32) ---


def test_forty_parents_with_the_offices_address_are_one_line_and_none_of_them_gets_it() -> None:
    said = roster(*(guardian(str(n), f"Bo{n} Li", email="office@alder.example") for n in range(40)))
    wish = plan(nothing_held(), said, RULES, night=NIGHT)
    assert set(emails(applied(wish, nothing_held())).values()) == {""}
    assert len(wish.refusals) == 40
    assert {(refusal.fault, refusal.kind, refusal.field) for refusal in wish.refusals} == {
        (Fault.ROLE_MAILBOX, GUARDIANS, "email")
    }
    assert len({refusal.reason for refusal in wish.refusals}) == 1
    assert plan(applied(wish, nothing_held()), said, RULES, night=NIGHT).writes == 0


def test_whoever_has_it_or_another_one_keeps_what_they_have() -> None:
    before = holding(guardian("a", "Ida Hale", email=X), guardian("b", "Eve Hale", email=Y))
    crowd = [guardian(str(n), f"Bo{n} Li", email=X) for n in range(20)]
    said = roster(guardian("a", "Ida Hale", email=X), guardian("b", "Eve Hale", email=X), *crowd)
    now = emails(after(before, said))
    assert {ref: address for ref, address in now.items() if address} == {"a": X, "b": Y}


def test_an_address_whose_owner_said_no_is_reported_until_the_mis_says_another() -> None:
    before = with_person(holding(guardian("g", email=X)), GUARDIANS, "g", declined=True)
    wish = plan(before, roster(guardian("g", email=X)), RULES, night=NIGHT)
    assert (wish.writes, faults(wish)) == (0, [("g", Fault.DECLINED)])
    other = plan(before, roster(guardian("g", email=Y)), RULES, night=NIGHT)
    assert (emails(applied(other, before)), other.refusals) == ({"g": Y}, ())


def test_addresses_that_look_alike_are_different_addresses() -> None:
    alike = ["jo@gmail.example", "jo@googlemail.example", "jo+school@gmail.example", "jo@münchen.example"]
    now = after(nothing_held(), roster(*ring(*alike)))
    assert list(emails(now).values()) == alike


# --- addresses corrected by hand (R66) ---


def test_an_address_of_ours_alone_is_no_fault_of_the_mis() -> None:
    before = with_edit(holding(guardian("g", email="")), GUARDIANS, "g", "email", X)
    wish = plan(before, roster(guardian("g", email="")), RULES, night=NIGHT)
    assert (wish.writes, wish.refusals) == (0, ())
