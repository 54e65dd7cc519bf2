"""Stakes: why a person's identity is not changed silently."""

import pytest

from tenants import scope
from tests.tenants.samples import NIGHT, furnish
from users import stakes
from users.models import Account, Guardian, StaffMember, Student


@pytest.fixture
def registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """No register but those of the test."""
    monkeypatch.setattr(stakes, "_registers", [])


def test_nothing_is_at_stake_where_nobody_says_so(registers: None) -> None:
    assert stakes.of("student") == {}


def test_every_register_is_asked_and_every_stake_kept(registers: None) -> None:
    stakes.register(lambda kind: {1: f"has a {kind}'s wallet", 2: "owes something"})
    stakes.register(lambda kind: {1: "has signed in"} if kind == "student" else {})
    assert stakes.of("student") == {1: ("has a student's wallet", "has signed in"), 2: ("owes something",)}


def test_a_register_is_added_once(registers: None) -> None:
    def answer(kind: str) -> dict[int, str]:
        return {1: "has signed in"}

    stakes.register(answer)
    stakes.register(answer)
    assert stakes.of("student") == {1: ("has signed in",)}


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "model"), [("student", Student), ("guardian", Guardian), ("staff", StaffMember)])
def test_a_login_that_was_used_is_a_stake_at_its_own_school(kind: str, model: type[Student]) -> None:
    ours, theirs = furnish("oakfield"), furnish("elmfield")
    Account.objects.filter(email__endswith="@elmfield.example").update(activated_at=None)
    with scope.school(ours.pk):
        assert stakes.of(kind) == {ours[model].pk: ("has signed in",)}
    with scope.school(theirs.pk):
        assert stakes.of(kind) == {}


@pytest.mark.django_db
def test_an_account_may_be_used_later() -> None:
    ours = furnish("oakfield")
    Account.objects.update(activated_at=NIGHT)
    with scope.school(ours.pk):
        assert ours.spares[Student].pk not in stakes.of("student")
