"""Staff without a story: teachers and everybody else, some of them parents of the school."""

from collections.abc import Sequence
from typing import Final

from local.world.dice import Dice
from local.world.model import GuardianTruth, StaffTruth
from local.world.names import latin
from local.world.office import Office
from local.world.profiles import Profile
from local.world.timetable import PRIMARY, SUBJECTS

POSTS: Final = (
    "School nurse",
    "Receptionist",
    "Attendance officer",
    "Bursar",
    "Librarian",
    "Site manager",
    "Laboratory technician",
    "Teaching assistant",
    "Teaching assistant",
    "Cover supervisor",
    "Cook",
    "Peripatetic music teacher",
)
TEACHING_SHARE: Final = 0.78  # of all staff


class Staffroom:
    """Takes on the staff of one school."""

    def __init__(self, *, profile: Profile, office: Office, dice: Dice) -> None:
        self._profile = profile
        self._office = office
        self._dice = dice
        self._hired = 0

    def opening(self, *, count: int, parents: Sequence[GuardianTruth]) -> list[StaffTruth]:
        """Hire the staff of night 1; the first of them are these parents, under their own key."""
        posts = _posts(count, self._profile.primary_share)
        known = [self._from_parent(parent, post) for parent, post in zip(parents, posts, strict=False)]
        return [*known, *(self.newcomer(post) for post in posts[len(known) :])]

    def newcomer(self, post: str) -> StaffTruth:
        """Hire somebody new in that post."""
        pool = self._dice.weighted(self._profile.names)
        female = self._dice.chance(0.64)
        given = self._dice.pick(pool.girls if female else pool.boys)
        family = self._dice.pick(pool.families)
        self._hired += 1
        return StaffTruth(
            key=f"crowd-staff-{self._hired:04d}",
            ref=self._office.ref("staff"),
            title=self._dice.pick(("Ms", "Mrs", "Miss", "Dr") if female else ("Mr", "Mr", "Dr")),
            given_name=given.written,
            family_name=family.written,
            email=self._address(given.latin, family.latin),
            phone=self._office.phone() if self._dice.chance(0.6) else "",
            post=post,
        )

    def _from_parent(self, parent: GuardianTruth, post: str) -> StaffTruth:
        name = latin(parent.given_name) or "staff", latin(parent.family_name) or "member"
        return StaffTruth(
            key=parent.key,
            ref=self._office.ref("staff"),
            title=parent.title,
            given_name=parent.given_name,
            family_name=parent.family_name,
            email=self._office.address(".".join(name), self._profile.school.domains[0]),
            phone=parent.phone,
            post=post,
        )

    def _address(self, given: str, family: str) -> str:
        """Nearly always on a domain of the school, in one case of eight on its second; rarely none or a private one."""
        domains = self._profile.school.domains
        percent = self._dice.below(100)
        if percent < 2:
            return ""
        domain = "webpost.example" if percent < 4 else domains[-1] if percent < 16 else domains[0]
        return self._office.address(f"{given}.{family}", domain)


def _posts(count: int, primary_share: float) -> list[str]:
    teachers = int(count * TEACHING_SHARE)
    primary = int(teachers * primary_share)
    seniors = [subject for subject in SUBJECTS if subject != PRIMARY]
    return [
        *(f"Teacher of {seniors[at % len(seniors)]}" for at in range(teachers - primary)),
        *(f"Teacher of {PRIMARY}" for _ in range(primary)),
        *(POSTS[at % len(POSTS)] for at in range(count - teachers)),
    ]
