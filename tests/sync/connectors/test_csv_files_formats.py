"""Files in the formats of other systems: OneRoster packages and the Basic Roster, against the truth of the world."""

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.renderings import basic_roster, oneroster_csv
from local.world.build import crowd
from local.world.model import Night
from sync.connectors.csv_files import CsvFiles
from sync.connectors.csv_files.settings import CsvSettings
from sync.errors import Broken, Doubtful
from sync.http import Http
from sync.pipeline.extract import Extract, extract
from sync.records import (
    KIND_OF,
    NOT_SHARED,
    Class,
    Complete,
    Enrolment,
    Guardian,
    Kind,
    Remark,
    Staff,
    Student,
    Teaching,
    Tie,
    Unreadable,
)
from tests.sync.connectors.oneroster_truth import said_of

SHARED = frozenset(Kind) - {Kind.MEDICAL, Kind.DIETARY}
Table = list[list[str]]


@pytest.fixture(scope="module")
def night() -> Night:
    return crowd(students=40).at(2)


def read(folder: Path, **settings: str) -> Extract:
    return extract(CsvFiles(CsvSettings(folder=str(folder), **settings), Http()))


def kinds(found: Extract) -> dict[Kind, set[Any]]:
    said: dict[Kind, set[Any]] = {kind: set() for kind in SHARED}
    for record in found.records:
        if kind := KIND_OF.get(type(record)):
            said[kind].add(record)
    return said


def remarks(found: Extract) -> str:
    return " | ".join(record.text for record in found.records if isinstance(record, Remark))


def unreadable(found: Extract) -> list[tuple[Kind, str, str]]:
    return [(one.kind, one.ref, one.other_ref) for one in found.records if isinstance(one, Unreadable)]


def truth(night: Night, *, version: str) -> dict[Kind, set[Any]]:
    """What a OneRoster package says: it has no titles, no UPN, and calls every guardian a parent."""

    def plain(record: Any) -> Any:
        match record:
            case Student():
                preferred = "" if version == "1.2" else NOT_SHARED
                return type(record)(**fields(record) | {"preferred_name": preferred, "upn": NOT_SHARED})
            case Guardian() | Staff():
                return type(record)(**fields(record) | {"title": NOT_SHARED})
            case Tie():
                return type(record)(**fields(record) | {"relationship": "Parent"})
        return record

    return {kind: {plain(record) for record in records} for kind, records in said_of(night).items()}


def fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def edit(path: Path, name: str, change: Callable[[Table], Table | None]) -> None:
    """Rewrite one file within a package; None takes it out."""
    with zipfile.ZipFile(path) as package:
        files = {each: package.read(each).decode() for each in package.namelist()}
    table = change(list(csv.reader(files.pop(name).splitlines())))
    with zipfile.ZipFile(path, "w") as package:
        for each, text in files.items():
            package.writestr(each, text)
        if table is not None:
            package.writestr(name, "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in table))


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
@pytest.mark.parametrize("agents", ["both", "student", "guardian"])
def test_a_package_says_the_truth(tmp_path: Path, night: Night, version: str, agents: str) -> None:
    oneroster_csv.write(night, tmp_path / "roster.zip", version=version, agents=agents)
    found = read(tmp_path)
    assert kinds(found) == truth(night, version=version)
    assert found.complete == SHARED
    assert f"Recognised as OneRoster CSV {version}." in remarks(found)
    assert not found.unreadable


def test_folders_within_the_zip_and_what_a_mac_adds_do_not_matter(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip", folder="export 2026/")
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("__MACOSX/export 2026/._users.csv", b"\0\5\26\7")
        package.writestr("export 2026/.DS_Store", b"\0")
        package.writestr("export 2026/._users.csv", b"\0\5\26\7")
    assert read(tmp_path).complete == SHARED


@pytest.mark.parametrize("name", ["users", "roles", "enrollments", "classes"])
def test_a_delta_never_proves_an_absence(tmp_path: Path, night: Night, name: str) -> None:
    oneroster_csv.write(night, tmp_path / "roster.zip", version="1.2", delta=[name])
    found = read(tmp_path)
    people = {Kind.STUDENTS, Kind.GUARDIANS, Kind.STAFF, Kind.TIES}
    rests = {"classes": {Kind.CLASSES}, "enrollments": {Kind.ENROLMENTS, Kind.TEACHING}}
    assert found.complete == SHARED - rests.get(name, people)
    assert f"{name}.csv holds only what changed" in remarks(found)
    assert len(kinds(found)[Kind.STUDENTS]) == len(kinds(read(tmp_path))[Kind.STUDENTS]) > 0


def test_rows_win_over_the_manifest_and_the_deleted_are_not_leavers(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")

    def delete(table: Table) -> Table:
        table[1][1:3] = ["tobedeleted", "2026-11-09T02:00:00.000Z"]
        return table

    edit(path, "users.csv", delete)
    found = read(tmp_path)
    students = kinds(found)[Kind.STUDENTS]
    assert len(students) == len(truth(night, version="1.1")[Kind.STUDENTS]) - 1
    assert all(student.left_on is NOT_SHARED for student in students)
    assert found.complete == {Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING}
    assert "1 rows are marked as deleted" in remarks(found)


def test_a_status_in_every_row_of_a_whole_list_is_no_delta(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")
    edit(
        path, "users.csv", lambda table: [table[0], *([row[0], "active", "2026-11-09", *row[3:]] for row in table[1:])]
    )
    assert read(tmp_path).complete == SHARED


def test_one_school_of_several_has_to_be_named(tmp_path: Path, night: Night) -> None:
    oneroster_csv.write(night, tmp_path / "roster.zip", neighbour=True)
    with pytest.raises(Doubtful, match="lists 2 schools"):
        read(tmp_path)
    with pytest.raises(Doubtful, match=r"not in orgs\.csv"):
        read(tmp_path, school="SC-9")
    found = read(tmp_path, school=oneroster_csv.SCHOOL)
    assert kinds(found) == truth(night, version="1.1")
    assert found.complete == SHARED
    edit(tmp_path / "roster.zip", "users.csv", lambda table: [row for row in table if row[0] != "ST-next"])
    with pytest.raises(Doubtful, match="no students of this school"):
        read(tmp_path, school=oneroster_csv.NEIGHBOUR)


def test_a_change_of_our_school_alone_does_not_make_everybody_ours(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip", neighbour=True)
    edit(path, "manifest.csv", lambda t: [[*row[:-1], "delta"] if "orgs" in row[0] else row for row in t])
    edit(path, "orgs.csv", lambda t: [row for row in t if row[0] in {"sourcedId", oneroster_csv.SCHOOL}])
    assert kinds(read(tmp_path, school=oneroster_csv.SCHOOL)) == truth(night, version="1.1")
    edit(path, "orgs.csv", lambda t: t[:1])
    assert kinds(read(tmp_path, school=oneroster_csv.SCHOOL)) == truth(night, version="1.1")


def test_a_school_that_was_deleted_is_still_not_ours(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip", neighbour=True)

    def deleted(table: Table) -> Table:
        status = table[0].index("status")
        return [
            [*row[:status], "tobedeleted", *row[status + 1 :]] if row[0] == oneroster_csv.NEIGHBOUR else row
            for row in table
        ]

    edit(path, "orgs.csv", deleted)
    with pytest.raises(Doubtful, match="lists 2 schools"):
        read(tmp_path)
    assert kinds(read(tmp_path, school=oneroster_csv.SCHOOL)) == truth(night, version="1.1")


def test_a_list_that_the_manifest_promises_must_be_there(tmp_path: Path, night: Night) -> None:
    edit(oneroster_csv.write(night, tmp_path / "roster.zip"), "enrollments.csv", lambda _: None)
    with pytest.raises(Broken, match=r"promises enrollments\.csv"):
        read(tmp_path)


def test_bad_rows_keep_only_themselves(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")
    edit(path, "enrollments.csv", lambda table: [table[0], [*table[1][:8], "soon", ""], *table[2:]])
    with zipfile.ZipFile(path) as package:
        first = next(iter(csv.DictReader(package.read("enrollments.csv").decode().splitlines())))
    found = read(tmp_path)
    assert unreadable(found) == [(Kind.ENROLMENTS, first["classSourcedId"], first["userSourcedId"])]
    assert found.complete == SHARED


def test_users_that_cannot_be_told(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")

    def spoil(table: Table) -> Table:
        nameless, twice, stranger = list(table[1]), list(table[2]), list(table[3])
        nameless[0], twice[9], stranger[5] = "", "Otherwise", "ext:coach"
        return [table[0], nameless, table[2], twice, stranger, *table[4:]]

    edit(path, "users.csv", spoil)
    found = read(tmp_path)
    said = unreadable(found)
    assert (Kind.STUDENTS, "", "") in said
    twice = [ref for kind, ref, _ in said if kind is Kind.STUDENTS and ref]
    assert len(twice) == 2
    assert all((Kind.STAFF, ref, "") in said and (Kind.GUARDIANS, ref, "") in said for ref in twice)
    assert (Kind.TIES, "", "") in said
    assert found.complete == SHARED


def test_enrolments_of_another_time_are_no_seats(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")
    edit(
        path,
        "enrollments.csv",
        lambda t: [
            t[0],
            [*t[1][:9], "2001-07-20"],
            [*t[2][:8], "2999-09-01", ""],
            [*t[3][:8], "2001-09-01", "2999-07-20"],
            *t[4:],
        ],
    )
    whole = truth(night, version="1.1")[Kind.ENROLMENTS] | truth(night, version="1.1")[Kind.TEACHING]
    found = kinds(read(tmp_path))
    assert len(found[Kind.ENROLMENTS] | found[Kind.TEACHING]) == len(whole) - 2


def test_a_row_that_comes_twice_the_same_counts_once(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")
    for name in ("users.csv", "classes.csv", "enrollments.csv"):
        edit(path, name, lambda table: [*table, *table[1:]])
    found = read(tmp_path)
    assert kinds(found) == truth(night, version="1.1")
    assert not found.unreadable


def test_a_role_that_ended_makes_nobody_and_one_that_cannot_be_read_ends_nobody(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip", version="1.2")
    edit(path, "roles.csv", lambda t: [t[0], [*t[1][:7], "2001-07-20", *t[1][8:]], *t[2:]])
    found = read(tmp_path)
    assert len(kinds(found)[Kind.STUDENTS]) == len(truth(night, version="1.2")[Kind.STUDENTS]) - 1
    assert found.complete == SHARED
    assert not found.unreadable
    edit(path, "roles.csv", lambda t: [t[0], [*t[1][:7], "soon", *t[1][8:]], *t[2:]])
    found = read(tmp_path)
    assert found.complete == {Kind.CLASSES, Kind.ENROLMENTS, Kind.TEACHING}
    assert "So nobody is ended by this list." in remarks(found)


def test_of_several_schools_whoever_cannot_be_placed_is_not_gone(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip", neighbour=True)
    edit(path, "users.csv", lambda t: [t[0], [*t[1][:4], "", *t[1][5:]], *t[2:]])
    edit(path, "classes.csv", lambda t: [*t, [*t[1][:3], "Otherwise", *t[1][4:]]])
    found = read(tmp_path, school=oneroster_csv.SCHOOL)
    said = unreadable(found)
    assert [kind for kind, *_ in said].count(Kind.STUDENTS) == 1
    assert [kind for kind, *_ in said].count(Kind.CLASSES) == 1
    whole = truth(night, version="1.1")
    assert kinds(found)[Kind.ENROLMENTS] == whole[Kind.ENROLMENTS]
    assert found.complete == SHARED


def test_two_packages_at_once_are_not_mixed(tmp_path: Path, night: Night) -> None:
    oneroster_csv.write(night, tmp_path / "monday.zip")
    oneroster_csv.write(night, tmp_path / "tuesday.zip")
    with pytest.raises(Broken, match="are the same list"):
        read(tmp_path)


def test_nothing_of_a_kind_proves_nothing(tmp_path: Path, night: Night) -> None:
    path = oneroster_csv.write(night, tmp_path / "roster.zip")
    edit(path, "users.csv", lambda t: [t[0], *([*row[:15], "", *row[16:]] for row in t[1:] if row[5] != "parent")])
    found = read(tmp_path)
    assert found.complete == SHARED - {Kind.GUARDIANS, Kind.TIES}
    assert "No guardians came." in remarks(found)


# The Basic Roster


def basic_truth(night: Night) -> dict[Kind, set[Any]]:
    here = {s.key: s for s in night.students.values() if not s.left_on}
    tied = {tie.guardian for tie in night.ties.values() if tie.student in here}
    return {
        Kind.STUDENTS: {
            Student(
                ref=s.ref,
                given_name=s.given_name,
                family_name=s.family_name,
                date_of_birth=s.date_of_birth,
                email=s.email,
                year=s.year,
                upn=s.upn,
            )
            for s in here.values()
        },
        Kind.GUARDIANS: {
            Guardian(ref=g.ref, given_name=g.given_name, family_name=g.family_name, email=g.email, phone=g.phone)
            for g in night.guardians.values()
            if g.key in tied
        },
        Kind.STAFF: {
            Staff(
                ref=t.ref,
                given_name=t.given_name,
                family_name=t.family_name,
                email=t.email,
                title=t.title if t.post.startswith("Teacher") else NOT_SHARED,
            )
            for t in night.staff.values()
            if not t.left_on
        },
        Kind.CLASSES: {Class(ref=c.ref, name=c.name, year=c.year, subject=c.subject) for c in night.classes.values()},
        Kind.TIES: {
            Tie(
                student_ref=here[t.student].ref,
                guardian_ref=night.guardians[t.guardian].ref,
                relationship=t.relationship,
            )
            for t in night.ties.values()
            if t.student in here
        },
        Kind.ENROLMENTS: {
            Enrolment(class_ref=night.classes[e.class_key].ref, student_ref=here[e.student].ref)
            for e in night.enrolments.values()
            if e.student in here
        },
        Kind.TEACHING: {
            Teaching(class_ref=night.classes[t.class_key].ref, staff_ref=night.staff[t.staff].ref)
            for t in night.teaching.values()
        },
    }


def rewrite(path: Path, change: Callable[[Table], Table]) -> None:
    with path.open(newline="", encoding="utf-8") as page:
        table = change(list(csv.reader(page)))
    with path.open("w", newline="", encoding="utf-8") as page:
        csv.writer(page).writerows(table)


def test_a_basic_roster_says_the_truth(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    found = read(tmp_path, dates="mdy")
    assert kinds(found) == basic_truth(night)
    assert found.complete == SHARED
    assert remarks(found) == "Recognised as Basic Roster."
    assert not found.unreadable


def test_contacts_without_an_identity_are_not_guessed(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "students.csv", lambda table: [[*row[:17], *row[18:]] for row in table])
    found = read(tmp_path, dates="mdy")
    assert found.complete == SHARED - {Kind.GUARDIANS, Kind.TIES}
    assert "without Contact_sis_id" in remarks(found)
    assert kinds(found)[Kind.STUDENTS] == basic_truth(night)[Kind.STUDENTS]


def test_one_contact_without_an_identity_keeps_only_its_student_s_ties(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "students.csv", lambda t: [t[0], [*t[1][:17], "", *t[1][18:]], *t[2:]])
    with (tmp_path / "students.csv").open(encoding="utf-8") as page:
        student = next(csv.DictReader(page))["Student_id"]
    assert unreadable(read(tmp_path, dates="mdy")) == [(Kind.GUARDIANS, "", ""), (Kind.TIES, student, "")]


def test_a_student_whose_rows_contradict_each_other_is_unreadable(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "students.csv", lambda t: [*t, [*t[1][:4], "Otherwise", *t[1][5:]]])
    with (tmp_path / "students.csv").open(encoding="utf-8") as page:
        student = next(csv.DictReader(page))["Student_id"]
    assert (Kind.STUDENTS, student, "") in unreadable(read(tmp_path, dates="mdy"))


def test_without_the_list_of_other_staff_nobody_is_taken_for_gone(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    (tmp_path / "staff.csv").unlink()
    found = read(tmp_path, dates="mdy")
    assert found.complete == SHARED - {Kind.STAFF}
    assert "Only one of teachers.csv and staff.csv" in remarks(found)


def test_one_school_of_a_basic_roster_has_to_be_named(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "schools.csv", lambda t: [*t, ["S2", "Next door"]])
    rewrite(tmp_path / "students.csv", lambda t: [*t, ["S2", "N1", "", "", "Next", "", "Nia", *([""] * 13)]])
    with pytest.raises(Doubtful, match="name 2 schools"):
        read(tmp_path, dates="mdy")
    with pytest.raises(Doubtful, match="not in these files"):
        read(tmp_path, dates="mdy", school="S3")
    assert kinds(read(tmp_path, dates="mdy", school="S1"))[Kind.STUDENTS] == basic_truth(night)[Kind.STUDENTS]


def test_of_several_schools_a_row_without_one_brings_nobody_and_ends_nobody(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "schools.csv", lambda t: [*t, ["S2", "Next door"]])
    rewrite(tmp_path / "students.csv", lambda t: [*t, ["", "N1", "", "", "Next", "", "Nia", *([""] * 13)]])
    found = read(tmp_path, dates="mdy", school="S1")
    assert kinds(found)[Kind.STUDENTS] == basic_truth(night)[Kind.STUDENTS]
    assert (Kind.STUDENTS, "N1", "") in unreadable(found)
    rewrite(tmp_path / "students.csv", lambda t: [row[1:] for row in t])
    with pytest.raises(Doubtful, match="no students of this school"):
        read(tmp_path, dates="mdy", school="S1")


def test_a_school_that_only_the_students_name_is_seen(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "students.csv", lambda t: [*t, ["S2", "N1", "", "", "Next", "", "Nia", *([""] * 13)]])
    with pytest.raises(Doubtful, match="name 2 schools"):
        read(tmp_path, dates="mdy")


def test_teachers_who_are_staff_too_are_one_person(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    with (tmp_path / "teachers.csv").open(encoding="utf-8") as page:
        one, two, *_ = csv.DictReader(page)
    rewrite(
        tmp_path / "staff.csv",
        lambda t: [
            *t,
            ["S1", one["Teacher_id"], "other@school.example", one["First_name"], one["Last_name"], "", "", ""],
            ["S1", two["Teacher_id"], "", "Somebody", "Else", "", "", ""],
        ],
    )
    found = read(tmp_path, dates="mdy")
    assert unreadable(found) == [(Kind.STAFF, two["Teacher_id"], "")]
    assert found.complete == SHARED


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["manifest", "sections", "students"], "sections.csv to the Basic Roster"),
        (["orgs", "users", "students"], "students.csv to our templates"),
    ],
)
def test_two_formats_at_once_are_for_a_person(tmp_path: Path, names: list[str], words: str) -> None:
    for name in names:
        (tmp_path / f"{name}.csv").write_text("sourcedId\n1\n")
    with pytest.raises(Doubtful) as caught:
        read(tmp_path)
    assert words in str(caught.value)


def test_of_two_columns_with_one_name_none_is_chosen(tmp_path: Path, night: Night) -> None:
    basic_roster.write(night, tmp_path)
    rewrite(tmp_path / "students.csv", lambda t: [[*t[0], "STUDENT ID"], *([*row, "9"] for row in t[1:])])
    with pytest.raises(Broken, match="2 columns that could be student_id"):
        read(tmp_path, dates="mdy")


def test_our_templates_are_of_one_school(tmp_path: Path) -> None:
    (tmp_path / "students.csv").write_text("student_id,first_name,last_name,school_id\n1,Ann,Lee,S2\n")
    with pytest.raises(Doubtful, match="cannot tell one school from another"):
        read(tmp_path, school="S1")


def test_a_complete_claims_what_came(tmp_path: Path, night: Night) -> None:
    oneroster_csv.write(night, tmp_path / "roster.zip")
    found = read(tmp_path)
    claims = {one.kind: one.rows for one in found.records if isinstance(one, Complete)}
    assert claims == {kind: found.rows[kind] for kind in SHARED}
