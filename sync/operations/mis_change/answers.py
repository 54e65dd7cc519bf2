"""What a person answers before a cut-over: who is who, and who of ours stays or has left (R25)."""

import datetime

import msgspec
from django.db import transaction

from sync.models import MisChange
from sync.operations.mis_change.project import OutOfTurn, locked, note
from sync.pipeline import cutover
from sync.pipeline.cutover import LEFT, STAY, Topic
from sync.pipeline.matching import Matching
from sync.queries import moving
from sync.records import Kind


class NoSuchQuestion(ValueError):
    """This is not asked, or this is not among its answers; nothing was changed."""


@transaction.atomic
def answer(change: MisChange, *, key: str, choice: str, by: int, at: datetime.datetime) -> None:
    """Answer one question of the matching that was rehearsed last; the newest answer counts.

    Of several new ids of one person of ours one leads; the others then stand back.

    Raises:
        OutOfTurn: nothing was rehearsed, or the change is over or being carried out.
        NoSuchQuestion: it is not asked, or not answered so.
    """
    current = _rehearsed(change)
    found = msgspec.convert(current.matching, Matching)
    question = next((one for one in moving.questions(current) if one.key == key), None)
    if question is None or choice not in question.choices:
        raise NoSuchQuestion("This is not asked any more. Look at what is asked now.")
    current.answers = cutover.answered(found, current.answers, question, choice)
    current.save(update_fields=["answers"])
    note(current, "answered", by=by, at=at, reason=f"{key}: {choice}")


@transaction.atomic
def answer_all(change: MisChange, *, kind: Kind, choice: str, by: int, at: datetime.datetime) -> int:
    """Answer for everybody of a kind whom the new MIS does not name and about whom nothing was said; return how many.

    Raises:
        OutOfTurn: as for one answer.
        NoSuchQuestion: there is no such choice.
    """
    current = _rehearsed(change)
    if choice not in {STAY, LEFT}:
        raise NoSuchQuestion("Choose whether they stay or have left.")
    open_ones = [
        one.key
        for one in moving.questions(current)
        if (one.topic, one.kind) == (Topic.UNMATCHED, kind) and one.key not in current.answers
    ]
    current.answers = {**current.answers, **dict.fromkeys(open_ones, choice)}
    current.save(update_fields=["answers"])
    note(current, "answered", by=by, at=at, reason=f"{len(open_ones)} {kind.value} together: {choice}")
    return len(open_ones)


def _rehearsed(change: MisChange) -> MisChange:
    current = locked(change)
    if current.state != MisChange.State.REHEARSED:
        raise OutOfTurn("Rehearse the change first: then there is something to answer.")
    return current
