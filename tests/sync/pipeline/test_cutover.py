"""What a matching leaves to ask, and what the answers make of a plan (R25): values only."""

import datetime
from typing import Any, Final

import pytest

from sync.pipeline import cutover
from sync.pipeline.cutover import LEFT, STAY, Question, Topic
from sync.pipeline.held import LINKS, PEOPLE, Held, HeldLink, Snapshot
from sync.pipeline.matching import Doubt, Match, Matched, Matching, Pair, Strength
from sync.pipeline.plan.model import Action, Case, Hold, Plan, Standing
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Class, Dietary, Guardian, Kind, Medical, Student

NIGHT: Final = datetime.date(2026, 11, 24)


def person(row: int, **more: Any) -> Held:
    return Held(id=row, values=("Ann", f"Bell{row}", None, None, None, None, None), **more)


def held(**more: Any) -> Snapshot:
    records: dict[Kind, dict[int, Held]] = {kind: {} for kind in (*PEOPLE, Kind.CLASSES)}
    links: dict[Kind, dict[Any, HeldLink]] = {kind: {} for kind in LINKS}
    return Snapshot(
        records=records | more.get("records", {}),
        identities={kind: {} for kind in records} | more.get("identities", {}),
        links=links | more.get("links", {}),
    )


def doubt(ref: str, *rows: int) -> Doubt:
    return Doubt(ref=ref, candidates=tuple(Match(row=row, strength=Strength.WEAK, why="the same name") for row in rows))


SIBLINGS: Final = Matching(guardians=Matched(doubts=(doubt("g1", 7), doubt("g2", 7), doubt("g3", 7, 8)), held=(9,)))
G1, G2, G3 = (f"ref:guardians:g{number}" for number in (1, 2, 3))


def question(key: str) -> Question:
    return next(one for one in cutover.doubts(SIBLINGS) if one.key == key)


def test_an_id_of_the_mis_and_a_row_of_ours_never_share_a_key() -> None:
    by_ref = Question(topic=Topic.SAME, kind=Kind.STAFF, ref="7", candidates=doubt("7", 3).candidates)
    by_row = Question(topic=Topic.UNMATCHED, kind=Kind.STAFF, row=7)
    assert (by_ref.key, by_row.key) == ("ref:staff:7", "row:staff:7")
    assert by_ref.choices == ("same:3", "also:3", "other")
    assert by_row.choices == (STAY, LEFT)


def test_where_one_id_leads_the_others_stand_back() -> None:
    answers = cutover.answered(SIBLINGS, {}, question(G1), "same:7")
    assert answers == {G1: "same:7", G2: "also:7"}, "whoever may be somebody else as well is still asked about"
    answers = cutover.answered(SIBLINGS, answers, question(G2), "same:7")
    assert answers == {G1: "also:7", G2: "same:7"}
    assert list(cutover.taken(SIBLINGS, answers)[Kind.GUARDIANS].items()) == [("g1", 7), ("g2", 7)], (
        "the leader is last"
    )
    assert cutover.answered(SIBLINGS, {G1: "same:7"}, question(G3), "other") == {G1: "same:7", G3: "other"}


def test_somebody_has_to_lead() -> None:
    assert cutover.headless(SIBLINGS, {G1: "also:7", G2: "other"}) == [G1]
    assert cutover.headless(SIBLINGS, {G1: "also:7", G2: "same:7", G3: "other"}) == []


def test_nobody_counts_as_unmatched_while_somebody_may_be_them() -> None:
    assert cutover.unmatched(SIBLINGS, {})[Kind.GUARDIANS] == {9}
    answers = {G1: "same:7", G2: "also:7", G3: "other"}
    assert cutover.unmatched(SIBLINGS, answers)[Kind.GUARDIANS] == {8, 9}


def test_only_who_was_answered_as_left_departs_and_not_before_their_day() -> None:
    matching = Matching(
        students=Matched(pairs=(Pair(ref="s1", row=1, why="x"), Pair(ref="s2", row=2, why="x")), held=(3, 4))
    )
    days = {Kind.STUDENTS: {1: NIGHT, 2: NIGHT + datetime.timedelta(days=1)}}
    answers = {f"row:students:{row}": LEFT for row in (1, 2, 3)} | {"row:students:4": STAY, "row:students:5": LEFT}
    gone = cutover.departing(matching, answers, days, night=NIGHT)
    assert gone == {(Kind.STUDENTS, 1): NIGHT, (Kind.STUDENTS, 3): NIGHT}
    assert cutover.departing(matching, {}, days, night=NIGHT) == {}


def test_whoever_leaves_by_a_date_is_asked_about_only_while_here() -> None:
    records = {Kind.STUDENTS: {1: person(1), 2: person(2, here=False), 3: person(3)}}
    told = {
        f"s{row}": Student(ref=f"s{row}", given_name="Ann", family_name="Bell", left_on=NIGHT if row < 3 else None)
        for row in (1, 2, 3)
    }
    rows = {Kind.STUDENTS: {"s1": 1, "s2": 2, "s3": 3}, Kind.GUARDIANS: {}, Kind.STAFF: {}}
    found = cutover.leaving(Roster(students=told), held(records=records), rows)
    assert found[Kind.STUDENTS] == {1: NIGHT}


def test_a_plan_lets_nobody_go_but_by_an_answer() -> None:
    def standing(action: Action, kind: Kind, row: int) -> Standing:
        return Standing(action=action, kind=kind, id=row, ref="", label="x")

    records = {
        Kind.STUDENTS: {1: person(1), 2: person(2), 3: person(3, here=False)},
        Kind.CLASSES: {5: Held(id=5, values=("7A", "7", "")), 6: Held(id=6, values=("7B", "7", ""))},
    }
    snapshot = held(records=records, identities={Kind.CLASSES: {"c5": 5}})
    wish = Plan(
        night=NIGHT,
        standings=(
            standing(Action.LEAVE, Kind.STUDENTS, 1),
            standing(Action.MISS, Kind.STUDENTS, 2),
            standing(Action.REJOIN, Kind.STAFF, 9),
        ),
    )
    gone = {(Kind.STUDENTS, 2): NIGHT, (Kind.STUDENTS, 3): NIGHT}
    classes = {"c5": Class(ref="c5", name="7A")}
    whole = Roster(classes=classes, complete=frozenset({Kind.CLASSES}))
    done = cutover.agreed(wish, snapshot, whole, gone).standings
    assert [(one.kind, one.id, one.action) for one in done] == [
        (Kind.CLASSES, 6, Action.LEAVE),
        (Kind.STAFF, 9, Action.REJOIN),
        (Kind.STUDENTS, 2, Action.LEAVE),
    ]
    part = cutover.agreed(wish, snapshot, Roster(classes=classes), {}).standings
    assert [one.id for one in part] == [9], "a list that is not proven whole ends no class"


def test_classes_are_the_same_by_their_name_where_it_is_one_of_its_kind() -> None:
    rows = {1: ("7A English", True), 2: ("Choir", True), 3: ("choir", True), 4: ("Old", False), 5: ("Maths", True)}
    records = {
        Kind.CLASSES: {row: Held(id=row, values=(name, "", ""), here=here) for row, (name, here) in rows.items()}
    }
    names = {"a": "7a english", "b": "Choir", "c": "Old", "d": "Maths", "e": "MATHS"}
    told = {ref: Class(ref=ref, name=name) for ref, name in names.items()}
    assert cutover.classes(held(records=records), Roster(classes=told)) == {"a": 1}


def note(row: int, words: str) -> HeldLink:
    return HeldLink(id=row, values=(words, None))


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"9": "asthma", "8": "Nuts"}, {1: "9", 2: "8"}),
        ({"2": "Asthma", "1": "Nuts"}, {1: "2", 2: "1"}),  # they change places
        ({"2": "Asthma"}, {}),  # the other note has that number, and keeps it: the plan compares with that one
        ({"9": "Something else"}, {}),
    ],
)
def test_a_note_is_the_same_if_it_says_the_same(told: dict[str, str], expected: dict[int, str]) -> None:
    links = {Kind.MEDICAL: {(4, "1"): note(1, "Asthma"), (4, "2"): note(2, "Nuts")}}
    medical = {("s4", ref): Medical(student_ref="s4", ref=ref, condition=words) for ref, words in told.items()}
    dietary = {("s5", "1"): Dietary(student_ref="s5", ref="1", need="Vegan")}
    found = cutover.notes(held(links=links), Roster(medical=medical, dietary=dietary), {"s4": 4})
    assert found == {Kind.MEDICAL: expected, Kind.DIETARY: {}}
    known = cutover.known(held(links=links), {}, found)
    assert {link.id: ref for (_, ref), link in known.links[Kind.MEDICAL].items()} == {1: "1", 2: "2"} | expected


def test_nobodys_address_comes_in_but_that_of_a_newcomer() -> None:
    told = {ref: Guardian(ref=ref, given_name="A", family_name="B", email=f"{ref}@x.example") for ref in ("g1", "g2")}
    rows = {Kind.STUDENTS: {}, Kind.GUARDIANS: {"g1": 7}, Kind.STAFF: {}}
    found = cutover.believed(Roster(guardians=told), rows).guardians
    assert (found["g1"].email, found["g2"].email) == (NOT_SHARED, "g2@x.example")


def test_nobody_is_asked_twice() -> None:
    def hold(case: Case, *refs: str) -> Hold:
        return Hold(kind=Kind.GUARDIANS, case=case, reason="x", refs=refs, labels=())

    known, new, other = hold(Case.ID_REUSED, "g1"), hold(Case.NEW_ID, "g3", "old"), hold(Case.NEW_ID, "g4")
    found = cutover.settled([known, new, other, hold(Case.EMPTY)], {Kind.GUARDIANS: {"g1": 7}}, {G3: "other"})
    assert found == {known.digest: "same", new.digest: "other"}
