"""What waits for a person, in words: the inbox by kind of case, and one case whole with its records side by side.

Answers for pages, whole (R12, R22–R24, R33); who may decide is the gate's affair, what a choice does is the plan's.
"""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.db.models import Min, Q

from sync import queries, sentences
from sync.joining import fingerprint
from sync.models import Change, Connection, Decision, Hold, Run, Trial
from sync.pipeline.plan.model import APPROVE, KEEP, SAME, Case
from sync.queries import holds
from sync.records import Kind
from users import stakes
from users.folding import fold

NAMES_PER_PAGE: Final = 50
SOON: Final = datetime.timedelta(days=2)  # an approval that runs out within it is worth a word on the front desk

MOST_NAMED: Final = 4  # in one line of the inbox
_STAKED: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "staff"}


@dataclasses.dataclass(frozen=True)
class Heading:
    """How a kind of case is called, and what it means."""

    title: str
    about: str


HEADINGS: Final[Mapping[Case, Heading]] = {
    Case.ID_REUSED: Heading(
        "An id that was used again",
        "An id of your MIS now describes somebody else. Nobody is ever given another person’s record.",
    ),
    Case.IDS_SWAPPED: Heading(
        "Ids that changed places",
        "Ids of your MIS now describe one another’s people. Nothing moves from one to the other by itself.",
    ),
    Case.NEW_ID: Heading(
        "Somebody new, or somebody you know",
        "A new id may belong to somebody who is here already. Two records of one person are as wrong as one of two.",
    ),
    Case.ADDRESS_MOVES: Heading(
        "An address that would move",
        "An e-mail address would go from one person to another, and one of them uses it.",
    ),
    Case.ADDRESS_SHARED: Heading(
        "Two people, one address",
        "Two records have one e-mail address, and their names differ.",
    ),
    Case.ROLE_LEAVES: Heading(
        "Somebody with a role would go",
        "Your MIS no longer lists somebody who holds a role here. Roles never end by themselves.",
    ),
    Case.DEPARTURES: Heading(
        "Many would go at once",
        "More would go in one night than your school allows. A feed that lost its pages looks just like this.",
    ),
    Case.ID_SCHEME: Heading(
        "People who seem to be numbered anew",
        "So many ids changed in one night that your MIS may number people anew.",
    ),
    Case.ROLE_LEAVES: Heading(
        "Somebody with a role would leave",
        "The feed no longer names somebody whom your school gave a role, and its absence counts as leaving.",
    ),
    Case.EMPTY: Heading(
        "A list without a row",
        "A list that had rows came empty. That is never taken for everybody leaving.",
    ),
    Case.UNREADABLE: Heading(
        "A list with too many faults",
        "So many rows cannot be used that the others may be wrong too.",
    ),
}
_ELSE: Final = Heading("Something else that waits", "The sync would not do this by itself.")
_ORDER: Final = {case.value: place for place, case in enumerate(HEADINGS)}


def heading(case: str) -> Heading:
    """Return the heading of a kind of case, by the word a hold keeps."""
    return HEADINGS.get(Case(case), _ELSE) if case in _ORDER else _ELSE


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One case in a list: the hold, since when it waits, and what somebody decided about it."""

    case: holds.OpenCase
    since: datetime.datetime | None

    @property
    def hold(self) -> Hold:
        """The hold of the newest judgement."""
        return self.case.hold

    @property
    def decision(self) -> Decision | None:
        """What was decided about these very facts, if that was not taken back."""
        return self.case.decision

    @property
    def title(self) -> str:
        """The heading of its kind."""
        return heading(self.hold.case).title

    @property
    def who(self) -> str:
        """Whom or what it is about: “Ian Ford and Abe Stone”, “212 students”."""
        labels = self.hold.labels
        if 0 < len(labels) <= MOST_NAMED:
            return sentences.listed(labels)
        number = len(labels or self.hold.refs)
        return sentences.counted(number, self.hold.kind) if number else sentences.plural(self.hold.kind)

    @property
    def decider(self) -> str:
        """Who decided, by their address; "" if nobody did."""
        return self.case.who

    @property
    def answer(self) -> str:
        """What was chosen, in the words in which it was offered."""
        return chosen(self.decision, self.hold) if self.decision else ""

    @property
    def acts(self) -> bool:
        """Whether the next sync does something because of the decision."""
        return bool(self.decision and self.case.is_decided and self.decision.choice != KEEP)

    def runs_out(self, at: datetime.datetime) -> bool:
        """Whether it is an approval in force that comes to its end soon."""
        ends = self.decision.expires_at if self.decision and self.case.is_decided else None
        return ends is not None and ends - at <= SOON


@dataclasses.dataclass(frozen=True, kw_only=True)
class Group:
    """The open cases of one kind, oldest first."""

    heading: Heading
    items: tuple[Item, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inbox:
    """Everything that waits: what is open by kind of case, and what is decided already."""

    groups: tuple[Group, ...]
    decided: tuple[Item, ...]
    open: int
    acting: int  # decisions that the next sync carries out
    expiring: int  # approvals that run out soon


def inbox(*, at: datetime.datetime) -> Inbox:
    """Return what waits at the open school; four queries."""
    found = holds.cases(at=at)
    since = _since(case.hold.digest for case in found)
    items = [Item(case=case, since=since.get(case.hold.digest)) for case in found]
    waiting = [item for item in items if not item.case.is_decided]
    decided = [item for item in items if item.case.is_decided]
    return Inbox(
        groups=tuple(_groups(waiting)),
        decided=tuple(sorted(decided, key=lambda item: (not item.acts, _age(item)))),
        open=len(waiting),
        acting=sum(item.acts for item in items),
        expiring=sum(item.runs_out(at) for item in items),
    )


def _groups(items: Iterable[Item]) -> list[Group]:
    by_case: dict[str, list[Item]] = {}
    for item in items:
        by_case.setdefault(item.hold.case, []).append(item)
    return [
        Group(heading=heading(case), items=tuple(sorted(by_case[case], key=_age)))
        for case in sorted(by_case, key=lambda case: _ORDER.get(case, len(_ORDER)))
    ]


def _age(item: Item) -> tuple[bool, Any]:
    return (item.since is None, item.since)


def _since(digests: Iterable[str]) -> dict[str, datetime.datetime]:
    """Return when each case was first held; one query."""
    rows = Hold.objects.order_by().filter(digest__in=set(digests)).values_list("digest")
    return dict(rows.annotate(first=Min("run__finished_at")))


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
        item=Item(case=case, since=_since([digest]).get(digest)),
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


def chosen(decision: Decision, hold: Hold | None = None) -> str:
    """Return what was chosen, in the words in which it was offered."""
    labels = {option["key"]: str(option["label"]) for option in hold.options} if hold else {}
    return labels.get(decision.choice) or decision.says.partition(". ")[0]


def by(decision: Decision) -> str:
    """Return who decided, by their address."""
    return decision.by.email if decision.by else "somebody whose account is gone"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CarriedOut:
    """One decision that a run carried out."""

    decision: Decision
    title: str
    answer: str
    who: str


def carried_out(run: Run) -> tuple[CarriedOut, ...]:
    """Return what people had decided and this run was the first to do; one query."""
    return tuple(
        CarriedOut(decision=one, title=heading(one.case).title, answer=chosen(one), who=by(one))
        for one in Decision.objects.filter(run=run).select_related("by").order_by("id")
    )


_WOULD: Final[Mapping[str, str]] = {
    Change.Action.ARRIVE: "Would be added",
    Change.Action.AMEND: "Would change",
    Change.Action.MISS: "Would be missing",
    Change.Action.LEAVE: "Would leave",
    Change.Action.REJOIN: "Would come back",
    Change.Action.END: "Would end",
    Change.Action.REKEY: "Would get a new id",
    Change.Action.RELEASE: "Corrections that would end",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Foreseen:
    """What one look says of one action: how often it would happen, and the first sentences of it."""

    label: str
    number: int
    lines: tuple[Mapping[str, str], ...]

    @property
    def more(self) -> int:
        """How many are not said one by one."""
        return self.number - len(self.lines)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WouldHold:
    """What would be held: why, and the digest of the case if it waits already, so that its page can be opened."""

    title: str
    reason: str
    digest: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tonight:
    """The newest look at what tonight would do, and whether it can still be believed."""

    connected: bool
    trial: Trial | None
    lost: bool
    stale: str  # why it no longer tells the truth, "" while it does
    holds: tuple[WouldHold, ...]

    @property
    def going(self) -> bool:
        """Whether a worker is looking now."""
        return self.trial is not None and self.trial.ended_at is None and not self.lost

    @property
    def shows(self) -> bool:
        """Whether there is something to show; what names people is forgotten after a while."""
        return self.trial is not None and self.trial.went_well and bool(self.trial.summary)

    @property
    def tiles(self) -> tuple[queries.Tile, ...]:
        """The four numbers, as a report has them, of what is not done yet."""
        return queries.tiles(self.trial.summary.get("counts", {}), "would") if self.trial else ()

    @property
    def actions(self) -> tuple[Foreseen, ...]:
        """What would happen, by what it is."""
        found = self.trial.summary.get("actions", ()) if self.trial else ()
        return tuple(
            Foreseen(
                label=_WOULD[action["action"]],
                number=action["number"],
                lines=tuple(action["lines"]),
            )
            for action in found
        )


def tonight(*, at: datetime.datetime) -> Tonight:
    """Return the newest look at what tonight would do; five queries at most."""
    link = Connection.objects.filter(active=True).first()
    trial = Trial.objects.filter(kind=Trial.Kind.TONIGHT).first()
    return Tonight(
        connected=link is not None,
        trial=trial,
        lost=bool(trial and trial.is_lost(at)),
        stale=_stale(trial, link) if trial and trial.ended_at else "",
        holds=_would_hold(trial.summary.get("holds", ())) if trial else (),
    )


def _would_hold(found: Sequence[Mapping[str, Any]]) -> tuple[WouldHold, ...]:
    digests = {hold["digest"] for hold in found}
    known = set(Hold.objects.filter(digest__in=digests).values_list("digest", flat=True))
    return tuple(
        WouldHold(
            title=heading(hold["case"]).title,
            reason=hold["reason"],
            digest=hold["digest"] if hold["digest"] in known else "",
        )
        for hold in found
    )


def _stale(trial: Trial, link: Connection | None) -> str:
    """Return what has happened since that a look from before cannot know."""
    if link is None or trial.made_with != fingerprint(link):
        return "The settings of the connection were changed after this. Look again."
    since = trial.ended_at
    if Run.objects.filter(kind="roster", finished_at__gt=since).exclude(status=Run.Status.FAILED).exists():
        return "A sync has run since. Look again to see what is left for tonight."
    if Decision.objects.filter(Q(at__gt=since) | Q(withdrawn_at__gt=since)).exists():
        return "Something was decided or withdrawn since. Look again to see what it does."
    return ""
