"""What changes in the room of schools."""

import datetime
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.db import transaction

from tenants.models import AuditEvent, Closure, School, check_weekdays


def record(*, action: str, by: int | None, at: datetime.datetime, subject: str = "", reason: str = "") -> AuditEvent:
    """Add one line to the open school's audit trail (R63). `subject` is kind:id, never a name."""
    return AuditEvent.objects.create(action=action, actor_id=by, at=at, subject=subject, reason=reason)


class UnableToSet(Exception):
    """The rule cannot be that; the message says why and what to do."""


@transaction.atomic
def block_own_domains(*, school: School, on: bool, by: int | None, at: datetime.datetime) -> None:
    """Let no guardian of the feed come in by an address on the school's own domains, or let them again (R42)."""
    _set(school, by=by, at=at, block_own_domains_for_guardians=on)


@transaction.atomic
def set_primary_years(*, school: School, labels: Sequence[str], by: int | None, at: datetime.datetime) -> None:
    """Say whose years are primary: their students have no address of their own here (R58)."""
    _set(school, by=by, at=at, primary_years=sorted(set(labels)))


@transaction.atomic
def set_rollover(
    *, school: School, first: datetime.date | None, last: datetime.date | None, by: int | None, at: datetime.datetime
) -> None:
    """Say from when until when classes are rebuilt for the new year; without both days there is no roll-over (R12).

    Raises:
        UnableToSet: one day without the other, or the last before the first.
    """
    if (first is None) != (last is None):
        raise UnableToSet("Give both days, or none.")
    if first and last and last < first:
        raise UnableToSet("The last day lies before the first.")
    _set(school, by=by, at=at, rollover_from=first, rollover_until=last)


@transaction.atomic
def set_morning_slot(*, school: School, slot: str, by: int | None, at: datetime.datetime) -> None:
    """Say when the morning's marks are read; a school has one morning slot a day, so a switch adds none (R14, D6).

    Raises:
        UnableToSet: it is neither 09:30 nor 10:30.
    """
    if slot not in School.MorningSlot.values:
        raise UnableToSet(f"Choose {' or '.join(School.MorningSlot.values)}.")
    _set(school, by=by, at=at, morning_slot=slot)


@transaction.atomic
def set_weekdays(*, school: School, days: Sequence[int], by: int | None, at: datetime.datetime) -> None:
    """Say on which days there is school, as ISO weekdays (R14).

    Raises:
        UnableToSet: none is given, or one is no day of the week.
    """
    try:
        check_weekdays(chosen := sorted(set(days)))
    except ValidationError as fault:
        raise UnableToSet(" ".join(fault.messages)) from None
    _set(school, by=by, at=at, weekdays=chosen)


@transaction.atomic
def add_closure(
    *, first: datetime.date, last: datetime.date, name: str, by: int | None, at: datetime.datetime
) -> Closure:
    """Note days on which the open school is closed; no marks are read on them (R14, R72).

    Raises:
        UnableToSet: the last day lies before the first, or it has no name.
    """
    if last < first:
        raise UnableToSet("The last day lies before the first.")
    if not name.strip():
        raise UnableToSet("Say what the days are called, such as “Half-term”.")
    made: Closure = Closure.objects.create(first=first, last=last, name=name.strip())
    record(action="closure.added", by=by, at=at, subject=f"closure:{made.pk}", reason=f"{first} – {last}")
    return made


@transaction.atomic
def remove_closure(*, closure: int, by: int | None, at: datetime.datetime) -> None:
    """Forget that the open school is closed on these days; forgetting it twice does nothing."""
    found = Closure.objects.filter(pk=closure).first()
    if found:
        said = f"{found.first} – {found.last}"
        record(action="closure.removed", by=by, at=at, subject=f"closure:{closure}", reason=said)
        found.delete()


def _set(school: School, *, by: int | None, at: datetime.datetime, **values: object) -> None:
    """Write what is new of these values, with one line in the trail; setting what is set already changes nothing."""
    row = School.objects.select_for_update().get(pk=school.pk)
    new = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in new.items():
        setattr(row, name, value)
        setattr(school, name, value)
    if new:
        row.save(update_fields=list(new))
        said = "; ".join(f"{name}: {value}" for name, value in new.items())
        record(action="school.rule_set", by=by, at=at, subject=f"school:{school.pk}", reason=said)
