"""Reading one list of our own templates: twice, and never kept whole (R8)."""

from collections.abc import Callable, Iterator
from typing import Final, cast

from sync.connectors.csv_files.cells import CellError, converters, reference
from sync.connectors.csv_files.columns import KEYS, RECORD_OF, unknown_remark
from sync.connectors.csv_files.sheet import Sheet, open_sheet
from sync.connectors.csv_files.survey import Key, Survey, survey
from sync.connectors.csv_files.table import Source
from sync.records import Complete, Kind, Remark, RosterRecord, Unreadable

TWICE: Final = "the reference appears twice with different contents; keep the row that is right."
RAGGED: Final = "The row has {found} columns but the header {wanted}; look for a missing or extra delimiter."

# Without case and ending. The first name is ours; the others are what schools call the same list.
NAMES: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.STUDENTS: ("students", "pupils"),
    Kind.GUARDIANS: ("guardians", "contacts", "parents"),
    Kind.STAFF: ("staff",),
    Kind.CLASSES: ("classes",),
    Kind.TIES: ("ties", "links", "relationships"),
    Kind.ENROLMENTS: ("enrolments", "enrollments"),
    Kind.TEACHING: ("teaching",),
    Kind.MEDICAL: ("medical",),
    Kind.DIETARY: ("dietary",),
}
KIND_BY_NAME: Final = {name: kind for kind, names in NAMES.items() for name in names}


def read_list(kind: Kind, source: Source, *, order: str) -> Iterator[RosterRecord]:
    """Yield what a list says, and `Complete` behind it; `order` is that of its dates.

    Raises:
        Broken, Busy: see `open_sheet` and `Table.rows`.
    """
    sheet = open_sheet(kind, source)
    # Read once for its keys alone, so that no row is handed out which a later row contradicts.
    key_of, content_of = _key_reader(sheet), _content_reader(sheet)
    found = survey((key_of(cells), content_of(cells)) for _, cells in sheet.rows())
    yield from _remarks(sheet, found=found)
    read = _reader(sheet, found=found, order=order)
    rows = 0
    for number, (line, cells) in enumerate(sheet.rows()):
        if number not in found.repeated:
            rows += 1
            yield read(line, cells)
    yield Complete(kind=kind, rows=rows)


def _key_reader(sheet: Sheet) -> Callable[[list[str]], Key]:
    """Return what reads the key of a row: () if a part of it is blank, or cannot be trusted."""
    part_of = _part_reader(sheet)
    fields = KEYS[sheet.kind]

    def key_of(cells: list[str]) -> Key:
        key = tuple(part_of(cells, field) for field in fields)
        return key if all(key) else ()

    return key_of


def _part_reader(sheet: Sheet) -> Callable[[list[str], str], str]:
    """Return what reads one half of a row's key, "" if it is blank or cannot be trusted."""
    columns = sheet.columns

    def part_of(cells: list[str], field: str) -> str:
        place = columns.index[field]
        # In a ragged row only the first cell is surely in its column.
        return reference(cells[place]) if len(cells) == columns.width or place == 0 else ""

    return part_of


def _content_reader(sheet: Sheet) -> Callable[[list[str]], list[str]]:
    """Return what picks the cells of a row that we read; a column that nobody reads makes no difference."""
    known = sorted(sheet.columns.index.values())
    width = sheet.columns.width
    return lambda cells: [cells[i] for i in known] if len(cells) == width else cells


def _remarks(sheet: Sheet, *, found: Survey) -> Iterator[Remark]:
    file, ignored = sheet.table.name, len(found.repeated)
    texts = (
        *sheet.table.remarks,
        unknown_remark(sheet.columns, file=file),
        f"{file}: {ignored} repeated rows were ignored; they say the same as a row before them." if ignored else "",
    )
    return (Remark(text=text) for text in texts if text)


def _reader(sheet: Sheet, *, found: Survey, order: str) -> Callable[[int, list[str]], RosterRecord]:
    """Return what makes a record, or an `Unreadable`, of one row."""
    columns, key_of, part_of = sheet.columns, _key_reader(sheet), _part_reader(sheet)
    make = cast("Callable[..., RosterRecord]", RECORD_OF[sheet.kind])
    convert = converters(sheet.kind, order=order)
    plan = [(field, place, convert[field]) for field, place in columns.index.items()]
    half, *other = KEYS[sheet.kind]

    def unreadable_row(line: int, cells: list[str], reason: str) -> Unreadable:
        return Unreadable(
            kind=sheet.kind,
            ref=part_of(cells, half),
            other_ref=part_of(cells, other[0]) if other else "",
            reason=reason,
            place=sheet.table.place(line),
        )

    def read(line: int, cells: list[str]) -> RosterRecord:
        if len(cells) != columns.width:
            return unreadable_row(line, cells, RAGGED.format(found=len(cells), wanted=columns.width))
        if found.contested and key_of(cells) in found.contested:
            return unreadable_row(line, cells, TWICE)
        try:
            return make(**{field: read_cell(cells[place]) for field, place, read_cell in plan})
        except CellError as fault:
            return unreadable_row(line, cells, str(fault))

    return read
