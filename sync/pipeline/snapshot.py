"""Reads what we hold of the open school: a handful of queries, tuples only, no model instances."""

import datetime
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from django.db import models

from sync.models import Connection, MisIdentity
from sync.pipeline.held import FIELDS, Edit, Held, HeldLink, LinkKey, Snapshot
from sync.pipeline.rules import Rules
from sync.records import Kind
from sync.registry import connector
from tenants import scope
from tenants.models import School
from users import stakes
from users.models import (
    DietaryNeed,
    Enrolment,
    Guardian,
    LocalEdit,
    MedicalNote,
    Membership,
    RoleGrant,
    SchoolClass,
    StaffMember,
    Student,
    Teaching,
    Tie,
)
from users.roles import GRANTABLE, SuperUser

MODELS: Final[dict[Kind, type[models.Model]]] = {
    Kind.STUDENTS: Student,
    Kind.GUARDIANS: Guardian,
    Kind.STAFF: StaffMember,
    Kind.CLASSES: SchoolClass,
    Kind.TIES: Tie,
    Kind.ENROLMENTS: Enrolment,
    Kind.TEACHING: Teaching,
    Kind.MEDICAL: MedicalNote,
    Kind.DIETARY: DietaryNeed,
}
# The columns that make a link's key, in the order of its refs.
ENDS: Final[dict[Kind, tuple[str, str]]] = {
    Kind.TIES: ("student_id", "guardian_id"),
    Kind.ENROLMENTS: ("school_class_id", "student_id"),
    Kind.TEACHING: ("school_class_id", "staff_member_id"),
    Kind.MEDICAL: ("student_id", "ref"),
    Kind.DIETARY: ("student_id", "ref"),
}
# Which column of an identity points at a row of this kind.
POINTER: Final[dict[Kind, str]] = {
    Kind.STUDENTS: "student_id",
    Kind.GUARDIANS: "guardian_id",
    Kind.STAFF: "staff_member_id",
    Kind.CLASSES: "school_class_id",
}
STAKE_WORDS: Final = {Kind.STUDENTS: "student", Kind.GUARDIANS: "guardian", Kind.STAFF: "staff"}


def rules_of(school: School, *, night: datetime.date | None = None) -> Rules:
    """Return the school's decisions as the plan's rules; only those of a night know whether the year rolls over."""
    return Rules(
        domains=frozenset(school.domains.values_list("domain", flat=True)),
        block_own_domains_for_guardians=school.block_own_domains_for_guardians,
        primary_years=frozenset(school.primary_years),
        student_access_years=frozenset(school.student_access_years),
        staff_leavers_authoritative=school.staff_leavers_authoritative or _says_who_works_here(),
        medical_synced=school.medical_synced,
        leaving_percent=school.leaving_percent,
        leaving_count=school.leaving_count,
        rollover=night is not None and school.rolls_over(night),
    )


def _says_who_works_here() -> bool:
    """Whether the school is connected to a MIS whose list of staff is the last word (R49)."""
    key = Connection.objects.filter(active=True).values_list("connector", flat=True).first()
    return key is not None and connector(key).staff_leave


def snapshot(*, generation: int) -> Snapshot:
    """Return what is held of the open school, with the ids its MIS of this generation gave."""
    identities: dict[Kind, dict[str, int]] = {kind: {} for kind in POINTER}
    since: dict[Kind, dict[int, datetime.date]] = {kind: {} for kind in POINTER}
    found = MisIdentity.objects.filter(generation=generation).order_by("id")
    for kind, ref, day, *rows in found.values_list("kind", "external_id", "first_seen_on", *POINTER.values()):
        row = identities[Kind(kind)][ref] = next(row for row in rows if row is not None)
        since[Kind(kind)].setdefault(row, day)
    told = _told()
    return Snapshot(
        records={
            Kind.STUDENTS: _people(Kind.STUDENTS, since, told),
            Kind.GUARDIANS: _people(Kind.GUARDIANS, since, told),
            Kind.STAFF: _staff(since, told),
            Kind.CLASSES: _classes(since),
        },
        identities=identities,
        links={kind: _links(kind) for kind in ENDS},
    )


class Told(NamedTuple):
    """What people told us, beside their MIS: corrections by hand, and "this is not my address"."""

    edits: dict[tuple[Kind, int], dict[str, Edit]]
    declined: set[tuple[Kind, int]]


def _staff(since: dict[Kind, dict[int, datetime.date]], told: Told) -> dict[int, Held]:
    """Return the staff, with what the school granted and whom it deleted by hand (R46, R48)."""
    roles: dict[int, set[str]] = {}
    for row, key in RoleGrant.objects.filter(revoked_at=None).values_list("staff_member_id", "role"):
        roles.setdefault(row, set()).add(key)
    found = _people(Kind.STAFF, since, told, "domain_recognised", "deleted_at")
    granted = {
        row: msgspec.structs.replace(
            found[row],
            roles=tuple(sorted(GRANTABLE[key].label for key in keys)),
            runs_school=SuperUser.key in keys,
        )
        for row, keys in roles.items()
    }
    return found | granted


def _people(kind: Kind, since: dict[Kind, dict[int, datetime.date]], told: Told, *more: str) -> dict[int, Held]:
    staked = stakes.of(STAKE_WORDS[kind])
    columns = ("id", "email", "email_is_dummy", "mis_email", "status", "missing_since", "source")
    rows = MODELS[kind]._default_manager.values_list(*columns, *FIELDS[kind], *more)  # noqa: SLF001 the scoped one
    width = len(FIELDS[kind])
    return {
        row: Held(
            id=row,
            values=tuple(rest[:width]),
            here=status != "left",
            since=since[kind].get(row),
            missing_since=missing_since,
            from_feed=source == "feed",
            email="" if is_dummy else email,
            mis_email=mis_email,
            domain_recognised=bool(rest[width:] and rest[width]),
            stakes=staked.get(row, ()),
            edits=told.edits.get((kind, row), {}),
            declined=(kind, row) in told.declined,
            deleted=bool(rest[width + 1 :] and rest[width + 1]),
        )
        for row, email, is_dummy, mis_email, status, missing_since, source, *rest in rows.iterator()
    }


def _told() -> Told:
    """Return the open corrections (R66), and whose address belongs to somebody who said that it is not them (R32)."""
    people = [POINTER[kind] for kind in STAKE_WORDS]
    edits: dict[tuple[Kind, int], dict[str, Edit]] = {}
    for field, value, replaced, *rows in LocalEdit.objects.open().values_list("field", "value", "replaced", *people):
        edits.setdefault(_person(rows), {})[field] = Edit(value=value, replaced=replaced)
    refused = Membership.objects.filter(school_id=scope.current(), refused_at__isnull=False).values_list(*people)
    return Told(edits=edits, declined={_person(rows) for rows in refused})


def _person(rows: Sequence[int | None]) -> tuple[Kind, int]:
    """Return (kind, row) of the one that is given, in the order of the kinds of people."""
    return next((kind, row) for kind, row in zip(STAKE_WORDS, rows, strict=True) if row is not None)


def _classes(since: dict[Kind, dict[int, datetime.date]]) -> dict[int, Held]:
    rows = SchoolClass.objects.values_list("id", "ended_on", *FIELDS[Kind.CLASSES])
    return {
        row: Held(id=row, values=tuple(values), here=ended is None, since=since[Kind.CLASSES].get(row))
        for row, ended, *values in rows.iterator()
    }


def _links(kind: Kind) -> dict[LinkKey, HeldLink]:
    columns = ["id", *ENDS[kind], *FIELDS[kind]] + (["ended_on", "by_hand"] if kind is Kind.TIES else [])
    width = len(FIELDS[kind])
    rows = MODELS[kind]._default_manager.values_list(*columns)  # noqa: SLF001 the scoped one
    return {
        (one, other): HeldLink(
            id=row,
            values=tuple(rest[:width]),
            here=not (rest[width:] and rest[width]),
            by_hand=bool(rest[width:] and rest[width + 1]),
        )
        for row, one, other, *rest in rows.iterator()
    }
