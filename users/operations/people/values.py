"""What may be written by hand, and by whose rules (R39, R40, R65)."""

import unicodedata
from typing import Final

from tenants.models import School
from users.emails import as_the_sync_writes_it, domain_of
from users.folding import fold
from users.models import Guardian, Person, StaffMember, Student
from users.operations.people.rows import WORD, open_school

NAMES: Final = ("given_name", "family_name")
_LONGEST: Final = 500


class UnableToCorrect(Exception):
    """The field is the MIS's alone, or the value cannot be used; the message says why and what to do."""


def usable(person: Person, field: str, value: str) -> str:
    """Return a value as it is stored.

    Raises:
        UnableToCorrect: it cannot be.
    """
    if field == "email":
        return usable_address(person, value)
    text = tidy(value)
    if field in NAMES and not text and not getattr(person, NAMES[field == NAMES[0]]):
        raise UnableToCorrect("A person needs a first name or a surname.")
    return text


def tidy(value: str) -> str:
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


def usable_address(person: Person, value: str) -> str:
    """Return an address as the sync writes it, if this person may have it.

    Raises:
        UnableToCorrect: it is none, is against the school's rules, or is somebody else's.
    """
    address = as_the_sync_writes_it(value)
    if not address:
        raise UnableToCorrect("That is not an address which mail could reach. Check it for slips.")
    _refuse_by_the_schools_rules(person, address)
    _refuse_somebody_elses(person, address)
    return address


def _refuse_by_the_schools_rules(person: Person, address: str) -> None:
    school = open_school()
    if isinstance(person, Guardian) and school.block_own_domains_for_guardians and is_own(school, address):
        raise UnableToCorrect("Your school has blocked its own domains for parents. Give a personal address.")
    if isinstance(person, Student) and not school.lets_students_in(person.year):
        raise UnableToCorrect("Students of this year have no address of their own here. Ask us to switch it on.")


def _refuse_somebody_elses(person: Person, address: str) -> None:
    """Let only staff and guardian share an address, and only with a surname in common: one human in two modes (R40)."""
    for model in WORD:
        for other in model.objects.filter(email__iexact=address):
            if (model, other.pk) != (type(person), person.pk) and not _one_human(person, other):
                raise UnableToCorrect(
                    f"This is the address of {other.name} already. Two people never share one: give each their own."
                )


def _one_human(person: Person, other: Person) -> bool:
    surnames = [set(fold(each.family_name).split()) for each in (person, other)]
    return {type(person), type(other)} == {Guardian, StaffMember} and bool(surnames[0] & surnames[1])


def is_own(school: School, address: str) -> bool:
    """Whether an address is on one of the school's own domains."""
    return school.domains.filter(domain=domain_of(address)).exists()
