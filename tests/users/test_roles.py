"""Roles and the rights they grant (R34, R45)."""

import pytest

from users.roles import GRANTABLE, AbsenceMonitoring, Can, FeedStaff, Role, SuperUser, rights_of


def test_every_member_of_staff_sees_students_and_nothing_of_the_sync() -> None:
    assert rights_of(frozenset()) == {Can.SEE_STUDENTS, Can.SEE_CONTACTS, Can.SEE_MEDICAL}


def test_a_role_adds_and_never_takes_away() -> None:
    more = {Can.SEE_SYNC, Can.GIVE_FILES, Can.CONNECT_MIS, Can.DECIDE, Can.SET_RULES, Can.EDIT_PEOPLE}
    looks = {Can.SEE_MARKS, Can.SEE_ABSENCES}
    assert rights_of(frozenset({SuperUser.key})) == FeedStaff.grants | more | looks
    assert rights_of(frozenset({AbsenceMonitoring.key})) == FeedStaff.grants | looks | {Can.SETTLE_ABSENCES}


def test_a_super_user_looks_at_absences_and_settles_none_unless_that_is_granted() -> None:
    assert Can.SETTLE_ABSENCES not in rights_of(frozenset({SuperUser.key}))
    assert Can.SETTLE_ABSENCES in rights_of(frozenset({SuperUser.key, AbsenceMonitoring.key}))


@pytest.mark.parametrize("keys", [{"headteacher"}, {SuperUser.key, "headteacher"}, {""}, {FeedStaff.key}])
def test_a_role_nobody_knows_is_an_error_not_a_guess(keys: set[str]) -> None:
    with pytest.raises(KeyError):
        rights_of(frozenset(keys))


@pytest.mark.parametrize("role", [FeedStaff, *GRANTABLE.values()], ids=lambda role: role.key)
def test_every_role_explains_itself(role: type[Role]) -> None:
    assert role.label
    assert role.description.endswith(".")
    assert role.grants


def test_every_role_stands_under_its_own_key() -> None:
    assert {key: role.key for key, role in GRANTABLE.items()} == {key: key for key in GRANTABLE}


def test_every_right_is_granted_by_somebody() -> None:
    assert FeedStaff.grants.union(*(role.grants for role in GRANTABLE.values())) == set(Can)
