"""Marks from attendance.csv: our own template, or the drop format beside OneRoster, which knows no attendance."""

import contextlib
import datetime
import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from sync.connectors.csv_files.cells import CellError, day, text
from sync.connectors.csv_files.foreign import Line, Listing, Names
from sync.connectors.csv_files.table import Source
from sync.errors import Doubtful
from sync.records import NOT_SHARED, Mark, MarkRecord, Meaning, Remark, Session, Text, UnreadableMark
from sync.spool import Spool

STEM: Final = "attendance"

# The first name of each is our template's; the second that of the drop format.
_COLUMNS: Final[Names] = {
    "student": ("student_ref", "usersourcedid", "student_id", "pupil_id"),
    "date": ("date", "attendance_date"),
    "session": ("session",),
    "code": ("code", "mark"),
    "meaning": ("meaning", "category"),
    "minutes_late": ("minutes_late",),
    "lesson": ("lesson", "classsourcedid"),
    "label": ("label",),
    "recorded_at": ("recorded_at", "recordedat"),
    "status": ("status",),
}
_NEEDED: Final = ("student", "date", "code")
_SESSIONS: Final = {**{each.value: each for each in Session}, "period": Session.LESSON}
_MEANINGS: Final = {each.value: each for each in Meaning} | {"tardy": Meaning.LATE}
_COUNT: Final = re.compile(r"[0-9]{1,4}")
_DELETED: Final = frozenset({"tobedeleted", "inactive"})
_TWICE: Final = (
    "the same student, date, session and lesson appear twice with different marks; keep the one that is right."
)


class Told(msgspec.Struct, frozen=True):
    """One mark on disk: all of it but the date, which is the day that was asked for."""

    student: str
    session: Session
    code: str
    meaning: Meaning
    lesson: str
    label: str | None
    minutes_late: int | None
    recorded_at: datetime.datetime | None


def marks(
    sources: Iterable[Source], *, date: datetime.date, order: str, room: contextlib.ExitStack
) -> Iterator[MarkRecord]:
    """Yield the marks of one day. A row that is missing means that nothing was recorded, never that somebody was there.

    Raises:
        Broken: the file is damaged, or lacks a column.
        Doubtful: there are several files.
    """
    found = [each for each in sources if each.stem.startswith(STEM)]
    if len(found) > 1:
        raise Doubtful(f"There are {len(found)} lists of attendance. Keep one of them; nothing was changed.")
    if not found:
        yield Remark(text="There is no attendance.csv, so there are no marks of this day.")
        return
    (source,) = found
    listing = Listing(source, _COLUMNS, needed=_NEEDED)
    yield from (Remark(text=text) for text in listing.remarks)
    told = room.enter_context(Spool(Told))
    withdrawn = 0
    for line in listing.lines():
        try:
            if _date(line, order=order) != date:
                continue
            if line.word("status") in _DELETED:
                withdrawn += 1
            else:
                mark = _told(line)
                told.put(f"{mark.student}\0{mark.session}\0{mark.lesson}", mark)
        except CellError as fault:
            yield UnreadableMark(student_ref=line.ref("student"), reason=str(fault), place=line.place)
    for key in told.torn():
        yield UnreadableMark(student_ref=key.partition("\0")[0], reason=_TWICE, place=source.name)
    yield from (_mark(each, listing, date=date) for each in told.rows())
    if withdrawn:
        yield Remark(
            text=f"{source.name}: {withdrawn} marks are withdrawn; what we hold of them stays until a new one."
        )


def _date(line: Line, *, order: str) -> datetime.date:
    if line.fault:
        raise CellError(line.fault)
    found = day(line.ref("date"), field="date", order=order)
    if found is None:
        raise CellError("date is blank.")
    return found


def _told(line: Line) -> Told:
    student = line.ref("student")
    if not student:
        raise CellError("student_ref is blank: without it nobody can tell whose mark this is.")
    session, lesson = _session(line)
    code = line.ref("code")
    return Told(
        student=student,
        session=session,
        code=code,
        meaning=_meaning(line, code=code),
        lesson=lesson,
        label=label if isinstance(label := line.text("label"), str) else None,
        minutes_late=_minutes(line),
        recorded_at=_moment(line),
    )


def _session(line: Line) -> tuple[Session, str]:
    """Return the part of the day, and the lesson if it is one; the name of a period is a lesson's name."""
    word, lesson = line.word("session"), line.ref("lesson")
    if not word:
        return (Session.LESSON, lesson) if lesson else (Session.DAY, "")
    session = _SESSIONS.get(word, Session.LESSON)
    if session is not Session.LESSON:
        return session, ""
    named = "" if word in _SESSIONS else line.ref("session")
    if not lesson and not named:
        raise CellError("session is a lesson, but lesson is blank.")
    return session, "/".join(filter(None, (lesson, named)))


def _meaning(line: Line, *, code: str) -> Meaning:
    """Return what a mark means as far as the file says so: a code alone is never guessed at."""
    word = " ".join(line.word("meaning").replace("_", " ").split())
    if not word:
        return Meaning.UNKNOWN if code else Meaning.NOT_TAKEN
    if word not in _MEANINGS:
        raise CellError(f"meaning is none of: {', '.join(Meaning)}.")
    return _MEANINGS[word]


def _minutes(line: Line) -> int | None:
    written = line.ref("minutes_late")
    if written and not _COUNT.fullmatch(written):
        raise CellError("minutes_late is not a whole number.")
    return int(written) if written else None


def _moment(line: Line) -> datetime.datetime | None:
    """Return when a mark was made; a moment without a time zone could be any of many, so it is none."""
    try:
        moment = datetime.datetime.fromisoformat(line.ref("recorded_at"))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _mark(told: Told, listing: Listing, *, date: datetime.date) -> Mark:
    return Mark(
        student_ref=told.student,
        date=date,
        session=told.session,
        code=told.code,
        meaning=told.meaning,
        lesson=told.lesson,
        label=_shared(told.label),
        minutes_late=told.minutes_late if listing.has("minutes_late") else NOT_SHARED,
        recorded_at=told.recorded_at if listing.has("recorded_at") else NOT_SHARED,
    )


def _shared(said: str | None) -> Text:
    return NOT_SHARED if said is None else text(said)
