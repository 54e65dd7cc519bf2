"""Accounts and people: what the database itself does not let in."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from tenants import scope
from tenants.models import School
from tests.tenants.samples import NIGHT, person
from users.emails import dummy_address
from users.models import Account, Guardian, Membership, Person, RoleGrant, StaffMember, Student, SupportGrant, Tie

pytestmark = pytest.mark.django_db

DUMMY = dummy_address(school="oakfield", kind="student", number=41)
every_kind = pytest.mark.parametrize("model", [Student, Guardian, StaffMember], ids=lambda model: model.__name__)


@pytest.fixture
def school() -> School:
    return School.objects.create(slug="oakfield", name="Oakfield")


@pytest.fixture
def inside(school: School) -> Iterator[School]:
    """The school, open."""
    with scope.school(school.pk):
        yield school


def insert_account(email: str) -> None:
    """Insert behind Django's back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "insert into users_account (email, password, is_active, is_support, is_superuser, created_at) "
            "values (%s, '!', true, false, false, now())",
            [email],
        )


def set_fields(row: Any, **fields: Any) -> None:
    """Change a row behind Django's forms."""
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**fields)


# Accounts (R26).


@pytest.mark.parametrize("twin", ["jane@oakfield.example", "Jane@Oakfield.example", "JANE@OAKFIELD.EXAMPLE"])
def test_one_account_per_address_whatever_its_case(twin: str) -> None:
    Account.objects.create_user("Jane@oakfield.example")
    with pytest.raises(IntegrityError, match="one_account_per_address"):
        insert_account(twin)
    with pytest.raises(ValidationError):
        Account.objects.create_user(twin)


def test_an_account_written_in_capitals_by_hand_still_has_no_twin() -> None:
    insert_account("JANE@oakfield.example")
    with pytest.raises(IntegrityError, match="one_account_per_address"):
        insert_account("jane@oakfield.example")


def test_addresses_that_only_look_alike_are_different_people() -> None:
    """Plus addresses and the two names of one big provider are told apart (R26)."""
    looks = ["jane@mail.example", "jane+club@mail.example", "ja.ne@mail.example", "jane@mail2.example"]
    for address in looks:
        insert_account(address)
    assert Account.objects.count() == len(looks)


@pytest.mark.parametrize("address", [" jane@oakfield.example", "jane@oakfield.example ", ""])
def test_an_address_with_spaces_around_it_is_none(address: str) -> None:
    with pytest.raises(IntegrityError, match="account_address"):
        insert_account(address)


@pytest.mark.parametrize("address", ["nobody", "two words@oakfield.example", "@oakfield.example", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        Account.objects.create_user(address)


def test_a_new_account_is_trimmed_lower_case_and_without_a_password() -> None:
    made = Account.objects.create_user("  Jane@Oakfield.Example ")
    assert made.email == "jane@oakfield.example"
    assert not made.has_usable_password()
    assert (made.is_support, made.is_superuser, made.activated_at) == (False, False, None)


@pytest.mark.parametrize("typed", ["jane@oakfield.example", "JANE@Oakfield.example"])
def test_an_account_is_found_whatever_the_case_typed(typed: str) -> None:
    made = Account.objects.create_user("jane@oakfield.example")
    assert Account.objects.get_by_natural_key(typed) == made


@pytest.mark.parametrize("address", [DUMMY, DUMMY.upper(), "x@oakfield.NoEmail.invalid"])
def test_a_dummy_is_no_account(address: str) -> None:
    with pytest.raises(IntegrityError, match="dummies_have_no_account"):
        insert_account(address)
    with pytest.raises(ValidationError, match="placeholder"):
        Account.objects.create_user(address)


def test_only_our_support_may_enter_the_admin() -> None:
    assert Account.objects.create_superuser("dana@schoolsbuddy.example", "a long password").is_staff
    assert not Account.objects.create_user("jane@oakfield.example").is_staff


def test_an_account_is_activated_once() -> None:
    made = Account.objects.create_user("jane@oakfield.example")
    made.activate(NIGHT)
    made.activate(NIGHT.replace(year=2030))
    assert made.activated_at == NIGHT


# People (R26, R29, R58).


@every_kind
def test_an_address_is_one_persons_within_a_kind_and_a_school(inside: School, model: Any) -> None:
    person(model, "oakfield", 1, email="jane@mail.example")
    with pytest.raises(IntegrityError, match="address_once"), transaction.atomic():
        person(model, "oakfield", 2, email="Jane@Mail.example")


def test_a_teacher_may_be_a_parent_under_the_same_address(inside: School) -> None:
    for model in (StaffMember, Guardian):
        person(model, "oakfield", 1, email="jane@oakfield.example")


def test_another_school_may_know_the_same_address(school: School) -> None:
    other = School.objects.create(slug="elmfield", name="Elmfield")
    for pk in (school.pk, other.pk):
        with scope.school(pk):
            person(Guardian, "x", 1, email="jane@mail.example")


@every_kind
@pytest.mark.parametrize(
    "wrong",
    [
        {"email": DUMMY, "email_is_dummy": False},
        {"email": DUMMY.upper(), "email_is_dummy": False},
        {"email": "jane@mail.example", "email_is_dummy": True},
    ],
)
def test_the_flag_says_what_the_address_is(inside: School, model: Any, wrong: dict[str, Any]) -> None:
    row = person(model, "oakfield", 1)
    with pytest.raises(IntegrityError, match="dummy_flag"):
        set_fields(row, **wrong)


@every_kind
def test_only_who_left_has_a_day_of_leaving(inside: School, model: Any) -> None:
    row = person(model, "oakfield", 1)
    with pytest.raises(IntegrityError, match="left_on"):
        set_fields(row, left_on=NIGHT.date())
    set_fields(row, left_on=NIGHT.date(), status=Person.Status.LEFT)


def test_mail_goes_to_real_addresses_only(inside: School) -> None:
    assert person(Student, "oakfield", 1).real_email == ""
    assert person(Student, "oakfield", 2, email="jane@mail.example").real_email == "jane@mail.example"


def test_a_name_is_said_as_it_is_written(inside: School) -> None:
    row = person(Student, "oakfield", 1, given_name="Thị Ánh", family_name="Nguyễn", preferred_name="Annie")
    assert (row.name, row.initials, row.known_as, str(row)) == ("Thị Ánh Nguyễn", "TN", "Annie", "Thị Ánh Nguyễn")
    mononym = person(Student, "oakfield", 2, given_name="Suharto", family_name="")
    assert (mononym.name, mononym.initials, mononym.known_as) == ("Suharto", "S", "Suharto")


@pytest.mark.parametrize("words", ["Munoz", "muñoz", "MUÑOZ jose", "josé muñ", ""])
def test_a_student_is_found_by_words_in_any_order_without_accents(inside: School, words: str) -> None:
    row = person(Student, "oakfield", 1, given_name="José", family_name="Muñoz")
    assert list(Student.objects.named(words)) == [row]


@pytest.mark.parametrize("words", ["Munez", "%", "_", "jose x", "mu%z"])
def test_words_that_are_not_in_a_name_find_nobody(inside: School, words: str) -> None:
    person(Student, "oakfield", 1, given_name="José", family_name="Muñoz")
    assert list(Student.objects.named(words)) == []


def test_who_is_missing_still_belongs_who_left_does_not(inside: School) -> None:
    here = [person(Student, "oakfield", 1), person(Student, "oakfield", 2, status="missing")]
    person(Student, "oakfield", 3, status="left")
    assert set(Student.objects.here()) == set(here)


def test_a_tie_binds_a_pair_once_and_holds_while_it_is_neither_ended_nor_restricted(inside: School) -> None:
    child = person(Student, "oakfield", 1)
    ties = [Tie.objects.create(guardian=person(Guardian, "oakfield", n), student=child) for n in (1, 2, 3)]
    set_fields(ties[1], restricted=True)
    set_fields(ties[2], ended_on=NIGHT.date())
    assert list(Tie.objects.in_force()) == ties[:1]
    with pytest.raises(IntegrityError, match="one_tie_per_pair"), transaction.atomic():
        Tie.objects.create(guardian_id=ties[0].guardian_id, student=child)


# Memberships, roles and look-ins.


def test_a_membership_is_exactly_one_person(inside: School) -> None:
    account = Account.objects.create_user("jane@oakfield.example")
    both: dict[str, Any] = {"guardian": person(Guardian, "oakfield", 1), "student": person(Student, "oakfield", 1)}
    for people in ({}, both):
        with pytest.raises(IntegrityError, match="membership_is_one_person"), transaction.atomic():
            Membership.objects.create(account=account, school=inside, **people)


def test_a_person_has_one_account(inside: School) -> None:
    first, second = (Account.objects.create_user(f"{name}@oakfield.example") for name in ("jane", "joan"))
    row = person(Guardian, "oakfield", 1)
    Membership.objects.create(account=first, school=inside, guardian=row)
    with pytest.raises(IntegrityError, match="one_account_per_guardian"), transaction.atomic():
        Membership.objects.create(account=second, school=inside, guardian=row)


def test_the_owner_of_an_address_says_yes_or_no_not_both(inside: School) -> None:
    account = Account.objects.create_user("jane@oakfield.example")
    row = Membership.objects.create(account=account, school=inside, guardian=person(Guardian, "oakfield", 1))
    with pytest.raises(IntegrityError, match="confirmed_or_refused"):
        set_fields(row, confirmed_at=NIGHT, refused_at=NIGHT)


def test_a_role_is_held_once_and_may_be_held_again_later(inside: School) -> None:
    fields: dict[str, Any] = {
        "staff_member": person(StaffMember, "oakfield", 1),
        "role": "super_user",
        "granted_at": NIGHT,
        "reason": "asked for",
    }
    first = RoleGrant.objects.create(**fields)
    with pytest.raises(IntegrityError, match="role_held_once"), transaction.atomic():
        RoleGrant.objects.create(**fields)
    set_fields(first, revoked_at=NIGHT)
    RoleGrant.objects.create(**fields)


@pytest.mark.parametrize(("wrong", "rule"), [({"reason": ""}, "has_a_reason"), ({"expires_at": NIGHT}, "ends_after")])
def test_a_look_in_has_a_reason_and_an_end(school: School, wrong: dict[str, Any], rule: str) -> None:
    dana = Account.objects.create_user("dana@schoolsbuddy.example", is_support=True)
    fields: dict[str, Any] = {"reason": "a ticket", "opened_at": NIGHT, "expires_at": NIGHT.replace(hour=2)}
    with pytest.raises(IntegrityError, match=rule), transaction.atomic():
        SupportGrant.objects.create(account=dana, school=school, **(fields | wrong))
