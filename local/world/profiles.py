"""The schools as frames: who they are and how big, before anybody is in them."""

import datetime
import math
from typing import Final, NamedTuple

import msgspec

from local.world import cast, names
from local.world.cast import abroad
from local.world.cast.telling import Scene
from local.world.model import SchoolWorld, Truth, first_night

NOBODY: Final = first_night(())
LAST_PRIMARY: Final = 6  # the number of the last year with one teacher for everything
LAST_BY_FORM: Final = 9  # of the last year that is taught by form, with maths in sets
SIXTH_FORM: Final = 12  # of the first year that is taught by options alone
CLASS_SIZE: Final = 30  # at most


class Year(NamedTuple):
    """One year group: its label, its forms and how many children it has."""

    number: int  # 0 is the first year of school, at age four to five
    label: str
    forms: tuple[str, ...]
    size: int


class Refs(NamedTuple):
    """Where the MIS's numbers begin for people who have no story, and to how many digits it pads them (0: not)."""

    students: int
    guardians: int
    staff: int
    digits: int


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What the crowd of a school is drawn from. `school` has no people yet."""

    school: SchoolWorld
    years: tuple[Year, ...]
    staff: int
    refs: Refs
    names: tuple[tuple[int, names.Pool], ...]
    role_mailbox: str = ""  # an office address that some parents' records carry instead of their own (R28)
    has_upn: bool = True
    addresses_from: int = 0  # the first year index whose students have an address in the MIS
    first_birthday: datetime.date = datetime.date(2021, 9, 1)  # of the oldest child of the first year
    primary_share: float = 0.2  # of the teachers
    people: tuple[Truth, ...] = ()  # the cast on night 1
    scenes: tuple[Scene, ...] = ()


def _forms(index: int, size: int, first: str) -> tuple[str, ...]:
    prefix = str(index) if index else first
    return tuple(f"{prefix}{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: max(1, math.ceil(size / CLASS_SIZE))])


def _years(labels: tuple[str, ...], sizes: tuple[int, ...], first: str) -> tuple[Year, ...]:
    pairs = enumerate(zip(labels, sizes, strict=True))
    return tuple(Year(index, label, _forms(index, size, first), size) for index, (label, size) in pairs)


_YEARS: Final = ("Reception", *(f"Year {number}" for number in range(1, 14)))
_GRADES: Final = ("KG", *(f"Grade {number}" for number in range(1, 13)))
_AMERICAN_GRADES: Final = ("Kindergarten", *_GRADES[1:])
_PRIMARY_GRADES: Final = ("Grade R", *_GRADES[1:8])

_NORTHGATE: Final = SchoolWorld(
    slug="northgate",
    name="Northgate School",
    timezone="Europe/London",
    locale="en-gb",
    currency="GBP",
    country="GB",
    hue=176,
    domains=("northgate-school.example", "northgate-sixth.example"),
    year_labels=_YEARS,
    mis_product="SIMS",
    mis_partner="Wonde",
    am_slot=datetime.time(9, 30),
    school_days=(1, 2, 3, 4, 5),
    primary_years=_YEARS[:7],
    student_access_years=_YEARS[SIXTH_FORM:],
    block_own_domains_for_guardians=False,
    staff_leavers_authoritative=False,
    super_user=cast.PRIYA_NAIR,
    faults={4: "half", 5: "empty"},
    first=NOBODY,
    events=(),
)
_HIMAL: Final = SchoolWorld(
    slug="himal",
    name="Himal International School",
    timezone="Asia/Kathmandu",
    locale="en-gb",
    currency="NPR",
    country="NP",
    hue=28,
    domains=("himal.example",),
    year_labels=_GRADES,
    mis_product="ManageBac",
    mis_partner="",
    am_slot=datetime.time(10, 30),
    school_days=(7, 1, 2, 3, 4, 5),
    primary_years=_GRADES[:6],
    student_access_years=(),
    block_own_domains_for_guardians=True,
    staff_leavers_authoritative=True,
    super_user=cast.MAYA_GURUNG,
    faults={},
    first=NOBODY,
    events=(),
)
_TAMARIND: Final = SchoolWorld(
    slug="tamarind",
    name="Tamarind House British School",
    timezone="Asia/Kuwait",
    locale="en-gb",
    currency="KWD",  # three decimals
    country="KW",
    hue=330,
    domains=("tamarind.example",),
    year_labels=_YEARS,
    mis_product="iSAMS",
    mis_partner="",
    am_slot=datetime.time(9, 30),
    school_days=(7, 1, 2, 3, 4),
    primary_years=_YEARS[:7],
    student_access_years=_YEARS[SIXTH_FORM:],
    block_own_domains_for_guardians=False,
    staff_leavers_authoritative=False,
    super_user=abroad.AMAL_FAHIM,
    faults={3: "half"},
    first=NOBODY,
    events=(),
)
_HERON_FORK: Final = SchoolWorld(
    slug="heronfork",
    name="Heron Fork Academy",
    timezone="America/Chicago",
    locale="en-us",
    currency="USD",
    country="US",
    hue=212,
    domains=("heronfork.example",),
    year_labels=_AMERICAN_GRADES,
    mis_product="PowerSchool",
    mis_partner="GG4L",
    am_slot=datetime.time(9, 30),
    school_days=(1, 2, 3, 4, 5),
    primary_years=_AMERICAN_GRADES[:6],
    student_access_years=_AMERICAN_GRADES[9:],
    block_own_domains_for_guardians=False,
    staff_leavers_authoritative=False,
    super_user=abroad.DOLORES_WHITFIELD,
    faults={4: "empty"},
    first=NOBODY,
    events=(),
)
_KAREEDAL: Final = SchoolWorld(
    slug="kareedal",
    name="Kareedal Primary School",
    timezone="Africa/Johannesburg",
    locale="en-za",
    currency="ZAR",
    country="ZA",
    hue=82,
    domains=("kareedal.example",),
    year_labels=_PRIMARY_GRADES,
    mis_product="CSV files",
    mis_partner="",
    am_slot=datetime.time(9, 30),
    school_days=(1, 2, 3, 4, 5),
    primary_years=_PRIMARY_GRADES,
    student_access_years=(),
    block_own_domains_for_guardians=False,
    staff_leavers_authoritative=False,
    super_user=abroad.ELNA_DANIELS,
    faults={2: "half"},
    first=NOBODY,
    events=(),
)

NORTHGATE: Final = Profile(
    school=_NORTHGATE,
    years=_years(_YEARS, (*[60] * 7, *[124] * 5, 82, 78), "R"),
    staff=140,
    refs=Refs(students=3001, guardians=10001, staff=1, digits=0),
    names=names.NORTHGATE_NAMES,
    role_mailbox="office@northgate-school.example",
    addresses_from=3,
    people=cast.NORTHGATE_PEOPLE,
    scenes=cast.NORTHGATE_SCENES,
)
HIMAL: Final = Profile(
    school=_HIMAL,
    years=_years(_GRADES, (24, *[32] * 10, 28, 28), "KG"),
    staff=62,
    refs=Refs(students=101, guardians=7001, staff=11, digits=6),
    names=names.HIMAL_NAMES,
    has_upn=False,
    people=cast.HIMAL_PEOPLE,
    scenes=cast.HIMAL_SCENES,
)
TAMARIND: Final = Profile(
    school=_TAMARIND,
    years=_years(_YEARS, (*[18] * 10, 16, 14, 12, 12), "R"),
    staff=36,
    refs=Refs(students=2001, guardians=5001, staff=11, digits=0),
    names=names.TAMARIND_NAMES,
    has_upn=False,
    addresses_from=3,
    people=abroad.TAMARIND_PEOPLE,
    scenes=abroad.TAMARIND_SCENES,
)
HERON_FORK: Final = Profile(
    school=_HERON_FORK,
    years=_years(_AMERICAN_GRADES, tuple([14] * 13), "K"),
    staff=30,
    refs=Refs(students=2001, guardians=5001, staff=11, digits=0),
    names=names.HERON_FORK_NAMES,
    has_upn=False,
    addresses_from=6,
    first_birthday=datetime.date(2020, 9, 1),
    people=abroad.HERON_FORK_PEOPLE,
    scenes=abroad.HERON_FORK_SCENES,
)
KAREEDAL: Final = Profile(
    school=_KAREEDAL,
    years=_years(_PRIMARY_GRADES, tuple([18] * 8), "R"),
    staff=20,
    refs=Refs(students=2001, guardians=5001, staff=11, digits=7),
    names=names.KAREEDAL_NAMES,
    role_mailbox="kantoor@kareedal.example",
    has_upn=False,
    addresses_from=len(_PRIMARY_GRADES),
    first_birthday=datetime.date(2020, 1, 1),
    primary_share=0.8,
    people=abroad.KAREEDAL_PEOPLE,
    scenes=abroad.KAREEDAL_SCENES,
)
DEMO: Final = (NORTHGATE, HIMAL, TAMARIND, HERON_FORK, KAREEDAL)


def crowded(*, students: int) -> Profile:
    """Frame a school like Northgate with that many students and nobody of the cast.

    Raises:
        ValueError: fewer than one student a year.

    """
    if students < len(_YEARS):
        message = f"A school of {len(_YEARS)} years needs at least as many students."
        raise ValueError(message)
    more, rest = divmod(students, len(_YEARS))
    sizes = tuple(more + (index < rest) for index in range(len(_YEARS)))
    school = msgspec.structs.replace(
        _NORTHGATE,
        slug="crowd",
        name="Crowd School",
        domains=("crowd-school.example", "crowd-sixth.example"),
        faults={},
    )
    return msgspec.structs.replace(
        NORTHGATE,
        school=school,
        years=_years(_YEARS, sizes, "R"),
        staff=max(20, students // 9),
        role_mailbox="office@crowd-school.example",
        people=(),
        scenes=(),
    )
