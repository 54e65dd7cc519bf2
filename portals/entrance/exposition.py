"""Numbers as Prometheus reads them: the text format 0.0.4, of gauges only. Pure: no database, no clock."""

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclasses.dataclass(frozen=True)
class Gauge:
    """A number that goes up and down: its name with its unit, what it is in one line, its value by its labels."""

    name: str
    help: str
    values: Iterable[tuple[Mapping[str, str], float]]


def plain(name: str, text: str, value: float) -> Gauge:
    """Return a gauge without labels."""
    return Gauge(name, text, [({}, value)])


def by(label: str, name: str, text: str, values: Mapping[str, float]) -> Gauge:
    """Return a gauge with one label."""
    return Gauge(name, text, [({label: key}, value) for key, value in values.items()])


def text(gauges: Iterable[Gauge]) -> str:
    """Write gauges out, one line a value."""
    return "".join(f"{line}\n" for gauge in gauges for line in _lines(gauge))


def _lines(gauge: Gauge) -> Iterator[str]:
    yield f"# HELP {gauge.name} {gauge.help}"
    yield f"# TYPE {gauge.name} gauge"
    for labels, value in gauge.values:
        told = ",".join(f'{label}="{said.translate(_ESCAPES)}"' for label, said in labels.items())
        yield f"{gauge.name}{{{told}}} {_number(value)}" if told else f"{gauge.name} {_number(value)}"


def _number(value: float) -> str:
    return "+Inf" if value == math.inf else f"{value:.10g}"
