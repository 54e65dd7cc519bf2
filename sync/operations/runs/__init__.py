"""Runs: asked for, carried out, cancelled, and taken up again when they were lost.

`asking` puts a run into the queue, `performing` carries one out and names its end, `rosters` is what is done with
most of them, `cancelling` and `releasing` step in from outside. Whatever else a run may be about hands `perform` a
carry of its own, reads with `pull`, and ends with `sync.operations.ends`.
"""

from sync.operations.runs.asking import NotShared, Unseen, check_seen, enqueue_run, request
from sync.operations.runs.cancelling import cancel, told
from sync.operations.runs.performing import (
    MOST_ATTEMPTS,
    AnotherRunIsOn,
    Carry,
    InternalFault,
    perform,
    whereabouts,
)
from sync.operations.runs.releasing import release_stuck
from sync.operations.runs.retries import try_again
from sync.operations.runs.rosters import (
    Clock,
    Preview,
    alone,
    barred,
    carry_out,
    judged,
    locked,
    preview,
    pull,
    read_all,
)
from sync.operations.stops import Stopped, stoppable

__all__ = [
    "MOST_ATTEMPTS",
    "AnotherRunIsOn",
    "Carry",
    "Clock",
    "InternalFault",
    "NotShared",
    "Preview",
    "Stopped",
    "Unseen",
    "alone",
    "barred",
    "cancel",
    "carry_out",
    "check_seen",
    "enqueue_run",
    "judged",
    "locked",
    "perform",
    "preview",
    "pull",
    "read_all",
    "release_stuck",
    "request",
    "stoppable",
    "told",
    "try_again",
    "whereabouts",
]
