"""One reading in a process of its own, so that its peak memory is its own: `python -m tests.bench.reading KEY WHAT`.

Settings come as JSON on standard input. WHAT is `memory` (read and forget: seconds, peak resident kilobytes, records)
or `decoding` (the same pages again without a network: seconds of the connector, and of the bare parser alone).
"""

import csv
import importlib
import io
import itertools
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lxml import etree

from sync.connector import Connector
from sync.http import Answer, Http


class Tape(Http):
    """Keeps what was said, in order."""

    def __init__(self) -> None:
        super().__init__(loopback=True)
        self.said: list[Answer | bytes] = []

    def get(self, url: str, **how: Any) -> Answer:
        """Ask, and keep the answer."""
        return self._kept(super().get(url, **how))

    def token(self, url: str, **how: Any) -> Answer:
        """Ask, and keep the answer."""
        return self._kept(super().token(url, **how))

    def _kept(self, answer: Answer) -> Answer:
        self.said.append(answer)
        return answer

    @contextmanager
    def stream(self, url: str, **how: Any) -> Iterator[BinaryIO]:
        """Ask, and keep the whole body."""
        with super().stream(url, **how) as body:
            whole = body.read()
        self.said.append(whole)
        yield io.BytesIO(whole)


class Replay(Http):
    """Says again what a tape holds, in the same order."""

    def __init__(self, said: list[Answer | bytes]) -> None:
        super().__init__(loopback=True)
        self._said = iter(said)

    def get(self, url: str, **how: Any) -> Answer:
        """Say the next answer."""
        answer = next(self._said)
        assert isinstance(answer, Answer)
        return answer

    token = get

    @contextmanager
    def stream(self, url: str, **how: Any) -> Iterator[BinaryIO]:
        """Say the next body."""
        body = next(self._said)
        assert isinstance(body, bytes)
        yield io.BytesIO(body)


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


def decoding(kind: type[Connector], settings: Any) -> dict[str, float]:
    """Read the same pages with the connector, and with nothing but a parser; the better of three each."""
    with Tape() as http:
        for _ in kind(settings, http).roster():
            pass
    return {
        "connector": min(_timed(lambda: _drain(kind(settings, Replay(http.said)).roster())) for _ in range(3)),
        "parser": min(_timed(lambda: _parse(http.said, settings)) for _ in range(3)),
    }


def _drain(records: Iterator[Any]) -> None:
    for _ in records:
        pass


def _parse(said: list[Answer | bytes], settings: Any) -> None:
    for body in said:
        if isinstance(body, bytes):
            etree.fromstring(body)
        else:
            json.loads(body.body)
    if not said:
        for path in Path(settings.folder).glob("*.csv"):
            for _ in csv.reader(itertools.chain(path.open(newline="", encoding="utf-8"))):
                pass


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print one line."""
    key, what = sys.argv[1:]
    kind = connector(key)
    settings = kind.Settings(**json.load(sys.stdin))
    print(json.dumps({"memory": memory, "decoding": decoding}[what](kind, settings)))


if __name__ == "__main__":
    main()
