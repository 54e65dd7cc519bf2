"""Codes that came in marks, and the school's word on what they mean (R15)."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Final

from django.db import transaction
from django.db.models import F, Value

from attendance.marking import Said, spoken
from attendance.models import Code, Mark, MarkChange, Meaning
from tenants import bulk
from tenants.operations import record
from users.operations import turns

CHANGE: Final = (
    *("mark_id", "at", "run", "old_code", "new_code", "old_meaning", "new_meaning", "old_minutes", "new_minutes"),
)
CHOICES: Final = frozenset(Meaning) - {Meaning.UNKNOWN, Meaning.NOT_TAKEN}  # what a school can say


class UnknownCode(LookupError):
    """This code never came in a mark of the open school."""


class UnableToSay(ValueError):
    """A code cannot mean that; the message says why."""


def keep(*, marks: Iterable[Said], at: datetime.datetime) -> Mapping[str, str]:
    """Note the codes that came in marks, and return what the school says of its own: {code: meaning}."""
    came = spoken(marks)
    held = {row.code: row for row in Code.objects.all()}
    new = [Code(code=code, said=said, label=label, first_seen_at=at) for code, (said, label) in came.items()]
    Code.objects.bulk_create(row for row in new if row.code not in held)
    turned = [row for row in held.values() if (row.said, row.label) != came.get(row.code, (row.said, row.label))]
    for row in turned:
        row.said, row.label = came[row.code]
    Code.objects.bulk_update(turned, ["said", "label"])
    return {row.code: row.meaning for row in held.values() if row.meaning}


@transaction.atomic
def say(*, code: str, meaning: str, by: int | None, at: datetime.datetime) -> int:
    """Say what a code means at the open school; return how many marks mean something else now.

    Raises:
        UnknownCode: no mark ever had it.
        UnableToSay: that is no meaning, or the MIS says by this code that a register was not taken.
    """
    if meaning not in CHOICES:
        raise UnableToSay("Choose one of the meanings.")
    row = _locked(code)
    if row.said == Meaning.NOT_TAKEN:
        raise UnableToSay("By this code the MIS says that the register was not taken yet; it says nothing of a child.")
    if row.meaning == meaning:
        return 0
    _decide(row, meaning=meaning, by=by, at=at)
    return _mean(row, at=at)


@transaction.atomic
def unsay(*, code: str, by: int | None, at: datetime.datetime) -> int:
    """Let a code mean again what the MIS says; return how many marks mean something else now.

    Raises:
        UnknownCode: no mark ever had it.
    """
    row = _locked(code)
    if not row.meaning:
        return 0
    _decide(row, meaning="", by=by, at=at)
    return _mean(row, at=at)


def _locked(code: str) -> Code:
    """Return a code while nobody else brings or explains marks."""
    turns.wait(turns.ATTENDANCE)
    row: Code | None = Code.objects.filter(code=code).first()
    if row is None:
        raise UnknownCode("No mark of this school ever had this code.")
    return row


def _decide(row: Code, *, meaning: str, by: int | None, at: datetime.datetime) -> None:
    record(action="attendance.code", by=by, at=at, subject=f"code:{row.pk}", reason=meaning or "as the MIS says")
    row.meaning, row.decided_by_id, row.decided_at = meaning, by if meaning else None, at if meaning else None
    row.save(update_fields=["meaning", "decided_by", "decided_at"])


def _mean(row: Code, *, at: datetime.datetime) -> int:
    """Have every mark with a code mean what it means now, and keep what each meant before."""
    now = Value(row.meaning) if row.meaning else F("said")
    marks = Mark.objects.filter(code=row.code).exclude(said=Meaning.NOT_TAKEN).exclude(meaning=now).order_by()
    was = marks.annotate(now=now).values_list("id", "meaning", "now", "minutes_late")
    changes = ((pk, at, None, row.code, row.code, old, new, late, late) for pk, old, new, late in list(was))
    bulk.insert(MarkChange, CHANGE, changes)
    return marks.update(meaning=now, changed_at=at)
