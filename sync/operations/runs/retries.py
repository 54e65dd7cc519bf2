"""Trying a slot again because its MIS was busy: after 10, then 30, then 60 minutes, while the slot can be caught up."""

import datetime
import logging
from typing import Final

from sync import clock
from sync.models import BY_ITSELF, Run, Slot
from sync.operations import connections
from sync.operations.runs.asking import NotShared, request
from sync.queries import slots
from tenants import scope
from tenants.models import School

log = logging.getLogger(__name__)

AFTER: Final = tuple(datetime.timedelta(minutes=minutes) for minutes in (10, 30, 60))
MORNING: Final = datetime.time(6)  # behind it a MIS is busy with its school, and is left alone until the next night
MOST_AT_ONCE: Final = 1_000  # of one turn


def put_off(school: School, run: Run, *, at: datetime.datetime) -> None:
    """Note when the slot of a run that has just met a busy MIS is tried again, if it is."""
    if run.trigger not in BY_ITSELF or not run.slot:
        return
    slots_of = Slot.objects.select_for_update().filter(school=school, kind=run.kind, local_date=run.local_date)
    slot = slots_of.filter(slot=run.slot).first()
    if slot is None or slot.retries >= len(AFTER):
        return
    again = at + AFTER[slot.retries]
    if again < until(school, slot):
        slot.retry_at = again
        slot.save(update_fields=["retry_at"])


def until(school: School, slot: Slot) -> datetime.datetime:
    """Return the instant from which a slot is not tried again."""
    timing, kind = slots.timing_of(school), clock.Slot(slot.slot)
    missed = clock.missed_after(timing, kind, slot.local_date)
    if kind is not clock.Slot.NIGHT:
        return missed
    return min(missed, clock.first_instant(timing.zone, datetime.datetime.combine(slot.local_date, MORNING)))


def try_again(*, at: datetime.datetime) -> int:
    """Queue the slots whose time to be tried again has come, the longest due first; return how many runs."""
    due = Slot.objects.filter(retry_at__lte=at).order_by("retry_at", "id").values_list("pk", "school_id")
    return sum(_tried(pk, school, at=at) for pk, school in due[:MOST_AT_ONCE])


def _tried(slot: int, school: int, *, at: datetime.datetime) -> bool:
    try:
        with scope.school(school):
            return _try(slot, School.objects.get(pk=school), at=at)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the other schools must not wait for it
        log.error("slot %s of school %s is not tried again: %s", slot, school, type(fault).__name__)  # noqa: TRY400 - may quote rows
        return False


def _try(pk: int, school: School, *, at: datetime.datetime) -> bool:
    """Queue one slot's run, unless somebody was faster or nothing may run any more."""
    slot = Slot.objects.select_for_update(skip_locked=True).filter(pk=pk, retry_at__lte=at).first()
    if slot is None:
        return False
    run = _requested(slot, school, at=at) if at < until(school, slot) else None
    slot.retry_at = None
    if run is not None:
        slot.run, slot.retries = run.pk, slot.retries + 1
    slot.save(update_fields=["retry_at", "run", "retries"])
    return run is not None


def _requested(slot: Slot, school: School, *, at: datetime.datetime) -> Run | None:
    if school.status != School.Status.ACTIVE:
        return None
    try:
        return request(
            school=school,
            kind=Run.Kind(slot.kind),
            trigger=Run.Trigger.RETRY,
            slot=slot.slot,
            night=slot.local_date,
            late=slot.late,
            at=at,
        )
    except (connections.NotConnected, connections.Paused, NotShared):  # Frozen is a kind of Paused
        return None
