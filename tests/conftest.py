"""Two schools and their people, with rows that could leak: Alice and Bob at Northgate, Charlie at Himal, Dana at support."""

import dataclasses

import pytest
from django.test import Client

from tenants import scope
from tenants.models import School
from tests.factories import people
from users.models import Account, Guardian, MedicalNote, StaffMember, Student


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """One of the cast: the login, who it is at the school, and a browser that is signed in."""

    account: Account
    client: Client
    staff_member: StaffMember | None = None
    guardian: Guardian | None = None


@pytest.fixture
def northgate(db: None) -> School:
    return people.school("northgate", "Northgate School")


@pytest.fixture
def himal(db: None) -> School:
    return people.school("himal", "Himal International School", timezone="Asia/Kathmandu", hue=262)


def signed_in(account: Account) -> Client:
    """Return a browser in which this account is signed in."""
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def alice(northgate: School) -> Person:
    """A member of staff at Northgate."""
    account = people.account("alice@northgate-school.example")
    with scope.school(northgate.pk):
        row = people.staff_member("Alice Hart", email=account.email)
        people.membership(account, staff_member=row)
    return Person(account=account, client=signed_in(account), staff_member=row)


@pytest.fixture
def ana(northgate: School) -> Student:
    """Bob's child at Northgate."""
    with scope.school(northgate.pk):
        return people.student("Ana Reyes", year="4", form="4B")


@pytest.fixture
def bob(northgate: School, ana: Student) -> Person:
    """A guardian at Northgate, tied to Ana."""
    account = people.account("bob@mail.example")
    with scope.school(northgate.pk):
        row = people.guardian("Bob Reyes", email=account.email, phone="07700 900123")
        people.membership(account, guardian=row)
        people.tie(row, ana, relationship="Father", priority=1)
    return Person(account=account, client=signed_in(account), guardian=row)


@pytest.fixture
def gita(himal: School) -> Student:
    """A student at Himal, whom nobody at Northgate may see."""
    with scope.school(himal.pk):
        child = people.student("Gita Secretly", year="7", form="7A")
        MedicalNote.objects.create(student=child, ref="1", condition="Leaky condition")
        return child


@pytest.fixture
def charlie(himal: School, gita: Student) -> Person:
    """A member of staff at Himal."""
    account = people.account("charlie@himal.example")
    with scope.school(himal.pk):
        row = people.staff_member("Charlie Moss", email=account.email)
        people.membership(account, staff_member=row)
    return Person(account=account, client=signed_in(account), staff_member=row)


@pytest.fixture
def dana(db: None) -> Person:
    """One of our own people."""
    account = people.account("dana@schoolsbuddy.example", is_support=True)
    return Person(account=account, client=signed_in(account))


@pytest.fixture
def rhea(northgate: School) -> Person:
    """A super user at Northgate."""
    account = people.account("rhea@northgate-school.example")
    with scope.school(northgate.pk):
        row = people.staff_member("Rhea Stone", email=account.email)
        people.membership(account, staff_member=row)
        people.super_user(row)
    return Person(account=account, client=signed_in(account), staff_member=row)
