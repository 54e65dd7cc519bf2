"""Facts of the letters that others may wait for; sent on commit only."""

from django.dispatch import Signal

letter_written = Signal()  # school: int, letter: int — a letter waits for its delivery
