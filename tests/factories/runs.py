"""Runs and what they did."""

import datetime
from typing import Any

from django.utils import timezone

from sync.models import Change, Connection, MisIdentity, Refusal, Run
from sync.pipeline.roster import Fault
from sync.pipeline.snapshot import MODELS, POINTER

EVERY_KIND = {
    "students": 1, "guardians": 1, "staff": 1, "classes": 1, "ties": 1,
    "enrolments": 1, "teaching": 1, "medical": 1, "dietary": 1,
}  # fmt: skip


def connection(**fields: Any) -> Connection:
    """Connect the open school to CSV files."""
    return Connection.objects.create(connector="csv_files", settings={}, **fields)


def run(*, status: str = "ok", kinds: dict[str, int] | None = None, ago: int = 0, **fields: Any) -> Run:
    """Make a run of the open school that began `ago` days before `at`, which is five minutes ago unless given."""
    at = fields.pop("at", None) or timezone.now() - datetime.timedelta(minutes=5)
    at -= datetime.timedelta(days=ago)
    over = status not in {"queued", "running"}
    return Run.objects.create(
        trigger=fields.pop("trigger", "one_off"),
        status=status,
        local_date=fields.pop("local_date", at.date()),
        queued_at=at,
        started_at=at if status != "queued" else None,
        finished_at=at + datetime.timedelta(seconds=53) if over else None,
        kinds=EVERY_KIND if kinds is None else kinds,
        **fields,
    )


def judged(*faults: tuple[str, str, Fault], ago: int = 0, **fields: Any) -> Run:
    """Make a run that judged a feed and refused these (kind, ref, fault), `ago` nights before this one."""
    made = run(ago=ago, plan_hash="judged", **fields)
    for kind, ref, fault in faults:
        refuse(made, kind, ref, fault)
    return made


def refuse(of: Run, kind: str, ref: str, fault: Fault, **fields: Any) -> Refusal:
    """Note one refusal of a run."""
    reason = fields.pop("reason", f"{fault.value.capitalize()}.")
    return Refusal.objects.create(run=of, kind=kind, ref=ref, fault=fault.value, reason=reason, **fields)


def identity(of: Any, ref: str, *, generation: int = 1) -> MisIdentity:
    """Say by which id the MIS names a person or class."""
    kind = next(kind for kind in POINTER if MODELS[kind] is type(of))
    return MisIdentity.objects.create(
        generation=generation,
        kind=kind.value,
        external_id=ref,
        first_seen_on=datetime.date(2026, 9, 1),
        **{POINTER[kind]: of.pk},
    )


def change(of: Run, label: str, action: str = "arrive", **fields: Any) -> Change:
    """Note one change of a run."""
    return Change.objects.create(run=of, kind=fields.pop("kind", "students"), label=label, action=action, **fields)
