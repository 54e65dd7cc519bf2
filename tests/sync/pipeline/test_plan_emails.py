"""Who gets which address (R26, R29, R30, R33, R38, R39, R42, R58, R59, D3, D4)."""

import random

import msgspec
import pytest

from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Plan, plan
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
    staff,
    student,
    tie,
    with_person,
    with_stake,
)

X, Y, Z = "x@home.example", "y@home.example", "z@home.example"
STUDENTS, GUARDIANS, STAFF = Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF


def after(before: Snapshot, said: Roster, rules: Rules = RULES) -> Snapshot:
    return applied(plan(before, said, rules, night=NIGHT), before)


def emails(snapshot: Snapshot, kind: Kind = GUARDIANS) -> dict[str, str]:
    return {ref: held(snapshot, kind, ref).email for ref in snapshot.identities[kind]}


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
    assert winners == {(STAFF, "1"), (GUARDIANS, "1"), (GUARDIANS, "2"), (GUARDIANS, "3")}


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


# --- leavers, and those who come back ---


def test_a_leaver_yields_the_address_to_a_newcomer() -> None:
    before = with_person(holding(*ring(X)), GUARDIANS, "1", here=False)
    now = after(before, roster(guardian("2", "Ida Hale", email=X)))
    assert emails(now) == {"1": "", "2": X}


def test_a_leaver_with_a_stake_keeps_it() -> None:
    before = with_stake(with_person(holding(*ring(X)), GUARDIANS, "1", here=False), GUARDIANS, "1")
    assert emails(after(before, roster(guardian("2", "Ida Hale", email=X)))) == {"1": X, "2": ""}


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
