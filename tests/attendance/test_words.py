"""The words of marks are those of what a MIS says: two rooms that do not know each other say the same."""

from attendance import marking
from attendance.models import AWAY, THERE, Meaning, Session
from attendance.operations.codes import CHOICES
from sync import records


def test_the_words_are_those_of_the_records() -> None:
    assert set(Meaning.values) == {each.value for each in records.Meaning}
    assert set(Session.values) == {each.value for each in records.Session}


def test_the_words_of_the_pure_module_are_meanings() -> None:
    assert (marking.NOT_TAKEN, marking.UNKNOWN) == (Meaning.NOT_TAKEN, Meaning.UNKNOWN)


def test_a_register_that_was_not_taken_is_neither_present_nor_absent_and_no_school_can_make_it_so() -> None:
    assert not {Meaning.NOT_TAKEN, Meaning.UNKNOWN, Meaning.UNCONFIRMED} & (AWAY | THERE)
    assert frozenset(Meaning) - CHOICES == {Meaning.NOT_TAKEN, Meaning.UNKNOWN}
