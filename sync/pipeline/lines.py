"""A plan told line by line, in the words of the change log, before anything is written. Pure; nothing of any note."""

import dataclasses
from collections.abc import Iterator
from typing import Final

from sync.pipeline.held import written
from sync.pipeline.plan.model import Action, Plan
from sync.sentences import PRIVATE_KINDS

_NEW: Final = "The MIS names them for the first time."
_SAID: Final = "The MIS says so now."
_GONE: Final = "The MIS no longer says so."


@dataclasses.dataclass(kw_only=True, slots=True)  # not frozen, for `sync.sentences` asks for what a row of Change is
class Line:
    """One change that would be made; `sync.sentences.say` makes a sentence of it. `id` is None for who is new."""

    kind: str
    id: int | None
    ref: str
    label: str
    action: str
    field: str = ""
    old: str = ""
    new: str = ""
    why: str


def lines(plan: Plan) -> Iterator[Line]:
    """Yield every change of the plan: people and classes first, then what links them."""
    yield from _ids(plan)
    yield from _arrivals(plan)
    yield from _amendments(plan)
    yield from _standings(plan)
    yield from _links(plan)


def _ids(plan: Plan) -> Iterator[Line]:
    for rekey in plan.rekeys:
        yield Line(
            kind=rekey.kind,
            id=rekey.id,
            ref=rekey.ref,
            label=rekey.label,
            action=Action.REKEY,
            field="ref",
            old=rekey.was,
            new=rekey.ref,
            why=rekey.why,
        )
    for end in plan.edit_ends:
        yield Line(
            kind=end.kind,
            id=end.id,
            ref="",
            label=end.label,
            action=Action.RELEASE,
            field=end.field,
            old=end.old,
            new=end.new,
            why=end.why,
        )


def _arrivals(plan: Plan) -> Iterator[Line]:
    for arrival in plan.arrivals:
        yield Line(
            kind=arrival.kind,
            id=None,
            ref=arrival.ref,
            label=arrival.name,
            action=Action.ARRIVE,
            new=arrival.facts,
            why=_NEW,
        )


def _amendments(plan: Plan) -> Iterator[Line]:
    for change in plan.amendments:
        yield Line(
            kind=change.kind,
            id=change.id,
            ref=change.ref,
            label=change.label,
            action=Action.AMEND,
            field=change.field,
            old=written(change.old),
            new=written(change.new),
            why=change.why or _SAID,
        )


def _standings(plan: Plan) -> Iterator[Line]:
    for standing in plan.standings:
        yield Line(
            kind=standing.kind,
            id=standing.id,
            ref=standing.ref,
            label=standing.label,
            action=standing.action,
            new=written(standing.left_on or standing.missing_since),
            why=standing.why,
        )


def _links(plan: Plan) -> Iterator[Line]:
    for arrival in plan.link_arrivals:
        yield Line(
            kind=arrival.kind,
            id=arrival.id,
            ref="",
            label=arrival.label,
            action=Action.ARRIVE,
            new=arrival.about,
            why=_SAID,
        )
    for change in plan.link_amendments:
        private = change.kind in PRIVATE_KINDS
        yield Line(
            kind=change.kind,
            id=change.id,
            ref="",
            label=change.label,
            action=Action.AMEND,
            field=change.field if private else f"{change.field} of {change.about}",
            old="" if private else written(change.old),
            new="" if private else written(change.new),
            why=_SAID,
        )
    for end in plan.link_ends:
        yield Line(kind=end.kind, id=end.id, ref="", label=end.label, action=Action.END, old=end.about, why=_GONE)
