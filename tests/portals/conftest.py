"""The queries a page may cost before its own, and runs that share everything."""

import pytest

from sync.models import Run
from tenants import scope
from tenants.models import School
from tests.factories import runs

# session, account, five to note when the session was last seen, school, and four to open and close its scope
EVERY_REQUEST = 12


@pytest.fixture
def synced(northgate: School) -> Run:
    """A finished run at Northgate that read every kind to its end."""
    with scope.school(northgate.pk):
        runs.connection()
        return runs.run()
