"""The newest whole batch in a folder that a school's MIS leaves its files in, on this machine or behind SFTP.

A batch is a folder within the drop folder, a zip, or all loose files together. Nothing is read that is still being
written: a batch is whole when a file that ends in ".done" and is no older than the rest says so, or when none of its
files was touched for a while. Links are not followed: whoever fills one school's folder could point into another's.
"""

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from sync.connectors.csv_files.attendance import STEM
from sync.connectors.csv_files.folder import is_usable, unreadable
from sync.errors import Broken, Busy
from sync.sftp import Entry

SETTLED: Final = 120.0  # seconds since a file was last touched
MOST_FILES: Final = 200  # of one batch
_DONE: Final = ".done"
_NEVER: Final = float("-inf")


class Shelf(Protocol):
    """A place that folders can be listed at."""

    def listed(self, folder: str) -> list[Entry]:
        """Return what is in a folder.

        Raises:
            Refused, Busy, Broken: see `sync.errors`.
        """


class LocalShelf:
    """Folders of this machine."""

    def listed(self, folder: str) -> list[Entry]:
        """Return what is in a folder; see `Shelf.listed`."""
        try:
            with os.scandir(folder) as entries:
                return [_entry(each) for each in entries if not each.is_symlink() and (each.is_file() or each.is_dir())]
        except (FileNotFoundError, NotADirectoryError):
            raise Broken("The drop folder is not there. Correct its name.") from None
        except OSError as fault:
            raise unreadable("The drop folder", fault) from None


def _entry(found: "os.DirEntry[str]") -> Entry:
    seen = found.stat()
    return Entry(path=found.path, name=found.name, size=seen.st_size, changed=seen.st_mtime, is_folder=found.is_dir())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Drop:
    """The files of one batch, whether it is whole, and when its youngest file was written."""

    files: tuple[Entry, ...]
    whole: bool

    @property
    def changed(self) -> float:
        """Seconds since 1970."""
        return max(file.changed for file in self.files)


def newest(shelf: Shelf, folder: str, *, wanted: Callable[[str], bool], now: float) -> tuple[Entry, ...]:
    """Return the files of the newest whole batch that holds a file whose name is `wanted`; none if no batch does.

    Raises:
        Broken: there is a batch of far too many files.
        Busy: there is none but those that are still being written; or see `Shelf.listed`.
    """
    found = [drop for drop in _drops(shelf, folder, now=now) if any(wanted(file.name) for file in drop.files)]
    if not found:
        return ()
    whole = [drop for drop in found if drop.whole]
    if not whole:
        raise Busy("The files in the drop folder are still being written; they will be read later.")
    return max(whole, key=lambda drop: drop.changed).files


def _drops(shelf: Shelf, folder: str, *, now: float) -> Iterator[Drop]:
    here = shelf.listed(folder)
    done = _markers(here)
    zips = [each for each in here if is_usable(each.name) and each.name.lower().endswith(".zip") and not each.is_folder]
    for each in zips:
        yield from _drop([each], done=_last(done, f"{each.name}{_DONE}", f"{Path(each.name).stem}{_DONE}"), now=now)
    loose = [each for each in here if is_usable(each.name) and not each.is_folder and each not in zips]
    yield from _drop(loose, done=_last(done, _DONE, f"all{_DONE}"), now=now)
    for each in here:
        if each.is_folder and not each.name.startswith("."):
            within = [one for one in shelf.listed(each.path) if not one.is_folder]
            marked = max(_last(done, f"{each.name}{_DONE}"), *_markers(within).values(), _NEVER)
            yield from _drop([one for one in within if is_usable(one.name)], done=marked, now=now)


def _markers(entries: Iterable[Entry]) -> dict[str, float]:
    """Return when each file that says that a batch is whole was written."""
    return {each.name: each.changed for each in entries if each.name.lower().endswith(_DONE) and not each.is_folder}


def _last(markers: Mapping[str, float], *names: str) -> float:
    return max(markers.get(name, _NEVER) for name in names)


def _drop(files: Iterable[Entry], *, done: float, now: float) -> Iterator[Drop]:
    """Yield a batch if there are files; `done` is when its marker was written, which knows nothing of later files."""
    kept = tuple(sorted(files, key=lambda file: file.name))
    if len(kept) > MOST_FILES:
        raise Broken(f"One batch in the drop folder has more than {MOST_FILES} files. Remove the old ones.")
    if kept:
        marked = all(file.changed <= done for file in kept)
        settled = all(file.size and now - file.changed >= SETTLED for file in kept)
        yield Drop(files=kept, whole=marked or settled)


def holds_marks(name: str) -> bool:
    """Whether a file is one of attendance, by its name."""
    return name.casefold().startswith(STEM)
