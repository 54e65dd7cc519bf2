"""When a school is open: effects are said first, done, and what is read next is shown (R14)."""

import datetime
from collections.abc import Iterator
from typing import Any, Final

import pytest
import time_machine

from sync import clock
from sync.models import Connection, Slot
from tenants import scope
from tenants.models import AuditEvent, Closure, School
from tests.conftest import Person
from tests.factories import runs
from tests.portals.conftest import EVERY_REQUEST

pytestmark = pytest.mark.django_db

PAGE: Final = "/s/northgate/reception/rules/open/"
TUESDAY: Final = datetime.date(2026, 11, 24)


def at(hour: int, minute: int = 0, *, date: datetime.date = TUESDAY) -> datetime.datetime:
    return datetime.datetime.combine(date, datetime.time(hour, minute), tzinfo=datetime.UTC)


@pytest.fixture
def school(northgate: School, rhea: Person) -> Iterator[School]:
    """Northgate on a Tuesday at 09:45, synced, with a super user."""
    assert rhea.account.pk
    School.objects.update(opened_at=at(0) - datetime.timedelta(days=30))
    with scope.school(northgate.pk):
        runs.connection()
        runs.run(at=at(2))
    with time_machine.travel(at(9, 45), tick=False):
        yield northgate


def page(person: Person, path: str = "") -> str:
    response = person.client.get(f"{PAGE}{path}")
    assert response.status_code == 200
    return response.content.decode()


def send(person: Person, path: str, **data: Any) -> str:
    response = person.client.post(f"{PAGE}{path}", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def read(school: School, *, outcome: str = "run") -> None:
    """Say that this morning was claimed at 09:31."""
    Slot.objects.create(
        school=school,
        kind="attendance",
        slot=clock.Slot.MORNING,
        local_date=TUESDAY,
        due_at=at(9, 30),
        claimed_at=at(9, 31),
        outcome=outcome,
    )


def test_the_page_says_when_and_what_is_next(rhea: Person, school: School):
    text = page(rhea)
    assert "Monday, Tuesday, Wednesday, Thursday and Friday" in text
    for words in ("<strong>09:30</strong>", "tonight about ", "today at 14:30", "tomorrow at 09:30", "None are known"):
        assert words in text, words
    School.objects.filter(pk=school.pk).update(timezone="Asia/Kathmandu")
    assert "All times are those of Asia/Kathmandu." in page(rhea)


def test_what_another_time_does_is_said_first(rhea: Person, school: School):
    early = page(rhea, "morning/")
    assert "As it is now." in early
    assert "Next today at 10:30." in early  # nobody has read this morning yet
    read(school)
    late = page(rhea, "morning/")
    assert "Today’s morning marks were read at 09:31 already, and are not read twice." in late
    assert "From then on at 10:30, next tomorrow." in late


def test_a_switch_at_quarter_to_ten_gives_no_second_morning(rhea: Person, school: School):
    read(school)
    text = send(rhea, "morning/", slot="10:30")
    assert "Saved. Next: the afternoon’s marks today at 14:30; people and classes tonight about " in text
    assert "the morning’s marks tomorrow at 10:30." in text
    assert School.objects.get(pk=school.pk).morning_slot == "10:30"


def test_an_earlier_time_that_is_past_is_caught_up_at_once(rhea: Person, school: School):
    School.objects.filter(pk=school.pk).update(morning_slot="10:30")
    text = page(rhea, "morning/")
    assert "Today’s marks are read within minutes, as 09:30 is past; the next ones tomorrow at 09:30." in text
    with time_machine.travel(at(15), tick=False):
        assert "Next tomorrow at 09:30." in page(rhea, "morning/")


def test_a_morning_that_was_passed_over_says_why(rhea: Person, school: School):
    read(school, outcome="paused")
    text = page(rhea, "morning/")
    assert "Today’s morning was passed over: reading is paused until somebody mends it." in text


def test_only_a_time_that_there_is_can_be_chosen(rhea: Person, school: School):
    assert "Select a valid choice" in send(rhea, "morning/", slot="11:00")
    assert "Choose a time." in send(rhea, "morning/")
    assert School.objects.get(pk=school.pk).morning_slot == "09:30"


def test_a_week_from_sunday_to_thursday(rhea: Person, school: School):
    assert page(rhea, "weekdays/").count("checked") == 5
    with time_machine.travel(at(15, date=TUESDAY + datetime.timedelta(days=2)), tick=False):
        text = send(rhea, "weekdays/", chosen=["7", "1", "2", "3", "4"])
    assert "the morning’s marks on Sunday at 09:30" in text
    assert School.objects.get(pk=school.pk).weekdays == [1, 2, 3, 4, 7]
    assert "No school on a Friday before that" in text
    assert "Choose at least one day." in send(rhea, "weekdays/")


def test_closures_are_added_listed_and_removed(rhea: Person, school: School):
    given = {"name": "Half-term", "first": "2026-11-25", "last": "2026-11-27"}
    assert "lies before the first" in send(rhea, "closures/add/", **given | {"last": "2026-11-24"})
    text = send(rhea, "closures/add/", **given)
    assert "Added. Next: the afternoon’s marks today at 14:30" in text
    assert "the morning’s marks on Monday at 09:30" in text
    assert "25 November 2026 – 27 November 2026" in text
    assert "Half-term before that" in text
    with scope.school(school.pk):
        closure = Closure.objects.get()
    path = f"closures/{closure.pk}/remove/"
    assert "Half-term, 25 November 2026 – 27 November 2026, is forgotten." in page(rhea, path)
    with scope.school(school.pk):
        assert Closure.objects.exists()
    assert "Removed. Next: " in send(rhea, path)
    with scope.school(school.pk):
        assert not Closure.objects.exists()
        assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
            "closure.added",
            "closure.removed",
        ]
    assert rhea.client.get(f"{PAGE}{path}").status_code == 404


def test_where_reading_is_paused_no_time_is_promised(rhea: Person, school: School):
    with scope.school(school.pk):
        Connection.objects.update(paused_reason="Wrong token.")
    assert "Nothing is read by itself: reading is paused." in page(rhea)
    assert "For now nothing is read by itself: reading is paused." in send(rhea, "morning/", slot="10:30")


def test_where_marks_are_not_shared_none_are_promised(rhea: Person, school: School):
    with scope.school(school.pk):
        Connection.objects.update(connector="gg4l")
    text = page(rhea)
    assert "not shared by your MIS" in text
    assert "tomorrow at 09:30" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_what_the_page_costs(rhea: Person, school: School, number: int, django_assert_num_queries: Any):
    with scope.school(school.pk):
        for day in range(number):
            date = TUESDAY + datetime.timedelta(days=day)
            Closure.objects.create(first=date, last=date, name="Closed")
    page(rhea)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 7):  # standing, roles, closures (2), freshness (2), claims
        assert page(rhea).count("Remove<") == number


@pytest.mark.parametrize("path", ["", "morning/", "weekdays/", "closures/add/", "closures/1/remove/"])
def test_who_may(alice: Person, charlie: Person, school: School, path: str):
    assert school.pk
    assert alice.client.get(f"{PAGE}{path}").status_code == 403
    assert charlie.client.get(f"{PAGE}{path}").status_code == 404


def test_a_closure_of_another_school_is_none(rhea: Person, school: School, himal: School):
    with scope.school(himal.pk):
        theirs = Closure.objects.create(first=TUESDAY, last=TUESDAY, name="Dashain")
    assert school.pk
    assert rhea.client.post(f"{PAGE}closures/{theirs.pk}/remove/").status_code == 404
    with scope.school(himal.pk):
        assert Closure.objects.filter(pk=theirs.pk).exists()
