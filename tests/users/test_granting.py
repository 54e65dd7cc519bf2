"""Roles that a school gives: granted, taken away, recorded; and never that of super users (R45, R46)."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from users.models import RoleGrant, StaffMember
from users.operations import roles
from users.roles import AbsenceMonitoring, SuperUser

ABSENCE = "/s/northgate/staff/absence/"


def command(email: str, *options: str, school: str = "northgate", role: str = AbsenceMonitoring.key) -> str:
    out = StringIO()
    call_command("grant_role", school, email, role, "--reason", "new in the office", *options, stdout=out)
    return out.getvalue()


def test_granted_is_in_force_at_once_and_revoked_as_well(alice: Person, northgate: School) -> None:
    assert alice.client.get(ABSENCE).status_code == 403
    assert "Alice Hart now has “Absence monitoring” at Northgate School" in command(alice.account.email.upper())
    assert alice.client.get(ABSENCE).status_code == 200
    assert "no longer has" in command(alice.account.email, "--revoke")
    assert alice.client.get(ABSENCE).status_code == 403
    with scope.school(northgate.pk):
        said = list(AuditEvent.objects.order_by("id").values_list("action", "reason"))
    reason = "absence_monitoring: new in the office"
    assert said == [("role.granted", reason), ("role.revoked", reason)]


def test_twice_is_once(alice: Person, northgate: School) -> None:
    for _ in range(2):
        command(alice.account.email)
    with scope.school(northgate.pk):
        assert RoleGrant.objects.count() == AuditEvent.objects.count() == 1
    for _ in range(2):
        command(alice.account.email, "--revoke")
    with scope.school(northgate.pk):
        assert AuditEvent.objects.count() == 2


@pytest.mark.parametrize("email", ["bob@mail.example", "charlie@himal.example"])
def test_parents_and_other_schools_staff_never(alice: Person, bob: Person, charlie: Person, email: str) -> None:
    with pytest.raises(CommandError, match="nobody on that school's staff"):
        command(email)


def test_a_school_that_is_not_there_and_a_role_that_is_not(alice: Person) -> None:
    with pytest.raises(CommandError, match="there is no school"):
        command(alice.account.email, school="nowhere")
    with pytest.raises(CommandError, match="Say why"):
        call_command("grant_role", "northgate", alice.account.email, AbsenceMonitoring.key, "--reason", " ")
    for role in (SuperUser.key, "headteacher"):
        with pytest.raises(CommandError, match="invalid choice"):
            command(alice.account.email, role=role)


@pytest.mark.parametrize(
    ("role", "reason", "why"),
    [
        (SuperUser.key, "please", "designated by our support"),
        ("headteacher", "please", "no role"),
        (AbsenceMonitoring.key, " ", "Say why"),
    ],
)
def test_what_cannot_be_granted_cannot_be_taken_away_either(
    rhea: Person, northgate: School, role: str, reason: str, why: str
) -> None:
    for act in (roles.grant, roles.revoke):
        with scope.school(northgate.pk), pytest.raises(roles.UnableToGrant, match=why):
            act(staff_member=member(rhea), role=role, by=rhea.account.pk, reason=reason, at=timezone.now())
    with scope.school(northgate.pk):
        assert RoleGrant.objects.get().revoked_at is None


def test_who_has_left_is_granted_nothing(alice: Person, northgate: School) -> None:
    person = member(alice)
    person.status = StaffMember.Status.LEFT
    with scope.school(northgate.pk), pytest.raises(roles.UnableToGrant, match="Alice Hart has left"):
        roles.grant(staff_member=person, role=AbsenceMonitoring.key, by=None, reason="please", at=timezone.now())


def member(who: Person) -> StaffMember:
    assert who.staff_member
    return who.staff_member
