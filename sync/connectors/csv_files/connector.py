"""The connector for CSV files: one folder with a school's present upload, read twice and never kept whole (R8)."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final, cast

from sync.connector import Connector, setting
from sync.connectors.csv_files.cells import ORDERS, CellError, converters, reference
from sync.connectors.csv_files.columns import KEYS, RECORD_OF, unknown_remark
from sync.connectors.csv_files.folder import batch_in, demand_unchanged, unreadable
from sync.connectors.csv_files.sheet import Sheet, open_sheet
from sync.records import Complete, Kind, Remark, RosterRecord, Unreadable

_TWICE: Final = "the reference appears twice with different contents; keep the row that is right."
_RAGGED: Final = "the row has {found} columns but the header {wanted}; look for a missing or extra delimiter."

Key = tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvSettings:
    """Where the files are, and how their dates are written."""

    folder: str = setting(label="Folder", help="The folder that holds the school's present upload.", ours=True)
    dates: str = setting(
        label="Order of dates",
        help="How 3 April 2015 is written: dmy 03/04/2015, mdy 04/03/2015, ymd 2015/04/03. 2015-04-03 always works.",
        default="dmy",
        choices=tuple(ORDERS),
    )

    def __post_init__(self) -> None:
        if self.dates not in ORDERS:
            raise ValueError(f"dates is one of {', '.join(ORDERS)}")


class CsvFiles(Connector):
    """Reads students.csv and its eight companions; a file that is not there is a kind that is not shared."""

    key: ClassVar[str] = "csv_files"
    label: ClassVar[str] = "CSV files"
    Settings: ClassVar[type] = CsvSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)

    def roster(self) -> Iterator[RosterRecord]:
        """Yield all files, each kind followed by its `Complete`; see `Connector.roster`."""
        try:
            yield from self._files()
        except OSError as fault:
            raise unreadable("A CSV file", fault) from None

    def _files(self) -> Iterator[RosterRecord]:
        batch = batch_in(Path(self.settings.folder))
        if batch.strangers:
            yield Remark(text=f"Not read, because no list has this name: {', '.join(batch.strangers)}.")
        for source in batch.sources:
            yield from _read(open_sheet(source.kind, source.path), order=self.settings.dates)
            # Also the files before this one: the kinds must be one picture, not two halves of two uploads.
            demand_unchanged(batch.sources)


def _read(sheet: Sheet, *, order: str) -> Iterator[RosterRecord]:
    survey = _survey(sheet)
    yield from _remarks(sheet, survey=survey)
    read = _reader(sheet, survey=survey, order=order)
    rows = 0
    for number, (line, cells) in enumerate(sheet.rows()):
        if number not in survey.repeated:
            rows += 1
            yield read(line, cells)
    yield Complete(kind=sheet.kind, rows=rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Survey:
    """What only the whole file can tell: keys with several contents, and the numbers of rows that say nothing new."""

    contested: frozenset[Key]
    repeated: frozenset[int]


def _survey(sheet: Sheet) -> Survey:
    """Read the file once for its keys, so that no row is handed out which a later row contradicts.

    Of each row only the key and a hash stay in memory.
    """
    key_of, content_of = _key_reader(sheet), _content_reader(sheet)
    first: dict[Key, int] = {}
    others: dict[Key, set[int]] = {}
    repeated: set[int] = set()
    for number, (_, cells) in enumerate(sheet.rows()):
        key, said = key_of(cells), content_of(cells)
        if not key:
            continue
        if key not in first:
            first[key] = said
        elif said == first[key] or said in others.get(key, ()):
            repeated.add(number)
        else:
            others.setdefault(key, set()).add(said)
    return Survey(contested=frozenset(others), repeated=frozenset(repeated))


def _key_reader(sheet: Sheet) -> Callable[[list[str]], Key]:
    """Return what reads the key of a row: () if a part of it is blank, or cannot be trusted."""
    width = sheet.columns.width
    places = tuple(sheet.columns.index[name] for name in KEYS[sheet.kind])

    def key_of(cells: list[str]) -> Key:
        # In a ragged row only the first cell is surely in its column.
        if len(cells) != width and places != (0,):
            return ()
        key = tuple(reference(cells[place]) for place in places)
        return key if all(key) else ()

    return key_of


def _content_reader(sheet: Sheet) -> Callable[[list[str]], int]:
    """Return what hashes the cells of a row that we read; a column that nobody reads makes no difference."""
    known = sorted(sheet.columns.index.values())
    width = sheet.columns.width
    return lambda cells: hash(tuple([cells[i] for i in known] if len(cells) == width else cells))


def _remarks(sheet: Sheet, *, survey: Survey) -> Iterator[Remark]:
    file, ignored = sheet.path.name, len(survey.repeated)
    texts = (
        sheet.encoding.remark,
        unknown_remark(sheet.columns, file=file),
        f"{file}: {ignored} repeated rows were ignored; they say the same as a row before them." if ignored else "",
    )
    return (Remark(text=text) for text in texts if text)


def _reader(sheet: Sheet, *, survey: Survey, order: str) -> Callable[[int, list[str]], RosterRecord]:
    """Return what makes a record, or an `Unreadable`, of one row."""
    columns, key_of = sheet.columns, _key_reader(sheet)
    make = cast("Callable[..., RosterRecord]", RECORD_OF[sheet.kind])
    convert = converters(sheet.kind, order=order)
    plan = [(field, place, convert[field]) for field, place in columns.index.items()]
    ref_place = columns.index[KEYS[sheet.kind][0]]

    def unreadable_row(line: int, cells: list[str], reason: str) -> Unreadable:
        known = len(cells) == columns.width or ref_place == 0
        ref = reference(cells[ref_place]) if known else ""
        return Unreadable(kind=sheet.kind, ref=ref, reason=reason, place=f"{sheet.path.name}, line {line}")

    def read(line: int, cells: list[str]) -> RosterRecord:
        if len(cells) != columns.width:
            return unreadable_row(line, cells, _RAGGED.format(found=len(cells), wanted=columns.width))
        if survey.contested and key_of(cells) in survey.contested:
            return unreadable_row(line, cells, _TWICE)
        try:
            return make(**{field: read_cell(cells[place]) for field, place, read_cell in plan})
        except CellError as fault:
            return unreadable_row(line, cells, str(fault))

    return read
