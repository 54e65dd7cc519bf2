"""Support leads a change of MIS on its page, inside a look-in (R25, R86)."""

import datetime
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sync.connectors.wonde import Wonde
from sync.models import Connection, MisChange, Run, Trial
from sync.operations import catalogue, connections, mis_change
from sync.operations.mis_change import rehearsals
from sync.pipeline.roster import Roster
from sync.pipeline.snapshot import snapshot
from sync.records import Staff
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person, signed_in
from tests.factories import people
from tests.factories.trials import posted
from users.models import StaffMember
from users.operations import support

CHANGES, ANNOUNCE = (reverse(f"admin:sync_mischange_{name}") for name in ("changelist", "announce"))
CANARY = "0123456789abcdef0123456789abcdef01234567"
WONDE = posted(Wonde, school="A1")


@pytest.fixture
def boss(db: None) -> Person:
    """One of our own people who may do everything in the admin."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    return Person(account=account, client=signed_in(account))


@pytest.fixture(autouse=True)
def connected(northgate: School) -> None:
    catalogue.load()
    with scope.school(northgate.pk):
        connections.connect(school=northgate, connector="csv_files", given={})


@pytest.fixture
def inside(boss: Person, dana: Person, northgate: School) -> None:
    """Both look into Northgate."""
    for person in (boss, dana):
        support.open_grant(account=person.account, school=northgate, reason="ticket 9", at=timezone.now())


@pytest.fixture
def change(northgate: School, boss: Person) -> MisChange:
    """A change that is announced, with its new MIS connected."""
    with scope.school(northgate.pk):
        found = mis_change.announce(by=boss.account.pk, at=timezone.now(), consultation="Agreed with the head.")
        how: dict[str, Any] = {"school": northgate, "connector": "wonde", "product": None, "at": timezone.now()}
        settings = {"token": CANARY, "school": "A1"}
        mis_change.connect_new(found, settings=settings, by=boss.account.pk, **how)
        found.refresh_from_db()
    return found


def rehearsed(school: School, change: MisChange, *, colleagues: int = 1) -> None:
    """Keep a matching as a worker does: a colleague in doubt for each one, and as many whom nobody names."""
    names = [f"Ada{number} Doe" for number in range(colleagues)]
    with scope.school(school.pk):
        for number, name in enumerate(names):
            people.staff_member(name, email=f"ada{number}@northgate-school.example")
            people.staff_member(f"Gone{number} Away")
        staff = {
            f"S{number}": Staff(ref=f"S{number}", given_name=f"Ada{number}", family_name="Doe", phone="1")
            for number in range(colleagues)
        }
        held = snapshot(generation=2)
        roster = Roster(staff=staff)
        row = MisChange.objects.get(pk=change.pk)
        rehearsals.keep(row, held, roster, rehearsals.matched(held, roster), at=timezone.now())


def page(change: MisChange) -> str:
    return reverse("admin:sync_mischange_change", args=[change.pk])


def act(change: MisChange) -> str:
    return reverse("admin:sync_mischange_act", args=[change.pk])


def connect(change: MisChange) -> str:
    return reverse("admin:sync_mischange_connect", args=[change.pk])


def said(response: Any) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def state(school: School) -> str:
    with scope.school(school.pk):
        return MisChange.objects.latest("id").state


def test_outside_of_a_look_in_there_is_no_change_to_lead(boss: Person, change: MisChange):
    for path in (CHANGES, ANNOUNCE, page(change), act(change), connect(change)):
        for response in (boss.client.get(path), boss.client.post(path, {"wish": "cancel"})):
            assert (response.status_code, response["Location"]) == (302, reverse("admin:users_supportgrant_add"))


@pytest.mark.usefixtures("inside")
def test_a_change_of_another_school_is_not_there(boss: Person, himal: School):
    with scope.school(himal.pk):
        connections.connect(school=himal, connector="csv_files", given={})
        theirs = mis_change.announce(by=boss.account.pk, at=timezone.now())
    for path in (page(theirs), act(theirs), connect(theirs)):
        assert boss.client.get(path).status_code == 404
        assert boss.client.post(path, {"wish": "cancel"}).status_code == 404
    assert state(himal) == "announced"


@pytest.mark.usefixtures("inside")
def test_without_the_right_one_may_look_and_do_nothing(dana: Person, change: MisChange, northgate: School):
    text = dana.client.get(page(change)).content.decode()
    assert "takes the right to change it" in text
    assert act(change) not in text
    for path in (ANNOUNCE, connect(change), act(change)):
        assert dana.client.post(path, {"wish": "cancel", "reason": "x", "sure": "on"}).status_code == 403
    assert state(northgate) == "announced"


@pytest.mark.usefixtures("inside")
def test_announcing_freezes_and_leads_on(boss: Person, northgate: School):
    assert ANNOUNCE in boss.client.get(CHANGES).content.decode()
    assert boss.client.get(ANNOUNCE).status_code == 200
    assert boss.client.post(ANNOUNCE, {"consultation": " "}).status_code == 200
    response = boss.client.post(ANNOUNCE, {"consultation": "Head and bursar, for 1 December."})
    with scope.school(northgate.pk):
        change = MisChange.objects.get()
    assert response["Location"] == page(change)
    text = boss.client.get(page(change)).content.decode()
    for words in ("Head and bursar", "Not connected yet", "sims-via-wonde", "nothing is read"):
        assert words.casefold() in text.casefold()
    boss.client.post(act(change), {"wish": "consult", "consultation": "Also the nurse."})
    assert "Also the nurse." in boss.client.get(page(change)).content.decode()
    assert "Announce" in boss.client.get(CHANGES).content.decode()


@pytest.mark.usefixtures("inside")
def test_the_new_mis_is_connected_and_its_secrets_never_shown(boss: Person, northgate: School):
    boss.client.post(ANNOUNCE, {"consultation": "Agreed."})
    with scope.school(northgate.pk):
        change = MisChange.objects.get()
    path = f"{connect(change)}?system=sims-via-wonde"
    assert boss.client.get(connect(change)).status_code == 404, "which system?"
    assert boss.client.get(f"{connect(change)}?system=nothing").status_code == 404
    assert boss.client.get(path).status_code == 200
    assert boss.client.post(path, WONDE).status_code == 200, "the token is missing"
    assert boss.client.post(path, WONDE | {"set-token": CANARY})["Location"] == page(change)
    with scope.school(northgate.pk):
        new = Connection.objects.get(active=False)
        assert (new.generation, str(new)) == (2, "SIMS via Wonde")
        assert Connection.objects.get(active=True).connector == "csv_files"
    for shown in (page(change), connect(change), CHANGES):
        assert CANARY not in boss.client.get(shown).content.decode()


@pytest.mark.usefixtures("inside")
def test_questions_are_answered_with_both_records_side_by_side(boss: Person, change: MisChange, northgate: School):
    assert "waits for a worker" in said(boss.client.post(act(change), {"wish": "rehearse"}))
    assert "A worker is reading" in boss.client.get(page(change)).content.decode()
    with scope.school(northgate.pk):
        Trial.objects.update(ended_at=timezone.now())
    rehearsed(northgate, change)
    with scope.school(northgate.pk):
        ada = StaffMember.objects.get(given_name="Ada0")
        gone = StaffMember.objects.get(given_name="Gone0")
        StaffMember.objects.update(source="feed")
    text = boss.client.get(page(change)).content.decode()
    for words in ("Who is S0?", "With us: Ada0 Doe", "New MIS: id S0", "With us: Gone0 Away", "It is somebody new"):
        assert words in text
    assert "Cut over</h2>" not in text
    only = boss.client.get(f"{page(change)}?topic=unmatched").content.decode()
    assert "Gone0" in only
    assert "Who is S0?" not in only
    answer = {"wish": "answer", "key": "ref:staff:S0", "choice": f"same:{ada.pk}", "topic": "same"}
    assert boss.client.post(act(change), answer)["Location"] == f"{page(change)}?topic=same#questions"
    assert "not asked any more" in said(boss.client.post(act(change), answer | {"choice": "dance"}))
    boss.client.post(act(change), {"wish": "answer", "key": f"row:staff:{gone.pk}", "choice": "left"})
    text = boss.client.get(page(change)).content.decode()
    assert "Everything that must be answered is answered" in text
    assert "Cut over</h2>" in text
    assert text.count('aria-pressed="true"') == 2


@pytest.mark.usefixtures("inside")
def test_those_whom_nobody_names_are_answered_together(boss: Person, change: MisChange, northgate: School):
    rehearsed(northgate, change, colleagues=3)
    with scope.school(northgate.pk):
        StaffMember.objects.update(source="feed")
    assert "All stay, without a MIS" in boss.client.get(page(change)).content.decode()
    boss.client.post(act(change), {"wish": "answer_all", "kind": "staff", "choice": "stay"})
    with scope.school(northgate.pk):
        assert list(MisChange.objects.get().answers.values()) == ["stay"] * 3
    assert "stays or" not in said(boss.client.post(act(change), {"wish": "answer_all", "kind": "cats", "choice": "x"}))


@pytest.mark.usefixtures("inside")
def test_a_cut_over_takes_a_reason_and_a_yes(boss: Person, change: MisChange, northgate: School):
    rehearsed(northgate, change, colleagues=0)
    for short in ({"reason": "As agreed."}, {"sure": "on"}):
        assert "Say why" in said(boss.client.post(act(change), {"wish": "cut_over"} | short))
    with scope.school(northgate.pk):
        assert not Run.objects.exists()
    yes = {"wish": "cut_over", "reason": "As agreed.", "sure": "on"}
    assert "waits for a worker" in said(boss.client.post(act(change), yes))
    with scope.school(northgate.pk):
        run = Run.objects.get()
        assert (run.trigger, run.generation, run.reason) == ("mis_change", 2, "As agreed.")
        assert AuditEvent.objects.filter(action="mis_change.cut_over_requested", actor_id=boss.account.pk).exists()
    assert "A worker is cutting over" in said(boss.client.post(act(change), yes))
    assert "Cut over</h2>" not in boss.client.get(page(change)).content.decode()


@pytest.mark.usefixtures("inside")
def test_after_the_cut_over_the_proof_is_shown_and_the_days_are_counted(
    boss: Person, change: MisChange, northgate: School
):
    told = {"logins": 7, "stakes": 9, "here": {"students": 3, "guardians": 2, "staff": 1}}
    digests = {"logins": "a", "stakes": "b"}
    with scope.school(northgate.pk):
        MisChange.objects.update(
            state="cut_over",
            ended_at=timezone.now(),
            proof={"before": told, "after": told, "kept": {"before": digests, "after": digests}},
        )
    text = boss.client.get(page(change)).content.decode()
    for words in ("Logins that were used", "✓ yes", "13 days are left", "Roll back</h2>"):
        assert words in text
    assert "Call it off" not in text
    with scope.school(northgate.pk):
        MisChange.objects.update(ended_at=timezone.now() - datetime.timedelta(days=15))
    assert "The days for going back are over" in boss.client.get(page(change)).content.decode()
    done = boss.client.post(act(change), {"wish": "roll_back", "reason": "x", "sure": "on"})
    assert "days for going back are over" in said(done)


@pytest.mark.usefixtures("inside")
def test_calling_it_off_is_said(boss: Person, change: MisChange, northgate: School):
    yes = {"wish": "cancel", "reason": "The head wants to wait.", "sure": "on"}
    assert "Called off" in said(boss.client.post(act(change), yes))
    assert state(northgate) == "cancelled"
    assert "Call it off" not in boss.client.get(page(change)).content.decode()
    assert boss.client.post(act(change), {"wish": "dance"})["Location"] == page(change)


@pytest.mark.usefixtures("inside")
def test_the_page_costs_the_same_for_one_question_and_for_many(boss: Person, change: MisChange, northgate: School):
    rehearsed(northgate, change, colleagues=1)
    with CaptureQueriesContext(connection) as few:
        boss.client.get(page(change))
    with scope.school(northgate.pk):
        StaffMember.objects.all().delete()
    rehearsed(northgate, change, colleagues=3)
    with CaptureQueriesContext(connection) as many:
        boss.client.get(page(change))
    assert len(many) == len(few) <= 26
