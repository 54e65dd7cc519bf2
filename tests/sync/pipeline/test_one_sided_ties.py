"""A tie that cannot be read keeps itself from ending and no other: a revoked guardian loses sight (R50, R69)."""

import datetime

import pytest

from sync.pipeline.held import LINKS, PEOPLE, Held, HeldLink, Snapshot
from sync.pipeline.normalise import normalise
from sync.pipeline.plan import plan
from sync.pipeline.rules import Rules
from sync.records import Complete, Guardian, Kind, RosterRecord, Student, Tie, Unreadable

NIGHT = datetime.date(2026, 11, 24)
GUARDIANS = ("g1", "g2", "g3")


def snapshot() -> Snapshot:
    """One student tied to three guardians."""
    school = Snapshot(
        records={kind: {} for kind in (*PEOPLE, Kind.CLASSES)},
        identities={kind: {} for kind in (*PEOPLE, Kind.CLASSES)},
        links={kind: {} for kind in LINKS},
    )
    school.records[Kind.STUDENTS][1] = Held(id=1, values=("Ann", "Bell", None, None, None, None, None))
    school.identities[Kind.STUDENTS]["s1"] = 1
    for row, ref in enumerate(GUARDIANS, 1):
        school.records[Kind.GUARDIANS][row] = Held(id=row, values=(ref, "Bell", None, None))
        school.identities[Kind.GUARDIANS][ref] = row
        school.links[Kind.TIES][1, row] = HeldLink(id=row, values=(None, None, None, False))
    return school


def ended(*unreadable: Unreadable) -> set[str]:
    """The guardians whose tie ends when the MIS names g1 only, beside these unreadable rows."""
    said: list[RosterRecord] = [
        Student(ref="s1", given_name="Ann", family_name="Bell"),
        *(Guardian(ref=ref, given_name=ref, family_name="Bell") for ref in GUARDIANS),
        Tie(student_ref="s1", guardian_ref="g1"),
        *unreadable,
        Complete(kind=Kind.STUDENTS, rows=1),
        Complete(kind=Kind.GUARDIANS, rows=3),
        Complete(kind=Kind.TIES, rows=1 + len(unreadable)),
    ]
    night = plan(snapshot(), normalise(said, today=NIGHT), Rules(), night=NIGHT)
    return {GUARDIANS[end.id - 1] for end in night.link_ends}


def row(ref: str, other_ref: str = "") -> Unreadable:
    return Unreadable(kind=Kind.TIES, ref=ref, other_ref=other_ref, reason="one-sided")


def test_what_is_not_named_any_more_ends() -> None:
    assert ended() == {"g2", "g3"}


def test_an_unreadable_tie_of_one_guardian_keeps_no_other_from_ending() -> None:
    assert ended(row("s1", "g3")) == {"g2"}


@pytest.mark.parametrize("unclear", [row("s1"), row(""), row("", "g3"), row("s1", " "), row("s1", "x" * 201)])
def test_where_the_guardian_cannot_be_read_nobody_of_that_child_ends(unclear: Unreadable) -> None:
    assert ended(unclear) == set()
