"""The rows of one file: the delimiter found from the header, quotes taken strictly, blank lines left out (R8)."""

import csv
import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sync.connectors.csv_files.columns import Columns, columns_of, recognised
from sync.connectors.csv_files.encoding import Encoding, encoding_of
from sync.connectors.csv_files.folder import changed
from sync.errors import Broken
from sync.records import Kind

DELIMITERS: Final = (",", ";", "\t", "|")
_NOTHING: Final = " \r\n" + "".join(DELIMITERS)
_HEADER_LINES: Final = 50  # a header is not longer than this; without a bound a lost quote would read the whole file
_SEPARATOR_LINE: Final = re.compile("sep=.?", re.IGNORECASE)  # a first line for one spreadsheet program only

Row = tuple[int, list[str]]  # the line where it begins, its cells


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sheet:
    """One file, understood: how to read it and what its columns are."""

    path: Path
    encoding: Encoding
    delimiter: str
    columns: Columns

    @property
    def kind(self) -> Kind:
        """The kind of record that each row is."""
        return self.columns.kind

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, one at a time.

        Raises:
            Broken: a quotation mark is never closed or stands in the wrong place, or a cell has no end.
            Busy: the file changed since it was opened first.
        """
        return itertools.islice(_records(self.path, codec=self.encoding.codec, delimiter=self.delimiter), 1, None)


def open_sheet(kind: Kind, path: Path) -> Sheet:
    """Find out how a file is written.

    Raises:
        Broken: it is empty, damaged, or lacks a column.
    """
    encoding = encoding_of(path)
    headers = {delimiter: _header(path, codec=encoding.codec, delimiter=delimiter) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda d: (recognised(kind, headers[d]), len(headers[d])))
    if not headers[delimiter]:
        raise Broken(
            f"{path.name} is empty or has no header; nothing was changed. Its first line must name the columns."
        )
    columns = columns_of(kind, headers[delimiter], file=path.name)
    return Sheet(path=path, encoding=encoding, delimiter=delimiter, columns=columns)


def _header(path: Path, *, codec: str, delimiter: str) -> list[str]:
    """Return the first row under one delimiter, [] if there is none; lenient, for it may be the wrong delimiter."""
    with path.open(encoding=codec, newline="") as lines:
        rows = csv.reader(itertools.islice(lines, _HEADER_LINES), delimiter=delimiter)
        try:
            return next((cells for cells in rows if _says_something(cells, delimiter=delimiter)), [])
        except csv.Error:
            return []


def _records(path: Path, *, codec: str, delimiter: str) -> Iterator[Row]:
    """Yield all rows that say something, the header first."""
    line, begun = 1, False
    try:
        with path.open(encoding=codec, newline="") as lines:
            reader = csv.reader(lines, delimiter=delimiter, strict=True)
            for cells in reader:
                if any(map(str.strip, cells)) and (begun or _says_something(cells, delimiter=delimiter)):
                    begun = True
                    yield line, cells
                line = reader.line_num + 1
    except csv.Error as fault:
        raise Broken(f"{path.name}, line {line}: {_complaint(str(fault))}") from None
    except UnicodeError:
        raise changed(path) from None  # all of it was decoded once before


def _says_something(cells: list[str], *, delimiter: str) -> bool:
    """Whether a first row is a header: not blank, and not "sep=;"."""
    return any(cell.strip(_NOTHING) for cell in cells) and not _SEPARATOR_LINE.fullmatch(delimiter.join(cells).strip())


def _complaint(fault: str) -> str:
    if "field larger" in fault:
        return "a cell is longer than 131,072 characters; usually a quotation mark before it is never closed."
    if "unexpected end" in fault:
        return "the quotation mark that opens in this row is never closed; the file may be cut. Export it again."
    return "a quotation mark stands in the wrong place, so the columns cannot be told apart. Export the file again."
