"""The rows that a person changes by hand: read anew, locked, and one writer at a time."""

from typing import Final

from tenants import scope
from tenants.models import School
from users.models import Guardian, Person, StaffMember, Student
from users.operations import turns

WORD: Final[dict[type[Person], str]] = {Student: "student", Guardian: "guardian", StaffMember: "staff"}


def take_turn(unable: type[Exception]) -> None:
    """Keep a night from writing over this, and this from writing over what a night has just read.

    Raises:
        unable: it is somebody else's turn.
    """
    if not turns.take():
        raise unable("The people of your school are being changed at this moment. Try again in a minute.")


def lock(person: Person) -> None:
    """Read a person's row anew and keep it from others until this is over."""
    person.refresh_from_db(from_queryset=type(person).objects.select_for_update())


def subject_of(person: Person) -> str:
    """Return the person as the audit trail names them: `guardian:41`."""
    return f"{WORD[type(person)]}:{person.pk}"


def open_school() -> School:
    """Return the school that is open."""
    return School.objects.get(pk=scope.current())
