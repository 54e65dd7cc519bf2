"""A simulated MIS for each school of a fleet, each at an address of its own: `python -m tests.bench.fleet_mis SIZE…`.

Prints their addresses as one JSON list. A number on standard input takes all of them to that night; the answer is how
many requests they have had since the last one. They end with standard input.
"""

import contextlib
import dataclasses
import json
import re
import sys
from typing import ClassVar

from local.simulators.managebac import ManageBac
from local.simulators.server import Reply, Request, Simulator, running
from local.world.build import crowd
from local.world.model import SchoolWorld

_DAY = re.compile(r"(?<=/date/)\d{4}-\d\d-\d\d")


class Turning(Simulator):
    """The ManageBac of one school, which can be taken to another night; whatever day is asked for is a school day."""

    key: ClassVar[str] = "turning"

    def __init__(self, school: SchoolWorld) -> None:
        super().__init__(school, 1)
        self.turn(1)

    def turn(self, night: int) -> None:
        """Show the school as it is on that night, and forget what was asked."""
        self.requests.clear()
        self.day = self.school.at(night).date.isoformat()
        self.managebac = ManageBac(self.school, night)

    def reply(self, request: Request) -> Reply:
        return self.managebac.reply(dataclasses.replace(request, path=_DAY.sub(self.day, request.path)))


def main() -> None:
    """Serve one school for each size that is named."""
    fleet = [Turning(crowd(students=int(size), seed=seed)) for seed, size in enumerate(sys.argv[1:], start=1)]
    with contextlib.ExitStack() as stack:
        print(json.dumps([stack.enter_context(running(one)) for one in fleet]), flush=True)
        for line in sys.stdin:
            asked = sum(len(one.requests) for one in fleet)
            for one in fleet:
                one.turn(int(line))
            print(asked, flush=True)


if __name__ == "__main__":
    main()
