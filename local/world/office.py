"""The school office: hands out numbers, addresses and telephone numbers, each one once (telephones up to 5,980)."""

import itertools
from collections.abc import Iterable
from typing import Final

from local.world.profiles import Refs

_UPN_LETTERS: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"
# Ranges that the British regulator keeps for fiction, a thousand numbers each; no other country keeps as many.
_FICTION: Final = (
    ("07700 900", "+44 7700 900"),
    ("0113 496 0", "+44 113 496 0"),
    ("0117 496 0", "+44 117 496 0"),
    ("0121 496 0", "+44 121 496 0"),
    ("0131 496 0", "+44 131 496 0"),
    ("020 7946 0", "+44 20 7946 0"),
)


class Office:
    """One school's office. `taken` are addresses that belong to people with a story."""

    def __init__(self, *, refs: Refs, abroad: bool, taken: Iterable[str]) -> None:
        self._digits = refs.digits
        self._numbers = {
            "student": itertools.count(refs.students),
            "guardian": itertools.count(refs.guardians),
            "staff": itertools.count(refs.staff),
            "class": itertools.count(1),
            "upn": itertools.count(1),
            "phone": itertools.count(20),  # the first twenty are the cast's
        }
        self._abroad = abroad
        self._taken = {address.lower() for address in taken}

    def ref(self, kind: str) -> str:
        """Return the next number of that kind ("student", "guardian", "staff", "class"), padded as this MIS does."""
        return str(next(self._numbers[kind])).zfill(self._digits)

    def upn(self) -> str:
        """Return a number that follows the child: authority 000, which does not exist, and a true check letter."""
        school, child = divmod(next(self._numbers["upn"]), 1000)
        digits = f"000{school:04d}26{child:03d}"
        total = sum(int(digit) * weight for weight, digit in enumerate(digits, start=2))
        return _UPN_LETTERS[total % 23] + digits

    def address(self, name: str, domain: str) -> str:
        """Return `name@domain`, with a number behind the name where somebody has it already."""
        numbered = (f"{name}{number if number > 1 else ''}@{domain}" for number in itertools.count(1))
        address = next(address for address in numbered if address not in self._taken)
        self._taken.add(address)
        return address

    def phone(self) -> str:
        """Return a telephone number nobody has; in a school abroad as one dials it from there."""
        number = next(self._numbers["phone"])
        prefix = _FICTION[number // 1000 % len(_FICTION)][self._abroad]
        return f"{prefix}{number % 1000:03d}"
