"""The rows of one list as text, as often as they are asked for: the delimiter found, quotes taken strictly (R8)."""

import abc
import csv
import dataclasses
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from sync.connectors.csv_files.encoding import Encoding, encoding_of
from sync.connectors.csv_files.folder import changed
from sync.errors import Broken

DELIMITERS: Final = (",", ";", "\t", "|")
_NOTHING: Final = " \r\n" + "".join(DELIMITERS)
_HEADER_LINES: Final = 50  # a header is not longer than this; without a bound a lost quote would read the whole file
_SEPARATOR_LINE: Final = re.compile("sep=.?", re.IGNORECASE)  # a first line for one spreadsheet program only

Row = tuple[int, list[str]]  # the line where it begins, its cells
Known = Callable[[Sequence[str]], int]  # how many cells of a possible header name a column that we read


class Table(abc.ABC):
    """One list, understood: its header, what its owner should know about it, and its rows."""

    name: str
    header: Sequence[str]
    remarks: tuple[str, ...]

    @abc.abstractmethod
    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, one at a time; a blank row is none.

        Raises:
            Broken: a quotation mark is never closed or stands in the wrong place, or a cell has no end.
            Busy: the file changed since it was opened first.
        """

    def place(self, line: int) -> str:
        """Return where a row stands, for a person who looks for it."""
        return f"{self.name}, line {line}"


class Source(abc.ABC):
    """A list that nobody has read yet. `name` is for people; `stem` says which list it is, in lower case."""

    name: str
    stem: str

    @abc.abstractmethod
    def table(self, known: Known) -> Table:
        """Find out how it is written.

        Raises:
            Broken: it is empty, damaged, or has no header.
        """


class CsvSource(Source):
    """A CSV file."""

    def __init__(self, path: Path, *, name: str = "") -> None:
        self.path, self.name, self.stem = path, name or path.name, path.stem.casefold()

    def table(self, known: Known) -> "CsvTable":
        """Find encoding and delimiter; see `Source.table`."""
        encoding = encoding_of(self.path)
        headers = {each: _header(self.path, codec=encoding.codec, delimiter=each) for each in DELIMITERS}
        delimiter = max(DELIMITERS, key=lambda each: (known(headers[each]), len(headers[each])))
        if not headers[delimiter]:
            raise no_header(self.name)
        return CsvTable(
            path=self.path, name=self.name, header=headers[delimiter], encoding=encoding, delimiter=delimiter
        )


def no_header(name: str) -> Broken:
    """Return the error for a list without a first line."""
    return Broken(f"{name} is empty or has no header; nothing was changed. Its first line must name the columns.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvTable(Table):
    """A CSV file of which encoding and delimiter are known."""

    path: Path
    name: str
    header: Sequence[str]
    encoding: Encoding
    delimiter: str

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override] # read only
        """What was found out about the letters."""
        return (self.encoding.remark,) if self.encoding.remark else ()

    def rows(self) -> Iterator[Row]:
        """Yield the rows; see `Table.rows`."""
        return itertools.islice(_records(self.path, codec=self.encoding.codec, delimiter=self.delimiter), 1, None)


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
        raise changed(path.name) from None  # all of it was decoded once before


def _says_something(cells: list[str], *, delimiter: str) -> bool:
    """Whether a first row is a header: not blank, and not "sep=;"."""
    return any(cell.strip(_NOTHING) for cell in cells) and not _SEPARATOR_LINE.fullmatch(delimiter.join(cells).strip())


def _complaint(fault: str) -> str:
    if "field larger" in fault:
        return "a cell is longer than 131,072 characters; usually a quotation mark before it is never closed."
    if "unexpected end" in fault:
        return "the quotation mark that opens in this row is never closed; the file may be cut. Export it again."
    return "a quotation mark stands in the wrong place, so the columns cannot be told apart. Export the file again."
