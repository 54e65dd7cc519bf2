"""Opening a zip that a stranger packed: nothing is written outside, and nothing is larger than a roster can be."""

import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from sync.connectors.csv_files.folder import ENDINGS, is_usable
from sync.errors import Broken

MOST_MEMBERS: Final = 100
LARGEST: Final = 500 * 1024 * 1024  # bytes of all members together, unpacked
RATIO: Final = 200  # times smaller packed than unpacked; rosters reach about 20
_SMALL: Final = 1024 * 1024  # bytes: below this a high ratio harms nobody
_CHUNK: Final = 1 << 16
_LONGEST_NAME: Final = 255  # bytes; no file of this machine has a longer one
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What zipfile raises for damage; RuntimeError is a password, ValueError a name in letters that are none.
FAULTS: Final = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError)


def unpack(path: Path, room: Path) -> tuple[Path, ...]:
    """Write the readable files of a zip into an empty folder, by their bare names; folders in it do not matter.

    Raises:
        Broken: it is no zip, is damaged or encrypted, is larger than it may be, or holds two files of one name.
    """
    try:
        with zipfile.ZipFile(path) as zipped:
            return tuple(_unpack(zipped, member, room, path.name) for member in _members(zipped, path.name))
    except FAULTS:
        pass  # raised below: the fault itself may quote names of files
    raise Broken(f"{path.name} is damaged, encrypted or no zip file. Export it again; nothing was changed.")


def demand_modest(path: Path) -> None:
    """Look at a zipped file, such as a workbook, before somebody else unpacks it.

    Raises:
        Broken: it is damaged, or larger unpacked than it may be.
    """
    try:
        with zipfile.ZipFile(path) as zipped:
            _demand_modest(zipped.infolist(), path.name, most=MOST_MEMBERS * 10)
    except FAULTS:
        pass
    else:
        return
    raise Broken(f"{path.name} is damaged, protected by a password or no workbook. Save it again.")


def _members(zipped: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    """Yield the members worth reading: no folders, no resource forks of a Mac, no zip inside a zip."""
    found = [each for each in zipped.infolist() if _is_ours(each.filename)]
    _demand_modest(found, name, most=MOST_MEMBERS)
    bare = [_bare(each).casefold() for each in found]
    twice = sorted({each for each in bare if bare.count(each) > 1})
    if twice:
        raise Broken(f"{name} holds {twice[0]} in two folders. Keep one of them.")
    if any(len(each.encode()) > _LONGEST_NAME for each in bare):
        raise Broken(f"{name} holds a file whose name is too long. Give it a shorter one.")
    yield from found


def _is_ours(filename: str) -> bool:
    path = _path(filename)
    usable = is_usable(path.name) and not path.name.lower().endswith(".zip") and not filename.endswith("/")
    return usable and not any(part.startswith(("__MACOSX", ".")) and part != ".." for part in path.parts[:-1])


def _bare(member: zipfile.ZipInfo) -> str:
    return _path(member.filename).name


def _path(filename: str) -> PurePosixPath:
    return PurePosixPath(filename.replace("\\", "/"))


def _demand_modest(members: list[zipfile.ZipInfo], name: str, *, most: int) -> None:
    size = sum(each.file_size for each in members)
    packed = sum(each.compress_size for each in members)
    if len(members) > most or size > LARGEST or (size > _SMALL and size > packed * RATIO):
        raise Broken(f"{name} would unpack to more than a school's lists can be; it is not opened.")
    if not _PACKED.issuperset(each.compress_type for each in members):
        raise Broken(f"{name} is packed in a way that we do not open. Pack it as an ordinary zip file.")


def _unpack(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, room: Path, name: str) -> Path:
    """Write one member; what it says of its own size is not believed."""
    target, left = room / _bare(member), member.file_size
    with zipped.open(member) as packed, target.open("xb") as plain:
        while chunk := packed.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise Broken(f"{name} holds a file that is larger than it says; it is not opened.")
            plain.write(chunk)
    return target


def is_archive(path: Path) -> bool:
    """Whether a file is to be unpacked."""
    return path.suffix.lower() == ENDINGS[1]
