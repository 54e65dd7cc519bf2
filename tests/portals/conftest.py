"""The queries a page may cost before its own, and runs that share everything."""

import pytest

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.factories import runs

# session, account, school, and four to open and close its scope
EVERY_REQUEST = 7


@pytest.fixture
def synced(northgate: School) -> Run:
    """A finished run at Northgate that read every kind to its end."""
    with scope.school(northgate.pk):
        runs.connection()
        return runs.run()
