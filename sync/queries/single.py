"""Whom a run about one is about, in words."""

from typing import Any

from sync.models import MisIdentity, Run
from sync.pipeline.narrow import Only
from sync.pipeline.snapshot import MODELS, POINTER


def named(only: Only) -> str:
    """Return the name of the one of the open school, as it is now, or the MIS id of who is not here; one query."""
    found = _found(only)
    if found is not None:
        return str(found)
    return f"MIS id {only.ref}" if only.ref else "somebody who is not here"


def _found(only: Only) -> Any:
    if only.row is not None:
        return MODELS[only.kind]._default_manager.filter(pk=only.row).first()  # noqa: SLF001 the scoped one
    known = MisIdentity.objects.filter(kind=only.kind.value, external_id=only.ref).order_by("-generation")
    identity = known.select_related(POINTER[only.kind].removesuffix("_id")).first()
    return getattr(identity, POINTER[only.kind].removesuffix("_id")) if identity else None


def about(run: Run) -> str:
    """Return whom a run is about, "" if it is about the whole school."""
    return named(Only.of(run.only)) if run.only else ""
