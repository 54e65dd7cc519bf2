"""Staff who go, and who come back (R45, R46, R48)."""

import datetime

from django.db import transaction

from tenants.operations import record
from users.models import Person, RoleGrant, StaffMember
from users.operations import accounts, roles
from users.operations.people.rows import lock, open_school, subject_of, take_turn
from users.roles import SuperUser


class UnableToDelete(Exception):
    """This member of staff cannot go, or has not been deleted; the message says why and what to do."""


@transaction.atomic
def delete_staff(person: StaffMember, *, by: int | None, at: datetime.datetime, reason: str) -> StaffMember:
    """End a member of staff's way in at once and for good, whatever the feed sends; history and parent mode stay.

    Their roles end, and come back only if granted anew (R46). Deleting twice changes nothing.

    Raises:
        UnableToDelete: no reason, or the school's last super user.
    """
    if not reason.strip():
        raise UnableToDelete("Say why; it stands in the school’s audit trail.")
    take_turn(UnableToDelete)
    lock(person)
    if person.deleted_at:
        return person
    _refuse_last_super_user(person)
    roles.end_all(staff=[person.pk], at=at)
    person.status, person.missing_since, person.deleted_at = Person.Status.LEFT, None, at
    person.left_on = person.left_on or open_school().local(at).date()
    person.save(update_fields=["status", "missing_since", "left_on", "deleted_at"])
    record(action="staff.deleted", by=by, at=at, subject=subject_of(person), reason=reason.strip())
    return person


@transaction.atomic
def restore_staff(person: StaffMember, *, by: int | None, at: datetime.datetime, reason: str = "") -> StaffMember:
    """Bring back a member of staff who was deleted by hand, without their roles (R46).

    Raises:
        UnableToDelete: they were not deleted by hand.
    """
    take_turn(UnableToDelete)
    lock(person)
    if person.deleted_at is None:
        raise UnableToDelete(f"{person.name} was not deleted by hand.")
    person.status, person.left_on, person.deleted_at = Person.Status.ACTIVE, None, None
    person.save(update_fields=["status", "left_on", "deleted_at"])
    accounts.link_people(at=at)
    record(action="staff.restored", by=by, at=at, subject=subject_of(person), reason=reason.strip())
    return person


def _refuse_last_super_user(person: StaffMember) -> None:
    """Keep the last one; the lock keeps two super users from deleting each other at once."""
    grants = RoleGrant.objects.filter(role=SuperUser.key, revoked_at=None).select_for_update()
    holders = {grant.staff_member_id for grant in grants}
    here = set(StaffMember.objects.here().filter(pk__in=holders).values_list("pk", flat=True))
    if person.pk in here and len(here) == 1:
        raise UnableToDelete(f"{person.name} is the school’s only super user. Ask us to designate another one first.")
