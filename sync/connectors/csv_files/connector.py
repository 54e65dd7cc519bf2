"""The connector for files: one batch of CSV files, workbooks or zips, in whichever format a school has them (R8)."""

import contextlib
import dataclasses
import datetime
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from sync.connector import Connector, Finding, Reach
from sync.connectors.csv_files import basic, oneroster
from sync.connectors.csv_files.attendance import STEM, marks
from sync.connectors.csv_files.drop import LocalShelf, holds_marks, newest
from sync.connectors.csv_files.folder import File, demand_unchanged, files_in, stamp, unreadable
from sync.connectors.csv_files.formats import Format, format_of, sources_in
from sync.connectors.csv_files.lists import KIND_BY_NAME, read_list
from sync.connectors.csv_files.settings import CsvSettings
from sync.connectors.csv_files.table import Source
from sync.errors import Broken, Doubtful
from sync.records import Kind, MarkRecord, Remark, RosterRecord, Session
from sync.sftp import Login, another_key, same_fingerprint


class CsvFiles(Connector):
    """Reads our own templates, OneRoster CSV or the Basic Roster; a list that is not there is a kind not shared."""

    key: ClassVar[str] = "csv_files"
    label: ClassVar[str] = "CSV files"
    Settings: ClassVar[type] = CsvSettings
    capabilities: ClassVar[frozenset[Kind]] = frozenset(Kind)
    sessions: ClassVar[frozenset[Session]] = frozenset(Session)

    def roster(self) -> Iterator[RosterRecord]:
        """Yield all lists, each kind read to its end followed by its `Complete`; see `Connector.roster`."""
        with self._opened(lambda name: not holds_marks(name)) as batch:
            if not batch.files and self.settings.place != "upload":
                raise Broken("The drop folder holds no files of a roster (.csv, .zip, .xlsx). Nothing was changed.")
            lists = tuple(source for source in batch.sources if not source.stem.startswith(STEM))
            yield from self._records(batch, lists)
            demand_unchanged(batch.files)

    def attendance(self, day: datetime.date) -> Iterator[MarkRecord]:
        """Yield the marks of one day; see `Connector.attendance`."""
        with self._opened(holds_marks) as batch:
            yield from marks(batch.sources, date=day, order=self.settings.dates, room=batch.room)
            demand_unchanged(batch.files)

    def probe(self) -> Iterator[Finding]:
        """Say whose key the SFTP server shows, for it is never trusted unseen; then what can be read."""
        if self.settings.place == "sftp":
            seen = self.sftp.fingerprint(host=self.settings.host, port=int(self.settings.port))
            if not same_fingerprint(seen, self.settings.fingerprint):
                yield Finding(part="SFTP server", reach=Reach.FAULTY, text=another_key(self.settings.host, seen))
                return
            yield Finding(part="SFTP server", reach=Reach.READS, text=f"It shows the key {seen}, as entered.")
        yield from super().probe()

    def _records(self, batch: "_Batch", lists: Sequence[Source]) -> Iterator[RosterRecord]:
        school, order = self.settings.school, self.settings.dates
        match format_of(lists):
            case Format.ONEROSTER:
                today = datetime.datetime.now(tz=datetime.UTC).date()
                yield from oneroster.roster(lists, school=school, order=order, today=today, room=batch.room)
            case Format.BASIC:
                yield from basic.roster(lists, school=school, order=order, room=batch.room)
            case Format.OURS if school:
                raise Doubtful(
                    "Our own templates cannot tell one school from another, but a school is set up here. If the files "
                    "are of your school alone, clear its reference in the settings; nothing was changed."
                )
            case Format.OURS:
                yield from _templates(lists, order=order, between=lambda: demand_unchanged(batch.files))

    @contextlib.contextmanager
    def _opened(self, wanted: Callable[[str], bool]) -> Iterator["_Batch"]:
        """Open the batch in force; of a drop folder, the newest with a file that is `wanted`."""
        with contextlib.ExitStack() as room:
            under = Path(room.enter_context(tempfile.TemporaryDirectory(prefix="batch-")))
            try:
                files = self._files(wanted, under)
                yield _Batch(files=files, sources=sources_in(files, room=room, under=under), room=room)
            except OSError as fault:
                raise unreadable("A CSV file", fault) from None

    def _files(self, wanted: Callable[[str], bool], under: Path) -> tuple[File, ...]:
        match self.settings.place:
            case "upload":
                return files_in(Path(self.settings.folder))
            case "drop":
                found = newest(LocalShelf(), self.settings.folder, wanted=wanted, now=time.time())
                return tuple(File(path=Path(entry.path), stamp=stamp(Path(entry.path))) for entry in found)
        into = under / "fetched"
        into.mkdir()
        with self.sftp.open(self._login()) as far:
            for entry in newest(far, self.settings.far_folder, wanted=wanted, now=time.time()):
                far.fetch(entry, into / entry.name)
        return files_in(into)

    def _login(self) -> Login:
        known = self.settings
        return Login(
            host=known.host,
            port=int(known.port),
            user=known.user,
            password=known.password,
            private_key=known.private_key,
            fingerprint=known.fingerprint,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Batch:
    """The files of one reading, the lists in them, and the room that what is opened is kept in."""

    files: tuple[File, ...]
    sources: tuple[Source, ...]
    room: contextlib.ExitStack


def _templates(sources: Sequence[Source], *, order: str, between: Callable[[], None]) -> Iterator[RosterRecord]:
    """Yield the lists of our own templates; `between` is called behind each.

    Raises:
        Broken: two lists are of one kind, or there are no students.
    """
    found: dict[Kind, Source] = {}
    for source in sources:
        kind = KIND_BY_NAME.get(source.stem)
        if kind in found:
            raise Broken(f"Both {found[kind].name} and {source.name} are lists of {kind}. Keep one of them.")
        if kind:
            found[kind] = source
    if Kind.STUDENTS not in found:
        raise Broken("There is no students.csv. Upload it together with the other files; nothing was changed.")
    strangers = [source.name for source in sources if source.stem not in KIND_BY_NAME]
    if strangers:
        yield Remark(text=f"Not read, because no list has this name: {', '.join(strangers)}.")
    for kind in Kind:
        if kind in found:
            yield from read_list(kind, found[kind], order=order)
            # Also the files before this one: the kinds must be one picture, not two halves of two uploads.
            between()
