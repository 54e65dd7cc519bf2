"""The open school as the product opens it: `scope.school`, `scope.everywhere`, and what is left afterwards."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tenants import scope
from tenants.models import AuditEvent, School
from tests.tenants.samples import NIGHT, Furnished, furnish, person
from users.models import Student

Two = tuple[Furnished, Furnished]
NOTHING_OPEN = "no school is open"


@pytest.fixture
def two(db: None) -> Two:
    """Two furnished schools."""
    return furnish("oakfield"), furnish("elmfield")


def ask(statement: str) -> Any:
    """The first value of a raw statement; a refused one leaves the transaction alive."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def students() -> Any:
    """Count students in raw SQL, behind Python's back."""
    return ask("select count(*) from users_student")


def role() -> Any:
    return ask("select current_user")


def note(action: str) -> AuditEvent:
    return AuditEvent.objects.create(at=NIGHT, action=action)


def fail_inside(school: Furnished, action: str) -> None:
    """Open the school, write something, and fail."""
    with contextlib.suppress(ZeroDivisionError), scope.school(school.pk):
        note(action)
        raise ZeroDivisionError


def test_nothing_is_open_at_first() -> None:
    assert not scope.is_open()
    with pytest.raises(scope.NoSchoolOpen, match=NOTHING_OPEN):
        scope.current()


def test_an_open_school_answers_alone(two: Two) -> None:
    for school in two:
        with scope.school(school.pk):
            assert scope.is_open()
            assert scope.current() == school.pk
            assert set(Student.objects.values_list("school_id", flat=True)) == {school.pk}
            assert students() == 2
    assert not scope.is_open()


def test_the_same_school_may_be_opened_again_inside_itself(two: Two) -> None:
    with scope.school(two[0].pk):
        with scope.school(two[0].pk):
            note("inner")
        assert students() == 2
        assert AuditEvent.objects.filter(action="inner").exists()


def test_a_failed_inner_scope_takes_back_its_own_work_only(two: Two) -> None:
    with scope.school(two[0].pk):
        note("outer")
        fail_inside(two[0], "inner")
        assert students() == 2
        assert set(AuditEvent.objects.values_list("action", flat=True)) == {"sample.made", "outer"}


def test_a_different_school_is_refused_inside_an_open_one(two: Two) -> None:
    ours, theirs = two
    with scope.school(ours.pk):
        with pytest.raises(scope.AnotherSchoolOpen), scope.school(theirs.pk):
            pytest.fail("two schools were open at once")
        assert scope.current() == ours.pk
        assert ask("select max(school_id) from users_student") == ours.pk


def test_a_transaction_around_a_scope_goes_on_without_its_school(two: Two) -> None:
    with transaction.atomic():
        with scope.school(two[0].pk):
            assert students() == 2
        with pytest.raises(DatabaseError, match=NOTHING_OPEN):
            students()


def test_a_transaction_around_a_failed_scope_goes_on_without_its_school(two: Two) -> None:
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), scope.school(two[0].pk):
            raise ZeroDivisionError
        assert not scope.is_open()
        with pytest.raises(DatabaseError, match=NOTHING_OPEN):
            students()


def test_schools_may_be_opened_one_after_the_other_in_one_transaction(two: Two) -> None:
    seen = set()
    with transaction.atomic():
        for school in two:
            with scope.school(school.pk):
                seen.add(ask("select max(school_id) from users_student"))
    assert seen == {school.pk for school in two}


def test_a_queryset_evaluated_after_its_scope_is_an_error(two: Two) -> None:
    with scope.school(two[0].pk):
        late = Student.objects.all()
    with pytest.raises(DatabaseError, match=NOTHING_OPEN), transaction.atomic():
        list(late)


def test_a_row_read_again_after_its_scope_is_an_error(two: Two) -> None:
    row = two[0][Student]
    with pytest.raises(DatabaseError, match=NOTHING_OPEN), transaction.atomic():
        row.refresh_from_db()


def test_a_queryset_of_one_school_finds_nothing_in_another(two: Two) -> None:
    ours, theirs = two
    with scope.school(ours.pk):
        late = Student.objects.all()
    with scope.school(theirs.pk):
        assert list(late) == []


def test_a_row_cannot_be_saved_into_another_school(two: Two) -> None:
    ours, theirs = two
    with scope.school(ours.pk):
        row = Student.objects.get(pk=ours[Student].pk)
        row.school_id = theirs.pk
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            row.save()
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            person(Student, "elmfield", 3, school_id=theirs.pk)


def test_another_thread_opens_its_own_school(two: Two) -> None:
    found: list[bool] = []
    with scope.school(two[0].pk):
        other = threading.Thread(target=lambda: found.append(scope.is_open()))
        other.start()
        other.join()
    assert found == [False]


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_a_connection_that_is_used_again_remembers_no_school() -> None:
    ours = furnish("oakfield")
    process = ask("select pg_backend_pid()")
    with scope.school(ours.pk):
        assert students() == 2
    with pytest.raises(DatabaseError, match=NOTHING_OPEN):
        students()
    fail_inside(ours, "lost")
    with pytest.raises(DatabaseError, match=NOTHING_OPEN):
        students()
    with scope.school(ours.pk):
        assert not AuditEvent.objects.filter(action="lost").exists()
    assert ask("select pg_backend_pid()") == process


# Reading across schools.


def test_everywhere_reads_every_school(two: Two) -> None:
    with scope.everywhere(reason="a test"):
        assert Student.objects.count() == students() == 4
        assert role() == scope.READER_ROLE
        assert not scope.is_open()


def save(school: Furnished) -> None:
    row = school[Student]
    row.given_name = "Changed"
    row.save()


WRITES: dict[str, Callable[[Furnished], object]] = {
    "insert": lambda school: person(Student, "elmfield", 3, school_id=school.pk),
    "update": lambda school: Student.objects.filter(school_id=school.pk).update(given_name="Changed"),
    "save": save,
    "delete": lambda school: Student.objects.filter(pk=school.spares[Student].pk).delete(),
    "global table": lambda school: School.objects.filter(pk=school.pk).update(name="Changed"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_everywhere_writes_nothing(two: Two, write: Callable[[Furnished], object]) -> None:
    denied = pytest.raises(DatabaseError, match="permission denied")
    with scope.everywhere(reason="a test"), denied, transaction.atomic():
        write(two[0])


def test_everywhere_makes_no_row_that_does_not_say_whose_it_is(two: Two) -> None:
    with scope.everywhere(reason="a test"), pytest.raises(scope.NoSchoolOpen):
        note("nobody's")


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_everywhere_needs_a_reason(db: None, reason: str) -> None:
    with pytest.raises(ValueError, match="needs a reason"), scope.everywhere(reason=reason):
        pytest.fail("no reason was given")


def test_everywhere_says_its_reason_in_the_log(db: None, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="tenants.scope"), scope.everywhere(reason="a test of the log"):
        pass
    assert "a test of the log" in caplog.text


def test_everywhere_is_refused_inside_a_school(two: Two) -> None:
    with scope.school(two[0].pk):
        with pytest.raises(scope.AnotherSchoolOpen), scope.everywhere(reason="a test"):
            pytest.fail("a school was read together with others")
        assert students() == 2


def test_a_school_is_refused_inside_everywhere(two: Two) -> None:
    """The reader's role would let raw SQL see all schools while one seems open."""
    with scope.everywhere(reason="a test"), pytest.raises(scope.AnotherSchoolOpen), scope.school(two[0].pk):
        pytest.fail(f"{students()} students of all schools stood open")


def test_everywhere_inside_everywhere_goes_on_reading_afterwards(two: Two) -> None:
    with scope.everywhere(reason="a test"):
        with scope.everywhere(reason="a test within"):
            assert students() == 4
        assert students() == 4


def test_everywhere_gives_the_role_back(two: Two) -> None:
    site = role()
    with scope.everywhere(reason="a test"):
        pass
    assert role() == site
    assert site != scope.READER_ROLE
    with pytest.raises(scope.NoSchoolOpen):
        Student.objects.count()
    with pytest.raises(DatabaseError, match=NOTHING_OPEN):
        students()


def test_everywhere_gives_the_role_back_after_an_exception(two: Two) -> None:
    site = role()
    with pytest.raises(ZeroDivisionError), scope.everywhere(reason="a test"):
        raise ZeroDivisionError
    assert role() == site


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_everywhere_leaves_nothing_on_the_connection() -> None:
    ours = furnish("oakfield")
    site = role()
    with scope.everywhere(reason="a test"):
        assert students() == 2
    assert role() == site
    with pytest.raises(DatabaseError), scope.everywhere(reason="a test"):
        School.objects.update(name="Changed")
    assert role() == site
    with scope.school(ours.pk):
        assert students() == 2
