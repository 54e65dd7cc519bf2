"""Forty times as many students need hardly more memory, whichever format they come in."""

import csv
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from local.places import ROOT

SMALL, LARGE = 500, 20_000
MOST = 1.2  # times as much memory, at most

READ = """
import collections, pathlib, re, resource, sys
from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.http import Http
counts = collections.Counter(type(each).__name__ for each in CsvFiles(CsvSettings(folder=sys.argv[1]), Http()).roster())
status = pathlib.Path("/proc/self/status")  # on Linux, ru_maxrss would count the process that started this one as well
peak = re.search("VmHWM:\\s*([0-9]+)", status.read_text())[1] if status.exists() else 0
print(counts["Student"], peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def lay(folder: Path, name: str, header: str, rows: Iterable[tuple[object, ...]]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as page:
        csv.writer(page).writerows([header.split(","), *rows])


def ours(folder: Path, students: int) -> None:
    lay(folder, "students", "ref,given_name,family_name,email", ((n, "Ann", f"Lee {n}", "") for n in range(students)))
    lay(folder, "guardians", "ref,given_name,family_name", ((n, "Bo", f"Lee {n}") for n in range(students)))
    lay(folder, "ties", "student_ref,guardian_ref", ((n, g) for n in range(students) for g in (n, (n + 1) % students)))
    lay(folder, "enrolments", "class_ref,student_ref", ((c, n) for n in range(students) for c in range(3)))


def oneroster(folder: Path, students: int) -> None:
    lay(folder, "orgs", "sourcedId,name,type", [("s", "The school", "school")])
    lay(folder, "classes", "sourcedId,title,classType,schoolSourcedId", ((c, f"7{c}", "homeroom", "s") for c in "AB"))
    people = [("student", "s", "g"), ("parent", "g", "s")]
    users: Iterator[tuple[object, ...]] = (
        (f"{own}{n}", "s", role, "Ann", f"Lee {n}", f"{other}{n}")
        for role, own, other in people
        for n in range(students)
    )
    lay(folder, "users", "sourcedId,orgSourcedIds,role,givenName,familyName,agentSourcedIds", users)
    lay(folder, "enrollments", "sourcedId,classSourcedId,userSourcedId,role", (
        (n, "AB"[n % 2], f"s{n}", "student") for n in range(students)
    ))  # fmt: skip
    lay(folder, "demographics", "sourcedId,birthDate", ((f"s{n}", "2015-04-03") for n in range(students)))


def basic(folder: Path, students: int) -> None:
    lay(folder, "sections", "School_id,Section_id,Name", [("1", "A", "7A")])
    header = "School_id,Student_id,First_name,Last_name,Contact_sis_id,Contact_name"
    rows = (("1", n, "Ann", f"Lee {n}", f"g{n + c}", f"Lee {n + c}, Bo") for n in range(students) for c in range(2))
    lay(folder, "students", header, rows)
    lay(folder, "enrollments", "School_id,Section_id,Student_id", (("1", "A", n) for n in range(students)))


@pytest.mark.parametrize("write", [ours, oneroster, basic])
def test_memory_does_not_grow_with_the_school(tmp_path: Path, write: object) -> None:
    def memory(students: int) -> int:
        folder = tmp_path / str(students)
        folder.mkdir()
        write(folder, students)  # type: ignore[operator] # one of the three above
        said = subprocess.run(
            [sys.executable, "-c", READ, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split()
        assert int(said[0]) == students
        return int(said[1])

    small, large = memory(SMALL), memory(LARGE)
    assert large < small * MOST, f"{small} kB for {SMALL} students, {large} kB for {LARGE}"
