"""A change of MIS from its announcement to the connection of the new one, and its end without one (R25)."""

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from sync import registry
from sync.models import Connection, MisChange, MisIdentity, MisProduct, Run
from sync.operations import connections
from sync.queries import moving
from tenants.models import School
from tenants.operations import record

_OVER: Final = "This change of MIS is over. Announce a new one."
_ON_ITS_WAY: Final = "A worker is cutting over just now. Wait until it has ended."


class OutOfTurn(Exception):
    """This cannot be done at the present stage; the message says why and what to do. Nothing was changed."""


@transaction.atomic
def announce(*, by: int | None, at: datetime.datetime, consultation: str = "") -> MisChange:
    """Open a change of the open school's MIS: from now on nothing is read. While one is open, that one is returned.

    Raises:
        sync.operations.connections.NotConnected: there is no MIS to change from.
    """
    old = connections.active()
    if under_way := moving.open_change():
        return under_way
    try:
        with transaction.atomic():
            change: MisChange = MisChange.objects.create(
                opened_at=at, opened_by_id=by, consultation=consultation, old=old
            )
    except IntegrityError:  # somebody announced it in the same moment
        theirs: MisChange = MisChange.objects.get(state__in=MisChange.OPEN)
        return theirs
    note(change, "announced", by=by, at=at)
    return change


@transaction.atomic
def consult(change: MisChange, *, text: str, by: int, at: datetime.datetime) -> None:
    """Keep who was consulted, what was agreed and when it happens.

    Raises:
        OutOfTurn: the change is over.
    """
    current = locked(change)
    current.consultation = text
    current.save(update_fields=["consultation"])
    note(current, "consulted", by=by, at=at)


@transaction.atomic
def connect_new(
    change: MisChange,
    *,
    school: School,
    connector: str,
    settings: Mapping[str, Any],
    product: MisProduct | None,
    by: int,
    at: datetime.datetime,
) -> Connection:
    """Keep how the new MIS is reached; nobody reads it yet. Settings not given keep their value.

    What was rehearsed with other settings counts no more, and answers about another system's ids are forgotten.

    Raises:
        OutOfTurn: the change is over, or is being carried out.
        sync.operations.connections.BadSettings, sync.registry.UnknownConnector: nothing was changed.
    """
    current = locked(change)
    link = current.new or Connection(connector=connector, active=False, generation=_fresh_generation())
    same = link.connector == connector and link.product_id == (product.pk if product else None)
    values = {**(link.settings if link.connector == connector else {}), **settings}
    if "folder" in {field.name for field in dataclasses.fields(registry.connector(connector).Settings)}:
        values.setdefault("folder", str(connections.default_folder(school) / f"mis-{link.generation}"))
    connections.check_settings(connector, values)
    link.connector, link.settings, link.product = connector, values, product
    link.save()
    current.new, current.state = link, MisChange.State.ANNOUNCED
    current.matching, current.digest, current.found, current.records = {}, "", {}, {}
    current.answers = current.answers if same else {}
    current.save()
    note(current, "connected", by=by, at=at)
    return link


def _fresh_generation() -> int:
    """Return a generation that no id of this school was ever read in, not even of a MIS that was given up."""
    highest = [model.objects.aggregate(last=Max("generation"))["last"] or 0 for model in (Connection, MisIdentity, Run)]
    return 1 + max(highest)


@transaction.atomic
def cancel(change: MisChange, *, by: int, at: datetime.datetime, reason: str) -> None:
    """Call a change off: the old MIS is read again from tonight.

    Raises:
        OutOfTurn: the change is over, or is being carried out.
    """
    current = locked(change)
    current.state, current.ended_at, current.records = MisChange.State.CANCELLED, at, {}
    current.save(update_fields=["state", "ended_at", "records"])
    note(current, "cancelled", by=by, at=at, reason=reason)


def locked(change: MisChange) -> MisChange:
    """Return the change as it is now, for this transaction alone.

    Raises:
        OutOfTurn: it is over, or a worker is carrying it out.
    """
    current: MisChange = (
        MisChange.objects.select_for_update(of=("self",)).select_related("new", "run").get(pk=change.pk)
    )
    if not current.is_open:
        raise OutOfTurn(_OVER)
    if current.run and not current.run.is_over:
        raise OutOfTurn(_ON_ITS_WAY)
    return current


def note(change: MisChange, what: str, *, by: int | None, at: datetime.datetime, reason: str = "") -> None:
    """Write a line into the school's audit trail."""
    record(action=f"mis_change.{what}", by=by, at=at, subject=f"mis_change:{change.pk}", reason=reason)
