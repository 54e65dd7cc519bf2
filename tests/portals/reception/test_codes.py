"""Codes of marks: what the MIS says, what the school says, and what that does to the marks that came (R15)."""

import datetime
from typing import Any, Final

import pytest
from django.utils import timezone

from attendance.models import Code, Mark, Meaning
from sync.models import Connection
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST

pytestmark = pytest.mark.django_db

PAGE: Final = "/s/northgate/reception/attendance/"
DAY: Final = datetime.date(2026, 11, 24)


def come(code: str, said: str, number: int, *, label: str = "") -> Code:
    """Let marks with a code come to the open school."""
    now = timezone.now()
    made: Code = Code.objects.create(code=code, said=said, label=label, first_seen_at=now)
    for place in range(number):
        Mark.objects.create(
            student=people.student(f"Child Secret{place}"),
            date=DAY,
            session="am",
            code=code,
            said=said,
            meaning=said,
            first_fetched_at=now,
            fetched_at=now,
            changed_at=now,
            run=1,
        )
    return made


@pytest.fixture
def school(northgate: School) -> School:
    """Northgate, synced, whose MIS shares marks."""
    with scope.school(northgate.pk):
        runs.connection()
        runs.run()
    return northgate


@pytest.fixture
def strange(school: School) -> Code:
    """A code that nobody has explained, on two marks, beside one that the MIS explains."""
    with scope.school(school.pk):
        come("/", "present", 3, label="Present AM")
        return come("Zz", "unknown", 2, label="<b>Zoo</b>")


def page(person: Person, path: str = "") -> str:
    response = person.client.get(f"{PAGE}{path}")
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, path: str, **data: str) -> str:
    response = person.client.post(f"{PAGE}{path}", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def meanings(school: School, code: str) -> set[str]:
    with scope.school(school.pk):
        return set(Mark.objects.filter(code=code).values_list("meaning", flat=True))


def test_what_nobody_has_explained_comes_first_and_asks_for_a_word(rhea: Person, strange: Code):
    text = page(rhea)
    assert "1 code that nobody has explained" in text
    assert "Say what “Zz” means" in text
    assert "&lt;b&gt;Zoo&lt;/b&gt;" in text
    assert text.index(f"codes/{strange.pk}/") < text.index("Present AM")
    assert "your MIS" in text
    assert "Secret" not in text  # nobody is named


def test_what_a_choice_does_is_said_before_it_is_made(rhea: Person, school: School, strange: Code):
    text = page(rhea, f"codes/{strange.pk}/")
    assert "2 marks will read “absent”: whoever has one counts as not at school." in text
    assert "2 marks will read “present”: whoever has one counts as seen at school." in text
    assert 'value="unknown"' not in text
    assert 'value="not taken"' not in text
    assert " checked" not in text  # nothing is chosen beforehand
    assert meanings(school, "Zz") == {"unknown"}


def test_the_schools_word_holds_for_all_marks_and_can_be_taken_back(rhea: Person, school: School, strange: Code):
    path = f"codes/{strange.pk}/"
    text = send(rhea, path, meaning="absent")
    assert "Noted: 2 marks read “absent” now, and so will all that come." in text
    assert "code that nobody has explained" not in text
    assert rhea.account.email in text
    assert meanings(school, "Zz") == {"absent"}
    assert "As it is now." in page(rhea, path)
    assert "Taken back: “Zz” means again what your MIS says." in send(rhea, f"{path}take-back/")
    assert meanings(school, "Zz") == {"unknown"}
    with scope.school(school.pk):
        said = list(AuditEvent.objects.order_by("id").values_list("action", "actor_id"))
    assert said == [("attendance.code", rhea.account.pk)] * 2


def test_what_the_mis_says_can_be_said_otherwise(rhea: Person, school: School, strange: Code):
    assert strange.pk
    with scope.school(school.pk):
        code = Code.objects.get(code="/")
    assert "and takes it for “Present”" in page(rhea, f"codes/{code.pk}/")
    send(rhea, f"codes/{code.pk}/", meaning="late")
    assert meanings(school, "/") == {"late"}


def test_what_cannot_be_said_is_refused(rhea: Person, school: School, strange: Code):
    path = f"codes/{strange.pk}/"
    assert "Choose a meaning." in send(rhea, path)
    assert "Choose one of the meanings." in send(rhea, path, meaning="unknown")
    with scope.school(school.pk):
        open_register = come("-", Meaning.NOT_TAKEN, 1)
    assert "a register was not taken" in page(rhea, f"codes/{open_register.pk}/")
    assert "a register was not taken" in send(rhea, f"codes/{open_register.pk}/", meaning="absent")
    assert meanings(school, "-") == {"not taken"}


def test_before_the_first_mark_and_where_none_are_shared(rhea: Person, school: School):
    assert "No mark has come yet" in page(rhea)
    with scope.school(school.pk):
        Connection.objects.update(connector="gg4l")
    text = page(rhea)
    assert "Attendance marks are not shared by your MIS" in text
    assert "No mark has come yet" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_what_the_page_costs(rhea: Person, school: School, number: int, django_assert_num_queries: Any):
    with scope.school(school.pk):
        for place in range(number):
            come(f"C{place}", "present", place)
    page(rhea)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 9):  # standing, roles, freshness (3), codes, fetches (2), parked
        assert page(rhea).count("Change<span") == number


def test_who_may(alice: Person, charlie: Person, school: School, strange: Code):
    for path in ("", f"codes/{strange.pk}/", f"codes/{strange.pk}/take-back/"):
        assert alice.client.post(f"{PAGE}{path}", {"meaning": "absent"}).status_code in {403, 405}
        assert alice.client.get(f"{PAGE}{path}").status_code in {403, 405}
        assert charlie.client.get(f"{PAGE}{path}").status_code in {404, 405}
        assert charlie.client.post(f"{PAGE}{path}", {"meaning": "absent"}).status_code in {404, 405}
    assert meanings(school, "Zz") == {"unknown"}


def test_a_code_of_another_school_is_none(rhea: Person, himal: School, school: School):
    assert school.pk
    with scope.school(himal.pk):
        theirs = come("Q", "unknown", 1)
    assert rhea.client.post(f"{PAGE}codes/{theirs.pk}/", {"meaning": "absent"}).status_code == 404
    assert rhea.client.get(f"{PAGE}codes/{theirs.pk}/").status_code == 404
    assert meanings(himal, "Q") == {"unknown"}
