"""The five ways a pull or a plan can go wrong, told apart by what happens next.

A message is read by a school's office and by support: it says what to do, and never holds a secret or personal data.
"""


class SyncError(Exception):
    """The base: a run ends in a named state, and nobody leaves the school because of it (R12)."""


class Refused(SyncError):
    """Credentials or permission: the connection is paused and the school is told which permission is missing."""


class Busy(SyncError):
    """The other side cannot answer now (429, 5xx, time-out): the run is tried again later.

    `status` is the last that the other side answered with, None if it gave none.
    """

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Slow(SyncError):
    """The other side answers, but keeps a worker for too long: not tried again at once, for it would do the same."""


class Broken(SyncError):
    """The answer is not what we know: the evidence is kept and our own people are told."""


class Doubtful(SyncError):
    """The answer is well formed but not believable (an empty roster): a person decides."""
