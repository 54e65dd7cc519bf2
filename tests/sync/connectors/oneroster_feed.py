"""A OneRoster service and what the pipeline reads from it; shared by the tests of the connector."""

import datetime
import functools
from collections.abc import Callable
from typing import Any

from local.renderings.oneroster import Row, Rows, years_setting
from local.simulators.oneroster import OneRosterSimulator
from local.simulators.server import running
from local.world.build import crowd
from local.world.model import SchoolWorld
from sync.connector import Finding
from sync.connectors.oneroster import OneRoster, OneRosterSettings
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.pipeline.normalise import normalise
from sync.pipeline.roster import Roster
from sync.records import KIND_OF, Guardian, Kind, Remark, Student, Unreadable
from tests.sync.connectors.oneroster_truth import METADATA, notes_in, notes_of, said_of

ALL = frozenset(Kind)
OF_USERS = {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.TIES, Kind.MEDICAL, Kind.DIETARY}
SECRET = "demo-client-secret"
NOW = datetime.datetime(2026, 11, 24, 1, tzinfo=datetime.UTC)


@functools.cache
def school() -> SchoolWorld:
    return crowd(students=60)


def simulator(*faults: str, night: int = 1, **more: Any) -> OneRosterSimulator:
    return OneRosterSimulator(more.pop("school", None) or school(), night, faults=frozenset(faults), **more)


class Altered(OneRosterSimulator):
    """A service whose rows a test has changed."""

    def __init__(self, change: Callable[[Rows], object], **more: Any) -> None:
        super().__init__(school(), 1, **more)
        self._change = change

    def _spoil(self, rows: Rows) -> Rows:
        rows = super()._spoil(rows)
        self._change(rows)
        return rows


def row(rows: list[Row], **fields: Any) -> Row:
    return next(row for row in rows if all(row.get(name) == value for name, value in fields.items()))


def settings(served: OneRosterSimulator, url: str, **more: Any) -> OneRosterSettings:
    given = {
        "base_url": url,
        "version": served.version,
        "token_url": f"{url}{served.token_path}",
        "client_id": "demo-client",
        "client_secret": SECRET,
        "years": years_setting(served.school),
        **METADATA,
        **({"preferred_name_key": ""} if served.version == "1.2" else {}),  # which has a field of its own
    }
    return OneRosterSettings(**{**given, **more})


def pull(
    served: OneRosterSimulator, *, http: dict[str, Any] | None = None, now: datetime.datetime = NOW, **more: Any
) -> Extract:
    """Read the simulator's roster as the pipeline does."""
    with running(served) as url, Http(loopback=True, sleep=lambda _: None, **(http or {})) as door:
        return extract(OneRoster(settings(served, url, **more), door, now=lambda: now))


def probe(served: OneRosterSimulator, **more: Any) -> dict[str, Finding]:
    """Test the connection; the findings by their parts."""
    with running(served) as url, Http(loopback=True, sleep=lambda _: None) as door:
        return {finding.part: finding for finding in OneRoster(settings(served, url, **more), door).probe()}


def picture(said: Extract) -> Roster:
    return normalise(said.records, today=NOW.date())


def remarks(said: Extract) -> str:
    return " ".join(record.text for record in said.records if isinstance(record, Remark))


def unreadable(said: Extract) -> set[tuple[Kind, str]]:
    return {(record.kind, record.ref) for record in said.records if isinstance(record, Unreadable)}


def pairs_unreadable(said: Extract, kind: Kind) -> set[tuple[str, str]]:
    return {(r.ref, r.other_ref) for r in said.records if isinstance(r, Unreadable) and r.kind is kind}


def students(said: Extract) -> dict[str, Student]:
    return {record.ref: record for record in said.records if isinstance(record, Student)}


def guardians(said: Extract) -> dict[str, Guardian]:
    return {record.ref: record for record in said.records if isinstance(record, Guardian)}


def assert_true(said: Extract, *, night: int = 1, version: str = "1.1") -> None:
    """Whatever was said is what the world is on that night, all of it, and proven.

    Addresses are compared as the MIS has them, before `normalise` refuses some.
    """
    truth = said_of(school().at(night), version=version)
    assert {kind: {r for r in said.records if KIND_OF.get(type(r)) is kind} for kind in truth} == truth
    assert notes_in(picture(said)) == notes_of(school().at(night))
    assert said.complete == ALL
    assert not unreadable(said)
