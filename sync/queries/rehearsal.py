"""A rehearsal of the clock: when the runs of some days would be due in a zone, across its clock changes (R10, R11).

Pure: it asks `sync.clock`, as the dispatcher does, and never the time.
"""

import datetime
import itertools
import zoneinfo
from collections.abc import Iterator
from typing import Final

import msgspec

from sync import clock
from sync.sentences import day as say_day

AROUND: Final = 3  # days before and behind the one that was asked for
USUAL: Final = 120  # minutes of a night
_DAY: Final = datetime.timedelta(days=1)
_HOUR: Final = datetime.timedelta(hours=1)
_MINUTE: Final = datetime.timedelta(minutes=1)


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Clocks that are put forward or back: at which instant, and what they show before and after (naive)."""

    at: datetime.datetime
    before: datetime.datetime
    after: datetime.datetime

    @property
    def date(self) -> datetime.date:
        """The date it belongs to: the earlier one if clocks go across midnight, or leave a date out."""
        return min(self.before, self.after).date()

    def say(self) -> str:
        """Say it: “Clocks go forward from 01:00 to 02:00 on 29 March”."""
        way = "forward" if self.after > self.before else "back"
        if self.before.date() == self.after.date():
            return f"Clocks go {way} from {self.before:%H:%M} to {self.after:%H:%M} on {_date(self.before)}"
        return f"Clocks go {way} from {_point(self.before)} to {_point(self.after)}"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One daily run: the instant it is due (UTC), and the same in the zone's own time."""

    slot: clock.Slot
    at: datetime.datetime
    local: datetime.datetime

    @property
    def words(self) -> str:
        """Say the local time and how far it is from UTC: “01:00:00 (UTC+01:00)”."""
        offset = f"{self.local:%z}"
        return f"{self.local:%H:%M:%S} (UTC{offset[:3]}:{offset[3:5]})"


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One date of a zone's calendar; without a night, and without runs, if the zone leaves the date out.

    `night` is where runs begin, `minutes` how long clocks really show 01:00 to 03:00: that may go on behind it.
    """

    date: datetime.date
    night: tuple[datetime.datetime, datetime.datetime] | None
    minutes: int
    moments: tuple[Moment, ...]
    turns: tuple[Turn, ...]

    @property
    def again(self) -> int:
        """How many of its minutes come once more when the night is over."""
        return self.minutes - round((self.night[1] - self.night[0]) / _MINUTE) if self.night else 0

    @property
    def remark(self) -> str:
        """Say what is unusual about it, "" if nothing is."""
        turns = "; ".join(turn.say() for turn in self.turns)
        if self.night is None:
            return f"{turns or 'Clocks skip this date'}: this date does not exist, and nothing is due."
        if not self.minutes:
            return f"{turns}: this night has no minute between 01:00 and 03:00, so its run is due as the gap ends."
        if self.minutes != USUAL:
            again = f", {self.again} of them again once 03:00 was reached; nothing is due twice" if self.again else ""
            return f"{turns}: this night is {self.minutes} minutes long{again}."
        return f"{turns}; the night is {self.minutes} minutes long, as ever." if turns else ""


def rehearse(timing: clock.Timing, date: datetime.date, *, around: int = AROUND) -> tuple[Day, ...]:
    """Return the days around a date, in order."""
    dates = [date + number * _DAY for number in range(-around, around + 1)]
    turns = list(_turns(timing.zone, dates[0] - _DAY, dates[-1] + 2 * _DAY))
    return tuple(_day(timing, each, turns) for each in dates)


def _day(timing: clock.Timing, date: datetime.date, turns: list[Turn]) -> Day:
    local = zoneinfo.ZoneInfo(timing.zone)
    due = {slot: at for slot in clock.Slot if (at := clock.due_at(timing, slot, date))}
    night = clock.night(timing.zone, date)
    return Day(
        date=date,
        night=night,
        minutes=round(_length(local, date, night[0], turns) / _MINUTE) if night else 0,
        moments=tuple(Moment(slot=slot, at=at, local=at.astimezone(local)) for slot, at in due.items()),
        turns=tuple(turn for turn in turns if turn.date == date),
    )


def _length(
    local: zoneinfo.ZoneInfo, date: datetime.date, begins: datetime.datetime, turns: list[Turn]
) -> datetime.timedelta:
    """Return how long the clocks of a zone show 01:00 to 03:00 of a date, each coming of it (R11)."""
    until = begins + _DAY
    pieces = [begins, *(turn.at for turn in turns if begins < turn.at < until), until]
    length = datetime.timedelta()
    for first, last in itertools.pairwise(pieces):
        shift = _offset(first, local)  # one and the same until the next clock change
        opens, closes = (
            datetime.datetime.combine(date, wall, tzinfo=datetime.UTC) - shift
            for wall in (clock.NIGHT_BEGINS, clock.NIGHT_ENDS)
        )
        length += max(min(closes, last) - max(opens, first), datetime.timedelta())
    return length


def _turns(zone: str, first: datetime.date, last: datetime.date) -> Iterator[Turn]:
    """Yield the clock changes of a zone between two dates, to the second."""
    local = zoneinfo.ZoneInfo(zone)
    at = datetime.datetime.combine(first, datetime.time(), tzinfo=datetime.UTC)
    until = datetime.datetime.combine(last, datetime.time(), tzinfo=datetime.UTC)
    while at < until:
        then = at + _HOUR
        if _offset(at, local) != _offset(then, local):
            yield _turn(at, then, local)
        at = then


def _turn(before: datetime.datetime, after: datetime.datetime, local: zoneinfo.ZoneInfo) -> Turn:
    was, becomes = _offset(before, local), _offset(after, local)
    while after - before > datetime.timedelta(seconds=1):
        middle = before + (after - before) // 2
        if _offset(middle, local) == was:
            before = middle
        else:
            after = middle
    at = after.replace(microsecond=0)
    return Turn(at=at, before=(at + was).replace(tzinfo=None), after=(at + becomes).replace(tzinfo=None))


def _offset(at: datetime.datetime, local: zoneinfo.ZoneInfo) -> datetime.timedelta:
    return at.astimezone(local).utcoffset() or datetime.timedelta()


def _date(at: datetime.datetime) -> str:
    return say_day(at.date().isoformat())


def _point(at: datetime.datetime) -> str:
    return f"{at:%H:%M} on {_date(at)}"
