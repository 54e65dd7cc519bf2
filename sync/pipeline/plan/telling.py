"""How a hold about people is told: the records side by side, who has what at stake, and what can be chosen."""

import datetime
from collections.abc import Sequence
from typing import Final

from sync.pipeline.held import FIELDS, Held, Snapshot, Value
from sync.pipeline.plan.model import KEEP, Option, Side
from sync.pipeline.plan.people import said
from sync.records import Kind, Person

MOST_NAMED: Final = 6  # in one sentence; the sides show the rest


def held_side(snapshot: Snapshot, kind: Kind, row: int, ref: str) -> Side:
    """Return one of our people, as they are held."""
    held = snapshot.records[kind][row]
    facts = _facts(kind, held.values, held.email or held.mis_email)
    return Side(title="What we hold", kind=kind, ref=ref, id=row, facts=facts)


def feed_side(kind: Kind, ref: str, record: Person) -> Side:
    """Return somebody as the MIS describes them tonight."""
    email = record.email if isinstance(record.email, str) else None
    return Side(title="What the MIS says", kind=kind, ref=ref, facts=_facts(kind, said(kind, record), email))


def _facts(kind: Kind, values: Sequence[Value], email: str | None) -> tuple[tuple[str, str], ...]:
    pairs = (*zip(FIELDS[kind], values, strict=True), ("email", email))
    return tuple((field, _text(value)) for field, value in pairs if value not in {None, ""})


def _text(value: Value) -> str:
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def name_said(record: Person) -> str:
    """Return the name by which the MIS calls somebody."""
    return f"{record.given_name} {record.family_name}".strip()


def staked(name: str, held: Held) -> str:
    """Return a name with what is at stake: “Joan Bell (has signed in)”."""
    return f"{name} ({', '.join(held.stakes)})" if held.stakes else name


def listed(words: Sequence[str], link: str = "and") -> str:
    """Return “a, b and c”, or a few of many."""
    if len(words) > MOST_NAMED:
        words = [*words[:MOST_NAMED], f"{len(words) - MOST_NAMED} more"]
    return f" {link} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def keep(effect: str) -> Option:
    """Return the choice that every hold offers."""
    return Option(key=KEEP, label="Leave as it is", effect=effect)
