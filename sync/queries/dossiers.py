"""One case whole, with its records side by side (R12, R22–R24).

Who may decide is the gate's affair, what a choice does is the plan's.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator

from sync import sentences
from sync.models import Decision, Hold
from sync.pipeline.plan.model import APPROVE, SAME, Case
from sync.queries import holds
from sync.queries.headings import Heading, heading
from sync.queries.inbox import Item, since_when
from sync.records import Kind
from users import stakes
from users.folding import fold

NAMES_PER_PAGE: Final = 50
_STAKED: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "staff"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """What one record says of one field, "" where it says nothing; `of` is the title of the record."""

    of: str
    value: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One field of records side by side."""

    label: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether they do not all say the same."""
        return len({cell.value for cell in self.cells}) > 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """The head of one record: where it comes from, whose it is, and its id in the MIS."""

    title: str
    name: str
    ref: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """Records side by side, a row for each field that any of them has."""

    heads: tuple[Head, ...]
    rows: tuple[Row, ...]


def comparisons(sides: Sequence[Mapping[str, Any]]) -> tuple[Comparison, ...]:
    """Return the sides of a hold as comparisons: one for each id where an id has several records, else one of all."""
    by_ref: dict[str, list[Mapping[str, Any]]] = {}
    for side in sides:
        by_ref.setdefault(side["ref"], []).append(side)
    if any(len(same) > 1 for same in by_ref.values()):
        return tuple(_comparison(same) for same in by_ref.values())
    return (_comparison(sides),) if sides else ()


def _comparison(sides: Sequence[Mapping[str, Any]]) -> Comparison:
    said = [_facts(side) for side in sides]
    heads = [
        Head(title=side["title"], name=_name(facts), ref=side["ref"]) for side, facts in zip(sides, said, strict=True)
    ]
    alike = len({head.title for head in heads}) < len(heads)
    columns = [
        (f"{head.title}, {head.name}" if alike else head.title, facts) for head, facts in zip(heads, said, strict=True)
    ]
    return Comparison(
        heads=tuple(heads),
        rows=tuple(
            Row(
                label=_label(field),
                cells=tuple(Cell(of=of, value=sentences.day(facts.get(field, ""))) for of, facts in columns),
            )
            for field in dict.fromkeys(field for facts in said for field in facts)
        ),
    )


def _facts(side: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts of a side by field; of a field that it names twice, such as a role, both values."""
    found: dict[str, list[str]] = {}
    for field, value in side["facts"]:
        found.setdefault(field, []).append(value)
    return {field: ", ".join(values) for field, values in found.items()}


def _name(facts: Mapping[str, str]) -> str:
    given = (facts.get("given_name", ""), facts.get("family_name", ""))
    return " ".join(filter(None, given)) or facts.get("name", "")


def _label(field: str) -> str:
    name = sentences.field_name(field)
    return name[0].upper() + name[1:]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing that may be chosen; `harmful` is what is asked twice, because it cannot simply be taken back."""

    key: str
    label: str
    effect: str
    harmful: bool


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stake:
    """What somebody has to lose, in words."""

    name: str
    words: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dossier:
    """One case whole. It may be past: the newest judgement holds it no more, and nothing can be decided."""

    item: Item
    waits: bool
    heading: Heading
    comparisons: tuple[Comparison, ...]
    stakes: tuple[Stake, ...]
    choices: tuple[Choice, ...]
    earlier: tuple[Decision, ...]  # what was decided before, and taken back, ran out or was carried out

    @property
    def needs_reason(self) -> bool:
        """Whether to go ahead takes a reason: a brake, or somebody with something to lose."""
        return self.item.hold.case in _WEIGHTY or bool(self.stakes)

    @property
    def open(self) -> bool:
        """Whether something can be chosen now."""
        return self.waits and bool(self.choices) and not self.item.case.is_decided

    def choice(self, key: str) -> Choice | None:
        """Return the choice of this key, if it is offered."""
        return next((choice for choice in self.choices if choice.key == key), None)


_WEIGHTY: Final = frozenset({Case.DEPARTURES, Case.ID_SCHEME, Case.UNREADABLE, Case.ROLE_LEAVES})


def dossier(digest: str, *, at: datetime.datetime) -> Dossier | None:
    """Return the case of this digest, waiting or past, or None if the open school never had it."""
    now = holds.case(digest, at=at)
    hold = now.hold if now else Hold.objects.filter(digest=digest).order_by("-run_id", "-id").first()
    if hold is None:
        return None
    decided = tuple(Decision.objects.filter(digest=digest).select_related("by", "run"))
    case = now or holds.OpenCase(hold=hold, decision=_standing(decided, at), expired=False)
    return Dossier(
        item=Item(case=case, since=since_when([digest]).get(digest)),
        waits=now is not None,
        heading=heading(hold.case),
        comparisons=comparisons(hold.sides),
        stakes=_stakes(hold.sides),
        choices=tuple(_choice(option) for option in hold.options),
        earlier=tuple(one for one in decided if one != case.decision),
    )


def _standing(decided: Iterable[Decision], at: datetime.datetime) -> Decision | None:
    """Return the decision that would still be gone by if these facts came back."""
    return next((one for one in decided if not one.withdrawn_at and one.holds_at(at) and not one.is_used_up), None)


def _choice(option: Mapping[str, str]) -> Choice:
    harmful = option["key"] == APPROVE or option["key"].split(":")[0] == SAME
    return Choice(key=option["key"], label=option["label"], effect=option["effect"], harmful=harmful)


def _stakes(sides: Iterable[Mapping[str, Any]]) -> tuple[Stake, ...]:
    """Return what the people we hold have to lose; one query for each kind and register of stakes."""
    ours = {
        (side["kind"], side["id"]): _name(_facts(side)) or side["title"] for side in sides if side["id"] is not None
    }
    found = {kind: stakes.of(word) for kind, word in _STAKED.items() if any(kind == of for of, _ in ours)}
    return tuple(
        Stake(name=name, words=sentences.listed(list(found[Kind(kind)][row])))
        for (kind, row), name in ours.items()
        if row in found.get(Kind(kind), {})
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """Those a brake is about, a page at a time."""

    page: "Page[str]"
    search: str
    total: int


def named(hold: Hold, *, search: str = "", page: str | int | None = 1) -> Named:
    """Return who would go, or which rows it is about; the search knows no accents. No query."""
    every = hold.labels or hold.refs
    wanted = fold(search)
    found = [name for name in every if wanted in fold(name)]
    return Named(page=Paginator(found, NAMES_PER_PAGE).get_page(page), search=search, total=len(every))
