"""Who a record with a new id may be (R22): what is strong, what is weak, and when a match is unique."""

import datetime
import random

import msgspec
import pytest

from sync.pipeline.held import PEOPLE, Edit, Snapshot
from sync.pipeline.matching import Match, Matcher, Matching, Strength, folded, matching
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Kind, Person, Record
from tests.sync.pipeline.builders import guardian, holding, roster, row, staff, student, tie, with_person

OTHER_DAY = datetime.date(2014, 9, 30)
JOAN = guardian("g", "Joan Bell", email="joan@home.example")


def matches(held: Snapshot, said: Roster, kind: Kind, ref: str, **more: object) -> list[tuple[Strength, str]]:
    """How the record of this ref matches all that we hold."""
    matcher = Matcher(held, said, kind, among=frozenset(held.records[kind]), **more)  # type: ignore[arg-type]
    return [(match.strength, match.why) for match in matcher.of(ref, said.of(kind)[ref])]


def alone(one: Person, other: Person, kind: Kind) -> list[tuple[Strength, str]]:
    """How two records match of which nothing else is known."""
    return matches(holding(one), roster(other), kind, other.ref)


# --- names ---


@pytest.mark.parametrize(
    ("one", "other"), [("O’Brien", "O'BRIEN"), ("Muñoz", "munoz"), ("Ana-Lu", "Ana Lu"), ("Straße", "strasse")]
)
def test_a_name_is_the_same_whatever_its_case_accents_and_hyphens(one: str, other: str) -> None:
    assert folded(one) == folded(other)


def test_vowel_signs_are_letters() -> None:
    assert folded("राम") != folded("रमा")


def test_what_is_not_text_has_no_name() -> None:
    assert folded(NOT_SHARED) == ""
    assert alone(student("1", " Bell"), student("2", " Stone"), Kind.STUDENTS) == []


# --- students ---


@pytest.mark.parametrize(
    ("other", "strength", "why"),
    [
        (student("2", upn="U1"), Strength.STRONG, "the same UPN"),
        (student("2", "Annie Bell", upn="u1"), Strength.STRONG, "the same UPN"),
        (student("2", upn="U1", date_of_birth=NOT_SHARED), Strength.STRONG, "the same UPN"),
        (student("2", upn="U1", date_of_birth=OTHER_DAY), Strength.WEAK, "the same UPN, but another birthday"),
        (student("2", "Bob Stone", upn="U1"), Strength.WEAK, "the same UPN, but another name"),
        (student("2", upn="U2"), Strength.WEAK, "the same name and birthday, but no contact in common"),
    ],
)
def test_students_alone(other: Person, strength: Strength, why: str) -> None:
    assert alone(student("1", upn="U1"), other, Kind.STUDENTS) == [(strength, why)]


@pytest.mark.parametrize(
    "other",
    [
        student("2", date_of_birth=OTHER_DAY),
        student("2", "Bob Bell"),  # a twin
        student("2", date_of_birth=None),
        student("2", "Ann Stone"),
    ],
)
def test_students_who_are_no_match(other: Person) -> None:
    assert alone(student("1"), other, Kind.STUDENTS) == []


def test_nothing_is_not_a_upn() -> None:
    assert alone(student("1", "Ann Bell", upn=""), student("2", "Bob Stone", upn=""), Kind.STUDENTS) == []


def test_a_student_with_name_birthday_and_a_contact_we_know_is_a_strong_match() -> None:
    held = holding(student("1"), JOAN, tie("1", "g"))
    said = roster(student("2", "ANN BELL"), JOAN, tie("2", "g"))
    assert matches(held, said, Kind.STUDENTS, "2") == [
        (Strength.STRONG, "the same name and birthday, and a contact in common")
    ]


def test_a_contact_whose_own_id_is_in_doubt_proves_nothing_by_it() -> None:
    held = holding(student("1"), JOAN, tie("1", "g"))
    said = roster(student("2"), guardian("g", "Nina Vance", email="nina@home.example"), tie("2", "g"))
    [(strength, _)] = matches(held, said, Kind.STUDENTS, "2", doubted={Kind.GUARDIANS: {"g"}})
    assert strength is Strength.WEAK


def test_a_contact_who_is_known_as_somebody_else_is_not_in_common() -> None:
    held = holding(student("1"), JOAN, tie("1", "g"), guardian("h", "Max Wren", email="max@home.example"))
    said = roster(student("2"), guardian("h", "Max Wren", email="joan@home.example"), tie("2", "h"))
    [(strength, _)] = matches(held, said, Kind.STUDENTS, "2")
    assert strength is Strength.WEAK


def test_a_tie_that_ended_proves_nothing() -> None:
    held = holding(student("1"), JOAN, tie("1", "g"))
    ties = {key: msgspec.structs.replace(one, here=False) for key, one in held.links[Kind.TIES].items()}
    held = msgspec.structs.replace(held, links=held.links | {Kind.TIES: ties})
    [(strength, _)] = matches(held, roster(student("2"), JOAN, tie("2", "g")), Kind.STUDENTS, "2")
    assert strength is Strength.WEAK


def test_a_contact_nobody_can_read_proves_nothing() -> None:
    held = holding(student("1"), JOAN, tie("1", "g"))
    said = roster(student("2"), tie("2", "new"), complete={Kind.STUDENTS})
    [(strength, _)] = matches(held, said, Kind.STUDENTS, "2")
    assert strength is Strength.WEAK


@pytest.mark.parametrize(
    ("other", "what"),
    [(student("2", "Ann Stone"), "first name and birthday"), (student("2", date_of_birth=NOT_SHARED), "name")],
)
def test_less_than_all_with_a_contact_in_common_is_a_weak_match(other: Person, what: str) -> None:
    held = holding(student("1"), JOAN, tie("1", "g"))
    said = roster(other, JOAN, tie("2", "g"))
    assert matches(held, said, Kind.STUDENTS, "2") == [(Strength.WEAK, f"the same {what}, and a contact in common")]


def test_a_correction_made_by_hand_does_not_hide_what_the_mis_said() -> None:
    held = holding(student("1", "Ana MuÃ±oz"))
    edits = {"family_name": Edit(value="Muñoz", replaced="MuÃ±oz")}
    values = ("Ana", "Muñoz", *held.records[Kind.STUDENTS][1].values[2:])
    held = with_person(held, Kind.STUDENTS, "1", edits=edits, values=values)
    for name in ("Ana Muñoz", "Ana MuÃ±oz"):
        assert matches(held, roster(student("2", name)), Kind.STUDENTS, "2")


# --- guardians ---


def family(child: str, parent: Person) -> tuple[Record, ...]:
    return student(child), parent, tie(child, parent.ref)


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        (guardian("h", "joan bell", email="JOAN@home.example"), [Strength.STRONG]),
        (guardian("h", "Joan Bell", email="joan@work.example"), [Strength.WEAK]),
        (guardian("h", "Joan Stone", email="joan@home.example"), [Strength.WEAK]),
        (guardian("h", "Tom Bell", email="joan@home.example"), []),  # her husband, at her mailbox
        (guardian("h", "Tom Bell", email="tom@home.example"), []),
    ],
)
def test_guardians_of_one_child(said: Person, verdicts: list[Strength]) -> None:
    held, there = holding(*family("1", JOAN)), roster(*family("1", said))
    assert [strength for strength, _ in matches(held, there, Kind.GUARDIANS, "h")] == verdicts


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        (guardian("h", "Joan Bell", email="joan@home.example"), [Strength.WEAK]),
        (guardian("h", "Joan Bell", email="joan@work.example"), []),
        (guardian("h", "Joan Stone", email="joan@home.example"), []),
    ],
)
def test_guardians_without_a_child_in_common(said: Person, verdicts: list[Strength]) -> None:
    assert [strength for strength, _ in alone(JOAN, said, Kind.GUARDIANS)] == verdicts


def test_a_whole_family_with_new_ids_is_recognised_by_each_other() -> None:
    held = holding(*family("1", JOAN))
    said = roster(*family("2001", msgspec.structs.replace(JOAN, ref="2700")))
    found = matching(held, said, among={kind: frozenset(held.records[kind]) for kind in PEOPLE})
    assert [pair.ref for pair in (*found.students.pairs, *found.guardians.pairs)] == ["2001", "2700"]


def test_a_child_is_in_common_by_its_upn_unless_the_birthday_contradicts() -> None:
    held = holding(student("1", upn="U1"), JOAN, tie("1", "g"))
    for born, strength in ((NOT_SHARED, Strength.STRONG), (OTHER_DAY, Strength.WEAK)):
        said = roster(
            student("2", "Anne Stone", upn="U1", date_of_birth=born),
            msgspec.structs.replace(JOAN, ref="h"),
            tie("2", "h"),
        )
        assert [one for one, _ in matches(held, said, Kind.GUARDIANS, "h")] == [strength]


# --- staff ---


@pytest.mark.parametrize(
    ("said", "verdicts"),
    [
        (staff("2", email="ruth@alder.example"), [(Strength.STRONG, "the same name and e-mail")]),
        (
            staff("2", "Ruth Wren", email="ruth@alder.example"),
            [(Strength.WEAK, "the same e-mail and a part of the name")],
        ),
        (staff("2", "Max Wren", email="ruth@alder.example"), []),
        (staff("2", email="r.vale@alder.example"), [(Strength.WEAK, "the same name")]),
        (staff("2", email="ruth@elsewhere.example"), []),
        (staff("2"), [(Strength.WEAK, "the same name")]),
        (staff("2", "Max Wren", email="max@alder.example"), []),
    ],
)
def test_staff(said: Person, verdicts: list[tuple[Strength, str]]) -> None:
    assert alone(staff("1", email="ruth@alder.example"), said, Kind.STAFF) == verdicts


# --- one against many ---


def test_only_rows_among_those_asked_for_are_candidates() -> None:
    held = holding(student("1"))
    assert Matcher(held, roster(), Kind.STUDENTS, among=frozenset()).of("2", student("2")) == ()


def test_the_strongest_candidate_comes_first() -> None:
    held = holding(student("1"), student("2", upn="U2"))
    [first, second] = Matcher(held, roster(), Kind.STUDENTS, among={1, 2}).of("3", student("3", upn="U2"))
    assert (first.row, first.strength, second.strength) == (
        row(held, Kind.STUDENTS, "2"),
        Strength.STRONG,
        Strength.WEAK,
    )


def whole(held: Snapshot, said: Roster) -> Matching:
    return matching(held, said, among={kind: frozenset(held.records[kind]) for kind in PEOPLE})


def test_one_strong_match_that_nobody_disputes_is_a_pair() -> None:
    held = holding(student("1", upn="U1"), student("8", "Cai Reed"))
    found = whole(held, roster(student("2", upn="U1"), student("9", "Dan Hale"))).students
    assert [(pair.ref, pair.row) for pair in found.pairs] == [("2", 1)]
    assert (found.doubts, found.held, found.new) == ((), (2,), ("9",))


def test_two_rows_as_strong_as_each_other_are_a_doubt() -> None:
    held = holding(student("1", upn="U1"), student("2", upn="U1"))
    found = whole(held, roster(student("3", upn="U1"))).students
    assert found.pairs == ()
    assert [[one.row for one in doubt.candidates] for doubt in found.doubts] == [[1, 2]]
    assert found.held == ()


def test_a_row_that_two_new_records_may_be_is_a_doubt_of_both() -> None:
    """A MIS that splits one contact into one for each child."""
    child, sister = student("1"), student("2", "Eve Bell")
    held = holding(child, sister, JOAN, tie("1", "g"), tie("2", "g"))
    halves = [msgspec.structs.replace(JOAN, ref=ref) for ref in ("h", "i")]
    found = whole(held, roster(child, sister, *halves, tie("1", "h"), tie("2", "i"))).guardians
    assert found.pairs == ()
    assert [doubt.ref for doubt in found.doubts] == ["h", "i"]


def test_a_weak_match_is_a_doubt() -> None:
    found = whole(holding(student("1")), roster(student("2"))).students
    assert found.doubts[0].candidates == (
        Match(row=1, strength=Strength.WEAK, why="the same name and birthday, but no contact in common"),
    )


def test_a_weak_candidate_beside_a_strong_one_does_not_dispute_it() -> None:
    held = holding(student("1"), student("2", upn="U2"))
    assert [pair.row for pair in whole(held, roster(student("3", upn="U2"))).students.pairs] == [2]


def test_everybody_known_by_id_is_left_out_unless_asked_for() -> None:
    held = holding(student("1", upn="U1"))
    assert whole(held, roster(student("1", upn="U1"))).students.pairs == ()
    matcher = Matcher(held, roster(student("1", upn="U1")), Kind.STUDENTS, among={1})
    assert [pair.ref for pair in matcher.matched({"1"}).pairs] == ["1"]


def test_a_matching_is_the_same_in_any_order_and_survives_being_stored() -> None:
    people = [student(str(n), f"Ann{n % 3} Bell", upn=f"U{n % 4}") for n in range(8)]
    held, said = holding(*people), [msgspec.structs.replace(one, ref=f"2{one.ref}") for one in people]
    expected = whole(held, roster(*said))
    random.Random(4).shuffle(said)
    again = whole(held, roster(*said))
    assert again == expected
    stored = msgspec.json.decode(msgspec.json.encode(expected), type=Matching)
    assert stored.digest() == again.digest() != Matching().digest()
    assert stored.of(Kind.STUDENTS) == expected.students
