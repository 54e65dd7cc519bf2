"""One list of our own templates: a table whose columns are known."""

import dataclasses
import functools
from collections.abc import Iterator

from sync.connectors.csv_files.columns import Columns, columns_of, recognised
from sync.connectors.csv_files.table import Row, Source, Table
from sync.records import Kind


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table, and which field each of its columns is."""

    table: Table
    columns: Columns

    @property
    def kind(self) -> Kind:
        """The kind of record that each row is."""
        return self.columns.kind

    def rows(self) -> Iterator[Row]:
        """Yield the rows below the header, as `Table.rows` does."""
        return self.table.rows()


def open_sheet(kind: Kind, source: Source) -> Sheet:
    """Find out how a list is written.

    Raises:
        Broken: it is empty, damaged, or lacks a column.
    """
    table = source.table(functools.partial(recognised, kind))
    return Sheet(table=table, columns=columns_of(kind, table.header, file=table.name))
