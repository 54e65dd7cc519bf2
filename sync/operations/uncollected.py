"""A whole roster in memory without the collector of cycles, which would look through all of it time and again."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Keep the collector away, and let it catch up afterwards.

    Records, held rows and plans are plain values without a cycle among them, hundreds of thousands at a large school:
    looking through them took up to half of a night's time, and found nothing.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
