"""A sync now, because one of our people wants it (R18). It uses no slot up (R19)."""

import datetime

from django.db import transaction

from sync.models import Run
from sync.operations import runs
from sync.queries import one_off
from tenants.models import School


class UnableToRun(Exception):
    """Nothing would be read at this school; the message says why and what to do first."""


@transaction.atomic
def ask(
    *, school: School, kind: Run.Kind, reason: str, by: int, at: datetime.datetime, shown: datetime.datetime
) -> Run:
    """Queue a one-off sync of the open school; sent twice from a page `shown` once it is one run, also if it is over.

    Raises:
        UnableToRun: nothing was queued.
    """
    school = School.objects.select_for_update(no_key=True).get(pk=school.pk)  # the second of two clicks waits here
    same = {"kind": kind, "trigger": Run.Trigger.ONE_OFF, "requested_by": by, "reason": reason, "only": ""}
    if asked := Run.objects.filter(queued_at__gte=shown, **same).order_by("queued_at").first():
        return asked
    (prospect,) = one_off.prospects([school], kind)
    if prospect.why_not:
        raise UnableToRun(prospect.why_not)
    return runs.request(school=school, kind=kind, trigger=Run.Trigger.ONE_OFF, reason=reason, by=by, at=at)
