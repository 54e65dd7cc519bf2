"""The laws of taking marks in, with every school that Hypothesis can think of (R15)."""

import contextlib
import datetime
import random
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from attendance.marking import NOT_TAKEN, Said
from attendance.models import Code, Mark, Meaning
from attendance.operations import codes, marks
from tenants import scope
from tenants.models import School
from tests.factories import people

DAY = datetime.date(2026, 9, 14)
AT = datetime.datetime(2026, 9, 14, 8, 31, tzinfo=datetime.UTC)
CODES = ["", "N", "L", "Q7"]
Fetch = list[Said]

_mark = st.builds(
    Said,
    student=st.integers(0, 2),
    date=st.sampled_from([DAY, DAY + datetime.timedelta(1)]),
    session=st.sampled_from(["am", "pm"]),
    code=st.sampled_from(CODES),
    said=st.sampled_from(Meaning.values),
    label=st.sampled_from(["", "Late", "No reason"]),
    minutes_late=st.sampled_from([None, 5, 20]),
)
_fetch = st.lists(_mark, max_size=6, unique_by=lambda mark: mark.key)
_fetches = st.lists(_fetch, max_size=4)
_sayings = st.lists(st.tuples(st.sampled_from(CODES[1:]), st.sampled_from([*sorted(codes.CHOICES), ""])), max_size=2)
law = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def pupils(northgate: School) -> list[int]:
    with scope.school(northgate.pk):
        return [people.student(f"Child Number{number}").pk for number in range(3)]


def tried(school: School, pupils: list[int], steps: list[tuple[int, Any]]) -> tuple[Any, Any, list[str]]:
    """Take steps (hours later, fetch or (code, meaning)); return marks, codes and whatever breaks a history."""
    with scope.school(school.pk), transaction.atomic():
        for hour, step in steps:
            _take(pupils, step, hour)
        found = (_marks(), _codes(), _broken())
        transaction.set_rollback(True)  # so that the next trial finds the school as it was
        return found


def _take(pupils: list[int], step: Any, hour: int) -> None:
    at = AT + datetime.timedelta(hours=hour)
    if isinstance(step, tuple):
        code, meaning = step
        with contextlib.suppress(codes.UnknownCode, codes.UnableToSay):
            codes.say(code=code, meaning=meaning, by=None, at=at) if meaning else codes.unsay(code=code, by=None, at=at)
    else:
        theirs = [_of(mark, pupils) for mark in step]
        marks.take_in(marks=theirs, run=hour + 1, at=at)


def _of(mark: Said, pupils: list[int]) -> Said:
    return Said(**{name: getattr(mark, name) for name in Said.__struct_fields__} | {"student": pupils[mark.student]})


_COLUMNS = [field.name for field in Mark._meta.fields if field.name not in {"id", "school"}]


def _marks() -> list[Any]:
    return sorted(Mark.objects.values_list(*_COLUMNS), key=repr)


def _codes() -> list[Any]:
    return sorted(Code.objects.values_list("code", "label", "said", "meaning", "first_seen_at"))


def _broken() -> list[str]:
    """Say what does not hold: each history leads, step by step, to the present, and no code is explained twice."""
    return [fault for mark in Mark.objects.prefetch_related("changes") for fault in _faults(mark)]


def _faults(mark: Mark) -> list[str]:
    steps = list(mark.changes.all())
    was = [(step.old_code, step.old_meaning, step.old_minutes) for step in steps]
    now = [(step.new_code, step.new_meaning, step.new_minutes) for step in steps]
    told = Code.objects.filter(code=mark.code).values_list("meaning", flat=True).first()
    holds = mark.said if mark.said == NOT_TAKEN else told or mark.said
    return [
        *(["a gap"] if was[1:] != now[:-1] else []),
        *(["another present"] if now and now[-1] != (mark.code, mark.meaning, mark.minutes_late) else []),
        *(["a step that is none"] if any(old == new for old, new in zip(was, now, strict=True)) else []),
        *(["an age before its change"] if not mark.first_fetched_at <= mark.changed_at else []),
        *(["another meaning than in force"] if mark.meaning != holds else []),
    ]


@law
@given(fetches=_fetches, sayings=_sayings, dice=st.randoms(use_true_random=False))
def test_history_replays_to_the_present_and_what_is_in_force_holds(
    northgate: School, pupils: list[int], fetches: list[Fetch], sayings: list[Any], dice: random.Random
) -> None:
    steps = [*fetches, *sayings]
    dice.shuffle(steps)
    assert tried(northgate, pupils, list(enumerate(steps)))[2] == []


@law
@given(fetches=_fetches, dice=st.randoms(use_true_random=False))
def test_the_order_of_marks_never_matters(
    northgate: School, pupils: list[int], fetches: list[Fetch], dice: random.Random
) -> None:
    mixed = [dice.sample(fetch, len(fetch)) for fetch in fetches]
    once, other = (tried(northgate, pupils, list(enumerate(each))) for each in (fetches, mixed))
    assert once == other


@law
@given(fetches=_fetches, again=_fetch)
def test_twice_is_once(northgate: School, pupils: list[int], fetches: list[Fetch], again: Fetch) -> None:
    hour = len(fetches)
    steps = [*enumerate(fetches), (hour, again)]
    assert tried(northgate, pupils, [*steps, (hour, again)]) == tried(northgate, pupils, steps)


@law
@given(older=_fetch, newer=_fetch)
def test_what_comes_late_never_writes_over_what_is_fresher(
    northgate: School, pupils: list[int], older: Fetch, newer: Fetch
) -> None:
    """Marks that were parked come behind later ones; what they say of the rest counts all the same."""
    keys = {mark.key for mark in newer}
    in_turn, late = (tried(northgate, pupils, each)[0] for each in ([(0, older), (5, newer)], [(5, newer), (0, older)]))
    says = [*_COLUMNS[: _COLUMNS.index("recorded_at")], "fetched_at"]
    one, other = ([[row[_COLUMNS.index(name)] for name in says] for row in each] for each in (in_turn, late))
    assert one == other
    assert len(late) == len(keys | {mark.key for mark in older})
