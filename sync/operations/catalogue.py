"""Filling the catalogue of systems, and keeping support's own words in it."""

from typing import Any

from django.db import transaction

from sync.catalogue import SYSTEMS, System
from sync.models import MisProduct


@transaction.atomic
def load() -> tuple[int, int]:
    """Add the systems that are missing, bring those nobody has touched up to date; return how many of each.

    What support has added or changed (`ours`) stays as it is.
    """
    known = {(product.name, product.partner): product for product in MisProduct.objects.all()}
    added = [
        MisProduct(name=system.name, partner=system.partner, **_fields(system))
        for system in SYSTEMS
        if (system.name, system.partner) not in known
    ]
    MisProduct.objects.bulk_create(added, ignore_conflicts=True)
    changed = [
        product
        for system in SYSTEMS
        if (product := known.get((system.name, system.partner))) and not product.ours and _differs(product, system)
    ]
    for product in changed:
        product.save()
    return len(added), len(changed)


def _differs(product: MisProduct, system: System) -> bool:
    wanted = _fields(system)
    before = {name: getattr(product, name) for name in wanted}
    vars(product).update(wanted)
    return before != wanted


def _fields(system: System) -> dict[str, Any]:
    answers = {key.value: {"says": one.says.value, "note": one.note} for key, one in system.answers.items()}
    return {"connector": system.connector, "abilities": answers, "notes": "\n".join(system.notes)}
