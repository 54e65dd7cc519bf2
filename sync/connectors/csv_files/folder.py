"""Which files lie in the school's folder, and the proof that none changed while it was read."""

import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sync.errors import Broken, Busy, Refused

ENDINGS: Final = (".csv", ".zip", ".xlsx", ".xls")


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """One file, and its identity, size and time of change when the run began."""

    path: Path
    stamp: tuple[int, int, int]


def is_usable(name: str) -> bool:
    """Whether a name is one of the kinds of file that we read; hidden files are somebody else's business."""
    return name.lower().endswith(ENDINGS) and not name.startswith((".", "~$"))


def files_in(folder: Path) -> tuple[File, ...]:
    """List the files of a folder that can be read, by name; a link may lead to another school's, and is none.

    Raises:
        Broken: there is no such folder.
        Refused: the folder may not be read.
        Busy: it cannot be read now.
    """
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except (FileNotFoundError, NotADirectoryError):
        raise Broken("The folder with the CSV files is not there. Upload the files again.") from None
    except OSError as fault:
        raise unreadable("The folder with the CSV files", fault) from None
    return tuple(File(path=folder / name, stamp=stamp(folder / name)) for name in names if is_usable(name))


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


def demand_unchanged(files: Iterable[File]) -> None:
    """Refuse a batch that somebody is still writing.

    Raises:
        Busy: a file differs from what it was when the run began.
    """
    for file in files:
        if stamp(file.path) != file.stamp:
            raise changed(file.path.name)


def changed(name: str) -> Busy:
    """Return the error for a file that changes under our hands."""
    return Busy(f"{name} was changed while it was read; it will be read again later.")


def unreadable(name: str, fault: OSError) -> Busy | Refused:
    """Return the error for a file or folder that the operating system does not give us."""
    if isinstance(fault, PermissionError):
        return Refused(f"{name} may not be read; its permissions must be changed.")
    return Busy(f"{name} cannot be read now; it will be tried again later.")
