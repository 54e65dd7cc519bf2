"""How fast a connector takes pages apart, without a network: `python -m tests.bench.decoding KEY`.

Settings come as JSON on standard input. To standard output go, as JSON, the seconds of all that the connector does with
the same pages at hand, of its decoding alone, which ends with typed rows, and of `json.loads` alone; what is XML or CSV
is written as JSON for that first.
"""

import csv
import io
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO, Final
from unittest import mock

from lxml import etree

import sync.connectors.managebac.wire
import sync.connectors.wonde.wire
import sync.oneroster.wire
from sync.connector import Connector
from sync.connectors.csv_files.table import CsvSource
from sync.connectors.isams import document
from sync.connectors.wonde.pages import page_of
from sync.http import Answer, Http
from tests.bench.reading import connector

_ROW_READERS: Final[dict[str, tuple[ModuleType, str]]] = {  # from one row of a page to a typed one
    "wonde": (sync.connectors.wonde.wire, "read"),
    "managebac": (sync.connectors.managebac.wire, "decode"),
    "gg4l": (sync.oneroster.wire, "row_of"),
    "oneroster": (sync.oneroster.wire, "row_of"),
}


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


def decoding(kind: type[Connector], settings: Any) -> dict[str, float]:
    """Read the same pages with the connector, decode them only, and with nothing but a parser."""
    with Tape() as http:
        for _ in kind(settings, http).roster():
            pass
    decode, pages = decoder(kind, settings, http.said)
    return {
        "connector": _best(lambda: _drain(kind(settings, Replay(http.said)).roster())),
        "decoding": _best(decode),
        "parser": _best(lambda: _drain(map(json.loads, pages))),
    }


def decoder(kind: type[Connector], settings: Any, said: list[Answer | bytes]) -> tuple[Callable[[], None], list[bytes]]:
    """Return a connector's own decoding of what was said, and the same pages as JSON."""
    if kind.key == "isams":
        bodies = [body for body in said if isinstance(body, bytes)]
        pages = [json.dumps(_plain(etree.fromstring(body))).encode() for body in bodies]
        return lambda: _drain(row for body in bodies for row in document.rows(io.BytesIO(body))), pages
    if kind.key == "csv_files":
        files = sorted(Path(settings.folder).glob("*.csv"))
        pages = [json.dumps(list(csv.reader(path.read_text("utf-8").splitlines()))).encode() for path in files]
        return lambda: _drain(row for path in files for row in CsvSource(path).table(len).rows()), pages
    answers = [answer for answer in said if isinstance(answer, Answer)]
    module, reader = _ROW_READERS[kind.key]
    calls = _recorded(module, reader, lambda: _drain(kind(settings, Replay(said)).roster()))

    def decode() -> None:
        for answer in answers:
            _drain(page_of(answer).rows()) if kind.key == "wonde" and b'"data":[' in answer.body else answer.json()
        for given in calls:
            getattr(module, reader)(*given)

    return decode, [answer.body for answer in answers]


def _recorded(module: ModuleType, name: str, work: Callable[[], None]) -> list[tuple[Any, ...]]:
    """Return what a function was called with while something was done."""
    calls: list[tuple[Any, ...]] = []
    with mock.patch.object(module, name, side_effect=getattr(module, name)) as reader:
        work()
        calls.extend(call.args for call in reader.call_args_list)
    return calls


def _plain(element: Any) -> Any:
    return [element.tag, dict(element.attrib), element.text, [_plain(child) for child in element]]


def _drain(records: Iterable[Any]) -> None:
    for _ in records:
        pass


def _best(work: Callable[[], None]) -> float:
    """The better of three, for a machine is never slower by being in good form."""
    return min(_timed(work) for _ in range(3))


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print one line."""
    kind = connector(sys.argv[1])
    print(json.dumps(decoding(kind, kind.Settings(**json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
