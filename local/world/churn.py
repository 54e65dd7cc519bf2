"""What happens in any school between two nights: a few come, a few go, somebody moves form, an address is put right."""

from collections.abc import Sequence
from typing import Final

from local.world.dice import Dice
from local.world.families import NICKNAMES, NOT_ADDRESSES, PROVIDERS, Registrar, Seat
from local.world.model import (
    Alters,
    Arrives,
    Change,
    Event,
    GuardianTruth,
    Identity,
    Leaves,
    Night,
    StaffTruth,
    StudentTruth,
    Truth,
)
from local.world.names import latin
from local.world.notes import medical
from local.world.office import Office
from local.world.profiles import Profile
from local.world.staffroom import Staffroom

NOISY_NIGHT: Final = 3  # when addresses change in their capitals only
FIRST_HIRE, LAST_DAY_OF_ONE = 3, 5  # nights on which one member of staff comes, one goes


class Churn:
    """The everyday events of one school. The cast is left alone."""

    def __init__(
        self, *, profile: Profile, office: Office, registrar: Registrar, staffroom: Staffroom, dice: Dice
    ) -> None:
        self._profile = profile
        self._office = office
        self._registrar = registrar
        self._staffroom = staffroom
        self._dice = dice

    def events(self, night: Night) -> list[Event]:
        """Tell what happens after this night as events of the next; about one student in a hundred is touched."""
        tell = _Teller(night.number + 1)
        students = [one for one in night.students.values() if one.key.startswith("crowd-") and one.left_on is None]
        draw = _Draw(self._dice.shuffled(students), size=len(night.students))
        self._leavers(tell, draw, night)
        gone = {event.change.identity for event in tell.told if isinstance(event.change, Leaves)}
        self._changes(tell, draw)
        self._starters(tell, draw, night)
        self._letters(tell, self._staying(night, gone), draw.count(2.5))
        self._staff(tell, night)
        return tell.told

    def _leavers(self, tell: "_Teller", draw: "_Draw", night: Night) -> None:
        for student in draw(1.4):
            tell("left; the MIS dropped them", Leaves(StudentTruth, student.key))
        for student in draw(1.2):
            tell("left; the MIS gives the date", Alters(StudentTruth, student.key, {"left_on": night.date}))

    def _changes(self, tell: "_Teller", draw: "_Draw") -> None:
        for student in draw(2.6):
            tell("moved form", *self._move(student))
        for student in draw(1):
            names = [name for name in NICKNAMES if name != student.preferred_name]
            change = Alters(StudentTruth, student.key, {"preferred_name": self._dice.pick(names)})
            tell("goes by another name", change)
        for student in draw(1):
            tell("a medical note is new", Arrives(medical(student.key, f"m{tell.night}x", self._dice)))

    def _starters(self, tell: "_Teller", draw: "_Draw", night: Night) -> None:
        for student in draw(0.8):
            tell("a brother or sister joined", *self._sibling(student, night))
        for _ in range(draw.count(1.4)):
            tell("a new family joined", *_arrivals(self._registrar.family([self._seat()])))

    def _staying(self, night: Night, gone: set[Identity]) -> list[GuardianTruth]:
        """Guardians of the crowd with a child who stays: the MIS drops the others with their last child."""
        parents = {tie.guardian for tie in night.ties.values() if tie.student not in gone}
        crowd = [one for one in night.guardians.values() if one.key.startswith("crowd-") and one.key in parents]
        return self._dice.shuffled(crowd)

    def _move(self, student: StudentTruth) -> tuple[Change, ...]:
        year = self._profile.years[self._profile.school.year_labels.index(student.year)]
        others = [form for form in year.forms if form != student.form]
        return (Alters(StudentTruth, student.key, {"form": self._dice.pick(others)}),) if others else ()

    def _seat(self) -> Seat:
        year = self._dice.pick(self._profile.years)
        return Seat(year.number, self._dice.pick(year.forms))

    def _sibling(self, student: StudentTruth, night: Night) -> tuple[Change, ...]:
        """Seat a child at least two years older or younger than the others, under the same guardians."""
        ties = night.ties_of(student.key)
        labels = self._profile.school.year_labels
        taken = [labels.index(child.year) for tie in ties for child in night.children_of(tie.guardian)]
        seats = [Seat(year.number, self._dice.pick(year.forms)) for year in self._profile.years]
        free = [seat for seat in seats if all(abs(seat.year - year) > 1 for year in taken)]
        return _arrivals(self._registrar.sibling(self._dice.pick(free), student, ties)) if free else ()

    def _letters(self, tell: "_Teller", guardians: Sequence[GuardianTruth], count: int) -> None:
        """So many addresses put right, addresses changed and telephones changed."""
        missing = [one for one in guardians if not one.email or one.email in NOT_ADDRESSES]
        real = [one for one in guardians if one.email.endswith(PROVIDERS)]
        for guardian in missing[:count]:
            tell("has an address at last", Alters(GuardianTruth, guardian.key, {"email": self._address(guardian)}))
        for guardian in real[:count]:
            tell("has another address", Alters(GuardianTruth, guardian.key, {"email": self._address(guardian)}))
        for guardian in real[count : 2 * count]:
            tell("has another telephone", Alters(GuardianTruth, guardian.key, {"phone": self._office.phone()}))
        if tell.night == NOISY_NIGHT:
            for guardian in real[2 * count : 3 * count]:
                change = Alters(GuardianTruth, guardian.key, {"email": guardian.email.upper()})
                tell("the same address in capitals", change, cosmetic=True)

    def _address(self, guardian: GuardianTruth) -> str:
        name = f"{latin(guardian.given_name)}.{latin(guardian.family_name)}".strip(".") or "family"
        return self._office.address(name, self._dice.pick(PROVIDERS))

    def _staff(self, tell: "_Teller", night: Night) -> None:
        if tell.night == FIRST_HIRE:
            tell("started work", Arrives(self._staffroom.newcomer("Teaching assistant")))
        if tell.night == LAST_DAY_OF_ONE:
            crowd = [one.key for one in night.staff.values() if one.key.startswith("crowd-staff-")]
            tell("stopped working here", Leaves(StaffTruth, self._dice.pick(crowd)))


class _Teller:
    """Collects the events of one night."""

    def __init__(self, night: int) -> None:
        self.night = night
        self.told: list[Event] = []

    def __call__(self, why: str, *changes: Change, cosmetic: bool = False) -> None:
        self.told.extend(Event(night=self.night, change=change, why=why, cosmetic=cosmetic) for change in changes)


class _Draw:
    """Draws students so that nothing happens twice to one of them in a night."""

    def __init__(self, students: list[StudentTruth], *, size: int) -> None:
        self._students = students
        self._size = size

    def count(self, per_thousand: float) -> int:
        """So many in a thousand of this school, at least one."""
        return max(1, round(self._size * per_thousand / 1000))

    def __call__(self, per_thousand: float) -> list[StudentTruth]:
        return [self._students.pop() for _ in range(min(len(self._students), self.count(per_thousand)))]


def _arrivals(records: Sequence[Truth]) -> tuple[Change, ...]:
    return tuple(Arrives(record) for record in records)
