"""Reading a large school takes no more memory than reading a small one: the rows lie on disk."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.simulators.managebac import TOKEN, ManageBac
from local.simulators.server import running
from local.world.build import crowd

SMALL, LARGE = 500, 5_000
GROWTH = 1.2  # at most, for ten times the students
# A process of its own, so that the world and the simulator are not in what is measured.
READER = """
import datetime, sys
from pathlib import Path
from sync.connectors.managebac import ManageBac, ManageBacSettings
from sync.http import Http
what, url, token = sys.argv[1:]
with Http(loopback=True) as http:
    connector = ManageBac(ManageBacSettings(token=token, base_url=url), http)
    given = connector.roster() if what == "roster" else connector.attendance(datetime.date(2026, 11, 9))
    count = sum(1 for _ in given)
(peak,) = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
print(count, peak)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")


def read(what: str, students: int) -> tuple[int, int]:
    """Return how many records came and the reader's peak in kB."""
    with running(ManageBac(crowd(students=students), 1)) as url:
        given = [sys.executable, "-c", READER, what, url, TOKEN]
        done = subprocess.run(given, cwd=Path.cwd(), check=True, capture_output=True, text=True, timeout=120)
    count, peak = map(int, done.stdout.split())
    return count, peak


@pytest.mark.parametrize("what", ["roster", "attendance"])
def test_memory_does_not_grow_with_the_school(what: str) -> None:
    (few, low), (many, high) = read(what, SMALL), read(what, LARGE)
    assert many > 8 * few
    assert high < GROWTH * low
