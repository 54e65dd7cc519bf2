"""Laws of ManageBac's rows: whatever comes is kept or named, nothing is quoted, and no size of page matters."""

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulators.managebac import ManageBac
from local.world.build import crowd
from sync.connectors.managebac.registers import Entry, entry_of
from sync.connectors.managebac.table import Table
from sync.connectors.managebac.wire import (
    BadRow,
    ClassRow,
    MembershipRow,
    ParentRow,
    Row,
    StudentRow,
    TeacherRow,
    decode,
)
from sync.records import NOT_SHARED, Kind, Mark, Student, Unreadable, UnreadableMark
from tests.sync.connectors.managebac_feed import attendance, of, pull

SHAPES = [StudentRow, ParentRow, TeacherRow, ClassRow, MembershipRow]
SCHOOL = crowd(students=14)
CANARY = "Zzyzx-Canary"

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.just(CANARY) | st.text(max_size=3)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.just("id"), inner))
halves = st.sampled_from(["\ud83d", "Ann \udc00"])


def rows(shape: type[Row]) -> st.SearchStrategy[dict[str, Any]]:
    """Rows with any of the fields that are read, each holding anything."""
    fields = [field for field in shape.__struct_fields__ if field != "id"]
    ids = st.integers(min_value=1, max_value=4) | values
    return st.builds(
        lambda given, ref: {"id": ref, **given}, st.dictionaries(st.sampled_from(fields), values | halves), ids
    )


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_a_row_is_read_or_its_field_is_named_and_no_value_quoted(shape: type[Row], data: st.DataObject) -> None:
    raw = data.draw(rows(shape))
    try:
        said = decode(raw, shape).ref
    except BadRow as fault:
        said = str(fault)
        wrong = CANARY in said or "\ud83d" in said or fault.__context__ is not None
    else:
        wrong = said != str(raw["id"])
    assert not wrong


@pytest.mark.parametrize("shape", SHAPES)
@given(data=st.data())
def test_every_row_is_kept_or_unreadable_and_counts_once(shape: type[Row], data: st.DataObject) -> None:
    given_rows = data.draw(st.lists(rows(shape) | values, max_size=6))
    with Table("rows", shape) as table:
        for line, raw in enumerate(given_rows):
            table.add(raw, page=1, line=line)
        read, bad = list(table.rows()), list(table.unreadable(Kind.STUDENTS))
        assert len(read) + len(bad) == len(table) <= len(given_rows)
        assert table.spoilt == bool(bad)
        assert all(table.get(row.ref) == row and row.ref in table for row in read)
        assert not any(CANARY in one.reason for one in bad)


@given(st.lists(st.tuples(st.integers(min_value=1, max_value=4), st.sampled_from(["Ann", "Bo"])), max_size=8))
def test_a_table_agrees_with_a_dictionary(pairs: list[tuple[int, str]]) -> None:
    said: dict[str, set[str]] = {}
    with Table("students", StudentRow) as table:
        for line, (ref, name) in enumerate(pairs):
            table.add({"id": ref, "first_name": name, "last_accessed_at": line}, page=1, line=line)
            said.setdefault(str(ref), set()).add(name)
        sure = {ref: next(iter(names)) for ref, names in said.items() if len(names) == 1}
        assert {row.ref: row.first_name for row in table.rows()} == sure
        assert {one.ref for one in table.unreadable(Kind.STUDENTS)} == said.keys() - sure.keys()
        assert len(table) == len(said)


def test_half_a_character_spoils_one_student_and_no_other() -> None:
    students = [
        {"id": 7, "first_name": "Ann \ud83d", "last_name": "Bell", "archived": False},
        {"id": 8, "first_name": "Bo", "last_name": "Bell", "archived": False},
    ]
    found = pull(ManageBac(SCHOOL, 1, rows={"students": students}), homerooms="no")
    assert [one.ref for one in of(Student, found)] == ["8"]
    (bad,) = [one for one in of(Unreadable, found) if one.kind is Kind.STUDENTS]
    assert (bad.ref, "half a character" in bad.reason) == ("7", True)
    assert Kind.STUDENTS in found.complete


def test_half_a_character_in_a_label_is_no_label() -> None:
    row = {"id": 7, "attendance": {"status": "Late \ud83d", "category": {"status": 15}}}
    (mark,) = attendance(ManageBac(SCHOOL, 1, marks=[row]), datetime.date(2026, 11, 9))
    assert isinstance(mark, Mark)
    assert (mark.code, mark.label) == ("15", NOT_SHARED)


@given(st.lists(values, min_size=1, max_size=5))
def test_whatever_a_register_holds_is_a_mark_or_unreadable(row: list[Any]) -> None:
    for raw in row:
        assert isinstance(entry_of(raw), Entry | UnreadableMark)
