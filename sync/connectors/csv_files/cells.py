"""What one cell says: text, a reference, a date, a flag, a count. A complaint names the field, not the value (R28)."""

import datetime
import functools
import re
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec

from sync.connectors.csv_files.columns import RECORD_OF
from sync.connectors.csv_files.templates import plain_cell
from sync.records import Count, Day, Flag, Kind

ORDERS: Final[dict[str, str]] = {"dmy": "day/month/year", "mdy": "month/day/year", "ymd": "year/month/day"}

_YEAR, _MONTH, _DAY = "(?P<year>[0-9]{4})", "(?P<month>[0-9]{1,2})", "(?P<day>[0-9]{1,2})"
_PART: Final = {"y": _YEAR, "m": _MONTH, "d": _DAY}
_MIDNIGHT: Final = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"  # databases print dates as moments
_DATES: Final = {order: re.compile(r"[/.\- ]".join(_PART[letter] for letter in order) + _MIDNIGHT) for order in ORDERS}
_ISO: Final = re.compile(f"{_YEAR}-{_MONTH}-{_DAY}{_MIDNIGHT}")
_AS_TEXT: Final = re.compile(r'="((?:[^"]|"")*)"')  # how spreadsheets are told to keep leading zeros
_COUNT: Final = re.compile(r"[0-9]{1,6}")
SPREADSHEET_ERRORS: Final = frozenset(
    {"#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
_IS_ERROR: Final = "{field} is an error of a spreadsheet's formula, not a value; mend the formula and export again."
_FLAGS: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0"), False),
}


T = TypeVar("T")


class CellError(ValueError):
    """A cell that cannot be read; the message is for the data manager and holds no value."""


def text(cell: str) -> str:
    """Return the cell as it stands, without the wrapping that only spreadsheets need."""
    if cell[:1] == "'":
        return plain_cell(cell)
    wrapped = _AS_TEXT.fullmatch(cell.strip()) if cell[:1] == "=" else None
    return wrapped[1].replace('""', '"') if wrapped else cell


def is_error(cell: str) -> bool:
    """Whether a spreadsheet wrote down that it has no value."""
    return cell[:1] == "#" and cell.strip() in SPREADSHEET_ERRORS


def reference(cell: str) -> str:
    """Return a reference, "" if there is none. Blanks around it come from the file, not from the MIS."""
    return "" if is_error(cell) else text(cell).strip()


def _checked(convert: Callable[..., T], cell: str, *, field: str, **how: str) -> T:
    if is_error(cell):
        raise CellError(_IS_ERROR.format(field=field))
    return convert(cell, field=field, **how)


def _text(cell: str, *, field: str) -> str:  # noqa: ARG001 as its siblings
    return text(cell)


def _required_reference(cell: str, *, field: str) -> str:
    ref = reference(cell)
    if not ref:
        raise CellError(f"{field} is blank: without it nobody can tell who this is.")
    return ref


def day(cell: str, *, field: str, order: str) -> datetime.date | None:
    """Return a day, None if the cell is blank; `order` is one of `ORDERS`.

    Raises:
        CellError: it is no day.
    """
    written = text(cell).strip()
    if not written:
        return None
    match = _ISO.fullmatch(written) or _DATES[order].fullmatch(written)
    try:
        if match:
            return datetime.date(int(match["year"]), int(match["month"]), int(match["day"]))
    except ValueError:
        pass  # the thirtieth of February: the same complaint
    raise CellError(f"{field} is not a date in the order {ORDERS[order]} with a year of four digits, nor 2015-04-03.")


def _flag(cell: str, *, field: str) -> bool | None:
    written = text(cell).strip().lower()
    if not written:
        return None
    if written not in _FLAGS:
        raise CellError(f"{field} is neither yes nor no.")
    return _FLAGS[written]


def _count(cell: str, *, field: str) -> int | None:
    written = text(cell).strip()
    if not written:
        return None
    if not _COUNT.fullmatch(written):
        raise CellError(f"{field} is not a whole number.")
    return int(written)


def converters(kind: Kind, *, order: str) -> dict[str, Callable[[str], object]]:
    """Return for each field of `kind` the function that reads its cell; `order` is one of `ORDERS`.

    The functions raise `CellError`.
    """
    return {
        field.name: _converter(field.name, field.type, order=order) for field in msgspec.structs.fields(RECORD_OF[kind])
    }


def _converter(name: str, shape: object, *, order: str) -> Callable[[str], object]:
    if name == "ref" or name.endswith("_ref"):
        return functools.partial(_checked, _required_reference, field=name)
    if shape == Day:
        return functools.partial(_checked, day, field=name, order=order)
    if shape == Flag:
        return functools.partial(_checked, _flag, field=name)
    return functools.partial(_checked, _count if shape == Count else _text, field=name)
