"""What a school did by hand, and the nights after it, in a real database (R38–R49, R58, R59, R65, R66, R68)."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from sync.models import Change, Connection, Hold, Refusal, Run
from sync.pipeline.apply import apply
from sync.pipeline.plan import Plan, plan
from sync.pipeline.plan.model import APPROVE, SAME
from sync.pipeline.roster import Fault
from sync.pipeline.snapshot import rules_of, snapshot
from sync.records import Record
from sync.sentences import say
from tenants import scope
from tenants.models import School, SchoolDomain
from tests.sync.pipeline import builders
from tests.sync.pipeline.builders import guardian, night, roster, staff, student, tie
from users.models import Account, Guardian, LocalEdit, Membership, RoleGrant, StaffMember, Student, Tie
from users.operations import memberships, people
from users.operations.roles import designate_super_user
from users.queries import standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def alder() -> Iterator[School]:
    """Alder, open; it reads files."""
    school = School.objects.create(slug="alder", name="Alder", student_access_years=["12"])
    SchoolDomain.objects.create(school=school, domain=builders.DOMAIN)
    with scope.school(school.pk):
        Connection.objects.create(connector="csv_files")
        yield school


def at(number: int) -> datetime.datetime:
    return datetime.datetime.combine(night(number), datetime.time(1), tzinfo=datetime.UTC)


def sync(school: School, number: int, *records: Record, choose: str = "") -> Plan:
    """Let one night pass, on which the MIS says this; with `choose`, a person has chosen so for all that waits."""
    run: Run = Run.objects.create(trigger="command", local_date=night(number), queued_at=at(number), status="running")
    before, said, rules = snapshot(generation=1), roster(*records), rules_of(school)
    wish = plan(before, said, rules, night=night(number))
    if choose:
        decided = {hold.digest: choose for hold in wish.holds}
        wish = plan(before, said, rules, night=night(number), decided=decided)
    apply(wish, before, run=run, school=school, at=at(number))
    connection.check_constraints()
    Run.objects.filter(pk=run.pk).update(status="ok", finished_at=at(number))
    return wish


def login_of(row: Any) -> str:
    """The address of the login a person has, "" if none."""
    column = {Student: "student", Guardian: "guardian", StaffMember: "staff_member"}[type(row)]
    found = Membership.objects.filter(**{column: row.pk}).select_related("account").first()
    return found.account.email if found else ""


def activate(address: str) -> None:
    Account.objects.filter(email=address).update(activated_at=at(1))


# Corrections (R65, R66).


def test_a_corrected_name_stays_until_the_mis_says_something_new(alder: School) -> None:
    wrong = student("1", "Zoe MuÃ±oz")
    sync(alder, 1, wrong)
    zoe = Student.objects.get()
    edit = people.correct(zoe, field="family_name", value="Muñoz", by=None, at=at(1))
    assert sync(alder, 2, wrong).writes == 0
    assert Student.objects.named("munoz").get() == zoe
    assert sync(alder, 3, student("1", "Zoe Reed")).writes == 2
    assert Student.objects.named("reed").get() == zoe
    edit.refresh_from_db()
    assert (edit.closed_at, edit.closed_why) == (at(3), "Your correction was replaced by your MIS.")
    told = {change.action: str(say(change)) for change in Change.objects.filter(field="family_name")}
    assert told["release"] == "Your correction of Zoe Muñoz’s surname was replaced by your MIS: Muñoz → Reed."
    assert told["amend"] == "Zoe Muñoz’s surname changed from Muñoz to Reed."


def test_the_mis_that_agrees_ends_the_edit_without_a_question(alder: School) -> None:
    sync(alder, 1, student("1", "Zoe MuÃ±oz"))
    people.correct(Student.objects.get(), field="family_name", value="Muñoz", by=None, at=at(1))
    done = sync(alder, 2, student("1", "Zoe Muñoz"))
    assert (done.holds, done.amendments) == ((), ())
    assert LocalEdit.objects.get().closed_at == at(2)
    assert (
        str(say(Change.objects.get(action="release"))) == "Your MIS now says what you corrected: Zoe Muñoz’s surname."
    )
    assert sync(alder, 3, student("1", "Zoe Muñoz")).writes == 0


def test_an_address_is_a_stop_gap_and_the_login_follows_both_times(alder: School) -> None:
    sync(alder, 1, guardian("1", email="old@mail.example"))
    joan = Guardian.objects.get()
    people.correct(joan, field="email", value="new@mail.example", by=None, at=at(1))
    assert login_of(joan) == "new@mail.example"
    assert sync(alder, 2, guardian("1", email="")).edit_ends == ()
    assert login_of(joan) == "new@mail.example"
    sync(alder, 3, guardian("1", email="old@mail.example"))
    assert login_of(joan) == "old@mail.example"
    assert LocalEdit.objects.get().closed_at == at(3)


def test_an_address_that_a_rule_forbids_later_leaves_a_dummy_and_says_so(alder: School) -> None:
    sync(alder, 1, guardian("1", email=""))
    people.correct(Guardian.objects.get(), field="email", value="joan@alder.example", by=None, at=at(1))
    School.objects.update(block_own_domains_for_guardians=True)
    alder.refresh_from_db()
    sync(alder, 2, guardian("1", email=""))
    assert Guardian.objects.get().email_is_dummy
    release = Change.objects.get(action="release")
    assert str(say(release)) == "Your correction of Joan Bell’s e-mail ended; it was joan@alder.example."


# Guardians and ties by hand (R42, R43, R66).


def test_a_guardian_by_hand_outlives_ten_nights_as_one_record(alder: School) -> None:
    said = (student("s", "Ann Hart"), staff("t", "Jo Hart", email="jo@alder.example"))
    sync(alder, 1, *said)
    jo = people.add_guardian(
        given_name="Jo",
        family_name="Hart",
        email="jo@home.example",
        students=[(Student.objects.get(), "Mother")],
        by=None,
        at=at(1),
    )
    before = list(Tie.objects.values())
    for number in range(2, 12):
        assert sync(alder, number, *said).writes == 0
    assert Guardian.objects.get() == jo
    assert list(Tie.objects.values()) == before
    assert (login_of(jo), login_of(StaffMember.objects.get())) == ("jo@home.example", "jo@alder.example")


def test_a_block_beats_the_feed_even_where_the_tie_ends_and_comes_back(alder: School) -> None:
    pair = (student("s"), guardian("g"))
    sync(alder, 1, *pair, tie("s", "g"))
    people.block_tie(Tie.objects.get(), by=None, at=at(1), why="court order")
    sync(alder, 2, *pair, tie("s", "g", restricted=False, priority=1))
    sync(alder, 3, *pair)
    sync(alder, 4, *pair, tie("s", "g"))
    assert Tie.objects.get().ended_on is None
    assert not Tie.objects.in_force().exists()


def test_a_block_of_the_domain_ends_parent_mode_keeps_the_children_and_is_undone_the_next_night(alder: School) -> None:
    said: list[Record] = [student("s"), staff("t", "Jo Hart", email="jo@alder.example")]
    said += [guardian("g", "Jo Hart", email="jo@alder.example"), tie("s", "g")]
    sync(alder, 1, *said)
    login = Account.objects.get(email="jo@alder.example").pk
    assert standing(account_id=login).modes == ("staff", "parent")
    School.objects.update(block_own_domains_for_guardians=True)
    alder.refresh_from_db()
    sync(alder, 2, *said)
    assert standing(account_id=login).modes == ("staff",)
    assert Tie.objects.in_force().count() == 1
    assert Refusal.objects.get().fault == Fault.BLOCKED_DOMAIN
    School.objects.update(block_own_domains_for_guardians=False)
    alder.refresh_from_db()
    sync(alder, 3, *said)
    assert standing(account_id=login).modes == ("staff", "parent")


# Staff (R38, R39, R45–R49).


def test_whoever_was_deleted_by_hand_stays_deleted_until_restored(alder: School) -> None:
    ruth = staff("1", email="ruth@alder.example")
    sync(alder, 1, ruth, staff("2", "Max Wren"))
    row = StaffMember.objects.get(family_name="Vale")
    designate_super_user(staff_member=row, by=None, reason="runs it", at=at(1))
    designate_super_user(staff_member=StaffMember.objects.exclude(pk=row.pk).get(), by=None, reason="too", at=at(1))
    login = Account.objects.get(email="ruth@alder.example").pk
    people.delete_staff(row, by=None, at=at(1), reason="Retired")
    for number in range(2, 5):
        assert sync(alder, number, ruth, staff("2", "Max Wren")).writes == 0
    assert standing(account_id=login).modes == ()
    people.restore_staff(row, by=None, at=at(5))
    assert sync(alder, 6, ruth, staff("2", "Max Wren")).writes == 0
    assert standing(account_id=login).modes == ("staff",), "a role comes back only if it is granted anew"


@pytest.mark.parametrize(
    ("connector", "flag", "leaves"),
    [("managebac", False, True), ("wonde", True, True), ("wonde", False, False), ("csv_files", False, False)],
)
def test_staff_leave_by_themselves_only_where_the_feed_is_the_authority(
    alder: School, connector: str, *, flag: bool, leaves: bool
) -> None:
    Connection.objects.update(connector=connector)
    School.objects.update(staff_leavers_authoritative=flag)
    alder.refresh_from_db()
    sync(alder, 1, staff("1", email="ruth@alder.example"), staff("2", "Max Wren"))
    for number in (2, 3, 4):
        sync(alder, number, staff("2", "Max Wren"))
    ruth = StaffMember.objects.get(family_name="Vale")
    assert ruth.status == ("left" if leaves else "missing")
    login = Account.objects.get(email="ruth@alder.example").pk
    assert standing(account_id=login).modes == (() if leaves else ("staff",))


def test_without_a_connection_nobody_is_the_authority(alder: School) -> None:
    Connection.objects.update(active=False)
    assert not rules_of(alder).staff_leavers_authoritative


def test_a_super_user_who_is_gone_from_an_authority_waits_for_a_word_and_loses_the_role(alder: School) -> None:
    Connection.objects.update(connector="managebac")
    both = (staff("1"), staff("2", "Max Wren"))
    sync(alder, 1, *both)
    for row in StaffMember.objects.all():
        designate_super_user(staff_member=row, by=None, reason="runs it", at=at(1))
    max_only = staff("2", "Max Wren")
    sync(alder, 2, max_only)
    assert len(sync(alder, 3, max_only).holds) == 1
    ruth = StaffMember.objects.get(family_name="Vale")
    assert ruth.status == "missing"
    sync(alder, 4, max_only, choose=APPROVE)
    ruth.refresh_from_db()
    assert ruth.status == "left"
    assert [grant.staff_member.family_name for grant in RoleGrant.objects.filter(revoked_at=None)] == ["Wren"]
    sync(alder, 5, *both)
    ruth.refresh_from_db()
    assert ruth.status == "active"
    assert sync(alder, 6, staff("1")).holds == ()
    assert len(sync(alder, 7, staff("1"), choose=APPROVE).holds) == 1, "the only super user stays"


def test_a_domain_added_lets_the_waiting_staff_in_at_the_next_sync_and_one_removed_deletes_nobody(
    alder: School,
) -> None:
    said = staff("1", email="ruth@second.example"), staff("2", "Max Wren", email="max@evil-alder.example")
    sync(alder, 1, *said)
    ruth = StaffMember.objects.get(family_name="Vale")
    assert (login_of(ruth), Refusal.objects.filter(fault=Fault.UNKNOWN_DOMAIN).count()) == ("", 2)
    domain = SchoolDomain.objects.create(school=alder, domain="second.example")
    sync(alder, 2, *said)
    assert login_of(ruth) == "ruth@second.example"
    domain.delete()
    sync(alder, 3, *said)
    assert login_of(ruth) == ""
    assert StaffMember.objects.get(pk=ruth.pk).status == "active"


# Logins (R30, R32, R33).


def test_an_address_that_changes_is_another_login_to_be_proven_anew(alder: School) -> None:
    sync(alder, 1, guardian("1", email="old@mail.example"))
    activate("old@mail.example")
    sync(alder, 2, guardian("1", email="new@mail.example"))
    assert login_of(Guardian.objects.get()) == "new@mail.example"
    assert Account.objects.get(email="new@mail.example").activated_at is None
    assert Account.objects.get(email="old@mail.example").activated_at == at(1)
    assert standing(account_id=Account.objects.get(email="old@mail.example").pk).guardian is None


def test_a_swap_of_addresses_in_use_waits_and_is_one_night_once_somebody_has_said_so(alder: School) -> None:
    sync(alder, 1, guardian("1", "Owen Price", email="a@m.example"), guardian("2", "Liam Doyle", email="b@m.example"))
    activate("a@m.example")
    now = (guardian("1", "Owen Price", email="b@m.example"), guardian("2", "Liam Doyle", email="a@m.example"))
    owen, liam = Guardian.objects.order_by("id")
    assert len(sync(alder, 2, *now).holds) == 1
    assert (login_of(owen), login_of(liam)) == ("a@m.example", "b@m.example")
    sync(alder, 3, *now, choose=SAME)
    assert (login_of(owen), login_of(liam)) == ("b@m.example", "a@m.example")
    assert Account.objects.get(email="a@m.example").activated_at is None, "what Owen knew opens it no more"
    assert sync(alder, 4, *now).writes == 0


def test_the_owner_who_says_not_me_becomes_a_line_for_the_school(alder: School) -> None:
    other = School.objects.create(slug="birch", name="Birch")
    address = "jane@mail.example"
    sync(alder, 1, guardian("1", "Jane Bell", email=address))
    account = Account.objects.get(email=address)
    with scope.school(alder.pk):
        Membership.objects.update(confirmed_at=None)
        memberships.refuse(account_id=account.pk, at=at(1))
    assert sync(alder, 2, guardian("1", "Jane Bell", email=address)).writes == 0
    assert Refusal.objects.get().fault == Fault.DECLINED
    sync(alder, 3, guardian("1", "Jane Bell", email="jane.bell@mail.example"))
    assert not Refusal.objects.filter(run__local_date=night(3)).exists()
    assert login_of(Guardian.objects.get()) == "jane.bell@mail.example"
    assert not Membership.objects.filter(school=other).exists()


def test_a_student_who_leaves_and_returns_has_the_same_login_and_one_activation(alder: School) -> None:
    ann, everybody_else = student("1", email="ann@mail.example", year="12"), student("2", "Tom Bell")
    sync(alder, 1, ann, everybody_else)
    activate("ann@mail.example")
    pk = Student.objects.get(given_name="Ann").pk
    before = (list(Membership.objects.values()), list(Account.objects.values()))
    for number in range(2, 32):
        sync(alder, number, everybody_else)
    assert Student.objects.get(given_name="Ann").status == "left"
    sync(alder, 32, student("1", email="ann@mail.example", year="12", form="12C"), everybody_else)
    row = Student.objects.get(given_name="Ann")
    assert (row.pk, row.status, row.form, row.left_on) == (pk, "active", "12C", None)
    assert (list(Membership.objects.values()), list(Account.objects.values())) == before


def test_access_by_year_is_a_switch_that_deletes_nothing(alder: School) -> None:
    ann = student("1", email="ann@mail.example", year="12")
    sync(alder, 1, ann)
    row = Student.objects.get()
    assert login_of(row) == "ann@mail.example"
    for years, login in (([], ""), (["12"], "ann@mail.example")):
        School.objects.update(student_access_years=years)
        alder.refresh_from_db()
        sync(alder, 2, ann)
        assert login_of(row) == login
    assert Student.objects.get().pk == row.pk


# Somebody without an id of the MIS.


def test_somebody_without_an_id_is_amended_and_held_like_anybody(alder: School) -> None:
    """Their place in the plan has no name that a database could take; what is kept of them has none at all."""
    joan = people.add_guardian(
        given_name="Joan",
        family_name="Bell",
        email="joan@home.example",
        students=[(_student(alder), "Mother")],
        by=None,
        at=at(1),
    )
    activate("joan@home.example")
    Guardian.objects.filter(pk=joan.pk).update(status="left", left_on=night(1))
    wish = sync(alder, 2, student("1"), guardian("9", "Ruth Vale", email="joan@home.example"))
    assert [hold.refs for hold in wish.holds] == [("9",)]
    assert {row["ref"] for row in Hold.objects.get().sides} == {"", "9"}
    sync(alder, 3, student("1"), guardian("9", "Ruth Vale", email="joan@home.example"), choose=SAME)
    changed = Change.objects.filter(kind="guardians", person_id=joan.pk)
    assert [(change.field, change.ref) for change in changed] == [("email", "")]


def _student(school: School) -> Student:
    sync(school, 1, student("1"))
    return Student.objects.get()
