"""How long a slot that falls due waits for its claim, and the claim for a worker: with a real beat."""

import datetime
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from django.utils import timezone

from sync import clock
from sync.models import Pulse, Run, Slot
from sync.queries import slots
from tenants import scope
from tenants.models import School
from tests.bench import fleet_crew
from tests.bench.fleet_nights import EVERY_DAY
from tests.factories import runs

SCHOOLS: Final = 3_000  # of which about 27 fall due each minute
STUDENTS: Final = 50
_ALSO: Final = datetime.timedelta(seconds=75)  # after the last one fell due, by when it is claimed


class Lag(NamedTuple):
    """Seconds from due to claimed, and from claimed to started, each in order; and seconds of the last turn."""

    claimed: list[float]
    started: list[float]
    turn: float


def measured(*, minutes: int, workers: int) -> Lag:
    """Let a night go on for some minutes, and look at what falls due in them."""
    School.objects.bulk_create(
        School(
            slug=f"lag-{number}",
            name="Lag",
            timezone=fleet_crew.where_it_is(1),
            weekdays=EVERY_DAY,
            status=School.Status.SUSPENDED,
            opened_at=timezone.now() - fleet_crew.LONG_AGO,
        )
        for number in range(SCHOOLS)
    )
    begins = timezone.now() + datetime.timedelta(seconds=45)  # by then the processes are there
    ends = begins + datetime.timedelta(minutes=minutes)
    fleet_crew.claim(slots.unclaimed(at=begins), at=timezone.now())  # what is due by then is not what we look at
    chosen = [school for school in School.objects.all() if begins < _due_at(school) < ends]
    crew = [fleet_crew.worker(f"lag{number}", "roster,attendance,asked") for number in range(workers)]
    with tempfile.TemporaryDirectory() as folder, fleet_crew.mis(students=STUDENTS, schools=len(chosen)) as partners:
        for school, url in zip(chosen, partners.urls, strict=True):
            _join(school, url)
        clocks = [fleet_crew.worker("clock", "clock,mail,celery"), fleet_crew.beat(Path(folder))]
        with fleet_crew.celery(*crew, *clocks):
            fleet_crew.until("the minutes are over", lambda: timezone.now() > ends + _ALSO)
            fleet_crew.until("all have begun", lambda: len(_started(chosen)) == len(chosen))
    return _lag(chosen)


def _due_at(school: School) -> datetime.datetime:
    due = clock.due_at(slots.timing_of(school), clock.Slot.NIGHT, school.local(timezone.now()).date())
    assert due
    return due


def _join(school: School, url: str) -> None:
    """Let a school be one whose nights run: its first sync is said to be behind it."""
    School.objects.filter(pk=school.pk).update(status=School.Status.ACTIVE)
    fleet_crew.connected(school, url)
    with scope.school(school.pk):
        runs.run(ago=7)


def _started(chosen: list[School]) -> dict[int, datetime.datetime]:
    with scope.everywhere(reason="bench"):
        begun = Run.objects.filter(school__in=chosen, trigger=Run.Trigger.SCHEDULE, started_at__isnull=False)
        return {run.pk: run.started_at for run in begun if run.started_at}


def _lag(chosen: list[School]) -> Lag:
    started = _started(chosen)
    claims = list(Slot.objects.filter(school__in=chosen))
    return Lag(
        claimed=sorted((one.claimed_at - one.due_at).total_seconds() for one in claims),
        started=sorted((started[one.run] - one.claimed_at).total_seconds() for one in claims if one.run in started),
        turn=Pulse.objects.get(name=Pulse.DISPATCH).seconds,
    )
