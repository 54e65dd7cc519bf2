"""A partner on this machine that answers as a test says."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from local.simulators.server import Reply, Request, Simulator
from local.world.build import crowd

SCHOOL: Final = crowd(students=14)
SECRET: Final = "k3y-of-the-school"


class Partner(Simulator):
    """Answers as the test says: one reply a path, or a list of them, the last for ever."""

    key: ClassVar[str] = "partner"

    def __init__(self, pages: dict[str, Any], **how: Any) -> None:
        super().__init__(SCHOOL, 1, **how)
        self.pages = pages

    def reply(self, request: Request) -> Reply:
        page = self.pages.get(request.path, Reply(404))
        if callable(page):
            page = page(request)
        if isinstance(page, list):
            page = page.pop(0) if len(page) > 1 else page[0]
        assert isinstance(page, Reply)
        return page


Serve = Callable[..., tuple[str, Partner]]
