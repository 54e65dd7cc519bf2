"""How far a school is with changing its MIS, and what that means for it: answers for pages and operations (R25)."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec
from django.core.paginator import Page, Paginator

from sync.models import ROLL_BACK_WITHIN, Connection, MisChange, Run, Trial
from sync.pipeline import cutover
from sync.pipeline.cutover import ALSO, LEFT, STAY, Question, Topic
from sync.pipeline.held import FIELDS, PEOPLE
from sync.pipeline.matching import Match, Matching
from sync.pipeline.plan.model import OTHER, SAME
from sync.pipeline.snapshot import MODELS
from sync.records import Kind
from sync.sentences import counted, day, field_name
from tenants.models import School


def open_change() -> MisChange | None:
    """Return the open school's change of MIS that is under way, or None; one query."""
    found: MisChange | None = (
        MisChange.objects.filter(state__in=MisChange.OPEN)
        .select_related("school", "old__product", "new__product")
        .first()
    )
    return found


def newest() -> MisChange | None:
    """Return the open school's last change of MIS, whatever became of it; one query."""
    found: MisChange | None = MisChange.objects.select_related("old__product", "new__product", "run").first()
    return found


def frozen() -> str:
    """Return the sentence that says why nothing is read, "" if reading is not frozen; one query."""
    change = open_change()
    if change is None:
        return ""
    return (
        f"The change of MIS that was announced on {_day(change.opened_at, change.school)} is still open, so nothing is "
        "read. Reading goes on when it has been cut over or called off."
    )


OTHER_MIS: Final = (
    "This sync was asked for before the school changed its MIS, and would have read another one. Nothing was changed; "
    "ask for a new one."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panel:
    """What a super user is told: one sentence as a title, and what happens next."""

    tone: Literal["info", "warn", "ok"]
    title: str
    text: str
    is_frozen: bool = False


def panel(school: School, *, now: datetime.datetime) -> Panel | None:
    """Return what the open school is told about its change of MIS, None where there is nothing to tell; one query."""
    change = newest()
    if change is None or not (change.is_open or _is_fresh(change, now)):
        return None
    new = _name(change.new) if change.new else "your new MIS"
    match change.state:
        case MisChange.State.ANNOUNCED:
            return _frozen_panel(change, school, f"Our support connects {new} and matches everybody with it first.")
        case MisChange.State.REHEARSED:
            return _frozen_panel(
                change, school, f"Everybody was matched with {new}; our support looks at it, then cuts over."
            )
        case MisChange.State.CUT_OVER if change.ended_at:
            until = _day(change.ended_at + ROLL_BACK_WITHIN, school)
            return Panel(
                tone="ok",
                title=f"Your school moved to {new} on {_day(change.ended_at, school)}.",
                text=f"Look at your people. Until {until} our support can take you back to {_name(change.old)}.",
            )
        case MisChange.State.ROLLED_BACK if change.rolled_back_at:
            return Panel(
                tone="info",
                title=f"Your school went back to {_name(change.old)} on {_day(change.rolled_back_at, school)}.",
                text=f"Whoever came only with {new} is marked as left; nobody was deleted.",
            )
    return None


def _frozen_panel(change: MisChange, school: School, then: str) -> Panel:
    return Panel(
        tone="warn",
        is_frozen=True,
        title=f"Your MIS is changing: since {_day(change.opened_at, school)} nothing is read from {_name(change.old)}.",
        text=f"What you see here is from before. Logins, bookings and wallets go on as they are. {then}",
    )


def _is_fresh(change: MisChange, now: datetime.datetime) -> bool:
    ended = change.rolled_back_at or change.ended_at
    return ended is not None and now - ended <= ROLL_BACK_WITHIN


def _name(connection: Connection) -> str:
    return str(connection)


def _day(at: datetime.datetime, school: School) -> str:
    return day(school.local(at).date().isoformat())


def questions(change: MisChange) -> list[Question]:
    """Return every question of what was rehearsed last, answered or not; three queries."""
    if change.state != MisChange.State.REHEARSED:
        return []
    found = msgspec.convert(change.matching, Matching)
    asked = list(cutover.doubts(found))
    days = leaving(change)
    for kind, rows in cutover.unmatched(found, change.answers).items():
        here = _here(kind, rows | days[kind].keys())
        asked += [Question(topic=Topic.UNMATCHED, kind=kind, row=row) for row in sorted(rows & here)]
        asked += [Question(topic=Topic.LEAVING, kind=kind, row=row) for row in sorted(days[kind].keys() & here - rows)]
    return asked


def unanswered(change: MisChange) -> int:
    """Return how many questions must be answered before the cut-over: who leaves by a date may be left to that day."""
    return _open(change, questions(change))


def _open(change: MisChange, found: Iterable[Question]) -> int:
    reviewed = msgspec.convert(change.matching, Matching)
    open_ones = sum(one.topic is not Topic.LEAVING and one.key not in change.answers for one in found)
    return open_ones + len(cutover.headless(reviewed, change.answers))


def leaving(change: MisChange) -> dict[Kind, dict[int, datetime.date]]:
    """Return, by kind, the leaving dates that the new MIS gave at the rehearsal to people who are here."""
    told: dict[str, dict[str, Any]] = change.found.get("leaving", {})
    return {
        kind: {int(row): datetime.date.fromisoformat(day) for row, day in told.get(kind.value, {}).items()}
        for kind in PEOPLE
    }


def _here(kind: Kind, rows: set[int]) -> set[int]:
    """Return those of these rows who are here and came by a MIS: the others go on without one as they are."""
    found = MODELS[kind]._default_manager.filter(pk__in=rows, source="feed").exclude(status="left")  # noqa: SLF001 the scoped one
    return set(found.values_list("pk", flat=True))


# --- the page of a change, for support ---

PER_PAGE: Final = 25
Facts = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a change; `done` is a fact of this moment."""

    title: str
    text: str
    done: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """What may be answered, and what it does."""

    value: str
    label: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Side:
    """One record beside another."""

    title: str
    facts: Facts
    why: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """One question as a page shows it: in a sentence, with the records side by side."""

    key: str
    title: str
    sides: tuple[Side, ...]
    choices: tuple[Choice, ...]
    chosen: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the proof: what was counted before and after, and whether it is the very same."""

    label: str
    before: int
    after: int
    same: bool | None = None  # None: it may change, since people come and go
    back: int | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Project:
    """How far one change is, and what is to be done."""

    change: MisChange
    stages: tuple[Stage, ...]
    rehearsal: Trial | None
    is_lost: bool
    run: Run | None
    open_questions: int
    topics: tuple[tuple[str, str, int, int], ...]  # (topic, in words, asked, open)
    together: tuple[tuple[str, str], ...]  # kinds of which somebody is unmatched and unanswered: (kind, how many)
    asked: "Page[Asked]"
    proof: tuple[Row, ...]
    may_go_back: bool
    days_left: int

    @property
    def is_on(self) -> bool:
        """Whether a worker is at it."""
        rehearsing = self.rehearsal is not None and self.rehearsal.ended_at is None and not self.is_lost
        return rehearsing or (self.run is not None and not self.run.is_over)


_TOPICS: Final = {
    Topic.SAME: "New ids that may be somebody of ours",
    Topic.UNMATCHED: "People of ours whom the new MIS does not name",
    Topic.LEAVING: "People with a leaving date in the new MIS",
}


def project(change: MisChange, *, now: datetime.datetime, topic: str = "", page: str | None = None) -> Project:
    """Return all that the page of one change shows; a fixed number of queries."""
    rehearsal: Trial | None = Trial.objects.filter(kind=Trial.Kind.REHEARSAL, asked_at__gte=change.opened_at).first()
    found = questions(change)
    shown = [one for one in found if one.topic == topic] if topic in set(Topic) else found
    paged: Page[Any] = Paginator(shown, PER_PAGE).get_page(page)
    paged.object_list = _told(change, list(paged.object_list))
    left = (change.back_until - now).days if change.back_until else 0
    rest = [one for one in found if one.topic is Topic.UNMATCHED and one.key not in change.answers]
    return Project(
        change=change,
        stages=_stages(change),
        rehearsal=rehearsal,
        is_lost=bool(rehearsal and rehearsal.is_lost(now)),
        run=change.run,
        open_questions=_open(change, found),
        topics=tuple(_topic(change, one, found) for one in Topic),
        together=tuple(
            (kind.value, counted(number, kind.value))
            for kind in PEOPLE
            if (number := sum(one.kind is kind for one in rest)) > 1
        ),
        asked=paged,
        proof=_proof(change.proof),
        may_go_back=bool(change.back_until and now <= change.back_until),
        days_left=max(0, left),
    )


def _topic(change: MisChange, topic: Topic, found: Iterable[Question]) -> tuple[str, str, int, int]:
    mine = [one for one in found if one.topic is topic]
    return topic.value, _TOPICS[topic], len(mine), sum(one.key not in change.answers for one in mine)


def _stages(change: MisChange) -> tuple[Stage, ...]:
    over = change.state in {MisChange.State.CUT_OVER, MisChange.State.ROLLED_BACK}
    rehearsed = over or change.state == MisChange.State.REHEARSED
    return (
        Stage(title="Consult", text="Say who was asked, what was agreed and when.", done=bool(change.consultation)),
        Stage(title="Freeze", text="Nothing is read from the old MIS, whoever asks.", done=True),
        Stage(title="Connect", text="Save how the new MIS is reached.", done=change.new_id is not None),
        Stage(title="Rehearse", text="Everybody is matched; nothing is written.", done=rehearsed),
        Stage(title="Answer", text="Say who is who where that is not certain.", done=over or _is_answered(change)),
        Stage(title="Cut over", text="All in one, with a proof that nobody lost anything.", done=over),
    )


def _is_answered(change: MisChange) -> bool:
    return change.state == MisChange.State.REHEARSED and not unanswered(change)


def _proof(told: Mapping[str, Any]) -> tuple[Row, ...]:
    if not told:
        return ()
    before, after, kept, back = told["before"], told["after"], told["kept"], told.get("back")
    rows = [
        Row(
            label=label,
            before=before[key],
            after=after[key],
            same=kept["before"][key] == kept["after"][key],
            back=back[key] if back else None,
        )
        for key, label in (("logins", "Logins that were used"), ("stakes", "Stakes, such as a wallet with money"))
    ]
    rows += [
        Row(
            label=f"{kind.value.capitalize()} who are here",
            before=before["here"][kind],
            after=after["here"][kind],
            back=back["here"][kind] if back else None,
        )
        for kind in PEOPLE
    ]
    return tuple(rows)


def _told(change: MisChange, found: list[Question]) -> list[Asked]:
    """Tell questions with the records side by side; a query for each kind of people that occurs."""
    wanted: dict[Kind, set[int]] = {kind: set() for kind in PEOPLE}
    for one in found:
        wanted[one.kind] |= {match.row for match in one.candidates} | ({one.row} if one.row is not None else set())
    sides = {(kind, row): side for kind, rows in wanted.items() if rows for row, side in _sides(kind, rows)}
    days = leaving(change)
    return [_asked(change, one, sides, days[one.kind]) for one in found]


def _sides(kind: Kind, rows: set[int]) -> Iterable[tuple[int, Side]]:
    people: Iterable[Any] = MODELS[kind]._default_manager.filter(pk__in=rows)  # noqa: SLF001 the scoped one
    for person in people:
        values = [(field, getattr(person, field)) for field in FIELDS[kind]]
        facts = [*values, ("email", "" if person.email_is_dummy else person.email), ("status", person.status)]
        yield person.pk, Side(title=f"With us: {person}", facts=_facts(facts))


def _facts(pairs: Iterable[tuple[str, Any]]) -> Facts:
    return tuple((field_name(field), str(value)) for field, value in pairs if value not in (None, ""))


def _asked(
    change: MisChange, one: Question, sides: Mapping[tuple[Kind, int], Side], days: Mapping[int, datetime.date]
) -> Asked:
    ours = [(match, sides[one.kind, match.row]) for match in one.candidates if (one.kind, match.row) in sides]
    chosen = change.answers.get(one.key, "")
    if one.topic is Topic.SAME:
        theirs = Side(title=f"New MIS: id {one.ref}", facts=_facts(change.records.get(one.key, [])))
        beside = (theirs, *(dataclasses.replace(side, why=match.why) for match, side in ours))
        choices = _who(one.candidates, sides, one.kind)
        return Asked(key=one.key, title=f"Who is {one.ref}?", sides=beside, choices=choices, chosen=chosen)
    row = one.row or 0
    day_left = days.get(row)
    title = (
        "Not in the new MIS" if one.topic is Topic.UNMATCHED else f"Leaves on {day(str(day_left))}, says the new MIS"
    )
    choices = (
        Choice(value=STAY, label="Stays, without a MIS" if one.topic is Topic.UNMATCHED else "Stays until that night"),
        Choice(value=LEFT, label="Has left at the cut-over"),
    )
    return Asked(key=one.key, title=title, sides=(sides[one.kind, row],), choices=choices, chosen=chosen)


def _who(candidates: Iterable[Match], sides: Mapping[tuple[Kind, int], Side], kind: Kind) -> tuple[Choice, ...]:
    names = [(match.row, sides[kind, match.row].title.partition(": ")[2]) for match in candidates]
    return (
        *(Choice(value=f"{SAME}:{row}", label=f"It is {name}") for row, name in names),
        *(Choice(value=f"{ALSO}:{row}", label=f"A second record of {name}, which stands back") for row, name in names),
        Choice(value=OTHER, label="It is somebody new"),
    )
