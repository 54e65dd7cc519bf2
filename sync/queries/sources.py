"""Where a school’s data comes from, and how fresh it is (R21)."""

import dataclasses
import datetime

from sync import registry, sentences
from sync.models import Connection, Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class Freshness:
    """How fresh the open school's data is: the last run that reached it, and the kinds that run read to their end."""

    source: str
    at: datetime.datetime | None
    kinds: frozenset[str]

    def shares(self, kind: str) -> bool:
        """Whether the MIS shares this kind: without it, no row means "not shared", never "none" (R4)."""
        return kind in self.kinds

    def say(self, now: datetime.datetime, zone: datetime.tzinfo) -> str:
        """Return the line for a page, in the school's own time (R21)."""
        at = self.at.astimezone(zone) if self.at else None
        return sentences.freshness(source=self.source, at=at, now=now.astimezone(zone))


def freshness() -> Freshness:
    """Return how fresh the open school's data is, in two queries."""
    run = Run.objects.finished().filter(kind="roster").order_by("-finished_at", "-id").first()
    return Freshness(
        source=source(),
        at=run.finished_at if run else None,
        kinds=frozenset(run.kinds) if run else frozenset(),
    )


def source() -> str:
    """Return where the open school's data comes from: “SIMS via Wonde”, “CSV files”, or “your MIS”."""
    connection = Connection.objects.filter(active=True).select_related("product").first()
    if connection is None:
        return "your MIS"
    if connection.product:
        return str(connection.product)
    labels = {candidate.key: candidate.label for candidate in registry.connectors()}
    return labels.get(connection.connector, "your MIS")
