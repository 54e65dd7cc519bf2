"""Answers about runs, whole: what a page of Reception or a freshness line shows."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Count, Min, QuerySet

from sync import registry, sentences
from sync.connectors.csv_files.columns import REQUIRED
from sync.connectors.csv_files.templates import ATTENDANCE, ATTENDANCE_NEEDED, EXAMPLES
from sync.models import Change, Connection, Hold, Refusal, Run
from sync.records import Kind
from sync.sentences import Sentence, Tense
from tenants.models import AuditEvent
from users.models import Account

RECORDS_PER_PAGE: Final = 50
UPLOADS_SHOWN: Final = 6
PEOPLE: Final = ("students", "guardians", "staff")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Freshness:
    """How fresh the open school's data is: the last run that reached it, and the kinds that run read to their end."""

    source: str
    at: datetime.datetime | None
    kinds: frozenset[str]

    def shares(self, kind: str) -> bool:
        """Whether the MIS shares this kind: without it, no row means "not shared", never "none" (R4)."""
        return kind in self.kinds

    def say(self, now: datetime.datetime, zone: datetime.tzinfo) -> str:
        """Return the line for a page, in the school's own time (R21)."""
        at = self.at.astimezone(zone) if self.at else None
        return sentences.freshness(source=self.source, at=at, now=now.astimezone(zone))


def freshness() -> Freshness:
    """Return how fresh the open school's data is, in two queries."""
    run = Run.objects.finished().filter(kind="roster").order_by("-finished_at", "-id").first()
    return Freshness(
        source=source(),
        at=run.finished_at if run else None,
        kinds=frozenset(run.kinds) if run else frozenset(),
    )


def source() -> str:
    """Return where the open school's data comes from: “SIMS via Wonde”, “CSV files”, or “your MIS”."""
    connection = Connection.objects.filter(active=True).select_related("product").first()
    if connection is None:
        return "your MIS"
    if connection.product:
        return str(connection.product)
    labels = {candidate.key: candidate.label for candidate in registry.connectors()}
    return labels.get(connection.connector, "your MIS")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CsvSheet:
    """One CSV file a school may give: its kind, what it is for, and its columns, those it cannot do without first."""

    kind: str
    purpose: str
    needed: tuple[str, ...]
    optional: tuple[str, ...]


_PURPOSES: Final = {
    Kind.STUDENTS: "Every student of the school. Without this file nothing is read.",
    Kind.GUARDIANS: "Every adult who is a contact of a student, once, however many children.",
    Kind.STAFF: "The staff. An address on one of the school's domains gives a login.",
    Kind.TIES: "Which guardian is whose: rights hang on these rows.",
    Kind.CLASSES: "Classes, sets and forms.",
    Kind.ENROLMENTS: "Which student sits in which class.",
    Kind.TEACHING: "Who teaches which class.",
    Kind.MEDICAL: "Medical notes. Without this file pages say “not shared”, never “none”.",
    Kind.DIETARY: "Dietary needs. Without this file pages say “not shared”, never “none”.",
}


def csv_sheets() -> tuple[CsvSheet, ...]:
    """Return the CSV files in the order in which a school fills them in; no query."""
    sheets = (
        CsvSheet(
            kind=kind.value,
            purpose=purpose,
            needed=tuple(name for name in EXAMPLES[kind] if name in REQUIRED[kind]),
            optional=tuple(name for name in EXAMPLES[kind] if name not in REQUIRED[kind]),
        )
        for kind, purpose in _PURPOSES.items()
    )
    return (*sheets, _MARKS)


_MARKS: Final = CsvSheet(
    kind="attendance",
    purpose="Marks. A row that is missing means that nothing was recorded, never that a student was there.",
    needed=ATTENDANCE_NEEDED,
    optional=tuple(name for name in ATTENDANCE[0] if name not in ATTENDANCE_NEEDED),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Upload:
    """Somebody gave us files, or put them in force; `what` is a sentence."""

    at: datetime.datetime
    who: str
    what: str


_UPLOADS: Final = {"files.uploaded": "Uploaded", "files.used": "Put in force"}


def uploads() -> tuple[Upload, ...]:
    """Return the last uploads of the open school, newest first, from its audit trail; two queries."""
    events = AuditEvent.objects.filter(action__in=_UPLOADS).order_by("-at", "-id")[:UPLOADS_SHOWN]
    names = dict(Account.objects.filter(pk__in={event.actor_id for event in events}).values_list("pk", "email"))
    return tuple(
        Upload(
            at=event.at,
            who=names.get(event.actor_id or 0, "somebody whose account is gone"),
            what=f"{_UPLOADS[event.action]}: {event.reason}",
        )
        for event in events
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What a run would do to one kind."""

    kind: str
    rows: int
    added: int
    updated: int
    gone: int
    held: int

    @property
    def changes(self) -> int:
        """All that would happen, or wait."""
        return self.added + self.updated + self.gone + self.held


def foreseen(counts: Mapping[str, Mapping[str, int]]) -> tuple[Foreseen, ...]:
    """Return what `runs.counts` says of a preview, a row for each kind, in the order of the templates; no query."""
    return tuple(
        Foreseen(
            kind=kind,
            rows=counts[kind].get("rows", 0),
            added=_sum({kind: counts[kind]}, ("arrived", "returned")),
            updated=counts[kind].get("amended", 0),
            gone=_sum({kind: counts[kind]}, ("left", "missing", "ended")),
            held=counts[kind].get("held", 0),
        )
        for kind in Kind
        if kind in counts
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tally:
    """What one run did to people, in four numbers; seats, contacts and notes follow people and would drown them."""

    added: int = 0
    updated: int = 0
    gone: int = 0  # left, and missing for the first time
    held: int = 0

    @property
    def total(self) -> int:
        """All four together."""
        return self.added + self.updated + self.gone + self.held


_ADDED: Final = ("arrived", "returned")
_UPDATED: Final = ("amended",)
_GONE: Final = ("left", "missing")
_HELD: Final = ("held",)


def tally(counts: Mapping[str, Mapping[str, int]]) -> Tally:
    """Add up the counts of a run: people only, but everything that is held."""
    people = {kind: counts[kind] for kind in PEOPLE if kind in counts}
    return Tally(
        added=_sum(people, _ADDED), updated=_sum(people, _UPDATED), gone=_sum(people, _GONE), held=_sum(counts, _HELD)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tile:
    """One number of a run and what it is made of: “9 students, 5 guardians”."""

    key: str
    label: str
    number: int
    note: str


_TILES: Final[Mapping[str, Mapping[Tense, str]]] = {
    "add": {"done": "Added", "would": "Would be added"},
    "upd": {"done": "Updated", "would": "Would be updated"},
    "left": {"done": "Left or missing", "would": "Would leave or be missing"},
    "held": {"done": "Held for a person", "would": "Would be held for a person"},
}


def tiles(counts: Mapping[str, Mapping[str, int]], tense: Tense = "done") -> tuple[Tile, ...]:
    """Return the four numbers at the head of a report, from the counts of a run."""
    done, people = tally(counts), {kind: counts[kind] for kind in PEOPLE if kind in counts}
    rows = (
        ("add", _TILES["add"][tense], done.added, _made_of(people, _ADDED) or "nobody new"),
        ("upd", _TILES["upd"][tense], done.updated, _made_of(people, _UPDATED) or "nobody changed"),
        ("left", _TILES["left"][tense], done.gone, _made_of(people, _GONE) or "everybody is still there"),
        ("held", _TILES["held"][tense], done.held, _made_of(counts, _HELD) or "nothing waits"),
    )
    return tuple(Tile(key=key, label=label, number=number, note=note) for key, label, number, note in rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRow:
    """One line of the list of runs."""

    run: Run
    tally: Tally


def runs(*, page: str | int | None, size: int = 25) -> "Page[RunRow]":
    """Return one page of the runs, newest first."""
    found: Page[Any] = Paginator(Run.objects.order_by("-queued_at", "-id"), size).get_page(page)
    found.object_list = [RunRow(run=run, tally=tally(run.counts)) for run in found.object_list]
    return found


def last_ended() -> Run | None:
    """Return the newest run that has ended, whatever became of it."""
    found: Run | None = Run.objects.exclude(finished_at=None).order_by("-finished_at", "-id").first()
    return found


def under_way() -> Run | None:
    """Return the newest run that waits or runs."""
    found: Run | None = Run.objects.filter(finished_at=None).order_by("-queued_at", "-id").first()
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Night:
    """One bar of the chart."""

    date: datetime.date
    tally: Tally


def nights(*, upto: Run | None = None, limit: int = 14) -> tuple[Night, ...]:
    """Return the last runs that ended, oldest first; with `upto`, the last ones up to that run."""
    ended = Run.objects.exclude(finished_at=None).exclude(status=Run.Status.FAILED)
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
    tiles: tuple[Tile, ...]
    nights: tuple[Night, ...]
    holds: tuple[Hold, ...]
    faults: tuple[Fault, ...]
    actions: tuple[Chip, ...]
    kinds: tuple[Chip, ...]
    records: "Page[Record]"


def run(pk: int) -> Run | None:
    """Return a run of the open school, or None."""
    found: Run | None = Run.objects.filter(pk=pk).first()
    return found


def run_report(run: Run, *, action: str = "", kind: str = "", page: str | int | None = 1) -> RunReport:
    """Return the report of a run: its changes filtered by action and kind, one page of records at a time (R13)."""
    changes = Change.objects.filter(run=run)
    chosen = changes.filter(**{key: value for key, value in (("action", action), ("kind", kind)) if value})
    return RunReport(
        run=run,
        tiles=tiles(run.counts),
        nights=nights(upto=run),
        holds=tuple(Hold.objects.filter(run=run)),
        faults=_faults(run),
        actions=_chips(changes, "action", {action.value: str(action.label) for action in Change.Action}),
        kinds=_chips(changes, "kind", {}),
        records=_records(chosen, page),
    )


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


def _sum(counts: Mapping[str, Mapping[str, int]], keys: Iterable[str]) -> int:
    wanted = tuple(keys)
    return sum(number.get(key, 0) for number in counts.values() for key in wanted)


def _made_of(counts: Mapping[str, Mapping[str, int]], keys: Iterable[str]) -> str:
    wanted = tuple(keys)
    numbers = {kind: sum(number.get(key, 0) for key in wanted) for kind, number in counts.items()}
    most = sorted((kind for kind in numbers if numbers[kind]), key=lambda kind: (kind not in PEOPLE, -numbers[kind]))
    return ", ".join(sentences.counted(numbers[kind], kind) for kind in most[:2])
