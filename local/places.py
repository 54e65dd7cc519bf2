"""Where one run keeps its things: `.local/<name>/` in the checkout, claimed by one process at a time."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""


class InUseError(Exception):
    """Another process holds this place."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A named folder below `.local/`; two names never share a file, a port or a process."""

    name: str

    @property
    def home(self) -> Path:
        """The folder itself."""
        return ROOT / ".local" / self.name

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.home / "logs"

    @property
    def outside(self) -> Path:
        """A folder for a server that runs as another user and cannot enter the checkout."""
        return outside_the_checkout() / self.name

    def log(self, process: str) -> Path:
        """Path of one process's log."""
        return self.logs / f"{process}.log"

    def make(self) -> None:
        """Create the folders; nobody but the owner reads them."""
        _passable(self.home.parent)
        _passable(self.home)
        self.logs.mkdir(mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the place for this process. Raises InUseError when another process holds it.

        The lock belongs to the process, so it falls with it, even on SIGKILL.
        """
        self.make()
        with (self.home / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUseError(f"{self.home} is in use by another process") from None
            yield


@contextlib.contextmanager
def claim_first_free(name: str) -> Iterator[Place]:
    """Claim `name`, or `name-2`, `name-3` … when others run beside us in the same checkout."""
    with contextlib.ExitStack() as held:
        yield _first_free(name, held)


def _first_free(name: str, held: contextlib.ExitStack) -> Place:
    for number in range(1, 100):
        place = Place(name=name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(InUseError):
            held.enter_context(place.claimed())
            return place
    raise InUseError(f"a hundred places called {name} are in use")


def outside_the_checkout() -> Path:
    """Name a folder of this checkout under the machine's lasting temporary folder."""
    lasting = Path("/var/tmp")  # noqa: S108 (ownership is checked by make_outside)
    base = lasting if lasting.is_dir() else Path(tempfile.gettempdir())
    return base / f"schoolsbuddy-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:12]}"


def make_outside(folder: Path) -> None:
    """Create a folder directly below `outside_the_checkout()`. PermissionError if somebody else made it first."""
    top = outside_the_checkout()
    top.mkdir(mode=0o700, exist_ok=True)
    if top.is_symlink() or top.lstat().st_uid != os.geteuid():
        raise PermissionError(f"{top} belongs to somebody else; remove it and run this again")
    for each in (top, folder):
        _passable(each)


def _passable(folder: Path) -> None:
    """Others may pass through (an embedded server may run as another user) but list nothing, whatever the umask."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o711)
