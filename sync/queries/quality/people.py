"""Whom the rows of a bucket are about, named in few queries."""

import dataclasses
import datetime
from collections.abc import Iterable, Mapping
from typing import Final

from django.db.models import Q

from sync.models import MisIdentity
from sync.pipeline.snapshot import POINTER
from sync.records import Kind
from users.models import Guardian, Person, SchoolClass, StaffMember, Student

MODELS: Final[dict[str, type[Person]]] = {"students": Student, "guardians": Guardian, "staff": StaffMember}
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "students": ("given_name", "family_name", "preferred_name"),
    "guardians": ("given_name", "family_name"),
    "staff": ("given_name", "family_name"),
}


PersonKey = tuple[str, int]  # kind and row


@dataclasses.dataclass(frozen=True, kw_only=True)
class Who:
    """A person or class a row names; `pk` None: nobody we hold."""

    kind: str
    ref: str
    name: str = ""
    pk: int | None = None

    @property
    def is_person(self) -> bool:
        """Whether this is somebody we hold."""
        return self.pk is not None and self.kind in MODELS


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a bucket. `holds` is what we have of it, `says` what is wrong; never a word of a medical note.

    `who` is whom the data manager looks up: of a link that leads nowhere, the half that is lost.
    """

    kind: str
    who: Who
    says: str
    holds: str = ""
    others: tuple[Who, ...] = ()
    field: str = ""
    since: datetime.date | None = None  # the night of the first run with it, without a gap
    place: str = ""


def named_by(keys: set[tuple[str, str]]) -> dict[tuple[str, str], Who]:
    """Return whom the MIS's ids name, in one query; the present generation wins."""
    rows = MisIdentity.objects.filter(kind__in={kind for kind, _ref in keys}, external_id__in={ref for _k, ref in keys})
    found = rows.select_related("student", "guardian", "staff_member", "school_class").order_by("generation", "id")
    return {(row.kind, row.external_id): _who(row) for row in found if (row.kind, row.external_id) in keys}


def _who(row: MisIdentity) -> Who:
    one: Person | SchoolClass = row.student or row.guardian or row.staff_member or row.school_class
    return Who(kind=row.kind, ref=row.external_id, name=one.name, pk=one.pk)


def people_of(keys: Iterable[PersonKey]) -> dict[PersonKey, Who]:
    """Return people with the newest id the MIS gave them: one query for the ids, one for each kind."""
    wanted: dict[str, set[int]] = {kind: set() for kind in MODELS}
    for kind, pk in keys:
        wanted[kind].add(pk)
    refs = _refs(wanted)
    return {
        (kind, pk): Who(kind=kind, ref=refs.get((kind, pk), ""), name=f"{given} {family}".strip(), pk=pk)
        for kind, model in MODELS.items()
        for pk, given, family in model.objects.filter(pk__in=wanted[kind]).values_list(
            "pk", "given_name", "family_name"
        )
    }


def _refs(wanted: Mapping[str, set[int]]) -> dict[PersonKey, str]:
    about = Q()
    for kind, rows in wanted.items():
        about |= Q(**{f"{POINTER[Kind(kind)]}__in": rows})
    columns = [POINTER[Kind(kind)] for kind in MODELS]
    ids = MisIdentity.objects.filter(about).order_by("generation", "id").values_list("kind", "external_id", *columns)
    return {(kind, next(row for row in rows if row)): ref for kind, ref, *rows in ids}
