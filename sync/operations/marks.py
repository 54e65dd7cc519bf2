"""An attendance run: the marks of a few days, from the MIS to the room of attendance (R14, R15, R17).

Read between two scopes like a roster, but apart from it: it changes no person, takes no turn of theirs and pauses
nothing. All its days come in together or none does.
"""

import dataclasses
import datetime
import functools
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils import timezone

from attendance.operations import marks as held
from sync.connector import Connector
from sync.errors import Refused
from sync.models import Connection, Refusal, Run
from sync.operations import connections, parking, runs
from sync.operations.ends import Stages, end
from sync.operations.runs import watching
from sync.operations.stops import Stopped
from sync.pipeline.extract import whatever_fails
from sync.records import Mark, MarkRecord, Meaning, Remark, UnreadableMark
from tenants import scope
from tenants.models import School
from tenants.queries import school_day_before, why_no_school
from users.operations import turns

KIND: Final = "attendance"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Days:
    """The days that a run reads, the oldest first; `off` says why there is no school on its own day, "" if there is."""

    dates: tuple[datetime.date, ...]
    off: str


def perform(*, school: School, run: int, clock: runs.Clock = timezone.now) -> Run:
    """Carry a queued attendance run to its end; see `sync.operations.runs.perform`."""
    return runs.perform(school=school, run=run, clock=clock, carry=carry_out)


def carry_out(school: School, run: Run, link: Connection, clock: runs.Clock) -> Run:
    """Read the marks of a run's days and take them in."""
    stages = Stages()
    with scope.school(school.pk):
        days = _days(school, run.local_date)
    fetched = clock()  # before the first page, so that no mark is called fresher than it is
    came = {
        day: runs.pull(
            school, link, kind=f"{KIND}-{day}", at=fetched, read=functools.partial(_read, day=day), afresh=True
        )
        for day in days.dates
    }
    stages.done("extract", f"{sum(map(len, came.values()))} rows of {len(came)} days")
    watching.stage("comparing")
    with scope.school(school.pk):
        current = _locked(run)
        understood = _understand(came)
        done = _take_in(current, understood.marks, at=fetched)
        refused = [*understood.refused, *({"ref": ref, "reason": _TWO_IDS} for ref in done.torn)]
        Refusal.objects.bulk_create(Refusal(run=current, kind=KIND, **said) for said in refused)
        stages.done("apply", f"{done.taken.new} new, {done.taken.changed} changed")
        current.counts = {KIND: _counts(came, refused, done)}
        current.remarks = [*_off(days), *_nothing(came, run.local_date), *understood.remarks]
        current.stages = stages.rows
        return end(current, Run.Status.OK, clock())


def _days(school: School, date: datetime.date) -> Days:
    """Return the run's own day and the day of school before it, whose marks are put right until the next morning."""
    off, before = why_no_school(school, date), school_day_before(school, date)
    found = [*([before] if before else []), *([] if off else [date])]
    return Days(dates=tuple(found), off=off)


def _off(days: Days) -> list[str]:
    return [f"No marks are expected on this day: {days.off}."] if days.off else []


def _nothing(came: Mapping[datetime.date, Sequence[MarkRecord]], date: datetime.date) -> list[str]:
    """Say that a day's marks tell nothing of anybody; no day is told that was not asked for."""
    told = [record for record in came.get(date, ()) if isinstance(record, Mark | UnreadableMark)]
    day = f"{date:%A} {date.day} {date:%B}"
    if date in came and not told:
        return [f"No marks of {day} have come yet."]
    untaken = told and all(isinstance(one, Mark) and one.meaning is Meaning.NOT_TAKEN for one in told)
    return [f"No register of {day} was taken yet, so nobody is marked present or absent."] if untaken else []


def _read(connector: Connector, day: datetime.date) -> list[MarkRecord]:
    """Read one day.

    Raises:
        Refused, Busy, Slow, Doubtful: as the connector says.
        Broken: the connector says so, or fails in any other way.
    """
    found: list[MarkRecord] = []
    with whatever_fails(connector):
        for record in connector.attendance(day):
            found.append(record)
            watching.rows(len(found))
    return found


def _locked(run: Run) -> Run:
    """Wait for whoever else takes in or explains this school's marks, and return the run as it is then.

    Raises:
        Stopped: it is over, or another worker has taken it up.
        Refused: reading was paused or frozen while we read.
    """
    turns.wait(turns.ATTENDANCE)
    current: Run = Run.objects.get(pk=run.pk)
    if (current.status, current.attempts) != (run.status, run.attempts):
        raise Stopped
    if words := runs.barred(current, connections.active()):
        raise Refused(words)
    return current


# From what the MIS says to what can be taken in.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Understood:
    """What came: marks by the MIS's own refs, rows of what could not be used, and remarks on the whole."""

    marks: tuple[Mark, ...]
    refused: tuple[dict[str, str], ...]  # columns of `Refusal`
    remarks: tuple[str, ...]


_OTHER_DAY: Final = "This mark came with those of another day, so it was not taken."
_TWICE: Final = "Two different marks came for one session. Correct the register, so that there is one."
_TWO_IDS: Final = "Two ids of this student have different marks in one session. Give the student one id in the MIS."
_NOBODY: Final = "This mark names no student."
_UNFIT: Final = (
    "The student, the lesson or the code of this mark is too long, or holds a character that no text may hold."
)
_LONGEST: Final = 200  # characters of what an index holds, as in a roster
_NO_TEXT: Final = re.compile("[\x00\ud800-\udfff]")


def _understand(came: Mapping[datetime.date, Sequence[MarkRecord]]) -> Understood:
    usable: dict[tuple[Any, ...], list[Mark]] = defaultdict(list)
    refused: list[dict[str, str]] = []
    remarks: list[str] = []
    for day, records in came.items():
        for record in records:
            match record:
                case Mark() if fault := _fault(record, day):
                    refused.append({"ref": _ref(record), "reason": fault})
                case Mark():
                    usable[_key(record)].append(record)
                case UnreadableMark():
                    refused.append({"ref": _ref(record), "reason": record.reason, "place": record.place})
                case Remark():
                    remarks.append(record.text)
    once = [marks[0] for marks in usable.values() if _agree(marks)]
    refused += [{"ref": marks[0].student_ref, "reason": _TWICE} for marks in usable.values() if not _agree(marks)]
    return Understood(marks=tuple(once), refused=tuple(refused), remarks=tuple(dict.fromkeys(remarks)))


def _key(mark: Mark) -> tuple[Any, ...]:
    return (mark.student_ref, mark.date, mark.session, mark.lesson)


def _fault(mark: Mark, day: datetime.date) -> str:
    if mark.date != day:
        return _OTHER_DAY
    if not mark.student_ref.strip():
        return _NOBODY
    fits = all(len(text) <= _LONGEST for text in (mark.student_ref, mark.lesson, mark.code))
    texts = (mark.student_ref, mark.lesson, mark.code, parking.text(mark.label))
    return "" if fits and not any(map(_NO_TEXT.search, texts)) else _UNFIT


def _ref(mark: Mark | UnreadableMark) -> str:
    """Return what can be kept of whom a mark names."""
    return _NO_TEXT.sub("", mark.student_ref)[:_LONGEST]


def _agree(marks: Sequence[Mark]) -> bool:
    """Whether marks of one session say the same."""
    return len({(mark.code, mark.meaning, parking.minutes(mark)) for mark in marks}) == 1


# Taking in, and parking.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Done:
    """What became of the marks: those taken in, how many wait for their student, and ids that contradict each other."""

    taken: held.Taken
    parked: int
    torn: tuple[str, ...]


def _take_in(run: Run, marks: Sequence[Mark], *, at: datetime.datetime) -> Done:
    known = parking.owners({mark.student_ref for mark in marks}, generation=run.generation)
    ours = [
        (mark.student_ref, parking.said(mark, known[mark.student_ref])) for mark in marks if mark.student_ref in known
    ]
    once = parking.once(one for _, one in ours)
    strangers = [mark for mark in marks if mark.student_ref not in known]
    taken = held.take_in(marks=list(once.values()), run=run.pk, at=at)
    parking.park(strangers, generation=run.generation, run=run.pk, at=at)
    return Done(taken=taken, parked=len(strangers), torn=tuple(ref for ref, one in ours if one.key not in once))


def _counts(came: Mapping[datetime.date, Sequence[MarkRecord]], refused: Sequence[Any], done: Done) -> dict[str, Any]:
    """Return what the page of a run shows: {rows, new, changed, same, absent, withdrawn, parked, refused, meanings}."""
    rows = sum(isinstance(record, Mark | UnreadableMark) for records in came.values() for record in records)
    taken = done.taken
    return {
        "rows": rows,
        "new": taken.new,
        "changed": taken.changed,
        "same": taken.same,
        "absent": taken.absent,
        "withdrawn": taken.withdrawn,
        "parked": done.parked,
        "refused": len(refused),
        "meanings": dict(Counter(taken.meanings)),
    }
