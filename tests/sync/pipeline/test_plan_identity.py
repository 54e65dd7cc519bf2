"""Ids in doubt (R23, R24), new ids of people we hold (R22, R68), people added by hand and named later (R43)."""

import datetime

import pytest

from sync.pipeline.plan import Case, plan
from sync.records import NOT_SHARED, Kind
from tests.sync.pipeline.builders import (
    BORN,
    NIGHT,
    RULES,
    applied,
    guardian,
    held,
    holding,
    link,
    night,
    roster,
    staff,
    student,
    tie,
)

OTHER_DAY = datetime.date(2010, 10, 18)

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
