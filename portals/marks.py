"""The school’s marks as a page may say them: shared or not, and how old; “not shared” is never “none” (R4, R15)."""

import dataclasses
from typing import Literal

from sync import registry
from sync.models import Connection
from sync.queries.sources import Freshness, marks_freshness

State = Literal["shared", "never", "not_shared"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarkFeed:
    """Whether the MIS tells us marks, and when they were last fetched."""

    state: State
    fresh: Freshness


def mark_feed() -> MarkFeed:
    """Return how the open school's marks stand, in one query more than their freshness."""
    link = Connection.objects.filter(active=True).first()
    reads = {known.key for known in registry.connectors() if known.sessions}
    fresh = marks_freshness()
    if link is None or link.connector not in reads:
        return MarkFeed(state="not_shared", fresh=fresh)
    return MarkFeed(state="shared" if fresh.at else "never", fresh=fresh)
