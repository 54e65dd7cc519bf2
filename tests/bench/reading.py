"""One reading in a process of its own, so that its peak memory is its own: `python -m tests.bench.reading KEY`.

Settings come as JSON on standard input, seconds, peak resident kilobytes and records go as JSON to standard output.
"""

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from sync.connector import Connector
from sync.http import Http


def connector(key: str) -> type[Connector]:
    """Return the connector without the registry, which would bring Django's memory along."""
    module = importlib.import_module(f"sync.connectors.{key}")
    return next(
        one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Connector) and one.key == key
    )


def memory(kind: type[Connector], settings: Any) -> dict[str, float]:
    """Read and forget."""
    began = time.perf_counter()
    with Http(loopback=True) as http:
        records = sum(1 for _ in kind(settings, http).roster())
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "kilobytes": _peak(), "records": records}


def _peak() -> float:
    """Kilobytes at the most; not from getrusage, which counts what the parent held when it started us."""
    status = Path("/proc/self/status").read_text()
    return float(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")))


def main() -> None:
    """Measure and print one line."""
    kind = connector(sys.argv[1])
    print(json.dumps(memory(kind, kind.Settings(**json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
