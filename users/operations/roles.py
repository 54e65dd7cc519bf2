"""Designating super users (R45): by our support only, recorded in the school; and how roles end (R46)."""

import datetime
from collections.abc import Sequence

from django.db import transaction

from tenants.operations import record
from users.models import RoleGrant, StaffMember
from users.roles import SuperUser


@transaction.atomic
def designate_super_user(*, staff_member: StaffMember, by: int | None, reason: str, at: datetime.datetime) -> RoleGrant:
    """Make a member of staff of the open school a super user; doing it twice changes nothing."""
    held: RoleGrant | None = RoleGrant.objects.filter(
        staff_member=staff_member, role=SuperUser.key, revoked_at=None
    ).first()
    if held:
        return held
    record(action="role.granted", by=by, at=at, subject=f"staff:{staff_member.pk}", reason=reason)
    grant: RoleGrant = RoleGrant.objects.create(
        staff_member=staff_member, role=SuperUser.key, granted_by_id=by, granted_at=at, reason=reason
    )
    return grant


def end_all(*, staff: Sequence[int], at: datetime.datetime) -> int:
    """End every role of those who leave, and return how many: who comes back is granted them anew or not (R46)."""
    return RoleGrant.objects.filter(staff_member_id__in=staff, revoked_at=None).update(revoked_at=at) if staff else 0
