"""What a fleet showed, as tables a person reads, and what follows from it."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sync.http import PACE
from tests.bench.fleet_lag import Lag
from tests.bench.fleet_nights import MARKS_OF_A_DAY, Night

SCHOOLS: Final = 10_000
NIGHT: Final = 2 * 0.92  # hours in which nights begin, see sync/clock.py
# Marks are due at one minute for a whole country, so nothing spreads them but the queue.
MARKS: Final = 0.5  # hours in which they ought to be read
ANSWER: Final = 0.5  # seconds that a partner takes for one, which the simulated ones do not
SPARE: Final = 0.6  # of what workers can do; the rest is for slow partners and for what is tried again
SHAPES: Final = ("first look", "quiet", "one in a hundred", "after a silence")
PEERS: Final = ("crontabs", "next_run")
_CHILD: Final = 2  # connections of a child at work: one for the data, one that says that it lives (runs/lives.py)


def turns(found: Sequence[Mapping[str, Any]]) -> None:
    """Print how one turn of the dispatcher grows with the schools it looks at."""
    print("\nOne turn of the dispatcher, seconds (the peers only look or only claim, and queue nothing)")
    _line("schools", [f"{one['rows']:,}" for one in found])
    for shape in (*SHAPES, *PEERS):
        _line(shape, [f"{one[shape]:.4f} ({one[shape] / one['quiet']:.1f}×)" for one in found])
    _line("due at “one in a hundred”", [f"{one['due']:,}" for one in found])
    _line("claimed after a silence", [f"{one['claimed']:,} ({one['left']:,} left)" for one in found])
    _line("milliseconds a claim", [f"{_claim(one) * 1000:.1f}" for one in found])
    _line("memory above idle, MB", [f"{one['memory'] / 1024:.0f}" for one in found])
    _line("bytes of Redis a run", [f"{one['bytes'] / max(one['runs'], 1):,.0f}" for one in found])


def _claim(one: Mapping[str, Any]) -> float:
    """Seconds of one claim with its run; looking what is due is the quiet turn."""
    return float((one["after a silence"] - one["quiet"]) / one["claimed"])


def nights(found: Sequence[Night]) -> None:
    """Print schools an hour and worker."""
    print("\nSchools an hour and worker (requests a school)")
    groups = sorted({(one.students, one.workers) for one in found})
    _line("", [f"{students} students, W={workers}" for students, workers in groups])
    for what in dict.fromkeys(one.what for one in found):
        cells = {(one.students, one.workers): one for one in found if one.what == what}
        _line(what, [_rate(cells[group]) for group in groups])


def _rate(night: Night) -> str:
    return f"{night.an_hour:,.0f} ({night.requests / night.schools:.0f})"


def lag(found: Lag) -> None:
    """Print how long slots waited."""
    print(
        f"\nA slot that falls due, of {len(found.claimed)} in some minutes; seconds (the last turn: {found.turn:.2f})"
    )
    _line("", ["p50", "p99", "most"])
    for name, waited in (("due → claimed", found.claimed), ("claimed → started", found.started)):
        _line(name, [f"{_quantile(waited, share):.2f}" for share in (0.5, 0.99, 1)])


def meaning(turned: Sequence[Mapping[str, Any]], found: Sequence[Night]) -> None:
    """Print what 10,000 schools in one window need."""
    print(f"\n{SCHOOLS:,} schools in {NIGHT:.2f} hours, marks in {MARKS}; workers at {SPARE:.0%} of what they can")
    _line("", ["workers, if at once", f"at {ANSWER} s an answer", "connections then", "hosts at 5 a second"])
    for what in dict.fromkeys(one.what for one in found):
        for students in sorted({one.students for one in found}):
            _needs(
                f"{what}, {students} students", [one for one in found if (one.what, one.students) == (what, students)]
            )
    most = max(turned, key=lambda one: int(one["rows"]))
    queued = most["bytes"] / max(most["runs"], 1) * SCHOOLS / 1_000_000
    print(f"All of them in the queue at once take {queued:.0f} MB of Redis.")
    print(f"After a silence one dispatcher claims all of them in {_claim(most) * SCHOOLS / 60:.1f} minutes.")


def _needs(name: str, these: Sequence[Night]) -> None:
    hours = MARKS if these[0].what == MARKS_OF_A_DAY else NIGHT
    ours = 3600 / statistics.median(one.an_hour for one in these)  # seconds of a run
    requests = statistics.median(one.requests / one.schools for one in these)
    at_once, real = (
        math.ceil(SCHOOLS * seconds / (hours * 3600 * SPARE)) for seconds in (ours, ours + requests * ANSWER)
    )
    hosts = math.ceil(SCHOOLS * requests / (PACE * hours * 3600))
    _line(name, [f"{at_once:,}", f"{real:,}", f"{real * _CHILD:,}", f"{hosts:,}"])


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(math.ceil(share * len(values)), len(values)) - 1] if values else math.nan


def _line(name: str, cells: Sequence[str]) -> None:
    print(f"{name:<32}" + "".join(f"{cell:>22}" for cell in cells), flush=True)
