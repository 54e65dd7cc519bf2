"""Runs as pages show them: the list, the chart, and the report of one (R13)."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, Min, QuerySet

from sync import sentences
from sync.models import Change, Hold, Refusal, Run, Slot
from sync.queries.single import about
from sync.queries.tallies import MarksTally, Tally, Tile, marks, tally, tiles
from sync.sentences import Sentence

RECORDS_PER_PAGE: Final = 50


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRow:
    """One line of the list of runs."""

    run: Run
    tally: Tally


def runs(*, page: str | int | None, kind: str = "", size: int = 25) -> "Page[RunRow]":
    """Return one page of the runs, of one kind if it is given, newest first."""
    asked = Run.objects.filter(kind=kind) if kind else Run.objects.all()
    found: Page[Any] = Paginator(asked.order_by("-queued_at", "-id"), size).get_page(page)
    found.object_list = [RunRow(run=run, tally=tally(run.counts)) for run in found.object_list]
    return found


def run(pk: int) -> Run | None:
    """Return a run of the open school, or None."""
    found: Run | None = Run.objects.filter(pk=pk).first()
    return found


def last_ended() -> Run | None:
    """Return the newest roster run that has ended, whatever became of it."""
    found: Run | None = Run.objects.rosters().exclude(finished_at=None).order_by("-finished_at", "-id").first()
    return found


def under_way() -> Run | None:
    """Return the newest roster run that waits or runs."""
    found: Run | None = Run.objects.rosters().filter(finished_at=None).order_by("-queued_at", "-id").first()
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Night:
    """One bar of the chart."""

    date: datetime.date
    tally: Tally


def nights(*, upto: Run | None = None, limit: int = 14) -> tuple[Night, ...]:
    """Return the last roster runs that ended well, oldest first; with `upto`, the last ones up to that run."""
    ended = Run.objects.rosters().filter(status__in=[Run.Status.OK, Run.Status.PARTIAL, Run.Status.HELD])
    if upto is not None:
        ended = ended.filter(queued_at__lte=upto.queued_at)
    rows = list(ended.order_by("-queued_at", "-id")[:limit])
    return tuple(Night(date=run.local_date, tally=tally(run.counts)) for run in reversed(rows))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """One record a run touched, with every sentence about it."""

    kind: str
    label: str
    ref: str
    action: str
    sentences: tuple[Sentence, ...]
    whys: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter of the changes and how many changes it would leave."""

    key: str
    label: str
    number: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing to put right in the MIS, and every record it is about: (reference, where to look)."""

    kind: str
    reason: str
    where: tuple[tuple[str, str], ...]

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Each place once: rows of one student are often faulty together."""
        return tuple(dict.fromkeys(self.where))


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunReport:
    """Everything the report of a run shows."""

    run: Run
    about: str  # the one person or class it is about, "" if it is about the whole school
    tiles: tuple[Tile, ...]
    nights: tuple[Night, ...]
    holds: tuple[Hold, ...]
    faults: tuple[Fault, ...]
    actions: tuple[Chip, ...]
    kinds: tuple[Chip, ...]
    records: "Page[Record]"


def run_report(run: Run, *, action: str = "", kind: str = "", page: str | int | None = 1) -> RunReport:
    """Return the report of a run: its changes filtered by action and kind, one page of records at a time (R13)."""
    changes = Change.objects.filter(run=run)
    chosen = changes.filter(**{key: value for key, value in (("action", action), ("kind", kind)) if value})
    return RunReport(
        run=run,
        about=about(run),
        tiles=tiles(run.counts),
        nights=nights(upto=run),
        holds=tuple(Hold.objects.filter(run=run)),
        faults=_faults(run),
        actions=_chips(changes, "action", {action.value: str(action.label) for action in Change.Action}),
        kinds=_chips(changes, "kind", {}),
        records=_records(chosen, page),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarksReport:
    """Everything the report of an attendance run shows; it names nobody (R15)."""

    tally: MarksTally
    faults: tuple[Fault, ...]


def marks_report(run: Run) -> MarksReport:
    """Return the report of a run that read marks; one query."""
    return MarksReport(tally=marks(run.counts), faults=_faults(run))


def slot_of(run: Run) -> Slot | None:
    """Return the claim of the slot that a run is for, None of a one-off; one query at most."""
    if not run.slot:
        return None
    claims = Slot.objects.filter(school=run.school_id, kind=run.kind, local_date=run.local_date, slot=run.slot)
    return claims.first()


def _faults(run: Run) -> tuple[Fault, ...]:
    """Group the refusals of a run; one query."""
    rows = Refusal.objects.filter(run=run).order_by("kind", "reason", "ref", "id")
    return faults_of(rows.values_list("kind", "reason", "ref", "place"))


def faults_of(refusals: Iterable[tuple[str, str, str, str]]) -> tuple[Fault, ...]:
    """Group refusals (kind, reason, ref, place) by what is to be done about them, the most frequent first."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for kind, reason, ref, place in refusals:
        found.setdefault((kind, reason), []).append((ref, place))
    grouped = sorted(found.items(), key=lambda item: -len(item[1]))
    return tuple(Fault(kind=kind, reason=reason, where=tuple(where)) for (kind, reason), where in grouped)


def _records(changes: QuerySet[Change], page: str | int | None) -> "Page[Record]":
    """Group the changes per record, in the order in which each was first touched; two queries and a count."""
    keys = changes.order_by().values("kind", "action", "person_id", "ref", "label").annotate(first=Min("id"))
    found: Page[Any] = Paginator(keys.order_by("first"), RECORDS_PER_PAGE).get_page(page)
    groups: dict[tuple[Any, ...], list[Change]] = {_key(row): [] for row in found.object_list}
    labels = {row["label"] for row in found.object_list}
    for change in changes.filter(label__in=labels).order_by("id"):
        groups.get(_key(vars(change)), []).append(change)
    found.object_list = [_record(group) for group in groups.values() if group]
    return found


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (row["kind"], row["action"], row["person_id"], row["ref"], row["label"])


def _record(changes: list[Change]) -> Record:
    first = changes[0]
    return Record(
        kind=first.kind,
        label=first.label,
        ref=first.ref,
        action=first.action,
        sentences=tuple(dict.fromkeys(sentences.say(change) for change in changes)),
        whys=tuple(dict.fromkeys(change.why for change in changes if change.why)),
    )


def _chips(changes: QuerySet[Change], field: str, labels: Mapping[str, str]) -> tuple[Chip, ...]:
    rows = changes.order_by().values_list(field).annotate(number=Count("id")).order_by(field)
    return tuple(Chip(key=key, label=str(labels.get(key, key)).capitalize(), number=number) for key, number in rows)
