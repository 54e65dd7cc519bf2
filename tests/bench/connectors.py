"""How fast each connector reads, and whether its memory stays flat: `python -m tests.bench.connectors`.

For each size a simulator in a process of its own, and a reader in a fresh one. Memory is the reader's peak; flat means
within 20 % of the smallest size. Decoding ends with typed rows and is held against `json.loads` alone on the same
pages; the target is half as fast, at a size where opening a file no longer counts. The last figure is all that the
connector does with pages at hand, decoding, keeping on disk, joining and writing records, against the same.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any, Final

from local.world.build import crowd
from tests.sync.contract.stands import STANDS, Stand

SIZES: Final = (500, 5_000, 20_000)
FLAT: Final = 1.2
LARGEST_TAPE: Final = 5_000  # students; more pages than that are not kept in memory


def main() -> int:
    """Measure, and print a table; 1 where a connector's memory grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--only", choices=[stand.key for stand in STANDS], nargs="+")
    options = parser.parse_args()
    grown = [
        stand.key
        for stand in STANDS
        if stand.key in (options.only or [stand.key])
        if not _measured(stand, options.sizes)
    ]
    return 1 if grown else 0


def _measured(stand: Stand, sizes: list[int]) -> bool:
    """Measure one connector, print its lines, and return whether its memory stayed flat."""
    peaks = []
    for students in sizes:
        with_tape = students <= LARGEST_TAPE
        told = _read(stand, students, "reading")
        peaks.append(told["kilobytes"])
        ratio = _read(stand, students, "decoding") if with_tape else None
        line = f"{stand.key:<12}{students:>7} students  {told['seconds']:>7.2f} s  {students / told['seconds']:>8.0f}/s"
        line += f"  {told['kilobytes'] / 1024:>6.1f} MB ({told['kilobytes'] / peaks[0]:.2f}×)"
        if ratio:
            decoding, work = ratio["parser"] / ratio["decoding"], ratio["parser"] / ratio["connector"]
            line += f"  decoding {decoding:.2f}× as fast as json.loads alone, all its work {work:.2f}×"
        print(line, flush=True)
    flat = max(peaks) / peaks[0] <= FLAT
    print(f"{stand.key:<12}memory {'is flat' if flat else 'GROWS'}")
    return flat


def _read(stand: Stand, students: int, what: str) -> dict[str, float]:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(stand.key, students, theirs), daemon=True
    )
    server.start()
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{what}", stand.key],
            input=json.dumps(ours.recv()),
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        ours.send("over")
        server.join()
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _serve(key: str, students: int, pipe: Connection) -> None:
    stand: Stand = next(one for one in STANDS if one.key == key)
    with stand.serve(crowd(students=students), frozenset()) as served:
        settings: dict[str, Any] = {**served.settings}
        settings.pop("page_size", None)  # the partner's usual pages, not the contract's small ones
        pipe.send(settings)
        pipe.recv()


if __name__ == "__main__":
    sys.exit(main())
