"""How many schools an hour the workers bring through a night, and through the marks of a day."""

import datetime
import itertools
from collections.abc import Callable
from typing import Final, NamedTuple

from django.db.models import F, Max, Min
from django.utils import timezone

from sync import clock
from sync.models import Run, Slot
from sync.operations import runs
from sync.queries import slots
from sync.tasks import dispatch
from tenants import scope
from tenants.models import School
from tests.bench import fleet_crew

MARKS_OF_A_DAY: Final = "marks of a day"
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
_weeks: Final = itertools.count(1)  # so that no two nights of a school become one


class Night(NamedTuple):
    """What so many workers did: seconds from the first begin to the last end, and requests to all MISs."""

    what: str
    students: int
    schools: int
    workers: int
    seconds: float
    requests: int

    @property
    def an_hour(self) -> float:
        """Schools an hour and worker."""
        return self.schools / self.seconds * 3600 / self.workers


def measured(*, students: int, schools: int, workers: int) -> list[Night]:
    """Bring new schools through their first night, two more, and the marks of an afternoon."""
    rosters = [fleet_crew.worker(f"fleet{number}", "roster,attendance,asked") for number in range(workers)]
    served = fleet_crew.mis(students=students, schools=schools)
    with served as partners, fleet_crew.celery(*rosters, fleet_crew.worker("clock", "clock,mail,celery")):
        fleet = [_school(number, url) for number, url in enumerate(partners.urls)]

        def night(what: str, begin: Callable[[], None], *, turn: int) -> Night:
            partners.turn(turn)
            seconds = _until_all_have_ended(fleet, begin)
            return Night(what, students, schools, workers, seconds, partners.turn(turn))

        return [
            night("first night", lambda: _ask(fleet), turn=1),
            night("unchanged", lambda: _next_night(fleet), turn=1),
            night("about 1 % changed", lambda: _next_night(fleet), turn=2),
            night(MARKS_OF_A_DAY, lambda: _afternoon(fleet), turn=2),
        ]


def _school(number: int, url: str) -> School:
    made = School.objects.create(
        slug=f"fleet-{number}",
        name=f"Fleet {number}",
        timezone=fleet_crew.where_it_is(5),  # its night is over, so it is caught up at once
        weekdays=EVERY_DAY,
        opened_at=timezone.now() - fleet_crew.LONG_AGO,
    )
    fleet_crew.connected(made, url)
    return made


def _ask(fleet: list[School]) -> None:
    """Ask for the first night as somebody who has confirmed its preview does."""
    for school in fleet:
        with scope.school(school.pk):
            runs.request(school=school, trigger=Run.Trigger.COMMAND, at=timezone.now(), reason="bench")


def _next_night(fleet: list[School]) -> None:
    """Let the nights so far be weeks ago, and the real dispatcher find this one due."""
    _weeks_pass(fleet)
    dispatch.delay()


def _afternoon(fleet: list[School]) -> None:
    """Let it be afternoon, the night be claimed, and the real dispatcher find the marks due."""
    _weeks_pass(fleet)
    School.objects.update(timezone=fleet_crew.where_it_is(15))
    now = timezone.now()
    nights = [due for due in slots.unclaimed(at=now) if due.slot is clock.Slot.NIGHT]
    fleet_crew.claim(nights, at=now)
    dispatch.delay()


def _weeks_pass(fleet: list[School]) -> None:
    Slot.objects.all().delete()
    yesterday, weeks = timezone.now().date() - datetime.timedelta(days=1), next(_weeks)
    for school in fleet:
        with scope.school(school.pk):
            lately = Run.objects.filter(local_date__gte=yesterday)
            lately.update(local_date=F("local_date") - datetime.timedelta(weeks=weeks))


def _until_all_have_ended(fleet: list[School], begin: Callable[[], None]) -> float:
    """Begin, wait, and return the seconds between the first begin and the last end.

    Raises:
        RuntimeError: one did not end well, so that their time says nothing.
    """
    since = timezone.now()
    begin()
    fleet_crew.until("all runs have ended", lambda: len(_ended(since)) == len(fleet))
    ended = _ended(since)
    if others := {(one.status, one.error) for one in ended if one.status not in {Run.Status.OK, Run.Status.PARTIAL}}:
        raise RuntimeError(f"runs ended otherwise: {sorted(others)}")
    with scope.everywhere(reason="bench"):
        found = Run.objects.filter(pk__in=[one.pk for one in ended]).aggregate(
            first=Min("started_at"), last=Max("finished_at")
        )
    return float((found["last"] - found["first"]).total_seconds())


def _ended(since: datetime.datetime) -> list[Run]:
    with scope.everywhere(reason="bench"):
        return list(Run.objects.filter(queued_at__gte=since, finished_at__isnull=False))
