"""Schools and rosters that a failing law prints in lines a person reads: only what is not as usual is said."""

import datetime
from collections.abc import Iterator, Mapping

import msgspec

from sync.pipeline.held import FIELDS, LINKS, Held, Snapshot
from sync.pipeline.roster import Roster
from sync.records import NOT_SHARED, Kind, Record
from tests.sync.pipeline.builders import EVERYTHING, RECORDED


class School(Snapshot, frozen=True, kw_only=True):
    """A snapshot that says of each row who it is, under which ids, and what is special about them."""

    def __repr__(self) -> str:
        """Return a line for each row."""
        lines = [f"{kind} {self._row(kind, row, one)}" for kind in RECORDED for row, one in self.records[kind].items()]
        for kind in LINKS:
            lines += [f"{kind} {key}:{said(one)}" for key, one in self.links[kind].items()]
        return _block("we hold", lines)

    def _row(self, kind: Kind, row: int, held: Held) -> str:
        ids = ", ".join(ref for ref, of in self.identities[kind].items() if of == row) or "none"
        values = {field: value for field, value in zip(FIELDS[kind], held.values, strict=True) if value}
        return f"{row} (ids {ids}):{_pairs(values)}{said(held)}"


class Feed(Roster, frozen=True, kw_only=True):
    """A roster that says each record, and which lists were cut short."""

    def __repr__(self) -> str:
        """Return a line for each record."""
        lines = [f"{kind} {_record(one)}" for kind in Kind for one in self.of(kind).values()]
        lines += [f"{kind}: cut short" for kind in sorted(EVERYTHING - self.complete)]
        lines += [f"{kind}: unreadable {sorted(keys, key=str)}" for kind, keys in self.unreadable.items() if keys]
        return _block("the MIS says", lines)


def school(snapshot: Snapshot) -> School:
    """Return the same, with words."""
    return School(records=snapshot.records, identities=snapshot.identities, links=snapshot.links)


def feed(roster: Roster) -> Feed:
    """Return the same, with words."""
    return Feed(**{field: getattr(roster, field) for field in Roster.__struct_fields__})


def said(row: msgspec.Struct) -> str:
    """Return what of a row differs from an ordinary one; its values are told elsewhere."""
    return _pairs(dict(_special(row)))


def _special(row: msgspec.Struct) -> Iterator[tuple[str, object]]:
    for field in msgspec.structs.fields(row):
        value = getattr(row, field.name)
        usual = value == field.default or not (value or field.name == "here")
        if field.name not in {"id", "since"} and not (usual or (field.name == "values" and isinstance(row, Held))):
            yield field.name, value


def _record(record: Record) -> str:
    named = {field: getattr(record, field) for field in record.__struct_fields__}
    keys = " ".join(str(named.pop(name)) for name in list(named) if name == "ref" or name.endswith("_ref"))
    return f"{keys}:{_pairs({field: value for field, value in named.items() if value is not NOT_SHARED})}"


def _pairs(values: Mapping[str, object]) -> str:
    return "".join(
        f" {field}={value.isoformat() if isinstance(value, datetime.date) else repr(value)}"
        for field, value in values.items()
    )


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([f"{title}:", *(f"      {line}" for line in lines or ["nothing"])])
