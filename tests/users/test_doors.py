"""The only way to a person: 404 for strangers, 403 with the right's name for those who may not."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people
from users import doors, queries
from users.models import Student
from users.queries import Standing
from users.roles import Can


def test_staff_get_a_student_of_their_school(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        standing = queries.standing(account_id=alice.account.pk)
        assert doors.student_for(standing, ana.pk) == ana
        with pytest.raises(Http404):
            doors.student_for(standing, ana.pk + 1000)


def test_another_school_s_student_is_404(alice: Person, northgate: School, gita: Student):
    with scope.school(northgate.pk), pytest.raises(Http404):
        doors.student_for(queries.standing(account_id=alice.account.pk), gita.pk)


def test_no_staff_no_student(bob: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk), pytest.raises(Http404):
        doors.student_for(queries.standing(account_id=bob.account.pk), ana.pk)


def test_the_missing_right_is_named(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk), pytest.raises(PermissionDenied, match="see sync runs"):
        doors.student_for(queries.standing(account_id=alice.account.pk), ana.pk, right=Can.SEE_SYNC)


def test_rights_come_from_staff_alone(northgate: School):
    with scope.school(northgate.pk):
        guardian_only = Standing(account_id=1, guardian=people.guardian("Bob Reyes"))
    assert guardian_only.rights == frozenset()
    assert guardian_only.modes == ("parent",)
    with pytest.raises(PermissionDenied):
        doors.allow(guardian_only, Can.SEE_STUDENTS)


@pytest.mark.parametrize("end", [{"ended_on": "2026-11-01"}, {"restricted": True}])
def test_a_child_by_a_tie_in_force_only(bob: Person, northgate: School, ana: Student, end: dict[str, Any]):
    with scope.school(northgate.pk):
        assert doors.child_for(bob.guardian, ana.pk) == ana  # type: ignore[arg-type] # Bob is a guardian
        sibling = people.student("Ben Reyes")
        people.tie(bob.guardian, sibling, **end)  # type: ignore[arg-type] # Bob is a guardian
        with pytest.raises(Http404):
            doors.child_for(bob.guardian, sibling.pk)  # type: ignore[arg-type] # Bob is a guardian
