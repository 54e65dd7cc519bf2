"""Whose marks came, and where those wait whose student we do not know, or are not sure of (R15, R23).

A mark is only ever given to a student whose id nothing speaks against. Ids live in `sync`, so marks wait here.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from attendance.marking import Key, Said
from attendance.operations import marks as held
from sync.models import Hold, MisIdentity, ParkedMark
from sync.pipeline.plan import Case
from sync.queries.holds import judged
from sync.records import Kind, Mark, NotShared
from tenants import bulk
from users.models import Student

KEPT: Final = datetime.timedelta(days=30)  # a mark of somebody whom no roster brings for so long waits in vain
LONGEST_LATE: Final = 24 * 60  # minutes; more is no lateness but a slip of the pen
_DOUBTED: Final = (Case.ID_REUSED, Case.IDS_SWAPPED, Case.NEW_ID, Case.ID_SCHEME)
_WHERE: Final = ("generation", "student_ref", "date", "session", "lesson")
_SAYS: Final = ("code", "said", "label", "minutes_late", "recorded_at")
_SAID: Final = ("date", "session", "lesson", *_SAYS)


def owners(refs: Iterable[str], *, generation: int) -> dict[str, int]:
    """Return whose ids these are, {ref: student}: of students who are here and whose id is not in doubt.

    Where a person has yet to say whether an id describes somebody else by now, a mark would go to a stranger.
    """
    found = MisIdentity.objects.filter(generation=generation, kind=Kind.STUDENTS.value, external_id__in=list(refs))
    here = found.exclude(student=None).exclude(student__status=Student.Status.LEFT)
    doubted = _doubted()
    return {ref: student for ref, student in here.values_list("external_id", "student_id") if ref not in doubted}


def _doubted() -> set[str]:
    holds = Hold.objects.filter(run=judged(), kind=Kind.STUDENTS.value, case__in=_DOUBTED)
    return {ref for refs in holds.values_list("refs", flat=True) for ref in refs}


def said(mark: Mark, student: int) -> Said:
    """Return a mark of the MIS as the room of attendance takes it."""
    return Said(
        student=student,
        date=mark.date,
        session=mark.session.value,
        lesson=mark.lesson,
        code=mark.code,
        said=mark.meaning.value,
        label=text(mark.label),
        minutes_late=minutes(mark),
        recorded_at=None if isinstance(mark.recorded_at, NotShared) else mark.recorded_at,
    )


def text(value: str | NotShared | None) -> str:
    """Return a text, "" where the MIS shares none."""
    return value if isinstance(value, str) else ""


def minutes(mark: Mark) -> int | None:
    """Return by how many minutes a student was late, None where that is not told or no lateness."""
    late = mark.minutes_late
    return late if isinstance(late, int) and 0 < late <= LONGEST_LATE else None


def once(marks: Iterable[Said]) -> dict[Key, Said]:
    """Return one mark for each session: a student may go by two ids for a while. Where they disagree there is none."""
    found: dict[Key, list[Said]] = defaultdict(list)
    for mark in marks:
        found[mark.key].append(mark)
    agree = {key: len({(one.code, one.said, one.minutes_late) for one in of}) == 1 for key, of in found.items()}
    return {key: of[0] for key, of in found.items() if agree[key]}


def park(marks: Sequence[Mark], *, generation: int, run: int, at: datetime.datetime) -> None:
    """Have these marks wait for their students; what is said later of the same session replaces what waits."""
    rows = [
        ParkedMark(generation=generation, student_ref=mark.student_ref, fetched_at=at, run=run, **_columns(mark))
        for mark in marks
    ]
    later = [*_SAYS, "fetched_at", "run"]
    ParkedMark.objects.bulk_create(rows, update_conflicts=True, unique_fields=["school", *_WHERE], update_fields=later)


def _columns(mark: Mark) -> dict[str, Any]:
    one = said(mark, student=0)
    return {name: getattr(one, name) for name in _SAID}


def unpark(*, generation: int, at: datetime.datetime) -> int:
    """Take in the marks whose students are known by now, each with its own age; return how many.

    Part of every roster run, in its transaction. What has waited for too long is dropped: whoever it is about is no
    student of ours.
    """
    if not ParkedMark.objects.exists():
        return 0
    ParkedMark.objects.filter(fetched_at__lt=at - KEPT).delete()
    waiting = ParkedMark.objects.filter(generation=generation)
    known = owners(waiting.values_list("student_ref", flat=True).distinct(), generation=generation)
    rows = list(waiting.filter(student_ref__in=list(known)).order_by("fetched_at", "id"))
    for (fetched, run), fetch in _by_fetch(rows).items():
        held.take_in(marks=list(once(_unparked(row, known) for row in fetch).values()), run=run, at=fetched)
    return bulk.delete(ParkedMark, [row.pk for row in rows])


def _by_fetch(rows: Iterable[ParkedMark]) -> Mapping[tuple[datetime.datetime, int], list[ParkedMark]]:
    """Return what each run fetched, in the order of the rows."""
    found: dict[tuple[datetime.datetime, int], list[ParkedMark]] = defaultdict(list)
    for row in rows:
        found[(row.fetched_at, row.run)].append(row)
    return found


def _unparked(row: ParkedMark, known: Mapping[str, int]) -> Said:
    return Said(student=known[row.student_ref], **{name: getattr(row, name) for name in _SAID})
