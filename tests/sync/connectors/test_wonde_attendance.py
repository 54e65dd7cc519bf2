"""Wonde: the marks of a day are those of the register, and what is not known is never guessed."""

import datetime

import pytest

from local.simulators.wonde import wonde_id
from local.world.registers import Half, register
from sync.connectors.wonde.registers import meaning_of
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark
from tests.sync.connectors.wonde_truth import NIGHT, WORLD, connected, simulator

DAY = NIGHT.date
HALVES: tuple[tuple[Session, Half], ...] = ((Session.AM, "am"), (Session.PM, "pm"))
Key = tuple[str, Session]


def marks(*faults: str, day: datetime.date = DAY, night: int = 1) -> list[MarkRecord]:
    """Read one day from a simulator with these faults."""
    with connected(simulator(*faults, night=night, longest_page=100)) as connector:
        return list(connector.attendance(day))


def meanings(read: list[MarkRecord]) -> dict[Key, str]:
    return {(one.student_ref, one.session): one.meaning for one in read if isinstance(one, Mark)}


def truth(day: datetime.date = DAY) -> dict[Key, str]:
    """What the registers say; a register that was not taken has no rows."""
    return {
        (wonde_id(ref), session): mark.meaning
        for session, half in HALVES
        for ref, mark in register(WORLD, day, half).items()
        if mark.meaning != "not_taken"
    }


def texts(read: list[MarkRecord]) -> str:
    return "\n".join(one.text for one in read if isinstance(one, Remark))


@pytest.mark.parametrize(
    "fault", ["", "own-codes", "duplicate-across-pages", "no-microseconds", "offset-only", "attendance-codes-unknown"]
)
def test_the_marks_are_those_of_the_registers(fault: str) -> None:
    read = marks(*filter(None, [fault]))
    assert meanings(read) == truth()
    assert set(truth().values()) >= {"present", "late", "excused"}
    assert not [one for one in read if not isinstance(one, Mark)]


@pytest.mark.parametrize(("night", "back"), [(3, 0), (3, 1), (5, 4)])
def test_one_day_is_read_of_many(night: int, back: int) -> None:
    day = WORLD.at(night).date - datetime.timedelta(days=back)
    read = marks(day=day, night=night)
    assert meanings(read) == truth(day)
    assert {one.date for one in read if isinstance(one, Mark)} == {day}


def test_a_register_that_was_not_taken_says_nothing() -> None:
    silent = {ref for ref, mark in register(WORLD, DAY, "am").items() if mark.meaning == "not_taken"}
    assert silent
    assert not {(wonde_id(ref), Session.AM) for ref in silent} & meanings(marks()).keys()


def test_a_day_without_school_has_no_marks() -> None:
    assert marks(day=DAY - datetime.timedelta(days=1)) == []


def test_a_mark_says_how_late_and_when_it_was_made() -> None:
    late = [one for one in marks() if isinstance(one, Mark) and one.meaning is Meaning.LATE]
    assert {one.minutes_late for one in late} == {
        mark.minutes_late for mark in register(WORLD, DAY, "am").values() if mark.meaning == "late"
    }
    made = datetime.datetime.combine(DAY, datetime.time(9, 5), tzinfo=datetime.UTC)
    assert {one.recorded_at for one in late} == {made}
    assert {one.label for one in late} == {"late"}


def test_without_types_the_codes_of_england_are_known_and_no_others() -> None:
    assert meanings(marks("untyped-codes")) == truth()
    own = marks("untyped-codes", "own-codes")
    assert set(meanings(own).values()) == {Meaning.UNKNOWN}
    assert {one.code for one in own if isinstance(one, Mark)} >= {"1", "1p", "4"}


def test_without_a_word_on_whose_codes_they_are_only_types_are_believed() -> None:
    read = marks("no-meta", "untyped-codes")
    assert set(meanings(read).values()) == {Meaning.UNKNOWN}


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("no-attendance", "the permission attendance.read is missing"),
        ("no-codes", "the permission attendance-codes.read is missing"),
        ("null-codes", "without their codes"),
    ],
)
def test_a_missing_permission_is_named_and_no_mark_made_up(fault: str, words: str) -> None:
    (remark,) = marks(fault)
    assert isinstance(remark, Remark)
    assert words in remark.text


def test_marks_without_their_day_are_of_no_day() -> None:
    read = marks("null-days")
    assert {type(one) for one in read} == {UnreadableMark}
    assert {one.reason for one in read if isinstance(one, UnreadableMark)} == {
        "The mark does not say of which day it is."
    }


def test_a_mark_of_nobody_spoils_nothing_but_itself() -> None:
    read = marks("nobodys-mark")
    (bad,) = [one for one in read if isinstance(one, UnreadableMark)]
    assert (bad.student_ref, bad.reason) == ("", "The mark does not say whose it is.")
    assert len(meanings(read)) == len(truth()) - 1


def test_a_mark_whose_code_is_on_no_list_is_unreadable() -> None:
    read = marks("lost-code")
    bad = {one.student_ref for one in read if isinstance(one, UnreadableMark)}
    assert bad == {student for (student, _), meaning in truth().items() if meaning == "excused"}


def test_a_mark_of_neither_session_spoils_nothing_but_itself() -> None:
    read = marks("bad-mark")
    (bad,) = [one for one in read if isinstance(one, UnreadableMark)]
    assert bad.reason == "session is neither AM nor PM."
    assert meanings(read).keys() == truth().keys() - {(bad.student_ref, Session.PM)}


def test_two_different_marks_of_one_session_are_both_unreadable() -> None:
    read = marks("changed-across-pages")
    bad = [one.student_ref for one in read if isinstance(one, UnreadableMark)]
    assert bad  # the last of each page that begins with it again
    assert len(meanings(read)) == len(truth()) - len(bad)


def test_an_offline_mis_is_said_with_its_marks() -> None:
    read = marks("offline")
    assert "may be old" in texts(read)
    assert meanings(read) == truth()


@pytest.mark.parametrize(
    ("code", "kind", "meaning"),
    [
        ("/", "", Meaning.PRESENT),
        ("U", "UNAUTHORISED_ABSENCE", Meaning.LATE),  # absent by the statistics, and sitting in class
        ("l", "PRESENT", Meaning.LATE),
        ("I", "authorised absences", Meaning.EXCUSED),
        ("N", "unauthorized_absences", Meaning.ABSENT),
        ("V", "Approved-Education-Activity", Meaning.ELSEWHERE),
        ("#", "", Meaning.NOT_EXPECTED),
        ("-", "", Meaning.NOT_TAKEN),
        ("H", "", Meaning.UNKNOWN),
        ("I", "SOMETHING_NEW", Meaning.EXCUSED),
        ("", "", Meaning.UNKNOWN),
    ],
)
def test_what_a_code_means_in_england(code: str, kind: str, meaning: Meaning) -> None:
    assert meaning_of(code, kind, english=True) is meaning


@pytest.mark.parametrize(("code", "kind"), [("L", ""), ("I", ""), ("/", "SOMETHING_NEW")])
def test_elsewhere_a_letter_means_nothing_by_itself(code: str, kind: str) -> None:
    assert meaning_of(code, kind, english=False) is Meaning.UNKNOWN


def test_a_mark_without_minutes_does_not_say_none() -> None:
    present = [one for one in marks() if isinstance(one, Mark) and one.meaning is Meaning.PRESENT]
    assert {one.minutes_late for one in present} == {NOT_SHARED}
