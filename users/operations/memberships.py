"""Whether an account belongs to a school: the owner says yes or "not me" to each further one (R32)."""

import datetime

from django.db import transaction
from django.db.models import QuerySet

from tenants import scope
from tenants.operations import record
from users.models import Membership


class NothingToAnswer(Exception):
    """No membership of this account waits for an answer at the open school."""


@transaction.atomic
def confirm(*, account_id: int, at: datetime.datetime) -> int:
    """Take the account's memberships at the open school as its own; return how many waited.

    Raises:
        NothingToAnswer: none waited.
    """
    count = _waiting(account_id).update(confirmed_at=at)
    if not count:
        raise NothingToAnswer("nothing waits for an answer here")
    record(action="membership.confirmed", by=account_id, at=at, subject=f"account:{account_id}")
    return count


@transaction.atomic
def refuse(*, account_id: int, at: datetime.datetime) -> int:
    """Answer no for the memberships that wait at the open school, and leave a line for the school; return how many.

    Raises:
        NothingToAnswer: none waited.
    """
    count = _waiting(account_id).update(refused_at=at)
    if not count:
        raise NothingToAnswer("nothing waits for an answer here")
    record(
        action="membership.refused",
        by=account_id,
        at=at,
        subject=f"account:{account_id}",
        reason="the owner of the address says it is not them",
    )
    return count


def _waiting(account_id: int) -> QuerySet[Membership]:
    return Membership.objects.filter(
        account_id=account_id, school_id=scope.current(), confirmed_at=None, refused_at=None
    )
