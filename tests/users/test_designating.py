"""Super users are designated by our support, for a reason that the school can read (R45)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from users.models import RoleGrant


def designate(school: str, email: str) -> str:
    out = StringIO()
    call_command("designate_super_user", school, email, "--reason", "named by the head", stdout=out)
    return out.getvalue()


def test_a_member_of_staff_enters_reception_from_then_on(alice: Person, northgate: School) -> None:
    assert alice.client.get("/s/northgate/reception/").status_code == 403
    assert "Northgate School" in designate("northgate", alice.account.email.upper())
    assert alice.client.get("/s/northgate/reception/").status_code == 200
    with scope.school(northgate.pk):
        assert AuditEvent.objects.get().reason == "super_user: named by the head"


def test_twice_is_once(alice: Person, northgate: School) -> None:
    designate("northgate", alice.account.email)
    designate("northgate", alice.account.email)
    with scope.school(northgate.pk):
        assert RoleGrant.objects.count() == AuditEvent.objects.count() == 1


@pytest.mark.parametrize("email", ["bob@mail.example", "charlie@himal.example"])
def test_parents_and_other_schools_staff_never(alice: Person, bob: Person, charlie: Person, email: str) -> None:
    with pytest.raises(CommandError, match="nobody on that school's staff"):
        designate("northgate", email)


def test_a_school_that_is_not_there(alice: Person) -> None:
    with pytest.raises(CommandError, match="there is no school"):
        designate("nowhere", alice.account.email)
