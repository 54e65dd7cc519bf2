"""CSV files for people to fill in, and the guard against cells that a spreadsheet would run as formulas (R8)."""

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Final

from sync.records import Kind

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")

# One plainly made-up row per kind; the keys are the columns of the file, in the order in which people fill them in.
EXAMPLES: Final[dict[Kind, dict[str, str]]] = {
    Kind.STUDENTS: {
        "ref": "EXAMPLE-S1",
        "given_name": "Zoë",
        "family_name": "Example",
        "preferred_name": "Zo",
        "date_of_birth": "2015-04-03",
        "email": "zoe@school.example",
        "year": "5",
        "form": "5B",
        "upn": "",
        "left_on": "",
    },
    Kind.GUARDIANS: {
        "ref": "EXAMPLE-G1",
        "title": "Dr",
        "given_name": "Ada",
        "family_name": "Example",
        "email": "ada@home.example",
        "phone": "07700 900123",
    },
    Kind.STAFF: {
        "ref": "EXAMPLE-T1",
        "title": "Mr",
        "given_name": "Max",
        "family_name": "Example",
        "email": "max@school.example",
        "phone": "07700 900456",
        "left_on": "",
    },
    Kind.CLASSES: {"ref": "EXAMPLE-C1", "name": "5B Mathematics", "year": "5", "subject": "Mathematics"},
    Kind.TIES: {
        "student_ref": "EXAMPLE-S1",
        "guardian_ref": "EXAMPLE-G1",
        "relationship": "Mother",
        "priority": "1",
        "parental_responsibility": "yes",
        "restricted": "no",
    },
    Kind.ENROLMENTS: {"class_ref": "EXAMPLE-C1", "student_ref": "EXAMPLE-S1"},
    Kind.TEACHING: {"class_ref": "EXAMPLE-C1", "staff_ref": "EXAMPLE-T1"},
    Kind.MEDICAL: {
        "student_ref": "EXAMPLE-S1",
        "ref": "EXAMPLE-M1",
        "condition": "Hay fever",
        "details": "Tablets in the office",
    },
    Kind.DIETARY: {"student_ref": "EXAMPLE-S1", "ref": "EXAMPLE-D1", "need": "Vegetarian"},
}

_MARK: Final = {"student_ref": "EXAMPLE-S1", "date": "2026-09-14"}
ATTENDANCE: Final = tuple(
    {**_MARK, "session": session, "code": code, "meaning": meaning, "minutes_late": minutes, "lesson": lesson}
    for session, code, meaning, minutes, lesson in (
        ("am", "/", "present", "", ""),
        ("pm", "L", "late", "12", ""),
        ("day", "M", "excused", "", ""),
        ("lesson", "N", "absent", "", "EXAMPLE-L1"),
    )
)
ATTENDANCE_NEEDED: Final = ("student_ref", "date", "code")


def safe_cell(text: str) -> str:
    """Return `text` so that no spreadsheet runs it: an apostrophe in front of `= + - @`, tab and CR (R8)."""
    # Apostrophes that already stand before such a sign get one more, so that `plain_cell` can undo exactly this.
    return f"'{text}" if _FORMULA.match(text) else text


def plain_cell(text: str) -> str:
    """Return what `safe_cell` was given."""
    return text[1:] if _GUARDED.match(text) else text


def template(kind: Kind) -> bytes:
    """Return a CSV file with the header and one made-up row; UTF-8 with a BOM, so that spreadsheets keep accents."""
    return _file([EXAMPLES[kind]])


def attendance_template() -> bytes:
    """Return a CSV file of marks, one made-up row for each part of a day."""
    return _file(ATTENDANCE)


def _file(rows: Sequence[Mapping[str, str]]) -> bytes:
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(rows[0].keys())
    writer.writerows(map(safe_cell, row.values()) for row in rows)
    return codecs.BOM_UTF8 + page.getvalue().encode()
