"""Corrections made by hand when the MIS speaks again: the three-way table of R66, a test for each cell."""

from typing import Any

import msgspec
import pytest

from sync.pipeline.held import Snapshot
from sync.pipeline.plan import Action, Plan, edits, plan
from sync.pipeline.roster import Fault, Roster
from sync.records import NOT_SHARED, Kind, Record
from tests.sync.pipeline.builders import (
    NIGHT,
    RULES,
    applied,
    guardian,
    held,
    holding,
    night,
    roster,
    row,
    staff,
    student,
    tie,
    value,
    with_edit,
    with_person,
)

STUDENTS, GUARDIANS, STAFF = Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF
WRONG, RIGHT, NEW = "MuÃ±oz", "Muñoz", "Munoz-Reed"


def person(kind: Kind, **said: Any) -> Record:
    """The one person of these tests, as the MIS describes them."""
    makers: dict[Kind, Any] = {STUDENTS: student, GUARDIANS: guardian, STAFF: staff}
    record: Record = makers[kind]("1", "Zoe Bell")
    return msgspec.structs.replace(record, **said)


def corrected(kind: Kind, field: str, wrong: object = WRONG, right: str = RIGHT) -> Snapshot:
    """The MIS said what was wrong, and somebody at the school put it right."""
    return with_edit(holding(person(kind, **{field: wrong})), kind, "1", field, right)


def stands(wish: Plan, before: Snapshot) -> bool:
    """Whether the edit is still open, and nothing was written over it."""
    return wish.edit_ends == () and not [change for change in wish.amendments if change.field != "mis_email"]


NAMES = [
    (STUDENTS, "given_name"),
    (STUDENTS, "family_name"),
    (STUDENTS, "preferred_name"),
    (GUARDIANS, "given_name"),
    (GUARDIANS, "family_name"),
    (GUARDIANS, "title"),
    (STAFF, "title"),
]
STAYS, MIS_WINS, AGREED = "the edit stays", "the MIS wins", "they agree"

TABLE = [
    # the field     what the MIS says      what becomes of the edit
    *[(*name, WRONG, STAYS) for name in NAMES],
    *[(*name, NEW, MIS_WINS) for name in NAMES],
    *[(*name, "", STAYS) for name in NAMES if name[1] in {"preferred_name", "title", "given_name"}],
    *[(*name, NOT_SHARED, STAYS) for name in NAMES if name[1] in {"preferred_name", "title"}],
    *[(*name, RIGHT, AGREED) for name in NAMES],
    (GUARDIANS, "phone", WRONG, MIS_WINS),
    (GUARDIANS, "phone", NEW, MIS_WINS),
    (GUARDIANS, "phone", "", STAYS),
    (GUARDIANS, "phone", NOT_SHARED, STAYS),
    (GUARDIANS, "phone", RIGHT, AGREED),
    (STAFF, "phone", WRONG, MIS_WINS),
]


@pytest.mark.parametrize(("kind", "field", "says", "outcome"), TABLE, ids=str)
def test_names_and_phones(kind: Kind, field: str, says: object, outcome: str) -> None:
    before = corrected(kind, field)
    wish = plan(before, roster(person(kind, **{field: says})), RULES, night=NIGHT)
    now = applied(wish, before)
    assert value(now, kind, "1", field) == {STAYS: RIGHT, MIS_WINS: says, AGREED: RIGHT}[outcome]
    assert [end.why for end in wish.edit_ends] == {STAYS: [], MIS_WINS: [edits.REPLACED], AGREED: [edits.AGREED]}[
        outcome
    ]
    assert [(c.old, c.new, c.why) for c in wish.amendments] == (
        [(RIGHT, says, edits.REPLACED)] if outcome is MIS_WINS else []
    )
    assert wish.holds == (), "it is never a question"
    assert plan(now, roster(person(kind, **{field: says})), RULES, night=night(2)).writes == 0


def test_the_end_of_an_edit_says_what_it_was_and_what_the_mis_says() -> None:
    before = corrected(STUDENTS, "family_name")
    [end] = plan(before, roster(person(STUDENTS, family_name=NEW)), RULES, night=NIGHT).edit_ends
    assert (end.kind, end.id, end.field, end.old, end.new) == (
        STUDENTS,
        row(before, STUDENTS, "1"),
        "family_name",
        RIGHT,
        NEW,
    )
    assert end.label == "Zoe Muñoz"


def test_a_different_wrong_form_is_something_new() -> None:
    before = corrected(STUDENTS, "family_name")
    wish = plan(before, roster(person(STUDENTS, family_name="Mu?oz")), RULES, night=NIGHT)
    assert value(applied(wish, before), STUDENTS, "1", "family_name") == "Mu?oz"


@pytest.mark.parametrize("replaced", [None, ""])
def test_what_the_mis_never_said_stays_corrected_until_it_does(replaced: object) -> None:
    before = with_edit(holding(person(STUDENTS)), STUDENTS, "1", "preferred_name", "Pip", replaced=replaced)
    assert stands(plan(before, roster(person(STUDENTS, preferred_name="")), RULES, night=NIGHT), before)
    wish = plan(before, roster(person(STUDENTS, preferred_name="Zo")), RULES, night=NIGHT)
    assert [end.why for end in wish.edit_ends] == [edits.REPLACED]


def test_an_edit_of_one_field_keeps_nothing_out_of_another() -> None:
    before = corrected(STUDENTS, "family_name")
    wish = plan(before, roster(person(STUDENTS, family_name=WRONG, year="8")), RULES, night=NIGHT)
    assert [(change.field, change.new, change.why) for change in wish.amendments] == [("year", "8", "")]


# Addresses: the MIS wins whenever it has one that may be used.

X, Y, Z = "x@home.example", "y@home.example", "z@home.example"
OWN = "jo@alder.example"
BLOCKING = msgspec.structs.replace(RULES, block_own_domains_for_guardians=True)

ADDRESSES = [
    # was   says         who else has it   then   why it ended     refused
    (X, X, "", X, edits.REPLACED, None),
    (X, Z, "", Z, edits.REPLACED, None),
    (X, Y, "", Y, edits.AGREED, None),
    (X, "", "", Y, None, Fault.ADDRESS_GONE),
    (X, NOT_SHARED, "", Y, None, None),
    ("", "", "", Y, None, None),
    ("", X, "", X, edits.REPLACED, None),
    (OWN, OWN, "", Y, None, Fault.BLOCKED_DOMAIN),
    (X, OWN, "", Y, None, Fault.BLOCKED_DOMAIN),
    (X, Z, Z, Y, None, Fault.SHARED_ADDRESS),
]


@pytest.mark.parametrize(("was", "says", "taken", "then", "why", "fault"), ADDRESSES, ids=str)
def test_addresses(was: str, says: object, taken: str, then: str, why: str | None, fault: Fault | None) -> None:
    other = guardian("2", "Tom Reed", email=taken)
    before = holding(guardian("1", email=was), other, rules=BLOCKING)
    before = with_edit(before, GUARDIANS, "1", "email", Y, replaced=was)
    said = roster(guardian("1", email=says), other)
    wish = plan(before, said, BLOCKING, night=NIGHT)
    now = applied(wish, before)
    assert held(now, GUARDIANS, "1").email == then
    assert [end.why for end in wish.edit_ends] == ([why] if why else [])
    assert [refusal.fault for refusal in wish.refusals] == ([fault] if fault else [])
    assert [change.why for change in wish.amendments if change.field == "email"] == (
        [edits.REPLACED] if why == edits.REPLACED else []
    )
    assert plan(now, said, BLOCKING, night=night(2)).writes == 0


def test_an_address_that_the_mis_gives_to_two_is_judged_anew_once_it_is_free() -> None:
    before = with_edit(holding(guardian("1", email=X), guardian("2", "Tom Reed", email=Z)), GUARDIANS, "1", "email", Y)
    taken = roster(guardian("1", email=Z), guardian("2", "Tom Reed", email=Z))
    now = applied(plan(before, taken, RULES, night=NIGHT), before)
    wish = plan(now, roster(guardian("1", email=Z), guardian("2", "Tom Reed", email=X)), RULES, night=night(2))
    assert held(applied(wish, now), GUARDIANS, "1").email == Z
    assert [end.why for end in wish.edit_ends] == [edits.REPLACED]


def test_a_rule_of_the_schools_ends_the_edit_of_an_address_it_forbids() -> None:
    before = with_edit(holding(guardian("1", email="")), GUARDIANS, "1", "email", OWN)
    wish = plan(before, roster(guardian("1", email="")), BLOCKING, night=NIGHT)
    assert held(applied(wish, before), GUARDIANS, "1").email == ""
    assert [(end.why, end.new) for end in wish.edit_ends] == [(edits.UNUSABLE, "")]


# Missing, left and back: kept with the person.


@pytest.mark.parametrize("field", ["family_name", "email"])
def test_an_edit_waits_for_whoever_is_missing_and_comes_back(field: str) -> None:
    before = with_edit(holding(person(STAFF, **{field: X})), STAFF, "1", field, Y)
    wish = plan(before, roster(), RULES, night=NIGHT)
    assert [change.action for change in wish.standings] == [Action.MISS]
    assert stands(wish, before)
    back = plan(applied(wish, before), roster(person(STAFF, **{field: ""})), RULES, night=night(2))
    assert [change.action for change in back.standings] == [Action.REJOIN]
    assert stands(back, before)


def test_an_edit_outlives_leaving_and_the_name_is_still_corrected_on_return() -> None:
    before = with_person(corrected(STUDENTS, "family_name"), STUDENTS, "1", here=False)
    wish = plan(before, roster(person(STUDENTS, family_name=WRONG)), RULES, night=NIGHT)
    assert value(applied(wish, before), STUDENTS, "1", "family_name") == RIGHT
    assert held(applied(wish, before), STUDENTS, "1").here


def test_a_record_that_is_not_believed_ends_no_edit() -> None:
    before = corrected(STUDENTS, "family_name")
    wish = plan(before, roster(student("1", "Bob Stone", date_of_birth=None)), RULES, night=NIGHT)
    assert wish.holds
    assert stands(wish, before)


def test_a_correction_makes_nobody_look_like_somebody_else() -> None:
    """Both names and the address were corrected; the MIS goes on saying what it said."""
    before = holding(guardian("1", "JosÃ© MuÃ±oz", email=X))
    for field, right in (("given_name", "José"), ("family_name", "Muñoz"), ("email", Y)):
        before = with_edit(before, GUARDIANS, "1", field, right)
    wish = plan(before, roster(guardian("1", "JosÃ© MuÃ±oz", email=X)), RULES, night=NIGHT)
    assert wish.holds == ()
    assert [end.field for end in wish.edit_ends] == ["email"]


# Ties: added by hand, blocked by the school (R43, R66). A block is none of the plan's business: no feed lifts it.


def by_hand(snapshot: Snapshot) -> Snapshot:
    ties = {key: msgspec.structs.replace(link, by_hand=True) for key, link in snapshot.links[Kind.TIES].items()}
    return msgspec.structs.replace(snapshot, links=snapshot.links | {Kind.TIES: ties})


@pytest.mark.parametrize("hand", [True, False])
def test_a_tie_added_by_hand_is_ended_by_no_feed(hand: object) -> None:
    before = holding(student("s"), guardian("g"), tie("s", "g"))
    before = by_hand(before) if hand else before
    said: Roster = roster(student("s"), guardian("g"))
    assert (plan(before, said, RULES, night=NIGHT).link_ends == ()) is hand
