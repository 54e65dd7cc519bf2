"""A real partner on this machine that answers as a test says, and a way out to it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, ClassVar

import pytest

from local.simulators.server import Reply, Request, Simulator, as_json, running
from local.world.build import crowd
from sync.http import Http

SCHOOL = crowd(students=14)


SECRET = "k3y-of-the-school"


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


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a partner with these pages; its base URL and itself."""
    with ExitStack() as stack:

        def start(pages: dict[str, Any] | None = None, *faults: str) -> tuple[str, Partner]:
            partner = Partner(pages or {"/": as_json([])}, faults=frozenset(faults))
            return stack.enter_context(running(partner)), partner

        yield start


@pytest.fixture
def waits() -> list[float]:
    """Every pause that was made; nobody really waits."""
    return []


@pytest.fixture
def http(waits: list[float]) -> Iterator[Http]:
    """A way out that may reach this machine."""
    with Http(loopback=True, sleep=waits.append, timeout=(2, 2), longest=100_000) as one:
        yield one
