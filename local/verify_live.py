"""`make verify-live`: reads real partners with credentials from the environment, and says only how much came.

`VERIFY_<CONNECTOR>_<SETTING>` gives one setting, such as VERIFY_WONDE_TOKEN and VERIFY_WONDE_SCHOOL; a connector with
none is left out, loudly. `VERIFY_DAY=2026-11-24` also reads that day's attendance. Nothing is written anywhere, no
name and no value is printed, and it never runs in CI: a school's credentials have no place there.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sync.connector import Connector
from sync.errors import SyncError
from sync.http import Http
from sync.pipeline.extract import extract
from sync.records import Kind, Mark, Remark, UnreadableMark
from sync.registry import CONNECTORS

PREFIX: Final = "VERIFY_"
PER_SECOND: Final = 2.0  # slower than any partner's limit that we know of


class Slowly:
    """One process's own pace: there are no other workers here to keep together with."""

    def __init__(self, per_second: float) -> None:
        self._step, self._next = 1 / per_second, 0.0

    def wait(self, host: str) -> None:
        """Return when the next request may go."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._step

    def rest(self, host: str, seconds: float) -> None:
        """Let the next request wait: the host asked for that."""
        self._next = max(self._next, time.monotonic() + seconds)


def given(connector: type[Connector], environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a connector that the environment holds."""
    names = {field.name: f"{PREFIX}{connector.key}_{field.name}".upper() for field in _fields(connector)}
    return {name: environment[variable] for name, variable in names.items() if environment.get(variable)}


def missing(connector: type[Connector]) -> str:
    """Return which variables a connector cannot do without, and which hold its secrets, of which one may do."""
    needed = [
        field.name
        for field in _fields(connector)
        if field.default is dataclasses.MISSING or field.metadata.get("secret")
    ]
    return ", ".join(f"{PREFIX}{connector.key}_{name}".upper() for name in needed)


def _fields(connector: type[Connector]) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(connector.Settings)


def verify(connector: Connector, *, day: datetime.date | None) -> Iterator[str]:
    """Test, read and count; yield lines without a name or a value.

    Raises:
        SyncError: as the connector says.
    """
    for finding in connector.probe():
        yield f"  test    {finding.part}: {finding.reach}. {finding.text}"
    told = extract(connector)
    for kind in Kind:
        proof = "proven to its end" if kind in told.complete else "not proven"
        if told.rows.get(kind) or kind in told.complete:
            yield f"  roster  {kind}: {told.rows.get(kind, 0)} rows, {told.unreadable.get(kind, 0)} unreadable, {proof}"
        else:
            yield f"  roster  {kind}: not shared"
    yield f"  roster  {sum(isinstance(one, Remark) for one in told.records)} remarks, {told.seconds:.1f} s in all"
    if day:
        marks = collections.Counter(_word(mark) for mark in connector.attendance(day))
        yield f"  marks   {day}: " + (", ".join(f"{number} {word}" for word, number in sorted(marks.items())) or "none")


def _word(mark: object) -> str:
    if isinstance(mark, Mark):
        return f"{mark.session} {mark.meaning}"
    return "unreadable" if isinstance(mark, UnreadableMark) else "remarks"


def main(environment: Mapping[str, str] = os.environ, *, loopback: bool = False, pace: float = PER_SECOND) -> int:
    """Verify every connector that has credentials; 0 when all of them could be read, 2 when there were none."""
    if environment.get("CI"):
        print("verify-live does not run in CI: it needs a school's own credentials.")
        return 2
    day = datetime.date.fromisoformat(environment["VERIFY_DAY"]) if environment.get("VERIFY_DAY") else None
    verdicts = [_verified(one, environment, day=day, loopback=loopback, pace=pace) for one in CONNECTORS]
    done = [verdict for verdict in verdicts if verdict is not None]
    if not done:
        print("Nothing was verified: no credentials were given.")
        return 2
    return 0 if all(done) else 1


def _verified(
    kind: type[Connector], environment: Mapping[str, str], *, day: datetime.date | None, loopback: bool, pace: float
) -> bool | None:
    settings = given(kind, environment)
    if not settings:
        print(f"skip {kind.label}: set {missing(kind)}")
        return None
    slowly = None if pace == math.inf else Slowly(pace)
    try:
        with Http(pace=slowly, loopback=loopback) as http:
            print(f"     {kind.label}")
            for line in verify(kind(kind.Settings(**settings), http), day=day):
                print(line, flush=True)
    except SyncError as fault:
        print(f"FAIL {kind.label}: {type(fault).__name__.lower()}: {fault}")
        return False
    except (TypeError, ValueError) as fault:
        # A setting's own message may quote the setting.
        print(f"FAIL {kind.label}: the settings are refused ({type(fault).__name__}); needed: {missing(kind)}")
        return False
    print(f"ok   {kind.label}")
    return True


if __name__ == "__main__":
    sys.exit(main())
