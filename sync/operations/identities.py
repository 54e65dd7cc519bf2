"""Giving somebody we hold a new MIS id by hand (R22): the id joins those they have; none is ever re-pointed (R23)."""

import datetime
from typing import Final

from django.db import IntegrityError, transaction

from sync.models import MisIdentity
from sync.operations import connections
from tenants import scope
from tenants.models import School
from tenants.operations import record
from users.directory import COLUMNS, kind_of
from users.models import Person
from users.operations.people import subject_of

LONGEST: Final = 200


class UnableToGiveId(Exception):
    """The id cannot be this person's; the message says why and what to do."""


@transaction.atomic
def give_id(person: Person, *, ref: str, by: int | None, at: datetime.datetime, reason: str) -> MisIdentity:
    """Let one more id of the school's present MIS name this person, from the next sync on.

    The id is taken letter for letter but for spaces around it: leading zeros count. A change of a run is told by its
    run; this one is told by the audit trail.

    Raises:
        UnableToGiveId: no id, no reason, one that was ever used, somebody added by hand, or no MIS to speak of.
    """
    new = _usable(person, ref, reason)
    try:
        generation = connections.active().generation
    except connections.NotConnected:
        raise UnableToGiveId("Your school is not connected to a MIS, so no id can be its.") from None
    pointer = {COLUMNS[kind_of(person)]: person}
    _refuse_used(generation, new, pointer)
    day = School.objects.get(pk=scope.current()).local(at).date()
    try:
        with transaction.atomic():
            identity: MisIdentity = MisIdentity.objects.create(
                generation=generation, kind=kind_of(person), external_id=new, first_seen_on=day, **pointer
            )
    except IntegrityError:
        raise UnableToGiveId(_USED) from None  # taken by a sync in this very moment
    record(action="identity.added", by=by, at=at, subject=subject_of(person), reason=f"{new}. {reason.strip()}")
    return identity


_USED: Final = (
    "This id has been somebody’s already, and an id is never given to a second person. Look it up in your MIS again."
)


def _usable(person: Person, ref: str, reason: str) -> str:
    new = ref.strip()
    if person.source != Person.Source.FEED:
        raise UnableToGiveId(
            f"{person.name} was added by hand; the sync finds them by itself once your MIS names them."
        )
    if not new or not new.isprintable() or len(new) > LONGEST:
        raise UnableToGiveId(f"Give the id as your MIS shows it, up to {LONGEST} characters in one line.")
    if not reason.strip():
        raise UnableToGiveId("Say why; it stands in the school’s audit trail.")
    return new


def _refuse_used(generation: int, ref: str, pointer: dict[str, Person]) -> None:
    """Refuse an id that this MIS ever used; the ids of a MIS before it are another space (R25)."""
    ((column, person),) = pointer.items()
    used = MisIdentity.objects.filter(generation=generation, kind=kind_of(person), external_id=ref).first()
    if used is None:
        return
    if getattr(used, f"{column}_id") == person.pk:
        raise UnableToGiveId(f"{ref} is an id of {person.name} already.")
    raise UnableToGiveId(_USED)
