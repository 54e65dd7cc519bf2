"""Names whose letters look broken, and the review of them (R67)."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q

from sync.characters import Suspicion, suspicious
from sync.models import CharacterReview
from sync.queries.quality.people import MODELS, NAMES, Row, people_of
from users.models import Person


@dataclasses.dataclass(frozen=True, kw_only=True)
class Broken:
    """A name that looks broken: whose, which field, what it says now."""

    kind: str
    pk: int
    field: str
    now: str
    suspicion: Suspicion


def broken_names() -> list[Broken]:
    """Return every name of those here that looks broken, in three queries; plain letters are never read.

    Names corrected here look right already, for a person's column holds the correction.
    """
    return [
        Broken(kind=kind, pk=pk, field=field, now=text, suspicion=suspicion)
        for kind, model in MODELS.items()
        for pk, *texts in _odd(model, NAMES[kind])
        for field, text in zip(NAMES[kind], texts, strict=True)
        if text and (suspicion := suspicious(text))
    ]


def _odd(model: type[Person], fields: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    odd = Q()
    for field in fields:
        odd |= Q(**{f"{field}__regex": "[^ -~]|[?]"})
    return model.objects.here().filter(odd).order_by("folded", "pk").values_list("pk", *fields).iterator()


def open_review() -> CharacterReview | None:
    """Return the review that support has not looked at yet."""
    found: CharacterReview | None = CharacterReview.objects.filter(reviewed_at=None).first()
    return found


def rows_broken(items: Sequence[Broken]) -> tuple[Row, ...]:
    """Return a row for each broken name."""
    known = people_of((item.kind, item.pk) for item in items)
    return tuple(
        Row(
            kind=item.kind,
            who=known[item.kind, item.pk],
            says=f"{item.suspicion.why}{_perhaps(item.suspicion)}",
            holds=item.now,
            field=item.field,
        )
        for item in items
    )


def _perhaps(suspicion: Suspicion) -> str:
    return f" Perhaps it was “{suspicion.proposed}”." if suspicion.proposed else ""
