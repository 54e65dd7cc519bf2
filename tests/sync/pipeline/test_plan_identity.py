"""Ids in doubt (R23, R24), new ids of people we hold (R22, R68), people added by hand and named later (R43)."""

import datetime
from typing import Any

import msgspec
import pytest

from sync.pipeline.held import Edit, HeldLink, Snapshot
from sync.pipeline.plan import Action, Case, Plan, plan
from sync.pipeline.plan.model import KEEP, OTHER, SAME
from sync.pipeline.roster import Fault, Roster
from sync.records import NOT_SHARED, Guardian, Kind, Record, Student
from tests.sync.pipeline.builders import (
    BORN,
    NIGHT,
    RULES,
    applied,
    by_hand,
    guardian,
    held,
    holding,
    link,
    night,
    roster,
    row,
    staff,
    student,
    tie,
    value,
    with_person,
    with_stake,
)

OTHER_DAY = datetime.date(2010, 10, 18)
TESS = student("100", "Tess Hale", email="tess@alder.example", year="12")
IDA = guardian("690", "Ida Hale", email="ida@home.example")


def judged(before: Snapshot, said: Roster, decided: dict[str, str] | None = None) -> Plan:
    return plan(before, said, RULES, night=night(2), decided=decided or {})


def again(wish: Plan, before: Snapshot, said: Roster, decided: dict[str, str] | None = None) -> Snapshot:
    """What is held after the plan, which a second run of the night does not touch."""
    after = applied(wish, before)
    assert judged(after, said, decided).writes == 0
    return after


def choose(wish: Plan, choice: str) -> dict[str, str]:
    """A person decides about the one hold."""
    [hold] = wish.holds
    assert choice in {option.key for option in hold.options}
    return {hold.digest: choice}


# --- an id that describes another student (R23) ---


@pytest.mark.parametrize("name", ["Bob Stone", "Bob Bell"])  # a stranger; a sibling with the same family name
def test_a_student_id_that_describes_another_child_is_quarantined(name: str) -> None:
    before = holding(student("55"), guardian("g"), tie("55", "g"))
    other = student("55", name, date_of_birth=OTHER_DAY, form="7A", email="bob@home.example")
    wish = plan(before, roster(other, guardian("h", "Alma Stone"), tie("55", "h")), RULES, night=NIGHT)
    [hold] = wish.holds
    assert (hold.kind, hold.refs, hold.labels) == (Kind.STUDENTS, ("55",), ("Ann Bell",))
    after = applied(wish, before)
    assert held(after, Kind.STUDENTS, "55") == held(before, Kind.STUDENTS, "55")
    assert link(after, Kind.TIES, "55", "h") is None, "the newcomer's parents see nothing of Ann"
    assert link(after, Kind.TIES, "55", "g") == link(before, Kind.TIES, "55", "g")


def test_a_retired_id_is_never_given_to_another_child() -> None:
    ann = holding(student("55"), student("1", "Cai Stone"))
    gone = applied(plan(ann, roster(student("1", "Cai Stone")), RULES, night=night(2)), ann)
    gone = applied(plan(gone, roster(student("1", "Cai Stone")), RULES, night=night(3)), gone)
    assert not held(gone, Kind.STUDENTS, "55").here
    bob = student("55", "Bob Stone", date_of_birth=OTHER_DAY)
    wish = plan(gone, roster(student("1", "Cai Stone"), bob), RULES, night=night(4))
    assert [hold.refs for hold in wish.holds] == [("55",)]
    assert wish.writes == 0


@pytest.mark.parametrize(
    ("name", "born"),
    [
        ("Ann Stone", BORN),  # a new family name
        ("Robin Stone", BORN),  # all of the name is new, the birthday is not
        ("Ann Bell", OTHER_DAY),  # only the birthday was put right
        ("Annie Bell", NOT_SHARED),
    ],
)
def test_the_same_child_may_change_name_or_birthday(name: str, born: object) -> None:
    before = holding(student("55"))
    wish = plan(before, roster(student("55", name, date_of_birth=born)), RULES, night=NIGHT)
    assert wish.holds == ()


def test_a_child_without_a_known_birthday_and_with_another_name_is_quarantined() -> None:
    before = holding(student("55", date_of_birth=None))
    assert plan(before, roster(student("55", "Bob Stone")), RULES, night=NIGHT).holds


def test_two_people_without_a_family_name_are_not_alike_because_of_it() -> None:
    before = holding(guardian("1", "Sita "))
    assert before.records[Kind.GUARDIANS][1].values[:2] == ("Sita", "")
    assert plan(before, roster(guardian("1", "Hari ")), RULES, night=NIGHT).holds


# --- contacts whose ids were swapped (R24) ---


@pytest.mark.parametrize("families", [("Vance", "Ortega"), ("Vance", "Vance")])
def test_two_contacts_with_swapped_ids_are_both_quarantined(families: tuple[str, str]) -> None:
    carla, nina = f"Carla {families[0]}", f"Nina {families[1]}"
    children = (student("1", "Finn Vance"), student("2", "Leo Ortega"))
    before = holding(
        *children,
        guardian("701", carla, email="carla@home.example"),
        guardian("702", nina, email="nina@home.example"),
        tie("1", "701"),
        tie("2", "702"),
    )
    swapped = roster(
        *children,
        guardian("702", carla, email="carla@home.example"),
        guardian("701", nina, email="nina@home.example"),
        tie("1", "702"),
        tie("2", "701"),
    )
    wish = plan(before, swapped, RULES, night=NIGHT)
    [hold] = wish.holds
    assert (hold.case, hold.refs, hold.labels) == (Case.IDS_SWAPPED, ("701", "702"), (carla, nina))
    assert wish.writes == 0, "neither a name, an address nor a child moves"


def test_a_rotation_of_three_contacts_is_quarantined_whole() -> None:
    names = ["Carla Vance", "Nina Ortega", "Ida Hale"]
    before = holding(*(guardian(str(n), name, email=f"{n}@home.example") for n, name in enumerate(names)))
    turned = [guardian(str((n + 1) % 3), name, email=f"{n}@home.example") for n, name in enumerate(names)]
    wish = plan(before, roster(*turned), RULES, night=NIGHT)
    assert [hold.refs for hold in wish.holds] == [("0", "1", "2")]
    assert wish.writes == 0


def test_a_swap_with_a_new_address_for_one_is_still_seen() -> None:
    before = holding(
        guardian("701", "Carla Vance", email="carla@home.example"),
        guardian("702", "Nina Ortega", email="nina@home.example"),
    )
    said = roster(
        guardian("702", "Carla Vance", email="new@home.example"),
        guardian("701", "Nina Ortega", email="nina@home.example"),
    )
    wish = plan(before, said, RULES, night=NIGHT)
    assert [hold.refs for hold in wish.holds] == [("701", "702")]
    assert wish.writes == 0


def test_a_guardian_who_marries_and_changes_the_address_stays_the_same_person() -> None:
    before = holding(guardian("1", "Joan Bell", email="joan.bell@home.example"))
    wish = plan(before, roster(guardian("1", "Joan Stone", email="joan.stone@home.example")), RULES, night=NIGHT)
    assert wish.holds == ()
    assert {change.field for change in wish.amendments} == {"family_name", "email", "mis_email"}


def test_a_guardian_with_the_same_address_may_change_the_whole_name() -> None:
    before = holding(guardian("1", "Joan Bell", email="j@home.example"))
    assert plan(before, roster(guardian("1", "Robin Stone", email="j@home.example")), RULES, night=NIGHT).holds == ()


def test_a_reused_staff_id_is_quarantined() -> None:
    before = holding(staff("1", email="ruth@alder.example"))
    wish = plan(before, roster(staff("1", "Max Wren", email="max@alder.example")), RULES, night=NIGHT)
    assert [hold.kind for hold in wish.holds] == [Kind.STAFF]
    assert wish.writes == 0


def test_a_name_that_is_half_corrected_by_the_mis_is_the_same_name() -> None:
    """A super user put both halves right; the MIS now has one of them."""
    wrong = holding(student("55", "ZoÃ« MuÃ±oz", date_of_birth=None))
    edits = {
        "given_name": Edit(value="Zoë", replaced="ZoÃ«"),
        "family_name": Edit(value="Muñoz", replaced="MuÃ±oz"),
    }
    values = ("Zoë", "Muñoz", *wrong.records[Kind.STUDENTS][1].values[2:])
    before = with_person(wrong, Kind.STUDENTS, "55", values=values, edits=edits)
    assert judged(before, roster(student("55", "Zoë MuÃ±oz", date_of_birth=None))).holds == ()


def test_an_accent_is_no_other_person() -> None:
    before = holding(guardian("1", "José Ñandú", email="a@home.example"))
    assert judged(before, roster(guardian("1", "Jose Nandu", email="b@home.example"))).holds == ()


def test_a_leaver_s_number_is_not_given_to_a_brother_of_whom_nothing_else_is_known() -> None:
    before = with_person(holding(student("55", date_of_birth=None)), Kind.STUDENTS, "55", here=False)
    [hold] = judged(before, roster(student("55", "Bob Bell", date_of_birth=None))).holds
    assert hold.case is Case.ID_REUSED


def test_what_is_at_stake_is_said_and_both_records_are_shown() -> None:
    before = with_stake(holding(student("55", "Ann Bell", form="7B")), Kind.STUDENTS, "55")
    [hold] = judged(before, roster(student("55", "Bob Stone", date_of_birth=OTHER_DAY, form=NOT_SHARED))).holds
    assert hold.reason.startswith("The id 55 belonged to Ann Bell (has signed in) and now describes Bob Stone.")
    ours, theirs = hold.sides
    assert (ours.id, dict(ours.facts)["form"], theirs.id) == (1, "7B", None)
    assert dict(theirs.facts) == {"given_name": "Bob", "family_name": "Stone", "date_of_birth": "2010-10-18"}


def test_a_person_may_decide_that_a_used_id_is_still_the_same_person() -> None:
    before, said = holding(student("55")), roster(student("55", "Bob Stone", date_of_birth=OTHER_DAY))
    wish = judged(before, said)
    kept = judged(before, said, choose(wish, KEEP))
    assert (kept.writes, kept.holds) == (0, wish.holds)
    decided = choose(wish, SAME)
    same = judged(before, said, decided)
    assert same.holds == ()
    assert value(again(same, before, said, decided), Kind.STUDENTS, "55", "given_name") == "Bob"


def test_a_decision_dies_when_the_mis_says_something_else() -> None:
    before = holding(student("55"))
    decided = choose(judged(before, roster(student("55", "Bob Stone", date_of_birth=OTHER_DAY))), SAME)
    assert judged(before, roster(student("55", "Cai Stone", date_of_birth=OTHER_DAY)), decided).holds


# --- swaps that look like changes of name, each by itself (R24) ---


def swapped(*people: Record, **swaps: str) -> tuple[Snapshot, Roster]:
    """Hold these people, and let the feed say of each id what is true of another: `a="b"`."""
    by_ref = {one.ref: one for one in people if isinstance(one, Student | Guardian)}
    said = [msgspec.structs.replace(one, ref=swaps.get(ref, ref)) for ref, one in by_ref.items()]
    return holding(*people), roster(*said)


@pytest.mark.parametrize(
    "people",
    [
        (guardian("a", "Carla Vance"), guardian("b", "Nina Vance")),  # one family, no addresses
        (guardian("a", "Mary Vance", email="m@home.example"), guardian("b", "Mary Reed", email="r@home.example")),
        (student("a", "Ann Bell"), student("b", "Bea Bell")),  # twins: one birthday
    ],
)
def test_a_swap_that_looks_like_two_changes_of_name_is_one_hold(people: tuple[Record, ...]) -> None:
    before, said = swapped(*people, a="b", b="a")
    wish = judged(before, said)
    [hold] = wish.holds
    assert (hold.case, hold.refs, len(hold.sides), wish.writes) == (Case.IDS_SWAPPED, ("a", "b"), 4, 0)


def test_a_swap_may_be_decided_to_be_what_it_says() -> None:
    before, said = swapped(guardian("a", "Carla Vance"), guardian("b", "Nina Vance"), a="b", b="a")
    decided = choose(judged(before, said), SAME)
    after = again(judged(before, said, decided), before, said, decided)
    assert value(after, Kind.GUARDIANS, "a", "given_name") == "Nina"


def test_ids_that_moved_on_by_one_are_one_hold_though_the_last_name_is_new() -> None:
    before = holding(guardian("a", "Carla Vance"), guardian("b", "Nina Vance"))
    wish = judged(before, roster(guardian("a", "Nina Vance"), guardian("b", "Olga Vance")))
    assert [(hold.case, hold.refs) for hold in wish.holds] == [(Case.IDS_SWAPPED, ("a", "b"))]
    assert wish.writes == 0


def test_an_id_that_takes_the_name_of_somebody_who_is_missing_waits_for_a_person() -> None:
    before = holding(guardian("a", "Carla Vance"), guardian("b", "Nina Vance"))
    wish = judged(before, roster(guardian("a", "Nina Vance")))
    [hold] = wish.holds
    assert (hold.case, hold.refs, wish.writes) == (Case.ID_REUSED, ("a", "b"), 0)
    assert "whom we hold under b" in hold.reason


@pytest.mark.parametrize("there", [True, False])
def test_a_new_surname_that_another_has_is_no_swap(there: bool) -> None:  # noqa: FBT001
    """She keeps her first name and her address; the other one is in the feed, or left long ago."""
    mary = guardian("a", "Mary Jones", email="mary@home.example")
    namesake = guardian("b", "Mary Smith", email="other@home.example")
    before = holding(mary, namesake)
    before = before if there else with_person(before, Kind.GUARDIANS, "b", here=False)
    wed = msgspec.structs.replace(mary, family_name="Smith")
    assert judged(before, roster(wed, *([namesake] if there else []))).holds == ()


def test_a_first_name_that_somebody_who_left_had_is_no_swap() -> None:
    before = with_person(
        holding(guardian("a", "Jon Bell"), guardian("b", "John Bell")), Kind.GUARDIANS, "b", here=False
    )
    assert judged(before, roster(guardian("a", "John Bell"))).holds == ()


def test_somebody_with_another_s_first_name_and_address_is_that_one() -> None:
    before = holding(
        guardian("a", "Carla Vance", email="carla@home.example"),
        guardian("b", "Nina Ortega", email="nina@home.example"),
    )
    said = roster(
        guardian("a", "Nina Reed", email="nina@home.example"), guardian("b", "Carla Vance", email="new@home.example")
    )
    assert [hold.refs for hold in judged(before, said).holds] == [("a", "b")]


def test_many_swapped_ids_are_told_in_one_short_sentence() -> None:
    people = [guardian(str(n), f"Carla{'abcdefghij'[n]} Vance") for n in range(9)]
    before, said = swapped(*people, **{str(n): str((n + 1) % 9) for n in range(9)})
    [hold] = judged(before, said).holds
    assert "The ids 0, 1, 2, 3, 4, 5 and 3 more now describe" in hold.reason


# --- a new id of somebody we hold (R22) ---


def renumbered(**more: Any) -> tuple[Snapshot, Roster]:
    """Tess Hale is 100, and 2100 the night after; her mother keeps her number."""
    before = with_stake(holding(TESS, IDA, tie("100", "690")), Kind.STUDENTS, "100")
    return before, roster(msgspec.structs.replace(TESS, ref="2100", **more), IDA, tie("2100", "690"))


@pytest.mark.parametrize("email", ["tess@alder.example", "t.hale@alder.example"])
def test_a_student_with_a_new_id_keeps_row_and_ties_also_with_a_new_address(email: str) -> None:
    before, said = renumbered(email=email)
    wish = judged(before, said)
    [rekey] = wish.rekeys
    assert (rekey.id, rekey.was, rekey.ref, rekey.label) == (1, "100", "2100", "Tess Hale")
    assert rekey.why == "Recognised by the same name and birthday, and a contact in common."
    assert (wish.arrivals, wish.standings, wish.link_arrivals, wish.holds) == ((), (), (), ())
    after = again(wish, before, said)
    assert row(after, Kind.STUDENTS, "2100") == row(before, Kind.STUDENTS, "100")
    assert held(after, Kind.STUDENTS, "2100").email == email


def test_a_whole_family_with_new_ids_is_recognised() -> None:
    before = holding(TESS, IDA, tie("100", "690"))
    said = roster(
        msgspec.structs.replace(TESS, ref="2100"), msgspec.structs.replace(IDA, ref="2690"), tie("2100", "2690")
    )
    wish = judged(before, said)
    assert [(rekey.kind, rekey.ref) for rekey in wish.rekeys] == [(Kind.GUARDIANS, "2690"), (Kind.STUDENTS, "2100")]
    again(wish, before, said)


def test_an_old_id_that_is_not_proven_absent_stays_with_its_person() -> None:
    before = holding(TESS, IDA, tie("100", "690"))
    new = (msgspec.structs.replace(TESS, ref="2100"), IDA, tie("2100", "690"))
    short = roster(*new, complete={Kind.GUARDIANS, Kind.TIES})
    unclear = roster(*new, unreadable={Kind.STUDENTS: {"100"}})
    for said in (short, unclear):
        assert [arrival.ref for arrival in judged(before, said).arrivals] == ["2100"]


def test_somebody_who_left_returns_with_a_new_id_as_the_same_record() -> None:
    before, _ = renumbered()
    gone = with_person(before, Kind.STUDENTS, "100", here=False)
    said = roster(msgspec.structs.replace(TESS, ref="2100"), IDA, tie("2100", "690"), complete={Kind.TIES})
    wish = judged(gone, said)
    assert [rekey.id for rekey in wish.rekeys] == [1]
    assert [standing.action for standing in wish.standings] == [Action.REJOIN]
    assert held(again(wish, gone, said), Kind.STUDENTS, "2100").here


def test_a_leaver_whose_number_cannot_be_read_tonight_is_nobody_else() -> None:
    gone = with_person(renumbered()[0], Kind.STUDENTS, "100", here=False)
    said = roster(msgspec.structs.replace(TESS, ref="2100"), unreadable={Kind.STUDENTS: {"100"}})
    assert [arrival.ref for arrival in judged(gone, said).arrivals] == ["2100"]


def test_two_candidates_are_a_question_and_nobody_comes_or_goes_meanwhile() -> None:
    """Two of one name and birthday, both gone, one new."""
    before = with_stake(holding(student("1"), student("2", form="7A"), student("8", "Cai Reed")), Kind.STUDENTS, "2")
    said = roster(student("3"), student("8", "Cai Reed"))
    wish = judged(before, said)
    [hold] = wish.holds
    assert (hold.case, hold.refs, hold.labels) == (Case.NEW_ID, ("3", "1", "2"), ("Ann Bell",))
    assert [option.key for option in hold.options] == [KEEP, "same:1", "same:2", OTHER]
    assert "(has signed in; the same name and birthday, but no contact in common)" in hold.reason
    assert wish.writes == 0
    assert judged(before, said, choose(wish, KEEP)) == wish


@pytest.mark.parametrize("number", [1, 2])
def test_a_person_says_which_of_them_it_is(number: int) -> None:
    before, said = holding(student("1"), student("2")), roster(student("3"))
    decided = choose(judged(before, said), f"{SAME}:{number}")
    wish = judged(before, said, decided)
    [rekey] = wish.rekeys
    assert (rekey.id, rekey.ref, rekey.why) == (number, "3", "Decided by a person.")
    assert [(one.action, one.id) for one in wish.standings] == [(Action.MISS, 3 - number)]
    again(wish, before, said, decided)


def test_a_person_says_that_it_is_somebody_new() -> None:
    before, said = holding(student("1")), roster(student("3"))
    decided = choose(judged(before, said), OTHER)
    wish = judged(before, said, decided)
    assert ([one.ref for one in wish.arrivals], [one.action for one in wish.standings]) == (["3"], [Action.MISS])
    again(wish, before, said, decided)


def test_two_who_are_both_said_to_be_one_person_go_on_waiting() -> None:
    before, said = holding(student("1")), roster(student("3"), student("4"))
    holds = judged(before, said).holds
    assert [hold.refs for hold in holds] == [("3", "1"), ("4", "1")]
    wish = judged(before, said, {hold.digest: f"{SAME}:1" for hold in holds})
    assert (wish.holds, wish.writes) == (holds, 0)


def test_whoever_is_said_to_be_new_stands_in_nobody_s_way() -> None:
    """Of two strong ones, one is somebody new: so the other is the one we hold."""
    before, said = holding(student("1", upn="U1")), roster(student("3", upn="U1"), student("4", upn="U1"))
    first, _ = judged(before, said).holds
    wish = judged(before, said, {first.digest: OTHER})
    assert ([one.ref for one in wish.arrivals], [one.ref for one in wish.rekeys]) == (["3"], ["4"])


def test_somebody_recognised_by_a_person_lets_others_be_recognised() -> None:
    """The mother has another address, so a person is asked; with her, the child is known."""
    before = holding(TESS, IDA, tie("100", "690"))
    said = roster(
        msgspec.structs.replace(TESS, ref="2100"),
        guardian("2690", "Ida Hale", email="new@home.example"),
        tie("2100", "2690"),
    )
    decided = {hold.digest: f"{SAME}:1" for hold in judged(before, said).holds if hold.kind is Kind.GUARDIANS}
    assert [rekey.ref for rekey in judged(before, said, decided).rekeys] == ["2690", "2100"]


def test_whose_id_was_given_to_another_may_be_asked_for_but_never_taken_by_itself() -> None:
    before = holding(student("55", upn="U1"))
    said = roster(student("55", "Bob Stone", date_of_birth=OTHER_DAY), student("56", upn="U1"))
    assert [hold.case for hold in judged(before, said).holds] == [Case.ID_REUSED, Case.NEW_ID]
    assert judged(before, said).writes == 0


def test_once_a_person_has_said_whose_the_new_id_is_the_old_one_is_judged_by_it() -> None:
    """She has another birthday than we knew; so has the record under her old id, which is thus hers too."""
    before = holding(student("55", upn="U1"))
    new = student("56", upn="U1", date_of_birth=OTHER_DAY)
    for name, faults in (("Ann Stone", [Fault.TWICE]), ("Bob Stone", [])):
        said = roster(student("55", name, date_of_birth=OTHER_DAY), new)
        [decided] = [{hold.digest: f"{SAME}:1"} for hold in judged(before, said).holds if hold.case is Case.NEW_ID]
        wish = judged(before, said, decided)
        assert [rekey.ref for rekey in wish.rekeys] == ["56"]
        assert [refusal.fault for refusal in wish.refusals] == faults
        assert [hold.case for hold in wish.holds] == ([] if faults else [Case.ID_REUSED])
        assert value(again(wish, before, said, decided), Kind.STUDENTS, "56", "date_of_birth") == OTHER_DAY


def test_a_twin_under_the_old_id_is_not_taken_for_her() -> None:
    twin = msgspec.structs.replace(TESS, given_name="Tara", email=NOT_SHARED)
    said = roster(msgspec.structs.replace(TESS, ref="2100"), twin, IDA, tie("2100", "690"), tie("100", "690"))
    wish = judged(rekeyed(), said)
    assert [(hold.case, hold.refs) for hold in wish.holds] == [(Case.ID_REUSED, ("100",))]
    assert wish.writes == 0


def test_two_ids_of_one_person_may_be_decided_to_be_hers() -> None:
    before = rekeyed()
    said = roster(msgspec.structs.replace(TESS, ref="2100"), student("100", "Bob Stone", date_of_birth=OTHER_DAY), IDA)
    decided = choose(judged(before, said), SAME)
    wish = judged(before, said, decided)
    assert ([one.fault for one in wish.refusals], wish.holds) == ([Fault.TWICE], ())
    again(wish, before, said, decided)


def test_staff_who_were_deleted_by_hand_are_a_question() -> None:
    ruth = staff("1", email="ruth@alder.example")
    before = with_person(holding(ruth), Kind.STAFF, "1", here=False, deleted=True)
    [hold] = judged(before, roster(msgspec.structs.replace(ruth, ref="2"))).holds
    assert (hold.case, hold.kind) == (Case.NEW_ID, Kind.STAFF)


# --- the id used before, and two at once ---


def rekeyed() -> Snapshot:
    before, said = renumbered()
    return applied(judged(before, said), before)


def test_a_mis_that_takes_a_new_id_back_is_still_understood() -> None:
    before, said = rekeyed(), roster(msgspec.structs.replace(TESS, form="12A"), IDA)
    wish = judged(before, said)
    assert (wish.arrivals, wish.standings, wish.holds) == ((), (), ())
    assert len(wish.link_ends) == 1, "the tie of the one who is there under the older id has ended"
    assert value(again(wish, before, said), Kind.STUDENTS, "100", "form") == "12A"


def test_of_two_records_of_one_person_the_newer_id_counts_and_the_other_is_reported() -> None:
    before = rekeyed()
    new = msgspec.structs.replace(TESS, ref="2100", form="12B")
    uncle = guardian("691", "Carl Hale")
    said = roster(TESS, new, IDA, uncle, tie("100", "690", priority=2), tie("2100", "690"), tie("100", "691"))
    wish = judged(before, said)
    assert [(one.ref, one.fault) for one in wish.refusals] == [("100", Fault.TWICE)]
    after = again(wish, before, said)
    assert value(after, Kind.STUDENTS, "2100", "form") == "12B"
    assert link(after, Kind.TIES, "2100", "691"), "what hangs on the older id hangs on the person"


def test_an_old_id_that_describes_somebody_else_does_not_stop_its_person() -> None:
    before = rekeyed()
    new, bob = (
        msgspec.structs.replace(TESS, ref="2100", form="12B"),
        student("100", "Bob Stone", date_of_birth=OTHER_DAY),
    )
    said = roster(new, bob, IDA, guardian("692", "Alma Stone"), tie("2100", "690"), tie("100", "692"))
    wish = judged(before, said)
    assert [(hold.case, hold.refs) for hold in wish.holds] == [(Case.ID_REUSED, ("100",))]
    after = again(wish, before, said)
    assert value(after, Kind.STUDENTS, "2100", "form") == "12B"
    assert link(after, Kind.TIES, "2100", "692") is None, "the mother of the other child sees nothing of hers"


# --- added by hand, and named by the MIS later (R43) ---


def manual(email: str = "dev@home.example") -> Snapshot:
    """Dev Rai was added by hand and is tied to Anil."""
    before = by_hand(holding(student("1", "Anil Rai")), Kind.GUARDIANS, 9, "Dev Rai", email=email)
    ties = {(1, 9): HeldLink(id=1, values=("Father", None, None, False), by_hand=True)}
    return msgspec.structs.replace(before, links=before.links | {Kind.TIES: ties})


def test_a_guardian_added_by_hand_is_claimed_by_address_and_child() -> None:
    before = manual()
    said = roster(student("1", "Anil Rai"), guardian("650", "Dev Rai", email="dev@home.example"), tie("1", "650"))
    wish = judged(before, said)
    [rekey] = wish.rekeys
    assert (rekey.id, rekey.was, wish.arrivals) == (9, "", ())
    assert held(again(wish, before, said), Kind.GUARDIANS, "650").from_feed


def test_a_guardian_added_by_hand_with_another_address_is_a_question() -> None:
    said = roster(student("1", "Anil Rai"), guardian("650", "Dev Rai", email="dev@alder.example"), tie("1", "650"))
    [hold] = judged(manual(), said).holds
    assert hold.case is Case.NEW_ID
    assert hold.options[1].effect.endswith("From then on the MIS keeps their details.")
    assert (hold.sides[1].ref, hold.sides[1].id) == ("", 9)


def test_an_external_member_of_staff_is_always_a_question() -> None:
    before = by_hand(holding(), Kind.STAFF, 9, "Dana Quick", email="dana@coaching.example")
    said = roster(staff("1", "Dana Quick", email="dana@coaching.example"))
    [hold] = judged(before, said).holds
    assert (hold.case, hold.refs) == (Case.NEW_ID, ("1",))
    after = applied(judged(before, said, {hold.digest: f"{SAME}:9"}), before)
    assert (row(after, Kind.STAFF, "1"), held(after, Kind.STAFF, "1").from_feed) == (9, True)
