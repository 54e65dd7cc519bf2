"""Broken names: a school asks, support looks at each proposal and takes some; none applies itself (R67)."""

import dataclasses
import datetime
from collections.abc import Collection
from typing import Any, Final

from django.db import transaction

from sync.models import CharacterReview
from sync.queries.quality.letters import broken_names, open_review
from sync.queries.quality.people import MODELS
from tenants.models import School
from tenants.operations import record
from users.models import Person
from users.operations import people

REASON: Final = "A wrong character set had broken the letters; support looked at the name."


class NothingToReview(Exception):
    """No name looks broken, or support has looked at them already; the message says which."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Skipped:
    """A proposal that was chosen and not taken: the name as it was shown, and why."""

    now: str
    why: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of the chosen proposals."""

    applied: int
    skipped: tuple[Skipped, ...]


@transaction.atomic
def ask_for_review(*, school: School, by: int | None, at: datetime.datetime) -> CharacterReview:
    """Put all names that look broken before support; asking again while that waits gives the same review.

    Raises:
        NothingToReview: no name looks broken.
    """
    School.objects.select_for_update().get(pk=school.pk)  # two who ask at once get one review
    if waiting := open_review():
        return waiting
    proposals = [
        {
            "kind": broken.kind,
            "id": broken.pk,
            "field": broken.field,
            "now": broken.now,
            "proposed": broken.suspicion.proposed,
            "sure": broken.suspicion.sure,
            "why": broken.suspicion.why,
        }
        for broken in broken_names()
    ]
    if not proposals:
        raise NothingToReview("No name looks broken any more, so there is nothing to review.")
    review: CharacterReview = CharacterReview.objects.create(asked_by_id=by, asked_at=at, proposals=proposals)
    record(action="characters.review_asked", by=by, at=at, subject=_subject(review), reason=f"{len(proposals)} names")
    return review


@transaction.atomic
def close_review(
    review: CharacterReview, *, chosen: Collection[int], by: int | None, at: datetime.datetime, reason: str
) -> Taken:
    """Take the chosen proposals (their places in the list) as corrections of the school's own, and end the review.

    A name that is another one by now is left as it is: nobody has looked at it.

    Raises:
        NothingToReview: somebody has ended this review already.
    """
    review.refresh_from_db(from_queryset=CharacterReview.objects.select_for_update())
    if review.reviewed_at:
        raise NothingToReview("This review has been ended already.")
    wanted = [proposal for place, proposal in enumerate(review.proposals) if place in chosen and proposal["proposed"]]
    why_not = [(proposal, _take(proposal, by=by, at=at)) for proposal in wanted]
    skipped = tuple(Skipped(now=proposal["now"], why=why) for proposal, why in why_not if why)
    review.applied = len(wanted) - len(skipped)
    review.reviewed_by_id, review.reviewed_at = by, at
    review.save(update_fields=["applied", "reviewed_by", "reviewed_at"])
    words = f"{review.applied} of {len(review.proposals)} taken, {len(skipped)} skipped. {reason}".strip()
    record(action="characters.reviewed", by=by, at=at, subject=_subject(review), reason=words)
    return Taken(applied=review.applied, skipped=skipped)


def _take(proposal: dict[str, Any], *, by: int | None, at: datetime.datetime) -> str:
    """Correct one name; return why not, "" if it was done."""
    person: Person | None = MODELS[proposal["kind"]].objects.here().filter(pk=proposal["id"]).first()
    if person is None:
        return "This person has left."
    if getattr(person, proposal["field"]) != proposal["now"]:
        return "The name has changed since."
    try:
        people.correct(person, field=proposal["field"], value=proposal["proposed"], by=by, at=at, reason=REASON)
    except people.UnableToCorrect as fault:
        return str(fault)
    return ""


def _subject(review: CharacterReview) -> str:
    return f"character_review:{review.pk}"
