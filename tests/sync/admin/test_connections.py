"""Support joins a school to its MIS inside a look-in: settings by right, trials by everybody of ours (R1–R3, R7)."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from sync.connectors.wonde import Wonde
from sync.models import Connection, MisProduct, Run, Trial
from sync.operations import catalogue, connections
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person, signed_in
from tests.factories import people, runs
from tests.factories.trials import FINDINGS, OUTLOOK, posted, trial
from users.operations import support

JOINING, SETTINGS, TRIAL = (reverse(f"admin:sync_connection_{name}") for name in ("joining", "settings", "trial"))
CANARY = "0123456789abcdef0123456789abcdef01234567"
WONDE = posted(Wonde, school="A1")


@pytest.fixture
def boss(db: None) -> Person:
    """One of our own people who may do everything in the admin."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    return Person(account=account, client=signed_in(account))


@pytest.fixture(autouse=True)
def loaded(db: None) -> None:
    catalogue.load()


@pytest.fixture
def inside(boss: Person, dana: Person, northgate: School) -> None:
    """Both look into Northgate."""
    for person in (boss, dana):
        support.open_grant(account=person.account, school=northgate, reason="ticket 9", at=timezone.now())


@pytest.fixture
def connected(northgate: School) -> Connection:
    with scope.school(northgate.pk):
        return connections.connect(
            school=northgate,
            connector="wonde",
            given={"token": CANARY, "school": "A1"},
            product=MisProduct.objects.get(name="SIMS"),
        )


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


@pytest.mark.parametrize("path", [JOINING, SETTINGS, TRIAL])
def test_outside_of_a_look_in_there_is_no_school_to_join(boss: Person, path: str):
    for response in (boss.client.get(path), boss.client.post(path, {"wish": "test"})):
        assert (response.status_code, response["Location"]) == (302, reverse("admin:users_supportgrant_add"))


@pytest.mark.usefixtures("inside")
def test_a_school_is_connected_with_the_reason_of_the_look_in(boss: Person, northgate: School):
    page = boss.client.get(JOINING).content.decode()
    assert "Not connected yet" in page
    assert "sims-via-wonde" in page
    assert boss.client.get(f"{SETTINGS}?system=sims-via-wonde").status_code == 200
    response = boss.client.post(f"{SETTINGS}?system=sims-via-wonde", WONDE | {"set-token": CANARY})
    assert response["Location"] == JOINING
    with scope.school(northgate.pk):
        assert str(Connection.objects.get()) == "SIMS via Wonde"
        event = AuditEvent.objects.get(action="connection.saved")
    assert (event.actor_id, event.reason) == (boss.account.pk, "ticket 9")
    for path in (JOINING, SETTINGS, "/admin/sync/connection/"):
        assert CANARY not in boss.client.get(path).content.decode()


@pytest.mark.usefixtures("inside", "connected")
def test_without_the_right_settings_are_not_shown_or_saved(dana: Person, northgate: School):
    assert SETTINGS not in dana.client.get(JOINING).content.decode()
    assert dana.client.get(SETTINGS).status_code == 403
    assert dana.client.post(SETTINGS, WONDE | {"set-token": "stolen"}).status_code == 403
    with scope.school(northgate.pk):
        assert Connection.objects.get().settings["token"] == CANARY


@pytest.mark.usefixtures("inside", "connected")
def test_every_one_of_our_people_may_test_preview_and_confirm(dana: Person, northgate: School):
    for wish in ("test", "preview"):
        assert dana.client.post(TRIAL, {"wish": wish})["Location"] == JOINING
    with scope.school(northgate.pk):
        assert set(Trial.objects.values_list("kind", "asked_by")) == {
            ("test", dana.account.pk),
            ("preview", dana.account.pk),
        }
        assert dana.client.get(JOINING).content.decode().count("A worker is looking.") == 2
        Trial.objects.all().delete()
        seen = trial(Connection.objects.get(), kind="preview", summary=OUTLOOK, plan_hash="seen")
        trial(Connection.objects.get(), findings=FINDINGS)
    text = dana.client.get(JOINING).content.decode()
    for words in ("412 read.", "birch-trust.example", "Do the first sync as shown", "Not shared by your MIS"):
        assert words in text
    dana.client.post(TRIAL, {"wish": "confirm", "preview": seen.pk})
    with scope.school(northgate.pk):
        assert Run.objects.get().expects == "seen"


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("wish", [{"wish": "test"}, {"wish": "confirm", "preview": "1"}])
def test_what_cannot_be_done_is_said(dana: Person, wish: dict[str, str]):
    assert "not connected" in said(dana.client.post(TRIAL, wish))


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("wish", [{}, {"wish": "dance"}, {"wish": "confirm", "preview": "x"}])
def test_wishes_that_nobody_can_have_do_nothing(dana: Person, northgate: School, wish: dict[str, str]):
    assert dana.client.post(TRIAL, wish)["Location"] == JOINING
    with scope.school(northgate.pk):
        assert not Trial.objects.exists()


@pytest.mark.usefixtures("inside", "connected")
def test_another_system_is_a_project_for_support_as_well(boss: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.run()
    assert "a project of its own" in boss.client.get(JOINING).content.decode()
    response = boss.client.post(f"{SETTINGS}?system=arbor-via-wonde", WONDE)
    assert response.status_code == 200
    assert "a project that we plan with you" in said(response)
    assert boss.client.post(SETTINGS, WONDE)["Location"] == JOINING  # its own settings may change


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("system", ["?system=abacus", ""])
def test_a_system_that_is_not_there_is_404(boss: Person, system: str):
    assert boss.client.get(SETTINGS + system).status_code == 404


@pytest.mark.parametrize("who", ["alice", "bob", "rhea"])
@pytest.mark.parametrize("path", [JOINING, SETTINGS, TRIAL])
def test_the_pages_are_for_support_only(request: pytest.FixtureRequest, who: str, path: str):
    person: Person = request.getfixturevalue(who)
    assert person.client.get(path).status_code in {302, 403}
    assert person.client.post(path, {"wish": "test"}).status_code in {302, 403}


# The catalogue.


def answers(**given: str) -> dict[str, str]:
    says = dict.fromkeys(("medical", "dietary", "sessions", "lessons", "classes", "photos", "student_emails",
                          "staff_leavers", "responsibility"), "unknown")  # fmt: skip
    return {f"{name}_says": word for name, word in says.items()} | given


def test_support_adds_a_system_and_a_school_uses_it_without_a_deploy(boss: Person, rhea: Person, northgate: School):
    given = {"name": "Skyward", "partner": "GG4L", "connector": "gg4l", "notes": "Ask the district first."}
    more = {"classes_says": "yes", "classes_note": "With teachers.", "sessions_says": "yes"}
    response = boss.client.post(reverse("admin:sync_misproduct_add"), given | answers(**more))
    assert response.status_code == 302, response.content.decode()
    row = MisProduct.objects.get(name="Skyward")
    assert (row.ours, row.abilities["classes"]) == (True, {"says": "yes", "note": "With teachers."})
    text = rhea.client.get("/systems/skyward-via-gg4l/").content.decode()
    assert "Ask the district first." in text
    assert "We do not read this from here." in text  # marks, whatever support says
    assert "?system=skyward-via-gg4l" in rhea.client.get("/s/northgate/reception/connection/system/").content.decode()
    catalogue.load()
    assert MisProduct.objects.get(name="Skyward").abilities == row.abilities


def test_support_s_changes_stay_and_are_shown_in_the_form(boss: Person):
    sims = MisProduct.objects.get(name="SIMS")
    path = reverse("admin:sync_misproduct_change", args=[sims.pk])
    assert "Other users of Wonde receive it from SIMS" in boss.client.get(path).content.decode()
    given = {"name": "SIMS", "partner": "Wonde", "connector": "wonde", "notes": ""}
    assert boss.client.post(path, given | answers(medical_says="yes")).status_code == 302
    catalogue.load()
    sims.refresh_from_db()
    assert (sims.ours, sims.notes, sims.abilities["medical"]["says"]) == (True, "", "yes")


@pytest.mark.parametrize(
    "wrong", [{"connector": "no-such"}, {"medical_says": "surely"}, {"name": "SIMS", "partner": "Wonde"}]
)
def test_a_system_that_makes_no_sense_is_not_taken(boss: Person, wrong: dict[str, str]):
    given = {"name": "Skyward", "partner": "GG4L", "connector": "gg4l", "notes": ""} | answers() | wrong
    assert boss.client.post(reverse("admin:sync_misproduct_add"), given).status_code == 200
    assert MisProduct.objects.count() == 18


def test_every_one_of_our_people_may_look_at_the_catalogue_and_only_some_change_it(dana: Person):
    sims = MisProduct.objects.get(name="SIMS")
    path = reverse("admin:sync_misproduct_change", args=[sims.pk])
    assert dana.client.get(path).status_code == 200
    assert dana.client.post(path, {"name": "Mine"}).status_code == 403
