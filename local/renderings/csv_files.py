"""One night of the demo world as the CSV files a school without an API would send (R8).

    python -m local.renderings.csv_files --school northgate --night 1 --to DIR

The same seed, night and options give the same bytes.
"""

import argparse
import csv
import datetime
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from local.world.build import SEED, world
from local.world.model import NIGHTS, ClassTruth, GuardianTruth, Night, StaffTruth, StudentTruth
from local.world.profiles import DEMO

Row = tuple[str, ...]
DATES: Final = {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y", "ymd": "%Y-%m-%d"}
FAULTS: Final = {
    "half": "only the first half of the rows of each file",
    "header_only": "files with a head and no rows",
    "empty": "files without a byte",
}

Numbered = TypeVar("Numbered", StudentTruth, GuardianTruth, StaffTruth, ClassTruth)


def write(
    night: Night,
    folder: Path,
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    dates: str = "dmy",
    fault: str | None = None,
    zeros: bool = True,
) -> tuple[Path, ...]:
    """Write the nine files of one night into a folder, which is made where it is missing.

    Letters that the encoding does not have become "?", as in a real export. `dates` is "dmy", "mdy" or "ymd". `fault`
    spoils the transfer: "half" keeps the first half of the rows of each file, "header_only" keeps none, "empty" keeps
    not one byte. Without `zeros` numbers lose those they begin with, as if a spreadsheet had saved the file.
    Lines end in CR LF (RFC 4180).

    Raises:
        ValueError: an order of dates or a fault that is not known.

    """
    if dates not in DATES or fault not in {None, *FAULTS}:
        message = f"Unknown order of dates or fault: {dates}, {fault}."
        raise ValueError(message)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, (header, rows) in _FILES.items():
        lines = [header, *rows(night, DATES[dates])]
        kept = _spoilt(lines if zeros else _as_numbers(lines), fault)
        path = folder / f"{name}.csv"
        path.write_bytes(_text(kept, delimiter).encode(encoding, errors="replace"))
        written.append(path)
    return tuple(written)


def _spoilt(lines: Sequence[Row], fault: str | None) -> Sequence[Row]:
    kept = {None: len(lines), "half": 1 + (len(lines) - 1) // 2, "header_only": 1, "empty": 0}[fault]
    return lines[:kept]


def _as_numbers(lines: Sequence[Row]) -> Sequence[Row]:
    refs = [name.endswith("ref") for name in lines[0]]
    return [tuple(cell.lstrip("0") if ref else cell for ref, cell in zip(refs, line, strict=True)) for line in lines]


def _text(lines: Iterable[Row], delimiter: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(lines)
    return out.getvalue()


def _numbered(records: Iterable[Numbered]) -> list[Numbered]:
    """In the order of their numbers, as a MIS exports."""
    return sorted(records, key=lambda record: (len(record.ref), record.ref))


def _joined(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [(len(cell), cell) for cell in row[:2]])


def _day(date: datetime.date | None, order: str) -> str:
    return date.strftime(order) if date else ""


def _yes(flag: bool) -> str:  # noqa: FBT001 -- a cell's value, not a switch
    return "yes" if flag else "no"


def _students(night: Night, order: str) -> Iterator[Row]:
    for one in _numbered(night.students.values()):
        names = (one.given_name, one.family_name, one.preferred_name)
        born, left = _day(one.date_of_birth, order), _day(one.left_on, order)
        yield (one.ref, *names, born, one.email, one.year, one.form, one.upn, left)


def _guardians(night: Night, _: str) -> Iterator[Row]:
    for one in _numbered(night.guardians.values()):
        yield (one.ref, one.title, one.given_name, one.family_name, one.email, one.phone)


def _staff(night: Night, order: str) -> Iterator[Row]:
    for one in _numbered(night.staff.values()):
        left = _day(one.left_on, order)
        yield (one.ref, one.title, one.given_name, one.family_name, one.email, one.phone, left)


def _ties(night: Night, _: str) -> list[Row]:
    return _joined(
        (
            night.students[tie.student].ref,
            night.guardians[tie.guardian].ref,
            tie.relationship,
            str(tie.priority),
            _yes(tie.parental_responsibility),
            _yes(tie.restricted),
        )
        for tie in night.ties.values()
    )


def _classes(night: Night, _: str) -> Iterator[Row]:
    for one in _numbered(night.classes.values()):
        yield (one.ref, one.name, one.year, one.subject)


def _enrolments(night: Night, _: str) -> list[Row]:
    return _joined(
        (night.classes[one.class_key].ref, night.students[one.student].ref) for one in night.enrolments.values()
    )


def _teaching(night: Night, _: str) -> list[Row]:
    return _joined((night.classes[one.class_key].ref, night.staff[one.staff].ref) for one in night.teaching.values())


def _medical(night: Night, _: str) -> list[Row]:
    notes = night.medical.values()
    return _joined((night.students[note.student].ref, note.ref, note.condition, note.details) for note in notes)


def _dietary(night: Night, _: str) -> list[Row]:
    return _joined((night.students[need.student].ref, need.ref, need.need) for need in night.dietary.values())


def _columns(names: str) -> Row:
    return tuple(names.split(","))


_FILES: Final[dict[str, tuple[Row, Callable[[Night, str], Iterable[Row]]]]] = {
    "students": (
        _columns("ref,given_name,family_name,preferred_name,date_of_birth,email,year,form,upn,left_on"),
        _students,
    ),
    "guardians": (_columns("ref,title,given_name,family_name,email,phone"), _guardians),
    "staff": (_columns("ref,title,given_name,family_name,email,phone,left_on"), _staff),
    "ties": (
        _columns("student_ref,guardian_ref,relationship,priority,parental_responsibility,restricted"),
        _ties,
    ),
    "classes": (_columns("ref,name,year,subject"), _classes),
    "enrolments": (_columns("class_ref,student_ref"), _enrolments),
    "teaching": (_columns("class_ref,staff_ref"), _teaching),
    "medical": (_columns("student_ref,ref,condition,details"), _medical),
    "dietary": (_columns("student_ref,ref,need"), _dietary),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and print the paths of the files."""
    parser = argparse.ArgumentParser(
        prog="python -m local.renderings.csv_files", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--school", required=True, choices=[profile.school.slug for profile in DEMO])
    parser.add_argument("--night", required=True, type=int, choices=NIGHTS)
    parser.add_argument("--to", required=True, type=Path, metavar="DIR")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--encoding", default="utf-8")
    parser.add_argument("--delimiter", default=",")
    parser.add_argument("--dates", choices=tuple(DATES), default="dmy")
    parser.add_argument("--fault", choices=tuple(FAULTS))
    options = parser.parse_args(arguments)
    night = world(options.seed).school(options.school).at(options.night)
    paths = write(
        night,
        options.to,
        encoding=options.encoding,
        delimiter=options.delimiter,
        dates=options.dates,
        fault=options.fault,
    )
    sys.stdout.writelines(f"{path}\n" for path in paths)


if __name__ == "__main__":
    main()
