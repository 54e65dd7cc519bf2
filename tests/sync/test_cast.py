"""The people with a story (mission §2.13), as far as files reach: five nights of the two large demo schools."""

import datetime
import re
from collections.abc import Callable

import pytest
from django.utils import timezone

from local.world import cast, profiles
from local.world.model import World
from sync.models import Change, Hold, MisIdentity, Refusal, Run
from sync.pipeline.plan import Case
from sync.pipeline.roster import Fault
from sync.sentences import say
from tenants import scope
from tests.sync.conftest import Place
from users.models import Account, Guardian, LocalEdit, Membership, StaffMember, Student, Tie
from users.operations import people
from users.queries import standing

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


def activate(address: str) -> None:
    """The owner of this address signs in."""
    Account.objects.filter(email=address).update(activated_at=timezone.now())


def guardian(place: Place, family: str, given: str) -> Guardian:
    with scope.school(place.school.pk):
        found: Guardian = Guardian.objects.get(family_name=family, given_name=given)
        return found


def logins(place: Place, address: str) -> set[str]:
    """As what this address enters the school."""
    ways = ("guardian_id", "student_id", "staff_member_id")
    found = Membership.objects.filter(school=place.school, account__email=address).values(*ways)
    return {way for one in found for way in ways if one[way]}


def test_the_story_of_northgate(place: Callable[..., Place], demo_world: World) -> None:  # noqa: PLR0915 -- one story
    here = place(demo_world.school("northgate"))

    # Night 1
    here.sync(1)
    mei, bo = guardian(here, "Li", "Mei"), guardian(here, "Li", "Bo")
    assert (mei.real_email, bo.real_email) == (cast.LI_SHARED_ADDRESS, "")
    assert logins(here, cast.LI_SHARED_ADDRESS) == {"guardian_id"}
    assert guardian(here, "Cole", "Sam").real_email == ""
    with scope.school(here.school.pk):
        ruth, max_wren = (
            StaffMember.objects.get(family_name="Vale"),
            StaffMember.objects.get(given_name="Max", family_name="Wren"),
        )
        assert (ruth.domain_recognised, max_wren.domain_recognised) == (True, False)
        asta = Student.objects.get(family_name="Lund")
        assert asta.email_is_dummy, "her mother's address, and a year without access"
        # Somebody at the school corrects Zoë's name long before the MIS does.
        zoe = Student.objects.get(given_name=cast.ZOE_WRONG[0], family_name=cast.ZOE_WRONG[1])
        for field, right in zip(("given_name", "family_name"), cast.ZOE_RIGHT, strict=True):
            people.correct(zoe, field=field, value=right, by=None, at=timezone.now())
        offices = Refusal.objects.filter(fault=Fault.ROLE_MAILBOX)
        assert offices.count() > 10
        assert set(offices.values_list("kind", "field")) == {("guardians", "email")}
        assert offices.values("reason").distinct().count() == 1
        assert not Guardian.objects.filter(email=profiles.NORTHGATE.role_mailbox).exists()
    assert logins(here, max_wren.email) == set()
    assert logins(here, ruth.email) == {"staff_member_id"}
    assert logins(here, cast.JO_HART_ADDRESS) == {"staff_member_id"}

    # Night 2: Jo Hart is a parent too; 55 and 90 are missing for the first time
    run = here.sync(2)
    assert logins(here, cast.JO_HART_ADDRESS) == {"staff_member_id", "guardian_id"}
    with scope.school(here.school.pk):
        assert Change.objects.filter(run=run, kind="guardians", action="arrive", label="Jo Hart").count() == 1
        ann, nell = Student.objects.get(family_name="Bell", given_name="Ann"), Student.objects.get(family_name="Frost")
        assert (ann.status, nell.status) == ("missing", "missing")
        ties = set(Tie.objects.filter(student=nell).values_list("id", "ended_on"))
        tess = Student.objects.get(given_name="Tess", family_name="Hale")
        her_ties = set(Tie.objects.filter(student=tess).values_list("id", "ended_on"))

    # Night 3: one of the two fathers has signed in, so the swap of their addresses waits
    activate(cast.OWEN_PRICE_ADDRESS)
    run = here.sync(3)
    assert guardian(here, "Price", "Owen").email == cast.OWEN_PRICE_ADDRESS
    assert guardian(here, "Doyle", "Liam").email == cast.LIAM_DOYLE_ADDRESS
    with scope.school(here.school.pk):
        assert {frozenset(hold.labels) for hold in Hold.objects.filter(run=run)} == {
            frozenset({"Owen Price", "Liam Doyle"})
        }
        assert Student.objects.get(family_name="Hale", given_name="Tess").pk == tess.pk, "100 became 2100"
        ids = MisIdentity.objects.filter(student=tess).order_by("id").values_list("external_id", flat=True)
        assert list(ids) == ["100", "2100"]
        assert set(Tie.objects.filter(student=tess).values_list("id", "ended_on")) == her_ties
        rekey = Change.objects.get(run=run, action="rekey")
        assert str(say(rekey)) == "Tess Hale’s MIS reference changed from 100 to 2100; everything was kept."
        change = Change.objects.get(run=run, kind="guardians", person_id=bo.pk, field="email")
        assert (change.old, change.new) == ("", cast.BO_LI_OWN_ADDRESS)
        assert Student.objects.get(pk=ann.pk).status == "left"
    assert guardian(here, "Li", "Bo").pk == bo.pk
    assert logins(here, cast.BO_LI_OWN_ADDRESS) == {"guardian_id"}
    assert guardian(here, "Li", "Mei").email == cast.LI_SHARED_ADDRESS
    assert logins(here, cast.SAM_COLE_ADDRESS) == {"guardian_id"}

    with scope.school(here.school.pk):
        assert Student.objects.named("zoe munoz").get() == zoe, "the MIS goes on saying it wrong, and the edit stands"
        assert LocalEdit.objects.open().count() == 2

    # Night 4: 701 and 702 changed places, Jo Hart stopped teaching, Kit Moss has one address
    run = here.sync(4)
    assert guardian(here, "Vance", "Carla").real_email == "carla.vance@mailhouse.example"
    assert guardian(here, "Ortega", "Nina").real_email == "nina.ortega@webpost.example"
    with scope.school(here.school.pk):
        [swap] = Hold.objects.filter(run=run, case=Case.IDS_SWAPPED)
        assert (swap.refs, swap.labels) == (["701", "702"], ["Carla Vance", "Nina Ortega"])
        assert list(Tie.objects.filter(guardian__family_name="Vance", student__family_name="Vance", ended_on=None))
        jo = StaffMember.objects.get(family_name="Hart", given_name="Jo")
        assert jo.status == "missing", "listed; a super user decides"
        people.delete_staff(jo, by=None, at=timezone.now(), reason="Stopped teaching")
    assert logins(here, cast.KIT_MOSS_STAFF_ADDRESS) == {"staff_member_id", "guardian_id"}

    # Night 5: another child has 55, 90 is back, Zoë has her letters
    run = here.sync(5)
    with scope.school(here.school.pk):
        [reused] = Hold.objects.filter(run=run, case=Case.ID_REUSED)
        assert (reused.refs, [side["title"] for side in reused.sides]) == (
            ["55"],
            ["What we hold", "What the MIS says"],
        )
        ann.refresh_from_db()
        assert (ann.given_name, ann.status) == ("Ann", "left")
        assert not Student.objects.filter(given_name="Bob", family_name="Stone").exists()
        assert not Tie.objects.filter(student=ann, guardian__family_name="Stone").exists()
        back = Student.objects.get(family_name="Frost")
        assert (back.pk, back.status, back.left_on) == (nell.pk, "active", None)
        assert set(Tie.objects.filter(student=nell).values_list("id", "ended_on")) == ties
        zoe.refresh_from_db()
        assert (zoe.given_name, zoe.family_name) == cast.ZOE_RIGHT
        assert not LocalEdit.objects.open().exists(), "the MIS says now what was corrected"
        assert Change.objects.filter(run=run, person_id=zoe.pk, action="release").count() == 2
        assert not Change.objects.filter(run=run, kind="students", person_id=zoe.pk, action="amend").exists()
        assert StaffMember.objects.get(pk=jo.pk).deleted_at, "and no feed brings her back"
        account = Account.objects.get(email=cast.JO_HART_ADDRESS)
        assert standing(account_id=account.pk).modes == ("parent",)


def test_a_parent_added_by_hand_is_the_one_whom_the_mis_names_later(
    place: Callable[..., Place], demo_world: World
) -> None:
    """Northgate adds Jo Hart as a parent on the day before its MIS does (R43)."""
    here = place(demo_world.school("northgate"))
    here.sync(1)
    with scope.school(here.school.pk):
        ivy = Student.objects.get(given_name="Ivy", family_name="Hart")
        jo = Guardian.objects.create(
            given_name="Jo",
            family_name="Hart",
            folded="hart jo",
            email=cast.JO_HART_ADDRESS,
            email_is_dummy=False,
            source=Guardian.Source.MANUAL,
        )
        Tie.objects.create(guardian=jo, student=ivy, by_hand=True)
    run = here.sync(2)
    found = guardian(here, "Hart", "Jo")
    assert (found.pk, found.source, found.email) == (jo.pk, Guardian.Source.FEED, cast.JO_HART_ADDRESS)
    with scope.school(here.school.pk):
        assert MisIdentity.objects.get(guardian=jo).external_id == "641"
        claimed = Change.objects.get(run=run, action="rekey")
        assert str(say(claimed)) == "Jo Hart was known here before the MIS, which now has them as 641."
        assert set(Tie.objects.filter(guardian=jo).values_list("student__given_name", flat=True)) == {"Ivy", "Noah"}


def test_the_story_of_himal(place: Callable[..., Place], demo_world: World) -> None:
    here = place(demo_world.school("himal"))
    for number in range(1, 5):
        here.sync(number)
    dev = guardian(here, "Rai", "Dev")
    assert dev.real_email == "", "the school's own domain is blocked for parents"
    assert dev.mis_email == cast.DEV_RAI_STAFF_ADDRESS
    assert logins(here, cast.DEV_RAI_STAFF_ADDRESS) == {"staff_member_id"}
    run = here.sync(5)
    assert guardian(here, "Rai", "Dev").pk == dev.pk
    assert logins(here, cast.DEV_RAI_PRIVATE_ADDRESS) == {"guardian_id"}
    assert run.local_date == datetime.date(2026, 11, 13)


def test_sam_cole_is_one_login_at_two_schools_and_two_people(place: Callable[..., Place], demo_world: World) -> None:
    schools = [place(demo_world.school(slug)) for slug in ("northgate", "himal")]
    for here in schools:
        here.sync(1)
        assert not guardian(here, "Cole", "Sam").real_email
    for number in (2, 3):
        for here in schools:
            here.sync(number)
    account = Account.objects.get(email=cast.SAM_COLE_ADDRESS)
    assert {one.school_id for one in account.memberships.all()} == {here.school.pk for here in schools}
    assert len({one.guardian_id for one in account.memberships.all()}) == 2


def test_a_night_cut_in_half_and_an_empty_one_send_nobody_away(place: Callable[..., Place], demo_world: World) -> None:
    here = place(demo_world.school("northgate"))
    for number in (1, 2, 3):
        here.sync(number)
    before = everybody(here)

    # Night 4: half of every list
    run = here.sync(4, fault="half")
    assert run.status == Run.Status.PARTIAL, "what is safe goes in"
    assert everybody(here) >= before
    with scope.school(here.school.pk):
        holds = {hold.kind: hold for hold in Hold.objects.filter(run=run, case="departures")}
        assert {"students", "guardians"} <= holds.keys()
        for hold in holds.values():
            going, of = re.findall(r"[0-9]+", hold.reason)[:2]
            assert int(going) <= int(of), hold.reason
            assert [option["key"] for option in hold.options] == ["approve", "keep"]

    # Night 5: not a row
    run = here.sync(5, fault="header_only")
    assert run.status == Run.Status.HELD
    assert everybody(here) >= before
    with scope.school(here.school.pk):
        assert {hold.case for hold in Hold.objects.filter(run=run)} == {"empty"}
        assert not any(hold.options for hold in Hold.objects.filter(run=run)), "no choice lets it pass"

    # The next good night mends all by itself.
    here.sync(5)
    with scope.school(here.school.pk):
        assert (
            Student.objects.filter(status="active").count()
            >= len([one for one in here.truth.at(5).students.values() if one.left_on is None]) - 1
        ), "all but Bob Stone, who has the number of somebody else"


def everybody(place: Place) -> set[tuple[str, int]]:
    """Everybody who is here: kind and row."""
    with scope.school(place.school.pk):
        return {
            (model.__name__, row)
            for model in (Student, Guardian, StaffMember)
            for row in model.objects.filter(status="active").values_list("pk", flat=True)
        }
