"""What people decided about holds, as a run goes by it, and the note on each decision that a run carried it out."""

import datetime
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from sync.models import Decision, Run
from sync.pipeline.gate import Brake
from sync.pipeline.plan import Case
from sync.pipeline.plan.model import KEEP, Plan
from sync.records import Kind


class Answers(Mapping[str, str]):
    """The choices in force by the digest of the hold; it remembers which ones were asked for."""

    def __init__(self, choices: Mapping[str, str], brakes: frozenset[Brake] = frozenset()) -> None:
        self._choices = dict(choices)
        self.brakes: Final = brakes  # for which an approval waits to be carried out, of whatever facts
        self.asked: Final[set[str]] = set()

    def __getitem__(self, digest: str) -> str:
        choice = self._choices[digest]
        self.asked.add(digest)
        return choice

    def __iter__(self) -> Iterator[str]:
        return iter(self._choices)

    def __len__(self) -> int:
        return len(self._choices)

    def taken(self, done: Plan) -> set[str]:
        """Return the digests of the decisions that this plan carries out: asked for, and nothing held in their place.

        “Leave it as it is” is never carried out: it is gone by, and may be taken back at any time.
        """
        waiting = {hold.digest for hold in done.holds}
        return {digest for digest in self.asked - waiting if self._choices[digest] != KEEP}


def answers(*, at: datetime.datetime, lock: bool = False) -> Answers:
    """Return the open school's decisions in force; with `lock` nobody withdraws one until the transaction ends."""
    found = Decision.objects.in_force(at).order_by("id")
    rows = list(found.select_for_update() if lock else found)
    brakes = frozenset((Case(row.case), Kind(row.kind)) for row in rows if row.expires_at)
    return Answers({row.digest: row.choice for row in rows}, brakes)


def in_force(at: datetime.datetime) -> Mapping[str, str]:
    """Return {digest of a hold: choice} of the decisions not withdrawn, expired or used up."""
    return dict(answers(at=at))


def note(given: Answers, done: Plan, *, run: Run, but: AbstractSet[str] = frozenset()) -> None:
    """Write on each decision that this run was the first to carry it out; `but` are those that wait for another."""
    Decision.objects.filter(digest__in=given.taken(done) - but, withdrawn_at=None, run=None).update(run=run)
