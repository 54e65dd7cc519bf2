"""The queries a page may cost before its own, and runs that share everything."""

import pytest

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.conftest import Person, signed_in
from tests.factories import people, runs
from users.roles import AbsenceMonitoring

# session, account, school, and four to open and close its scope
EVERY_REQUEST = 7


@pytest.fixture
def synced(northgate: School) -> Run:
    """A finished run at Northgate that read every kind to its end."""
    with scope.school(northgate.pk):
        runs.connection()
        return runs.run()


@pytest.fixture
def marked(northgate: School, synced: Run) -> Run:
    """A run that fetched attendance marks at Northgate."""
    with scope.school(northgate.pk):
        return runs.run(kind="attendance", kinds={})


@pytest.fixture
def mona(northgate: School) -> Person:
    """Who monitors absences at Northgate."""
    account = people.account("mona@northgate-school.example")
    with scope.school(northgate.pk):
        row = people.staff_member("Mona Ward", email=account.email)
        people.membership(account, staff_member=row)
        people.role(row, AbsenceMonitoring.key)
    return Person(account=account, client=signed_in(account), staff_member=row)
