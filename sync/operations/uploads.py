"""Files that a super user uploads: kept as a batch of their own, looked at, and put in force by the same person.

Until then the batch in force stays as it is, so wrong files cost nothing. Who uploaded what, and who put it in force,
stands in the school's audit trail.
"""

import datetime
import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from typing import Final

from django.core.files import File
from django.db import transaction

from sync.connectors.csv_files.attendance import STEM
from sync.connectors.csv_files.folder import ENDINGS, is_usable
from sync.models import Run
from sync.operations import connections, runs
from tenants.models import School
from tenants.operations import record

LARGEST: Final = 64 * 1024 * 1024  # bytes of one file
TOGETHER: Final = 128 * 1024 * 1024  # bytes of all files of an upload
MOST: Final = 40  # files
KEPT: Final = datetime.timedelta(days=30)  # how long a batch that is not in force stays
_BATCH: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}")

_NOT_BY_HAND: Final = "This school's data does not come from uploaded files; nothing was changed."


class NotAccepted(ValueError):
    """The files are not taken; the message says why and what to do."""


def gone() -> NotAccepted:
    """Return the error for a batch that is not there, or is another school's."""
    return NotAccepted("These files are no longer there. Upload them again.")


def is_welcome() -> bool:
    """Whether the open school gives us its files by hand."""
    try:
        link = connections.active()
    except connections.NotConnected:
        return False
    return link.connector == "csv_files" and link.settings.get("place", "upload") == "upload"


def folder_of(school: School, batch: str) -> Path | None:
    """Return the folder of a batch, None if there is no such batch of this school."""
    folder = connections.default_folder(school) / batch
    return folder if _BATCH.fullmatch(batch) and folder.is_dir() else None


@transaction.atomic
def receive(*, school: School, streams: Sequence[File[bytes]], by: int, at: datetime.datetime) -> str:
    """Keep files as a new batch and return its name; it is whole when it appears, and nothing reads it yet.

    Raises:
        NotAccepted: the school does not upload files, or these cannot be taken; nothing was kept.
    """
    if not is_welcome():
        raise NotAccepted(_NOT_BY_HAND)
    names = _names(streams)
    batch = connections.new_batch(school=school, at=at)
    beside = batch.with_name(f".{batch.name}")
    beside.mkdir(parents=True)
    try:
        for name, stream in zip(names, streams, strict=True):
            with (beside / name).open("xb") as file:
                file.writelines(stream.chunks())
        if all(name.casefold().startswith(STEM) for name in names):
            _add_roster_in_force(beside)
        beside.rename(batch)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    record(action="files.uploaded", by=by, at=at, subject=f"batch:{batch.name}", reason=_counted(names))
    _tidy(school, at=at)
    return batch.name


@transaction.atomic
def use(*, school: School, batch: str, by: int, at: datetime.datetime) -> Run:
    """Put a batch in force and ask for a run.

    Raises:
        NotAccepted: there is no such batch any more, or the school does not upload files.
    """
    folder = folder_of(school, batch)
    if folder is None:
        raise gone()
    if not is_welcome():
        raise NotAccepted(_NOT_BY_HAND)
    connections.put_in_force(connections.active(), batch=folder)
    names = [path.name for path in folder.iterdir()]
    record(action="files.used", by=by, at=at, subject=f"batch:{batch}", reason=_counted(names))
    return runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=at, by=by, reason="Files were uploaded.")


def _names(streams: Sequence[File[bytes]]) -> list[str]:
    """Return the bare names under which files are kept.

    Raises:
        NotAccepted: see `receive`.
    """
    if not streams or len(streams) > MOST:
        raise NotAccepted(f"Choose from 1 to {MOST} files; nothing was kept.")
    names = [PureWindowsPath(stream.name or "").name for stream in streams]  # it knows both kinds of slash
    for name, stream in zip(names, streams, strict=True):
        if not is_usable(name):
            raise NotAccepted(f"“{name}” is not one of {', '.join(ENDINGS)}; nothing was kept.")
        if (stream.size or 0) > LARGEST:
            raise NotAccepted(f"“{name}” is larger than {LARGEST >> 20} MB; nothing was kept.")
    if sum(stream.size or 0 for stream in streams) > TOGETHER:
        raise NotAccepted(f"Together the files are larger than {TOGETHER >> 20} MB; nothing was kept.")
    if len({name.casefold() for name in names}) < len(names):
        raise NotAccepted("Two files have the same name; nothing was kept.")
    return names


def _counted(names: Sequence[str]) -> str:
    """Say how many files there are; what people call their files may be personal."""
    return f"{len(names)} file{'' if len(names) == 1 else 's'}"


def _add_roster_in_force(batch: Path) -> None:
    """Marks that come alone are no new roster: what is in force stays beside them."""
    present = Path(connections.active().settings.get("folder", ""))
    for path in sorted(present.iterdir()) if present.is_dir() else ():
        if is_usable(path.name) and not path.name.casefold().startswith(STEM):
            shutil.copyfile(path, batch / path.name)


def _tidy(school: School, *, at: datetime.datetime) -> None:
    """Forget old batches: they are full of children's data, and nobody reads them any more."""
    present = connections.active().settings.get("folder", "")
    for folder in connections.default_folder(school).iterdir():
        begun = folder.name.partition("-")[0]
        old = _BATCH.fullmatch(folder.name) and begun < f"{at - KEPT:%Y%m%dT%H%M%SZ}"
        if old and str(folder) != present:
            shutil.rmtree(folder, ignore_errors=True)
