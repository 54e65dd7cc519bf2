"""Progress lines: one step a line, a tick when it is done, and how long it took."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

NARROW = 44


def _can_draw() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


@contextlib.contextmanager
def step(text: str) -> Iterator[None]:
    """Say what is being done; tick it off when the block ends, cross it when it raises."""
    begun = time.monotonic()
    if sys.stdout.isatty():
        print(f"  {text} …" if _can_draw() else f"  {text} ...", end="\r", flush=True)
    try:
        yield
    except BaseException:
        _close(text, mark="✗" if _can_draw() else "FAIL", begun=begun)
        raise
    _close(text, mark="✓" if _can_draw() else "ok", begun=begun)


def _close(text: str, *, mark: str, begun: float) -> None:
    print(f"{mark} {text:<{NARROW}} {time.monotonic() - begun:5.1f} s", flush=True)
