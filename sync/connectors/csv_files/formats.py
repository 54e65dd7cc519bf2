"""In whose format the files of a batch are: our own templates, OneRoster's, or the Basic Roster."""

import contextlib
import enum
from collections.abc import Iterable, Sequence
from pathlib import Path

from sync.connectors.csv_files.archive import is_archive, unpack
from sync.connectors.csv_files.excel import sheets_of
from sync.connectors.csv_files.folder import File
from sync.connectors.csv_files.table import CsvSource, Source
from sync.errors import Doubtful


class Format(enum.StrEnum):
    """What the files can be; the value is what people call it."""

    OURS = "our own templates"
    ONEROSTER = "OneRoster CSV"
    BASIC = "Basic Roster"


def sources_in(files: Iterable[File], *, room: contextlib.ExitStack, under: Path) -> tuple[Source, ...]:
    """Return every list in these files: of zips what is in them, of workbooks each sheet; `under` takes what is opened.

    Raises:
        Broken: a file is damaged, or larger than a roster can be.
    """
    found: list[Source] = []
    for number, file in enumerate(files):
        paths: Sequence[Path] = [file.path]
        if is_archive(file.path):
            inside = under / str(number)
            inside.mkdir()
            paths = unpack(file.path, inside)
        for path in paths:
            found += [CsvSource(path)] if path.suffix.lower() == ".csv" else sheets_of(path, room=room)
    return tuple(found)


def format_of(sources: Iterable[Source]) -> Format:
    """Recognise the format by the names of the lists.

    Raises:
        Doubtful: they are of two formats at once, or might be.
    """
    stems = {source.stem for source in sources}
    one = "Put only one of them into the upload; nothing was changed."
    oneroster = "manifest" in stems or {"orgs", "users"} <= stems
    if oneroster and "sections" in stems:
        raise Doubtful(
            "The files are of two formats: manifest.csv, orgs.csv and users.csv belong to OneRoster, sections.csv to "
            f"the Basic Roster. {one}"
        )
    if oneroster and "students" in stems:
        raise Doubtful(
            "The files are of two formats: manifest.csv, orgs.csv and users.csv belong to OneRoster, students.csv to "
            f"our templates. {one}"
        )
    if oneroster:
        return Format.ONEROSTER
    return Format.BASIC if "sections" in stems else Format.OURS
