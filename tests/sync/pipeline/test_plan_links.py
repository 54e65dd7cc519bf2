"""Ties, enrolments, teachings, notes and needs (R35, R69)."""

import msgspec
import pytest

from sync.pipeline.plan import plan
from sync.records import NOT_SHARED, Dietary, Enrolment, Kind, Medical, Record, Teaching
from tests.sync.pipeline.builders import (
    EVERYTHING,
    NIGHT,
    RULES,
    applied,
    guardian,
    holding,
    link,
    nothing_held,
    roster,
    school_class,
    staff,
    student,
    tie,
)

PEOPLE: tuple[Record, ...] = (student("s"), guardian("g"), staff("t"), school_class("c"))
SEAT, POST = Enrolment(class_ref="c", student_ref="s"), Teaching(class_ref="c", staff_ref="t")
NOTE = Medical(student_ref="s", ref="m1", condition="Nut allergy", details="Auto-injector in the office")
NEED = Dietary(student_ref="s", ref="d1", need="Vegetarian")
LINKS: tuple[tuple[Kind, Record, tuple[str, str]], ...] = (
    (Kind.TIES, tie("s", "g"), ("s", "g")),
    (Kind.ENROLMENTS, SEAT, ("c", "s")),
    (Kind.TEACHING, POST, ("c", "t")),
    (Kind.MEDICAL, NOTE, ("s", "m1")),
    (Kind.DIETARY, NEED, ("s", "d1")),
)
each_link = pytest.mark.parametrize(("kind", "record", "key"), LINKS, ids=[str(kind) for kind, *_ in LINKS])


@each_link
def test_a_link_arrives_together_with_those_it_joins(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    now = applied(plan(nothing_held(), roster(*PEOPLE, record), RULES, night=NIGHT), nothing_held())
    assert link(now, kind, *key) is not None


@each_link
def test_a_link_no_longer_named_ends(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    before = holding(*PEOPLE, record)
    wish = plan(before, roster(*PEOPLE), RULES, night=NIGHT)
    assert [end.kind for end in wish.link_ends] == [kind]
    assert wish.writes == 1
    gone = link(applied(wish, before), kind, *key)
    assert gone is None if kind is not Kind.TIES else gone is not None and not gone.here


@each_link
def test_a_list_cut_short_ends_no_link(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    before = holding(*PEOPLE, record)
    assert plan(before, roster(*PEOPLE, complete=EVERYTHING - {kind}), RULES, night=NIGHT).writes == 0


@each_link
def test_an_unreadable_link_is_present(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    before = holding(*PEOPLE, record)
    for unclear in (key, key[0], ""):
        said = roster(*PEOPLE, unreadable={kind: [unclear]})
        assert plan(before, said, RULES, night=NIGHT).link_ends == ()


@each_link
def test_the_links_of_an_absent_person_wait(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    before = holding(*PEOPLE, record)
    away = {Kind.TEACHING: "t"}.get(kind, "s")
    said = roster(*(one for one in PEOPLE if getattr(one, "ref", "") != away))
    assert plan(before, said, RULES, night=NIGHT).link_ends == ()


@each_link
def test_a_link_to_somebody_whom_nobody_knows_waits(kind: Kind, record: Record, key: tuple[str, str]) -> None:
    wish = plan(nothing_held(), roster(record, complete=[]), RULES, night=NIGHT)
    assert wish.writes == 0


def test_a_tie_of_an_absent_guardian_waits_too() -> None:
    before = holding(*PEOPLE, tie("s", "g"))
    assert plan(before, roster(student("s"), staff("t"), school_class("c")), RULES, night=NIGHT).link_ends == ()


def test_the_seats_of_a_class_that_is_gone_end() -> None:
    before = holding(*PEOPLE, SEAT, POST)
    wish = plan(before, roster(*PEOPLE[:3]), RULES, night=NIGHT)
    assert sorted(end.kind for end in wish.link_ends) == [Kind.ENROLMENTS, Kind.TEACHING]


def test_only_the_field_of_a_tie_that_is_new_is_amended() -> None:
    before = holding(*PEOPLE, tie("s", "g", relationship="Mother", priority=1))
    said = roster(*PEOPLE, tie("s", "g", relationship="Mother", priority=2))
    [change] = plan(before, said, RULES, night=NIGHT).link_amendments
    assert (change.field, change.old, change.new) == ("priority", 1, 2)
    assert (change.label, change.about) == ("Ann Bell", "Joan Bell")
    assert change.row == before.identities[Kind.STUDENTS]["s"]


def restricted(before: object, now: object) -> bool:
    held = holding(*PEOPLE, tie("s", "g", restricted=before))
    after = applied(plan(held, roster(*PEOPLE, tie("s", "g", restricted=now)), RULES, night=NIGHT), held)
    one = link(after, Kind.TIES, "s", "g")
    assert one is not None
    return one.values[3] is True


def test_a_restriction_is_set_and_lifted_by_word_and_not_by_silence() -> None:
    assert restricted(False, True)
    assert not restricted(True, False)
    assert restricted(True, NOT_SHARED)


@pytest.mark.parametrize("said", [None, NOT_SHARED, False])
def test_a_restriction_never_spoken_of_is_none_and_stays_so_without_a_write(said: object) -> None:
    before = holding(*PEOPLE, tie("s", "g", restricted=said))
    one = link(before, Kind.TIES, "s", "g")
    assert one is not None
    assert one.values[3] is False
    assert plan(before, roster(*PEOPLE, tie("s", "g", restricted=said)), RULES, night=NIGHT).writes == 0


def test_a_tie_that_comes_back_is_the_same_row_and_keeps_what_is_not_said() -> None:
    before = holding(*PEOPLE, tie("s", "g", restricted=True, relationship="Father"))
    ended = applied(plan(before, roster(*PEOPLE), RULES, night=NIGHT), before)
    wish = plan(ended, roster(*PEOPLE, tie("s", "g")), RULES, night=NIGHT)
    assert wish.writes == 1
    assert link(applied(wish, ended), Kind.TIES, "s", "g") == link(before, Kind.TIES, "s", "g")


def test_a_tie_that_has_ended_does_not_end_again() -> None:
    before = holding(*PEOPLE, tie("s", "g"))
    ended = applied(plan(before, roster(*PEOPLE), RULES, night=NIGHT), before)
    assert plan(ended, roster(*PEOPLE), RULES, night=NIGHT).writes == 0


def test_a_move_between_classes_is_one_end_and_one_arrival() -> None:
    other = school_class("d", "8A")
    before = holding(*PEOPLE, other, SEAT)
    wish = plan(before, roster(*PEOPLE, other, Enrolment(class_ref="d", student_ref="s")), RULES, night=NIGHT)
    assert [(a.label, a.about) for a in wish.link_arrivals] == [("Ann Bell", "8A")]
    assert [(e.label, e.about) for e in wish.link_ends] == [("Ann Bell", "7B")]


# --- health (R35, R63) ---


def test_medical_that_is_switched_off_neither_comes_nor_changes_nor_goes() -> None:
    off = msgspec.structs.replace(RULES, medical_synced=False)
    before = holding(*PEOPLE, NOTE)
    changed = msgspec.structs.replace(NOTE, condition="None")
    for said in (roster(*PEOPLE), roster(*PEOPLE, changed), roster(*PEOPLE, msgspec.structs.replace(NOTE, ref="m2"))):
        assert plan(before, said, off, night=NIGHT).writes == 0
    assert plan(nothing_held(), roster(student("s"), NEED), off, night=NIGHT).link_arrivals, "dietary is separate"


def test_what_a_note_or_need_says_is_in_no_words_that_are_logged() -> None:
    before = holding(*PEOPLE, NOTE, NEED)
    said = roster(*PEOPLE, msgspec.structs.replace(NOTE, details="Other"), msgspec.structs.replace(NEED, ref="d2"))
    wish = plan(before, said, RULES, night=NIGHT)
    words = [(arrival.label, arrival.about) for arrival in wish.link_arrivals]
    words += [(change.label, change.about) for change in wish.link_amendments]
    words += [(end.label, end.about) for end in wish.link_ends]
    assert len(words) == 3
    assert set(words) == {("Ann Bell", "")}


def test_a_change_is_shown_with_the_student_or_the_class() -> None:
    before = holding(student("x", "Cai Stone"), *PEOPLE, SEAT, POST)
    ends = plan(before, roster(student("x", "Cai Stone"), *PEOPLE), RULES, night=NIGHT).link_ends
    rows = {end.kind: end.row for end in ends}
    assert rows[Kind.ENROLMENTS] == before.identities[Kind.STUDENTS]["s"]
    assert rows[Kind.TEACHING] == before.identities[Kind.CLASSES]["c"]
