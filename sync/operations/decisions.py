"""What a person decides about a hold: of exactly these facts, to be taken back until a run has carried it out (R12)."""

import datetime
from typing import Final

from django.db import IntegrityError, transaction

from sync.models import Decision, Hold, Run
from sync.operations import runs
from sync.operations.answers import in_force
from sync.pipeline.plan.model import APPROVE, Case
from sync.queries import holds
from tenants.models import School
from tenants.operations import record

__all__ = [
    "AlreadyDecided",
    "CarriedOut",
    "NoSuchChoice",
    "WorldMoved",
    "carry_out_now",
    "decide",
    "in_force",
    "withdraw",
]

BRAKES: Final = frozenset({Case.DEPARTURES, Case.ID_SCHEME})
APPROVED_FOR: Final = datetime.timedelta(days=7)  # a brake's approval that no run has used by then is none


class NoSuchChoice(ValueError):
    """The hold does not offer this; the message says what it offers."""


class WorldMoved(Exception):
    """The newest run no longer holds this: what is decided would be about something that is past."""


class AlreadyDecided(Exception):
    """Somebody chose otherwise about these very facts; that has to be withdrawn first."""


class CarriedOut(Exception):
    """A run has done what was decided, so it cannot be taken back here."""


@transaction.atomic
def decide(hold: Hold, *, choice: str, by: int | None, at: datetime.datetime, reason: str = "") -> Decision:
    """Note what a person chose about a hold; the next run goes by it. Deciding the same twice changes nothing.

    Raises:
        NoSuchChoice, WorldMoved, AlreadyDecided: nothing was decided.
    """
    label = _label(hold, choice)
    if holds.case(hold.digest, at=at) is None:
        raise WorldMoved("This no longer waits as you saw it: your MIS has changed. Look at what waits now.")
    if earlier := _earlier(hold.digest, at=at):
        return _the_same(earlier, choice)
    try:
        with transaction.atomic():
            decision: Decision = Decision.objects.create(
                digest=hold.digest,
                case=hold.case,
                kind=hold.kind,
                choice=choice,
                says=f"{label}. {hold.reason}",
                by_id=by,
                at=at,
                reason=reason,
                expires_at=at + APPROVED_FOR if hold.case in BRAKES and choice == APPROVE else None,
            )
    except IntegrityError:  # somebody decided in the same moment
        return _the_same(Decision.objects.standing().get(digest=hold.digest), choice)
    record(action="hold.decided", by=by, at=at, subject=f"hold:{hold.pk}", reason=reason)
    return decision


def _label(hold: Hold, choice: str) -> str:
    labels = {option["key"]: str(option["label"]) for option in hold.options}
    if choice not in labels:
        raise NoSuchChoice(f"Choose one of: {', '.join(labels.values()) or 'nothing can be chosen here'}.")
    return labels[choice]


def _earlier(digest: str, *, at: datetime.datetime) -> Decision | None:
    """Return what was decided about these facts and still counts; what no longer does makes room."""
    found: Decision | None = Decision.objects.select_for_update().filter(digest=digest, withdrawn_at=None).first()
    if found is None or (found.holds_at(at) and not found.is_used_up):
        return found
    found.withdrawn_at = at
    found.save(update_fields=["withdrawn_at"])
    return None


def _the_same(earlier: Decision, choice: str) -> Decision:
    if earlier.choice != choice:
        raise AlreadyDecided("Somebody has decided this otherwise. Withdraw that decision first, then decide anew.")
    return earlier


@transaction.atomic
def withdraw(decision: Decision, *, by: int | None, at: datetime.datetime) -> None:
    """Take a decision back, so that the next run asks again; withdrawing twice changes nothing.

    Raises:
        CarriedOut: a run has acted on it; what it did is undone in the report of that run, if at all.
    """
    current: Decision = Decision.objects.select_for_update().get(pk=decision.pk)
    if current.run_id is not None:
        raise CarriedOut("A sync has already done what was decided. Look at its report to undo what it changed.")
    if current.withdrawn_at is not None:
        return
    current.withdrawn_at = at
    current.save(update_fields=["withdrawn_at"])
    record(action="decision.withdrawn", by=by, at=at, subject=f"decision:{current.pk}")


def carry_out_now(*, school: School, by: int | None, at: datetime.datetime) -> Run:
    """Ask for a run of the open school that goes by what was decided, instead of waiting for the night.

    Raises:
        sync.operations.connections.NotConnected: there is nothing to read.
    """
    return runs.request(
        school=school, trigger=Run.Trigger.DECISION, at=at, by=by, reason="what was decided is carried out"
    )
