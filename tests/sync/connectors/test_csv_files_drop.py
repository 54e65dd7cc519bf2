"""The drop folder: which batch is the newest whole one, and that none is read while it is written."""

import os
import time
import zipfile
from pathlib import Path

import pytest

from sync.connectors.csv_files import CsvFiles, drop
from sync.connectors.csv_files.settings import CsvSettings
from sync.errors import Broken, Busy, SyncError
from sync.http import Http
from sync.records import Student

HOUR = 3600.0


def lay(path: Path, name: str = "Ann", *, hours: float = 1) -> None:
    """Lay a roster of one student of that name into the drop folder; `hours` is how long ago."""
    path.parent.mkdir(exist_ok=True)
    text = f"ref,given_name,family_name\n1,{name},Lee\n"
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            zipped.writestr("students.csv", text)
    else:
        path.write_text(text)
    at = time.time() - hours * HOUR
    os.utime(path, (at, at))


def who(folder: Path) -> str:
    """The name of the student in the batch that is read."""
    settings = CsvSettings(folder=str(folder), place="drop")
    (student,) = [one for one in CsvFiles(settings, Http()).roster() if isinstance(one, Student)]
    return student.given_name


def fault(folder: Path) -> SyncError:
    with pytest.raises(SyncError) as caught:
        who(folder)
    return caught.value


def test_the_newest_of_folders_zips_and_loose_files(tmp_path: Path) -> None:
    lay(tmp_path / "students.csv", "Loose", hours=5)
    assert who(tmp_path) == "Loose"
    lay(tmp_path / "monday" / "students.csv", "Folder", hours=4)
    assert who(tmp_path) == "Folder"
    lay(tmp_path / "roster.zip", "Zip", hours=3)
    assert who(tmp_path) == "Zip"
    lay(tmp_path / ".hidden" / "students.csv", "Hidden", hours=2)
    lay(tmp_path / "students.txt", "Text", hours=2)
    assert who(tmp_path) == "Zip"


@pytest.mark.parametrize("path", ["students.csv", "today/students.csv", "today.zip"])
def test_what_is_still_being_written_is_left_alone(tmp_path: Path, path: str) -> None:
    lay(tmp_path / path, "New", hours=0)
    assert isinstance(fault(tmp_path), Busy)
    lay(tmp_path / "yesterday" / "students.csv", "Old", hours=24)
    assert who(tmp_path) == "Old"
    at = time.time() - drop.SETTLED - 1
    os.utime(tmp_path / path, (at, at))
    assert who(tmp_path) == "New"


@pytest.mark.parametrize(
    ("path", "marker"),
    [
        ("students.csv", ".done"),
        ("students.csv", "all.done"),
        ("today/students.csv", "today/roster.done"),
        ("today/students.csv", "today.done"),
        ("today.zip", "today.zip.done"),
        ("today.zip", "today.done"),
    ],
)
def test_a_marker_says_that_a_batch_is_whole(tmp_path: Path, path: str, marker: str) -> None:
    lay(tmp_path / "yesterday" / "students.csv", "Old", hours=24)
    lay(tmp_path / path, "New", hours=0)
    assert who(tmp_path) == "Old"
    (tmp_path / marker).touch()
    assert who(tmp_path) == "New"


@pytest.mark.parametrize(("path", "marker"), [("students.csv", "all.done"), ("today.zip", "today.done")])
def test_a_marker_of_the_night_before_says_nothing_of_files_written_since(
    tmp_path: Path, path: str, marker: str
) -> None:
    lay(tmp_path / "yesterday" / "students.csv", "Old", hours=24)
    lay(tmp_path / path, "New", hours=0)
    (tmp_path / marker).touch()
    at = time.time() - 24 * HOUR
    os.utime(tmp_path / marker, (at, at))
    assert who(tmp_path) == "Old"


def test_a_link_to_a_file_of_somebody_else_is_not_followed(tmp_path: Path) -> None:
    lay(tmp_path / "other" / "students.csv", "Stranger")
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "students.csv").symlink_to(tmp_path / "other" / "students.csv")
    (ours / "today").symlink_to(tmp_path / "other", target_is_directory=True)
    assert "holds no files" in str(fault(ours))
    upload = CsvFiles(CsvSettings(folder=str(ours)), Http())
    with pytest.raises(Broken, match="no students"):
        list(upload.roster())


def test_an_empty_file_is_not_settled(tmp_path: Path) -> None:
    lay(tmp_path / "students.csv")
    (tmp_path / "ties.csv").touch()
    os.utime(tmp_path / "ties.csv", (1, 1))
    assert isinstance(fault(tmp_path), Busy)


def test_marks_are_no_roster(tmp_path: Path) -> None:
    lay(tmp_path / "students.csv", "Ann", hours=5)
    lay(tmp_path / "today" / "attendance.csv", hours=1)
    assert who(tmp_path) == "Ann"


def test_nothing_there_is_broken_and_so_is_far_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "holds no files" in str(fault(tmp_path))
    assert isinstance(fault(tmp_path / "nowhere"), Broken)
    monkeypatch.setattr(drop, "MOST_FILES", 1)
    lay(tmp_path / "students.csv")
    lay(tmp_path / "staff.csv")
    assert "more than 1 files" in str(fault(tmp_path))
