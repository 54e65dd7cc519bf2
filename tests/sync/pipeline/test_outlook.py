"""What a plan would do, told before it happens: every change has its sentence and its reason (R3, R13)."""

import datetime
from typing import Any

import msgspec
import pytest

from sync.pipeline.gate import gate
from sync.pipeline.held import Snapshot
from sync.pipeline.lines import Line, lines
from sync.pipeline.outlook import MOST_LINES, tonight
from sync.pipeline.plan import EditEnd, Plan, Rekey, plan
from sync.pipeline.roster import Roster
from sync.records import Enrolment, Kind, Medical, Teaching
from sync.sentences import Tense, say
from tests.sync.pipeline.builders import (
    RULES,
    guardian,
    holding,
    night,
    roster,
    school_class,
    staff,
    student,
    tie,
    with_person,
)

BEFORE = holding(
    student("1", "Ann Bell", year="4"),
    student("2", "Cai Bell"),
    student("3", "Ida Hale"),
    guardian("g"),
    guardian("h", "Tom Bell"),
    staff("t"),
    school_class("c", "7B"),
    tie("1", "g", restricted=False),
    tie("1", "h"),
    Enrolment(class_ref="c", student_ref="1"),
    Medical(student_ref="1", ref="m", condition="Asthma"),
)
SAID = roster(
    student("1", "Ann Bell", year="5", date_of_birth=datetime.date(2014, 3, 2)),
    student("2", "Cai Bell", left_on=night(2)),
    student("9", "Uma Reyes", year="4", form="4B"),
    guardian("g", email="joan@home.example"),
    guardian("h", "Tom Bell"),
    staff("t"),
    school_class("c", "7B"),
    school_class("d", "8A"),
    tie("1", "g", restricted=True),
    tie("9", "h"),
    Enrolment(class_ref="d", student_ref="1"),
    Teaching(class_ref="c", staff_ref="t"),
    Medical(student_ref="1", ref="m", condition="Epilepsy"),
)


def wish(before: Snapshot = BEFORE, said: Roster = SAID) -> Plan:
    return gate(plan(before, said, RULES, night=night(2)), before, said, RULES)


def sentences(what: Plan, tense: Tense) -> set[str]:
    return {str(say(line, tense)) for line in lines(what)}


@pytest.mark.parametrize(
    ("done", "would"),
    [
        ("Uma Reyes was added: 4 · 4B.", "Uma Reyes would be added: 4 · 4B."),
        ("Class 8A was added.", "Class 8A would be added."),
        ("Ann Bell’s year changed from 4 to 5.", "Ann Bell’s year would change from 4 to 5."),
        (
            "Ann Bell’s date of birth changed from 2014-03-01 to 2014-03-02.",
            "Ann Bell’s date of birth would change from 2014-03-01 to 2014-03-02.",
        ),
        ("Joan Bell’s e-mail was set to joan@home.example.", "Joan Bell’s e-mail would be set to joan@home.example."),
        ("Cai Bell left on 10 November 2026.", "Cai Bell would leave on 10 November 2026."),
        (
            "Ida Hale is missing from the MIS since 10 November 2026. Nothing was taken away yet.",
            "Ida Hale would be missing from the MIS since 10 November 2026. Nothing would be taken away yet.",
        ),
        ("Tom Bell became a contact of Uma Reyes.", "Tom Bell would become a contact of Uma Reyes."),
        ("Tom Bell is no longer a contact of Ann Bell.", "Tom Bell would no longer be a contact of Ann Bell."),
        (
            "Ann Bell’s restricted of Joan Bell changed from no to yes.",
            "Ann Bell’s restricted of Joan Bell would change from no to yes.",
        ),
        ("Ann Bell joined 8A.", "Ann Bell would join 8A."),
        ("Ann Bell is no longer in 7B.", "Ann Bell would no longer be in 7B."),
        ("Ruth Vale now teaches 7B.", "Ruth Vale would teach 7B."),
        ("A medical note of Ann Bell changed.", "A medical note of Ann Bell would change."),
    ],
)
def test_every_change_has_its_sentence_before_and_after(done: str, would: str) -> None:
    assert done in sentences(wish(), "done")
    assert would in sentences(wish(), "would")
    assert would in {line["sentence"] for action in tonight(wish(), SAID)["actions"] for line in action["lines"]}


def test_every_change_is_told_once_and_with_its_reason() -> None:
    told = list(lines(wish()))
    assert len(told) == wish().writes
    assert all(line.why for line in told)


def test_nothing_of_a_note_is_told() -> None:
    assert "Asthma" not in str(list(lines(wish())))
    assert "Epilepsy" not in str(list(lines(wish())))


def test_somebody_who_is_back_is_told() -> None:
    before = with_person(BEFORE, Kind.STUDENTS, "1", missing_since=night(1))
    assert "Ann Bell would come back; everything would be kept." in sentences(wish(before), "would")


def test_new_ids_and_corrections_that_end_are_told() -> None:
    """The plan that makes them is told like any other."""
    more = msgspec.structs.replace(
        Plan(night=night(2)),
        rekeys=(Rekey(kind=Kind.STUDENTS, id=1, ref="2100", was="100", label="Ann Bell", why="Same UPN."),),
        edit_ends=(
            EditEnd(
                kind=Kind.STUDENTS, id=1, field="given_name", label="Ann Bell", old="Anna", new="Ann", why="It agrees."
            ),
        ),
    )
    assert [(line.action, line.old, line.new, line.why) for line in lines(more)] == [
        ("rekey", "100", "2100", "Same UPN."),
        ("release", "Anna", "Ann", "It agrees."),
    ]


def test_tonight_counts_all_and_tells_the_first() -> None:
    crowd = roster(*(student(f"n{n}", f"New{n} Hale") for n in range(MOST_LINES + 7)))
    said = tonight(wish(said=crowd), crowd)
    [arriving] = [action for action in said["actions"] if action["action"] == "arrive"]
    assert (arriving["number"], len(arriving["lines"])) == (MOST_LINES + 7, MOST_LINES)
    assert arriving["lines"][0] == {
        "kind": "students",
        "ref": "n0",
        "label": "New0 Hale",
        "sentence": "New0 Hale would be added.",
        "why": "The MIS names them for the first time.",
    }


def test_tonight_tells_what_would_wait_with_what_can_be_chosen() -> None:
    before = holding(*(student(str(n), f"Child{n} Bell") for n in range(100)))
    said = roster(*(student(str(n), f"Child{n} Bell") for n in range(10, 100)))
    [hold] = wish(before, said).holds
    [told] = tonight(wish(before, said), said)["holds"]
    assert (told["digest"], told["case"], told["reason"]) == (hold.digest, "departures", hold.reason)
    assert "Nobody goes until a person has said so" in told["reason"], "true before the night as after it"
    assert [option["key"] for option in told["options"]] == ["approve", "keep"]
    assert "facts" not in told


def test_tonight_is_plain_values_and_groups_what_would_be_refused() -> None:
    said = roster(
        *(staff(f"s{n}", f"Kit Moss{n}", email=f"kit{n}@coaching.example") for n in range(3)),
    )
    told: dict[str, Any] = tonight(wish(said=said), said)
    assert [(fault["fault"], fault["number"]) for fault in told["faults"]] == [("domain not recognised", 3)]
    assert msgspec.json.decode(msgspec.json.encode(told)) == told


def test_a_line_is_what_a_sentence_needs() -> None:
    line = Line(kind="students", id=1, ref="1", label="Ann Bell", action="amend", field="year", old="4", new="", why="")
    assert str(say(line)) == "Ann Bell’s year was removed; it was 4."
