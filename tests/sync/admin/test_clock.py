"""The pages of the clock in the admin: the schedule board and the rehearsal."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.models import Pulse, Slot
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs
from users.operations import support

BOARD = "/admin/sync/slot/schedule/"
REHEARSAL = "/admin/sync/slot/rehearsal/"


def page(person: Person, url: str) -> str:
    response = person.client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def connected(slug: str, **fields: object) -> School:
    """A school that is ours since long ago, whose slots nobody has claimed."""
    school = people.school(slug, f"{slug.title()} School", **fields)
    School.objects.filter(pk=school.pk).update(opened_at=timezone.now() - datetime.timedelta(days=90))
    with scope.school(school.pk):
        runs.connection()
    return school


def test_the_home_page_leads_to_all_of_them(dana: Person) -> None:
    text = page(dana, "/admin/")
    for url in (BOARD, REHEARSAL, "/admin/sync/runrequest/waiting/", "/admin/tenants/school/syncs/"):
        assert f'href="{url}"' in text
        page(dana, url)


def test_what_was_missed_stands_on_top_in_red_and_in_words(dana: Person, himal: School) -> None:
    connected("elmfield")
    text = page(dana, BOARD)
    assert text.index("Elmfield School") < text.index("Himal International School")
    assert 'class="missed"' in text
    assert "Missed: " in text
    assert "Missed 1" in text
    assert "Not connected 1" in text


def test_the_next_slots_are_told_in_utc_and_in_the_school_s_own_time(dana: Person) -> None:
    connected("himalaya", timezone="Asia/Kathmandu")
    text = page(dana, BOARD)
    assert "08:45</time>" in text
    assert "14:30" in text


@pytest.mark.parametrize("seconds", [30, 3600, None])
def test_a_silent_clock_is_told_on_top(dana: Person, seconds: int | None) -> None:
    if seconds is not None:
        Pulse.objects.create(name=Pulse.DISPATCH, at=timezone.now() - datetime.timedelta(seconds=seconds))
    text = page(dana, BOARD)
    assert ("The clock goes: it last looked" in text) is (seconds == 30)
    assert ("The clock is silent: nothing was dispatched since" in text) is (seconds == 3600)
    assert ("The clock has never gone" in text) is (seconds is None)
    assert ('role="alert"' in text) is (seconds != 30)


def test_filters_and_pages(dana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    connected("ash")
    connected("birch", timezone="Asia/Dubai")
    assert "Birch School" not in page(dana, f"{BOARD}?zone=Europe/London")
    assert "Ash School" not in page(dana, f"{BOARD}?search=birch")
    assert "No school is like this." in page(dana, f"{BOARD}?health=good&zone=Asia/Dubai")
    assert "No school is like this." in page(dana, f"{BOARD}?health=nonsense")
    monkeypatch.setattr("sync.admin.clock.SCHOOLS_A_PAGE", 1)
    first, second = page(dana, BOARD), page(dana, f"{BOARD}?page=2")
    assert [("Ash School" in text, "Birch School" in text) for text in (first, second)] == [
        (True, False),
        (False, True),
    ]


def test_the_board_is_about_every_school_inside_a_look_in_too(dana: Person, himal: School) -> None:
    connected("ash")
    support.open_grant(account=dana.account, school=himal, reason="ticket 9", at=timezone.now())
    assert "Ash School" in page(dana, BOARD)


def test_three_schools_cost_as_many_queries_as_one(dana: Person) -> None:
    connected("ash")
    page(dana, BOARD)
    with CaptureQueriesContext(connection) as alone:
        page(dana, BOARD)
    connected("birch")
    connected("cedar")
    with CaptureQueriesContext(connection) as three:
        page(dana, BOARD)
    assert len(three) == len(alone)


@pytest.mark.parametrize("who", ["alice", "bob", "rhea"])
def test_nobody_of_a_school_sees_them(request: pytest.FixtureRequest, who: str) -> None:
    person: Person = request.getfixturevalue(who)
    for url in (BOARD, REHEARSAL, "/admin/sync/slot/"):
        assert person.client.get(url).status_code in {302, 403}


def test_slots_are_looked_at_and_never_touched(dana: Person, northgate: School) -> None:
    now = timezone.now()
    slot = Slot.objects.create(
        school=northgate,
        kind="roster",
        slot="night",
        local_date=now.date(),
        due_at=now,
        claimed_at=now,
        outcome="paused",
    )
    assert "reading is paused until somebody mends it" in page(dana, "/admin/sync/slot/")
    page(dana, f"/admin/sync/slot/{slot.pk}/change/")
    assert dana.client.post(f"/admin/sync/slot/{slot.pk}/delete/").status_code == 403


# The rehearsal.


def test_any_zone_and_any_date(dana: Person) -> None:
    text = page(dana, f"{REHEARSAL}?zone=Europe/London&date=2026-03-29")
    for words in (
        "Clocks go forward from 01:00 to 02:00 on 29 March 2026: this night is 60 minutes long.",
        "29 Mar 01:00:00 UTC",
        "29 Mar 08:30:00 UTC",
        "09:30:00 (UTC+01:00)",
        "Thu 26 Mar 2026",
        "Wed 1 Apr 2026",
    ):
        assert words in text
    assert text.count('class="night"') >= 7
    assert 'role="img"' in text


def test_a_date_that_does_not_exist_in_a_zone_is_named(dana: Person) -> None:
    text = page(dana, f"{REHEARSAL}?zone=Pacific/Apia&date=2011-12-30")
    assert "This date does not exist here: nothing is due." in text


def test_every_sample_is_a_rehearsal(dana: Person) -> None:
    samples = set(dana.client.get(REHEARSAL).context["samples"])
    assert len(samples) >= 6
    for zone, date, _words in samples:
        assert 'class="timeline"' in page(dana, f"{REHEARSAL}?zone={zone}&date={date}")


def test_a_school_has_its_own_zone_and_morning_and_place(dana: Person) -> None:
    school = people.school("ash", "Ash School", timezone="Asia/Dubai", morning_slot="10:30")
    text = page(dana, f"{REHEARSAL}?school={school.slug}&date=2026-07-01")
    assert "Asia/Dubai: Ash School" in text
    assert "10:30:00 (UTC+04:00)" in text
    assert "for the first school of the night" not in text
    other = page(dana, f"{REHEARSAL}?school={school.slug}&zone=Europe/London&morning=09:30&date=2026-07-01")
    assert "09:30:00 (UTC+01:00)" in other


@pytest.mark.parametrize(
    ("query", "words", "kept"),
    [
        ("zone=Mars/Olympus&date=2026-03-29", "“Mars/Olympus” is not a time zone", 'value="Mars/Olympus"'),
        ("zone=Europe/London&date=2026-02-30", "This date does not exist", 'value="2026-02-30"'),
        ("zone=Europe/London&date=0001-01-01", "between 1970 and 2099", 'value="Europe/London"'),
        ("zone=&date=2026-03-29", "Choose a time zone, or a school.", 'value="2026-03-29"'),
        ("school=nobody&date=2026-03-29", "There is no school “nobody”.", 'value="nobody"'),
        ("zone=Europe/London&date=2026-03-29&morning=11:00", "Select a valid choice", 'value="2026-03-29"'),
        ("zone=../etc/passwd&date=2026-03-29", "is not a time zone", 'value="../etc/passwd"'),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(dana: Person, query: str, words: str, kept: str) -> None:
    text = page(dana, f"{REHEARSAL}?{query}")
    assert words in text
    assert kept in text
    assert 'class="timeline"' not in text
