"""Where things lie in the admin's pictures: numbers for SVG that a template only writes down. Pure."""

import dataclasses
import datetime
import math
from collections.abc import Callable, Sequence
from typing import Final

from sync import clock
from sync.queries.board import Hour
from sync.queries.rehearsal import Day

_HOUR: Final = datetime.timedelta(hours=1)

STRIP_HEIGHT: Final = 96  # of the highest bar
_BAR: Final = 40

ROW: Final = 30
_LEFT: Final = 136  # where the axis begins, behind the dates
_RIGHT: Final = 24  # half a label of its last hour
_WIDTH: Final = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """One hour: how high each part is, and where it begins, from the top."""

    x: int
    hour: Hour
    roster_y: float
    roster_height: float
    attendance_y: float
    attendance_height: float

    @property
    def total(self) -> int:
        """How many are due."""
        return self.hour.roster + self.hour.attendance

    @property
    def middle(self) -> int:
        """Where its label stands."""
        return self.x + _BAR // 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Strip:
    """How many schools are due in each hour, as bars."""

    bars: tuple[Bar, ...]

    @property
    def sentence(self) -> str:
        """Say the picture for those who do not see it."""
        busiest = max(self.bars, key=lambda bar: bar.total)
        if not busiest.total:
            return "No school is due in the next 24 hours."
        return f"The fullest hour of the next 24 begins at {busiest.hour.at:%H:%M} UTC, with {busiest.total:,} due."


def strip(hours: Sequence[Hour]) -> Strip:
    """Return the bars of these hours; the fullest hour fills the height."""
    most = max((hour.roster + hour.attendance for hour in hours), default=0) or 1
    return Strip(bars=tuple(_bar(place, hour, STRIP_HEIGHT / most) for place, hour in enumerate(hours)))


def _bar(place: int, hour: Hour, scale: float) -> Bar:
    roster, attendance = hour.roster * scale, hour.attendance * scale
    return Bar(
        x=place * _BAR,
        hour=hour,
        roster_y=STRIP_HEIGHT - roster,
        roster_height=roster,
        attendance_y=STRIP_HEIGHT - roster - attendance,
        attendance_height=attendance,
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tick:
    """One full hour of the axis, as UTC shows it."""

    x: float
    label: str
    is_midnight: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Spot:
    """Where one run lies, and what it is."""

    x: float
    slot: clock.Slot
    label: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One date: where its night lies, and its runs."""

    y: int
    day: Day
    night_x: float
    night_width: float
    spots: tuple[Spot, ...]
    asked: bool

    @property
    def middle(self) -> int:
        """Where its line is."""
        return self.y + ROW // 2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timeline:
    """The dates below one another on one axis of UTC, each from its own midnight, so that a shift is seen as one."""

    width: int
    height: int
    ticks: tuple[Tick, ...]
    rows: tuple[Row, ...]


def timeline(days: Sequence[Day], asked: datetime.date) -> Timeline:
    """Return the picture of a rehearsal."""
    seen = [_hours(day.date, at) for day in days for at in (*(day.night or ()), *(one.at for one in day.moments))]
    first, last = math.floor(min(seen, default=0)) - 1, math.ceil(max(seen, default=24)) + 1
    unit = (_WIDTH - _LEFT - _RIGHT) / (last - first)

    def x(hours: float) -> float:
        return _LEFT + (hours - first) * unit

    ticks = tuple(
        Tick(x=x(hour), label=f"{hour % 24:02}:00", is_midnight=hour % 24 == 0) for hour in range(first, last + 1)
    )
    rows = tuple(_row(place, day, x, asked) for place, day in enumerate(days))
    return Timeline(width=_WIDTH, height=ROW * len(days) + 2 * ROW, ticks=ticks, rows=rows)


def _row(place: int, day: Day, x: Callable[[float], float], asked: datetime.date) -> Row:
    night = [x(_hours(day.date, at)) for at in day.night or ()] or [0.0, 0.0]
    return Row(
        y=ROW + place * ROW,
        day=day,
        night_x=night[0],
        night_width=night[1] - night[0],
        spots=tuple(
            Spot(x=x(_hours(day.date, one.at)), slot=one.slot, label=f"{one.slot.value}, {one.at:%H:%M} UTC")
            for one in day.moments
        ),
        asked=day.date == asked,
    )


def _hours(date: datetime.date, at: datetime.datetime) -> float:
    """Return how many hours an instant lies behind the date's midnight in UTC."""
    return (at - datetime.datetime.combine(date, datetime.time(), tzinfo=datetime.UTC)) / _HOUR
