"""What was measured, as tables a person reads: ratios to the limit, and what was written and held."""

import statistics
from collections.abc import Callable, Mapping
from typing import Final

from tests.bench.engine import Measured

NIGHTS: Final = ("first night", "unchanged", "unchanged again", "about 1 % changed")
_WIDTH: Final = 18
_MEGA: Final = 1_000_000

Found = Mapping[str, list[list[Measured]]]  # by engine, for each round the nights


def table(found: Found) -> None:
    """Print all of it; the engine `limit` must be in it."""
    _ratios(found, "seconds, reading included", lambda night: night.seconds)
    _ratios(found, "seconds, without reading", lambda night: night.seconds - night.reading)
    _values(found, "rows written (+ its books)", lambda night: f"{night.rows:,} (+{night.books:,})")
    _values(found, "WAL, MB", lambda night: f"{night.wal / _MEGA:.2f}")
    _head("peak memory, MB", found)
    peaks = {
        engine: max(night.peak for nights in rounds for night in nights) / 1024 for engine, rounds in found.items()
    }
    idle = {engine: rounds[0][0].idle / 1024 for engine, rounds in found.items()}
    _line("all nights", [f"{peak:.0f} ({peak / peaks['limit']:.1f}×)" for peak in peaks.values()])
    _line("before the first", [f"{memory:.0f}" for memory in idle.values()])


def _ratios(found: Found, title: str, of: Callable[[Measured], float]) -> None:
    _head(title, found)
    for number, night in enumerate(NIGHTS):
        medians = {
            engine: statistics.median(of(nights[number]) for nights in rounds) for engine, rounds in found.items()
        }
        _line(night, [f"{seconds:.2f} ({seconds / medians['limit']:.1f}×)" for seconds in medians.values()])


def _values(found: Found, title: str, of: Callable[[Measured], str]) -> None:
    """Print what does not depend on the machine's mood: that of the last round."""
    _head(title, found)
    for number, name in enumerate(NIGHTS):
        _line(name, [of(rounds[-1][number]) for rounds in found.values()])


def _head(title: str, found: Found) -> None:
    print()
    _line(title, list(found))


def _line(name: str, cells: list[str]) -> None:
    print(f"{name:<28}" + "".join(f"{cell:>{_WIDTH}}" for cell in cells), flush=True)
