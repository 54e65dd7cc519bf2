"""Guardians and ties by hand, and the school's blocks (R43, R66)."""

import datetime
from collections.abc import Sequence

from django.db import transaction

from tenants.operations import record
from users.folding import fold
from users.models import Guardian, Person, Student, Tie
from users.operations import accounts
from users.operations.people.rows import open_school, subject_of, take_turn
from users.operations.people.values import UnableToCorrect, tidy, usable_address


class UnableToAdd(Exception):
    """The guardian or the tie cannot be made; the message says why and what to do."""


class UnableToBlock(Exception):
    """A block needs a reason."""


@transaction.atomic
def add_guardian(
    *,
    given_name: str,
    family_name: str,
    email: str,
    students: Sequence[tuple[Student, str]],
    by: int | None,
    at: datetime.datetime,
) -> Guardian:
    """Add a guardian whom no feed ends or doubles, tied to each (student, relationship).

    Raises:
        UnableToAdd: no name, no student, or an address that cannot be used.
    """
    if not students:
        raise UnableToAdd("Choose at least one student whose guardian this is.")
    take_turn(UnableToAdd)
    try:
        guardian = Guardian(given_name=tidy(given_name), family_name=tidy(family_name), source=Person.Source.MANUAL)
        guardian.email, guardian.email_is_dummy = usable_address(guardian, email), False
    except UnableToCorrect as fault:
        raise UnableToAdd(str(fault)) from None
    if not guardian.name:
        raise UnableToAdd("A person needs a first name or a surname.")
    guardian.folded = fold(guardian.family_name, guardian.given_name)
    guardian.save()
    record(action="guardian.added", by=by, at=at, subject=subject_of(guardian))
    for student, relationship in students:
        tie_by_hand(guardian, student, relationship=relationship, by=by, at=at)
    accounts.link_people(at=at)
    return guardian


@transaction.atomic
def tie_by_hand(
    guardian: Guardian, student: Student, *, relationship: str, by: int | None, at: datetime.datetime
) -> Tie:
    """Tie a guardian to a student so that no feed ends it; a tie that has ended comes back.

    What the MIS or the school has forbidden stays so: a restriction, a block.

    Raises:
        UnableToAdd: they are tied already, or the relationship cannot be written.
    """
    take_turn(UnableToAdd)
    tie = Tie.objects.select_for_update().filter(guardian=guardian, student=student).first()
    if tie and tie.ended_on is None:
        raise UnableToAdd(f"{guardian.name} is tied to {student.name} already.")
    tie = tie or Tie(guardian=guardian, student=student)
    try:
        tie.relationship = tidy(relationship)
    except UnableToCorrect as fault:
        raise UnableToAdd(str(fault)) from None
    tie.by_hand, tie.ended_on = True, None
    tie.save()
    record(action="tie.added", by=by, at=at, subject=f"tie:{tie.pk}")
    return tie


@transaction.atomic
def untie(tie: Tie, *, by: int | None, at: datetime.datetime) -> Tie:
    """End a tie that was made by hand; ending it twice changes nothing.

    Raises:
        UnableToAdd: the MIS made it.
    """
    tie.refresh_from_db(from_queryset=Tie.objects.select_for_update())
    if not tie.by_hand:
        raise UnableToAdd("This contact comes from your MIS. End it there, or block it here.")
    if tie.ended_on is None:
        tie.ended_on = open_school().local(at).date()
        tie.save(update_fields=["ended_on"])
        record(action="tie.ended", by=by, at=at, subject=f"tie:{tie.pk}")
    return tie


@transaction.atomic
def block_tie(tie: Tie, *, by: int | None, at: datetime.datetime, why: str) -> Tie:
    """Take a guardian's sight of one student away, whatever the feed says (R66); blocking twice changes nothing.

    Raises:
        UnableToBlock: no reason is given.
    """
    if not why.strip():
        raise UnableToBlock("Say why, so that whoever reads it in a year can tell whether it still holds.")
    tie.refresh_from_db(from_queryset=Tie.objects.select_for_update())
    if tie.blocked_at is None:
        tie.blocked_at, tie.blocked_why = at, why.strip()
        tie.save(update_fields=["blocked_at", "blocked_why"])
        record(action="tie.blocked", by=by, at=at, subject=f"tie:{tie.pk}", reason=why.strip())
    return tie


@transaction.atomic
def unblock_tie(tie: Tie, *, by: int | None, at: datetime.datetime, why: str = "") -> Tie:
    """Let the feed's word hold again; doing it twice changes nothing."""
    tie.refresh_from_db(from_queryset=Tie.objects.select_for_update())
    if tie.blocked_at is not None:
        tie.blocked_at, tie.blocked_why = None, ""
        tie.save(update_fields=["blocked_at", "blocked_why"])
        record(action="tie.unblocked", by=by, at=at, subject=f"tie:{tie.pk}", reason=why.strip())
    return tie
