"""What waits for a person now, and what somebody decided about it (R12, R22–R24, D4)."""

import dataclasses
import datetime

from django.db.models import Q

from sync.models import Decision, Hold, Run


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpenCase:
    """One hold of the newest judgement, and the decision about these very facts, if there is one."""

    hold: Hold
    decision: Decision | None
    expired: bool  # it was an approval, and came to its end before a run carried it out

    @property
    def is_decided(self) -> bool:
        """Whether somebody decided it and that still counts."""
        return self.decision is not None and not self.expired

    @property
    def who(self) -> str:
        """Who decided, by their address; "" if nobody did."""
        return decider(self.decision) if self.decision else ""


def decider(decision: Decision) -> str:
    """Return who decided, by their address."""
    return decision.by.email if decision.by else "somebody whose account is gone"


def judged() -> Run | None:
    """Return the newest run that judged the roster: one that failed, asked again or undid something did not."""
    ends = Q(status__in=[Run.Status.OK, Run.Status.PARTIAL]) | Q(status=Run.Status.HELD, error="")
    found = Run.objects.rosters().filter(ends).exclude(trigger=Run.Trigger.UNDO)
    newest: Run | None = found.order_by("-finished_at", "-id").first()
    return newest


def cases(*, at: datetime.datetime) -> tuple[OpenCase, ...]:
    """Return every hold of the newest judgement with its decision, in the order of the plan; three queries."""
    holds = list(Hold.objects.filter(run=judged()))
    return _with_decisions(holds, at)


def case(digest: str, *, at: datetime.datetime) -> OpenCase | None:
    """Return the case of this digest if it still waits, or None: the world may have moved."""
    holds = list(Hold.objects.filter(run=judged(), digest=digest)[:1])
    return next(iter(_with_decisions(holds, at)), None)


def _with_decisions(holds: list[Hold], at: datetime.datetime) -> tuple[OpenCase, ...]:
    found = Decision.objects.standing().filter(digest__in={hold.digest for hold in holds}).select_related("by")
    of = {decision.digest: decision for decision in found}
    return tuple(
        OpenCase(
            hold=hold,
            decision=(decision := of.get(hold.digest)),
            expired=decision is not None and not decision.holds_at(at),
        )
        for hold in holds
    )
