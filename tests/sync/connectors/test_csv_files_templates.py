"""Templates for people, and the guard against formulas (R8)."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.columns import ALIASES, FIELDS, plain_header
from sync.connectors.csv_files.settings import CsvSettings
from sync.connectors.csv_files.templates import plain_cell, safe_cell, template
from sync.http import Http
from sync.records import KIND_OF, NOT_SHARED, Complete, Kind, Remark, Unreadable


@pytest.mark.parametrize("kind", Kind)
def test_a_template_has_every_column_and_a_bom(kind: Kind) -> None:
    data = template(kind)
    assert data.startswith(codecs.BOM_UTF8)
    header, example = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
    assert sorted(header) == sorted(FIELDS[kind])
    assert all(cell.endswith(".example") for cell in example if "@" in cell)


def test_all_templates_together_are_a_batch(tmp_path: Path) -> None:
    for kind in Kind:
        (tmp_path / f"{kind}.csv").write_bytes(template(kind))
    records = list(CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).roster())
    assert not [record for record in records if isinstance(record, Unreadable | Remark)]
    assert [record for record in records if isinstance(record, Complete)] == [Complete(kind=k, rows=1) for k in Kind]
    for record in records:
        if not isinstance(record, Complete):
            assert KIND_OF[type(record)] in Kind
            assert all(getattr(record, field) is not NOT_SHARED for field in FIELDS[KIND_OF[type(record)]])


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_neutralised_and_only_those(sign: str) -> None:
    assert safe_cell(f"{sign}cmd|' /C calc'!A0") == f"'{sign}cmd|' /C calc'!A0"
    assert safe_cell(f"x{sign}1") == f"x{sign}1"


def test_an_apostrophe_of_a_name_stays() -> None:
    for name in ("'t Hooft", "O'Brien", "'", "''", ""):
        assert safe_cell(name) == plain_cell(name) == name


@given(st.text("'=+-@\t\rab 1", max_size=6) | st.text(max_size=6))
def test_the_guard_is_undone_exactly(text: str) -> None:
    assert plain_cell(safe_cell(text)) == text
    assert safe_cell(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")


def test_aliases_are_written_as_headers_become_and_mean_one_field() -> None:
    for kind, aliases in ALIASES.items():
        names = [name for field, names in aliases.items() if field in FIELDS[kind] for name in names]
        assert names == [plain_header(name) for name in names]
        assert len(names) == len(set(names)), kind
