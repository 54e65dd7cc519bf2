"""Five nights at five schools, each through its own connector: what is held at the end is what the world says.

What differs is declared: a partner that cuts names, accents that come as letters of their own, and whoever waits for a
person to decide.
"""

import contextlib
import dataclasses
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from django.utils import timezone

from local import seed
from local.simulators.feeds import Feed, Served, feed_of
from local.simulators.remote import RemoteFeed
from local.world.build import world
from local.world.model import NIGHTS, Night, Person, SchoolWorld
from sync.models import Connection, Hold, Run
from sync.operations import runs
from tenants import scope
from tenants.models import School
from users.models import StaffMember, Student, Tie

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

WORLD = world()
LONGEST_NAME: Final = {"heronfork": 50}  # GG4L cuts them there
WAITS_FOR_A_PERSON: Final = {("northgate", 5): "Bob Stone"}  # he has the number of somebody else

Names = Counter[tuple[str, ...]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Followed:
    """A school in the database and the feed that it is read from."""

    school: School
    feed: Feed

    def sync(self, night: int, *, bad: str = "") -> Run:
        """Let the MIS be on a night, with what the world calls a bad one if asked, and read it."""
        self.feed.move(night=night, faults=self.feed.bad_nights[bad] if bad else ())
        return self.read(night)

    def read(self, night: int) -> Run:
        """Read the feed as it is."""
        with scope.school(self.school.pk):
            run = runs.request(
                school=self.school,
                trigger=Run.Trigger.ONE_OFF,
                at=timezone.now(),
                night=self.feed.school.at(night).date,
                enqueue=False,
            )
        return runs.perform(school=self.school, run=run.pk)

    def here(self) -> dict[str, Names]:
        """Return who is held to be at the school, by name, and which ties are in force."""
        with scope.school(self.school.pk):
            return {"students": held_people(Student), "staff": held_people(StaffMember), "ties": held_ties()}


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[[SchoolWorld], Followed]]:
    """Make a school of the world in the database, connected to its feed as the demo does it."""
    with contextlib.ExitStack() as served:

        def make(told: SchoolWorld) -> Followed:
            feed = feed_of(told, folder=tmp_path)
            if isinstance(feed, Served):
                served.enter_context(feed.served())
            remote = RemoteFeed(connector=feed.key, settings=feed.settings(), night=1, faults=(), bad_nights={})
            return Followed(school=seed.make_school(told, remote), feed=feed)

        yield make


def named(slug: str, *people: Person) -> tuple[str, ...]:
    """The names as this school's connector can say them."""
    cut = LONGEST_NAME.get(slug)
    parts = (f"{one.given_name[:cut]} {one.family_name[:cut]}" for one in people)
    return tuple(unicodedata.normalize("NFC", part).strip() for part in parts)


def true_names(slug: str, night: Night) -> dict[str, Names]:
    """Return who is at the school by what the world says, and which ties there are."""
    pairs = [(night.students[student], night.guardians[guardian]) for student, guardian in night.ties]
    return {
        "students": Counter(named(slug, one) for one in night.students.values() if one.left_on is None),
        "staff": Counter(named(slug, one) for one in night.staff.values() if one.left_on is None),
        "ties": Counter(named(slug, child, adult) for child, adult in pairs if child.left_on is None),
    }


def held_people(of: type[Student | StaffMember]) -> Names:
    return Counter((f"{one.given_name} {one.family_name}",) for one in of.objects.filter(status="active"))


def held_ties() -> Names:
    ties = Tie.objects.filter(ended_on=None, student__status="active").select_related("student", "guardian")
    return Counter(tuple(f"{one.given_name} {one.family_name}" for one in (tie.student, tie.guardian)) for tie in ties)


def without(names: Names, waiting: str) -> Names:
    return Counter({name: count for name, count in names.items() if name[0] != waiting})


@pytest.mark.parametrize("told", WORLD.schools, ids=lambda told: told.slug)
def test_every_night_ends_as_the_world_says(follow: Callable[[SchoolWorld], Followed], told: SchoolWorld) -> None:
    place = follow(told)
    for number in NIGHTS:
        truth = true_names(told.slug, told.at(number))
        if bad := told.faults.get(number):
            before = place.here()
            place.sync(number, bad=bad)
            after = place.here()
            # Nobody goes whom the world still has: neither a person nor a tie.
            assert [kind for kind in truth if not before[kind] & truth[kind] <= after[kind]] == []
        assert place.sync(number).status in {Run.Status.OK, Run.Status.PARTIAL}
        waiting = WAITS_FOR_A_PERSON.get((told.slug, number), "")
        assert place.here() == {kind: without(names, waiting) for kind, names in truth.items()}


@pytest.mark.parametrize("night", [1, 2], ids=["on the day of the first sync", "a night later"])
def test_a_spreadsheet_that_loses_zeros_makes_nobody_leave_and_nobody_arrive_twice(
    follow: Callable[[SchoolWorld], Followed], night: int
) -> None:
    place = follow(WORLD.school("kareedal"))
    place.sync(1)
    before = place.here()
    place.feed.move(night=1, faults=["lost-zeros"])
    run = place.read(night)
    assert place.here() == before
    with scope.school(place.school.pk):
        holds = {hold.kind: hold for hold in Hold.objects.filter(run=run)}
    assert holds["students"].case == "id scheme"
    assert holds["students"].reason.startswith("143 of 144 students are not in the feed under their ids")


def test_a_demo_that_was_filled_another_way_is_refused(follow: Callable[[SchoolWorld], Followed]) -> None:
    place = follow(WORLD.school("kareedal"))
    with scope.school(place.school.pk):
        Connection.objects.update(connector="wonde")
    with pytest.raises(seed.SeedError, match="make reset"):
        follow(WORLD.school("kareedal"))
