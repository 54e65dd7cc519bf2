"""Facts that rooms above may wait for. Sent on commit only, with ids, inside the school they are about."""

from django.dispatch import Signal

departed = Signal()  # kind: str, ids: list[int] — these people left the school's records
arrived = Signal()  # kind: str, ids: list[int] — these people came, or came back
