"""What a person decides about a hold: of these very facts, until it runs out, and only once (R12)."""

import datetime
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from sync.models import Decision, Hold, Run
from sync.operations import decisions, runs
from sync.pipeline.plan.model import APPROVE, KEEP
from sync.queries import holds
from tenants import scope
from tenants.models import AuditEvent
from tests.conftest import Person
from tests.sync.conftest import Place
from users.models import Student

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NOW = datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.UTC)
A_WEEK = datetime.timedelta(days=7)


def lose(place: Place, number: int, *, night: int) -> Run:
    """Sync the files of night 1 on another night, with this many students' rows cut off."""
    place.write(1)
    path = next(path for path in place.folder.iterdir() if path.name.startswith("students"))
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(lines[: len(lines) - number]), encoding="utf-8")
    return place.perform(night)


def the_hold(run: Run) -> Hold:
    found: Hold = Hold.objects.get(run=run, kind="students")
    return found


@pytest.fixture
def held(small: Place) -> tuple[Place, Run]:
    """The small school on its second night, when ten students are not in the feed."""
    small.sync(1)
    return small, lose(small, 10, night=2)


def missing() -> int:
    return Student.objects.exclude(status="active").count()


def test_an_approval_lets_exactly_these_go_and_is_used_up(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    with scope.school(place.school.pk):
        assert missing() == 0
        decision = decisions.decide(the_hold(run), choice=APPROVE, by=rhea.account.pk, at=NOW)
        assert decision.expires_at == NOW + A_WEEK
    done = place.perform(2)
    with scope.school(place.school.pk):
        decision.refresh_from_db()
        assert (missing(), decision.run_id, list(done.holds.all())) == (10, done.pk, [])
        with pytest.raises(decisions.CarriedOut):
            decisions.withdraw(decision, by=rhea.account.pk, at=NOW)
        assert decisions.in_force(NOW) == {}


def test_one_person_more_is_not_what_was_approved(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    with scope.school(place.school.pk):
        decision = decisions.decide(the_hold(run), choice=APPROVE, by=rhea.account.pk, at=NOW)
    again = lose(place, 11, night=2)
    with scope.school(place.school.pk):
        hold = the_hold(again)
        decision.refresh_from_db()
        assert (missing(), decision.run_id) == (0, None)
        assert hold.reason.startswith("This has changed since it was approved. 11 of 60 students")
        [found] = [one for one in holds.cases(at=NOW) if one.hold.kind == "students"]
        assert found.decision is None, "nothing was decided about these eleven"


def test_deciding_the_same_twice_is_harmless_and_otherwise_needs_a_withdrawal(
    held: tuple[Place, Run], rhea: Person
) -> None:
    place, run = held
    by = rhea.account.pk
    with scope.school(place.school.pk):
        hold = the_hold(run)
        first = decisions.decide(hold, choice=KEEP, by=by, at=NOW, reason="a trip to the sea")
        assert decisions.decide(hold, choice=KEEP, by=by, at=NOW + A_WEEK) == first
        assert AuditEvent.objects.filter(action="hold.decided").count() == 1
        with pytest.raises(decisions.AlreadyDecided, match="Withdraw"):
            decisions.decide(hold, choice=APPROVE, by=by, at=NOW)
        for _twice in range(2):
            decisions.withdraw(first, by=by, at=NOW)
        assert AuditEvent.objects.filter(action="decision.withdrawn").count() == 1
        second = decisions.decide(hold, choice=APPROVE, by=by, at=NOW)
        assert decisions.in_force(NOW) == {hold.digest: APPROVE}
        assert second != first


def test_only_what_the_hold_offers_can_be_chosen(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    with scope.school(place.school.pk), pytest.raises(decisions.NoSuchChoice, match="Let these 10 go, Leave it"):
        decisions.decide(the_hold(run), choice="same", by=rhea.account.pk, at=NOW)


def test_an_empty_list_offers_nothing(small: Place, rhea: Person) -> None:
    small.sync(1)
    run = lose(small, 60, night=2)
    with scope.school(small.school.pk):
        hold = the_hold(run)
        assert (hold.case, hold.options) == ("empty", [])
        with pytest.raises(decisions.NoSuchChoice, match="nothing can be chosen"):
            decisions.decide(hold, choice=APPROVE, by=rhea.account.pk, at=NOW)


def test_what_the_newest_run_no_longer_holds_cannot_be_decided(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    place.write(1)
    place.perform(2)
    with scope.school(place.school.pk):
        hold = the_hold(run)
        assert holds.case(hold.digest, at=NOW) is None
        with pytest.raises(decisions.WorldMoved):
            decisions.decide(hold, choice=APPROVE, by=rhea.account.pk, at=NOW)


def test_the_same_case_on_a_later_run_is_the_same_case(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    later = place.perform(2)
    with scope.school(place.school.pk):
        decisions.decide(the_hold(run), choice=KEEP, by=rhea.account.pk, at=NOW)
        [found] = [one for one in holds.cases(at=NOW) if one.hold.kind == "students"]
        assert (found.hold.run_id, found.is_decided, found.who) == (later.pk, True, rhea.account.email)
    kept = place.perform(2)
    with scope.school(place.school.pk):
        assert the_hold(kept).digest == the_hold(run).digest
        assert Decision.objects.get().run_id is None, "leaving a thing as it is is never done with"


def test_an_approval_runs_out_after_a_week_and_can_be_given_again(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    with scope.school(place.school.pk):
        hold = the_hold(run)
        old = decisions.decide(hold, choice=APPROVE, by=rhea.account.pk, at=NOW)
        last = NOW + A_WEEK - datetime.timedelta(seconds=1)
        assert decisions.in_force(last) == {hold.digest: APPROVE}
        assert decisions.in_force(NOW + A_WEEK) == {}
        found = holds.case(hold.digest, at=NOW + A_WEEK)
        assert found
        assert (found.decision, found.expired, found.is_decided) == (old, True, False)
        new = decisions.decide(hold, choice=APPROVE, by=rhea.account.pk, at=NOW + A_WEEK)
        assert new != old
        assert decisions.in_force(NOW + A_WEEK) == {hold.digest: APPROVE}


def test_a_run_after_the_approval_ran_out_holds_again(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    at = place.clock(2)() - A_WEEK
    with scope.school(place.school.pk):
        decisions.decide(the_hold(run), choice=APPROVE, by=rhea.account.pk, at=at)
    again = place.perform(2)
    with scope.school(place.school.pk):
        assert (missing(), the_hold(again).reason.startswith("10 of 60")) == (0, True)


def test_carrying_out_now_asks_for_a_run(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    at = place.clock(2)()
    with scope.school(place.school.pk):
        decisions.decide(the_hold(run), choice=APPROVE, by=rhea.account.pk, at=at)
        asked = decisions.carry_out_now(school=place.school, by=rhea.account.pk, at=at)
        assert (asked.trigger, asked.requested_by_id) == (Run.Trigger.DECISION, rhea.account.pk)
    assert runs.perform(school=place.school, run=asked.pk, clock=place.clock(2)).status == Run.Status.OK
    with scope.school(place.school.pk):
        assert missing() == 10


def test_two_who_decide_in_the_same_moment_decide_once(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held

    def choose(choice: str) -> Decision | type[Exception]:
        try:
            with scope.school(place.school.pk):
                hold = the_hold(run)
                together.wait()
                return decisions.decide(hold, choice=choice, by=rhea.account.pk, at=NOW)
        except decisions.AlreadyDecided as fault:
            return type(fault)
        finally:
            connection.close()

    together = threading.Barrier(2, timeout=20)
    with ThreadPoolExecutor(max_workers=2) as both:
        found = list(both.map(choose, (APPROVE, KEEP)))
    assert decisions.AlreadyDecided in found
    with scope.school(place.school.pk):
        assert Decision.objects.get() in found


def test_a_decision_tells_who_made_it(held: tuple[Place, Run], rhea: Person) -> None:
    place, run = held
    with scope.school(place.school.pk):
        hold = the_hold(run)
        found = holds.case(hold.digest, at=NOW)
        assert found
        assert (found.who, found.is_decided) == ("", False)
        decision = decisions.decide(hold, choice=KEEP, by=rhea.account.pk, at=NOW)
        found = holds.case(hold.digest, at=NOW)
        assert found
        assert (found.who, found.is_decided) == (rhea.account.email, True)
        Decision.objects.filter(pk=decision.pk).update(by=None)
        found = holds.case(hold.digest, at=NOW)
        assert found
        assert found.who == "somebody whose account is gone"


def test_a_failed_run_and_an_undo_leave_open_what_waits(held: tuple[Place, Run]) -> None:
    place, run = held
    with scope.school(place.school.pk):
        for number, (status, trigger) in enumerate((("failed", "one_off"), ("ok", "undo"), ("held", "first")), start=1):
            Run.objects.create(
                status=status,
                trigger=trigger,
                local_date=run.local_date,
                queued_at=NOW,
                finished_at=place.clock(2)() + datetime.timedelta(minutes=number),
                error="" if status == "ok" else "Nothing was written.",
            )
        assert holds.judged() == run
        assert [one.hold for one in holds.cases(at=NOW)] == list(Hold.objects.filter(run=run))
