"""No stake ever changes its human without an approval, night after night in a real database (house §1, R22–R24)."""

import contextlib
import random
from collections import Counter
from typing import Any, Final

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sync.pipeline.gate import gate
from sync.pipeline.held import PEOPLE, Snapshot
from sync.pipeline.plan import Hold, Plan, plan
from sync.pipeline.plan.model import SAME
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import snapshot
from sync.records import Kind
from tenants import scope
from tenants.models import School
from tests.sync.pipeline import builders, test_plan_laws
from tests.sync.test_apply import carried_out
from users import stakes
from users.models import Guardian, StaffMember, Student

pytestmark = pytest.mark.django_db

NIGHTS: Final = st.lists(st.tuples(test_plan_laws.rosters(), test_plan_laws.rules), min_size=2, max_size=4)
LAW: Final = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


class _Over(Exception):
    """Ends an example without keeping anything of it."""


@pytest.fixture
def alder(monkeypatch: pytest.MonkeyPatch) -> School:
    """A school where everybody whom a MIS ever named has money with us; the register goes with the test."""
    monkeypatch.setattr(stakes, "_registers", list(stakes._registers))
    stakes.register(_purse)
    return School.objects.create(slug="alder", name="Alder")


def _purse(kind: str) -> dict[int, str]:
    model: Any = {"student": Student, "guardian": Guardian, "staff": StaffMember}[kind]
    return dict.fromkeys(model.objects.values_list("pk", flat=True), "has 12 pence")


@LAW
@given(nights=NIGHTS, dice=st.randoms(use_true_random=False), asked=st.booleans())
def test_no_stake_changes_its_human_without_an_approval(
    alder: School, nights: list[tuple[Roster, Rules]], dice: random.Random, *, asked: bool
) -> None:
    seen: Counter[str] = Counter()
    with contextlib.suppress(_Over), transaction.atomic(), scope.school(alder.pk):
        for number, (said, rules) in enumerate(nights, start=1):
            night, before = builders.night(number), snapshot(generation=1)
            wish = gate(plan(before, said, rules, night=night), before, said, rules)
            decided = {hold.digest: _choice(hold, dice) for hold in wish.holds if hold.options and asked}
            wish = gate(plan(before, said, rules, night=night, decided=decided), before, said, rules, decided=decided)
            carried_out(alder, wish, before)
            after = snapshot(generation=1)
            assert all(before.identities[kind].items() <= after.identities[kind].items() for kind in PEOPLE)
            others = _others(before, after)
            assert others <= _approved(before, said, rules, wish, decided), "a stake is somebody else's now"
            seen.update(held=bool(wish.holds), became=bool(others))
        raise _Over
    event(f"asked: {asked}, something was held: {seen['held'] > 0}, somebody became another: {seen['became'] > 0}")


def _choice(hold: Hold, dice: random.Random) -> str:
    """Choose whatever comes to mind, “the same person” more often than not."""
    keys = [option.key for option in hold.options]
    return dice.choice([*keys, *2 * [key for key in keys if key.startswith(SAME)]])


def _others(before: Snapshot, after: Snapshot) -> set[tuple[Kind, int]]:
    """Whose row, with its stake, is another human's than it was."""
    return {
        (kind, row)
        for kind in PEOPLE
        for row, held in before.records[kind].items()
        if held.stakes and test_plan_laws.is_another(kind, held, after.records[kind][row])
    }


def _approved(
    before: Snapshot, said: Roster, rules: Rules, wish: Plan, decided: dict[str, str]
) -> set[tuple[Kind, int]]:
    """Who is shown in a case of which a person said that it is the same human."""
    asked = gate(plan(before, said, rules, night=wish.night), before, said, rules).holds
    return {
        (side.kind, side.id)
        for hold in asked
        if decided.get(hold.digest, "").startswith(SAME)
        for side in hold.sides
        if side.id is not None
    }
