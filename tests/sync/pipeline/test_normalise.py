"""Normalising: what is put in order, what is refused with a reason, and the laws (R26, R28, R64)."""

import datetime
import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.pipeline.normalise import email_address, is_placeholder, normalise, tidy
from sync.pipeline.roster import Fault, Key, Roster
from sync.records import (
    KIND_OF,
    NOT_SHARED,
    Class,
    Complete,
    Dietary,
    Enrolment,
    Guardian,
    Kind,
    Medical,
    Remark,
    RosterRecord,
    Staff,
    Student,
    Teaching,
    Tie,
    Unreadable,
    key_of,
)

TODAY = datetime.date(2026, 11, 24)
MALFORMED = "The e-mail address in the MIS is malformed; correct it, or leave the field empty."
COMBINING = unicodedata.normalize("NFD", "Żółć Muñoz")


def student(ref: str = "1", given_name: str = "Ann", family_name: str = "Lee", **more: object) -> Student:
    return Student(ref=ref, given_name=given_name, family_name=family_name, **more)  # type: ignore[arg-type]


def guardian(ref: str = "g", given_name: str = "Bob", **more: object) -> Guardian:
    return Guardian(ref=ref, given_name=given_name, family_name="Lee", **more)  # type: ignore[arg-type]


def tie(student_ref: str = "1", guardian_ref: str = "g", **more: object) -> Tie:
    return Tie(student_ref=student_ref, guardian_ref=guardian_ref, **more)  # type: ignore[arg-type]


def complete(*kinds: Kind) -> list[Complete]:
    return [Complete(kind=kind, rows=9) for kind in kinds]


def roster(*records: RosterRecord) -> Roster:
    return normalise(records, today=TODAY)


def faults(found: Roster) -> list[tuple[Kind, str, Fault, str]]:
    return [(refusal.kind, refusal.ref, refusal.fault, refusal.field) for refusal in found.refusals]


# Text


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("  Ann \t Lee\r\n", "Ann Lee"),
        ("Ann\u00a0\u2003Lee", "Ann Lee"),
        ("\ufeffAnn\u200b\u2060", "Ann"),
        ("\u200eAnn\u200f \u200d", "Ann"),
        (COMBINING, "Żółć Muñoz"),
        ("علی\u200cرضا", "علی\u200cرضا"),  # the joiner is a letter's shape, not white space
        ("王\u3000小明", "王 小明"),
        ("O’Brien", "O’Brien"),
        ("O'Brien", "O'Brien"),
        ("Mu\u00c3\u00b1oz \u00c5\u0081", "Mu\u00c3\u00b1oz \u00c5\u0081"),  # broken letters are evidence (R66)
        ("de\u0301ja\u200b\u0300", "déjà"),
        ("", ""),
    ],
)
def test_texts_are_tidied_and_never_repaired(said: str, meant: str) -> None:
    assert roster(student(given_name=said)).students["1"].given_name == meant
    assert tidy(meant) == meant


def test_a_record_in_order_is_handed_on_as_it_is() -> None:
    ann = student(email="ann@school.example", year="7")
    assert roster(ann).students["1"] is ann


def test_not_shared_and_empty_stay_apart() -> None:
    ann = roster(student(email=NOT_SHARED, year="", form=" ")).students["1"]
    assert (ann.email, ann.year, ann.form) == (NOT_SHARED, "", "")


def test_control_characters_go_with_a_refusal() -> None:
    found = roster(student(given_name="A\x00n\x1bn", form="7\ud800B", family_name="Lee\x0b"))
    assert found.students["1"].given_name == "Ann"
    assert found.students["1"].form == "7B"
    assert found.students["1"].family_name == "Lee"
    assert faults(found) == [
        (Kind.STUDENTS, "1", Fault.CONTROL_CHARACTERS, "form"),
        (Kind.STUDENTS, "1", Fault.CONTROL_CHARACTERS, "given_name"),
    ]


def test_the_lines_of_a_care_plan_stay() -> None:
    note = Medical(student_ref="1", ref="m", condition="Asthma\n(mild)", details=" Inhaler:\r\n  blue  one \r\n\r\n")
    (found,) = roster(note).medical.values()
    assert (found.condition, found.details) == ("Asthma (mild)", "Inhaler:\nblue one")


# E-mail addresses


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (" Ann.Lee@School.EXAMPLE ", "ann.lee@school.example"),
        ("ann+club@school.example", "ann+club@school.example"),
        ("o'brien@school.example", "o'brien@school.example"),
        ("ann@schule.xn--mnchen-3ya.example", "ann@schule.münchen.example"),
        ("Ann@MÜNCHEN.example", "ann@münchen.example"),
        ("JOSÉ@school.example", "josé@school.example"),
        ("jose\u0301@school.example", "josé@school.example"),
        ("none@school.example", "none@school.example"),
        ("office@unknown-road.example", "office@unknown-road.example"),
        ("ann@school.test", "ann@school.test"),
    ],
)
def test_addresses_are_tidied(said: str, meant: str) -> None:
    found = roster(student(email=said), guardian(email=said))
    assert found.students["1"].email == found.guardians["g"].email == meant
    assert found.refusals == ()


@pytest.mark.parametrize(
    "said",
    [
        *(
            "ann",
            "ann@",
            "@school.example",
            "ann@school",
            "ann lee@school.example",
            "ann@school.example.",
            "a..b@c.example",
        ),
        *("a@b.example; c@d.example", "ann@@school.example", "ann@-school.example", "Ann <ann@school.example>"),
        *("ann@school.invalid", "ann@school.local", "ann@localhost", "ann@[127.0.0.1]", '"ann lee"@school.example'),
        *(f"{'a' * 65}@school.example", f"ann@{'a' * 64}.example", f"ann@{'abcdefghi.' * 25}example"),
    ],
)
def test_malformed_addresses_leave_the_person_without(said: str) -> None:
    staff = Staff(ref="t", given_name="Max", family_name="", email=said)
    found = roster(student(email=said), staff)
    assert (found.students["1"].email, found.staff["t"].email) == ("", "")
    assert faults(found) == [(Kind.STAFF, "t", Fault.EMAIL, "email"), (Kind.STUDENTS, "1", Fault.EMAIL, "email")]
    assert {refusal.reason for refusal in found.refusals} == {MALFORMED}
    assert found.unreadable == {}


@pytest.mark.parametrize(
    "said",
    [
        *("n/a", "N/A", "none", "None@None.com", "-", "?", "unknown", "no email", "Not applicable", "does not have"),
        *("noemail@noemail.example", "x@x.example", "none@none.com", "test@test.example", "unknown@email.example"),
        *("noemail@school.example", "NoMail@anything.example", "noone@nowhere.example"),
    ],
)
def test_words_for_nobody_are_told_from_mistakes(said: str) -> None:
    found = roster(student(email=said))
    assert found.students["1"].email == ""
    assert faults(found) == [(Kind.STUDENTS, "1", Fault.PLACEHOLDER, "email")]
    assert "none@none.com" in next(iter(found.refusals)).reason


@pytest.mark.parametrize("real", ["no@school.example", "test@school.example", "x@mail.example", "ann@none.example"])
def test_an_odd_address_may_be_real(real: str) -> None:
    assert email_address(real) == real
    assert not is_placeholder(real)


@settings(max_examples=300)
@given(
    st.emails() | st.text(max_size=20) | st.text("aA.@-é ß/İΣ", max_size=12).map(lambda text: f"{text}@school.example")
)
def test_an_address_is_settled_at_once(text: str) -> None:
    once = email_address(tidy(text))
    assert once == "" or email_address(once) == once
    assert tidy(once) == once


# Refusals


@pytest.mark.parametrize(
    "record",
    [
        student(given_name=" ", family_name="\u200b"),
        student(given_name="", family_name="", preferred_name=NOT_SHARED),
        Guardian(ref="1", given_name="", family_name=""),
        Staff(ref="1", given_name="\x00", family_name=""),
        Class(ref="1", name=" "),
        Medical(student_ref="1", ref="m", condition="", details=" "),
        Medical(student_ref="1", ref="m", condition=""),
        Dietary(student_ref="1", ref="d", need=""),
    ],
)
def test_a_record_that_says_nothing_is_refused_but_present(record: RosterRecord) -> None:
    found = roster(record)
    (kind,) = found.unreadable
    assert not found.of(kind)
    assert Fault.NAMELESS in {refusal.fault for refusal in found.refusals}


def test_one_name_is_enough() -> None:
    found = roster(student("1", "Ann", ""), student("2", "", "Lee"), student("3", "", "", preferred_name="Annie"))
    assert set(found.students) == {"1", "2", "3"}
    assert roster(Medical(student_ref="1", ref="m", condition="", details="See the office")).medical


@pytest.mark.parametrize("born", [datetime.date(1899, 12, 31), datetime.date(2026, 11, 25), datetime.date(215, 4, 3)])
def test_a_birthday_that_cannot_be_is_not_taken_and_not_taken_away(born: datetime.date) -> None:
    found = roster(student(date_of_birth=born))
    assert found.students["1"].date_of_birth is NOT_SHARED
    assert faults(found) == [(Kind.STUDENTS, "1", Fault.DATE, "date_of_birth")]


@pytest.mark.parametrize("born", [datetime.date(1900, 1, 1), TODAY, None, NOT_SHARED])
def test_other_birthdays_stay(born: object) -> None:
    found = roster(student(date_of_birth=born))
    assert found.students["1"].date_of_birth == born
    assert found.refusals == ()


def test_the_same_reference_twice() -> None:
    same = roster(student(given_name="Ann"), student(given_name=" Ann"))
    assert (set(same.students), same.refusals) == ({"1"}, ())
    found = roster(student(given_name="Ann"), student(given_name="Ben"), student(given_name="Ann"), student("2"))
    assert set(found.students) == {"2"}
    assert found.unreadable == {Kind.STUDENTS: {"1"}}
    assert faults(found) == [(Kind.STUDENTS, "1", Fault.TWICE, "")]


def test_an_unreadable_row_keeps_its_person_present_and_out() -> None:
    row = Unreadable(kind=Kind.STUDENTS, ref="1", reason="date_of_birth is not a date.", place="students.csv, line 2")
    found = roster(student("1"), row, *complete(Kind.STUDENTS))
    assert found.students == {}
    assert not found.proves_absence(kind=Kind.STUDENTS, key="1")
    assert found.proves_absence(kind=Kind.STUDENTS, key="2")
    (refusal,) = found.refusals
    assert (refusal.fault, refusal.place) == (Fault.UNREADABLE, "students.csv, line 2")


@pytest.mark.parametrize("ref", ["", "  ", "a\x00b", "\ud800"])
def test_a_reference_that_cannot_be_stored(ref: str) -> None:
    found = roster(student(ref), *complete(Kind.STUDENTS))
    assert found.unreadable == {Kind.STUDENTS: {""}}
    assert faults(found) == [(Kind.STUDENTS, "", Fault.NO_REFERENCE, "")]
    # Somebody is there whom nobody can name: it could be anyone, so no one is proved to be gone.
    assert not found.proves_absence(kind=Kind.STUDENTS, key="7")


def test_references_are_never_tidied() -> None:
    assert set(roster(student(" 007"), student("007"), student("7")).students) == {" 007", "007", "7"}


# What hangs on people


def test_what_names_nobody_is_refused_when_the_list_is_complete() -> None:
    records: list[RosterRecord] = [
        student("1"),
        guardian("g"),
        Class(ref="c", name="7B"),
        tie("1", "g"),
        tie("1", "lost"),
        tie("lost", "g"),
        Enrolment(class_ref="c", student_ref="lost"),
        Teaching(class_ref="c", staff_ref="t"),
        Medical(student_ref="lost", ref="m", condition="Asthma"),
        Dietary(student_ref="1", ref="d", need="Halal"),
    ]
    found = roster(*records, *complete(Kind.STUDENTS, Kind.GUARDIANS, Kind.CLASSES, Kind.TIES))
    assert set(found.ties) == {("1", "g")}
    assert (found.enrolments, found.medical) == ({}, {})
    assert set(found.teaching) == {("c", "t")}  # staff are not shared: we may hold them
    assert set(found.dietary) == {("1", "d")}
    # The first is the half that is lost: that is what the data manager has to look for.
    assert [(r.kind, r.ref, r.other_ref, r.field, r.reason.split()[-1]) for r in found.refusals] == [
        (Kind.ENROLMENTS, "lost", "c", "student_ref", "students."),
        (Kind.MEDICAL, "lost", "m", "student_ref", "students."),
        (Kind.TIES, "lost", "1", "guardian_ref", "guardians."),
        (Kind.TIES, "lost", "g", "student_ref", "students."),
    ]
    assert {refusal.fault for refusal in found.refusals} == {Fault.DANGLING}
    assert not found.proves_absence(kind=Kind.TIES, key=("1", "lost"))
    assert found.proves_absence(kind=Kind.TIES, key=("1", "other"))


def test_what_names_nobody_stays_when_the_list_is_not_complete() -> None:
    found = roster(student("1"), tie("1", "elsewhere"), *complete(Kind.STUDENTS))
    assert set(found.ties) == {("1", "elsewhere")}
    assert found.refusals == ()


@pytest.mark.parametrize("ends", [complete(Kind.GUARDIANS, Kind.TIES), complete(Kind.TIES)])
@pytest.mark.parametrize("ref", ["g", ""])
def test_what_names_an_unreadable_person_is_left_out_silently(ends: list[Complete], ref: str) -> None:
    row = Unreadable(kind=Kind.GUARDIANS, ref=ref, reason="phone is odd.")
    found = roster(row, tie("1", "g"), *ends)
    assert {refusal.fault for refusal in found.refusals} == {Fault.UNREADABLE}
    assert not found.proves_absence(kind=Kind.TIES, key=("1", "g"))


def test_an_unreadable_tie_keeps_all_ties_of_its_student() -> None:
    found = roster(Unreadable(kind=Kind.TIES, ref="1", reason="priority is odd."), *complete(Kind.TIES))
    assert not found.proves_absence(kind=Kind.TIES, key=("1", "g"))
    assert found.proves_absence(kind=Kind.TIES, key=("2", "g"))


def test_claims_that_disagree_prove_nothing() -> None:
    ends = [Complete(kind=Kind.STUDENTS, rows=1), Complete(kind=Kind.STUDENTS, rows=2)]
    found = roster(student(), *ends, Complete(kind=Kind.STAFF, rows=0), Remark(text="b"), Remark(text="a"))
    assert found.complete == {Kind.STAFF}
    assert found.rows == {Kind.STAFF: 0}
    assert found.remarks == ("a", "b")


# Laws

REF = st.sampled_from(["1", "2", "3", "01", "", "x\x00"])
TEXT = st.sampled_from(["", " ", "Ann", " Ann", COMBINING, "A\x00", "n/a", "\u00a0b\u200b"]) | st.text(max_size=6)
SHARED = TEXT | st.just(NOT_SHARED)
EMAIL = SHARED | st.sampled_from(["Ann@School.example", "bob@xn--mnchen-3ya.example", "JOSÉ@a.example"]) | st.emails()
DAY = st.none() | st.just(NOT_SHARED) | st.dates(datetime.date(1890, 1, 1), datetime.date(2030, 1, 1))
PERSON = {"ref": REF, "given_name": TEXT, "family_name": TEXT, "email": EMAIL}
RECORD: st.SearchStrategy[RosterRecord] = st.one_of(
    st.builds(Student, **PERSON, preferred_name=SHARED, date_of_birth=DAY),
    st.builds(Guardian, **PERSON, title=SHARED),
    st.builds(Staff, **PERSON),
    st.builds(Class, ref=REF, name=TEXT, subject=SHARED),
    st.builds(Tie, student_ref=REF, guardian_ref=REF, relationship=SHARED),
    st.builds(Enrolment, class_ref=REF, student_ref=REF),
    st.builds(Teaching, class_ref=REF, staff_ref=REF),
    st.builds(Medical, student_ref=REF, ref=REF, condition=TEXT, details=SHARED),
    st.builds(Dietary, student_ref=REF, ref=REF, need=TEXT),
    st.builds(Complete, kind=st.sampled_from(Kind), rows=st.just(3)),
    st.builds(Unreadable, kind=st.sampled_from(Kind), ref=REF, reason=st.just("odd")),
    st.builds(Remark, text=TEXT),
)
RECORDS = st.lists(RECORD, max_size=25)


@settings(max_examples=300)
@given(RECORDS, st.randoms(use_true_random=False))
def test_the_order_never_matters(records: list[RosterRecord], dice: object) -> None:
    shuffled = list(records)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert roster(*shuffled) == roster(*records)
    assert roster(*shuffled).fingerprint() == roster(*records).fingerprint()


@settings(max_examples=300)
@given(RECORDS)
def test_normalising_twice_changes_nothing(records: list[RosterRecord]) -> None:
    once = roster(*records)
    again = roster(*spoken(once))
    for kind in Kind:
        assert again.of(kind) == once.of(kind)
    assert (again.complete, again.rows, again.unreadable) == (once.complete, once.rows, once.unreadable)
    assert again.fingerprint() == once.fingerprint()


@settings(max_examples=300)
@given(RECORDS)
def test_whatever_was_said_is_never_absent(records: list[RosterRecord]) -> None:
    found = roster(*records)
    for record in records:
        if not isinstance(record, Complete | Remark | Unreadable):
            kind, key = said_key(record)
            assert not found.proves_absence(kind=kind, key=key)
    assert not any(set(found.of(kind)) & found.unreadable.get(kind, frozenset()) for kind in Kind)


@settings(max_examples=200)
@given(st.text())
def test_tidying_twice_changes_nothing(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    tidy(text).encode()


def said_key(record: RosterRecord) -> tuple[Kind, Key]:
    return KIND_OF[type(record)], key_of(record)


def spoken(found: Roster) -> Iterator[RosterRecord]:
    """Say a roster again: its records, and for each unclear key something as unclear."""
    for kind in Kind:
        yield from found.of(kind).values()
        for key in found.unreadable.get(kind, ()):
            yield from unclear(kind, key)
    yield from (Complete(kind=kind, rows=rows) for kind, rows in found.rows.items())


def unclear(kind: Kind, key: Key) -> list[RosterRecord]:
    if isinstance(key, str):
        return [Unreadable(kind=kind, ref=key, reason="odd")]
    first, second = key
    pairs: dict[Kind, list[RosterRecord]] = {
        Kind.TIES: [Tie(student_ref=first, guardian_ref=second, relationship=r) for r in "ab"],
        Kind.ENROLMENTS: [Enrolment(class_ref=first, student_ref=second)],
        Kind.TEACHING: [Teaching(class_ref=first, staff_ref=second)],
        Kind.MEDICAL: [Medical(student_ref=first, ref=second, condition=c) for c in "ab"],
        Kind.DIETARY: [Dietary(student_ref=first, ref=second, need=n) for n in "ab"],
    }
    return pairs[kind]


# The fingerprint


def test_the_fingerprint_tells_apart_what_differs() -> None:
    pictures = [
        roster(),
        roster(student()),
        roster(student("2")),
        roster(student(year="7")),
        roster(student(year="")),
        roster(student(year=NOT_SHARED, form="")),
        roster(student(year="not shared")),
        roster(student(date_of_birth=None)),
        roster(student(), *complete(Kind.STUDENTS)),
        roster(student(), Complete(kind=Kind.STUDENTS, rows=1)),
        roster(student(), Unreadable(kind=Kind.STUDENTS, ref="2", reason="odd")),
        roster(student(), tie()),
        roster(student(), Enrolment(class_ref="1", student_ref="g")),
        roster(student(), Teaching(class_ref="1", staff_ref="g")),
        roster(Guardian(ref="1", given_name="Ann", family_name="Lee")),
        roster(Staff(ref="1", given_name="Ann", family_name="Lee")),
    ]
    assert len({picture.fingerprint() for picture in pictures}) == len(pictures)


def test_the_fingerprint_ignores_remarks_and_reasons() -> None:
    rows = [Unreadable(kind=Kind.STAFF, ref="1", reason=reason, place=reason) for reason in "ab"]
    assert roster(rows[0], Remark(text="x")).fingerprint() == roster(rows[1]).fingerprint()


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    script = (
        "import datetime;from sync.pipeline.normalise import normalise;from sync.records import *;"
        "rows=[Unreadable(kind=k,ref=str(i),reason='x') for k in Kind for i in range(9)];"
        "rows+=[Student(ref=str(i),given_name='Zoë',family_name='') for i in range(20,40)];"
        "print(normalise(rows,today=datetime.date(2026,1,1)).fingerprint())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


@pytest.mark.parametrize("field", ["given_name", "family_name"])
def test_a_text_too_long_to_be_a_name_is_refused_and_never_cut(field: str) -> None:
    person = Student(ref="1", given_name="Ann", family_name="Bell")
    fine = msgspec.structs.replace(person, **{field: "x" * 500})
    slipped = msgspec.structs.replace(person, ref="2", **{field: "x" * 501})
    roster = normalise([fine, slipped, Complete(kind=Kind.STUDENTS, rows=2)], today=TODAY)
    assert set(roster.students) == {"1"}
    assert roster.unreadable[Kind.STUDENTS] == {"2"}
    assert [refusal.fault for refusal in roster.refusals] == [Fault.TOO_LONG]


def test_a_reference_too_long_to_keep_names_nobody_and_so_nobody_leaves() -> None:
    stranger = Student(ref="x" * 201, given_name="Ann", family_name="Bell")
    roster = normalise([stranger, Complete(kind=Kind.STUDENTS, rows=1)], today=TODAY)
    assert not roster.proves_absence(kind=Kind.STUDENTS, key="7")
