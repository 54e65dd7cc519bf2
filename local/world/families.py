"""Families without a story: children, their guardians and the ties between them, in all the usual shapes."""

import datetime
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from local.world.dice import Dice
from local.world.model import GuardianTruth, StudentTruth, TieTruth, Truth
from local.world.names import Name, Pool
from local.world.notes import notes
from local.world.office import Office
from local.world.profiles import SIXTH_FORM, Profile

ENTRY_YEAR: Final = 2026  # when the children of year index 0 came to the school
PROVIDERS: Final = ("postbox.example", "mailhouse.example", "webpost.example", "letterbox.example", "inbox.example")
NOT_ADDRESSES: Final = ("n/a", "none@none.example", "unknown", "see mother", "-", "jane.doe@", "tbc", "no e-mail")
NICKNAMES: Final = ("Alex", "Bo", "Charlie", "Jay", "Kit", "Max", "Sam", "Teddy")


class Seat(NamedTuple):
    """A place in a form."""

    year: int  # index
    form: str


class Place(NamedTuple):
    """A guardian's place in a family. `apart` lives in another household; `own_name` is not the child's."""

    relationship: str
    titles: tuple[str, ...]
    parental: bool = True
    apart: bool = False
    own_name: bool = False

    @property
    def female(self) -> bool:
        """Which names fit."""
        return "Mr" not in self.titles


_WOMAN: Final = ("Mrs", "Mrs", "Ms", "Miss", "Dr", "")
_MAN: Final = ("Mr", "Mr", "Mr", "Dr", "")
MOTHER: Final = Place("Mother", _WOMAN)
FATHER: Final = Place("Father", _MAN)
FATHER_APART: Final = Place("Father", _MAN, apart=True)
SHAPES: Final = (
    (60, (MOTHER, FATHER)),
    (13, (MOTHER,)),
    (3, (FATHER,)),
    (1, (MOTHER, Place("Mother", _WOMAN, own_name=True))),
    (12, (Place("Mother", _WOMAN, own_name=True), FATHER_APART)),
    (5, (MOTHER, FATHER_APART, Place("Stepfather", _MAN, parental=False, own_name=True))),
    (3, (MOTHER, FATHER, Place("Grandmother", _WOMAN, parental=False, own_name=True))),
    (1, (Place("Foster carer", _WOMAN, own_name=True),)),
    (
        2,
        (
            MOTHER,
            FATHER_APART,
            Place("Stepmother", _WOMAN, parental=False, apart=True),
            Place("Grandfather", _MAN, parental=False, own_name=True),
        ),
    ),
)
SIZES: Final = ((64, 1), (29, 2), (6, 3), (1, 4))


def seats(profile: Profile, taken: Sequence[StudentTruth]) -> list[Seat]:
    """Return the places of a school that nobody of the cast sits in, form by form."""
    free = [
        Seat(year.number, year.forms[number % len(year.forms)]) for year in profile.years for number in range(year.size)
    ]
    for student in taken:
        free.remove(Seat(profile.school.year_labels.index(student.year), student.form))
    return free


def groups(free: Sequence[Seat], dice: Dice) -> list[list[Seat]]:
    """Put together the places of brothers and sisters: years apart, or now and then as twins."""
    rest = dice.shuffled(free)
    families = []
    while rest:
        family = [rest.pop()]
        for _ in range(dice.weighted(SIZES) - 1):
            gap = 0 if dice.chance(0.03) else 2
            fits = [at for at in range(max(0, len(rest) - 60), len(rest)) if _fits(rest[at], family, gap)]
            if fits:
                family.append(rest.pop(fits[-1]))
        families.append(family)
    return families


def _fits(seat: Seat, family: Sequence[Seat], gap: int) -> bool:
    years = [abs(seat.year - other.year) for other in family]
    return min(years) >= gap if gap else years == [0]


class Registrar:
    """Writes families into one school's records."""

    def __init__(self, *, profile: Profile, office: Office, dice: Dice) -> None:
        self._profile = profile
        self._office = office
        self._dice = dice
        self._written = {"child": 0, "adult": 0, "home": 0}
        self._named: set[tuple[Name, Name]] = set()

    def family(self, children: Sequence[Seat]) -> list[Truth]:
        """Write a new family with these children: students, guardians, ties and notes."""
        pool = self._dice.weighted(self._profile.names)
        surname = self._dice.pick(pool.families)
        shape = self._dice.weighted(SHAPES)
        students = self._children(children, pool, surname)
        guardians = self._guardians(shape, pool, surname)
        return [*students, *guardians, *self._ties(students, guardians, shape), *self._notes(students)]

    def sibling(self, seat: Seat, of: StudentTruth, ties: Sequence[TieTruth]) -> list[Truth]:
        """Write a younger or older child of a family that is known: the student, the same ties and notes."""
        pool, surname = self._origin(of.family_name)
        (student,) = self._children([seat], pool, surname)
        same = [msgspec.structs.replace(tie, student=student.key) for tie in ties]
        return [student, *same, *self._notes([student])]

    def _origin(self, family_name: str) -> tuple[Pool, Name]:
        pools = [pool for _, pool in self._profile.names]
        return next((pool, name) for pool in pools for name in pool.families if name.written == family_name)

    def _key(self, kind: str) -> str:
        self._written[kind] += 1
        return f"crowd-{kind}-{self._written[kind]:04d}"

    def _children(self, children: Sequence[Seat], pool: Pool, surname: Name) -> list[StudentTruth]:
        births: dict[int, datetime.date] = {}
        students: list[StudentTruth] = []
        for seat in children:
            born = births.setdefault(seat.year, self._birth(seat.year))
            given = self._given(self._dice.pick((pool.girls, pool.boys)), surname, {one.given_name for one in students})
            students.append(self._child(seat, given, surname, born))
        return students

    def _given(self, names: Sequence[Name], surname: Name, siblings: Collection[str] = ()) -> Name:
        """Pick a name that makes a new whole name with this surname while there is one, and never a sibling's."""
        fits = [name for name in self._dice.shuffled(names) if name.written not in siblings]
        given = next((name for name in fits if (name, surname) not in self._named), fits[0])
        self._named.add((given, surname))
        return given

    def _child(self, seat: Seat, given: Name, surname: Name, born: datetime.date) -> StudentTruth:
        return StudentTruth(
            key=self._key("child"),
            ref=self._office.ref("student"),
            given_name=given.written,
            family_name=surname.written,
            preferred_name=self._dice.pick(NICKNAMES) if self._dice.chance(0.06) else "",
            date_of_birth=born,
            email=self._student_address(seat.year, given, surname),
            year=self._profile.school.year_labels[seat.year],
            form=seat.form,
            upn=self._office.upn() if self._profile.has_upn else "",
        )

    def _birth(self, year: int) -> datetime.date:
        first = self._profile.first_birthday
        start = first.replace(year=first.year - year)
        return start + datetime.timedelta(days=self._dice.below(365))

    def _student_address(self, year: int, given: Name, surname: Name) -> str:
        if year < self._profile.addresses_from:
            return ""
        domains = self._profile.school.domains
        domain = domains[-1] if year >= SIXTH_FORM else domains[0]
        return self._office.address(f"{given.latin}.{surname.latin}.{(ENTRY_YEAR - year) % 100:02d}", domain)

    def _guardians(self, shape: Sequence[Place], pool: Pool, surname: Name) -> list[GuardianTruth]:
        homes = (self._key("home"), self._key("home"))
        guardians = [self._guardian(place, pool, surname, homes[place.apart]) for place in shape]
        if len(shape) == 2 and shape == (MOTHER, FATHER) and self._dice.chance(0.012):  # a couple with one mailbox
            guardians[1] = msgspec.structs.replace(guardians[1], email=guardians[0].email)
        return guardians

    def _guardian(self, place: Place, pool: Pool, surname: Name, home: str) -> GuardianTruth:
        family = self._dice.pick(pool.families) if place.own_name else surname
        given = self._given(pool.girls if place.female else pool.boys, family)
        return GuardianTruth(
            key=self._key("adult"),
            ref=self._office.ref("guardian"),
            title=self._dice.pick(place.titles),
            given_name=given.written,
            family_name=family.written,
            email=self._guardian_address(given, family),
            phone="" if self._dice.chance(0.03) else self._office.phone(),
            household=home,
        )

    def _guardian_address(self, given: Name, family: Name) -> str:
        percent = self._dice.below(1000) / 10
        if percent < 4:
            return ""
        if percent < 5.2:
            return self._dice.pick(NOT_ADDRESSES)
        if percent < 7.2 and self._profile.role_mailbox:
            return self._profile.role_mailbox
        return self.private_address(given, family)

    def private_address(self, given: Name, family: Name) -> str:
        """Return an address at one of the invented providers that nobody has."""
        return self._office.address(f"{given.latin}.{family.latin}", self._dice.pick(PROVIDERS))

    def _ties(
        self, students: Sequence[StudentTruth], guardians: Sequence[GuardianTruth], shape: Sequence[Place]
    ) -> list[TieTruth]:
        """Every guardian is tied to every child; but the youngest of a second marriage is not the first father's."""
        pairs = list(zip(guardians, shape, strict=True))
        half = (
            len(students) > 1 and any(place.relationship == "Stepfather" for place in shape) and self._dice.chance(0.4)
        )
        youngest = max(students, key=lambda student: student.date_of_birth)
        courts = self._dice.chance(0.04)
        return [
            TieTruth(
                student=student.key,
                guardian=guardian.key,
                relationship=place.relationship,
                priority=priority,
                parental_responsibility=place.parental,
                restricted=courts and place.apart and place.parental,
            )
            for student in students
            for priority, (guardian, place) in enumerate(pairs, start=1)
            if not (half and student is youngest and place.apart)
        ]

    def _notes(self, students: Sequence[StudentTruth]) -> list[Truth]:
        return [note for student in students for note in notes(student.key, self._dice)]
