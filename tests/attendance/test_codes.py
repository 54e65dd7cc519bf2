"""What codes mean: as the MIS says, unless the school says otherwise (R15)."""

import datetime
from typing import Any

import pytest

from attendance.models import Code, Mark, MarkChange, Meaning
from attendance.operations import codes, marks
from attendance.queries import codes as asked
from tenants import scope
from tenants.models import AuditEvent, School
from tests.attendance.test_marks import DAY, MORNING, NOON, ana, said, told
from tests.conftest import Person
from users.models import Student

__all__ = ["ana"]  # a fixture

LATER = NOON + datetime.timedelta(hours=1)


def test_a_code_that_nobody_explains_is_kept_as_it_is(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "F", Meaning.UNKNOWN, label="Feria")], run=1, at=MORNING)
        marks.take_in(marks=[said(ana, "F", Meaning.UNKNOWN, label="Feria")], run=2, at=NOON)
        code = Code.objects.get()
        assert (code.code, code.label, code.said, code.holds, code.first_seen_at) == (
            *("F", "Feria", "unknown", "unknown"),
            MORNING,
        )
        assert Mark.objects.get().meaning == "unknown"
        assert asked.unexplained() == 1


def test_the_schools_word_holds_for_marks_that_are_there_and_for_those_to_come(
    northgate: School, ana: Student, rhea: Person
) -> None:
    tomorrow = said(ana, "F", Meaning.UNKNOWN, date=DAY + datetime.timedelta(1))
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "F", Meaning.UNKNOWN), said(ana, session="pm")], run=1, at=MORNING)
        assert codes.say(code="F", meaning="excused", by=rhea.account.pk, at=NOON) == 1
        marks.take_in(marks=[tomorrow], run=2, at=LATER)
        first = Mark.objects.get(date=DAY, session="am")
        assert (first.said, first.meaning, first.changed_at, first.fetched_at, first.run) == (
            *("unknown", "excused", NOON, MORNING),
            1,
        )
        assert told(first) == [(None, "F", "F", "unknown", "excused")]
        assert Mark.objects.get(date=tomorrow.date).meaning == "excused"
        assert Mark.objects.get(session="pm").meaning == "absent"
        assert asked.unexplained() == 0
        line = AuditEvent.objects.get(action="attendance.code")
        assert (line.actor_id, line.reason, line.subject) == (
            *(rhea.account.pk, "excused"),
            f"code:{Code.objects.get(code='F').pk}",
        )


def test_taking_it_back_lets_the_mis_speak_again(northgate: School, ana: Student, rhea: Person) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "V", Meaning.ELSEWHERE)], run=1, at=MORNING)
        codes.say(code="V", meaning="absent", by=rhea.account.pk, at=NOON)
        assert codes.unsay(code="V", by=rhea.account.pk, at=LATER) == 1
        code, mark = Code.objects.get(), Mark.objects.get()
        assert (code.meaning, code.decided_at, code.decided_by) == ("", None, None)
        assert mark.meaning == "elsewhere"
        assert [line[-2:] for line in told(mark)] == [("elsewhere", "absent"), ("absent", "elsewhere")]
        assert codes.unsay(code="V", by=rhea.account.pk, at=LATER) == 0
        assert AuditEvent.objects.filter(action="attendance.code").count() == 2


def test_saying_the_same_again_changes_nothing(northgate: School, ana: Student, rhea: Person) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "F", Meaning.UNKNOWN)], run=1, at=MORNING)
        codes.say(code="F", meaning="late", by=rhea.account.pk, at=NOON)
        assert codes.say(code="F", meaning="late", by=rhea.account.pk, at=LATER) == 0
        assert Code.objects.get().decided_at == NOON
        assert MarkChange.objects.count() == 1


def test_a_code_can_only_mean_something(northgate: School, ana: Student, rhea: Person) -> None:
    untaken = said(ana, "-", Meaning.NOT_TAKEN, session="pm")
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana), untaken], run=1, at=MORNING)
        for meaning in ("unknown", "not taken", "", "gone fishing"):
            with pytest.raises(codes.UnableToSay):
                codes.say(code="N", meaning=meaning, by=rhea.account.pk, at=NOON)
        with pytest.raises(codes.UnableToSay, match="not taken"):
            codes.say(code="-", meaning="present", by=rhea.account.pk, at=NOON)
        with pytest.raises(codes.UnknownCode):
            codes.say(code="Q", meaning="present", by=rhea.account.pk, at=NOON)
        assert not MarkChange.objects.exists()


def test_a_mark_of_a_register_not_taken_is_never_explained_away(northgate: School, ana: Student, rhea: Person) -> None:
    """A file may say “not taken” by a code that it leaves unexplained elsewhere."""
    both = [said(ana, "X", Meaning.UNKNOWN), said(ana, "X", Meaning.NOT_TAKEN, session="pm")]
    with scope.school(northgate.pk):
        marks.take_in(marks=both, run=1, at=MORNING)
        codes.say(code="X", meaning="present", by=rhea.account.pk, at=NOON)
        marks.take_in(marks=both, run=2, at=LATER)
        assert dict(Mark.objects.values_list("session", "meaning")) == {"am": "present", "pm": "not taken"}


def test_what_the_mis_says_now_of_a_code_is_noted(northgate: School, ana: Student) -> None:
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "F", Meaning.UNKNOWN)], run=1, at=MORNING)
        marks.take_in(marks=[said(ana, "F", Meaning.EXCUSED, label="Feria")], run=2, at=NOON)
        code = Code.objects.get()
        assert (code.said, code.label, code.first_seen_at) == ("excused", "Feria", MORNING)
        assert told(Mark.objects.get()) == [(2, "F", "F", "unknown", "excused")]


def test_the_list_shows_first_what_nobody_has_explained(
    northgate: School, himal: School, ana: Student, gita: Student, django_assert_num_queries: Any
) -> None:
    with scope.school(himal.pk):
        marks.take_in(marks=[said(gita, "A", Meaning.UNKNOWN)], run=1, at=MORNING)
    lessons = [said(ana, "Z", Meaning.UNKNOWN, session="lesson", lesson=str(number)) for number in range(3)]
    with scope.school(northgate.pk):
        marks.take_in(marks=[said(ana, "B", Meaning.ELSEWHERE), *lessons], run=1, at=MORNING)
        with django_assert_num_queries(1):
            found: list[Any] = list(asked.codes())
            assert [(code.code, code.number) for code in found] == [("Z", 3), ("B", 1)]
        assert asked.unexplained() == 1
    with scope.school(himal.pk):
        assert asked.code(Code.objects.get().pk)
