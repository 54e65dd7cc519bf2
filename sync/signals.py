"""Facts of the sync that others may wait for; sent on commit only."""

from django.dispatch import Signal

run_requested = Signal()  # school: int, run: int, kind: str, trigger: str — a run waits in the queue
run_ended = Signal()  # school: int, run: int — a run has reached one of its ends
trial_requested = Signal()  # school: int, trial: int, kind: str — a trial waits in the queue
cancel_asked = Signal()  # school: int, run: int — a run that is being carried out is to stop
