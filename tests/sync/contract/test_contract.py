"""What every connector keeps, whoever wrote it: with every fault that its other side can have (R5, R12, R20)."""

import logging
import re
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from sync.connector import Finding, Reach
from sync.errors import SyncError
from sync.pipeline.extract import Extract
from sync.records import KIND_OF, PARTS, Kind, Mark, Record, Remark, RosterRecord, Unreadable, UnreadableMark, key_of
from sync.registry import CONNECTORS
from tests.sync.contract.stands import SCHOOL, SECRETS, STANDS, End, Reading, Stand, opened, read

NIGHT = SCHOOL.at(1)
DAY = NIGHT.date
FAULTS = [pytest.param(stand, fault, id=f"{stand.key}-{fault}") for stand in STANDS for fault in sorted(stand.faults)]
every_connector = pytest.mark.parametrize("stand", STANDS, ids=lambda stand: stand.key)
every_fault = pytest.mark.parametrize(("stand", "fault"), FAULTS)


def good(stand: Stand) -> Extract:
    told = read(stand).told
    assert told is not None, read(stand).error
    return told


def said(told: Extract) -> Counter[Record]:
    """The records without the remarks, which are for people and may name the hour."""
    return Counter(record for record in told.records if not isinstance(record, Remark))


def keys(told: Extract, kind: Kind) -> set[Any]:
    """What came of a kind, unreadable rows included as far as they can be told apart."""
    return {_key(record) for record in told.records if _kind(record) is kind}


def _kind(record: RosterRecord) -> Kind | None:
    return record.kind if isinstance(record, Unreadable) else KIND_OF.get(type(record))


def _key(record: RosterRecord) -> Any:
    if isinstance(record, Unreadable) and record.kind in PARTS:
        return (record.ref, record.other_ref)
    return key_of(record)


def end_of(stand: Stand, reading: Reading) -> End:
    """How a reading ended, by what came of it."""
    if reading.error is not None:
        return End(type(reading.error).__name__.lower())
    assert reading.told is not None
    same = said(reading.told) == said(good(stand)) and reading.told.complete == good(stand).complete
    return End.WHOLE if same else End.PARTLY


# Without a fault


def test_every_connector_has_a_stand() -> None:
    assert [stand.key for stand in STANDS] == [connector.key for connector in CONNECTORS]


@every_connector
def test_what_it_can_read_comes_and_is_proven(stand: Stand) -> None:
    told = good(stand)
    assert told.complete == stand.connector.capabilities
    assert {kind for kind in Kind if told.rows.get(kind)} == stand.connector.capabilities
    assert not told.unreadable


@every_connector
def test_references_are_unique_and_none_is_blank(stand: Stand) -> None:
    records = [record for record in good(stand).records if _kind(record)]
    found = Counter((_kind(record), _key(record)) for record in records)
    assert [key for key, times in found.items() if times > 1] == []
    assert not [key for key in found if key[1] == "" or (isinstance(key[1], tuple) and "" in key[1])]


@every_connector
def test_links_join_people_who_are_there(stand: Stand) -> None:
    told = good(stand)
    refs = {kind: keys(told, kind) for kind in Kind}
    for kind, (first, second) in PARTS.items():
        assert {one for one, _ in refs[kind]} <= refs[first]
        assert second is None or {other for _, other in refs[kind]} <= refs[second]


@every_connector
def test_reading_twice_says_the_same(stand: Stand) -> None:
    with opened(stand) as (connector, _):
        first, second = list(connector.roster()), list(connector.roster())
    assert Counter(map(repr, first)) == Counter(map(repr, second))


@every_connector
def test_making_one_asks_nothing(stand: Stand) -> None:
    with opened(stand) as (_, requests):
        assert requests == []


@every_connector
def test_the_connection_test_says_what_can_be_read(stand: Stand) -> None:
    with opened(stand) as (connector, requests):
        findings = list(connector.probe())
        asked = len(requests)
    assert all(isinstance(one, Finding) and one.part and one.text for one in findings)
    assert len({one.part for one in findings}) == len(findings)
    assert Reach.READS in {one.reach for one in findings if one.part.startswith("Students")}
    assert Reach.FAULTY not in {one.reach for one in findings}
    assert asked <= max(len(read(stand).requests), 20)  # a page of each list, not all of them


@every_connector
def test_attendance_is_of_the_day_and_of_students_who_are_there(stand: Stand) -> None:
    with opened(stand) as (connector, _):
        first, second = list(connector.attendance(DAY)), list(connector.attendance(DAY))
    assert all(isinstance(one, Mark | UnreadableMark | Remark) for one in first)
    marks = [one for one in first if isinstance(one, Mark)]
    assert bool(marks) == bool(stand.connector.sessions)
    assert {one.session for one in marks} <= stand.connector.sessions
    assert {one.date for one in marks} <= {DAY}
    assert len({(one.student_ref, one.session, one.lesson) for one in marks}) == len(marks)
    assert {one.student_ref for one in marks} <= keys(good(stand), Kind.STUDENTS)
    assert Counter(map(repr, first)) == Counter(map(repr, second))


# With every fault


@every_connector
def test_every_fault_has_an_end(stand: Stand) -> None:
    assert stand.ends.keys() == stand.faults


@every_fault
def test_a_fault_ends_as_it_should(stand: Stand, fault: str) -> None:
    reading = read(stand, fault)
    assert end_of(stand, reading) is stand.ends[fault], reading.error


@every_fault
def test_what_is_called_complete_is_all_there(stand: Stand, fault: str) -> None:
    """A kind is proven only if every row of it came, readable or not: else somebody would leave who is there."""
    told = read(stand, fault).told
    if told is None or fault in stand.unnoticed | stand.other_truths:
        return
    lost = {(kind, key) for kind in told.complete for key in keys(good(stand), kind) - keys(told, kind)}
    assert {(kind, key) for kind, key in lost if not _is_covered(told, kind, key)} == set()


def _is_covered(told: Extract, kind: Kind, key: Any) -> bool:
    """Whether a row that could not be read may be this one: then it counts as present."""
    first, other = key if isinstance(key, tuple) else (key, "")
    if any(
        part and part not in told.complete and ref not in keys(told, part)
        for part, ref in zip(PARTS.get(kind, ()), (first, other), strict=False)
    ):
        return True  # nobody knows that the person is gone, and then the plan keeps what hangs on them
    return any(
        one.kind is kind and one.ref in {"", first} and one.other_ref in {"", other}
        for one in told.records
        if isinstance(one, Unreadable)
    )


@every_fault
def test_it_only_reads(stand: Stand, fault: str) -> None:
    with opened(stand, fault) as (connector, requests):
        for ask in (connector.probe, connector.roster, lambda: connector.attendance(DAY)):
            _exhaust(ask())
    posted = {request.path for request in requests if request.method != "GET"}
    assert {request.method for request in requests} <= {"GET", "POST"}
    assert posted <= stand.token_paths


@every_fault
def test_no_secret_and_nobody_is_named_in_errors_and_logs(
    stand: Stand, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    with opened(stand, fault) as (connector, requests):
        for ask in (connector.probe, connector.roster, lambda: connector.attendance(DAY)):
            texts += _told(ask())
    texts += [caplog.text, *(str(record.args) for record in caplog.records)]
    assert not [secret for secret in _secrets(requests) if any(secret in text for text in texts)]
    assert not [name for name in PEOPLE if any(name.search(text) for text in texts)]


PEOPLE = [
    re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    for person in (*NIGHT.students.values(), *NIGHT.guardians.values(), *NIGHT.staff.values())
    for word in (f"{person.given_name} {person.family_name}", person.email)
    if word
]


def _exhaust(said: Iterator[Any]) -> None:
    try:
        for _ in said:
            pass
    except SyncError:
        pass


def _told(asked: Iterator[Any]) -> Iterator[str]:
    """Whatever a person or a log may get to see of it."""
    try:
        for one in asked:
            if isinstance(one, Remark | Finding):
                yield one.text
            elif isinstance(one, Unreadable | UnreadableMark):
                yield f"{one.reason} {one.place}"
    except SyncError as error:
        yield from (str(error), repr(error), *traceback.format_exception(error))


def _secrets(requests: list[Any]) -> set[str]:
    sent = {request.headers.get("authorization", "") for request in requests}
    return {*SECRETS, *(value for header in sent for value in (header, header.partition(" ")[2]) if value)}
