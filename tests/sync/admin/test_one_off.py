"""A one-off from the admin: what would happen at each school, one run for two clicks, watched and stopped (R18)."""

import datetime
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from sync.models import Connection, MisChange, Run
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people, runs
from users.operations import support

SYNC_NOW = "/admin/tenants/school/sync-now/"
LIVE = "/admin/tenants/school/syncs/"
CANCEL = "/admin/tenants/school/syncs/cancel/"


MARKS = {"marks": {"rows": 9, "new": 7, "changed": 0, "same": 2, "meanings": {"present": 9}}}


def synced(school: School, **fields: Any) -> School:
    """Connect a school that has had its first sync."""
    with scope.school(school.pk):
        runs.connection(**fields)
        runs.run(trigger="first", ago=3)
    return school


def one_off(school: School, **fields: Any) -> Run:
    with scope.school(school.pk):
        return runs.run(**{"status": "queued", "reason": "ticket 9"} | fields)


def one_offs(school: School) -> list[Run]:
    with scope.school(school.pk):
        return list(Run.objects.filter(trigger="one_off").order_by("pk"))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def page(person: Person, url: str) -> str:
    response = person.client.get(url)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def hidden(text: str) -> str:
    """The instant at which the page was made."""
    found = re.search(r'name="shown" value="([^"]+)"', text)
    assert found
    return found[1]


# Asking.


@pytest.mark.parametrize("kind", ["roster", "attendance"])
def test_the_actions_lead_to_the_page_of_their_kind(dana: Person, northgate: School, himal: School, kind: str) -> None:
    action = {"roster": "sync_now", "attendance": "attendance_now"}[kind]
    response = dana.client.post(
        "/admin/tenants/school/", {"action": action, "_selected_action": [northgate.pk, himal.pk]}
    )
    text = page(dana, response["Location"])
    assert f"Run {kind} sync now" in text
    assert "Northgate School" in text
    assert "Himal International School" in text


def test_more_schools_than_people_can_wait_for_are_not_taken_at_once(
    dana: Person, northgate: School, himal: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.admin.schools.MOST", 1)
    response = dana.client.post(
        "/admin/tenants/school/", {"action": "sync_now", "_selected_action": [northgate.pk, himal.pk]}
    )
    assert response["Location"] == "/admin/tenants/school/"
    assert any("at most 1 schools at once" in words for words in said(response))


def not_connected(school: School) -> None:
    """As it is."""


def suspended(school: School) -> None:
    synced(school)
    School.objects.filter(pk=school.pk).update(status="suspended")


def frozen(school: School) -> None:
    synced(school)
    with scope.school(school.pk):
        MisChange.objects.create(old=Connection.objects.get(), opened_at=timezone.now())


def never_synced(school: School) -> None:
    with scope.school(school.pk):
        runs.connection()


def without_marks(school: School) -> None:
    synced(school)
    with scope.school(school.pk):
        Connection.objects.update(connector="gg4l")


@pytest.mark.parametrize(
    ("arrange", "kind", "words"),
    [
        (not_connected, "roster", "not connected to a MIS yet"),
        (suspended, "roster", "The school is suspended"),
        (frozen, "roster", "The school changes its MIS since"),
        (never_synced, "roster", "look at the preview of its first sync"),
        (without_marks, "attendance", "Attendance marks cannot be read"),
    ],
)
def test_what_stands_in_the_way_is_said_before_and_nothing_is_queued_after(
    dana: Person, northgate: School, arrange: Any, kind: str, words: str
) -> None:
    arrange(northgate)
    url = f"{SYNC_NOW}?kind={kind}&schools={northgate.pk}"
    text = page(dana, url)
    assert words in text
    assert "Nothing can be started at any of them" in text
    assert 'name="reason"' not in text
    response = dana.client.post(url, {"reason": "ticket 9"})  # somebody who had the page open before
    assert any(words in message for message in said(response))
    assert response["Location"] == url
    assert one_offs(northgate) == []


def test_one_school_that_cannot_holds_up_no_other(dana: Person, northgate: School, himal: School) -> None:
    synced(northgate)
    url = f"{SYNC_NOW}?schools={himal.pk},{northgate.pk}"
    assert "It would be queued for 1 school." in page(dana, url)
    response = dana.client.post(url, {"reason": "ticket 9"}, follow=True)
    (run,) = one_offs(northgate)
    assert (run.status, run.slot, run.requested_by_id, run.reason) == ("queued", "", dana.account.pk, "ticket 9")
    assert "Himal International School: The school is not connected" in response.content.decode()
    assert urlsplit(response.redirect_chain[-1][0]).query == f"runs={run.pk}"
    with scope.school(northgate.pk):
        assert AuditEvent.objects.filter(action="sync.request", actor_id=dana.account.pk, reason="ticket 9").exists()


def test_attendance_of_a_mis_that_reads_marks_is_a_run_of_its_own(dana: Person, northgate: School) -> None:
    synced(northgate)
    with scope.school(northgate.pk):
        Connection.objects.update(connector="wonde")
    dana.client.post(f"{SYNC_NOW}?kind=attendance&schools={northgate.pk}", {"reason": "ticket 9"})
    assert [run.kind for run in one_offs(northgate)] == ["attendance"]


@pytest.mark.parametrize("status", ["queued", "running", "ok"])
def test_the_second_of_two_clicks_finds_the_first_s_run_however_far_it_is(
    dana: Person, northgate: School, status: str
) -> None:
    synced(northgate)
    url = f"{SYNC_NOW}?schools={northgate.pk}"
    form = {"reason": "ticket 9", "shown": hidden(page(dana, url))}
    first = dana.client.post(url, form)["Location"]
    with scope.school(northgate.pk):
        over = {"finished_at": timezone.now()} if status == "ok" else {}
        Run.objects.filter(trigger="one_off").update(status=status, **over)
    assert dana.client.post(url, form)["Location"] == first
    assert len(one_offs(northgate)) == 1
    dana.client.post(url, form | {"shown": hidden(page(dana, url))})  # asked again from a new page
    assert len(one_offs(northgate)) == (1 if status == "queued" else 2)


@pytest.mark.parametrize("shown", ["", "nonsense", "2026-99-99T00:00", "2001-01-01T00:00:00+00:00", "2026-11-24T09:00"])
def test_a_page_without_its_instant_asks_afresh(dana: Person, northgate: School, shown: str) -> None:
    synced(northgate)
    one_off(northgate, status="ok", requested_by=dana.account)
    dana.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "ticket 9", "shown": shown})
    assert [run.status for run in one_offs(northgate)] == ["ok", "queued"]


def test_what_would_happen_is_said_in_words(dana: Person, northgate: School, himal: School) -> None:
    synced(northgate, paused_reason="The MIS refused our key.")
    with scope.school(northgate.pk):
        folder = "/files/northgate/20261112T081500Z-0a1b2c3d"
        Connection.objects.update(settings={"folder": folder, "place": "upload"})
        runs.run(status="running", trigger="schedule", slot="night")
    synced(himal)
    with scope.school(himal.pk):
        Connection.objects.update(connector="wonde")
    one_off(himal)
    text = page(dana, f"{SYNC_NOW}?schools={northgate.pk},{himal.pk}")
    assert "Applies the files of 12 November 2026 again" in text
    assert "Reading is paused: “The MIS refused our key.”" in text
    assert "A sync is on now; this one follows it." in text
    assert "still waits; it stays one. Reads Wonde." in text
    assert folder not in text
    dana.client.post(f"{SYNC_NOW}?schools={northgate.pk}", {"reason": "ticket 9"})
    assert [run.status for run in one_offs(northgate)] == ["queued"]  # paused, yet a person asked


def test_nothing_chosen_says_what_to_do(dana: Person) -> None:
    assert "tick one or more" in page(dana, f"{SYNC_NOW}?schools=x,,99999999999999999999999")


# Watching.


def test_each_run_is_shown_with_how_far_it_is(dana: Person, rhea: Person, northgate: School, himal: School) -> None:
    progress = {"stage": "students", "pages": 12, "rows": 2400}
    shown = [
        one_off(northgate, status="running", progress=progress, requested_by=dana.account),
        one_off(northgate, requested_by=rhea.account, only="student:7"),
        one_off(himal, status="ok", counts={"students": {"rows": 300, "arrived": 2, "amended": 1}}),
        one_off(himal, status="failed", error="The MIS was busy."),
        one_off(himal, status="ok", kind="attendance", counts=MARKS),
    ]
    text = page(dana, f"{LIVE}?runs={','.join(str(run.pk) for run in shown)}")
    for words in (
        *("students, 12 pages, 2,400 rows", "Running", "dana@schoolsbuddy.example", "a super user of the school"),
        *("Roster, one student", "2 arrived and 1 amended", "7 new", "The MIS was busy.", "2 are waiting or running"),
    ):
        assert words in text
    assert rhea.account.email not in text
    assert 'hx-trigger="every 2s"' in text
    assert "django_htmx/htmx" in text
    assert text.count("Stop…") == 2
    assert "Stop all that wait or run…" in text


def test_a_page_on_which_nothing_moves_asks_no_more(dana: Person, northgate: School) -> None:
    text = page(dana, f"{LIVE}?runs={one_off(northgate, status='ok').pk}")
    assert "All of them are over." in text
    assert "hx-get" not in text
    assert "django_htmx" not in text


def test_without_ids_all_one_offs_of_a_day_are_shown(dana: Person, northgate: School) -> None:
    assert "Nobody has asked for a sync in the last day." in page(dana, LIVE)
    recent, old = one_off(northgate, status="ok"), one_off(northgate, status="ok", ago=2)
    moving, nightly = one_off(northgate, ago=2), one_off(northgate, trigger="schedule", slot="night")
    text = page(dana, LIVE)
    assert [str(run) in text for run in (recent, moving, old, nightly)] == [True, True, False, False]
    assert "There are no such runs." in page(dana, f"{LIVE}?runs=1")


def test_it_is_watched_inside_a_look_in_too(dana: Person, northgate: School, himal: School) -> None:
    support.open_grant(account=dana.account, school=himal, reason="ticket 9", at=timezone.now())
    assert "Northgate School" in page(dana, f"{LIVE}?runs={one_off(northgate).pk}")
    run = one_off(himal, trigger="schedule", slot="night", status="running")
    assert f'href="{LIVE}?runs={run.pk}"' in page(dana, f"/admin/sync/run/{run.pk}/change/")
    assert "Stop…" in page(dana, f"{LIVE}?runs={run.pk}")


# Stopping.


def test_stopping_asks_first(dana: Person, northgate: School, himal: School) -> None:
    chosen = [one_off(northgate), one_off(himal)]
    url = f"{CANCEL}?runs={','.join(str(run.pk) for run in chosen)}"
    assert "Stop these 2 syncs" in page(dana, url)
    assert {run.status for school in (northgate, himal) for run in one_offs(school)} == {"queued"}
    response = dana.client.post(url)
    assert response["Location"] == url.replace("cancel/", "")
    for school in (northgate, himal):
        (run,) = one_offs(school)
        assert (run.status, run.cancel_asked_by_id) == ("cancelled", dana.account.pk)
        with scope.school(school.pk):
            assert AuditEvent.objects.filter(action="sync.cancel", actor_id=dana.account.pk).exists()


def test_what_is_over_is_left_as_it_ended(dana: Person, northgate: School) -> None:
    run = one_off(northgate, status="ok")
    assert "There is nothing left to stop." in page(dana, f"{CANCEL}?runs={run.pk}")
    response = dana.client.post(f"{CANCEL}?runs={run.pk}")
    assert any("nothing left to stop" in words for words in said(response))
    assert [each.status for each in one_offs(northgate)] == ["ok"]


def test_one_that_is_being_stopped_says_so_and_offers_it_no_more(dana: Person, northgate: School) -> None:
    run = one_off(northgate, status="running", cancel_asked_at=timezone.now(), cancel_asked_by=dana.account)
    text = page(dana, f"{LIVE}?runs={run.pk}")
    assert "Stopping" in text
    assert "Stop…" not in text


def test_stopping_nothing_in_particular_stops_nothing(dana: Person, northgate: School) -> None:
    one_off(northgate)
    dana.client.post(CANCEL)
    assert [run.status for run in one_offs(northgate)] == ["queued"]


# Who may, and what it costs.


@pytest.mark.parametrize("who", ["alice", "bob", "rhea"])
def test_nobody_of_a_school_sees_or_does_any_of_it(request: pytest.FixtureRequest, northgate: School, who: str) -> None:
    person: Person = request.getfixturevalue(who)
    run = one_off(northgate)
    for url in (f"{SYNC_NOW}?schools={northgate.pk}", f"{LIVE}?runs={run.pk}", f"{CANCEL}?runs={run.pk}"):
        assert person.client.get(url).status_code in {302, 403}
        assert person.client.post(url, {"reason": "I want to"}).status_code in {302, 403}
    assert [each.status for each in one_offs(northgate)] == ["queued"]


def test_three_schools_cost_as_many_queries_as_one(dana: Person, northgate: School, himal: School) -> None:
    schools = [synced(northgate), synced(himal), synced(people.school("ash", "Ash School"))]
    ids = [one_off(school).pk for school in schools]
    for url, keys in ((f"{SYNC_NOW}?schools=", [school.pk for school in schools]), (f"{LIVE}?runs=", ids)):
        page(dana, f"{url}{keys[0]}")
        with CaptureQueriesContext(connection) as alone:
            page(dana, f"{url}{keys[0]}")
        with CaptureQueriesContext(connection) as three:
            page(dana, f"{url}{','.join(str(key) for key in keys)}")
        assert len(three) == len(alone)


def test_the_address_of_a_batch_is_read_back_as_it_was_written(dana: Person, northgate: School, himal: School) -> None:
    synced(northgate)
    synced(himal)
    response = dana.client.post(f"{SYNC_NOW}?schools={northgate.pk},{himal.pk}", {"reason": "ticket 9"})
    batch = parse_qs(urlsplit(response["Location"]).query)["runs"]
    assert batch == [",".join(str(one_offs(school)[0].pk) for school in (himal, northgate))]
    assert datetime.timedelta() <= timezone.now() - one_offs(northgate)[0].queued_at
