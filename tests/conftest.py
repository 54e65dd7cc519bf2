"""Two schools and their people, with rows that could leak: Alice and Bob at Northgate, Charlie at Himal, Dana ours."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import setup_databases, teardown_databases

from tenants import scope
from tenants.models import School
from tests.factories import people
from users.models import Account, Guardian, MedicalNote, StaffMember, Student

hypothesis.settings.register_profile("thorough", max_examples=2000)  # a night's worth: --hypothesis-profile=thorough


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: Any, django_db_modify_db_settings: None
) -> Iterator[None]:
    """Let the owner make the test database, while tests run as the site's role, which row-level security binds.

    pytest-django would set up only the databases that tests name; without "owner" the mirror of it, "default", would
    still be the database of the environment, and tests would write there.
    """
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    yield
    with django_db_blocker.unblock():
        connections["default"].close()
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="session", autouse=True)
def light_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Spare tests the slow password hash, the manifest of static files, and limits that outlive a test."""
    staticfiles = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        STORAGES=settings.STORAGES | {"staticfiles": staticfiles},
        STATIC_ROOT=tmp_path_factory.mktemp("static"),
        FILES_DIR=tmp_path_factory.mktemp("files"),
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    ):
        yield


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
