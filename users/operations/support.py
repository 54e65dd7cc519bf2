"""Support's look into a school: opened for a reason, ended by itself, recorded in the school (R63)."""

import datetime

from django.db import transaction

from tenants import scope
from tenants.models import School
from tenants.operations import record
from users.models import Account, SupportGrant


class UnableToLookIn(Exception):
    """The account is not one of our people, or gave no reason."""


@transaction.atomic
def open_grant(
    *, account: Account, school: School, reason: str, at: datetime.datetime, minutes: int = 60
) -> SupportGrant:
    """Let one of our people look into one school; an earlier grant of theirs ends.

    Raises:
        UnableToLookIn: the account is not support, or the reason is blank.
    """
    if not (account.is_support and account.is_active):
        raise UnableToLookIn("only our support looks into schools")
    if not reason.strip():
        raise UnableToLookIn("a look into a school needs a reason")
    for earlier in SupportGrant.objects.open_at(at).filter(account=account):
        close_grant(grant=earlier, at=at)
    grant = SupportGrant.objects.create(
        account=account,
        school=school,
        reason=reason.strip(),
        opened_at=at,
        expires_at=at + datetime.timedelta(minutes=minutes),
    )
    _tell_school(grant, action="support.opened", at=at)
    return grant


@transaction.atomic
def close_grant(*, grant: SupportGrant, at: datetime.datetime) -> SupportGrant:
    """End a look; ending it twice changes nothing."""
    ended = SupportGrant.objects.filter(pk=grant.pk, closed_at=None).update(closed_at=at)
    grant.refresh_from_db()
    if ended:
        _tell_school(grant, action="support.closed", at=at)
    return grant


def _tell_school(grant: SupportGrant, *, action: str, at: datetime.datetime) -> None:
    with scope.school(grant.school_id):
        record(action=action, by=grant.account_id, at=at, subject=f"grant:{grant.pk}", reason=grant.reason)
