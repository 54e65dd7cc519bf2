"""The short way through a night on which nothing has moved; see `sync/pipeline/standstill.py`."""

import datetime
from collections.abc import Callable
from typing import Final

from sync.models import Connection, Refusal, Run
from sync.operations import connections
from sync.operations.ends import Stages, end
from sync.pipeline.extract import Extract
from sync.pipeline.snapshot import rules_of
from sync.pipeline.standstill import held_digest
from tenants import bulk
from tenants.models import School


def quiet(
    school: School,
    current: Run,
    link: Connection,
    extracted: Extract,
    stages: Stages,
    clock: Callable[[], datetime.datetime],
) -> Run | None:
    """End a locked run at once where nothing at all has moved since one that found nothing to do; else return None."""
    last = Run.objects.finished().rosters().order_by("-finished_at", "-id").first()
    if last is None or current.status != Run.Status.RUNNING or current.expects:
        return None
    if not _stands_still(school, current, last, extracted):
        return None
    current.counts = {kind: {"rows": number["rows"]} for kind, number in last.counts.items()}
    current.kinds, current.remarks, current.fingerprint = last.kinds, last.remarks, last.fingerprint
    current.feed, current.standstill = last.feed, last.standstill
    refusals = Refusal.objects.filter(run=last).order_by("id").values_list(*_REFUSED)
    bulk.insert(Refusal, ("run_id", *_REFUSED), ((current.pk, *row) for row in refusals))
    connections.resume(was=link.paused_reason)
    stages.done("compare", "nothing has moved since the last run")
    current.stages = stages.rows
    return end(current, Run.Status.OK, clock())


_REFUSED: Final = ("kind", "ref", "other_ref", "fault", "field", "reason", "place")


def _stands_still(school: School, run: Run, last: Run, extracted: Extract) -> bool:
    """Whether feed, held rows and rules are those of the last run, and no day has come that a record speaks of."""
    return bool(
        last.standstill
        and (last.feed, last.generation) == (extracted.feed, run.generation)
        and extracted.latest <= last.local_date <= run.local_date
        and last.standstill == held_digest(rules_of(school, night=run.local_date), generation=run.generation)
    )
