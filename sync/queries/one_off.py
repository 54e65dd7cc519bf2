"""What a one-off sync would do at each of some schools, or why there is none (R18); and how those that were asked go.

Names no person of a school: sources, times, states and numbers only.
"""

import dataclasses
import datetime
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from sync import registry, sentences
from sync.models import Connection, MisChange, Run
from tenants import scope
from tenants.models import School

RECENT: Final = datetime.timedelta(days=1)  # how long what was asked for stays on the page of all of them
_BATCH: Final = re.compile(r"(\d{4})(\d{2})(\d{2})T\d{6}Z-")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Prospect:
    """What a one-off sync of one school would do: `why_not` says why nothing, else `does` says what."""

    school: School
    source: str
    last: Run | None
    does: str = ""
    why_not: str = ""


def prospects(schools: Sequence[School], kind: Run.Kind) -> list[Prospect]:
    """Return what would happen at each school, in their order; four queries, however many they are.

    In an open school it answers about that one; about several see `prospects_everywhere`.
    """
    asked = [school.pk for school in schools]
    links = {link.school_id: link for link in _links(asked)}
    changes = {each.school_id: each for each in MisChange.objects.filter(school__in=asked, state__in=MisChange.OPEN)}
    last = _last(asked, kind)
    moving = _by_school(Run.objects.filter(school__in=asked, kind=kind, finished_at=None).order_by("queued_at"))
    return [
        _prospect(
            school, kind, links.get(school.pk), changes.get(school.pk), last.get(school.pk), moving.get(school.pk, [])
        )
        for school in schools
    ]


def prospects_everywhere(schools: Sequence[School], kind: Run.Kind) -> list[Prospect]:
    """Return what would happen at each school; called by support while no school is open."""
    with scope.everywhere(reason="what a one-off sync would do"):
        return prospects(schools, kind)


def _prospect(
    school: School,
    kind: Run.Kind,
    link: Any,
    change: MisChange | None,
    last: Run | None,
    moving: Sequence[Run],
) -> Prospect:
    source = _source(link) if link else ""
    if why_not := _why_not(school, kind, link, change):
        return Prospect(school=school, source=source, last=last, why_not=why_not)
    return Prospect(school=school, source=source, last=last, does=" ".join(_does(link, source, moving)))


def _why_not(school: School, kind: Run.Kind, link: Any, change: MisChange | None) -> str:
    if school.status != School.Status.ACTIVE:
        return "The school is suspended: nothing is read."
    if link is None:
        return "The school is not connected to a MIS yet."
    if change is not None:
        since = sentences.day(school.local(change.opened_at).date().isoformat())
        return f"The school changes its MIS since {since}: nothing is read until that is cut over or called off."
    if not link.confirmed:
        return UNSEEN_BY_SUPPORT
    if kind == Run.Kind.ATTENDANCE and not registry.connector(link.connector).sessions:
        return NO_MARKS
    return ""


UNSEEN_BY_SUPPORT: Final = (
    "This school was never synced: look at the preview of its first sync, under its connection, and confirm it there."
)
NO_MARKS: Final = "Attendance marks cannot be read from this school’s MIS."


def _does(link: Any, source: str, moving: Sequence[Run]) -> Iterable[str]:
    if link.paused_reason:
        yield f"Reading is paused: “{link.paused_reason}” This tries all the same; if it ends well, reading goes on."
    for run in moving:
        if run.status == Run.Status.RUNNING:
            yield "A sync is on now; this one follows it."
        elif run.trigger == Run.Trigger.ONE_OFF and not run.only:
            yield f"One was asked for at {run.queued_at:%H:%M} UTC and still waits; it stays one."
    yield _reads(link, source)


def _reads(link: Any, source: str) -> str:
    """Say what is read: of a school that uploads files, those it gave last are applied again."""
    settings: Mapping[str, Any] = link.settings
    if link.connector != "csv_files" or settings.get("place", "upload") != "upload":
        return f"Reads {source}."
    if given := _BATCH.search(str(settings.get("folder", ""))):
        date = sentences.day("-".join(given.groups()))
        return f"Applies the files of {date} again: the school uploads them by hand."
    return "Reads the files in its folder again."


def _source(link: Any) -> str:
    return str(link.product) if link.product else registry.connector(link.connector).label


def _links(asked: Sequence[int]) -> QuerySet[Connection]:
    """Return the connections in force, with whether people came in by each."""
    synced = Run.objects.finished().rosters().filter(school=OuterRef("school"), generation=OuterRef("generation"))
    found: QuerySet[Connection] = (
        Connection.objects.filter(active=True, school__in=asked)
        .select_related("product")
        .annotate(confirmed=Exists(synced))
    )
    return found


def _last(asked: Sequence[int], kind: Run.Kind) -> dict[int, Run]:
    """Return the last run of each school that is over."""
    over = Run.objects.whole(kind).filter(school=OuterRef("pk"), finished_at__isnull=False)
    newest = over.order_by("-queued_at", "-id").values("pk")[:1]
    ids = School.objects.filter(pk__in=asked).values(newest_run=Subquery(newest))
    newest_runs: Iterable[Any] = Run.objects.filter(pk__in=ids)
    return {run.school_id: run for run in newest_runs}


def _by_school(runs: Iterable[Any]) -> dict[int, list[Run]]:
    found: dict[int, list[Run]] = {}
    for run in runs:
        found.setdefault(run.school_id, []).append(run)
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A sync that a person asked for, and how it goes."""

    run: Run
    now: datetime.datetime

    @property
    def moving(self) -> bool:
        """Whether it waits or runs."""
        return not self.run.is_over

    @property
    def can_cancel(self) -> bool:
        """Whether somebody may still have it stopped."""
        return self.moving and self.run.cancel_asked_at is None

    @property
    def who(self) -> str:
        """Say who asked, without naming anybody of a school."""
        by = self.run.requested_by
        return "nobody" if by is None else by.email if by.is_support else "a super user of the school"

    @property
    def whom(self) -> str:
        """Say what is read if it is not the whole school: “one student”."""
        return f"one {self.run.only.partition(':')[0]}" if self.run.only else ""

    @property
    def state(self) -> str:
        """Say how it is, in words."""
        if self.moving and self.run.cancel_asked_at:
            return "stopping"
        return str(self.run.get_status_display())

    @property
    def took(self) -> datetime.timedelta:
        """How long it has waited, or has run, or ran."""
        return (self.run.finished_at or self.now) - (self.run.started_at or self.run.queued_at)

    @property
    def far(self) -> str:
        """Say how far it is: the stage, the pages and rows read, or what it changed; numbers, never names."""
        if self.moving:
            return _progress(self.run.progress) if self.run.status == Run.Status.RUNNING else ""
        return self.run.error or _changed(self.run.counts)


def _progress(progress: Mapping[str, Any]) -> str:
    numbers = [f"{progress[word]:,} {word}" for word in ("pages", "rows") if isinstance(progress.get(word), int)]
    return ", ".join([str(progress.get("stage", "")), *numbers]).removeprefix(", ")


_NO_CHANGE: Final = frozenset({"rows", "same", "meanings"})  # what was read; and of marks, how they are spread


def _changed(counts: Mapping[str, Mapping[str, Any]]) -> str:
    sums: Counter[str] = Counter()
    for of in counts.values():
        sums.update({word: number for word, number in of.items() if word not in _NO_CHANGE})
    told = [f"{number:,} {word}" for word, number in sums.most_common() if number]
    return sentences.listed(told) if told else "nothing changed"


def asked(*, now: datetime.datetime, runs: Sequence[int] = ()) -> list[Asked]:
    """Return these runs by school; without ids all one-offs that move or were asked for lately. One query.

    Called by support while no school is open.
    """
    lately = Q(finished_at=None) | Q(queued_at__gte=now - RECENT)
    wanted = Q(pk__in=runs) if runs else lately & Q(trigger=Run.Trigger.ONE_OFF)
    with scope.everywhere(reason="one-off syncs, live"):
        found = Run.objects.filter(wanted).select_related("school", "requested_by")
        order = ("school__name", "pk") if runs else ("-queued_at", "-pk")
        return [Asked(run=run, now=now) for run in found.order_by(*order)]
