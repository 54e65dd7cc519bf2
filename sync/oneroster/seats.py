"""What an enrollment says: who sits in a class and who teaches it, and whether that is over."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Final, Self

from sync.oneroster.wire import Class, Enrollment, Session, day, word
from sync.records import Kind

SEATS: Final = (Kind.ENROLMENTS, Kind.TEACHING)
# The others look after a class, or are family of somebody in it: they neither sit in it nor teach it.
_KINDS: Final[Mapping[str, tuple[Kind, ...]]] = {
    "student": (Kind.ENROLMENTS,),
    "teacher": (Kind.TEACHING,),
    **dict.fromkeys(("administrator", "proctor", "aide", "parent", "guardian", "relative"), ()),
}
_WEST: Final = datetime.timedelta(hours=-12)  # the last place on Earth where a day ends
_EAST: Final = datetime.timedelta(hours=14)  # the first where it begins
_GRACE: Final = datetime.timedelta(days=7)
_NO_ENDS: Final = "It does not say which class or which user it is of."
_NO_ROLE: Final = "Its role is none that OneRoster knows; correct it in the MIS."


def kinds_of(row: Enrollment) -> tuple[Kind, ...]:
    """Return what an enrollment is: a seat, teaching, neither, or either where its role is not known."""
    return _KINDS.get(word(row.role), SEATS)


def lack_of(row: Enrollment) -> str:
    """Return why an enrollment cannot be used, "" if it can. It needs no identity of its own: its two ends are one."""
    if row.fault:
        return row.fault
    if not (row.class_ref and row.user_ref):
        return _NO_ENDS
    return "" if word(row.role) in _KINDS else _NO_ROLE


@dataclasses.dataclass(frozen=True)
class Calendar:
    """The moment of the run, and the last day of each term or school year that is known.

    No time zone is asked for: what is over, is over everywhere on Earth, and what has begun, somewhere. A feed may so
    be a day late in dropping a seat, and is never early.
    """

    now: datetime.datetime
    ends: Mapping[str, datetime.date]

    @classmethod
    def of(cls, sessions: Iterable[Session], *, now: datetime.datetime) -> Self:
        """Make one of the academic sessions; one without a readable end is not known."""
        return cls(now, {row.ref: end for row in sessions if not row.is_gone and (end := _end(row))})

    def is_over(self, row: Enrollment, room: Class | None) -> bool:
        """Whether a seat is not taken yet, or no longer; `room` is its class, if that is listed.

        A seat that ends with its class does not end by its date, for in the holidays every seat would: it ends when the
        service no longer lists it. A week is allowed for, because feeds disagree on what the last day is.

        Raises:
            ValueError: a date cannot be read; the message does not quote it.
        """
        begin, end = day(row.begin_date), day(row.end_date)
        if isinstance(begin, datetime.date) and begin > (self.now + _EAST).date():
            return True
        if not isinstance(end, datetime.date) or end >= (self.now + _WEST).date():
            return False
        last = self._last_day(room)
        return last is None or end < last - _GRACE

    def _last_day(self, room: Class | None) -> datetime.date | None:
        """Return the last day of the last term of a class; None unless all its terms are known."""
        terms = [self.ends.get(term.ref) for term in (room.terms if room else None) or ()]
        known = [end for end in terms if end]
        return max(known) if known and len(known) == len(terms) else None


def _end(row: Session) -> datetime.date | None:
    try:
        end = day(row.end_date)
    except ValueError:
        return None
    return end if isinstance(end, datetime.date) else None
