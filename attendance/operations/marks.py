"""Marks as the MIS says them come in here: added or corrected, never taken away (R15)."""

import datetime
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from django.db import transaction

from attendance.marking import Held, Key, Said, Sorted, by_key, sort
from attendance.models import AWAY, Mark, MarkChange
from attendance.operations import codes
from tenants import bulk
from users.operations import turns


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """How many marks were new, said otherwise than before, said the same, or were older than what is held.

    `absent` are changes to “not at school”, `withdrawn` changes from it (R15); `meanings` counts by what holds now.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    older: int = 0
    absent: int = 0
    withdrawn: int = 0
    meanings: Mapping[str, int] = msgspec.field(default_factory=dict)


@transaction.atomic
def take_in(*, marks: Sequence[Said], run: int, at: datetime.datetime) -> Taken:
    """Take in marks that a run fetched `at` a moment; what is held and is not among them stays as it is.

    What is fresher than that moment stays as well: marks that had to wait never write over later ones.

    Raises:
        ToldTwice: two of them are of one student, date, session and lesson.
    """
    if not (told := by_key(marks)):
        return Taken()
    turns.wait(turns.ATTENDANCE)
    means = codes.keep(marks=marks, at=at)
    found = sort(told, _held(told), means, at=at)
    _add(found, run=run, at=at)
    _note(found, run=run, at=at)
    _amend(found, run=run, at=at)
    return _taken(found)


_SAYS: Final = ("code", "said", "meaning", "label", "minutes_late", "recorded_at")
_NEW: Final = ("student_id", "date", "session", "lesson", *_SAYS, "first_fetched_at", "fetched_at", "changed_at", "run")


def _held(told: Mapping[Key, Said]) -> dict[Key, Held]:
    """Return what is held of the same students on the same days; one query."""
    students, days = {key[0] for key in told}, {key[1] for key in told}
    found = Mark.objects.filter(date__in=days, student__in=students).order_by()
    rows = found.values_list("student_id", "date", "session", "lesson", *_HELD)
    return {
        (student, date, session, lesson): Held(**dict(zip(_HELD, held, strict=True)))
        for student, date, session, lesson, *held in rows.iterator()
    }


_HELD: Final = Held.__struct_fields__


def _add(found: Sorted, *, run: int, at: datetime.datetime) -> None:
    bulk.insert(
        Mark,
        _NEW,
        ((*mark.key, *_says(mark, meaning), at, at, at, run) for mark, meaning in found.new),
    )


def _note(found: Sorted, *, run: int, at: datetime.datetime) -> None:
    """Keep what the marks said before."""
    bulk.insert(
        MarkChange,
        codes.CHANGE,
        (
            (was.id, at, run, was.code, mark.code, was.meaning, meaning, was.minutes_late, mark.minutes_late)
            for was, mark, meaning in found.changed
        ),
    )


def _amend(found: Sorted, *, run: int, at: datetime.datetime) -> None:
    """Set what the marks say now, and their age."""
    changed = ((was.id, *_says(mark, meaning), at, at, run) for was, mark, meaning in found.changed)
    same = ((was.id, *_says(mark, meaning), at, was.changed_at, was.run) for was, mark, meaning in found.same)
    bulk.amend(Mark, ("id", *_SAYS, "fetched_at", "changed_at", "run"), (*changed, *same))


def _says(mark: Said, meaning: str) -> tuple[Any, ...]:
    return (mark.code, mark.said, meaning, mark.label, mark.minutes_late, mark.recorded_at)


def _taken(found: Sorted) -> Taken:
    now = [*(meaning for _, meaning in found.new), *(meaning for *_, meaning in (*found.changed, *found.same))]
    turned = [(was.meaning in AWAY, meaning in AWAY) for was, _mark, meaning in found.changed]
    return Taken(
        new=len(found.new),
        changed=len(found.changed),
        same=len(found.same),
        older=found.older,
        absent=turned.count((False, True)),
        withdrawn=turned.count((True, False)),
        meanings=Counter(now),
    )
