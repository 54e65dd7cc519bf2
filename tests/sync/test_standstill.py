"""A night on which nothing has moved costs a comparison, and only then: whatever moves is planned anew."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from sync.connector import Connector
from sync.models import Decision, Refusal, Run
from sync.operations import connections, runs
from sync.pipeline.feed import Feed
from sync.records import NOT_SHARED, Complete, Guardian, Kind, RosterRecord, Staff, Student, Tie, Unreadable
from tenants import scope
from tenants.models import School
from users.models import Account, LocalEdit, Membership
from users.models import Student as StudentRow
from users.models import Tie as TieRow

FIRST: Final = datetime.datetime(2026, 11, 9, 1, tzinfo=datetime.UTC)
ANN: Final = Student(ref="1", given_name="Ann", family_name="Bell", date_of_birth=datetime.date(2014, 3, 1))
JOAN: Final = Guardian(ref="7", given_name="Joan", family_name="Bell", email="joan@home.example")
FAULT: Final = Unreadable(kind=Kind.TIES, ref="1", other_ref="8", reason="The row is torn.")
SAID: Final = (
    *(ANN, JOAN, Tie(student_ref="1", guardian_ref="7"), FAULT),
    *(Complete(kind=Kind.STUDENTS, rows=1), Complete(kind=Kind.GUARDIANS, rows=1), Complete(kind=Kind.TIES, rows=2)),
)

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


class Said(Connector):
    """A connector that says what the test wants."""

    key: ClassVar[str] = "said"
    label: ClassVar[str] = "Said"
    records: ClassVar[tuple[RosterRecord, ...]] = SAID

    def roster(self) -> Iterator[RosterRecord]:
        yield from self.records


@pytest.fixture
def alder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> School:
    """A school whose feed is `Said.records`; two nights are over, and the second found nothing to do."""
    settings.MORE_CONNECTORS = [f"{__name__}.Said"]
    monkeypatch.setattr(Said, "records", SAID)
    school = School.objects.create(slug="alder", name="Alder School")
    with scope.school(school.pk):
        connections.connect(school=school, connector="said", given={})
    night(school, 1)
    night(school, 2)
    return school


def night(school: School, number: int) -> Run:
    at = FIRST + datetime.timedelta(days=number - 1)
    with scope.school(school.pk):
        run = runs.request(school=school, trigger=Run.Trigger.ONE_OFF, at=at, enqueue=False)
    return runs.perform(school=School.objects.get(pk=school.pk), run=run.pk, clock=lambda: at)


def stages(run: Run) -> list[str]:
    return [stage["name"] for stage in run.stages]


COMPARED: Final = ["extract", "compare"]


def test_the_third_night_that_is_the_same_is_only_compared(alder: School) -> None:
    third = night(alder, 3)
    assert stages(third) == COMPARED
    with scope.school(alder.pk):
        second = Run.objects.exclude(pk=third.pk).order_by("-id")[0]
        assert "plan" in stages(second)
        told = [list(Refusal.objects.filter(run=run).values_list("kind", "ref", "reason")) for run in (second, third)]
    assert told == [[("ties", "1", "The row is torn.")]] * 2
    assert third.status == second.status == Run.Status.OK
    assert (third.kinds, third.fingerprint) == (second.kinds, second.fingerprint)
    assert {kind: number["rows"] for kind, number in third.counts.items()} == {"students": 1, "guardians": 1, "ties": 2}
    assert stages(night(alder, 4)) == COMPARED


def test_the_order_of_the_feed_is_no_news(alder: School, monkeypatch: pytest.MonkeyPatch) -> None:
    people, ends = SAID[:4], SAID[4:]
    monkeypatch.setattr(Said, "records", (*reversed(people), *reversed(ends)))
    assert stages(night(alder, 3)) == COMPARED


@pytest.mark.parametrize(
    "records",
    [
        (*SAID, Staff(ref="9", given_name="Ruth", family_name="Vale")),
        SAID[1:],
        (Student(ref="1", given_name="Anne", family_name="Bell", date_of_birth=ANN.date_of_birth), *SAID[1:]),
        (Student(ref="1", given_name="Ann", family_name="Bell", date_of_birth=NOT_SHARED), *SAID[1:]),
    ],
    ids=["one more", "one less", "a letter", "not shared any more"],
)
def test_a_feed_that_says_anything_else_is_planned(
    alder: School, monkeypatch: pytest.MonkeyPatch, records: tuple[RosterRecord, ...]
) -> None:
    monkeypatch.setattr(Said, "records", records)
    assert "plan" in stages(night(alder, 3))


def _edit() -> None:
    LocalEdit.objects.create(student=StudentRow.objects.get(), field="given_name", value="Anna", at=timezone.now())


def _decision() -> None:
    Decision.objects.create(digest="0", case="id reused", kind="students", choice="keep", says="", at=timezone.now())


def _stake() -> None:
    Account.objects.filter(email="joan@home.example").update(activated_at=timezone.now())


MOVES: Final[dict[str, Callable[[], Any]]] = {
    "a person by hand": lambda: StudentRow.objects.update(year="8"),
    "a person back and forth": lambda: [StudentRow.objects.update(year=year) for year in ("8", None)],
    "a correction": _edit,
    "a block": lambda: TieRow.objects.update(blocked_at=timezone.now(), blocked_why="asked"),
    "a decision": _decision,
    "a rule": lambda: School.objects.update(leaving_percent=7),
    "a domain": lambda: School.objects.get().domains.create(domain="alder.example"),
    "a login": lambda: Membership.objects.all().delete(),
    "a stake": _stake,
    "somebody missing": lambda: StudentRow.objects.update(status="missing", missing_since=FIRST.date()),
    "the generation": lambda: connections.active().__class__.objects.update(generation=2),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES.keys())
def test_whatever_moved_on_our_side_is_planned(alder: School, move: Callable[[], Any]) -> None:
    with scope.school(alder.pk):
        move()
    assert "plan" in stages(night(alder, 3))


def test_a_day_that_a_record_speaks_of_is_planned_when_it_comes(alder: School, monkeypatch: pytest.MonkeyPatch) -> None:
    leaving = FIRST.date() + datetime.timedelta(days=4)
    ann = Student(ref="1", given_name="Ann", family_name="Bell", date_of_birth=ANN.date_of_birth, left_on=leaving)
    monkeypatch.setattr(Said, "records", (ann, *SAID[1:]))
    assert ["plan" in stages(night(alder, number)) for number in (3, 4, 5)] == [True] * 3
    with scope.school(alder.pk):
        assert StudentRow.objects.get().status == "left"


def test_a_night_with_a_hold_is_never_skipped(alder: School, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Said, "records", (Complete(kind=Kind.TIES, rows=0), *SAID[:2], *SAID[4:6]))
    for number in (3, 4, 5):
        held = night(alder, number)
        assert (held.status, "plan" in stages(held)) == (Run.Status.HELD, True)


RECORDS: Final = st.sampled_from([ANN, JOAN, *SAID[2:], Student(ref="2", given_name="Ann", family_name="Bell")])


@given(st.lists(RECORDS).flatmap(lambda said: st.tuples(st.just(said), st.permutations(said))))
def test_a_fingerprint_knows_no_order(orders: tuple[list[RosterRecord], list[RosterRecord]]) -> None:
    assert len({_digest(order) for order in orders}) == 1


@given(st.lists(RECORDS), RECORDS)
def test_a_fingerprint_counts_every_record(said: list[RosterRecord], more: RosterRecord) -> None:
    assert _digest(said) != _digest([*said, more])


def _digest(records: list[RosterRecord]) -> str:
    feed = Feed()
    for record in records:
        feed.add(record)
    return feed.digest()
