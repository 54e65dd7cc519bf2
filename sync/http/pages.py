"""Pages of a pull that broke: whoever keeps them says so here, and knows nothing else of HTTP."""

from typing import Protocol

from sync.errors import Busy
from sync.http.answers import Answer


class Moved(Busy):
    """What was kept is of another moment than what comes now; the pull has to begin again, which may be at once."""


class PageStore(Protocol):
    """Keeps the answers of one pull, so that it can go on where it broke.

    `request` says what was asked, parameters included, so it may hold a key. A pull may well ask the same twice,
    because a list moved while it was read; the second answer is another one than the first.
    """

    def find(self, request: bytes) -> Answer | None:
        """Return the answer that this request got in the pull that broke; None: ask.

        Raises:
            Moved: it cannot be read any more.
        """

    def keep(self, request: bytes, answer: Answer) -> None:
        """Keep what was asked and answered now; where it cannot be kept, nothing happens.

        Raises:
            Moved: an earlier answer is kept, and this is another one.
        """
