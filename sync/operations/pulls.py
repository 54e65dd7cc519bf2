"""The pages of a pull, kept for some days: to go on where a pull broke off, and as evidence of what the partner said.

A pull is a folder of sealed pages below the school's own, named by when it began. While the name ends in `.open` the
pull may be gone on with; one that came to its end never is, so a later run reads afresh (docs/adr/0008).
"""

import contextlib
import datetime
import json
import logging
import os
import secrets
import shutil
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
from django.conf import settings
from django.utils.crypto import salted_hmac
from requests.structures import CaseInsensitiveDict

from sync.errors import Busy
from sync.http import Answer, Moved
from sync.models import Connection
from sync.operations.connections import default_folder
from tenants.models import School
from tenants.secrets import UnreadableSecret, seal_bytes, unseal_bytes

log = logging.getLogger(__name__)

MAX_AGE: Final = datetime.timedelta(minutes=30)  # since its first page: what is older is another picture of the school
ONE: Final = "one"  # the kind of a pull for one person's sake: the night's own is not gone on with for that
_BEGAN: Final = "%Y%m%dT%H%M%SZ"
_OPEN: Final = ".open"
_NEVER_KEPT: Final = frozenset({"set-cookie"})  # a header that lets somebody in


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as it is kept. What was asked may hold a key, as the settings of a connection do: both are sealed."""

    asked: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    host: str

    def answer(self) -> Answer:
        """Return the answer."""
        return Answer(status=self.status, headers=CaseInsensitiveDict(self.headers), body=self.body, host=self.host)


class Pull:
    """The pages of one pull on disk; a `sync.http.PageStore`. A disk that fails costs the pages, never the run.

    Of the pages that were kept when a pull broke off, the last is asked for again: if the list has moved meanwhile,
    that page is another one, and what comes now does not go with what was kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept = {_name_of(path): path for path in _pages_in(folder)}
        self._last = next(reversed(self._kept), "")
        self._times: Counter[str] = Counter()  # how often each request was answered in this pull
        self._failed = False

    @property
    def size(self) -> int:
        """How many pages are kept."""
        return len(self._kept)

    def find(self, request: bytes) -> Answer | None:
        """Return the answer kept for this request; see `PageStore.find`."""
        digest = _digest(request)
        name = f"{digest}-{self._times[digest]}"
        if name not in self._kept or name == self._last:
            return None
        answer = _read(self._kept[name]).answer()
        self._times[digest] += 1
        return answer

    def keep(self, request: bytes, answer: Answer) -> None:
        """Keep an answer; see `PageStore.keep`."""
        digest = _digest(request)
        name = f"{digest}-{self._times[digest]}"
        self._times[digest] += 1
        if name not in self._kept:
            self._write(name, _page(request, answer))
        elif _read(self._kept[name]).body != answer.body:
            raise Moved(f"{answer.host} answers otherwise than before this pull broke off; all is read again")

    def end(self) -> None:
        """Note that this pull is over and must not be gone on with."""
        try:
            if self._folder.exists():
                self._folder.rename(self._folder.with_suffix(""))
        except OSError as fault:
            log.warning("a pull that is over cannot be marked so (%s)", fault.strerror)

    def _write(self, name: str, page: Page) -> None:
        if self._failed:
            return  # a page after a gap could not be gone on with
        path = self._folder / f"{len(self._kept) + 1:06}-{name}.page"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_at_once(path, seal_bytes(zlib.compress(msgspec.msgpack.encode(page))))
        except OSError as fault:
            log.warning("the pages of this pull are not kept any more (%s); it goes on without", fault.strerror)
            self._failed = True
        else:
            self._kept[name] = path


@contextlib.contextmanager
def reading(
    *, school: School, link: Connection, kind: str, at: datetime.datetime, afresh: bool = False
) -> Iterator[Pull | None]:
    """Keep the pages of one reading; None where none are to be kept.

    It stays open if it breaks off because the partner is busy, because its run is stopped, or with its process: then
    the same reading goes on with it within `MAX_AGE`, unless it is to begin `afresh`. After any other end nobody does.
    """
    if not settings.EVIDENCE_DAYS:
        yield None
        return
    pull = _opened(school=school, link=link, kind=kind, at=at, afresh=afresh)
    try:
        yield pull
    except Exception as fault:
        if not isinstance(fault, Busy) or isinstance(fault, Moved):
            pull.end()
        raise
    pull.end()


def close(*, school: School, kind: str) -> None:
    """Have nobody go on with a school's pulls of this kind."""
    for folder in (default_folder(school) / "pulls").glob(f"*-{kind}-*{_OPEN}"):
        Pull(folder).end()


def pages(folder: Path) -> Iterator[Page]:
    """Yield the pages of a pull in the order in which they came.

    Raises:
        Moved: one cannot be read, for instance because its key is no longer among FIELD_KEYS.
    """
    yield from map(_read, _pages_in(folder))


def purge(*, at: datetime.datetime) -> int:
    """Delete the pulls of all schools that are older than EVIDENCE_DAYS; return how many."""
    oldest = at - datetime.timedelta(days=settings.EVIDENCE_DAYS)
    gone = 0
    for folder in Path(settings.FILES_DIR).glob("*/pulls/*"):
        began = _began(folder)
        if began is None or began > oldest:
            continue
        try:
            shutil.rmtree(folder)
        except OSError as fault:
            log.warning("a pull from %s cannot be deleted (%s)", began, fault.strerror)
        else:
            gone += 1
    return gone


def _opened(*, school: School, link: Connection, kind: str, at: datetime.datetime, afresh: bool) -> Pull:
    """Return the pull of these settings that broke off not long ago, or a new one; no other stays open."""
    home, ending = default_folder(school) / "pulls", f"-{kind}-{_whose(link)}{_OPEN}"
    found = None
    for folder in sorted(home.glob(f"*-{kind}-*{_OPEN}"), reverse=True):
        began = _began(folder)
        fits = folder.name.endswith(ending) and began is not None and at - MAX_AGE <= began <= at
        if fits and not afresh and not found:
            found = Pull(folder)
        else:
            Pull(folder).end()
    if found is None:
        return Pull(home / f"{at.astimezone(datetime.UTC):{_BEGAN}}-{secrets.token_hex(4)}{ending}")
    log.info("a pull of school %s goes on behind %d pages that were kept", school.pk, found.size)
    return found


def _whose(link: Connection) -> str:
    """Tell apart whatever may change what the partner answers: the school, its connector, its credentials."""
    said = [link.pk, link.school_id, link.generation, link.connector, link.settings]
    return _digest(json.dumps(said, sort_keys=True).encode())


def _digest(data: bytes) -> str:
    """Name something by what it holds, so that the name does not tell: it may hold a key."""
    return salted_hmac("sync.pulls", data, algorithm="sha256").hexdigest()[:32]


def _began(folder: Path) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(folder.name.partition("-")[0], _BEGAN).replace(tzinfo=datetime.UTC)
    except ValueError:
        return None


def _pages_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.page"))


def _name_of(path: Path) -> str:
    return path.stem.partition("-")[2]


def _page(request: bytes, answer: Answer) -> Page:
    headers: Mapping[str, str] = {
        name: value for name, value in answer.headers.items() if name.lower() not in _NEVER_KEPT
    }
    return Page(asked=request, status=answer.status, headers=dict(headers), body=answer.body, host=answer.host)


def _read(path: Path) -> Page:
    try:
        return msgspec.msgpack.decode(zlib.decompress(unseal_bytes(path.read_bytes())), type=Page)
    except (OSError, UnreadableSecret, zlib.error, msgspec.DecodeError):
        raise Moved("a page that was kept cannot be read; all is read again") from None


def _write_at_once(path: Path, data: bytes) -> None:
    """Write a file that only we may read, which is there whole or not at all."""
    draft = path.with_suffix(".draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:  # noqa: PTH123 a descriptor
        file.write(data)
    draft.replace(path)
