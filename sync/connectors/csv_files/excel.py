"""The sheets of an Excel workbook as lists: each like a CSV file, its cells as the text a person sees (R8)."""

import collections
import contextlib
import datetime
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from lxml import etree
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetTypeEnum

from sync.connectors.csv_files.archive import FAULTS, demand_modest
from sync.connectors.csv_files.columns import plain_header
from sync.connectors.csv_files.table import Known, Row, Source, Table, no_header
from sync.errors import Broken
from sync.spool import Spool

MOST_CELLS: Final = 20_000_000  # from the first to the last cell in use; the library makes room for all between them
_EXACT: Final = 1e15  # Excel keeps fifteen digits of a number; what is longer has lost its end
_ERROR: Final = "#NUM!"
_REFERENCE: Final = re.compile(r"(?:^|_)(?:ref|id|number|no|upn|code|phone|mobile|telephone)$|sourcedid$")
_CELL: Final = re.compile("([A-Z]{1,3})([0-9]{1,7})")

Value = str | float | bool | datetime.date | datetime.time | datetime.timedelta | None
Place = tuple[int, int]  # row and column, from zero


class Line(msgspec.Struct, frozen=True):
    """One row of a sheet, and the columns in which the cell is a number."""

    number: int
    cells: list[str]
    numbers: list[int]


class SheetSource(Source):
    """One sheet of a workbook. A workbook with one sheet says by its own name which list it is, if the sheet does not.

    Excel keeps whole sheets packed, so one sheet at a time is in memory; its rows then wait in a file.
    """

    def __init__(self, path: Path, sheet: str, *, stem: str, room: contextlib.ExitStack) -> None:
        self._path, self._sheet, self._room = path, sheet, room
        self.name, self.stem = f"{path.name}, sheet “{sheet}”", stem

    def table(self, known: Known) -> "SheetTable":
        """Read the sheet; see `Source.table`."""
        lines = self._room.enter_context(Spool(Line))
        for line in _lines(self._path, self._sheet):
            lines.put(str(line.number), line)
        first = next(lines.rows(), None)
        if first is None:
            raise no_header(self.name)
        return SheetTable(name=self.name, lines=lines, header=first.cells, remarks=self._remarks(lines, first))

    def _remarks(self, lines: Spool[Line], first: Line) -> tuple[str, ...]:
        numbers = {column for line in lines.rows() if line.number != first.number for column in line.numbers}
        header = dict(enumerate(first.cells))
        lost = [header[i] for i in sorted(numbers & header.keys()) if _REFERENCE.search(plain_header(header[i]))]
        named = ", ".join(f"“{' '.join(each.split())[:40]}”" for each in lost)
        zeros = (
            f"{self.name}: these columns hold numbers, in which leading zeros are lost: {named}. If references begin "
            "with 0, format the column as text and type them again."
        )
        return (zeros,) if lost else ()


class SheetTable(Table):
    """A sheet whose rows wait in a file."""

    def __init__(self, *, name: str, lines: Spool[Line], header: Sequence[str], remarks: tuple[str, ...]) -> None:
        self.name, self.header, self.remarks, self._lines = name, header, remarks, lines

    def rows(self) -> Iterator[Row]:
        """Yield the rows, all as wide as the header unless something stands to its right; see `Table.rows`."""
        width = len(self.header)
        lines = self._lines.rows()
        next(lines)
        for line in lines:
            cells = line.cells[:width] + [""] * (width - len(line.cells))
            yield line.number, cells + line.cells[width:]

    def place(self, line: int) -> str:
        """Return where a row stands, as the spreadsheet program numbers it."""
        return f"{self.name}, row {line}"


def sheets_of(path: Path, *, room: contextlib.ExitStack) -> tuple[SheetSource, ...]:
    """Return the sheets of a workbook that hold something; hidden ones too, for nobody hides a list from its system.

    Raises:
        Broken: it is damaged, protected by a password, larger than it may be, or of the old kind.
    """
    if path.suffix.lower() == ".xls":  # an error (#REF!) reads as empty there, and would clear what we hold
        raise Broken(f"{path.name} is an old Excel file, in which errors look like empty cells. Save it as .xlsx.")
    demand_modest(path)
    _demand_room(path)
    with _open(path) as book:
        kept = [each.name for each in book.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
        names = [name for name in kept if book.get_sheet_by_name(name).total_height]
    alone = len(names) == 1
    return tuple(
        SheetSource(path, name, stem=path.stem.casefold() if alone else name.strip().casefold(), room=room)
        for name in names
    )


@contextlib.contextmanager
def _open(path: Path) -> Iterator[CalamineWorkbook]:
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            yield book
            return
    except (CalamineError, PasswordError):
        pass  # raised below: the fault itself may quote the file
    raise Broken(f"{path.name} is damaged, protected by a password or no workbook. Save it again.")


def _lines(path: Path, name: str) -> Iterator[Line]:
    with _open(path) as book:
        sheet = book.get_sheet_by_name(name)
        errors = _errors(path, name)
        yield from _filled(sheet, errors)


def _filled(sheet: CalamineSheet, errors: frozenset[Place]) -> Iterator[Line]:
    """Yield the rows that say something; the list may begin anywhere on the sheet."""
    left = sheet.start[1] if sheet.start else 0  # rows come from the first, columns from the first in use
    wrong_in = collections.defaultdict(set)
    for row, column in errors:
        wrong_in[row].add(column - left)
    for number, values in enumerate(sheet.iter_rows()):
        wrong = wrong_in.get(number, ())
        cells = [_ERROR if i in wrong else _text(value) for i, value in enumerate(values)]
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            numbers = [i for i, value in enumerate(values) if isinstance(value, float)]
            yield Line(number + 1, cells, numbers)


def _text(value: Value) -> str:
    """Return what a cell says as the text of a CSV file."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | float():
            return _number(float(value))
        case datetime.datetime():
            return value.isoformat(" ")
        case datetime.date() | datetime.time():
            return value.isoformat()
        case _:
            return str(value)


def _number(value: float) -> str:
    if abs(value) >= _EXACT:
        return _ERROR  # its last digits are lost, so it is nobody's reference
    return str(int(value)) if value.is_integer() else repr(value)


def _demand_room(path: Path) -> None:
    """Refuse a sheet that says something in its farthest corner, before anybody makes room for all that is between.

    Raises:
        Broken: see there.
    """
    with _xml(path) as book:
        for member in book.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                _demand_area(path, _places(book, member, errors=False))


def _demand_area(path: Path, places: Iterator[Place]) -> None:
    rows = columns = 0
    for row, column in places:
        rows, columns = max(rows, row + 1), max(columns, column + 1)
        if rows * columns > MOST_CELLS:
            raise Broken(f"{path.name} has cells far to the right or far down; delete what is beyond the list.")


def _errors(path: Path, sheet: str) -> frozenset[Place]:
    """Return the cells that hold an error; the library shows them as empty, and empty would mean “nothing”."""
    if path.suffix.lower() != ".xlsx":
        return frozenset()
    with _xml(path) as book:
        member = _member(book, sheet)
        return frozenset(_places(book, member, errors=True)) if member else frozenset()


@contextlib.contextmanager
def _xml(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as book:
            yield book
            return
    except (*FAULTS, etree.XMLSyntaxError, KeyError):
        pass
    raise Broken(f"{path.name} is damaged. Save it again.")


def _member(book: zipfile.ZipFile, sheet: str) -> str:
    """Return the part of the workbook that a sheet is written in, "" if that is not said."""
    links = {
        each.get("Id"): each.get("Target", "")
        for each in etree.fromstring(book.read("xl/_rels/workbook.xml.rels"), _parser())
    }
    for each in etree.fromstring(book.read("xl/workbook.xml"), _parser()).iter("{*}sheet"):
        if each.get("name") == sheet:
            link = next((value for name, value in each.attrib.items() if str(name).endswith("}id")), "")
            target = links.get(link) or ""
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return ""


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


def _places(book: zipfile.ZipFile, member: str, *, errors: bool) -> Iterator[Place]:
    """Yield where the cells of a sheet are, all of them or those with an error; a cell need not say where it is."""
    row = column = -1
    with book.open(member) as part:
        walk = etree.iterparse(
            part, events=("start", "end"), tag=("{*}c", "{*}row"), resolve_entities=False, no_network=True
        )
        for event, element in walk:
            is_cell = element.tag.endswith("}c")
            if event == "start" and not is_cell:
                row, column = int(element.get("r", row + 2)) - 1, -1
            elif event == "start":
                match = _CELL.fullmatch(element.get("r", ""))
                column = _column(match[1]) if match else column + 1
                if not errors or element.get("t") == "e":
                    yield row, column
            elif not is_cell:
                _forget(element)


def _forget(element: Any) -> None:
    """Let go of what was read of a document."""
    element.clear()
    while element.getprevious() is not None:
        del element.getparent()[0]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
