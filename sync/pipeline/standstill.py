"""Whether a night can change nothing: the feed says what it said, and nothing of ours has moved since.

The plan is a pure function of feed, held rows, rules, decisions, stakes and the night. So where all of these are as
they were at the end of a run that found nothing to do and held nothing, and the night by itself cannot matter, planning
again would find nothing once more, with the same refusals; and the run costs little more than reading the feed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from django.db import connection, models

from sync.models import Decision, MisIdentity
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import MODELS
from tenants import scope
from users import stakes
from users.models import LocalEdit, Membership, Person, RoleGrant

_STAKED: Final = ("student", "guardian", "staff")
_OWN: Final[tuple[type[models.Model], ...]] = (
    *MODELS.values(),
    MisIdentity,
    LocalEdit,
    Decision,
    Membership,
    RoleGrant,
)


def held_digest(rules: Rules, *, generation: int) -> str:
    """Return 64 hex digits that change with every write to what a plan is made from; "" if time alone may change it.

    Somebody who is missing today may have left tomorrow (D9), whatever the feed says.
    """
    if any(model.objects.filter(status=Person.Status.MISSING).exists() for model in _people()):
        return ""
    state = {
        "rules": msgspec.to_builtins(rules, order="deterministic"),
        "generation": generation,
        "writes": _writes(_OWN),
        "stakes": [sorted(stakes.of(kind).items()) for kind in _STAKED],
    }
    return hashlib.sha256(msgspec.json.encode(state, order="deterministic")).hexdigest()


def _people() -> Iterable[type[Person]]:
    return (model for model in MODELS.values() if issubclass(model, Person))


def _writes(tables: Iterable[type[models.Model]]) -> Mapping[str, tuple[int, int]]:
    """Return for each table how many rows the open school has, and the sum of the transactions that wrote them.

    A new or changed row has the number of a later transaction, so every write changes one of the two.
    """
    names = [model._meta.db_table for model in tables]
    counted = "count(*), coalesce(sum(xmin::text::bigint), 0)::bigint"
    each = (
        f"select '{name}', {counted} from {name} where school_id = %(school)s"  # noqa: S608 names of our own tables
        for name in names
    )
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(each), {"school": scope.current()})
        return {name: (count, total) for name, count, total in cursor.fetchall()}
