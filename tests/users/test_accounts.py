"""Logins after a roster: one per real address; nobody's login is renamed, and a second school asks (D1, R26, R32)."""

import datetime
from typing import Any

import pytest
from django.db import connection

from tenants import scope
from tenants.models import AuditEvent, School
from tests.tenants.samples import NIGHT, person
from users.models import Account, Guardian, Membership, Person, StaffMember, Student
from users.operations.accounts import link_people

pytestmark = pytest.mark.django_db

NEXT_NIGHT = NIGHT + datetime.timedelta(days=1)


@pytest.fixture
def oakfield() -> School:
    return School.objects.create(slug="oakfield", name="Oakfield")


@pytest.fixture
def elmfield() -> School:
    return School.objects.create(slug="elmfield", name="Elmfield")


def link(school: School, at: datetime.datetime = NIGHT) -> None:
    with scope.school(school.pk):
        link_people(at=at)


def add(school: School, model: Any, number: int = 1, **fields: Any) -> Any:
    with scope.school(school.pk):
        return person(model, school.slug, number, **fields)


def change(school: School, row: Any, **fields: Any) -> None:
    with scope.school(school.pk):
        type(row).objects.filter(pk=row.pk).update(**fields)


def login_of(row: Any) -> str | None:
    """The address of the login that a person has."""
    column = {Student: "student", Guardian: "guardian", StaffMember: "staff_member"}[type(row)]
    found = Membership.objects.filter(**{column: row.pk}).select_related("account").first()
    return found.account.email if found else None


def activate(email: str) -> None:
    Account.objects.filter(email=email).update(activated_at=NIGHT)


def rows_written() -> int:
    """How many rows this transaction has inserted, updated or deleted, whatever came of it."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) from pg_stat_xact_user_tables")
        return int(cursor.fetchone()[0])


def test_whoever_has_a_real_address_gets_a_login_to_be_activated(oakfield: School) -> None:
    guardian = add(oakfield, Guardian, email="jane@mail.example")
    link(oakfield)
    account = Account.objects.get()
    assert (account.email, account.is_active, account.activated_at) == ("jane@mail.example", True, None)
    assert not account.has_usable_password()
    assert (account.is_support, account.is_superuser) == (False, False)
    assert login_of(guardian) == "jane@mail.example"
    assert Membership.objects.get().confirmed_at == NIGHT


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Student, {}),
        (Guardian, {}),
        (Guardian, {"email": "jane@mail.example", "status": "left"}),
        (StaffMember, {"email": "jane@mail.example", "domain_recognised": False}),
    ],
    ids=["dummy student", "dummy guardian", "left", "staff on a strange domain"],
)
def test_who_gets_no_login(oakfield: School, model: Any, fields: dict[str, Any]) -> None:
    add(oakfield, model, **fields)
    link(oakfield)
    assert not Account.objects.exists()
    assert not Membership.objects.exists()


@pytest.mark.parametrize(
    ("model", "fields"), [(Student, {}), (StaffMember, {"domain_recognised": True}), (Guardian, {"status": "missing"})]
)
def test_who_gets_one(oakfield: School, model: Any, fields: dict[str, Any]) -> None:
    row = add(oakfield, model, email="jane@oakfield.example", **fields)
    link(oakfield)
    assert login_of(row) == "jane@oakfield.example"


def test_case_makes_no_second_login(oakfield: School) -> None:
    Account.objects.create_user("jane@oakfield.example")
    staff_member = add(oakfield, StaffMember, email="Jane@Oakfield.example", domain_recognised=True)
    guardian = add(oakfield, Guardian, email="JANE@oakfield.example")
    link(oakfield)
    assert Account.objects.count() == 1
    assert login_of(staff_member) == login_of(guardian) == "jane@oakfield.example"


def test_a_new_case_of_the_same_address_changes_nothing(oakfield: School) -> None:
    guardian = add(oakfield, Guardian, email="jane@mail.example")
    link(oakfield)
    before = Membership.objects.get().pk
    change(oakfield, guardian, email="Jane@Mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert Membership.objects.get().pk == before


def test_an_unchanged_night_writes_no_row(oakfield: School) -> None:
    for number in range(3):
        add(oakfield, Guardian, number, email=f"parent{number}@mail.example")
    add(oakfield, Student)
    before = rows_written()
    link(oakfield)
    assert rows_written() - before == 6  # three accounts, three memberships
    before = rows_written()
    link(oakfield, at=NEXT_NIGHT)
    assert rows_written() == before


def test_a_changed_address_moves_the_person_and_leaves_the_old_login_alone(oakfield: School) -> None:
    guardian = add(oakfield, Guardian, email="old@mail.example")
    link(oakfield)
    activate("old@mail.example")
    old = Account.objects.values().get(email="old@mail.example")
    change(oakfield, guardian, email="new@mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert login_of(guardian) == "new@mail.example"
    assert Account.objects.values().get(email="old@mail.example") == old
    assert Membership.objects.count() == 1


def test_an_old_login_still_opens_what_else_it_opened(oakfield: School, elmfield: School) -> None:
    here, there = (add(school, Guardian, email="old@mail.example") for school in (oakfield, elmfield))
    link(oakfield)
    link(elmfield)
    change(oakfield, here, email="new@mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert (login_of(here), login_of(there)) == ("new@mail.example", "old@mail.example")


def test_two_people_who_swap_addresses_swap_logins(oakfield: School) -> None:
    first, second = (add(oakfield, Guardian, n, email=f"p{n}@mail.example") for n in (1, 2))
    link(oakfield)
    change(oakfield, first, email="x@mail.example")
    change(oakfield, second, email="p1@mail.example")
    change(oakfield, first, email="p2@mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert (login_of(first), login_of(second)) == ("p2@mail.example", "p1@mail.example")


@pytest.mark.parametrize("taker", [Guardian, StaffMember])
def test_a_login_that_changes_hands_is_proven_anew(oakfield: School, taker: type[Person]) -> None:
    recognised = {"domain_recognised": True} if taker is StaffMember else {}
    first = add(oakfield, Guardian, 1, email="p1@mail.example")
    second = add(oakfield, taker, 2, email="p2@mail.example", **recognised)
    link(oakfield)
    account = Account.objects.get(email="p1@mail.example")
    account.set_password("known to the first")
    account.save()
    activate("p1@mail.example")
    change(oakfield, first, email="guardian-1@oakfield.noemail.invalid", email_is_dummy=True)
    change(oakfield, second, email="p1@mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert (login_of(first), login_of(second)) == (None, "p1@mail.example")
    account.refresh_from_db()
    assert (account.has_usable_password(), account.activated_at) == (False, None)
    with scope.school(oakfield.pk):
        assert AuditEvent.objects.get().action == "account.changed_hands"
    link(oakfield, at=NEXT_NIGHT)
    with scope.school(oakfield.pk):
        assert AuditEvent.objects.count() == 1


def test_a_login_that_gains_a_second_mode_stays_as_it_is(oakfield: School) -> None:
    add(oakfield, Guardian, email="jane@oakfield.example")
    link(oakfield)
    activate("jane@oakfield.example")
    add(oakfield, StaffMember, email="jane@oakfield.example", domain_recognised=True)
    link(oakfield, at=NEXT_NIGHT)
    assert Account.objects.get().activated_at == NIGHT


def test_an_address_that_became_a_dummy_opens_nothing_any_more(oakfield: School) -> None:
    guardian = add(oakfield, Guardian, email="jane@mail.example")
    link(oakfield)
    change(oakfield, guardian, email="guardian-1@oakfield.noemail.invalid", email_is_dummy=True)
    link(oakfield, at=NEXT_NIGHT)
    assert login_of(guardian) is None
    assert Account.objects.filter(email="jane@mail.example").exists()


def test_staff_whose_domain_is_no_longer_the_schools_have_no_way_in(oakfield: School) -> None:
    row = add(oakfield, StaffMember, email="jane@oakfield.example", domain_recognised=True)
    link(oakfield)
    change(oakfield, row, domain_recognised=False)
    link(oakfield, at=NEXT_NIGHT)
    assert login_of(row) is None


def test_a_second_school_waits_for_the_owner_of_a_login_in_use(oakfield: School, elmfield: School) -> None:
    add(oakfield, Guardian, email="jane@mail.example")
    link(oakfield)
    activate("jane@mail.example")
    add(elmfield, Guardian, email="Jane@mail.example")
    link(elmfield, at=NEXT_NIGHT)
    assert dict(Membership.objects.values_list("school__slug", "confirmed_at")) == {"oakfield": NIGHT, "elmfield": None}


def test_a_second_school_waits_also_where_nobody_has_signed_in_yet(oakfield: School, elmfield: School) -> None:
    for school in (oakfield, elmfield):
        add(school, Guardian, email="jane@mail.example")
        link(school)
    assert dict(Membership.objects.values_list("school__slug", "confirmed_at")) == {"oakfield": NIGHT, "elmfield": None}


def test_no_night_answers_for_the_owner(oakfield: School, elmfield: School) -> None:
    for school in (oakfield, elmfield):
        add(school, Guardian, email="jane@mail.example")
        link(school)
        activate("jane@mail.example")
    for answer in ({}, {"refused_at": NIGHT}, {"refused_at": None, "confirmed_at": NIGHT}):
        Membership.objects.filter(school=elmfield).update(**answer)
        before = Membership.objects.values().get(school=elmfield)
        link(elmfield, at=NEXT_NIGHT)
        assert Membership.objects.values().get(school=elmfield) == before


def test_whoever_said_yes_to_a_school_is_not_asked_again_for_a_second_part_there(
    oakfield: School, elmfield: School
) -> None:
    """A parent of two schools becomes a teacher at one of them."""
    for school in (oakfield, elmfield):
        add(school, Guardian, email="jane@oakfield.example")
        link(school)
    activate("jane@oakfield.example")
    row = add(oakfield, StaffMember, email="jane@oakfield.example", domain_recognised=True)
    link(oakfield, at=NEXT_NIGHT)
    assert Membership.objects.get(staff_member=row.pk).confirmed_at == NEXT_NIGHT


def test_another_school_is_not_touched(oakfield: School, elmfield: School) -> None:
    stranger = add(elmfield, Guardian, email="joan@mail.example")
    add(oakfield, Guardian, email="jane@mail.example")
    link(oakfield)
    assert login_of(stranger) is None
    link(elmfield)
    before = Membership.objects.values().get(school=elmfield)
    change(elmfield, stranger, email="moved@mail.example")
    link(oakfield, at=NEXT_NIGHT)
    assert Membership.objects.values().get(school=elmfield) == before


def test_it_needs_an_open_school(oakfield: School) -> None:
    with pytest.raises(scope.NoSchoolOpen):
        link_people(at=NIGHT)
