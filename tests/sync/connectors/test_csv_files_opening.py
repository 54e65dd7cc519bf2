"""Zips and workbooks: what is opened, what is not, and cells that are no text."""

import datetime
import struct
import zipfile
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

import pytest

from sync.connectors.csv_files import CsvFiles, archive
from sync.connectors.csv_files.settings import CsvSettings
from sync.errors import Broken, SyncError
from sync.http import Http
from sync.records import Class, Complete, Kind, Record, Remark, RosterRecord, Student, Tie, Unreadable

T = TypeVar("T", bound=Record)

HEADER = "ref,given_name,family_name"
Cell = str | float | bool | datetime.date | None
ERROR = "#REF!"  # in a cell of a made workbook: the error itself, not the text

# The smallest parts of a workbook that a program opens.
_TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels"
ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml"
ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STYLES = f"""<styleSheet xmlns="{_MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>
<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"""


def workbook(path: Path, sheets: dict[str, list[list[Cell]]], *, top: int = 1, named: bool = True) -> Path:
    """Write a workbook; the lists begin in row `top`; cells say where they are if `named`."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", _TYPES)
        link = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{_RELS}">{link}</Relationships>')
        tags = [f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(sheets, start=1)]
        tags_text = "".join(tags)
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{tags_text}</sheets></workbook>'
        )
        links = [
            f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        ] + [f'<Relationship Id="rs" Type="{_OFFICE}/styles" Target="styles.xml"/>']
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_RELS}">{"".join(links)}</Relationships>')
        book.writestr("xl/styles.xml", _STYLES)
        for n, rows in enumerate(sheets.values(), start=1):
            text = "".join(_row(cells, number, named=named) for number, cells in enumerate(rows, start=top))
            book.writestr(
                f"xl/worksheets/s{n}.xml", f'<worksheet xmlns="{_MAIN}"><sheetData>{text}</sheetData></worksheet>'
            )
    return path


def _row(cells: list[Cell], number: int, *, named: bool) -> str:
    written = "".join(_cell(cell, f'r="{chr(65 + i)}{number}"' if named else "") for i, cell in enumerate(cells))
    return f'<row r="{number}">{written}</row>'


def _cell(cell: Cell, where: str) -> str:
    if cell is None:
        return f"<c {where}/>"
    if isinstance(cell, bool):
        return f'<c {where} t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, datetime.date):
        return f'<c {where} s="1"><v>{(cell - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(cell, float | int):
        return f"<c {where}><v>{cell}</v></c>"
    if cell == ERROR:
        return f'<c {where} t="e"><v>{ERROR}</v></c>'
    return f'<c {where} t="inlineStr"><is><t>{escape(cell)}</t></is></c>'


def roster(folder: Path) -> list[RosterRecord]:
    return list(CsvFiles(CsvSettings(folder=str(folder)), Http()).roster())


def of(shape: type[T], records: list[RosterRecord]) -> list[T]:
    return [record for record in records if isinstance(record, shape)]


def remarks(records: list[RosterRecord]) -> str:
    return " | ".join(remark.text for remark in of(Remark, records))


# Halves of keys


def test_an_unreadable_tie_names_both_its_ends(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(f"{HEADER}\n1,Ann,Lee\n")
    (tmp_path / "ties.csv").write_text(
        "student_ref,guardian_ref,priority\n1,a,first\n1,b,1\n1,b,2\n,c,1\n2,,1\n3,d\n4,#N/A,1\n"
    )
    said = [(one.ref, one.other_ref) for one in of(Unreadable, roster(tmp_path))]
    assert said == [("1", "a"), ("1", "b"), ("1", "b"), ("", "c"), ("2", ""), ("3", ""), ("4", "")]


def test_an_error_of_a_formula_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text(
        f"{HEADER},email,date_of_birth\n1,Ann,Lee,#N/A,\n2,Bo,Li,,#REF!\n#REF!,C,D,,\n"
    )
    records = roster(tmp_path)
    assert of(Student, records) == []
    assert [one.ref for one in of(Unreadable, records)] == ["1", "2", ""]
    assert all("error of a spreadsheet" in one.reason for one in of(Unreadable, records))


# Workbooks


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("top", [1, 7])
def test_each_sheet_is_a_list(tmp_path: Path, top: int, named: bool) -> None:  # noqa: FBT001
    born = datetime.date(2015, 4, 3)
    workbook(
        tmp_path / "school.xlsx",
        {
            "Students": [[*HEADER.split(","), "date_of_birth"], ["007", "Zoë", "Muñoz", born], [None] * 4,
                         ["8", "Renée", "O’Brien", "03/04/2015"]],
            "Ties": [["student_ref", "guardian_ref", "restricted", "priority"], ["007", "g", True, 1.0]],
            "Notes": [],
        },
        top=top,
        named=named,
    )  # fmt: skip
    records = roster(tmp_path)
    assert of(Student, records) == [
        Student(ref="007", given_name="Zoë", family_name="Muñoz", date_of_birth=born),
        Student(ref="8", given_name="Renée", family_name="O’Brien", date_of_birth=born),
    ]
    assert of(Tie, records) == [Tie(student_ref="007", guardian_ref="g", restricted=True, priority=1)]
    assert of(Complete, records) == [Complete(kind=Kind.STUDENTS, rows=2), Complete(kind=Kind.TIES, rows=1)]
    assert not of(Remark, records)


def test_a_workbook_with_one_sheet_may_say_by_its_name_what_it_is(tmp_path: Path) -> None:
    workbook(tmp_path / "Pupils.xlsx", {"Sheet1": [[*HEADER.split(",")], ["1", "Ann", "Lee"]]})
    (tmp_path / "~$Pupils.xlsx").write_bytes(b"a lock of the program that has it open")
    assert of(Student, roster(tmp_path)) == [Student(ref="1", given_name="Ann", family_name="Lee")]


def test_numbers_in_a_column_of_references_are_remarked_on(tmp_path: Path) -> None:
    workbook(tmp_path / "students.xlsx", {"S": [[*HEADER.split(","), "year"], [7.0, "Ann", "Lee", 5.0]]})
    records = roster(tmp_path)
    assert of(Student, records) == [Student(ref="7", given_name="Ann", family_name="Lee", year="5")]
    assert "leading zeros are lost: “ref”." in remarks(records)


def test_a_number_too_long_to_be_exact_is_no_reference(tmp_path: Path) -> None:
    workbook(tmp_path / "students.xlsx", {"S": [[*HEADER.split(",")], [1234567890123456.0, "Ann", "Lee"]]})
    assert [one.ref for one in of(Unreadable, roster(tmp_path))] == [""]


@pytest.mark.parametrize("named", [True, False])
def test_error_cells_are_unreadable_and_name_their_row(tmp_path: Path, named: bool) -> None:  # noqa: FBT001
    rows: list[list[Cell]] = [
        [None, *HEADER.split(","), "email"],
        [None, "1", "Ann", "Lee", ERROR],
        [None, "2", "Bo", "Li", None],
    ]
    workbook(tmp_path / "students.xlsx", {"S": rows}, top=3, named=named)
    records = roster(tmp_path)
    assert [(one.ref, one.place) for one in of(Unreadable, records)] == [("1", "students.xlsx, sheet “S”, row 4")]
    assert of(Student, records) == [Student(ref="2", given_name="Bo", family_name="Li", email="")]


def test_a_moment_in_a_column_of_dates_is_no_date(tmp_path: Path) -> None:
    workbook(tmp_path / "students.xlsx", {"S": [[*HEADER.split(","), "dob"], ["1", "Ann", "Lee", 42097.5]]})
    assert "date_of_birth is not a date" in of(Unreadable, roster(tmp_path))[0].reason


@pytest.mark.parametrize(
    "data", [b"", b"not a workbook", b"PK\3\4 neither", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600]
)
def test_what_is_no_workbook_is_broken(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "students.xlsx").write_bytes(data)
    with pytest.raises(Broken, match=r"students\.xlsx is damaged"):
        roster(tmp_path)


def test_a_cell_in_the_far_corner_is_not_paid_for(tmp_path: Path) -> None:
    path = workbook(tmp_path / "students.xlsx", {"S": [[*HEADER.split(",")]]})
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts["xl/worksheets/s1.xml"] = parts["xl/worksheets/s1.xml"].replace("</sheetData>", far)
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    with pytest.raises(Broken, match="far to the right or far down"):
        roster(tmp_path)


def test_entities_of_a_workbook_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a secret")
    path = workbook(tmp_path / "students.xlsx", {"S": [[*HEADER.split(",")], ["1", "Ann", "Lee"]]})
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name).decode() for name in book.namelist()}
    parts["xl/workbook.xml"] = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>' + parts["xl/workbook.xml"]
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)
    try:
        said = str(roster(tmp_path))
    except SyncError as fault:
        said = str(fault)
    assert "a secret" not in said


# Zips


def pack(path: Path, files: dict[str, str], *, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as zipped:
        for name, text in files.items():
            zipped.writestr(name, text)
    return path


def test_a_zip_of_our_own_templates(tmp_path: Path) -> None:
    pack(tmp_path / "upload.zip", {"a/students.csv": f"{HEADER}\n1,Ann,Lee\n", "a/readme.txt": "x"})
    (tmp_path / "classes.csv").write_text("ref,name\nc1,7B\n")
    records = roster(tmp_path)
    assert of(Student, records) == [Student(ref="1", given_name="Ann", family_name="Lee")]
    assert of(Class, records) == [Class(ref="c1", name="7B")]


@pytest.mark.parametrize(
    "name", ["../students.csv", "/etc/students.csv", "..\\..\\students.csv", "a/../../students.csv"]
)
def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path, name: str) -> None:
    folder, room = tmp_path / "in", tmp_path / "out" / "room"
    folder.mkdir()
    room.mkdir(parents=True)
    path = pack(folder / "upload.zip", {name: f"{HEADER}\n1,Ann,Lee\n"})
    assert archive.unpack(path, room) == (room / "students.csv",)
    assert [each.name for each in tmp_path.rglob("*.csv")] == ["students.csv"]


def test_two_files_of_one_name_are_not_chosen_between(tmp_path: Path) -> None:
    pack(tmp_path / "upload.zip", {"a/students.csv": HEADER, "b/Students.csv": HEADER})
    with pytest.raises(Broken, match="in two folders"):
        roster(tmp_path)


def test_a_bomb_is_not_opened(tmp_path: Path) -> None:
    pack(tmp_path / "upload.zip", {"students.csv": "0" * 20_000_000})
    with pytest.raises(Broken, match="would unpack to more"):
        roster(tmp_path)
    pack(tmp_path / "upload.zip", {f"{n}.csv": "x" for n in range(archive.MOST_MEMBERS + 1)})
    with pytest.raises(Broken, match="would unpack to more"):
        roster(tmp_path)
    pack(tmp_path / "upload.zip", {})
    pack(tmp_path / "students.xlsx", {"xl/worksheets/s1.xml": "0" * 20_000_000})
    with pytest.raises(Broken, match="would unpack to more"):
        roster(tmp_path)


def test_a_bomb_that_lies_about_its_size_is_not_written_out(tmp_path: Path) -> None:
    path = pack(tmp_path / "upload.zip", {"students.csv": "0" * 3_000_000})
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        at = data.index(mark) + place
        data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    room = tmp_path / "room"
    room.mkdir()
    with pytest.raises(Broken):
        archive.unpack(path, room)
    assert sum(each.stat().st_size for each in room.iterdir()) <= 3_000_000


@pytest.mark.parametrize("damage", ["cut", "noise", "locked"])
def test_a_damaged_or_locked_zip_is_broken(tmp_path: Path, damage: str) -> None:
    path = pack(tmp_path / "upload.zip", {"students.csv": f"{HEADER}\n" + "1,Ann,Lee\n" * 50})
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "noise":
        data[45:60] = b"x" * 15
    else:
        for mark, place in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
            data[data.index(mark) + place] |= 1
    path.write_bytes(data)
    with pytest.raises(Broken, match="damaged, encrypted or no zip"):
        roster(tmp_path)


@pytest.mark.parametrize("name", ["", ".", "a" * 300 + ".csv"])
def test_a_name_that_is_none_is_not_stumbled_over(tmp_path: Path, name: str) -> None:
    path = pack(tmp_path / "upload.zip", {"students.csv": f"{HEADER}\n1,Ann,Lee\n"})
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr(zipfile.ZipInfo(name), "x")
    if name.endswith(".csv"):
        with pytest.raises(Broken, match="too long"):
            roster(tmp_path)
    else:
        assert len(of(Student, roster(tmp_path))) == 1


def test_a_name_in_letters_that_are_none_is_damage(tmp_path: Path) -> None:
    path = pack(tmp_path / "upload.zip", {"students.csv": f"{HEADER}\n1,Ann,Lee\n", "é.csv": "x"})
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xfe"))
    with pytest.raises(Broken, match="damaged"):
        roster(tmp_path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_packing_that_nobody_uses_for_lists_is_not_opened(tmp_path: Path, compression: int) -> None:
    path = pack(tmp_path / "upload.zip", {"students.csv": f"{HEADER}\n1,Ann,Lee\n"}, compression=compression)
    data = bytearray(path.read_bytes())
    data[60:66] = b"\xff" * 6
    path.write_bytes(data)
    with pytest.raises(Broken, match="packed in a way"):
        roster(tmp_path)


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/s1.xml"])
def test_a_workbook_with_a_damaged_part_is_broken(tmp_path: Path, member: str) -> None:
    row: list[Cell] = ["1", "Ann", "Lee"]
    path = workbook(tmp_path / "students.xlsx", {"students": [row] * 50})
    with zipfile.ZipFile(path) as book:
        part = book.getinfo(member)
        at = part.header_offset + 30 + len(part.filename) + 12
    data = bytearray(path.read_bytes())
    data[at : at + 20] = b"x" * 20
    path.write_bytes(data)
    with pytest.raises(Broken, match="damaged"):
        roster(tmp_path)


def test_a_zip_within_a_zip_is_left_alone(tmp_path: Path) -> None:
    pack(tmp_path / "upload.zip", {"students.csv": f"{HEADER}\n1,Ann,Lee\n", "more.zip": "PK"})
    assert len(of(Student, roster(tmp_path))) == 1


def test_an_old_workbook_is_not_read_because_its_errors_look_empty(tmp_path: Path) -> None:
    (tmp_path / "students.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    with pytest.raises(Broken, match=r"Save it as \.xlsx"):
        roster(tmp_path)
