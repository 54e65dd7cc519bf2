"""Charts of stacked bars, one a day, drawn by the server: pure numbers in, coordinates of an SVG out."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Final

from attendance.queries.absences import DayCounts
from sync.queries.reports import Night
from sync.queries.tallies import Tally

WIDTH: Final = 632
HEIGHT: Final = 254
_FLOOR: Final = 226.0  # where the bars stand; the dates are below
_CEILING: Final = 20.0  # room for the number above the highest bar
_STEP: Final = 43
_BAR: Final = 22
_TOWERS: Final = 6  # how many times the second highest a bar must be to be cut
_THINNEST: Final = 1.4  # even one change can be seen


@dataclasses.dataclass(frozen=True, kw_only=True)
class Column:
    """What one bar is of: (key of its look, number) from the floor up."""

    date: datetime.date
    stack: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        """How high it is."""
        return sum(number for _, number in self.stack)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Segment:
    """One coloured piece of a bar."""

    key: str
    x: float
    y: float
    height: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bar:
    """One day."""

    label: str
    middle: float
    top: float
    total: int
    last: bool
    cut: bool  # higher than the frame: its number says how high
    segments: tuple[Segment, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the grid."""

    y: float
    number: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chart:
    """Everything the template draws, and the sentence a screen reader says."""

    width: int
    height: int
    floor: float
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    sentence: str


def chart(nights: Sequence[Night]) -> Chart:
    """Return the changes of these nights, oldest first."""
    return _drawn([Column(date=night.date, stack=_stack(night.tally)) for night in nights], _sentence(nights))


def absences(days: Sequence[DayCounts]) -> Chart:
    """Return who was away or late on these days, oldest first."""
    columns = [
        Column(date=day.date, stack=(("excused", day.excused), ("absent", day.absent), ("late", day.late)))
        for day in days
    ]
    return _drawn(columns, _sentence_of_absences(days))


def _drawn(columns: Sequence[Column], sentence: str) -> Chart:
    highest = _frame(sorted(column.total for column in columns))
    step = _round_step(highest)
    scale = (_FLOOR - _CEILING) / max(highest, 1)
    return Chart(
        width=WIDTH,
        height=HEIGHT,
        floor=_FLOOR,
        bars=tuple(_bar(place, column, scale, last=place == len(columns) - 1) for place, column in enumerate(columns)),
        lines=tuple(
            Line(y=round(_FLOOR - number * scale, 1), number=number) for number in range(step, highest + 1, step)
        ),
        sentence=sentence,
    )


def _frame(totals: Sequence[int]) -> int:
    """Return the number the frame ends at: one bar far above all others (a first import) is cut, or it hides them."""
    if len(totals) < 2 or totals[-1] <= _TOWERS * max(totals[-2], 1):
        return totals[-1] if totals else 0
    return 2 * max(totals[-2], 1)


def _bar(place: int, column: Column, scale: float, *, last: bool) -> Bar:
    x = 8 + place * _STEP
    segments = []
    y = _FLOOR
    total = column.total
    cut = total * scale > _FLOOR - _CEILING + 1
    scale = min(scale, (_FLOOR - _CEILING) / max(total, 1))
    for key, number in column.stack:
        if not number:
            continue
        height = max(number * scale, _THINNEST + 1.2)
        y -= height
        segments.append(Segment(key=key, x=x, y=round(y, 1), height=round(height - 1.2, 1)))
    return Bar(
        label=str(column.date.day),
        middle=x + _BAR / 2,
        top=round(y - 5, 1),
        total=total,
        last=last,
        cut=cut,
        segments=tuple(segments),
    )


def _stack(tally: Tally) -> tuple[tuple[str, int], ...]:
    """Return the pieces of a night from the floor up."""
    return (("upd", tally.updated), ("add", tally.added), ("left", tally.gone), ("held", tally.held))


def _round_step(highest: int) -> int:
    """Return a round distance that gives about four lines."""
    for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000):
        if highest <= step * 5:
            return step
    return max(highest // 4, 1)


def _sentence(nights: Sequence[Night]) -> str:
    if not nights:
        return "No run has finished yet"
    first, last = nights[0].date, nights[-1].date
    return (
        f"Stacked bars: changes per run from {first.day} {first:%B} to {last.day} {last:%B}; "
        f"{nights[-1].tally.total} in the last one"
    )


def _sentence_of_absences(days: Sequence[DayCounts]) -> str:
    if not days:
        return "No day of school yet"
    first, last = days[0], days[-1]
    return (
        f"Stacked bars: students away or late from {first.date.day} {first.date:%B} to {last.date.day} "
        f"{last.date:%B}; {last.absent} absent, {last.excused} with leave and {last.late} late on the last day"
    )
