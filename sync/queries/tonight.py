"""The newest look at what tonight would do, and whether it can still be believed (R33)."""

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import Q

from sync.models import Change, Connection, Decision, Hold, Run, Trial
from sync.queries import tallies
from sync.queries.headings import heading
from sync.queries.joining import fingerprint

_WOULD: Final[Mapping[str, str]] = {
    Change.Action.ARRIVE: "Would be added",
    Change.Action.AMEND: "Would change",
    Change.Action.MISS: "Would be missing",
    Change.Action.LEAVE: "Would leave",
    Change.Action.REJOIN: "Would come back",
    Change.Action.END: "Would end",
    Change.Action.REKEY: "Would get a new id",
    Change.Action.RELEASE: "Corrections that would end",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What one look says of one action: how often it would happen, and the first sentences of it."""

    label: str
    number: int
    lines: tuple[Mapping[str, str], ...]

    @property
    def more(self) -> int:
        """How many are not said one by one."""
        return self.number - len(self.lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WouldHold:
    """What would be held: why, and the digest of the case if it waits already, so that its page can be opened."""

    title: str
    reason: str
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tonight:
    """The newest look at what tonight would do, and whether it can still be believed."""

    connected: bool
    trial: Trial | None
    lost: bool
    stale: str  # why it no longer tells the truth, "" while it does
    holds: tuple[WouldHold, ...]

    @property
    def going(self) -> bool:
        """Whether a worker is looking now."""
        return self.trial is not None and self.trial.ended_at is None and not self.lost

    @property
    def shows(self) -> bool:
        """Whether there is something to show; what names people is forgotten after a while."""
        return self.trial is not None and self.trial.went_well and bool(self.trial.summary)

    @property
    def tiles(self) -> tuple[tallies.Tile, ...]:
        """The four numbers, as a report has them, of what is not done yet."""
        return tallies.tiles(self.trial.summary.get("counts", {}), "would") if self.trial else ()

    @property
    def actions(self) -> tuple[Foreseen, ...]:
        """What would happen, by what it is."""
        found = self.trial.summary.get("actions", ()) if self.trial else ()
        return tuple(
            Foreseen(
                label=_WOULD[action["action"]],
                number=action["number"],
                lines=tuple(action["lines"]),
            )
            for action in found
        )


def newest_look(*, at: datetime.datetime) -> Tonight:
    """Return the newest look at what tonight would do; five queries at most."""
    link = Connection.objects.filter(active=True).first()
    trial = Trial.objects.filter(kind=Trial.Kind.TONIGHT).first()
    return Tonight(
        connected=link is not None,
        trial=trial,
        lost=bool(trial and trial.is_lost(at)),
        stale=_stale(trial, link) if trial and trial.ended_at else "",
        holds=_would_hold(trial.summary.get("holds", ())) if trial else (),
    )


def _would_hold(found: Sequence[Mapping[str, Any]]) -> tuple[WouldHold, ...]:
    digests = {hold["digest"] for hold in found}
    known = set(Hold.objects.filter(digest__in=digests).values_list("digest", flat=True))
    return tuple(
        WouldHold(
            title=heading(hold["case"]).title,
            reason=hold["reason"],
            digest=hold["digest"] if hold["digest"] in known else "",
        )
        for hold in found
    )


def _stale(trial: Trial, link: Connection | None) -> str:
    """Return what has happened since that a look from before cannot know."""
    if link is None or trial.made_with != fingerprint(link):
        return "The settings of the connection were changed after this. Look again."
    since = trial.ended_at
    if Run.objects.rosters().filter(finished_at__gt=since).exclude(status=Run.Status.FAILED).exists():
        return "A sync has run since. Look again to see what is left for tonight."
    if Decision.objects.filter(Q(at__gt=since) | Q(withdrawn_at__gt=since)).exists():
        return "Something was decided or withdrawn since. Look again to see what it does."
    return ""
