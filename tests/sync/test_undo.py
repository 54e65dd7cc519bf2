"""Undoing a run in a real database (promise 12): values come back, what changed since stays, and back again."""

import contextlib
import datetime
import random
from typing import Any, Final

import msgspec
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync.models import Change, Connection, MisIdentity, Run
from sync.operations import connections, mis_change, runs, undo
from sync.operations.runs import AnotherRunIsOn
from sync.pipeline.apply import apply
from sync.pipeline.exact import decoded
from sync.pipeline.held import FIELDS, PEOPLE, Snapshot
from sync.pipeline.plan import plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import snapshot
from sync.pipeline.undoing import Why
from sync.queries import sources
from sync.records import Dietary, Enrolment, Kind, Medical, Record, Teaching
from tenants import scope
from tenants.models import AuditEvent, School, SchoolDomain
from tests.factories import people
from tests.factories import runs as made
from tests.sync.conftest import by_ref
from tests.sync.pipeline import builders, test_plan_laws
from users.models import Account, Guardian, LocalEdit, Membership, StaffMember, Student, Tie
from users.models import Enrolment as Seat

pytestmark = pytest.mark.django_db

LATER: Final = datetime.datetime(2026, 11, 20, 9, tzinfo=datetime.UTC)
NOT_KEPT: Final = frozenset({Kind.MEDICAL.value, Kind.DIETARY.value})


@pytest.fixture
def alder() -> School:
    school = School.objects.create(slug="alder", name="Alder")
    SchoolDomain.objects.create(school=school, domain=builders.DOMAIN)
    return school


def sync(
    school: School, night: int, *records: Record, rules: Rules = builders.RULES, said: Roster | None = None
) -> Run:
    """Apply what the MIS says on this night."""
    date = builders.night(night)
    at = datetime.datetime.combine(date, datetime.time(1), tzinfo=datetime.UTC)
    run: Run = Run.objects.create(trigger="command", local_date=date, queued_at=at, status="running")
    before = snapshot(generation=1)
    apply(plan(before, said or builders.roster(*records), rules, night=date), before, run=run, school=school, at=at)
    run.status, run.finished_at = Run.Status.OK, at
    run.save()
    return run


def undone(school: School, run: Run, *, at: datetime.datetime = LATER, **more: Any) -> Run:
    return undo.undo(school=school, run=run.pk, by=None, at=at, reason="the office sent the wrong file", **more)


def left_alone(school: School, run: Run) -> list[str]:
    return [one.why for one in undo.preview(school=school, run=run, at=LATER).undoing.left_alone]


def held() -> dict[str, Any]:
    """What is held, but for notes and needs, of which an undo knows nothing."""
    found = snapshot(generation=1)
    named = msgspec.structs.replace(
        found, identities={kind: _first(kind, ids) for kind, ids in found.identities.items()}
    )
    return {kind: rows for kind, rows in by_ref(named).items() if kind not in NOT_KEPT}


def _first(kind: Kind, ids: dict[str, int]) -> dict[str, int]:
    """Keep the first id of each row: an id that a run gave is for ever, and an undo must not seem to rename anybody."""
    given = MisIdentity.objects.filter(kind=kind.value).order_by("-id").values_list("external_id", flat=True)
    first = {ids[ref]: ref for ref in given if ref in ids}
    return {ref: row for row, ref in first.items()}


# --- the law ---


class _Over(Exception):
    """Ends an example without keeping anything of it."""


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(nights=st.lists(st.tuples(test_plan_laws.rosters(), test_plan_laws.rules), min_size=1, max_size=4))
def test_an_undo_restores_what_was_held_and_its_own_undo_what_was_held_after(
    alder: School, nights: list[tuple[Roster, Rules]]
) -> None:
    with contextlib.suppress(_Over), transaction.atomic(), scope.school(alder.pk):
        before, run = held(), None
        for number, (said, rules) in enumerate(nights, start=1):
            before = held()
            run = sync(alder, number, said=said, rules=rules)
        assert run is not None
        after = held()
        if before == after:
            raise _Over
        first = undone(alder, run)
        connection.check_constraints()
        assert _those_of(before, held()) == before
        _assert_newcomers_are_out(before, held())
        again = undone(alder, first)
        connection.check_constraints()
        assert held() == after
        undone(alder, again)
        assert _those_of(before, held()) == before
        raise _Over


def _those_of(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What is held now of those who were held before."""
    return {
        kind: {ref: one for ref, one in rows.items() if ref in before[kind] or kind in {"enrolments", "teaching"}}
        for kind, rows in now.items()
    }


def _assert_newcomers_are_out(before: dict[str, Any], now: dict[str, Any]) -> None:
    for kind in (*PEOPLE, Kind.CLASSES):
        for ref in now[kind.value].keys() - before[kind.value].keys():
            _, here, _, email, *_ = now[kind.value][ref]
            assert (here, email) == (False, ""), "nobody is deleted, and no address is kept from others"
    for pair in now["ties"].keys() - before["ties"].keys():
        assert not now["ties"][pair][1]


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    nights=st.lists(st.tuples(test_plan_laws.rosters(), test_plan_laws.rules), min_size=2, max_size=4),
    which=st.integers(0, 1),
    dice=st.randoms(use_true_random=False),
)
def test_nothing_that_changed_since_is_touched(
    alder: School, nights: list[tuple[Roster, Rules]], which: int, dice: random.Random
) -> None:
    with contextlib.suppress(_Over), transaction.atomic(), scope.school(alder.pk):
        done = [
            sync(alder, number, said=_telephoning(said, number), rules=rules)
            for number, (said, rules) in enumerate(nights, start=1)
        ]
        by_hand = [pk for pk in Guardian.objects.values_list("pk", flat=True) if dice.random() < 0.5]
        Guardian.objects.filter(pk__in=by_hand).update(phone="by hand")
        was = snapshot(generation=1)
        with contextlib.suppress(undo.CannotUndo):
            undone(alder, done[which])
        connection.check_constraints()
        _assert_only_what_the_run_left(was, snapshot(generation=1), done[which])
        raise _Over


def _telephoning(said: Roster, number: int) -> Roster:
    """The same list, with a telephone number for every guardian that is another each night."""
    guardians = {ref: msgspec.structs.replace(one, phone=f"night {number}") for ref, one in said.guardians.items()}
    return msgspec.structs.replace(said, guardians=guardians)


def _assert_only_what_the_run_left(was: Snapshot, now: Snapshot, run: Run) -> None:
    """Each value that the undo changed was as the run left it, and is as the run found it."""
    told = {
        (change.kind, exact.row, field): ((exact.was or {})[field], value)
        for change in Change.objects.filter(run=run, action="amend")
        if (exact := decoded(change.exact)) and exact.row
        for field, value in (exact.now or {}).items()
    }
    for kind, rows in was.records.items():
        for row, before in rows.items():
            for field, old, new in zip(FIELDS[kind], before.values, now.records[kind][row].values, strict=True):
                assert old == new or told[kind.value, row, field] == (new, old)


# --- each rule by itself ---


def test_values_come_back_not_only_states(alder: School) -> None:
    with scope.school(alder.pk):
        ann = builders.student("1", preferred_name="Annie", form="7B")
        sync(alder, 1, ann)
        run = sync(alder, 2, builders.student("1", "Anne Bell", preferred_name="", date_of_birth=None, form="8C"))
        undone(alder, run)
        student = Student.objects.get()
    assert (student.given_name, student.preferred_name, student.form) == ("Ann", "Annie", "7B")
    assert (student.date_of_birth, student.folded) == (builders.BORN, "bell ann annie")


def test_empty_and_not_shared_stay_two_things(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1"), builders.guardian("2", "Ida Hale", phone=""))
        run = sync(alder, 2, builders.guardian("1", phone="1"), builders.guardian("2", "Ida Hale", phone="2"))
        undone(alder, run)
        assert list(Guardian.objects.order_by("pk").values_list("phone", flat=True)) == [None, ""]


def test_a_swap_of_addresses_is_swapped_back(alder: School) -> None:
    one, other = "x@home.example", "y@home.example"
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email=one), builders.guardian("2", "Ida Hale", email=other))
        run = sync(alder, 2, builders.guardian("1", email=other), builders.guardian("2", "Ida Hale", email=one))
        undone(alder, run)
        assert list(Guardian.objects.order_by("pk").values_list("email", flat=True)) == [one, other]
        assert {str(m.account): m.guardian_id for m in Membership.objects.select_related("account")} == {
            guardian.email: guardian.pk for guardian in Guardian.objects.all()
        }


def test_a_dummy_comes_back_where_there_was_no_address(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1"))
        run = sync(alder, 2, builders.guardian("1", email="x@home.example"))
        undone(alder, run)
        joan = Guardian.objects.get()
        assert (joan.email_is_dummy, joan.mis_email) == (True, None)
        assert not Membership.objects.exists(), "and nobody signs in as her by that address"


def test_an_address_that_somebody_else_has_by_now_stays_theirs(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email="x@home.example"))
        run = sync(alder, 2, builders.guardian("1", email="y@home.example"))
        people.guardian("Ida Hale", email="X@home.example")
        assert left_alone(alder, run) == [Why.TAKEN]
        with pytest.raises(undo.CannotUndo, match="left to restore"):
            undone(alder, run)


def test_a_student_never_shares_the_address_that_would_come_back(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email="x@home.example"))
        run = sync(alder, 2, builders.guardian("1", email="y@home.example"))
        people.staff_member("Ida Hale", email="x@home.example")
        assert left_alone(alder, run) == [], "staff and guardian of one address are one human in two modes"
        people.student("Ida Hale", email="x@home.example")
        assert left_alone(alder, run) == [Why.TAKEN]


def test_who_keeps_an_address_is_in_the_way_of_the_next(alder: School) -> None:
    x, y, z = "x@home.example", "y@home.example", "z@home.example"
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email=x), builders.guardian("2", "Ida Hale", email=y))
        run = sync(alder, 2, builders.guardian("1", email=y), builders.guardian("2", "Ida Hale", email=z))
        people.guardian("Max Late", email=x)
        assert left_alone(alder, run) == [Why.TAKEN, Why.TAKEN]


def test_an_address_somebody_signed_in_with_since_stays(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email="x@home.example"))
        run = sync(alder, 2, builders.guardian("1", email="y@home.example"))
        Account.objects.filter(email="x@home.example").update(activated_at=LATER)
        assert left_alone(alder, run) == []
        Account.objects.filter(email="y@home.example").update(activated_at=LATER)
        assert left_alone(alder, run) == [Why.SIGNED_IN]


def test_an_arrival_is_undone_by_leaving_and_frees_the_address(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", email="x@home.example"))
        newcomer = builders.guardian("2", "Ida Hale", email="x@home.example")
        run = sync(alder, 2, builders.guardian("1", email="y@home.example"), newcomer)
        back = undone(alder, run)
        joan, ida = Guardian.objects.order_by("pk")
        assert (joan.email, ida.status, ida.email_is_dummy) == ("x@home.example", "left", True)
        assert ida.left_on == LATER.date()
        assert MisIdentity.objects.count() == 2, "identities are for ever"
        undone(alder, back)
        joan, ida = Guardian.objects.order_by("pk")
        assert (joan.email, ida.status, ida.email) == ("y@home.example", "active", "x@home.example")


def test_a_newcomer_who_has_come_in_stays_with_their_ties(alder: School) -> None:
    ann, joan = builders.student("1"), builders.guardian("1", email="x@home.example")
    with scope.school(alder.pk):
        sync(alder, 1, ann)
        run = sync(
            alder, 2, ann, joan, builders.guardian("2", "Ida Hale"), builders.tie("1", "1"), builders.tie("1", "2")
        )
        Account.objects.update(activated_at=LATER)
        assert left_alone(alder, run) == [Why.STAKED, Why.WITH_THEM]
        undone(alder, run)
        assert Tie.objects.in_force().get().guardian.given_name == "Joan"
        assert Guardian.objects.here().get().given_name == "Joan"


def test_departures_go_back_to_what_they_were(alder: School) -> None:
    ann, joan = builders.student("1"), builders.guardian("1")
    with scope.school(alder.pk):
        sync(alder, 1, ann, joan, builders.student("2", "Bo Li"))
        missing = sync(alder, 2, ann, joan)
        left = sync(alder, 3, ann, joan)
        undone(alder, left)
        bo = Student.objects.get(given_name="Bo")
        assert (bo.status, bo.missing_since, bo.left_on) == ("missing", builders.night(2), None)
        undone(alder, missing)
        bo.refresh_from_db()
        assert (bo.status, bo.missing_since, bo.left_on) == ("active", None, None)


def test_staff_whom_the_school_deleted_since_stay_deleted(alder: School) -> None:
    ruth = builders.staff("1", left_on=builders.night(2))
    with scope.school(alder.pk):
        sync(alder, 1, builders.staff("1"))
        run = sync(alder, 2, ruth)
        StaffMember.objects.update(deleted_at=LATER)
        assert left_alone(alder, run) == [Why.DELETED]


def test_links_open_end_and_come_back(alder: School) -> None:
    ann, joan, ruth, form = (
        builders.student("1"),
        builders.guardian("1"),
        builders.staff("1"),
        builders.school_class("7"),
    )
    seat, lesson = Enrolment(class_ref="7", student_ref="1"), Teaching(class_ref="7", staff_ref="1")
    whole = (ann, joan, ruth, form, seat, lesson, builders.tie("1", "1", priority=1, restricted=True))
    with scope.school(alder.pk):
        first = sync(alder, 1, *whole)
        ended = sync(alder, 2, ann, joan, ruth, form)
        assert not Seat.objects.exists()
        before, again = held(), undone(alder, ended)
        tie = Tie.objects.get()
        assert (tie.ended_on, tie.priority, tie.restricted) == (None, 1, True)
        assert Seat.objects.get().student.given_name == "Ann"
        undone(alder, again)
        assert held() == before
        back = sync(alder, 3, *whole[:-1], builders.tie("1", "1", priority=2))
        undone(alder, back)
        tie.refresh_from_db()
        assert (tie.ended_on, tie.priority) == (builders.night(2), 1), "the day on which it had ended"
        undone(alder, first)
        assert not Student.objects.here().exists()


def test_notes_are_not_kept_and_so_not_restored(alder: School) -> None:
    ann = builders.student("1")
    note = Medical(student_ref="1", ref="9", condition="Asthma", details="Blue inhaler")
    need = Dietary(student_ref="1", ref="8", need="No nuts")
    with scope.school(alder.pk):
        sync(alder, 1, ann, note, need)
        run = sync(alder, 2, ann, msgspec.structs.replace(note, condition="Severe asthma"))
        assert left_alone(alder, run) == [Why.HEALTH, Why.HEALTH]
        kept = {str(row) for row in Change.objects.values_list("exact", "old", "new")}
    assert not [word for word in ("sthma", "inhaler", "nuts") for row in kept if word in row]


def test_a_correction_by_hand_stands(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", phone="1"))
        run = sync(alder, 2, builders.guardian("1", phone="2"))
        LocalEdit.objects.create(guardian=Guardian.objects.get(), field="phone", value="2", replaced="1", at=LATER)
        assert left_alone(alder, run) == [Why.BY_HAND]


def test_what_changed_since_says_by_which_run(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", phone="1"), builders.guardian("2", "Ida Hale", phone="1"))
        run = sync(alder, 2, builders.guardian("1", phone="2"), builders.guardian("2", "Ida Hale", phone="2"))
        later = sync(alder, 3, builders.guardian("1", phone="3"), builders.guardian("2", "Ida Hale", phone="2"))
        Guardian.objects.filter(given_name="Ida").update(phone="4")
        assert left_alone(alder, run) == [
            f"It was changed since by the sync of 11 November 2026 (run {later.pk}).",
            "It was changed by hand since.",
        ]
        undone(alder, later)
        assert undo.preview(school=alder, run=run, at=LATER).later == 2


def test_a_login_is_not_given_back_by_a_domain_the_school_no_longer_has(alder: School) -> None:
    ruth = builders.staff("1", email=f"ruth@{builders.DOMAIN}")
    with scope.school(alder.pk):
        sync(alder, 1, ruth)
        run = sync(alder, 2, ruth, rules=msgspec.structs.replace(builders.RULES, domains=frozenset()))
        assert not StaffMember.objects.get().domain_recognised
        assert left_alone(alder, run) == []
        SchoolDomain.objects.all().delete()
        assert left_alone(alder, run) == [Why.DOMAIN]


@pytest.mark.parametrize(("action", "why"), [("rekey", Why.IDS), ("release", Why.EDIT), ("amend", Why.UNKNOWN)])
def test_what_was_not_kept_to_the_letter_is_named(alder: School, action: str, why: str) -> None:
    with scope.school(alder.pk):
        run = made.run()
        made.change(run, "Ann Bell", action)
        assert left_alone(alder, run) == [why]


# --- the run that undoes ---


def test_an_undo_is_a_run_of_its_own(alder: School) -> None:
    with scope.school(alder.pk):
        run = sync(alder, 1, builders.student("1"), builders.guardian("1"))
        found = undone(alder, run)
        assert (found.trigger, found.status, found.undoes_id) == ("undo", "ok", run.pk)
        assert found.counts == {"guardians": {"left": 1}, "students": {"left": 1}}
        assert set(found.changes.values_list("action", "why")) == {("leave", f"Undo of run {run.pk}.")}
        assert AuditEvent.objects.get(action="sync.undo").subject == f"run:{run.pk}"
        with pytest.raises(undo.CannotUndo, match=f"by run {found.pk}"):
            undone(alder, run)
        undone(alder, found)
        assert undo.undone_by(run) is None
        assert undone(alder, run).undoes_id == run.pk, "what was brought back can be undone again"


def test_an_undo_says_nothing_about_how_fresh_the_data_is(alder: School) -> None:
    with scope.school(alder.pk):
        made.connection()
        run = sync(alder, 1, builders.student("1"))
        fresh = sources.freshness()
        undone(alder, run)
        assert sources.freshness() == fresh


def test_only_exactly_what_was_shown_is_undone(alder: School) -> None:
    with scope.school(alder.pk):
        sync(alder, 1, builders.guardian("1", phone="1", title="Mx"))
        run = sync(alder, 2, builders.guardian("1", phone="2", title="Dr"))
        seen = undo.preview(school=alder, run=run, at=LATER).undoing.digest()
        Guardian.objects.update(phone="3")
        with pytest.raises(undo.CannotUndo, match="since you looked"):
            undone(alder, run, seen=seen)
        seen = undo.preview(school=alder, run=run, at=LATER).undoing.digest()
        undone(alder, run, seen=seen, at=LATER + datetime.timedelta(days=1))
        assert Guardian.objects.get().title == "Mx"


def test_nothing_is_undone_while_a_run_is_on(alder: School) -> None:
    with scope.school(alder.pk):
        run = sync(alder, 1, builders.student("1"))
        made.run(status="running")
        with pytest.raises(AnotherRunIsOn, match="running"):
            undone(alder, run)


@pytest.mark.parametrize("fields", [{"status": "failed"}, {"status": "held"}, {"trigger": "mis_change"}])
def test_some_runs_cannot_be_undone(alder: School, fields: dict[str, Any]) -> None:
    with scope.school(alder.pk), pytest.raises(undo.CannotUndo):
        undo.preview(school=alder, run=made.run(**fields), at=LATER)


def test_sight_that_comes_back_is_counted(alder: School) -> None:
    ann, joan = builders.student("1"), builders.guardian("1")
    with scope.school(alder.pk):
        sync(alder, 1, ann, joan, builders.tie("1", "1", restricted=False))
        run = sync(alder, 2, ann, joan, builders.tie("1", "1", restricted=True))
        assert undo.preview(school=alder, run=run, at=LATER).undoing.opens == 1


@pytest.mark.parametrize("number", [1, 3])
def test_a_preview_costs_the_same(alder: School, number: int, django_assert_num_queries: Any) -> None:
    everybody = [builders.guardian(str(n), f"Bo{n} Li", email=f"{n}@home.example") for n in range(number)]
    with scope.school(alder.pk):
        sync(alder, 1, *everybody)
        run = sync(alder, 2, *(msgspec.structs.replace(one, email=f"x{one.email}") for one in everybody))
        with django_assert_num_queries(10):
            undo.preview(school=alder, run=run, at=LATER)


# --- going on after a pause ---


def test_an_undo_may_pause_the_nights(alder: School) -> None:
    with scope.school(alder.pk):
        run = sync(alder, 1, builders.student("1"))
        undone(alder, run, pause=True)
        assert not AuditEvent.objects.filter(action="sync.paused").exists(), "a school that reads nothing needs none"
        made.connection()
        again = sync(alder, 2, builders.student("1"))
        undone(alder, again, pause=True)
        assert f"undo of run {again.pk}" in connections.active().paused_reason
        with pytest.raises(connections.Paused):
            runs.request(school=alder, trigger=Run.Trigger.SCHEDULE, at=LATER)


def test_a_pause_for_another_reason_keeps_it(alder: School) -> None:
    with scope.school(alder.pk):
        made.connection(paused_reason="The key was refused.")
        undone(alder, sync(alder, 1, builders.student("1")), pause=True)
        assert connections.active().paused_reason == "The key was refused."


def test_a_person_has_the_school_read_again(alder: School) -> None:
    with scope.school(alder.pk):
        connections.pause(connection=made.connection(), reason="After an undo.", at=LATER)
        connections.go_on(by=None, at=LATER)
        connections.go_on(by=None, at=LATER)
        assert connections.active().paused_reason == ""
        assert AuditEvent.objects.get(action="sync.resumed").reason == "After an undo."


def test_a_change_of_mis_is_not_waved_through(alder: School) -> None:
    with scope.school(alder.pk):
        made.connection(paused_reason="After an undo.")
        mis_change.announce(by=None, at=LATER)
        with pytest.raises(connections.Frozen):
            connections.go_on(by=None, at=LATER)
        assert Connection.objects.get().paused_reason == "After an undo."
