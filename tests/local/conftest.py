"""A place of its own for each test, wiped afterwards."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from local import demo
from local.places import InUseError, Place


@pytest.fixture
def place() -> Iterator[Place]:
    """A name nobody else uses; whatever was started or kept under it is gone after the test."""
    fresh = Place(name=f"selftest-{os.getpid()}")
    yield fresh
    with contextlib.suppress(InUseError), fresh.claimed():
        demo.wipe(fresh)
