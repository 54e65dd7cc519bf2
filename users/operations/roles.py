"""How roles begin and end (R45, R46): super users by our support only, the others by the school; each is recorded."""

import datetime
from collections.abc import Sequence

from django.db import transaction

from tenants.operations import record
from users.models import RoleGrant, StaffMember
from users.roles import GRANTABLE, SuperUser


class UnableToGrant(Exception):
    """The role cannot be granted or taken away like that; the message says why."""


@transaction.atomic
def designate_super_user(*, staff_member: StaffMember, by: int | None, reason: str, at: datetime.datetime) -> RoleGrant:
    """Make a member of staff of the open school a super user; doing it twice changes nothing."""
    return _give(staff_member, SuperUser.key, by=by, reason=reason, at=at)


@transaction.atomic
def grant(*, staff_member: StaffMember, role: str, by: int | None, reason: str, at: datetime.datetime) -> RoleGrant:
    """Give a role to a member of staff of the open school; doing it twice changes nothing.

    Raises:
        UnableToGrant: no role of that key, one that only our support gives, no reason, or somebody who has left.
    """
    _check(role, reason)
    if staff_member.status == StaffMember.Status.LEFT:
        raise UnableToGrant(f"{staff_member.name} has left the school.")
    return _give(staff_member, role, by=by, reason=reason, at=at)


@transaction.atomic
def revoke(*, staff_member: StaffMember, role: str, by: int | None, reason: str, at: datetime.datetime) -> bool:
    """Take a role away, and say whether they held it.

    Raises:
        UnableToGrant: no role of that key, one that only our support takes away, or no reason.
    """
    _check(role, reason)
    held = RoleGrant.objects.filter(staff_member=staff_member, role=role, revoked_at=None)
    ended = held.update(revoked_at=at) > 0
    if ended:
        record(action="role.revoked", by=by, at=at, subject=f"staff:{staff_member.pk}", reason=f"{role}: {reason}")
    return ended


def end_all(*, staff: Sequence[int], at: datetime.datetime) -> int:
    """End every role of those who leave, and return how many: who comes back is granted them anew or not (R46)."""
    return RoleGrant.objects.filter(staff_member_id__in=staff, revoked_at=None).update(revoked_at=at) if staff else 0


def _check(role: str, reason: str) -> None:
    if role not in GRANTABLE:
        raise UnableToGrant(f"There is no role “{role}”.")
    if role == SuperUser.key:
        raise UnableToGrant("Super users are designated by our support.")
    if not reason.strip():
        raise UnableToGrant("Say why; the school sees it in its audit trail.")


def _give(staff_member: StaffMember, role: str, *, by: int | None, reason: str, at: datetime.datetime) -> RoleGrant:
    StaffMember.objects.select_for_update().get(pk=staff_member.pk)  # two at once would both find none
    held: RoleGrant | None = RoleGrant.objects.filter(staff_member=staff_member, role=role, revoked_at=None).first()
    if held:
        return held
    record(action="role.granted", by=by, at=at, subject=f"staff:{staff_member.pk}", reason=f"{role}: {reason}")
    made: RoleGrant = RoleGrant.objects.create(
        staff_member=staff_member, role=role, granted_by_id=by, granted_at=at, reason=reason
    )
    return made
