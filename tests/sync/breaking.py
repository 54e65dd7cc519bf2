"""A ManageBac that breaks off in the middle of a pull, and what it was asked for."""

import dataclasses
from typing import Any, ClassVar

from local.simulators.managebac import TOKEN, ManageBac
from local.simulators.server import HANG, Reply, Request, Simulator
from local.world.model import SchoolWorld
from sync.operations import connections
from tenants import scope
from tests.sync.conftest import Place

IN_A_HURRY = {"Retry-After": "0"}


class Breaking(Simulator):
    """One school on one night, ten rows a page. From `breaks_at` on, counted from 1, requests get `broken`."""

    key: ClassVar[str] = "breaking"

    def __init__(self, school: SchoolWorld, night: int = 1) -> None:
        super().__init__(school, night)
        self.turn(night)
        self.breaks_at, self.broken, self.late = 0, Reply(503, headers=IN_A_HURRY), 0.0

    def turn(self, night: int) -> None:
        """Show the school as it is on that night."""
        self.managebac = ManageBac(self.school, night, most=10)

    def breaks(self, at: int, *, reply: Reply | None = None) -> None:
        """Forget what was asked; break from a request on, 0 for not at all."""
        self.requests.clear()
        self.breaks_at, self.broken, self.late = at, reply or Reply(503, headers=IN_A_HURRY), 0.0

    def hangs(self, at: int) -> None:
        """Break by not answering."""
        self.breaks(at, reply=Reply(200, delay=HANG))

    def slows(self, at: int, *, by: float = 1.5) -> None:
        """Break by answering two requests so many seconds late."""
        self.breaks(at)
        self.late = by

    def reply(self, request: Request) -> Reply:
        if self.late and request.number in {self.breaks_at, self.breaks_at + 1}:
            return dataclasses.replace(self.managebac.reply(request), delay=self.late)
        return self.broken if not self.late and 0 < self.breaks_at <= request.number else self.managebac.reply(request)

    def asked(self) -> list[tuple[str, str]]:
        """The list and the page of each request."""
        return [(request.path.rpartition("/")[2], request.query.get("page", "")) for request in list(self.requests)]


def connect(place: Place, url: str, **given: Any) -> None:
    """Have a school read from there."""
    with scope.school(place.school.pk):
        connections.connect(
            school=place.school, connector="managebac", given={"token": TOKEN, "base_url": url, **given}
        )
