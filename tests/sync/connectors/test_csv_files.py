"""The CSV connector against files as schools write them (R8, R64)."""

import csv
import datetime
import os
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.cells import is_error
from sync.connectors.csv_files.columns import FIELDS
from sync.connectors.csv_files.settings import CsvSettings
from sync.connectors.csv_files.sheet import open_sheet
from sync.connectors.csv_files.table import CsvSource
from sync.connectors.csv_files.templates import safe_cell
from sync.errors import Broken, Busy, Refused, SyncError
from sync.http import Http
from sync.records import (
    NOT_SHARED,
    Complete,
    Enrolment,
    Kind,
    Medical,
    Record,
    Remark,
    RosterRecord,
    Student,
    Tie,
    Unreadable,
)

T = TypeVar("T", bound=Record)

HEADER = "ref,given_name,family_name"
# Names for which a wrong guess shows: accents, an apostrophe that only Windows-1252 has at 0x92, other scripts.
WESTERN = [("007", "Zoë", "Muñoz"), ("8", "Renée", "O’Brien")]
WORLD = [*WESTERN, ("9", "小明", "王"), ("10", "محمد", ""), ("11", "Żółć", "Nguyễn")]


def roster(folder: Path, *, dates: str = "dmy") -> list[RosterRecord]:
    return list(CsvFiles(CsvSettings(folder=str(folder), dates=dates), Http()).roster())


def of(shape: type[T], records: list[RosterRecord]) -> list[T]:
    return [record for record in records if isinstance(record, shape)]


def complaints(records: list[RosterRecord]) -> list[tuple[str, str, str]]:
    return [(u.ref, u.reason, u.place) for u in of(Unreadable, records)]


def remarks(records: list[RosterRecord]) -> list[str]:
    return [remark.text for remark in of(Remark, records)]


def students(folder: Path, text: str, *, encoding: str = "utf-8", dates: str = "dmy") -> list[RosterRecord]:
    """Write students.csv and read the folder."""
    (folder / "students.csv").write_bytes(text.encode(encoding))
    return roster(folder, dates=dates)


def fault(folder: Path, data: bytes) -> str:
    """Write students.csv and return why it is broken."""
    (folder / "students.csv").write_bytes(data)
    with pytest.raises(Broken) as caught:
        roster(folder)
    return str(caught.value)


def people(records: list[RosterRecord]) -> list[tuple[str, str, str]]:
    return [(s.ref, s.given_name, s.family_name) for s in of(Student, records)]


# Encodings and delimiters


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    ("codec", "names", "said"),
    [
        ("utf-8", WORLD, ""),
        ("utf-8-sig", WORLD, ""),
        ("utf-16", WORLD, "UTF-16"),
        ("utf-16-le", WORLD, "UTF-16"),
        ("utf-16-be", WORLD, "UTF-16"),
        ("cp1252", WESTERN, "Windows-1252"),
        ("ascii", [("1", "Ann", "Lee")], ""),
    ],
)
def test_golden_names_survive_every_encoding_and_delimiter(
    tmp_path: Path, codec: str, names: list[tuple[str, str, str]], said: str, delimiter: str
) -> None:
    lines = [HEADER.split(","), *names]
    records = students(tmp_path, "\r\n".join(delimiter.join(line) for line in lines), encoding=codec)
    assert people(records) == names
    assert of(Complete, records) == [Complete(kind=Kind.STUDENTS, rows=len(names))]
    assert ("students.csv was read as" in "".join(remarks(records))) == bool(said)
    assert said in "".join(remarks(records))


def test_utf16_of_either_order_with_its_bom(tmp_path: Path) -> None:
    for bom, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        (tmp_path / "students.csv").write_bytes(bom + f"{HEADER}\n1,Zoë,Lee\n".encode(codec))
        assert people(roster(tmp_path)) == [("1", "Zoë", "Lee")]


def test_windows_1252_is_said_aloud_with_the_line(tmp_path: Path) -> None:
    (text,) = remarks(students(tmp_path, f"{HEADER}\n1,Ann,Lee\n2,Zoë,Lee\n", encoding="cp1252"))
    assert text.startswith("students.csv was read as Windows-1252")
    assert "line 3" in text
    assert "save as UTF-8" in text
    assert "Zo" not in text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"ref,given_name,family_name\n1,Zo\x81,Lee\n", "line 2: neither UTF-8 nor Windows-1252"),
        ("ref,given_name,family_name\n1,Zoë,Muñoz\n2,Żółć,Le".encode() + b"\xc3", "line 3: the file is cut or mixes"),
        (b"\xef\xbb\xbfref,given_name,family_name\n1,Zo\xeb,Lee\n", "line 2: not valid UTF-8"),
        (b"\xff\xfe" + f"{HEADER}\n1,Ann,Lee\n".encode("utf-16-le") + b"x", "not valid UTF-16"),
        (b"ref,given_name,family_name\n1,An\0n,Lee\n", "line 2: NUL characters"),
        (b"\xff\xfe" + f"{HEADER}\n1,An\0n,Lee\n".encode("utf-16-le"), "line 2: NUL characters"),
        (b"ref,given_name,family_name\n1,Ann,Lee\n2,\0", "line 3: NUL characters"),
    ],
)
def test_letters_that_cannot_be_read_break_the_file_and_name_the_line(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in fault(tmp_path, data)


def test_a_fault_in_the_second_megabyte_is_found(tmp_path: Path) -> None:
    rows = "".join(f"{i},Ann,Lee\n" for i in range(100_000)).encode()
    (tmp_path / "students.csv").write_bytes(HEADER.encode() + b"\n" + rows + b"x,Zo\xeb,Lee\n")
    records = roster(tmp_path)
    assert "line 100002 is not UTF-8" in remarks(records)[0]
    assert of(Student, records)[-1].given_name == "Zoë"


# Headers


def test_headers_in_any_order_case_and_punctuation(tmp_path: Path) -> None:
    records = students(
        tmp_path,
        'Surname;"Student ID";First-Name;"D.O.B.";E-mail Address;Year Group;"Known as"\n'
        "Lee;0012;Ann;03/04/2015;ann@school.example;7;Annie\n",
    )
    (ann,) = of(Student, records)
    assert ann == Student(
        ref="0012",
        given_name="Ann",
        family_name="Lee",
        preferred_name="Annie",
        date_of_birth=datetime.date(2015, 4, 3),
        email="ann@school.example",
        year="7",
    )
    assert (ann.form, ann.upn, ann.left_on) == (NOT_SHARED, NOT_SHARED, NOT_SHARED)
    assert remarks(records) == []


def test_present_but_blank_is_not_the_same_as_not_shared(tmp_path: Path) -> None:
    (ann,) = of(Student, students(tmp_path, f"{HEADER},email,date_of_birth\n1,Ann,Lee,,\n"))
    assert (ann.email, ann.date_of_birth, ann.year) == ("", None, NOT_SHARED)


def test_unknown_columns_are_named_once(tmp_path: Path) -> None:
    (text,) = remarks(students(tmp_path, f"{HEADER},House,Bus route,\n1,Ann,Lee,Red,9,\n"))
    assert "“House”, “Bus route”" in text


def test_many_unknown_columns_are_counted(tmp_path: Path) -> None:
    extra = ",".join(f"x{i}" for i in range(13))
    (text,) = remarks(students(tmp_path, f"{HEADER},{extra}\n1,Ann,Lee{',' * 13}\n"))
    assert text.endswith("and 3 more.")


def test_a_missing_required_column_names_file_and_column_but_no_data(tmp_path: Path) -> None:
    said = fault(tmp_path, b"ref,given_name\n1,Ann\n")
    assert "students.csv has no column family_name" in said
    headless = fault(tmp_path, b"0012,Ann,Lee\n0013,Bo,Li\n")
    assert "no column ref and no column given_name and no column family_name" in headless
    assert "Ann" not in headless


def test_two_columns_for_one_field_are_never_guessed(tmp_path: Path) -> None:
    assert "2 columns that could be ref" in fault(
        tmp_path, b"Student ID,Admission Number,First name,Surname\n1,2,A,B\n"
    )


def test_our_own_name_wins_over_an_alias(tmp_path: Path) -> None:
    records = students(tmp_path, "ref,Student ID,first name,surname\n1,2,Ann,Lee\n")
    assert people(records) == [("1", "Ann", "Lee")]
    assert "“Student ID”" in remarks(records)[0]


def test_a_separator_line_blank_lines_and_a_quoted_delimiter_in_the_header(tmp_path: Path) -> None:
    text = '\n  \nsep=;\n"ref";"House, colour";"given_name";"family_name"\n\n1;x;Ann;Lee\n;;;\n   \n2;x;Bo;Li\n\n'
    records = students(tmp_path, text)
    assert people(records) == [("1", "Ann", "Lee"), ("2", "Bo", "Li")]
    assert of(Complete, records)[0].rows == 2


# Cells


def test_leading_zeros_and_the_spreadsheet_wrapping(tmp_path: Path) -> None:
    records = students(tmp_path, f'{HEADER}\n="00123",Ann,Lee\n"=""0456""",Bo,Li\n\u00a007 ,Cy,Lo\n')
    assert [ref for ref, *_ in people(records)] == ["00123", "0456", "07"]


@pytest.mark.parametrize(
    ("dates", "written", "meant"),
    [
        ("dmy", "03/04/2015", (2015, 4, 3)),
        ("mdy", "03/04/2015", (2015, 3, 4)),
        ("ymd", "2015/04/03", (2015, 4, 3)),
        ("dmy", "3.4.2015", (2015, 4, 3)),
        ("mdy", "2015-04-03", (2015, 4, 3)),
        ("dmy", "2015-04-03T00:00:00", (2015, 4, 3)),
        ("dmy", "03-04-2015 00:00", (2015, 4, 3)),
        ("dmy", "29/02/2016", (2016, 2, 29)),
        ("dmy", '="03/04/2015"', (2015, 4, 3)),
    ],
)
def test_dates_as_the_school_writes_them(tmp_path: Path, dates: str, written: str, meant: tuple[int, int, int]) -> None:
    (ann,) = of(Student, students(tmp_path, f"{HEADER},dob\n1,Ann,Lee,{written}\n", dates=dates))
    assert ann.date_of_birth == datetime.date(*meant)


@pytest.mark.parametrize("written", ["31/02/2015", "04/25/2015", "3/4/15", "soon", "03/04/2015 09:30", "00/01/2015"])
def test_impossible_dates_name_the_field_and_never_the_value(tmp_path: Path, written: str) -> None:
    records = students(tmp_path, f"{HEADER},dob\n1,Ann,Lee,{written}\n2,Bo,Li,03/04/2015\n")
    ((ref, reason, place),) = complaints(records)
    assert (ref, place) == ("1", "students.csv, line 2")
    assert reason.startswith("date_of_birth is not a date in the order day/month/year")
    assert written not in reason
    assert [s.ref for s in of(Student, records)] == ["2"]
    assert of(Complete, records)[0].rows == 2


def test_flags_and_counts(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "ties.csv").write_text(
        "student_ref,guardian_ref,priority,parental_responsibility,restricted\n"
        "1,a,1,Yes,no\n1,b,02,TRUE,0\n1,c,,,\n1,d,first,yes,no\n1,e,1,yes,perhaps\n,f,1,yes,no\n"
    )
    records = roster(tmp_path)
    assert [(t.guardian_ref, t.priority, t.parental_responsibility, t.restricted) for t in of(Tie, records)] == [
        ("a", 1, True, False),
        ("b", 2, True, False),
        ("c", None, None, None),
    ]
    assert complaints(records) == [
        ("1", "priority is not a whole number.", "ties.csv, line 5"),
        ("1", "restricted is neither yes nor no.", "ties.csv, line 6"),
        ("", "student_ref is blank: without it nobody can tell who this is.", "ties.csv, line 7"),
    ]
    assert Complete(kind=Kind.TIES, rows=6) in records


def test_quoted_newlines_keep_the_line_numbers_right(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "medical.csv").write_text(
        'student_ref,ref,condition,details\n1,m1,Asthma,"Inhaler:\r\nblue\n""two puffs"""\n1,m2,Eczema\n'
    )
    records = roster(tmp_path)
    (note,) = of(Medical, records)
    assert note.details == 'Inhaler:\r\nblue\n"two puffs"'
    ((ref, reason, place),) = complaints(records)
    assert (ref, place) == ("1", "medical.csv, line 5")
    assert "3 columns but the header 4" in reason


# Rows


def test_a_ragged_row_trusts_only_its_first_cell(tmp_path: Path) -> None:
    records = students(tmp_path, f"{HEADER}\n1,Smith, Jr,Ann\n2\n3,Bo,Li\n")
    assert [(ref, place) for ref, _, place in complaints(records)] == [
        ("1", "students.csv, line 2"),
        ("2", "students.csv, line 3"),
    ]
    assert of(Complete, records)[0].rows == 3
    late_ref = students(tmp_path, "given_name,ref,family_name\nAnn,Jr,1,Lee\n")
    assert [ref for ref, *_ in complaints(late_ref)] == [""]


def test_identical_rows_are_ignored_with_their_count(tmp_path: Path) -> None:
    records = students(tmp_path, f"{HEADER},house\n1,Ann,Lee,red\n2,Bo,Li,red\n1,Ann,Lee,blue\n1,Ann,Lee,red\n")
    assert [ref for ref, *_ in people(records)] == ["1", "2"]
    assert any("students.csv: 2 repeated rows" in text for text in remarks(records))
    assert of(Complete, records)[0].rows == 2


def test_one_reference_with_different_contents_is_unreadable_every_time(tmp_path: Path) -> None:
    records = students(tmp_path, f"{HEADER}\n1,Ann,Lee\n2,Bo,Li\n1,Ben,Lo\n1,Ann,Lee\n1,Ben,Lo\n 1 ,Cy,Lo\n1,Ann\n")
    assert [ref for ref, *_ in people(records)] == ["2"]
    assert [place for _, _, place in complaints(records)] == [f"students.csv, line {n}" for n in (2, 4, 7, 8)]
    assert all("twice with different contents" in reason for _, reason, _ in complaints(records)[:3])
    assert of(Complete, records)[0].rows == 5
    assert not any("Ben" in reason for _, reason, _ in complaints(records))


def test_blank_references_are_counted_each(tmp_path: Path) -> None:
    records = students(tmp_path, f"{HEADER}\n,Ann,Lee\n,Bo,Li\n  ,Bo,Li\n")
    assert [ref for ref, *_ in complaints(records)] == ["", "", ""]
    assert of(Complete, records)[0].rows == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{HEADER}\n1,Ann,Lee\n2,"Bo,Li\n3,Cy,Lo\n', "line 3: the quotation mark that opens in this row"),
        (f'{HEADER}\n1,"Ann"x,Lee\n', "line 2: a quotation mark stands in the wrong place"),
        (f"{HEADER}\n1,{'x' * 140_000},Lee\n", "line 2: a cell is longer than"),
        (f'{HEADER}\n1,"Ann,Lee\n' + "2,Bo,Li\n" * 20_000, "line 2: a cell is longer than"),
        ('"ref,given_name,family_name\n1,Ann,Lee\n', "no column"),
        ("", "students.csv is empty (0 bytes)"),
        ("\ufeff", "students.csv is empty"),
        ("\n\n , \n", "students.csv is empty"),
    ],
)
def test_damaged_files_change_nothing(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault(tmp_path, text.encode())


def test_a_header_alone_is_complete_with_no_rows_and_the_gate_decides(tmp_path: Path) -> None:
    assert students(tmp_path, HEADER) == [Complete(kind=Kind.STUDENTS, rows=0)]


# The folder


def test_names_without_case_and_what_schools_call_them(tmp_path: Path) -> None:
    (tmp_path / "STUDENTS.CSV").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "Contacts.csv").write_text("Contact ID,First name,Surname\ng1,Bob,Lee\n")
    (tmp_path / "gaurdians.csv").write_text("x\n")
    (tmp_path / "readme.txt").write_text("x\n")
    (tmp_path / "staff.csv").mkdir()
    records = roster(tmp_path)
    assert [c.kind for c in of(Complete, records)] == [Kind.STUDENTS, Kind.GUARDIANS]
    assert remarks(records) == ["Not read, because no list has this name: gaurdians.csv."]


def test_no_students_no_folder_and_two_of_a_kind(tmp_path: Path) -> None:
    with pytest.raises(Broken, match=r"There is no students\.csv\. Upload it"):
        roster(tmp_path)
    with pytest.raises(Broken, match="folder with the CSV files is not there"):
        roster(tmp_path / "nowhere")
    (tmp_path / "students.csv").write_text(f"{HEADER}\n")
    (tmp_path / "Pupils.csv").write_text(f"{HEADER}\n")
    with pytest.raises(Broken, match=r"Both Pupils\.csv and students\.csv"):
        roster(tmp_path)


def test_a_missing_file_is_a_kind_that_is_not_shared(tmp_path: Path) -> None:
    records = students(tmp_path, f"{HEADER}\n1,Ann,Lee\n")
    assert {c.kind for c in of(Complete, records)} == {Kind.STUDENTS}


@pytest.mark.parametrize("change", ["grow", "touch", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read_is_read_later(tmp_path: Path, change: str) -> None:
    path = tmp_path / "students.csv"
    path.write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "classes.csv").write_text("ref,name\nc1,7B\n")
    records = CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).roster()
    assert isinstance(next(records), Student)
    if change == "grow":
        path.write_text(f"{HEADER}\n1,Ann,Lee\n2,Bo,Li\n")
    elif change == "touch":
        os.utime(path, ns=(1, 1))
    elif change == "replace":
        other = tmp_path / "students.new"
        other.write_text(path.read_text())
        os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        other.replace(path)
    else:
        path.unlink()
    with pytest.raises(Busy, match=r"students\.csv"):
        list(records)


def test_an_earlier_file_that_changes_later_spoils_the_batch(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "classes.csv").write_text("ref,name\nc1,7B\n")
    records = CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).roster()
    while next(records) != Complete(kind=Kind.STUDENTS, rows=1):
        pass
    (tmp_path / "students.csv").write_text(f"{HEADER}\n")
    with pytest.raises(Busy):
        list(records)


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n")

    def forbid(*_args: object, **_kwargs: object) -> None:
        raise PermissionError("/secret/path")

    monkeypatch.setattr(Path, "open", forbid)
    with pytest.raises(Refused, match="A CSV file may not be read") as caught:
        roster(tmp_path)
    assert "secret" not in str(caught.value)


def test_settings_know_their_choices() -> None:
    with pytest.raises(ValueError, match="dates is one of dmy, mdy, ymd"):
        CsvSettings(folder="x", dates="ydm")
    assert CsvFiles.capabilities == frozenset(Kind)


# Laws

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12).filter(
    lambda cell: not is_error(cell)  # a name of "#NUM!" is a formula that failed
)
REF = st.text("0123456789ABCabcé-", min_size=1, max_size=6).map(str.strip).filter(bool)


def write(path: Path, kind: Kind, rows: list[dict[str, str]], *, delimiter: str, encoding: str) -> None:
    with path.open("w", newline="", encoding=encoding) as page:
        writer = csv.DictWriter(page, FIELDS[kind], delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(rows)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.dictionaries(REF, st.tuples(CELL, CELL, st.booleans() | st.none(), st.dates(datetime.date(1900, 1, 1)))),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: dict[str, tuple[str, str, bool | None, datetime.date]],
    delimiter: str,
    encoding: str,
) -> None:
    folder = tmp_path_factory.mktemp("batch")
    people_rows = [
        {
            "ref": ref,
            "given_name": safe_cell(given_name),
            "family_name": safe_cell(family),
            "date_of_birth": f"{born:%d/%m/%Y}",
        }
        for ref, (given_name, family, _, born) in rows.items()
    ]
    ties = [
        {"student_ref": ref, "guardian_ref": "g", "restricted": {None: "", True: "yes", False: "no"}[flag]}
        for ref, (_, _, flag, _) in rows.items()
    ]
    write(folder / "students.csv", Kind.STUDENTS, people_rows, delimiter=delimiter, encoding=encoding)
    write(folder / "ties.csv", Kind.TIES, ties, delimiter=delimiter, encoding=encoding)
    records = roster(folder)
    assert [(s.ref, s.given_name, s.family_name, s.date_of_birth) for s in of(Student, records)] == [
        (ref, given_name, family, born) for ref, (given_name, family, _, born) in rows.items()
    ]
    assert [(t.student_ref, t.restricted) for t in of(Tie, records)] == [
        (r, flag) for r, (_, _, flag, _) in rows.items()
    ]
    assert [c.rows for c in of(Complete, records)] == [len(rows), len(rows)]


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200) | st.text("ref,given_name;\"\n\r\t=' 1é", max_size=80).map(str.encode))
def test_any_bytes_give_records_or_one_of_the_four_errors(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("batch")
    (folder / "students.csv").write_bytes(data)
    try:
        records = roster(folder)
    except SyncError:
        return
    rows = len(of(Student, records)) + len(of(Unreadable, records))
    assert of(Complete, records) == [Complete(kind=Kind.STUDENTS, rows=rows)]


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(["1", "2", ""]), st.sampled_from(["a", "b"])), max_size=8))
def test_rows_are_counted_once_each_and_no_key_comes_twice(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("batch")
    body = "".join(f"{ref},{name},x\n" for ref, name in rows)
    records = students(folder, f"{HEADER}\n{body}")
    refs = [s.ref for s in of(Student, records)]
    assert len(refs) == len(set(refs))
    assert {r for r, _ in rows} == {*refs, *(u.ref for u in of(Unreadable, records))}
    assert of(Complete, records)[0].rows == len(of(Student, records)) + len(of(Unreadable, records))


def test_enrolments_that_repeat_are_one(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "enrolments.csv").write_text("Class Code,Pupil ID\nc1,1\nc1,1\n")
    assert of(Enrolment, roster(tmp_path)) == [Enrolment(class_ref="c1", student_ref="1")]


def test_a_header_without_end(tmp_path: Path) -> None:
    assert "students.csv is empty or has no header" in fault(tmp_path, f'"{"x" * 140_000}"\n'.encode())


def test_a_folder_that_cannot_be_listed_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def fail(folder: object) -> object:
        if folder == tmp_path:
            raise OSError("input/output error")
        return scandir(folder)  # type: ignore[call-overload] # whatever the others ask for

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(Busy, match="folder with the CSV files cannot be read now"):
        roster(tmp_path)


def test_letters_that_change_under_our_hands(tmp_path: Path) -> None:
    path = tmp_path / "students.csv"
    path.write_bytes(f"{HEADER}\n1,Ann,Lee\n".encode())
    sheet = open_sheet(Kind.STUDENTS, CsvSource(path))
    path.write_bytes(f"{HEADER}\n1,Zo\xeb,Lee\n".encode("cp1252"))
    with pytest.raises(Busy, match="was changed while it was read"):
        list(sheet.rows())
