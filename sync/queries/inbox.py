"""What waits for a person, in words: the inbox by kind of case, and what a run carried out of it (R12, R33)."""

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Min

from sync import sentences
from sync.models import Decision, Hold, Run
from sync.pipeline.plan.model import KEEP
from sync.queries import holds
from sync.queries.headings import ORDER, Heading, heading

SOON: Final = datetime.timedelta(days=2)  # an approval that runs out within it is worth a word on the front desk
MOST_NAMED: Final = 4  # in one line of the inbox


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One case in a list: the hold, since when it waits, and what somebody decided about it."""

    case: holds.OpenCase
    since: datetime.datetime | None

    @property
    def hold(self) -> Hold:
        """The hold of the newest judgement."""
        return self.case.hold

    @property
    def decision(self) -> Decision | None:
        """What was decided about these very facts, if that was not taken back."""
        return self.case.decision

    @property
    def title(self) -> str:
        """The heading of its kind."""
        return heading(self.hold.case).title

    @property
    def who(self) -> str:
        """Whom or what it is about: “Ian Ford and Abe Stone”, “212 students”."""
        labels = self.hold.labels
        if 0 < len(labels) <= MOST_NAMED:
            return sentences.listed(labels)
        number = len(labels or self.hold.refs)
        return sentences.counted(number, self.hold.kind) if number else sentences.plural(self.hold.kind)

    @property
    def decider(self) -> str:
        """Who decided, by their address; "" if nobody did."""
        return self.case.who

    @property
    def answer(self) -> str:
        """What was chosen, in the words in which it was offered."""
        return chosen(self.decision, self.hold) if self.decision else ""

    @property
    def acts(self) -> bool:
        """Whether the next sync does something because of the decision."""
        return bool(self.decision and self.case.is_decided and self.decision.choice != KEEP)

    def runs_out(self, at: datetime.datetime) -> bool:
        """Whether it is an approval in force that comes to its end soon."""
        ends = self.decision.expires_at if self.decision and self.case.is_decided else None
        return ends is not None and ends - at <= SOON


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """The open cases of one kind, oldest first."""

    heading: Heading
    items: tuple[Item, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inbox:
    """Everything that waits: what is open by kind of case, and what is decided already."""

    groups: tuple[Group, ...]
    decided: tuple[Item, ...]
    open: int
    acting: int  # decisions that the next sync carries out
    expiring: int  # approvals that run out soon


def inbox(*, at: datetime.datetime) -> Inbox:
    """Return what waits at the open school; four queries."""
    found = holds.cases(at=at)
    since = since_when(case.hold.digest for case in found)
    items = [Item(case=case, since=since.get(case.hold.digest)) for case in found]
    waiting = [item for item in items if not item.case.is_decided]
    decided = [item for item in items if item.case.is_decided]
    return Inbox(
        groups=tuple(_groups(waiting)),
        decided=tuple(sorted(decided, key=lambda item: (not item.acts, _age(item)))),
        open=len(waiting),
        acting=sum(item.acts for item in items),
        expiring=sum(item.runs_out(at) for item in items),
    )


def _groups(items: Iterable[Item]) -> list[Group]:
    by_case: dict[str, list[Item]] = {}
    for item in items:
        by_case.setdefault(item.hold.case, []).append(item)
    return [
        Group(heading=heading(case), items=tuple(sorted(by_case[case], key=_age)))
        for case in sorted(by_case, key=lambda case: ORDER.get(case, len(ORDER)))
    ]


def _age(item: Item) -> tuple[bool, Any]:
    return (item.since is None, item.since)


def since_when(digests: Iterable[str]) -> dict[str, datetime.datetime]:
    """Return when each case was first held; one query."""
    rows = Hold.objects.order_by().filter(digest__in=set(digests)).values_list("digest")
    return dict(rows.annotate(first=Min("run__finished_at")))


def chosen(decision: Decision, hold: Hold | None = None) -> str:
    """Return what was chosen, in the words in which it was offered."""
    labels = {option["key"]: str(option["label"]) for option in hold.options} if hold else {}
    return labels.get(decision.choice) or decision.says.partition(". ")[0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class CarriedOut:
    """One decision that a run carried out."""

    decision: Decision
    title: str
    answer: str
    who: str


def carried_out(run: Run) -> tuple[CarriedOut, ...]:
    """Return what people had decided and this run was the first to do; one query."""
    return tuple(
        CarriedOut(decision=one, title=heading(one.case).title, answer=chosen(one), who=holds.decider(one))
        for one in Decision.objects.filter(run=run).select_related("by").order_by("id")
    )
