"""Reception's pages of joining: the checklist, the connection, the settings, the test and the preview (R1–R3)."""

import re
from typing import Any

import pytest

from sync.connectors.managebac import ManageBac
from sync.connectors.wonde import Wonde
from sync.models import TRIAL_LOST_AFTER, Connection, MisProduct, Run, Trial
from sync.operations import catalogue, connections
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs
from tests.factories.trials import FINDINGS, OUTLOOK, posted, trial
from tests.portals.conftest import EVERY_REQUEST

HOME = "/s/northgate/reception/"
JOINING, PREVIEW = f"{HOME}joining/", f"{HOME}joining/preview/"
CONNECTION, SYSTEMS, SETTINGS = f"{HOME}connection/", f"{HOME}connection/system/", f"{HOME}connection/settings/"
CANARY = "0123456789abcdef0123456789abcdef01234567"
WONDE = posted(Wonde, school="A1")


@pytest.fixture(autouse=True)
def loaded(db: None) -> None:
    catalogue.load()


@pytest.fixture
def connected(northgate: School) -> Connection:
    """Northgate uses SIMS via Wonde, with a token that must never be seen again."""
    with scope.school(northgate.pk):
        return connections.connect(
            school=northgate,
            connector="wonde",
            given={"token": CANARY, "school": "A1"},
            product=MisProduct.objects.get(name="SIMS"),
        )


def page(person: Person, path: str) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    assert len(response.content) < 100_000
    assert CANARY not in response.content.decode()
    return response.content.decode()


def links(school: School) -> list[Connection]:
    with scope.school(school.pk):
        return list(Connection.objects.select_related("product"))


# The checklist.


def test_a_new_school_is_told_where_to_begin(rhea: Person):
    text = page(rhea, JOINING)
    assert "1 of 8 steps done" in text  # the super user who reads this
    assert text.count('aria-current="step"') == 1
    assert f'href="{SYSTEMS}"' in text
    assert f'href="{SETTINGS}"' not in text  # nothing to fill in yet
    assert "Our support does this: write to them." in text


def test_the_checklist_names_the_system_and_leads_to_its_guide(rhea: Person, connected: Connection):
    text = page(rhea, JOINING)
    assert "SIMS via Wonde" in text
    assert "/systems/sims-via-wonde/" in text
    assert "Test the connection" in text


def test_a_school_with_files_never_sees_credentials_or_a_test(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
    text = page(rhea, JOINING)
    assert "Give us your files" in text
    assert "credentials" not in text
    assert "Test the connection" not in text


def test_the_time_zone_is_said_yes_to_or_changed(rhea: Person, northgate: School):
    path = f"{JOINING}time-zone/"
    assert "Yes, Europe/London" in page(rhea, JOINING)
    assert rhea.client.post(path, {"timezone": "Mars/Olympus"})["Location"] == JOINING
    assert "is not a time zone" in page(rhea, JOINING)
    rhea.client.post(path, {"timezone": "Asia/Kathmandu"})
    northgate.refresh_from_db()
    assert (northgate.timezone, northgate.confirmed_timezone) == ("Asia/Kathmandu", "Asia/Kathmandu")
    assert "Yes, Asia/Kathmandu" not in page(rhea, JOINING)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("path", "queries"),
    [
        (JOINING, 7),  # standing, roles, connection, trials, runs, domains, super user
        (PREVIEW, 7),
        (CONNECTION, 8),  # and a change of MIS
        (SETTINGS, 9),  # and whether it would be another system: connection, runs
        (SYSTEMS, 8),  # and the catalogue
    ],
)
def test_each_page_costs_the_same(
    rhea: Person, connected: Connection, path: str, queries: int, number: int, django_assert_num_queries: Any
):
    with scope.school(connected.school.pk):
        for _ in range(number):
            trial(connected, findings=FINDINGS)
            trial(connected, kind="preview", summary=OUTLOOK)
            runs.run(status="failed")
    page(rhea, HOME)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + queries):
        page(rhea, path)


# The system and its settings.


def test_a_system_is_chosen_and_its_settings_are_saved(rhea: Person, northgate: School):
    assert "Not connected yet" in page(rhea, CONNECTION)
    assert "?system=sims-via-wonde" in page(rhea, SYSTEMS)
    path = f"{SETTINGS}?system=sims-via-wonde"
    assert "Saving sends nothing" in page(rhea, path)
    response = rhea.client.post(path, WONDE | {"set-token": CANARY})
    assert response["Location"] == JOINING
    (link,) = links(northgate)
    assert (str(link), link.settings["token"]) == ("SIMS via Wonde", CANARY)
    assert "Leave it empty to keep it" in page(rhea, SETTINGS)
    rhea.client.post(SETTINGS, WONDE | {"set-token": "", "set-school": "A2"})
    (link,) = links(northgate)
    assert (link.settings["token"], link.settings["school"]) == (CANARY, "A2")
    with scope.school(northgate.pk):
        assert not Trial.objects.exists()  # saving asks for nothing


def test_a_fault_is_shown_beside_its_field_and_nothing_is_saved(rhea: Person, northgate: School):
    response = rhea.client.post(f"{SETTINGS}?system=sims-via-wonde", WONDE | {"set-token": CANARY, "set-school": ""})
    text = response.content.decode()
    assert response.status_code == 200
    assert "This field is required." in text
    assert 'aria-invalid="true"' in text
    assert CANARY not in text
    assert links(northgate) == []


def test_another_system_is_confirmed_with_what_it_means(rhea: Person, northgate: School, connected: Connection):
    assert "The settings saved for SIMS via Wonde are forgotten" in page(rhea, f"{SETTINGS}?system=managebac")
    assert "The settings stay as they are saved" in page(rhea, f"{SETTINGS}?system=arbor-via-wonde")
    assert "You change from" not in page(rhea, SETTINGS)
    rhea.client.post(f"{SETTINGS}?system=managebac", posted(ManageBac, token="another"))
    (link,) = links(northgate)
    assert (str(link), link.connector, CANARY in str(link.settings)) == ("ManageBac", "managebac", False)


def test_after_the_first_sync_another_system_is_a_project(rhea: Person, northgate: School, connected: Connection):
    with scope.school(northgate.pk):
        runs.run()
    for text in (page(rhea, SYSTEMS), page(rhea, f"{SETTINGS}?system=managebac")):
        assert "a project that we plan with you" in text
    assert "?system=" not in page(rhea, SYSTEMS)
    response = rhea.client.post(f"{SETTINGS}?system=managebac", {"set-token": "another"})
    assert "a project that we plan with you" in response.content.decode()
    assert [str(link) for link in links(northgate)] == ["SIMS via Wonde"]
    assert "Save" in page(rhea, SETTINGS)


def test_a_system_that_is_not_there_is_404(rhea: Person, connected: Connection):
    assert rhea.client.get(f"{SETTINGS}?system=abacus").status_code == 404


def test_a_connection_without_a_product_is_called_by_its_connector(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
    assert "<h1>CSV files</h1>" in page(rhea, SETTINGS)


def test_without_a_system_there_are_no_settings(rhea: Person):
    assert rhea.client.get(SETTINGS).status_code == 404


# The test of the connection.


def test_a_test_is_asked_for_and_watched(
    rhea: Person, northgate: School, connected: Connection, django_capture_on_commit_callbacks: Any
):
    assert "Test now" in page(rhea, CONNECTION)
    with django_capture_on_commit_callbacks():
        response = rhea.client.post(f"{CONNECTION}test/")
    assert response["Location"] == f"{CONNECTION}#test"
    text = page(rhea, CONNECTION)
    assert 'hx-trigger="every 2s"' in text
    assert "Look again" in text  # without JavaScript
    assert '<span class="needs-script">This page looks again by itself.</span>' in text
    assert "Test again" not in text
    along = re.findall(r'hx-select-oob="([^"]+)"', text)[0].split(",")
    assert along == ["#steps", "#shares"]  # what the test found changes these as well
    assert all(f'id="{name[1:]}"' in text for name in along)
    with scope.school(northgate.pk):
        assert Trial.objects.get().asked_by == rhea.account


def test_without_a_connection_there_is_nothing_to_test(rhea: Person):
    assert rhea.client.post(f"{CONNECTION}test/")["Location"] == SYSTEMS


def test_what_was_found_is_said_in_words(rhea: Person, connected: Connection):
    with scope.school(connected.school.pk):
        trial(connected, findings=FINDINGS)
    text = page(rhea, CONNECTION)
    for words in ("412 read.", "Not shared by your MIS", "Approve “medical.read” in the portal.", "Shared with us"):
        assert words in text
    assert "every 2s" not in text


def test_a_refusal_is_its_sentence_and_an_old_test_says_so(rhea: Person, connected: Connection, northgate: School):
    with scope.school(connected.school.pk):
        trial(connected, error_kind="refused", error="The token is wrong: copy it again.")
    assert "The token is wrong: copy it again." in page(rhea, CONNECTION)
    with scope.school(connected.school.pk):
        trial(connected, findings=FINDINGS, made_with="other settings")
    assert "The settings were changed after this" in page(rhea, CONNECTION)


def test_a_lost_worker_is_said_and_the_test_offered_again(rhea: Person, connected: Connection):
    with scope.school(connected.school.pk):
        lost = trial(connected, over=False)
        Trial.objects.update(asked_at=lost.asked_at - TRIAL_LOST_AFTER)
    text = page(rhea, CONNECTION)
    assert "The worker was lost on the way" in text
    assert "Test again" in text
    assert "every 2s" not in text


def test_a_pause_is_told(rhea: Person, connected: Connection):
    with scope.school(connected.school.pk):
        Connection.objects.update(paused_reason="The school has withdrawn its access.")
    assert "The school has withdrawn its access." in page(rhea, CONNECTION)
    assert "The school has withdrawn its access." in page(rhea, JOINING)


# The first sync, seen before.


def test_a_preview_is_asked_for_and_confirmed(
    rhea: Person, northgate: School, connected: Connection, django_capture_on_commit_callbacks: Any
):
    assert "Nobody has looked yet" in page(rhea, PREVIEW)
    with django_capture_on_commit_callbacks():
        assert rhea.client.post(PREVIEW)["Location"] == PREVIEW
    assert "every 2s" in page(rhea, PREVIEW)
    with scope.school(northgate.pk):
        Trial.objects.all().delete()
        seen = trial(connected, kind="preview", summary=OUTLOOK, plan_hash="what was seen")
    text = page(rhea, PREVIEW)
    for words in ("655", "12 without a usable e-mail address", "birch-trust.example", "not shared by your MIS", "G77"):
        assert words in text
    with django_capture_on_commit_callbacks():
        response = rhea.client.post(f"{JOINING}confirm/", {"preview": seen.pk})
    with scope.school(northgate.pk):
        run = Run.objects.get()
    assert (run.trigger, run.expects, run.requested_by_id) == ("first", "what was seen", rhea.account.pk)
    assert response["Location"] == f"{HOME}runs/{run.pk}/"


@pytest.mark.parametrize("said", ["", "0", "abc", "999999999999999999"])
def test_only_what_is_shown_can_be_confirmed(rhea: Person, northgate: School, connected: Connection, said: str):
    with scope.school(northgate.pk):
        trial(connected, kind="preview", summary=OUTLOOK)
    assert rhea.client.post(f"{JOINING}confirm/", {"preview": said})["Location"] == PREVIEW
    assert "Look at it first" in page(rhea, PREVIEW)
    with scope.school(northgate.pk):
        assert not Run.objects.exists()


def test_a_preview_of_other_settings_is_not_offered(rhea: Person, northgate: School, connected: Connection):
    with scope.school(northgate.pk):
        trial(connected, kind="preview", summary=OUTLOOK, made_with="other settings")
    text = page(rhea, PREVIEW)
    assert "The settings were changed after this" in text
    assert "Do it as shown" not in text


def test_without_a_connection_there_is_nothing_to_preview(rhea: Person):
    assert "Not connected yet" in page(rhea, PREVIEW)
    assert rhea.client.post(PREVIEW)["Location"] == SYSTEMS
    assert rhea.client.post(f"{JOINING}confirm/", {"preview": "1"})["Location"] == PREVIEW


def test_once_synced_the_preview_says_so(rhea: Person, northgate: School, connected: Connection):
    with scope.school(northgate.pk):
        runs.run()
    text = page(rhea, PREVIEW)
    assert "The first sync is done" in text
    assert "Look now" not in text


def test_the_front_desk_leads_to_the_checklist_until_the_first_run(rhea: Person):
    assert f'href="{JOINING}"' in page(rhea, HOME)


# Strangers.

PAGES = (JOINING, PREVIEW, CONNECTION, SYSTEMS, SETTINGS)
BUTTONS = (f"{JOINING}time-zone/", PREVIEW, f"{JOINING}confirm/", SETTINGS, f"{CONNECTION}test/")


@pytest.mark.parametrize(("who", "status"), [("alice", 403), ("bob", 302), ("charlie", 404), ("dana", 404)])
def test_nobody_else_sees_or_pushes_anything(
    request: pytest.FixtureRequest, who: str, status: int, northgate: School, connected: Connection
):
    with scope.school(northgate.pk):
        trial(connected, kind="preview", summary=OUTLOOK, plan_hash="seen")
    person: Person = request.getfixturevalue(who)
    assert {person.client.get(path).status_code for path in PAGES} == {status}
    given = {"timezone": "Asia/Tokyo", "preview": "1", "set-token": "stolen", **WONDE}
    assert {person.client.post(path, given).status_code for path in BUTTONS} == {status}
    northgate.refresh_from_db()
    (link,) = links(northgate)
    with scope.school(northgate.pk):
        assert (Trial.objects.count(), Run.objects.count()) == (1, 0)
    assert (northgate.timezone, link.settings["token"]) == ("Europe/London", CANARY)


def test_another_school_s_trial_is_not_confirmed_here(rhea: Person, himal: School, connected: Connection):
    with scope.school(himal.pk):
        theirs = trial(runs.connection(), kind="preview", summary=OUTLOOK, plan_hash="theirs")
        people.student("Gita Secretly")
    assert rhea.client.post(f"{JOINING}confirm/", {"preview": theirs.pk})["Location"] == PREVIEW
    assert "birch-trust.example" not in page(rhea, PREVIEW)
