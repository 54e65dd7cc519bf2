"""What a school does to its people by hand: corrections, contacts, safety blocks, staff who go (R42–R49, R65, R66).

What the next nights make of it is told in `sync/pipeline/plan/edits.py`. All of it is audited, without names or values.
"""

import datetime
import unicodedata
from collections.abc import Sequence
from typing import Final

from django.db import transaction

from tenants import scope
from tenants.models import School
from tenants.operations import record
from users.emails import as_the_sync_writes_it, domain_of, dummy_address
from users.folding import fold
from users.models import Guardian, LocalEdit, Person, RoleGrant, StaffMember, Student, Tie
from users.operations import accounts, roles, turns
from users.roles import SuperUser

_NAMES: Final = ("given_name", "family_name")
_NAMED: Final = frozenset({*_NAMES, "preferred_name"})
# What may be corrected at all; the rest of a person is the MIS's alone (R21, R66).
CORRECTABLE: Final[dict[type[Person], tuple[str, ...]]] = {
    Student: (*_NAMES, "preferred_name", "email"),
    Guardian: (*_NAMES, "title", "phone", "email"),
    StaffMember: (*_NAMES, "title", "phone", "email"),
}
# A stop-gap only: from the next night the MIS wins wherever it has something usable to say.
UNTIL_TONIGHT: Final = frozenset({"email", "phone"})
_WORD: Final[dict[type[Person], str]] = {Student: "student", Guardian: "guardian", StaffMember: "staff"}
_COLUMN: Final[dict[type[Person], str]] = {Student: "student", Guardian: "guardian", StaffMember: "staff_member"}
_LONGEST: Final = 500


class UnableToCorrect(Exception):
    """The field is the MIS's alone, or the value cannot be used; the message says why and what to do."""


class UnableToAdd(Exception):
    """The guardian or the tie cannot be made; the message says why and what to do."""


class UnableToBlock(Exception):
    """A block needs a reason."""


class UnableToDelete(Exception):
    """This member of staff cannot go, or has not been deleted; the message says why and what to do."""


# Corrections (R65, R66).


@transaction.atomic
def correct(
    person: Person, *, field: str, value: str, by: int | None, at: datetime.datetime, reason: str = ""
) -> LocalEdit:
    """Put a value in place of what the MIS says, and keep what that was; return the edit, closed if it ended so.

    Correcting again keeps what the MIS said at first; correcting back to that ends the edit.

    Raises:
        UnableToCorrect: not ours to correct, unusable, another person's, or what it says already.
    """
    if field not in CORRECTABLE[type(person)]:
        raise UnableToCorrect(
            f"“{field.replace('_', ' ')}” comes from your MIS alone. Change it there; the next night brings it here."
        )
    _alone(UnableToCorrect)
    _lock(person)
    new = _usable(person, field, value)
    edit = _open_edit(person, field)
    if edit is None and new == _shown(person, field):
        raise UnableToCorrect("That is what it says already.")
    edit = edit or LocalEdit(field=field, replaced=_said_by_the_mis(person, field), **{_COLUMN[type(person)]: person})
    edit.value, edit.by_id, edit.at, edit.reason = new, by, at, reason
    if why := _why_over(person, edit):
        edit.closed_at, edit.closed_why = at, why
    edit.save()
    _write(person, field, new)
    accounts.link_people(at=at)
    record(action="person.corrected", by=by, at=at, subject=subject_of(person), reason=f"{field}. {reason}".strip())
    return edit


@transaction.atomic
def withdraw(edit: LocalEdit, *, by: int | None, at: datetime.datetime) -> LocalEdit:
    """End an edit: the field says again what the MIS says; ending one twice changes nothing.

    Raises:
        UnableToCorrect: a sync is writing.
    """
    _alone(UnableToCorrect)
    edit.refresh_from_db(from_queryset=LocalEdit.objects.select_for_update())
    if edit.closed_at:
        return edit
    person = edit.student or edit.guardian or edit.staff_member
    _lock(person)
    _write(person, edit.field, _without(person, edit))
    edit.closed_at, edit.closed_why = at, "Withdrawn by hand."
    edit.save(update_fields=["closed_at", "closed_why"])
    accounts.link_people(at=at)
    record(action="person.edit_withdrawn", by=by, at=at, subject=subject_of(person), reason=edit.field)
    return edit


def _alone(unable: type[Exception]) -> None:
    """Keep a night from writing over this, and this from writing over what a night has just read."""
    if not turns.take():
        raise unable("The people of your school are being changed at this moment. Try again in a minute.")


def subject_of(person: Person) -> str:
    """Return the person as the audit trail names them: `guardian:41`."""
    return f"{_WORD[type(person)]}:{person.pk}"


def _lock(person: Person) -> None:
    """Read a person's row anew and keep it from others until this is over."""
    person.refresh_from_db(from_queryset=type(person).objects.select_for_update())


def _open_edit(person: Person, field: str) -> LocalEdit | None:
    found: LocalEdit | None = LocalEdit.objects.open().filter(field=field, **{_COLUMN[type(person)]: person.pk}).first()
    return found


def _why_over(person: Person, edit: LocalEdit) -> str:
    """Return why an edit ends as soon as it is made, "" if it stands."""
    if person.source != Person.Source.FEED:
        return "Added by hand: there is no MIS to disagree."
    return "Corrected back to what the MIS says." if edit.pk and edit.value == edit.replaced else ""


def _shown(person: Person, field: str) -> str:
    return person.real_email if field == "email" else getattr(person, field) or ""


def _said_by_the_mis(person: Person, field: str) -> str | None:
    """Return what the MIS says where nothing is corrected; None: it does not share it, or nobody asks it."""
    if person.source != Person.Source.FEED:
        return None
    said: str | None = person.mis_email if field == "email" else getattr(person, field)
    return said


def _without(person: Person, edit: LocalEdit) -> str | None:
    """Return the value of a field whose edit is withdrawn; an address that may not be used is none."""
    if edit.field != "email":
        replaced: str | None = edit.replaced
        return replaced
    try:
        return _usable_address(person, person.mis_email or "")
    except UnableToCorrect:
        return ""


def _write(person: Person, field: str, value: str | None) -> None:
    setattr(person, field, value)
    fields = [field]
    if field == "email":
        fields += _readdress(person, value or "")
    elif field in _NAMED:
        person.folded = fold(person.family_name, person.given_name, getattr(person, "preferred_name", None))
        fields.append("folded")
    person.save(update_fields=fields)


def _readdress(person: Person, address: str) -> list[str]:
    """Set an address, or a dummy for none; return the other columns that say something about it."""
    school = _school()
    person.email_is_dummy = not address
    person.email = address or dummy_address(school=school.slug, kind=_WORD[type(person)], number=person.pk)
    if isinstance(person, StaffMember) and person.source == Person.Source.FEED:
        person.domain_recognised = _is_own(school, address)
        return ["email_is_dummy", "domain_recognised"]
    return ["email_is_dummy"]


# What may be written.


def _usable(person: Person, field: str, value: str) -> str:
    """Return a value as it is stored.

    Raises:
        UnableToCorrect: it cannot be.
    """
    if field == "email":
        return _usable_address(person, value)
    text = _tidy(value)
    if field in _NAMES and not text and not getattr(person, _NAMES[field == _NAMES[0]]):
        raise UnableToCorrect("A person needs a first name or a surname.")
    return text


def _tidy(value: str) -> str:
    """Return one line in NFC.

    Raises:
        UnableToCorrect: it is longer than any name, or holds what no keyboard writes.
    """
    text = " ".join(unicodedata.normalize("NFC", value).split())
    if len(text) > _LONGEST:
        raise UnableToCorrect(f"That is longer than {_LONGEST} characters.")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in text):
        raise UnableToCorrect("That holds a character which cannot be shown. Type it anew instead of pasting it.")
    return text


def _usable_address(person: Person, value: str) -> str:
    address = as_the_sync_writes_it(value)
    if not address:
        raise UnableToCorrect("That is not an address which mail could reach. Check it for slips.")
    _refuse_by_the_schools_rules(person, address)
    _refuse_somebody_elses(person, address)
    return address


def _refuse_by_the_schools_rules(person: Person, address: str) -> None:
    school = _school()
    if isinstance(person, Guardian) and school.block_own_domains_for_guardians and _is_own(school, address):
        raise UnableToCorrect("Your school has blocked its own domains for parents. Give a personal address.")
    if isinstance(person, Student) and not school.lets_students_in(person.year):
        raise UnableToCorrect("Students of this year have no address of their own here. Ask us to switch it on.")


def _refuse_somebody_elses(person: Person, address: str) -> None:
    """Let only staff and guardian share an address, and only with a surname in common: one human in two modes (R40)."""
    for model in _WORD:
        for other in model.objects.filter(email__iexact=address):
            if (model, other.pk) != (type(person), person.pk) and not _one_human(person, other):
                raise UnableToCorrect(
                    f"This is the address of {other.name} already. Two people never share one: give each their own."
                )


def _one_human(person: Person, other: Person) -> bool:
    surnames = [set(fold(each.family_name).split()) for each in (person, other)]
    return {type(person), type(other)} == {Guardian, StaffMember} and bool(surnames[0] & surnames[1])


def _is_own(school: School, address: str) -> bool:
    return school.domains.filter(domain=domain_of(address)).exists()


def _school() -> School:
    return School.objects.get(pk=scope.current())


# Guardians and ties by hand (R43, R66).


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
    _alone(UnableToAdd)
    try:
        guardian = Guardian(given_name=_tidy(given_name), family_name=_tidy(family_name), source=Person.Source.MANUAL)
        guardian.email, guardian.email_is_dummy = _usable_address(guardian, email), False
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
    _alone(UnableToAdd)
    tie = Tie.objects.select_for_update().filter(guardian=guardian, student=student).first()
    if tie and tie.ended_on is None:
        raise UnableToAdd(f"{guardian.name} is tied to {student.name} already.")
    tie = tie or Tie(guardian=guardian, student=student)
    try:
        tie.relationship = _tidy(relationship)
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
        tie.ended_on = _school().local(at).date()
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


# Staff (R45, R46, R48).


@transaction.atomic
def delete_staff(person: StaffMember, *, by: int | None, at: datetime.datetime, reason: str) -> StaffMember:
    """End a member of staff's way in at once and for good, whatever the feed sends; history and parent mode stay.

    Their roles end, and come back only if granted anew (R46). Deleting twice changes nothing.

    Raises:
        UnableToDelete: no reason, or the school's last super user.
    """
    if not reason.strip():
        raise UnableToDelete("Say why; it stands in the school’s audit trail.")
    _alone(UnableToDelete)
    _lock(person)
    if person.deleted_at:
        return person
    _refuse_last_super_user(person)
    roles.end_all(staff=[person.pk], at=at)
    person.status, person.missing_since, person.deleted_at = Person.Status.LEFT, None, at
    person.left_on = person.left_on or _school().local(at).date()
    person.save(update_fields=["status", "missing_since", "left_on", "deleted_at"])
    record(action="staff.deleted", by=by, at=at, subject=subject_of(person), reason=reason.strip())
    return person


@transaction.atomic
def restore_staff(person: StaffMember, *, by: int | None, at: datetime.datetime, reason: str = "") -> StaffMember:
    """Bring back a member of staff who was deleted by hand, without their roles (R46).

    Raises:
        UnableToDelete: they were not deleted by hand.
    """
    _alone(UnableToDelete)
    _lock(person)
    if person.deleted_at is None:
        raise UnableToDelete(f"{person.name} was not deleted by hand.")
    person.status, person.left_on, person.deleted_at = Person.Status.ACTIVE, None, None
    person.save(update_fields=["status", "left_on", "deleted_at"])
    accounts.link_people(at=at)
    record(action="staff.restored", by=by, at=at, subject=subject_of(person), reason=reason.strip())
    return person


def _refuse_last_super_user(person: StaffMember) -> None:
    """Keep the last one; the lock keeps two super users from deleting each other at once."""
    grants = RoleGrant.objects.filter(role=SuperUser.key, revoked_at=None).select_for_update()
    holders = {grant.staff_member_id for grant in grants}
    here = set(StaffMember.objects.here().filter(pk__in=holders).values_list("pk", flat=True))
    if person.pk in here and len(here) == 1:
        raise UnableToDelete(f"{person.name} is the school’s only super user. Ask us to designate another one first.")
