"""Whole sets of rows at once: inside the open school only, letter by letter, and never written twice."""

import datetime
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.models import Refusal
from tenants import bulk, scope
from tests.tenants.samples import Furnished, furnish
from users.models import MedicalNote, SchoolClass, Student, Tie

AWKWARD = [
    "",
    "\\N",
    "\\",
    "\\.",
    "a\tb",
    "line\nline",
    "carriage\rreturn",
    "back\\slash\\t",
    "“quoted” 'and' \"quoted\"",
    " leading and trailing ",
    "NULL",
    "None",
    "%s {} $1 ; drop table users_student; --",
    "Muñoz O’Brien Łódź Nguyễn 王小明 محمد 👩‍👧",
    "e\u0301 is not é",
    "\u2028\x85\x0b\x0c\x1f",
]


@pytest.fixture
def two(db: None) -> tuple[Furnished, Furnished]:
    """Two furnished schools."""
    return furnish("oakfield"), furnish("elmfield")


@pytest.fixture
def ours(two: tuple[Furnished, Furnished]) -> Any:
    """The first school, open."""
    with scope.school(two[0].pk):
        yield two[0]


def insert_classes(rows: list[tuple[Any, ...]]) -> int:
    return bulk.insert(SchoolClass, ["name", "year", "subject"], rows)


def versions(model: Any) -> dict[int, str]:
    """Where each row's present version lies: any UPDATE moves it, also one that changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(f"select id, ctid::text from {model._meta.db_table}")  # noqa: S608 a table of ours
        return dict(cursor.fetchall())


def test_what_is_inserted_belongs_to_the_open_school(ours: Furnished) -> None:
    assert insert_classes([("7A", "7", "Maths"), ("7B", "7", None)]) == 2
    found = SchoolClass.objects.filter(year="7").order_by("name")
    assert [(row.name, row.subject, row.school_id) for row in found] == [
        ("7A", "Maths", ours.pk),
        ("7B", None, ours.pk),
    ]


@pytest.mark.parametrize("text", AWKWARD)
def test_text_arrives_letter_by_letter(ours: Furnished, text: str) -> None:
    insert_classes([(text, text, None)])
    row = SchoolClass.objects.latest("id")
    assert (row.name, row.year, row.subject) == (text, text, None)
    bulk.amend(SchoolClass, ["id", "subject"], [(row.pk, text)])
    row.refresh_from_db()
    assert row.subject == text


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT, st.none() | TEXT, st.none() | TEXT), max_size=8))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_goes_in_and_out_unchanged(ours: Furnished, rows: list[tuple[str, str | None, str | None]]) -> None:
    before = set(SchoolClass.objects.values_list("id", flat=True))
    assert insert_classes([*rows]) == len(rows)
    added = SchoolClass.objects.exclude(id__in=before).order_by("id")
    assert list(added.values_list("name", "year", "subject")) == rows


def test_nothing_and_not_shared_stay_apart(ours: Furnished) -> None:
    insert_classes([("x", None, "")])
    row = SchoolClass.objects.get(name="x")
    assert (row.year, row.subject) == (None, "")
    assert bulk.amend(SchoolClass, ["id", "year", "subject"], [(row.pk, "", None)]) == 1
    row.refresh_from_db()
    assert (row.year, row.subject) == ("", None)


def test_a_nul_is_refused_not_cut_off(ours: Furnished) -> None:
    with pytest.raises(psycopg.DataError), transaction.atomic():
        insert_classes([("a\0b", None, None)])


def test_dates_numbers_and_truth_values_arrive(ours: Furnished) -> None:
    day = datetime.date(2015, 2, 28)
    student = ours.spares[Student]
    bulk.amend(Student, ["id", "date_of_birth"], [(student.pk, day)])
    tie = ours[Tie]
    bulk.amend(Tie, ["id", "priority", "parental_responsibility", "restricted"], [(tie.pk, 2, None, True)])
    student.refresh_from_db()
    tie.refresh_from_db()
    assert (student.date_of_birth, tie.priority, tie.parental_responsibility, tie.restricted) == (day, 2, None, True)


def test_rows_that_already_say_so_are_not_written(ours: Furnished) -> None:
    insert_classes([("7A", "7", None), ("7B", None, "")])
    rows = list(SchoolClass.objects.values_list("id", "name", "year", "subject"))
    before = versions(SchoolClass)
    columns = ["id", "name", "year", "subject"]
    assert bulk.amend(SchoolClass, columns, rows) == 0
    assert versions(SchoolClass) == before
    changed = [(pk, name, "8" if name == "7B" else year, subject) for pk, name, year, subject in rows]
    assert bulk.amend(SchoolClass, columns, changed) == 1
    assert sum(after != before[pk] for pk, after in versions(SchoolClass).items()) == 1


def test_no_rows_are_no_work(ours: Furnished) -> None:
    before = versions(SchoolClass)
    assert insert_classes([]) == 0
    assert bulk.amend(SchoolClass, ["id", "name"], []) == 0
    assert bulk.delete(SchoolClass, []) == 0
    assert versions(SchoolClass) == before


def test_rows_of_another_school_are_not_touched(two: tuple[Furnished, Furnished]) -> None:
    ours, theirs = two
    note = theirs[MedicalNote]
    with scope.school(ours.pk):
        assert bulk.amend(MedicalNote, ["id", "condition"], [(note.pk, "Stolen")]) == 0
        assert bulk.delete(MedicalNote, [note.pk]) == 0
    with scope.school(theirs.pk):
        assert MedicalNote.objects.get(pk=note.pk).condition == "Asthma"


def test_only_the_rows_named_are_deleted(ours: Furnished) -> None:
    insert_classes([("go", None, None), ("stay", None, None)])
    go = SchoolClass.objects.get(name="go")
    assert bulk.delete(SchoolClass, [go.pk, 0]) == 1
    assert not SchoolClass.objects.filter(name="go").exists()
    assert SchoolClass.objects.filter(name="stay").exists()


def test_ids_taken_in_advance_are_nobody_elses(ours: Furnished) -> None:
    first, second = bulk.reserve_ids(SchoolClass, 3), bulk.reserve_ids(SchoolClass, 2)
    assert len({*first, *second}) == 5
    taken = set(SchoolClass.objects.values_list("id", flat=True))
    assert not taken & {*first, *second}
    bulk.insert(SchoolClass, ["id", "name"], [(pk, f"class {pk}") for pk in first])
    assert SchoolClass.objects.get(pk=first[0]).name == f"class {first[0]}"
    assert SchoolClass.objects.create(name="next").pk not in first


def test_a_broken_rule_of_the_table_breaks_the_whole_set(ours: Furnished) -> None:
    rows = [("m2", "Eczema", ours[Student].pk), ("m1", "twice", ours[Student].pk)]
    with pytest.raises(DatabaseError, match="medical_note_once"), transaction.atomic():
        bulk.insert(MedicalNote, ["ref", "condition", "student_id"], rows)
    assert MedicalNote.objects.count() == 1


def test_a_row_with_too_few_values_is_refused(ours: Furnished) -> None:
    with pytest.raises(psycopg.DataError), transaction.atomic():
        bulk.insert(SchoolClass, ["name", "year"], [("7A",)])


def test_what_may_not_be_changed_is_not_changed_in_bulk_either(ours: Furnished) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        bulk.amend(Refusal, ["id", "reason"], [(ours[Refusal].pk, "softened")])


@pytest.mark.parametrize("work", [lambda: insert_classes([("x", None, None)]), lambda: bulk.delete(SchoolClass, [1])])
def test_no_school_no_work(db: None, work: Any) -> None:
    with pytest.raises(scope.NoSchoolOpen), transaction.atomic():
        work()
