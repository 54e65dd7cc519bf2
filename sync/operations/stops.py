"""Stopping a run wherever it stands: a person has cancelled it, another worker has it, or it takes too long."""

import contextlib
import logging
import signal
import threading
from collections.abc import Iterator
from types import FrameType

log = logging.getLogger(__name__)


class Stopped(KeyboardInterrupt):
    """A run is to stop now; what is not committed yet is rolled back.

    No `Exception`, so that no connector takes it for a fault of its own; and as at Ctrl-C psycopg has the database end
    the query that we stand in, which would keep its locks otherwise.
    """


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Take SIGUSR1 for a `Stopped`: Celery sends it at the soft time limit, and `sync.receivers.stop` for who cancels.

    It reaches a worker also where it waits for a partner that says nothing. Only a main thread hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGUSR1, _stop)
    try:
        yield
    except Stopped:
        log.info("a run was stopped when it had nothing to stop any more")
    finally:
        signal.signal(signal.SIGUSR1, before)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stopped
