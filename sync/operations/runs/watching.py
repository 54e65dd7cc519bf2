"""What a run tells while it reads, and whether it is to go on: looked at between two pages, never within a transaction.

A carry says what it does with `stage` and `rows`; `sync.operations.runs.pull` has its pages watched.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

import psycopg
from django.db import OperationalError, connection

from sync.errors import Slow
from sync.http import Answer, PageStore
from sync.models import Run
from sync.operations.runs.lives import Life
from sync.operations.stops import Stopped
from tenants import scope
from tenants.models import School

log = logging.getLogger(__name__)

EVERY: Final = 1.0  # seconds between two looks: so long may who cancels have to wait where no signal comes through
READING: Final = 1200.0  # seconds for all of a reading; a host that drips is no reason to keep a worker for an hour
_SLOW: Final = "Your MIS answered too slowly: after {:.0f} minutes it had not told us everything. Nothing was changed."


class Watch:
    """One run's watch. `run` is as it began: whoever else takes it up counts one more attempt."""

    def __init__(self, school: School, run: Run, life: Life) -> None:
        self._school, self._run, self._life = school, run, life
        self._began = time.monotonic()
        self._next = self._began + EVERY
        self._stage, self._pages, self._rows = "reading", 0, 0

    def pages(self, kept: PageStore | None) -> PageStore:
        """Return the same pages, counted and watched; None keeps none."""
        return _Pages(kept, self)

    def page(self) -> None:
        """Note that a page has come."""
        self._pages += 1
        self.look()

    def rows(self, number: int) -> None:
        """Note how many rows have come so far."""
        self._rows = number
        self.look()

    def stage(self, name: str) -> None:
        """Say what is done now, reading or not, and look whether it may go on.

        Within a transaction it is only said, and by another thread: nobody sees what this one writes before it ends.

        Raises:
            Stopped: see `look`.
        """
        self._stage = name
        if not connection.in_atomic_block:
            self._look()
            return
        aside = threading.Thread(target=self._aside)
        aside.start()
        aside.join()

    def _aside(self) -> None:
        try:
            self._told()
        except OperationalError as fault:
            log.warning("run %s: its progress is not told (%s)", self._run.pk, type(fault).__name__)
        finally:
            connection.close()

    def look(self) -> None:
        """Look whether this run is to go on, once a second at most.

        Raises:
            Slow: it has been reading for too long.
            Stopped: it was cancelled, or another worker carries it out.
        """
        now = time.monotonic()
        if now < self._next or connection.in_atomic_block:
            return
        if now - self._began > READING:
            raise Slow(_SLOW.format(READING / 60))
        self._look()

    def _look(self) -> None:
        try:
            ours = self._life.is_ours() and self._told()
        except (OperationalError, psycopg.OperationalError) as fault:
            # The database ended our idle sessions. Whether it is there is found out where it is needed.
            log.warning("run %s: the database does not answer (%s)", self._run.pk, type(fault).__name__)
            connection.close()
            ours = True
        self._next = time.monotonic() + EVERY
        if not ours:
            raise Stopped

    def _told(self) -> bool:
        """Write the progress for whoever watches; whether this run is still ours and nobody has cancelled it."""
        progress = {"stage": self._stage, "pages": self._pages, "rows": self._rows}
        with scope.school(self._school.pk):
            ours = Run.objects.filter(
                pk=self._run.pk, status=Run.Status.RUNNING, attempts=self._run.attempts, cancel_asked_at=None
            )
            return bool(ours.update(progress=progress))


class _Pages:
    """Pages of a pull under a watch; a `sync.http.PageStore`."""

    def __init__(self, kept: PageStore | None, watch: Watch) -> None:
        self._kept, self._watch = kept, watch

    def find(self, request: bytes) -> Answer | None:
        """Return the answer kept for this request; see `PageStore.find`."""
        self._watch.look()
        found = self._kept.find(request) if self._kept is not None else None
        if found is not None:
            self._watch.page()
        return found

    def keep(self, request: bytes, answer: Answer) -> None:
        """Keep an answer; see `PageStore.keep`."""
        if self._kept is not None:
            self._kept.keep(request, answer)
        self._watch.page()


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


@contextlib.contextmanager
def watched(watch: Watch) -> Iterator[None]:
    """Watch whatever is carried out within."""
    token = _current.set(watch)
    try:
        yield
    finally:
        _current.reset(token)


def stage(name: str) -> None:
    """Say what the run that is carried out here does now; see `Watch.stage`. Nobody listens outside of any."""
    if watch := _current.get():
        watch.stage(name)


def rows(number: int) -> None:
    """Say how many rows it has read so far; see `Watch.rows`."""
    if watch := _current.get():
        watch.rows(number)


def pages(kept: PageStore | None) -> PageStore | None:
    """Return the pages that it reads, watched; see `Watch.pages`."""
    watch = _current.get()
    return watch.pages(kept) if watch else kept
