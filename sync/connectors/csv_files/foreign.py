"""Lists in another system's format: rows whose cells are looked up by the names of that format's columns."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sync.connectors.csv_files.cells import SPREADSHEET_ERRORS, reference, text
from sync.connectors.csv_files.columns import plain_header
from sync.connectors.csv_files.lists import RAGGED
from sync.connectors.csv_files.table import Source, Table
from sync.errors import Broken
from sync.records import NOT_SHARED, Text

Names = Mapping[str, Sequence[str]]  # our word for a column: the plain headers that mean it, the best first
_NO_VALUE: Final = "a cell holds an error of a spreadsheet's formula; mend it and export again."


def by_stem(sources: Iterable[Source]) -> dict[str, Source]:
    """Return the lists by what they are.

    Raises:
        Broken: one is there twice.
    """
    found: dict[str, Source] = {}
    for source in sources:
        if source.stem in found:
            raise Broken(f"Both {found[source.stem].name} and {source.name} are the same list. Keep one of them.")
        found[source.stem] = source
    return found


@dataclasses.dataclass(frozen=True)
class Line:
    """One row. `fault` says why its cells cannot be trusted, "" if they can."""

    place: str
    cells: Mapping[str, str]
    fault: str = ""

    def ref(self, name: str) -> str:
        """Return a reference, "" if it is blank, not there, or cannot be trusted."""
        return reference(self.cells.get(name, ""))

    def text(self, name: str) -> Text:
        """Return a text; a column that is not there is not shared."""
        return text(self.cells[name]) if name in self.cells else NOT_SHARED

    def word(self, name: str) -> str:
        """Return a word of the format's vocabulary in lower case, "" if there is none."""
        return self.ref(name).lower()

    def list(self, name: str) -> list[str]:
        """Return the elements of a cell such as "a,b,c"; some write stray blanks, some semicolons."""
        return [each.strip() for each in self.ref(name).replace(";", ",").split(",") if each.strip()]


class Listing:
    """A list and its columns.

    Raises:
        Broken: it is damaged, has a column twice, or lacks one without which nobody can tell what a row is about.
    """

    def __init__(self, source: Source, names: Names, *, needed: Sequence[str]) -> None:
        known = {header for headers in names.values() for header in headers}
        self._table: Table = source.table(lambda header: sum(plain_header(each) in known for each in header))
        plain = list(map(plain_header, self._table.header))
        found = {name: next((h for h in headers if h in plain), "") for name, headers in names.items()}
        twice = next((header for header in found.values() if header and plain.count(header) > 1), "")
        if twice:
            raise Broken(f"{source.name} has {plain.count(twice)} columns that could be {twice}. Keep the right one.")
        self._index = {name: plain.index(header) for name, header in found.items() if header}
        missing = [names[name][0] for name in needed if name not in self._index]
        if missing:
            raise Broken(f"{source.name} has no column {' and no column '.join(missing)}. Nothing was changed.")
        self.remarks = self._table.remarks

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._index

    def lines(self) -> Iterator[Line]:
        """Yield the rows; of a ragged one only the first cell is surely in its column."""
        width = len(self._table.header)
        for number, cells in self._table.rows():
            place = self._table.place(number)
            if len(cells) != width:
                first = {name: cells[0] for name, index in self._index.items() if index == 0}
                yield Line(place, first, RAGGED.format(found=len(cells), wanted=width))
                continue
            said = {name: cells[index] for name, index in self._index.items()}
            wrong = not SPREADSHEET_ERRORS.isdisjoint(said.values())
            yield Line(place, said, _NO_VALUE if wrong else "")
