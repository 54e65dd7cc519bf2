"""A kind is complete only when it is proved to be (R12)."""

from collections.abc import Callable, Iterator

import pytest

from sync.connector import Connector, NoSettings
from sync.errors import Broken, Busy, Doubtful, Refused, SyncError
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.records import Class, Complete, Enrolment, Kind, Record, Remark, RosterRecord, Unreadable

SECRET = "Ann Lee, asthma"


class Scripted(Connector):
    """A connector that says what it is told to say, then fails if told to."""

    key = "scripted"
    label = "Scripted"

    def __init__(self, *said: object, fault: Exception | None = None) -> None:
        super().__init__(NoSettings(), Http())
        self.said = said
        self.fault = fault

    def roster(self) -> Iterator[RosterRecord]:
        yield from self.said  # type: ignore[misc]
        if self.fault:
            raise self.fault


def seat(class_ref: str, student_ref: str = "1") -> Enrolment:
    return Enrolment(class_ref=class_ref, student_ref=student_ref)


def row(ref: str) -> Class:
    return Class(ref=ref, name=ref)


def end(rows: int, kind: Kind = Kind.CLASSES) -> Complete:
    return Complete(kind=kind, rows=rows)


def lost(ref: str) -> Unreadable:
    return Unreadable(kind=Kind.CLASSES, ref=ref, reason="name is blank.")


def doubts(found: Extract) -> list[str]:
    return [record.text for record in found.records if isinstance(record, Remark)]


def test_a_kind_that_adds_up_is_complete() -> None:
    said: list[Record] = [row("a"), seat("a"), lost("b"), lost("b"), row("c"), end(4), Remark(text="hello")]
    found = extract(Scripted(*said))
    assert found.complete == {Kind.CLASSES}
    assert found.rows == {Kind.CLASSES: 4, Kind.ENROLMENTS: 1}
    assert found.unreadable == {Kind.CLASSES: 2}
    assert list(found.records) == said
    assert found.seconds >= 0


def test_nothing_at_all_is_complete_with_nothing() -> None:
    found = extract(Scripted(end(0)))
    assert found.complete == {Kind.CLASSES}
    assert found.rows == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([row("a"), end(2)], "classes: the source counts 2, but 1 came."),
        ([row("a"), row("b"), end(1)], "classes: the source counts 1, but 2 came."),
        ([end(3)], "classes: the source counts 3, but 0 came."),
        ([row("a"), end(1), end(1)], "classes: the source said 2 times that they were complete."),
        ([row("a"), row("a"), end(2)], "classes: 1 references came more than once."),
    ],
)
def test_a_kind_that_does_not_add_up_ends_nobody_and_the_others_stand(said: list[RosterRecord], why: str) -> None:
    found = extract(Scripted(*said, seat("a"), end(1, Kind.ENROLMENTS)))
    assert found.complete == {Kind.ENROLMENTS}
    assert [record.kind for record in found.records if isinstance(record, Complete)] == [Kind.ENROLMENTS]
    assert doubts(found) == [f"{why} The list is not taken as complete, so nothing is ended because of it."]


def test_without_a_claim_nothing_is_complete_and_nothing_is_said() -> None:
    found = extract(Scripted(row("a")))
    assert (found.complete, doubts(found)) == (frozenset(), [])


@pytest.mark.parametrize("late", [row("b"), lost("b")])
def test_a_record_after_the_end_of_its_kind_breaks_the_run(late: RosterRecord) -> None:
    with pytest.raises(Broken, match="More classes came"):
        extract(Scripted(row("a"), end(1), late))


@pytest.mark.parametrize("error", [Refused, Busy, Broken, Doubtful])
def test_the_four_errors_pass(error: type[SyncError]) -> None:
    with pytest.raises(error, match="as it was"):
        extract(Scripted(row("a"), fault=error("as it was")))


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError, OSError, RecursionError])
def test_any_other_fault_is_broken_and_leaks_nothing(error: Callable[[str], Exception]) -> None:
    with pytest.raises(Broken) as caught:
        extract(Scripted(row("a"), fault=error(SECRET)))
    said = str(caught.value)
    assert SECRET not in said
    assert caught.value.__suppress_context__
    assert "“Scripted” failed" in said
    assert "in test_extract.py, line " in said


def test_what_is_no_record_is_broken() -> None:
    with pytest.raises(Broken, match="yielded a str, which is no record") as caught:
        extract(Scripted(SECRET))
    assert SECRET not in str(caught.value)
