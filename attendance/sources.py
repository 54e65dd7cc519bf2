"""What the sources say of one student's day, side by side, and what it comes to (R16, R81). Pure: values in and out.

The sources are the MIS's marks and the reports of guardians, and the registers of activities once there are any. None
is changed by another. What they come to together is said anew each time; only a monitor's word on it is kept, with the
`facts` that it was about.
"""

import dataclasses
import datetime
import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from attendance.models import AWAY, THERE, AbsenceReport, Meaning, Session

Reported = AbsenceReport.Part


class Part(enum.StrEnum):
    """A part of a school day. Lessons are one of their own: a MIS does not say in which half a lesson lies."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    LESSONS = "lessons"


class Verdict(enum.StrEnum):
    """What the sources come to, the most urgent first; what is known comes before what is still awaited."""

    UNREPORTED = "unreported"
    CONTRADICTION = "contradiction"
    UNKNOWN = "unknown"
    RETURNED = "returned"
    REPORTED = "reported"
    EXCUSED = "excused"
    AWAITED = "awaited"
    LATE = "late"
    NOT_TAKEN = "not-taken"
    CLEAR = "clear"
    NOTHING = "nothing"

    @property
    def rank(self) -> int:
        """How urgent it is, 0 the most."""
        return _RANKS[self]

    @property
    def label(self) -> str:
        """What a page calls it."""
        return _LABELS[self]

    @property
    def needs_a_look(self) -> bool:
        """Whether somebody should find out more."""
        return self.rank <= Verdict.RETURNED.rank


_RANKS: Final = {verdict: rank for rank, verdict in enumerate(Verdict)}
_LABELS: Final[Mapping[Verdict, str]] = {
    Verdict.UNREPORTED: "absent, nobody told us",
    Verdict.CONTRADICTION: "reported absent, but at school",
    Verdict.UNKNOWN: "unknown code",
    Verdict.RETURNED: "away at first, then at school",
    Verdict.REPORTED: "away, and reported",
    Verdict.EXCUSED: "away with leave",
    Verdict.AWAITED: "reported, register not taken yet",
    Verdict.LATE: "late",
    Verdict.NOT_TAKEN: "register not taken yet",
    Verdict.CLEAR: "nothing to look into",
    Verdict.NOTHING: "nothing known",
}

# What a mark comes to alone, and with a report for the same part of the day.
_VERDICTS: Final[Mapping[str, tuple[Verdict, Verdict]]] = {
    Meaning.ABSENT: (Verdict.UNREPORTED, Verdict.REPORTED),
    Meaning.EXCUSED: (Verdict.EXCUSED, Verdict.REPORTED),
    Meaning.NOT_EXPECTED: (Verdict.CLEAR, Verdict.REPORTED),
    Meaning.LATE: (Verdict.LATE, Verdict.RETURNED),
    Meaning.PRESENT: (Verdict.CLEAR, Verdict.CONTRADICTION),
    Meaning.ELSEWHERE: (Verdict.CLEAR, Verdict.CONTRADICTION),
    Meaning.UNKNOWN: (Verdict.UNKNOWN, Verdict.UNKNOWN),  # with a report as well: nobody knows what it says
    Meaning.NOT_TAKEN: (Verdict.NOT_TAKEN, Verdict.AWAITED),
    Meaning.UNCONFIRMED: (Verdict.NOT_TAKEN, Verdict.AWAITED),  # the MIS fills it in by itself: nobody has looked
}
_SEEN: Final = THERE | {Meaning.ELSEWHERE}  # somebody has seen them, or has them with them
_PARTS: Final[Mapping[str, frozenset[Part]]] = {
    Session.AM: frozenset({Part.MORNING}),
    Session.PM: frozenset({Part.AFTERNOON}),
    Session.DAY: frozenset({Part.MORNING, Part.AFTERNOON}),
    Session.LESSON: frozenset({Part.LESSONS}),
}
_WORDS: Final[Mapping[str, str]] = {
    Meaning.NOT_TAKEN: "register not taken yet",
    Meaning.UNCONFIRMED: "in, says the MIS by itself; nobody has looked",
    Meaning.PRESENT: "present",
    Meaning.LATE: "late",
    Meaning.ABSENT: "absent from school",
    Meaning.EXCUSED: "absent from school, with leave",
    Meaning.ELSEWHERE: "elsewhere on the school’s business",
    Meaning.NOT_EXPECTED: "not expected",
}
_SESSIONS: Final[Mapping[str, str]] = {
    Session.AM: "AM mark",
    Session.PM: "PM mark",
    Session.DAY: "mark of the day",
    Session.LESSON: "lesson mark",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """What one mark of the MIS says, and since when we know."""

    session: str
    meaning: str
    code: str
    fetched_at: datetime.datetime
    lesson: str = ""
    label: str = ""
    minutes_late: int | None = None

    @property
    def words(self) -> str:
        """What it says, in words; a code that nobody has explained is shown as it is (R15)."""
        if self.meaning == Meaning.UNKNOWN:
            named = f" ({self.label})" if self.label else ""
            return f"code “{self.code}”{named}: nobody has said what it means"
        words = _WORDS[self.meaning]
        return f"{words}, {self.minutes_late} minutes" if self.minutes_late and self.meaning == Meaning.LATE else words

    @property
    def source(self) -> str:
        """Which mark it is: “AM mark”."""
        return _SESSIONS[self.session]

    @property
    def is_away(self) -> bool:
        """Whether it says that they are not at school."""
        return self.meaning in AWAY

    @property
    def is_seen(self) -> bool:
        """Whether it says that somebody has seen them, or has them with them."""
        return self.meaning in _SEEN


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """A report that stands for the day: of the whole day or of a half; by a guardian, or by the school for nobody."""

    report: int
    part: str
    by_guardian: bool = True

    def covers(self, part: Part) -> bool:
        """Whether they may be away then by this report; a half may hold any lesson."""
        return part is Part.LESSONS or self.is_about(part)

    def is_about(self, part: Part) -> bool:
        """Whether they are certainly away then by this report."""
        return self.part in {Reported.DAY, part}

    @property
    def words(self) -> str:
        """What it says, in words."""
        return f"reported away by {'a guardian' if self.by_guardian else 'the school'}: {Reported(self.part).label}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class PartOfDay:
    """A part of a day: each source's word on it, and what they come to."""

    part: Part
    marks: tuple[Said, ...]
    reports: tuple[Told, ...]
    verdict: Verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Day:
    """One student's day: everything that was said, untouched, and what it comes to."""

    marks: tuple[Said, ...]
    reports: tuple[Told, ...]
    parts: tuple[PartOfDay, ...]
    verdict: Verdict
    facts: str

    @property
    def says_something(self) -> bool:
        """Whether whoever takes a register should be told something."""
        return self.verdict not in {Verdict.CLEAR, Verdict.NOTHING}


def day_of(marks: Iterable[Said], reports: Iterable[Told]) -> Day:
    """Put the marks of a student's day beside the reports that stand for it; the order of neither matters."""
    said = tuple(sorted(marks, key=lambda mark: (list(Session).index(Session(mark.session)), mark.lesson)))
    told = tuple(sorted(reports, key=lambda report: report.report))
    parts = tuple(_part(part, said, told) for part in Part)
    return Day(marks=said, reports=told, parts=parts, verdict=_whole(parts), facts=facts_of(said, told))


def facts_of(marks: Collection[Said], reports: Collection[Told]) -> str:
    """Return the digest of what is said: the same whenever it was fetched, another once something else is said."""
    said = sorted((mark.session, mark.lesson, mark.code, mark.meaning, mark.minutes_late or 0) for mark in marks)
    told = sorted((report.report, report.part) for report in reports)
    return hashlib.sha256(repr((said, told)).encode()).hexdigest()


def _part(part: Part, marks: tuple[Said, ...], reports: tuple[Told, ...]) -> PartOfDay:
    said = tuple(mark for mark in marks if part in _PARTS[mark.session])
    told = tuple(report for report in reports if report.covers(part))
    nothing = Verdict.AWAITED if told and part is not Part.LESSONS else Verdict.NOTHING
    verdict = min((_judged(mark, told, part) for mark in said), key=lambda one: one.rank, default=nothing)
    return PartOfDay(part=part, marks=said, reports=told, verdict=verdict)


def _judged(mark: Said, told: tuple[Told, ...], part: Part) -> Verdict:
    """Say what one mark comes to; who was seen in a lesson contradicts only what is certainly about that lesson."""
    alone, beside = _VERDICTS[mark.meaning]
    contested = any(report.is_about(part) for report in told) if mark.is_seen else bool(told)
    return beside if contested else alone


def _whole(parts: tuple[PartOfDay, ...]) -> Verdict:
    """Return the most urgent of the parts; who was away in the morning and is seen in the afternoon has come back."""
    by_part = {one.part: one for one in parts}
    away = any(mark.is_away for mark in by_part[Part.MORNING].marks)
    back = any(mark.is_seen for mark in by_part[Part.AFTERNOON].marks)
    found = [Verdict.RETURNED, by_part[Part.LESSONS].verdict] if away and back else [one.verdict for one in parts]
    return min(found, key=lambda one: one.rank)
