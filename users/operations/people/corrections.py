"""A school's own word in place of the MIS's, for as long as it stands (R65, R66)."""

import datetime
from typing import Final

from django.db import transaction

from tenants.operations import record
from users.emails import dummy_address
from users.folding import fold
from users.models import Guardian, LocalEdit, Person, StaffMember, Student
from users.operations import accounts
from users.operations.people.rows import WORD, lock, open_school, subject_of, take_turn
from users.operations.people.values import NAMES, UnableToCorrect, is_own, usable, usable_address

_NAMED: Final = frozenset({*NAMES, "preferred_name"})
# What may be corrected at all; the rest of a person is the MIS's alone (R21, R66).
CORRECTABLE: Final[dict[type[Person], tuple[str, ...]]] = {
    Student: (*NAMES, "preferred_name", "email"),
    Guardian: (*NAMES, "title", "phone", "email"),
    StaffMember: (*NAMES, "title", "phone", "email"),
}
# A stop-gap only: from the next night the MIS wins wherever it has something usable to say.
UNTIL_TONIGHT: Final = frozenset({"email", "phone"})
_COLUMN: Final[dict[type[Person], str]] = {Student: "student", Guardian: "guardian", StaffMember: "staff_member"}


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
    take_turn(UnableToCorrect)
    lock(person)
    new = usable(person, field, value)
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
    take_turn(UnableToCorrect)
    edit.refresh_from_db(from_queryset=LocalEdit.objects.select_for_update())
    if edit.closed_at:
        return edit
    person = edit.student or edit.guardian or edit.staff_member
    lock(person)
    _write(person, edit.field, _without(person, edit))
    edit.closed_at, edit.closed_why = at, "Withdrawn by hand."
    edit.save(update_fields=["closed_at", "closed_why"])
    accounts.link_people(at=at)
    record(action="person.edit_withdrawn", by=by, at=at, subject=subject_of(person), reason=edit.field)
    return edit


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
        return usable_address(person, person.mis_email or "")
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
    school = open_school()
    person.email_is_dummy = not address
    person.email = address or dummy_address(school=school.slug, kind=WORD[type(person)], number=person.pk)
    if isinstance(person, StaffMember) and person.source == Person.Source.FEED:
        person.domain_recognised = is_own(school, address)
        return ["email_is_dummy", "domain_recognised"]
    return ["email_is_dummy"]
