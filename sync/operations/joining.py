"""What a person decides while a school joins: its system and the settings, and its time zone (R1, R25)."""

import datetime
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from sync.models import Connection, MisProduct
from sync.operations import connections
from sync.queries.joining import synced_once
from tenants.models import School, check_timezone
from tenants.operations import record

A_PROJECT: Final = (
    "Moving to another MIS is a project that we plan with you: references of people may change, and nobody’s wallet "
    "or bookings may get lost on the way. Please write to our support before you change anything."
)


class ChangeIsAProject(Exception):
    """The school has people from another system already; the message says whom to ask (R25)."""


@transaction.atomic
def save_connection(
    *,
    school: School,
    product: MisProduct | None,
    connector: str,
    given: Mapping[str, Any],
    by: int,
    at: datetime.datetime,
    reason: str = "",
) -> Connection:
    """Save which system the open school uses, and its settings; those not given keep their value. Nothing is sent.

    Raises:
        ChangeIsAProject: people came in from another system already.
        sync.operations.connections.BadSettings: nothing was changed.
    """
    if changes_system(product=product, connector=connector):
        raise ChangeIsAProject(A_PROJECT)
    link = connections.connect(school=school, connector=connector, given=given, product=product)
    record(action="connection.saved", by=by, at=at, subject=f"connection:{link.pk}", reason=reason)
    return link


def changes_system(*, product: MisProduct | None, connector: str) -> bool:
    """Whether this would take a school that was synced already to another system."""
    link = Connection.objects.filter(active=True).first()
    if link is None or not synced_once(link):
        return False
    other_product = bool(link.product_id and product and link.product_id != product.pk)
    return link.connector != connector or other_product


@transaction.atomic
def confirm_timezone(*, school: School, name: str, by: int, at: datetime.datetime) -> None:
    """Set the school's time zone, and note that a person said yes to it.

    Raises:
        django.core.exceptions.ValidationError: there is no such zone.
    """
    check_timezone(name)
    school.timezone = school.confirmed_timezone = name
    school.save(update_fields=["timezone", "confirmed_timezone"])
    record(action="timezone.confirmed", by=by, at=at, subject=f"school:{school.pk}")
