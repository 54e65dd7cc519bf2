"""Which file of the school's folder is which kind, and the proof that none changed while it was read."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sync.errors import Broken, Busy, Refused
from sync.records import Kind

# Without case and ".csv". The first name is ours; the others are what schools call the same list.
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
_KIND: Final = {name: kind for kind, names in NAMES.items() for name in names}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """One file, and its identity, size and time of change when the run began."""

    kind: Kind
    path: Path
    stamp: tuple[int, int, int]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Batch:
    """The files of one upload in the order of `Kind`, and the names of CSV files that nobody asked for."""

    sources: tuple[Source, ...]
    strangers: tuple[str, ...]


def batch_in(folder: Path) -> Batch:
    """List a folder.

    Raises:
        Broken: there is no such folder, two files of one kind, or no students.
        Refused: the folder may not be read.
        Busy: it cannot be read now.
    """
    files = _csv_files(folder)
    found: dict[Kind, Path] = {}
    for path in files:
        kind = _KIND.get(path.stem.casefold())
        if kind in found:
            raise Broken(f"Both {found[kind].name} and {path.name} are lists of {kind}. Keep one of them.")
        if kind:
            found[kind] = path
    if Kind.STUDENTS not in found:
        raise Broken("There is no students.csv. Upload it together with the other files; nothing was changed.")
    return Batch(
        sources=tuple(Source(kind=kind, path=found[kind], stamp=stamp(found[kind])) for kind in Kind if kind in found),
        strangers=tuple(path.name for path in files if path.stem.casefold() not in _KIND),
    )


def _csv_files(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        raise Broken("The folder with the CSV files is not there. Upload the files again.") from None
    except OSError as fault:
        raise unreadable("The folder with the CSV files", fault) from None
    return [folder / name for name in names if name.lower().endswith(".csv")]


def stamp(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file is written or replaced: identity, size in bytes, time in nanoseconds.

    Raises:
        Busy: the file is gone.
    """
    try:
        seen = path.stat()
    except OSError as fault:
        raise unreadable(path.name, fault) from None
    return (seen.st_ino, seen.st_size, seen.st_mtime_ns)


def demand_unchanged(sources: Iterable[Source]) -> None:
    """Refuse a batch that somebody is still writing.

    Raises:
        Busy: a file differs from what it was when the run began.
    """
    for source in sources:
        if stamp(source.path) != source.stamp:
            raise changed(source.path)


def changed(path: Path) -> Busy:
    """Return the error for a file that changes under our hands."""
    return Busy(f"{path.name} was changed while it was read; it will be read again later.")


def unreadable(name: str, fault: OSError) -> Busy | Refused:
    """Return the error for a file or folder that the operating system does not give us."""
    if isinstance(fault, PermissionError):
        return Refused(f"{name} may not be read; its permissions must be changed.")
    return Busy(f"{name} cannot be read now; it will be tried again later.")
