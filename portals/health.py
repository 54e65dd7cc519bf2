"""Medical notes and dietary needs as a page may say them: "none" only where the MIS shares the kind (R4, R35)."""

import dataclasses
from typing import Literal

from sync.queries.sources import Freshness
from tenants.models import School
from users import queries
from users.models import DietaryNeed, MedicalNote, Student

State = Literal["off", "never", "not_shared", "none", "rows"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """One kind of health information: what may be said about it, and its rows."""

    state: State
    rows: tuple[MedicalNote | DietaryNeed, ...] = ()
    stale: bool = False  # rows from an earlier run, while the MIS does not share the kind now


@dataclasses.dataclass(frozen=True, kw_only=True)
class Health:
    """What the MIS says about one student's health."""

    medical: Section
    dietary: Section


def health_of(student: Student, *, school: School, freshness: Freshness) -> Health:
    """Return both sections; the caller logs the reading first where staff reads."""
    medical = queries.medical_notes(student) if school.medical_synced else ()
    return Health(
        medical=section(medical, freshness, "medical") if school.medical_synced else Section(state="off"),
        dietary=section(queries.dietary_needs(student), freshness, "dietary"),
    )


def section(rows: tuple[MedicalNote | DietaryNeed, ...], freshness: Freshness, kind: str) -> Section:
    """Say what these rows, or their absence, mean."""
    shared = freshness.shares(kind)
    if rows:
        return Section(state="rows", rows=rows, stale=not shared)
    if freshness.at is None:
        return Section(state="never")
    return Section(state="none" if shared else "not_shared")
