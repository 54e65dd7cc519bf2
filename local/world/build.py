"""Makes the world: `world()` for the five demo schools, `crowd()` for one school of any size."""

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from local.world.churn import Churn
from local.world.dice import Dice
from local.world.families import PROVIDERS, Registrar, groups, seats
from local.world.model import (
    NIGHTS,
    Arrives,
    Change,
    Event,
    GuardianTruth,
    Night,
    Person,
    SchoolWorld,
    StaffTruth,
    StudentTruth,
    TeachingTruth,
    Truth,
    World,
    first_night,
    following,
)
from local.world.office import Office
from local.world.profiles import DEMO, Profile, crowded
from local.world.staffroom import Staffroom
from local.world.timetable import Timetable

SEED: Final = 2026
STAFF_WHO_ARE_PARENTS: Final = 8  # per school; half of them use the staff address in both records (R40, R44)

Kind = TypeVar("Kind", bound=Truth)


def world(seed: int = SEED) -> World:
    """Make the five demo schools over nights 1 to 5: the same for the same seed, on any machine and in any process."""
    return World(seed=seed, schools=tuple(_school(profile, seed) for profile in DEMO))


def crowd(*, students: int = 2000, seed: int = SEED) -> SchoolWorld:
    """Make a school of that many students with everyday nights and nobody of the cast, for measuring.

    Raises:
        ValueError: fewer than one student a year.

    """
    return _school(crowded(students=students), seed)


class _Builder:
    """Puts one school together; every part draws from dice of its own."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile = profile
        self.dice = Dice(seed=f"{seed}/{profile.school.slug}")
        self.office = Office(refs=profile.refs, country=profile.school.country, taken=_addresses(profile))
        self.registrar = Registrar(profile=profile, office=self.office, dice=self.dice.child("families"))
        self.staffroom = Staffroom(profile=profile, office=self.office, dice=self.dice.child("staff"))
        self.timetable = Timetable(profile=profile, office=self.office)
        self.churn = Churn(
            profile=profile,
            office=self.office,
            registrar=self.registrar,
            staffroom=self.staffroom,
            dice=self.dice.child("nights"),
        )

    def first(self) -> Night:
        """Night 1."""
        cast = self.profile.people
        families = self._families(_only(StudentTruth, cast))
        parents = [guardian for guardian in _only(GuardianTruth, families) if guardian.email.endswith(PROVIDERS)]
        parents = self.dice.child("parents").sample(parents, min(STAFF_WHO_ARE_PARENTS, len(parents)))
        known = _only(StaffTruth, cast)
        hired = self.staffroom.opening(count=self.profile.staff - len(known), parents=parents)
        families = _on_staff_address(families, hired[: len(parents) // 2])
        teaching = self.timetable.teaching([*known, *hired], _only(TeachingTruth, cast))
        enrolments = self.timetable.enrolments(_only(StudentTruth, [*cast, *families]))
        return first_night([*cast, *families, *hired, *self.timetable.classes, *enrolments, *teaching])

    def after(self, night: Night) -> list[Event]:
        """Everything that happens between this night and the next, the seats in class last."""
        number = night.number + 1
        told = [
            Event(night=number, change=change, why=scene.why, cosmetic=scene.cosmetic)
            for scene in self.profile.scenes
            if scene.night == number
            for change in scene.changes
        ]
        told += self.churn.events(night)
        seats_changed = self.timetable.settle(night, following(night, _changes(told)))
        return told + [Event(night=number, change=change, why="follows from the above") for change in seats_changed]

    def _families(self, cast: Sequence[StudentTruth]) -> list[Truth]:
        together = groups(seats(self.profile, cast), self.dice.child("groups"))
        return [record for children in together for record in self.registrar.family(children)]


def _school(profile: Profile, seed: int) -> SchoolWorld:
    builder = _Builder(profile, seed)
    first = night = builder.first()
    events: list[Event] = []
    for _ in NIGHTS[1:]:
        told = builder.after(night)
        night = following(night, _changes(told))
        events += told
    return msgspec.structs.replace(profile.school, first=first, events=tuple(events))


def _only(kind: type[Kind], records: Sequence[Truth]) -> list[Kind]:
    return [record for record in records if isinstance(record, kind)]


def _changes(events: Sequence[Event]) -> list[Change]:
    return [event.change for event in events]


def _addresses(profile: Profile) -> list[str]:
    """Every address that belongs to the cast on any night."""
    arriving = [change.record for scene in profile.scenes for change in scene.changes if isinstance(change, Arrives)]
    return [person.email for person in _only(Person, [*profile.people, *arriving]) if person.email]


def _on_staff_address(families: Sequence[Truth], staff: Sequence[StaffTruth]) -> list[Truth]:
    """Give these families back, where the guardians who are these staff use their staff address."""
    addresses = {one.key: one.email for one in staff}
    return [
        msgspec.structs.replace(record, email=addresses[record.key])
        if isinstance(record, GuardianTruth) and record.key in addresses
        else record
        for record in families
    ]
