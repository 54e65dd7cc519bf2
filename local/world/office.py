"""The school office: hands out numbers, addresses and telephone numbers, each one once.

There are 5,980 telephone numbers a school, in America 680.
"""

import itertools
from collections.abc import Iterable
from typing import Final, NamedTuple

from local.world.profiles import Refs

_UPN_LETTERS: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"


class Fiction(NamedTuple):
    """Ranges of telephone numbers that a regulator keeps for fiction: in each so many, from this one on."""

    ranges: tuple[str, ...]
    first: int
    numbers: int


_BRITISH: Final = ("7700 900", "113 496 0", "117 496 0", "121 496 0", "131 496 0", "20 7946 0")
_AT_HOME: Final = Fiction(tuple(f"0{found}" for found in _BRITISH), 0, 1000)
# Dialled from anywhere else, but for America, as no other country keeps as many.
_ABROAD: Final = Fiction(tuple(f"+44 {found}" for found in _BRITISH), 0, 1000)
_AMERICAN: Final = Fiction(tuple(f"({area}) 555-0" for area in (312, 331, 618, 630, 708, 773, 815)), 100, 100)
FICTION: Final = {"GB": _AT_HOME, "US": _AMERICAN}


class Office:
    """One school's office. `taken` are addresses that belong to people with a story."""

    def __init__(self, *, refs: Refs, country: str, taken: Iterable[str]) -> None:
        self._digits = refs.digits
        self._numbers = {
            "student": itertools.count(refs.students),
            "guardian": itertools.count(refs.guardians),
            "staff": itertools.count(refs.staff),
            "class": itertools.count(1),
            "upn": itertools.count(1),
            "phone": itertools.count(20),  # the first twenty are the cast's
        }
        self._fiction = FICTION.get(country, _ABROAD)
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
        """Return a telephone number nobody has, as one dials it from the school."""
        block, number = divmod(next(self._numbers["phone"]), self._fiction.numbers)
        before = self._fiction.ranges[block % len(self._fiction.ranges)]
        return f"{before}{self._fiction.first + number:03d}"
