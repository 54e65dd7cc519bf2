"""Marks from attendance.csv: our template and the drop format."""

import csv
import datetime
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.connectors.csv_files.templates import attendance_template
from sync.errors import Broken, Doubtful
from sync.http import Http
from sync.records import NOT_SHARED, Complete, Kind, Mark, MarkRecord, Meaning, Remark, Session, UnreadableMark

DAY = datetime.date(2026, 11, 24)
OURS = "student_ref,date,session,code,meaning,minutes_late,lesson"
DROP = (
    "sourcedId,status,dateLastModified,userSourcedId,schoolSourcedId,classSourcedId,date,session,mark,category,reason,"
    "recordedAt"
)


def marks(folder: Path, text: str, *, day: datetime.date = DAY, **settings: str) -> list[MarkRecord]:
    (folder / "attendance.csv").write_text(text)
    return list(CsvFiles(CsvSettings(folder=str(folder), **settings), Http()).attendance(day))


def mark(ref: str, session: Session, code: str, meaning: Meaning, **more: Any) -> Mark:
    return Mark(student_ref=ref, date=DAY, session=session, code=code, meaning=meaning, **more)


def test_our_template_says_each_part_of_a_day(tmp_path: Path) -> None:
    rows = (
        "007,24/11/2026,am,/,present,,\n"
        "007,2026-11-24,PM,L,Late,12,\n"
        "8,24/11/2026,day,N,absent,,\n"
        "8,24/11/2026,lesson,E,,,L1\n"
        "9,24/11/2026,am,,,,\n"
        "9,23/11/2026,am,/,present,,\n"
    )
    assert marks(tmp_path, f"{OURS}\n{rows}") == [
        mark("007", Session.AM, "/", Meaning.PRESENT, minutes_late=None),
        mark("007", Session.PM, "L", Meaning.LATE, minutes_late=12),
        mark("8", Session.DAY, "N", Meaning.ABSENT, minutes_late=None),
        mark("8", Session.LESSON, "E", Meaning.UNKNOWN, lesson="L1", minutes_late=None),
        mark("9", Session.AM, "", Meaning.NOT_TAKEN, minutes_late=None),
    ]
    assert set(CsvFiles.sessions) == set(Session)


def test_the_drop_format_beside_oneroster(tmp_path: Path) -> None:
    rows = (
        "a1,active,2026-11-24T09:01:00.000Z,ST-1,SC-1,,2026-11-24,AM,N,absent,secret reason,2026-11-24T09:00:00+00:00\n"
        "a2,active,2026-11-24T09:01:00.000Z,ST-1,SC-1,CL-8,2026-11-24,period,/,present,,2026-11-24T09:00:00\n"
        "a3,active,2026-11-24T09:01:00.000Z,ST-1,SC-1,CL-8,2026-11-24,P3,/,present,,\n"
        "a4,active,2026-11-24T09:01:00.000Z,ST-2,SC-1,,2026-11-24,,M,excused,,\n"
        "a5,tobedeleted,2026-11-24T09:01:00.000Z,ST-3,SC-1,,2026-11-24,AM,N,absent,,\n"
    )
    *found, withdrawn = marks(tmp_path, f"{DROP}\n{rows}")
    at = datetime.datetime(2026, 11, 24, 9, tzinfo=datetime.UTC)
    assert found == [
        mark("ST-1", Session.AM, "N", Meaning.ABSENT, recorded_at=at),
        mark("ST-1", Session.LESSON, "/", Meaning.PRESENT, lesson="CL-8", recorded_at=None),
        mark("ST-1", Session.LESSON, "/", Meaning.PRESENT, lesson="CL-8/P3", recorded_at=None),
        mark("ST-2", Session.DAY, "M", Meaning.EXCUSED, recorded_at=None),
    ]
    assert isinstance(withdrawn, Remark)
    assert "1 marks are withdrawn" in withdrawn.text
    assert "secret reason" not in repr(found)


@pytest.mark.parametrize(
    ("row", "ref", "words"),
    [
        (",24/11/2026,am,/,present,,", "", "student_ref is blank"),
        ("1,,am,/,present,,", "1", "date is blank"),
        ("1,31/11/2026,am,/,present,,", "1", "date is not a date"),
        ("1,24/11/2026,am,/,perhaps,,", "1", "meaning is none of: not taken, "),
        ("1,24/11/2026,am,L,late,soon,", "1", "minutes_late is not a whole number"),
        ("1,24/11/2026,lesson,/,present,,", "1", "lesson is blank"),
        ("1,24/11/2026,am,#REF!,present,,", "1", "error of a spreadsheet"),
        ("1,24/11/2026,am,/", "1", "4 columns but the header 7"),
    ],
)
def test_a_row_that_cannot_be_read_keeps_only_itself(tmp_path: Path, row: str, ref: str, words: str) -> None:
    good = "2,24/11/2026,am,/,present,,"
    bad, fine = sorted(marks(tmp_path, f"{OURS}\n{row}\n{good}\n"), key=lambda one: isinstance(one, Mark))
    assert isinstance(bad, UnreadableMark)
    assert (bad.student_ref, bad.place) == (ref, "attendance.csv, line 2")
    assert words in bad.reason
    assert fine == mark("2", Session.AM, "/", Meaning.PRESENT, minutes_late=None)


def test_a_mark_that_comes_twice_counts_once_and_two_that_disagree_not_at_all(tmp_path: Path) -> None:
    same, other = "1,24/11/2026,am,/,present,,\n", "2,24/11/2026,am,/,present,,\n2,24/11/2026,am,N,absent,,\n"
    found = marks(tmp_path, f"{OURS}\n{same}{same}{other}")
    assert [one.student_ref for one in found if isinstance(one, Mark)] == ["1"]
    assert [one.student_ref for one in found if isinstance(one, UnreadableMark)] == ["2"]


def test_without_a_file_there_are_no_marks_and_two_are_not_chosen_between(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text("ref,given_name,family_name\n1,Ann,Lee\n")
    (said,) = CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).attendance(DAY)
    assert isinstance(said, Remark)
    (tmp_path / "attendance-old.csv").write_text(f"{OURS}\n")
    with pytest.raises(Doubtful, match="2 lists of attendance"):
        marks(tmp_path, f"{OURS}\n")
    (tmp_path / "attendance-old.csv").unlink()
    with pytest.raises(Broken, match="no column student_ref"):
        marks(tmp_path, "date,code\n")


def test_marks_are_no_part_of_the_roster(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text("ref,given_name,family_name\n1,Ann,Lee\n")
    (tmp_path / "attendance.csv").write_text(f"{OURS}\n")
    records = list(CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).roster())
    assert records[1:] == [Complete(kind=Kind.STUDENTS, rows=1)]


def test_marks_may_come_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "attendance-1124.zip", "w") as zipped:
        zipped.writestr("attendance.csv", f"{OURS}\n1,24/11/2026,am,/,present,,\n")
    (found,) = CsvFiles(CsvSettings(folder=str(tmp_path)), Http()).attendance(DAY)
    assert isinstance(found, Mark)


def test_the_template_is_read_as_it_is_meant(tmp_path: Path) -> None:
    text = attendance_template().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    day = datetime.date.fromisoformat(rows[0]["date"])
    found = marks(tmp_path, text, day=day)
    assert len(found) == len(rows)
    assert all(isinstance(one, Mark) for one in found)


@given(data=st.text("student_ref,date,code\n\"'=1amL/é\t ", max_size=60))
def test_any_rows_are_marks_or_named(tmp_path_factory: pytest.TempPathFactory, data: str) -> None:
    folder = tmp_path_factory.mktemp("batch")
    try:
        found = marks(folder, f"{OURS}\n{data}\n")
    except Broken:
        return
    assert all(isinstance(one, Mark | UnreadableMark | Remark) for one in found)
    assert all(one.label is NOT_SHARED for one in found if isinstance(one, Mark))
