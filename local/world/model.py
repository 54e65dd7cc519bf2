"""The shape of the truth: people, classes and what joins them, one picture a night, and the events between the nights.

Everyone has a `key` that names the human (or the record, where a MIS holds somebody twice) and never changes, and a
`ref`, the number the MIS happens to use, which may. What joins people joins keys; a rendering writes refs. The same key
in two schools, or among staff and guardians, is the same human. Text is "" where the MIS holds nothing.
"""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

NIGHTS: Final = (1, 2, 3, 4, 5)
FIRST_DAY: Final = datetime.date(2026, 11, 9)  # the school-local date of night 1, a Monday

Identity = str | tuple[str, str]


class NoSuchSchool(LookupError):
    """The world has no school of that slug."""


class NoSuchNight(LookupError):
    """The world is told for nights 1 to 5 only."""


class Contradiction(ValueError):
    """A story and the picture it happens in do not fit: somebody arrives twice, or leaves without being there."""


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all that is true. `shelf` is the field of `Night` that holds records of this type."""

    shelf: ClassVar[str]

    @property
    def identity(self) -> Identity:
        """What tells this record from the others on its shelf, on every night."""
        raise NotImplementedError


class Person(Truth, frozen=True, kw_only=True):
    """A human in one capacity."""

    key: str
    ref: str
    given_name: str
    family_name: str
    email: str = ""

    @property
    def identity(self) -> str:
        """The key."""
        return self.key


class StudentTruth(Person, frozen=True, kw_only=True):
    """A child at the school. `left_on` is set where the MIS lists a leaver with the date instead of dropping them."""

    shelf: ClassVar[str] = "students"

    preferred_name: str = ""
    date_of_birth: datetime.date
    year: str
    form: str
    upn: str = ""
    left_on: datetime.date | None = None


class GuardianTruth(Person, frozen=True, kw_only=True):
    """A contact of one or more children. Guardians of one `household` live together."""

    shelf: ClassVar[str] = "guardians"

    title: str = ""
    phone: str = ""
    household: str = ""


class StaffTruth(Person, frozen=True, kw_only=True):
    """A member of staff; `post` is what they are there for ("Teacher of Maths")."""

    shelf: ClassVar[str] = "staff"

    title: str = ""
    phone: str = ""
    post: str = ""
    left_on: datetime.date | None = None


class ClassTruth(Truth, frozen=True, kw_only=True):
    """A registration form (`subject` is "") or a teaching class."""

    shelf: ClassVar[str] = "classes"

    key: str
    ref: str
    name: str
    year: str
    subject: str = ""

    @property
    def identity(self) -> str:
        """The key."""
        return self.key


class TieTruth(Truth, frozen=True, kw_only=True):
    """What a guardian (key) is to a student (key). Priority 1 is called first."""

    shelf: ClassVar[str] = "ties"

    student: str
    guardian: str
    relationship: str
    priority: int
    parental_responsibility: bool = True
    restricted: bool = False

    @property
    def identity(self) -> tuple[str, str]:
        """Student and guardian."""
        return (self.student, self.guardian)


class EnrolmentTruth(Truth, frozen=True, kw_only=True):
    """A student (key) sits in a class (key)."""

    shelf: ClassVar[str] = "enrolments"

    class_key: str
    student: str

    @property
    def identity(self) -> tuple[str, str]:
        """Class and student."""
        return (self.class_key, self.student)


class TeachingTruth(Truth, frozen=True, kw_only=True):
    """A member of staff (key) teaches a class (key)."""

    shelf: ClassVar[str] = "teaching"

    class_key: str
    staff: str

    @property
    def identity(self) -> tuple[str, str]:
        """Class and member of staff."""
        return (self.class_key, self.staff)


class MedicalTruth(Truth, frozen=True, kw_only=True):
    """One medical note; `ref` is unique within the student (key)."""

    shelf: ClassVar[str] = "medical"

    student: str
    ref: str
    condition: str
    details: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """Student and note."""
        return (self.student, self.ref)


class DietaryTruth(Truth, frozen=True, kw_only=True):
    """One dietary need; `ref` is unique within the student (key)."""

    shelf: ClassVar[str] = "dietary"

    student: str
    ref: str
    need: str

    @property
    def identity(self) -> tuple[str, str]:
        """Student and need."""
        return (self.student, self.ref)


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """What the school's MIS holds on one night: shelves of records by identity, in a stable order."""

    number: int
    date: datetime.date
    students: Mapping[str, StudentTruth]
    guardians: Mapping[str, GuardianTruth]
    staff: Mapping[str, StaffTruth]
    classes: Mapping[str, ClassTruth]
    ties: Mapping[tuple[str, str], TieTruth]
    enrolments: Mapping[tuple[str, str], EnrolmentTruth]
    teaching: Mapping[tuple[str, str], TeachingTruth]
    medical: Mapping[tuple[str, str], MedicalTruth]
    dietary: Mapping[tuple[str, str], DietaryTruth]

    def ties_of(self, student: str) -> tuple[TieTruth, ...]:
        """Return the ties of one student (key), first to be called first."""
        ties = (tie for tie in self.ties.values() if tie.student == student)
        return tuple(sorted(ties, key=lambda tie: (tie.priority, tie.guardian)))

    def children_of(self, guardian: str) -> tuple[StudentTruth, ...]:
        """Return the students tied to one guardian (key)."""
        return tuple(self.students[tie.student] for tie in self.ties.values() if tie.guardian == guardian)


class Arrives(msgspec.Struct, frozen=True):
    """A record that was not there is there."""

    record: Truth


class Alters(msgspec.Struct, frozen=True):
    """Fields of a record take other values."""

    of: type[Truth]
    identity: Identity
    to: Mapping[str, object]


class Leaves(msgspec.Struct, frozen=True):
    """A record is gone, and with it all that hung on it; a contact goes with the last child."""

    of: type[Truth]
    identity: Identity


Change = Arrives | Alters | Leaves


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One change on one night and its reason in words. A `cosmetic` one must not count as a change anywhere (R13)."""

    night: int
    change: Change
    why: str
    cosmetic: bool = False


class SchoolWorld(msgspec.Struct, frozen=True, kw_only=True):
    """One school: who it is, how it is set up with us, its first night and everything that happens after.

    `faults` are facts of transport, not of truth: on that night the first answer of the MIS is "half" or "empty"; asked
    again later, it answers truly. `school_days` are ISO weekdays (1 is Monday). `hue` is in degrees.
    """

    slug: str
    name: str
    timezone: str
    locale: str
    currency: str
    country: str
    hue: int
    domains: tuple[str, ...]
    year_labels: tuple[str, ...]
    mis_product: str
    mis_partner: str  # "" where the MIS is reached directly
    am_slot: datetime.time
    school_days: tuple[int, ...]
    primary_years: tuple[str, ...]
    student_access_years: tuple[str, ...]
    block_own_domains_for_guardians: bool
    staff_leavers_authoritative: bool
    super_user: str  # key of the member of staff whom support designates (R45)
    faults: Mapping[int, str]
    first: Night
    events: tuple[Event, ...]

    def at(self, night: int) -> Night:
        """Return the picture of that night, 1 to 5.

        Raises:
            NoSuchNight: there is none of that number.

        """
        if night not in NIGHTS:
            raise NoSuchNight(night)
        picture = self.first
        for number in range(2, night + 1):
            picture = following(picture, [event.change for event in self.events_on(number)])
        return picture

    def events_on(self, night: int) -> tuple[Event, ...]:
        """Return what happened between the night before and this one."""
        return tuple(event for event in self.events if event.night == night)


class World(msgspec.Struct, frozen=True, kw_only=True):
    """All the schools there are, and the seed they grew from."""

    seed: int
    schools: tuple[SchoolWorld, ...]

    def school(self, slug: str) -> SchoolWorld:
        """Return the school of that slug.

        Raises:
            NoSuchSchool: there is none.

        """
        for school in self.schools:
            if school.slug == slug:
                return school
        raise NoSuchSchool(slug)


SHELVES: Final[tuple[type[Truth], ...]] = (
    StudentTruth,
    GuardianTruth,
    StaffTruth,
    ClassTruth,
    TieTruth,
    EnrolmentTruth,
    TeachingTruth,
    MedicalTruth,
    DietaryTruth,
)

# What hangs on a record, and at which place of its identity that record is named.
_HANGS_ON: Final[Mapping[type[Truth], Sequence[tuple[type[Truth], int]]]] = {
    StudentTruth: ((TieTruth, 0), (EnrolmentTruth, 1), (MedicalTruth, 0), (DietaryTruth, 0)),
    GuardianTruth: ((TieTruth, 1),),
    StaffTruth: ((TeachingTruth, 1),),
    ClassTruth: ((EnrolmentTruth, 0), (TeachingTruth, 0)),
}

_Shelves = dict[type[Truth], dict[Any, Any]]  # each shelf has its own types; `Night` gives them back


def first_night(records: Sequence[Truth]) -> Night:
    """Make the picture of night 1 from these records.

    Raises:
        Contradiction: a record is given twice.

    """
    shelves: _Shelves = {of: {} for of in SHELVES}
    for record in records:
        _arrive(shelves, record)
    return _night(1, shelves)


def following(night: Night, changes: Sequence[Change]) -> Night:
    """Make the picture of the night after this one.

    Raises:
        Contradiction: a change does not fit the picture.

    """
    shelves: _Shelves = {of: dict(getattr(night, of.shelf)) for of in SHELVES}
    for change in changes:
        match change:
            case Arrives(record=record):
                _arrive(shelves, record)
            case Alters(of=of, identity=identity, to=to):
                shelves[of][identity] = msgspec.structs.replace(_held(shelves, of, identity), **to)
            case Leaves(of=of, identity=identity):
                _leave(shelves, of, identity)
    return _night(night.number + 1, shelves)


def _night(number: int, shelves: _Shelves) -> Night:
    date = FIRST_DAY + datetime.timedelta(days=number - 1)
    return Night(number=number, date=date, **{of.shelf: shelf for of, shelf in shelves.items()})


def _held(shelves: _Shelves, of: type[Truth], identity: Identity) -> Truth:
    record = shelves[of].get(identity)
    if not isinstance(record, of):
        message = f"{of.__name__} {identity} is not there"
        raise Contradiction(message)
    return record


def _arrive(shelves: _Shelves, record: Truth) -> None:
    shelf = shelves[type(record)]
    if record.identity in shelf:
        message = f"{type(record).__name__} {record.identity} is there already"
        raise Contradiction(message)
    shelf[record.identity] = record


def _leave(shelves: _Shelves, of: type[Truth], identity: Identity) -> None:
    _held(shelves, of, identity)
    contacts = [tie.guardian for tie in shelves[TieTruth].values() if of is StudentTruth and tie.student == identity]
    del shelves[of][identity]
    for hanging, place in _HANGS_ON.get(of, ()):
        shelf = shelves[hanging]
        for at in [at for at in shelf if at[place] == identity]:
            del shelf[at]
    tied = {tie.guardian for tie in shelves[TieTruth].values()}
    for contact in contacts:
        if contact not in tied:
            del shelves[GuardianTruth][contact]
