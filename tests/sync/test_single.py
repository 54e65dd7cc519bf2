"""One person or one class, now, in a real database: theirs lands, and the night's other changes stay for the night."""

import contextlib
import datetime
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from local.simulators.server import running
from local.world.model import SchoolWorld
from sync.errors import Refused
from sync.models import Change, Connection, Decision, Hold, Run, Slot, Trial
from sync.operations import connections, decisions, requests, runs, single, undo
from sync.pipeline.apply import apply
from sync.pipeline.gate import gate
from sync.pipeline.held import Snapshot
from sync.pipeline.narrow import Left, Only, narrow
from sync.pipeline.plan import plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import snapshot
from sync.queries import holds, joining, sources, tonight
from sync.queries.quality import refusals
from sync.records import Enrolment, Kind, Record
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.sync.breaking import Breaking, connect
from tests.sync.conftest import Place, by_ref
from tests.sync.pipeline import builders, test_plan_laws
from tests.sync.pipeline.builders import guardian, school_class, staff, student, tie
from tests.sync.pipeline.test_narrow_laws import ones
from tests.sync.saying import Saying
from users.models import Enrolment as Seat
from users.models import Guardian, Student

committed = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

NOON: Final = datetime.datetime(2026, 11, 9, 12, tzinfo=datetime.UTC)
WHY: Final = "the mother is at the desk"

ANN: Final = student("1", "Ann Bell", email="")
BEN: Final = student("2", "Ben Stone", email="")
JOAN: Final = guardian("10", "Joan Bell", phone="1")
MAX: Final = guardian("20", "Max Stone", phone="2")
SCHOOL: Final = (ANN, BEN, JOAN, MAX, tie("1", "10"), tie("2", "20"), staff("7"), school_class("c1"))


@pytest.fixture
def said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the MIS say these records from now on."""
    settings.MORE_CONNECTORS = ["tests.sync.saying.Saying"]

    def say(*records: Record) -> None:
        monkeypatch.setattr(Saying, "records", records)

    return say


@pytest.fixture
def alder(said: Callable[..., None]) -> School:
    """A school that was synced last night."""
    school = School.objects.create(slug="alder", name="Alder School")
    said(*SCHOOL)
    with scope.school(school.pk):
        connections.connect(school=school, connector="saying", given={})
    whole(school, at=NOON - datetime.timedelta(hours=11))
    return school


def whole(school: School, *, at: datetime.datetime = NOON) -> Run:
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.COMMAND, at=at, enqueue=False)
    return single.perform(school=school, run=run.pk, clock=lambda: at)


def alone(school: School, only: str, *, at: datetime.datetime = NOON) -> Run:
    with scope.school(school.pk):
        run = single.request(school=school, only=Only.of(only), by=None, at=at, reason=WHY, enqueue=False)
    return single.perform(school=school, run=run.pk, clock=lambda: at)


def row(school: School, kind: Kind, ref: str) -> int:
    return held(school).identities[kind][ref]


def held(school: School) -> Snapshot:
    with scope.school(school.pk):
        return snapshot(generation=1)


def one(school: School, kind: Kind, ref: str) -> str:
    return f"{kind}:{row(school, kind, ref)}"


def lines(school: School, run: Run) -> list[tuple[str, str, str, str]]:
    with scope.school(school.pk):
        return list(Change.objects.filter(run=run).values_list("kind", "action", "label", "field"))


# --- what lands and what stays ---


@committed
def test_a_new_phone_lands_and_the_others_changes_stay_for_the_night(alder: School, said: Callable[..., None]) -> None:
    said(ANN, msgspec.structs.replace(BEN, family_name="Rock"), guardian("10", "Joan Bell", phone="11"), *SCHOOL[3:])
    run = alone(alder, one(alder, Kind.GUARDIANS, "10"))
    assert run.status == Run.Status.OK
    assert lines(alder, run) == [("guardians", "amend", "Joan Bell", "phone")]
    assert run.reason == WHY
    with scope.school(alder.pk):
        assert Guardian.objects.get(family_name="Bell").phone == "11"
        assert Student.objects.filter(family_name="Stone").exists()
    night = whole(alder, at=NOON + datetime.timedelta(hours=13))
    assert lines(alder, night) == [("students", "amend", "Ben Stone", "family_name")]


@committed
def test_a_students_new_guardian_comes_with_the_tie(alder: School, said: Callable[..., None]) -> None:
    said(*SCHOOL, guardian("30", "Ida Hale", email="ida@home.example"), tie("1", "30"), guardian("31"), tie("2", "31"))
    run = alone(alder, one(alder, Kind.STUDENTS, "1"))
    assert lines(alder, run) == [("guardians", "arrive", "Ida Hale", ""), ("ties", "arrive", "Ann Bell", "")]
    with scope.school(alder.pk):
        assert Guardian.objects.get(family_name="Hale").real_email == "ida@home.example"


@committed
def test_a_new_pupil_is_there_at_once_with_family_and_class(alder: School, said: Callable[..., None]) -> None:
    new = student("S/4:7", "Cai Hale")
    said(*SCHOOL, new, student("3", "Dan Low"), guardian("30", "Ida Hale"), tie("S/4:7", "30"),
         school_class("c2", "8A"), Enrolment(class_ref="c2", student_ref="S/4:7"),
         Enrolment(class_ref="c2", student_ref="3"))  # fmt: skip
    run = alone(alder, "students:ref:S/4:7")
    assert run.status == Run.Status.OK
    now = by_ref(held(alder))
    assert now["students"].keys() == {"1", "2", "S/4:7"}
    assert ("S/4:7", "30") in now["ties"]
    assert now["enrolments"].keys() == {("c2", "S/4:7")}


@committed
def test_a_class_takes_its_members_and_its_teacher(alder: School, said: Callable[..., None]) -> None:
    said(*SCHOOL, student("3", "Dan Low"), Enrolment(class_ref="c1", student_ref="3"),
         Enrolment(class_ref="c1", student_ref="1"), tie("3", "20"))  # fmt: skip
    run = alone(alder, one(alder, Kind.CLASSES, "c1"))
    assert [line[:3] for line in lines(alder, run)] == [
        ("students", "arrive", "Dan Low"),
        ("enrolments", "arrive", "Ann Bell"),
        ("enrolments", "arrive", "Dan Low"),
    ]


@committed
def test_an_address_between_two_people_waits_for_both(alder: School, said: Callable[..., None]) -> None:
    had = "j@home.example"
    said(ANN, BEN, guardian("10", "Joan Bell", phone="1", email=had), *SCHOOL[3:])
    whole(alder)
    said(ANN, BEN, guardian("10", "Joan Bell", phone="1", email="k@home.example"),
         guardian("20", "Max Stone", phone="3", email=had), *SCHOOL[4:])  # fmt: skip
    for ref, field in (("20", "phone"), ("10", "")):
        run = alone(alder, one(alder, Kind.GUARDIANS, ref))
        assert run.remarks == [Left.ADDRESS.value]
        assert [line[3] for line in lines(alder, run)] == [field][: bool(field)]
    assert by_ref(held(alder))["guardians"]["10"][3] == had
    whole(alder)
    assert by_ref(held(alder))["guardians"]["20"][3] == had


# --- nobody goes, and nothing is said of the school ---


@committed
def test_who_is_not_in_the_mis_is_told_and_stays(alder: School, said: Callable[..., None]) -> None:
    said(BEN, MAX, tie("2", "20"), *SCHOOL[6:])
    for ref in ("1", "1"):  # twice: a second look is no second night
        run = alone(alder, one(alder, Kind.STUDENTS, ref))
        assert (run.status, lines(alder, run)) == (Run.Status.OK, [])
        assert "does not name them" in run.remarks[0]
        assert Left.GOING.value in run.remarks
    with scope.school(alder.pk):
        assert {(one.status, one.missing_since) for one in Student.objects.all()} == {("active", None)}


@committed
def test_where_nothing_is_new_it_says_so(alder: School) -> None:
    run = alone(alder, one(alder, Kind.STUDENTS, "1"))
    assert (run.status, run.remarks) == (Run.Status.OK, ["Nothing to change: your MIS says what we hold."])


@committed
def test_the_links_of_the_one_end_and_nobody_elses(alder: School, said: Callable[..., None]) -> None:
    stays = student("3", "Dan Low"), Enrolment(class_ref="c1", student_ref="3")
    said(*SCHOOL, *stays, *(Enrolment(class_ref="c1", student_ref=ref) for ref in ("1", "2")))
    whole(alder)
    said(*SCHOOL, *stays)
    alone(alder, one(alder, Kind.STUDENTS, "1"))
    with scope.school(alder.pk):
        assert {seat.student.given_name for seat in Seat.objects.select_related("student")} == {"Dan", "Ben"}


@committed
def test_it_says_nothing_of_how_the_school_stands(alder: School, said: Callable[..., None]) -> None:
    """Every reader of the last run of the whole school is asked before and after."""
    said(*SCHOOL, guardian("40", "Bo Ruff", email="no address"), student("", "No Ref"))
    whole(alder)

    def told() -> list[Any]:
        with scope.school(alder.pk):
            link = Connection.objects.get()
            newest = refusals.judged().first()
            last = Run.objects.finished().rosters().order_by("-finished_at", "-id")[0]
            return [
                sources.freshness(now=lambda: NOON).at,
                sources.freshness(now=lambda: NOON).kinds,
                holds.judged(),
                newest,
                last.standstill,
                joining.synced_once(link),
                Slot.objects.count(),
            ]

    before = told()
    run = alone(alder, one(alder, Kind.STUDENTS, "1"), at=NOON + datetime.timedelta(hours=2))
    assert run.finished_at is not None
    assert told() == before
    assert (run.kinds, run.fingerprint, run.feed, run.standstill, run.slot) == ({}, "", "", "", "")
    assert all("rows" not in tally for tally in run.counts.values())
    with scope.school(alder.pk):
        assert list(Run.objects.rosters().filter(pk=run.pk)) == []


@committed
def test_the_look_at_tonight_does_not_grow_old_by_it(alder: School) -> None:
    with scope.school(alder.pk):
        link = Connection.objects.get()
        trial = made_trial(link)
    alone(alder, one(alder, Kind.STUDENTS, "1"), at=NOON + datetime.timedelta(hours=1))
    with scope.school(alder.pk):
        assert tonight._stale(trial, link) == ""
    whole(alder, at=NOON + datetime.timedelta(hours=2))
    with scope.school(alder.pk):
        assert "A sync has run since" in tonight._stale(trial, link)


def made_trial(link: Connection) -> Trial:
    made_with = joining.fingerprint(link)
    return Trial.objects.create(kind=Trial.Kind.TONIGHT, asked_at=NOON, ended_at=NOON, made_with=made_with)


@committed
def test_the_first_sync_is_never_of_one(said: Callable[..., None]) -> None:
    school = School.objects.create(slug="birch", name="Birch School")
    said(*SCHOOL)
    with scope.school(school.pk):
        connections.connect(school=school, connector="saying", given={})
        with pytest.raises(runs.Unseen):
            single.request(school=school, only=Only.of("students:ref:1"), by=None, at=NOON, reason=WHY)


@committed
def test_a_pause_and_a_slot_that_is_tried_again_outlive_it(alder: School) -> None:
    with scope.school(alder.pk):
        Connection.objects.update(paused_reason="Somebody undid last night.")
    slot = {"kind": "roster", "slot": "night", "local_date": NOON.date(), "due_at": NOON, "claimed_at": NOON}
    Slot.objects.create(school=alder, outcome="run", retry_at=NOON + datetime.timedelta(minutes=9), **slot)
    assert alone(alder, one(alder, Kind.STUDENTS, "1")).status == Run.Status.OK
    with scope.school(alder.pk):
        assert Connection.objects.get().paused_reason
    assert Slot.objects.get().retry_at is not None
    whole(alder)
    assert Slot.objects.get().retry_at is None, "the measure works"


@committed
def test_a_run_about_one_is_never_carried_out_for_all(alder: School, said: Callable[..., None]) -> None:
    said(*SCHOOL, student("3", "Dan Low"))
    with scope.school(alder.pk):
        run = single.request(school=alder, only=Only.of("students:ref:1"), by=None, at=NOON, reason=WHY, enqueue=False)
    with pytest.raises(runs.InternalFault):
        runs.perform(school=alder, run=run.pk, clock=lambda: NOON)
    assert "3" not in held(alder).identities[Kind.STUDENTS]


@committed
def test_two_wishes_are_two_runs_and_the_same_wish_is_one(alder: School) -> None:
    def ask(only: str) -> int:
        run = single.request(school=alder, only=Only.of(only), by=None, at=NOON, reason=WHY, enqueue=False)
        return run.pk

    with scope.school(alder.pk):
        everybody = runs.request(school=alder, trigger=Run.Trigger.ONE_OFF, at=NOON, enqueue=False).pk
        first = ask("students:ref:1")
        assert ask("students:ref:1") == first
        assert len({everybody, first, ask("students:ref:2")}) == 3
        with pytest.raises(single.NobodyThere, match="by their id in the MIS"):
            ask("students:4711")


# --- what waits for a person ---


@committed
def test_what_is_held_about_the_one_is_told_and_not_done(alder: School, said: Callable[..., None]) -> None:
    stranger = student("1", "Zed Quick", date_of_birth=datetime.date(2009, 1, 1), email="")
    said(stranger, BEN, *SCHOOL[2:])
    run = alone(alder, one(alder, Kind.STUDENTS, "1"))
    assert (run.status, lines(alder, run)) == (Run.Status.HELD, [])
    with scope.school(alder.pk):
        assert [(hold.case, hold.digest) for hold in run.holds.all()] == [("id reused", "")], "decided after a night"
        assert holds.cases(at=NOON) == ()
    whole(alder)
    with scope.school(alder.pk):
        waiting = holds.cases(at=NOON)[0].hold
    again = alone(alder, one(alder, Kind.STUDENTS, "1"))
    with scope.school(alder.pk):
        assert [hold.digest for hold in again.holds.all()] == [waiting.digest], "its case waits, and can be decided"
    assert not alone(alder, one(alder, Kind.STUDENTS, "2")).counts, "what is held about others is not told"


@committed
def test_a_decision_is_used_up_by_the_run_that_is_about_it(alder: School, said: Callable[..., None]) -> None:
    others = {"date_of_birth": datetime.date(2009, 1, 1), "email": ""}
    said(student("1", "Zed Quick", **others), student("2", "Yan Wood", **others), *SCHOOL[2:])
    whole(alder)
    with scope.school(alder.pk):
        for hold in Hold.objects.all():
            decisions.decide(hold, choice="same", by=None, at=NOON)
    run = alone(alder, one(alder, Kind.STUDENTS, "1"))
    assert held(alder).name(Kind.STUDENTS, row(alder, Kind.STUDENTS, "1")) == "Zed Quick"
    assert held(alder).name(Kind.STUDENTS, row(alder, Kind.STUDENTS, "2")) == "Ben Stone"
    with scope.school(alder.pk):
        used = {decision.run_id for decision in Decision.objects.all()}
    assert used == {run.pk, None}


@committed
def test_an_approval_of_others_is_never_broken_into(said: Callable[..., None]) -> None:
    """Who approved that these seats end approved exactly these: one fewer, and they would be asked anew."""
    school = School.objects.create(slug="cedar", name="Cedar School", leaving_count=1, leaving_percent=5)
    people = [student(str(number), f"Ann{number} Bell", email="") for number in range(20)]
    seats = [Enrolment(class_ref="c1", student_ref=one.ref) for one in people]
    said(*people, school_class("c1"), *seats)
    with scope.school(school.pk):
        connections.connect(school=school, connector="saying", given={})
    whole(school, at=NOON - datetime.timedelta(days=1))
    said(*people, school_class("c1"), *seats[:5])
    assert whole(school).status == Run.Status.HELD
    with scope.school(school.pk):
        decisions.decide(Hold.objects.get(), choice="approve", by=None, at=NOON)
    run = alone(school, one(school, Kind.STUDENTS, "19"))
    assert run.remarks == [Left.APPROVED.value]
    assert whole(school).counts["enrolments"]["ended"] == 15, "the night may still do all of it"


# --- undo, requests, failure ---


@committed
def test_it_can_be_undone_like_any_run(alder: School, said: Callable[..., None]) -> None:
    before = by_ref(held(alder))
    said(ANN, BEN, guardian("10", "Joan Bell", phone="11"), *SCHOOL[3:], guardian("30", "Ida Hale"), tie("1", "30"))
    phone = alone(alder, one(alder, Kind.GUARDIANS, "10"))
    came = alone(alder, one(alder, Kind.STUDENTS, "1"))
    for run in (came, phone):
        with scope.school(alder.pk):
            undo.undo(school=alder, run=run.pk, by=None, at=NOON + datetime.timedelta(minutes=5), reason="not yet")
    now = by_ref(held(alder))
    assert {ref: now["guardians"][ref] for ref in before["guardians"]} == before["guardians"]
    assert now["guardians"]["30"][1] is False
    assert now["ties"]["1", "30"][1] is False


@committed
def test_a_wish_for_one_is_granted_with_a_run_of_one(alder: School, rhea: Person) -> None:
    with scope.school(alder.pk):
        asked: dict[str, Any] = {
            "school": alder,
            "kind": Run.Kind.ROSTER,
            "by": rhea.account.pk,
            "at": NOON,
            "reason": WHY,
        }
        wish = requests.ask(only=one_of(alder, "1"), **asked)
        run = requests.grant(request=wish, by=rhea.account.pk, at=NOON)
        assert (run.only, run.reason, run.trigger) == (wish.only, WHY, Run.Trigger.ONE_OFF)
        gone = requests.ask(only="students:4711", **asked)
        with pytest.raises(requests.UnableToAsk, match="Nobody of this number"):
            requests.grant(request=gone, by=rhea.account.pk, at=NOON)


def one_of(school: School, ref: str) -> str:
    return f"students:{snapshot(generation=1).identities[Kind.STUDENTS][ref]}"


@committed
def test_a_mis_that_refuses_ends_it_in_words(alder: School, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Saying) -> Iterator[Any]:
        raise Refused("The key was withdrawn.")

    monkeypatch.setattr(Saying, "roster", refuse)
    run = alone(alder, "students:ref:1")
    assert (run.status, run.error) == (Run.Status.FAILED, "The key was withdrawn.")


# --- the law, in a real database ---


class _Over(Exception):
    """Ends an example without keeping anything of it."""


@pytest.fixture
def elm(db: None) -> School:
    return School.objects.create(slug="elm", name="Elm School")


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    only=ones,
    nights=st.lists(st.tuples(test_plan_laws.rosters(), test_plan_laws.rules), min_size=1, max_size=3),
)
def test_the_database_ends_where_the_night_alone_would_have(
    elm: School, only: Only, nights: list[tuple[Roster, Rules]]
) -> None:
    with contextlib.suppress(_Over), transaction.atomic(), scope.school(elm.pk):
        for number, (earlier, rules) in enumerate(nights[:-1], start=1):
            carried_out(elm, earlier, rules, number)
        said, rules, number = *nights[-1], len(nights)
        there = _alone(elm, said, rules, number)
        carried_out(elm, said, rules, number, only=only)
        assert carried_out(elm, said, rules, number, only=only) == 0, "twice is once"
        connection.check_constraints()
        carried_out(elm, said, rules, number)
        assert by_ref(snapshot(generation=1)) == there
        raise _Over


def _alone(school: School, said: Roster, rules: Rules, number: int) -> dict[str, Any]:
    """Return where the night would end by itself; nothing of it is kept."""
    there: dict[str, Any] = {}
    with contextlib.suppress(_Over), transaction.atomic():
        carried_out(school, said, rules, number)
        there = by_ref(snapshot(generation=1))
        raise _Over
    return there


def carried_out(school: School, said: Roster, rules: Rules, number: int, *, only: Only | None = None) -> int:
    """Apply a night's gated plan, or the part of it about one; return how many changes that were."""
    night, now = builders.night(number), snapshot(generation=1)
    wish = gate(plan(now, said, rules, night=night), now, said, rules)
    wish = narrow(only, wish, now, said).plan if only else wish
    at = datetime.datetime.combine(night, datetime.time(1), tzinfo=datetime.UTC)
    run = Run.objects.create(trigger="command", local_date=night, queued_at=at, status="running")
    apply(wish, now, run=run, school=school, at=at)
    Run.objects.filter(pk=run.pk).update(status="ok", finished_at=at)
    return wish.writes


# --- through a partner's own pages ---


@committed
def test_a_new_pupil_lands_in_seconds_through_the_simulator(
    place: Callable[..., Place], small_world: SchoolWorld, settings: Settings
) -> None:
    settings.INSECURE_LOCAL = True
    here, other, partner = place(small_world), place(small_world, slug="other"), Breaking(small_world)
    with running(partner) as url:
        for one in (here, other):
            connect(one, url)
            one.perform(1)
        before = by_ref(here.held())
        partner.turn(3)
        other.perform(3)
        there = by_ref(other.held())
        new = min(there["students"].keys() - before["students"].keys())
        run = alone(here.school, f"students:ref:{new}", at=here.clock(3)())
        assert (run.status, run.remarks) == (Run.Status.OK, [])
        after = by_ref(here.held())
        assert after["students"] == before["students"] | {new: there["students"][new]}
        assert {ref: after["guardians"][ref] for ref in before["guardians"]} == before["guardians"]
        assert any(student_ref == new for student_ref, _ in after["ties"])
        assert after != there, "the rest of the night stays for the night"
        here.perform(3)
        assert by_ref(here.held()) == there
