"""A school changes its MIS (R25): through the simulators, on the people of the demo world, with a real database."""

import dataclasses
import datetime
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

from local.renderings import csv_files
from local.simulators.registry import entry
from local.simulators.server import running as served
from local.world.model import GuardianTruth, Night, StaffTruth, StudentTruth
from sync.errors import Refused
from sync.models import Change, Connection, Hold, MisChange, MisIdentity, Refusal, Run, Trial
from sync.operations import connections, ends, mis_change, runs
from sync.operations import joining as joins
from sync.operations.mis_change import NoSuchQuestion, OutOfTurn
from sync.pipeline.cutover import LEFT, STAY, Question, Topic
from sync.pipeline.held import PEOPLE
from sync.pipeline.snapshot import snapshot
from sync.queries import moving
from sync.records import Kind
from tenants import scope
from tenants.models import AuditEvent, School
from tests.sync.conftest import Place, by_ref
from users import stakes
from users.models import Account, Guardian, MedicalNote, Membership, StaffMember, Student, Tie

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])

PENNIES = 1_234_567


@dataclasses.dataclass
class Move:
    """A school that was synced from files, and the MISs it may move to."""

    here: Place
    serve: Callable[[str, int], str]
    by: int
    folder: Path

    @property
    def school(self) -> School:
        return self.here.school

    def at(self, night: int) -> datetime.datetime:
        return self.here.clock(night)()

    @property
    def change(self) -> MisChange:
        with scope.school(self.school.pk):
            found: MisChange = MisChange.objects.select_related("run", "new").latest("id")
            return found

    def do(self, verb: Callable[..., Any], night: int = 2, **how: Any) -> Any:
        """Take one step of the change, as support does."""
        with scope.school(self.school.pk):
            return verb(self.change, by=self.by, at=self.at(night), **how)

    def announce(self, night: int = 2) -> MisChange:
        with scope.school(self.school.pk):
            return mis_change.announce(by=self.by, at=self.at(night), consultation="Agreed with the head.")

    def connect(self, key: str, night: int = 2) -> Connection:
        """Connect a MIS that is served over HTTP."""
        settings = entry(key).settings_for(self.here.truth, self.serve(key, night))
        return self._connect(key, settings, night)

    def connect_files(self, picture: Night, night: int = 2) -> Connection:
        """Connect another MIS that writes files: whatever a test wants it to say."""
        csv_files.write(picture, self.folder)
        return self._connect("csv_files", {"folder": str(self.folder)}, night)

    def _connect(self, key: str, settings: dict[str, str], night: int) -> Connection:
        how = {"school": self.school, "connector": key, "settings": settings, "product": None}
        link: Connection = self.do(mis_change.connect_new, night, **how)
        return link

    def rehearse(self, night: int = 2) -> Trial:
        trial: Trial = self.do(mis_change.request_rehearsal, night, school=self.school)
        mis_change.rehearse(school=self.school, trial=trial.pk, clock=self.here.clock(night))
        with scope.school(self.school.pk):
            trial.refresh_from_db()
        return trial

    def asked(self, topic: Topic | None = None) -> list[Question]:
        with scope.school(self.school.pk):
            return [one for one in moving.questions(self.change) if topic in {None, one.topic}]

    def answer(self, key: str, choice: str) -> None:
        self.do(mis_change.answer, key=key, choice=choice)

    def answer_rest(self) -> None:
        """Answer what is open: a doubt by its first choice, and everybody stays."""
        while rest := [one for one in self.asked() if one.key not in self.change.answers]:
            self.answer(rest[0].key, rest[0].choices[0])

    def cut_over(self, night: int = 2) -> Run:
        run: Run = self.do(mis_change.request_cut_over, night, school=self.school, reason="As agreed.")
        return mis_change.cut_over(school=self.school, run=run.pk, clock=self.here.clock(night))

    def go(self, night: int = 2) -> Run:
        """Rehearse, answer and cut over."""
        self.rehearse(night)
        self.answer_rest()
        return self.cut_over(night)

    def roll_back(self, night: int = 3) -> None:
        self.do(mis_change.roll_back, night, school=self.school, reason="It has the wrong year groups.")

    def held(self, generation: int) -> dict[str, Any]:
        with scope.school(self.school.pk):
            return by_ref(snapshot(generation=generation))

    def rows(self) -> dict[Any, Any]:
        """Everything held, by row; of a seat or a teaching, which may be made anew, only that it is there."""
        with scope.school(self.school.pk):
            held = snapshot(generation=1)
        rows = {(kind, row): one for kind, of in held.records.items() for row, one in of.items()}
        links = {(kind, *key): (one.values, one.here) for kind, of in held.links.items() for key, one in of.items()}
        stakeless = {key: msgspec.structs.replace(one, stakes=()) for key, one in rows.items()}
        return {**stakeless, **links}

    def people(self) -> Counter[tuple[str, ...]]:
        """Every human of the school, so that one who is there twice shows."""
        with scope.school(self.school.pk):
            children = Student.objects.values_list("given_name", "family_name", "date_of_birth")
            adults = [
                (model.__name__, *names)
                for model in (Guardian, StaffMember)
                for names in model.objects.values_list("given_name", "family_name", "mis_email", "phone")
            ]
            return Counter([*((*names, str(born)) for *names, born in children), *adults])

    def logins(self) -> set[tuple[Any, ...]]:
        columns = ("account_id", "student_id", "guardian_id", "staff_member_id")
        found = Membership.objects.filter(school=self.school, account__activated_at__isnull=False)
        return set(found.values_list(*columns))


@pytest.fixture
def move(small: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Move]:
    """The school of sixty: every login of it was used, and everybody has money with us."""
    small.sync(1)
    boss = Account.objects.create(email="boss@schoolsbuddy.example", is_support=True)
    Account.objects.update(activated_at=small.clock(1)())
    monkeypatch.setattr(stakes, "_registers", list(stakes._registers))
    stakes.register(purse)
    with ExitStack() as stack:

        def serve(key: str, night: int) -> str:
            return stack.enter_context(served(entry(key).simulate(small.truth, night)))

        yield Move(here=small, serve=serve, by=boss.pk, folder=tmp_path / "new")


def purse(kind: str) -> dict[int, str]:
    """What everybody's wallet holds: it hangs on the person, whatever the MIS calls them."""
    model: Any = {"student": Student, "guardian": Guardian, "staff": StaffMember}[kind]
    return {pk: f"{(pk * 7919) % PENNIES} pence" for pk in model.objects.values_list("pk", flat=True) if pk % 3}


def wallets(move: Move) -> dict[tuple[str, int], tuple[str, ...]]:
    with scope.school(move.school.pk):
        return {(kind, row): of for kind in ("student", "guardian", "staff") for row, of in stakes.of(kind).items()}


def told(move: Move, night: int, **shelves: Any) -> Night:
    """What a new MIS says: the truth of a night, but for these records."""
    return msgspec.structs.replace(move.here.truth.at(night), **shelves)


def altered(records: Any, key: str, **to: Any) -> Any:
    return {**records, key: msgspec.structs.replace(records[key], **to)}


def told_without_staff(move: Move, *keys: str) -> Night:
    picture = move.here.truth.at(1)
    teaching = {key: one for key, one in picture.teaching.items() if one.staff not in keys}
    return told(move, 1, staff=without(picture.staff, *keys), teaching=teaching)


def without(records: Any, *keys: Any) -> Any:
    return {key: record for key, record in records.items() if key not in keys}


# --- from one MIS to another ---


def test_from_files_to_wonde_and_on_to_managebac(move: Move) -> None:
    humans, before, signed_in = move.people(), wallets(move), move.logins()
    assert len(signed_in) > 60
    for key, generation in (("wonde", 2), ("managebac", 3)):
        move.announce()
        move.connect(key, 1)
        run = move.go()
        assert (run.status, run.error, run.generation, run.trigger) == ("ok", "", generation, "mis_change")
        assert move.change.state == "cut_over"
        assert {who: of for who, of in wallets(move).items() if who in before} == before
        assert move.logins() == signed_in
        assert move.people() == humans
        proof = move.change.proof
        assert proof["before"] == proof["after"]
        assert proof["kept"]["before"] == proof["kept"]["after"]
        with scope.school(move.school.pk):
            assert connections.active().connector == key
            # Everybody is known by the new MIS, and by the old ones as well.
            for kind in PEOPLE:
                known = snapshot(generation=generation)
                assert set(known.identities[kind].values()) == set(known.records[kind])
            assert not Hold.objects.filter(run=run).exists()
            gone = Change.objects.filter(run=run, action__in=["leave", "miss", "end"])
            assert set(gone.values_list("kind", flat=True)) <= {"classes", "enrolments", "teaching"}
    # The first night after it reads the new MIS and finds nothing to do.
    done = runs.perform(school=move.school, run=move.here.request(3).pk, clock=move.here.clock(3))
    assert (done.status, move.people(), move.logins()) == ("ok", humans, signed_in)


def test_notes_keep_their_rows_and_move_to_the_new_numbers(move: Move) -> None:
    with scope.school(move.school.pk):
        before = dict(MedicalNote.objects.values_list("pk", "condition"))
        refs = dict(MedicalNote.objects.values_list("pk", "ref"))
    move.announce()
    move.connect("wonde", 1)
    move.go()
    with scope.school(move.school.pk):
        assert dict(MedicalNote.objects.values_list("pk", "condition")) == before
        assert dict(MedicalNote.objects.values_list("pk", "ref")) != refs
    move.roll_back()
    with scope.school(move.school.pk):
        assert dict(MedicalNote.objects.values_list("pk", "ref")) == refs


def test_going_back_restores_everything_and_keeps_every_id(move: Move) -> None:
    first, before, signed_in = move.rows(), wallets(move), move.logins()
    move.announce()
    move.connect("wonde", 2)
    move.go()
    with scope.school(move.school.pk):
        arrived = set(
            Change.objects.filter(kind="students", action="arrive", run__generation=2).values_list(
                "person_id", flat=True
            )
        )
        ids = set(MisIdentity.objects.values_list("pk"))
    assert arrived
    done = runs.perform(school=move.school, run=move.here.request(3).pk, clock=move.here.clock(3))
    assert done.generation == 2
    move.roll_back()
    assert move.change.state == "rolled_back"
    assert move.logins() >= signed_in
    assert {who: of for who, of in wallets(move).items() if who in before} == before
    with scope.school(move.school.pk):
        assert connections.active().connector == "csv_files"
        assert set(Student.objects.filter(pk__in=[pk for pk in arrived if pk]).values_list("status", flat=True)) == {
            "left"
        }
        assert set(MisIdentity.objects.values_list("pk")) == ids, "ids are for ever"
    back = move.rows()
    assert {key: back.get(key) for key in first} == first
    # The old MIS is read again, and what it says is what stands.
    done = runs.perform(school=move.school, run=move.here.request(4).pk, clock=move.here.clock(4))
    assert (done.status, done.generation) == ("ok", 1)


def test_after_going_back_a_new_change_has_ids_of_its_own(move: Move) -> None:
    move.announce()
    assert move.connect("wonde", 1).generation == 2
    move.go()
    move.roll_back()
    move.announce()
    assert move.connect("wonde", 1).generation == 3
    humans = move.people()
    assert move.go().status == "ok"
    assert move.people() == humans
    with scope.school(move.school.pk):
        assert set(MisIdentity.objects.values_list("generation", flat=True)) == {1, 2, 3}


# --- the edges of R25 ---


def test_the_same_numbers_for_other_people(move: Move) -> None:
    """Every id of the new MIS was another person's id in the old one."""
    picture = move.here.truth.at(1)
    shelves = {}
    for name in ("students", "guardians", "staff"):
        shelf = getattr(picture, name)
        refs = [one.ref for one in shelf.values()]
        turned = zip(shelf.items(), refs[1:] + refs[:1], strict=True)
        shelves[name] = {key: msgspec.structs.replace(one, ref=ref) for (key, one), ref in turned}
    humans, signed_in, before = move.people(), move.logins(), wallets(move)
    move.announce()
    move.connect_files(told(move, 1, **shelves))
    assert move.go().status == "ok"
    assert (move.people(), move.logins(), wallets(move)) == (humans, signed_in, before)
    with scope.school(move.school.pk):
        old, new = snapshot(generation=1), snapshot(generation=2)
        for kind in PEOPLE:
            assert old.identities[kind].keys() == new.identities[kind].keys()
            assert not [ref for ref, row in old.identities[kind].items() if new.identities[kind][ref] == row]


def test_a_colleague_who_was_typed_by_hand_is_not_there_twice(move: Move) -> None:
    picture = move.here.truth.at(1)
    with scope.school(move.school.pk):
        typed = StaffMember.objects.create(
            given_name="Nora",
            family_name="Typed",
            folded="typed nora",
            email=f"nora@{move.here.truth.domains[0]}",
            email_is_dummy=False,
            domain_recognised=True,
            source="hand",
        )
        account = Account.objects.create(email=typed.email, activated_at=move.at(1))
        Membership.objects.create(account=account, school=move.school, staff_member=typed, confirmed_at=move.at(1))
    nora = StaffTruth(key="nora", ref="9001", given_name="Nora", family_name="Typed", email=typed.email.title())
    signed_in = move.logins()
    move.announce()
    move.connect_files(told(move, 1, staff={**picture.staff, "nora": nora}))
    assert move.go().status == "ok"
    with scope.school(move.school.pk):
        assert StaffMember.objects.get(family_name="Typed").pk == typed.pk
        assert MisIdentity.objects.get(generation=2, external_id="9001").staff_member_id == typed.pk
    assert move.logins() == signed_in


@pytest.mark.parametrize(("choice", "status"), [(LEFT, "left"), (STAY, "active")])
def test_a_student_who_leaves_exactly_at_the_cut_over(move: Move, choice: str, status: str) -> None:
    picture = move.here.truth.at(1)
    key, one = next(iter(picture.students.items()))
    day = move.at(2).date()
    move.announce()
    move.connect_files(told(move, 1, students=altered(picture.students, key, left_on=day)))
    move.rehearse()
    (question,) = move.asked(Topic.LEAVING)
    move.answer(question.key, choice)
    move.answer_rest()
    move.cut_over()
    with scope.school(move.school.pk):
        child = Student.objects.get(pk=question.row or 0)
    assert (child.given_name, child.status, child.left_on) == (one.given_name, status, day if choice == LEFT else None)


@pytest.mark.parametrize(("choice", "status"), [(LEFT, "left"), (STAY, "active")])
def test_somebody_whom_the_new_mis_does_not_name(move: Move, choice: str, status: str) -> None:
    picture = move.here.truth.at(1)
    key = next(iter(picture.students))
    shelves = {
        name: {k: one for k, one in getattr(picture, name).items() if one.student != key}
        for name in ("ties", "enrolments", "medical", "dietary")
    }
    move.announce()
    move.connect_files(told(move, 1, students=without(picture.students, key), **shelves))
    move.rehearse()
    (question,) = [one for one in move.asked(Topic.UNMATCHED) if one.kind is Kind.STUDENTS]
    row = question.row or 0
    with pytest.raises(OutOfTurn, match="Not everything is answered"):
        move.cut_over()
    move.answer(question.key, choice)
    move.answer_rest()
    with scope.school(move.school.pk):
        ties = set(Tie.objects.filter(student_id=row).values_list("pk", "ended_on"))
    move.cut_over()
    with scope.school(move.school.pk):
        child = Student.objects.get(pk=row)
        assert child.status == status
        assert set(Tie.objects.filter(student_id=row).values_list("pk", "ended_on")) == ties
    # Nights go on and leave them as they are: the new MIS has never named them.
    runs.perform(school=move.school, run=move.here.request(3).pk, clock=move.here.clock(3))
    runs.perform(school=move.school, run=move.here.request(4).pk, clock=move.here.clock(4))
    with scope.school(move.school.pk):
        assert Student.objects.get(pk=row).status == status


@pytest.fixture
def mother(move: Move) -> tuple[str, GuardianTruth, list[StudentTruth]]:
    """A contact of two children or more."""
    picture = move.here.truth.at(1)
    for key, one in picture.guardians.items():
        if one.email and len(children := picture.children_of(key)) > 1:
            return key, one, list(children)
    pytest.fail("the school has no siblings")


def split(move: Move, key: str, one: GuardianTruth, children: list[StudentTruth]) -> Night:
    """The same mother once for each of her children, as some MISs have it."""
    picture = move.here.truth.at(1)
    copies = {
        f"{key}-{child.key}": msgspec.structs.replace(one, key=f"{key}-{child.key}", ref=f"7{number:03}")
        for number, child in enumerate(children)
    }
    ties = {
        (tie.student, f"{key}-{tie.student}" if tie.guardian == key else tie.guardian): msgspec.structs.replace(
            tie, guardian=f"{key}-{tie.student}" if tie.guardian == key else tie.guardian
        )
        for tie in picture.ties.values()
    }
    return told(move, 1, guardians={**without(picture.guardians, key), **copies}, ties=ties)


def test_one_contact_for_each_sibling(move: Move, mother: tuple[str, GuardianTruth, list[StudentTruth]]) -> None:
    key, one, children = mother
    with scope.school(move.school.pk):
        row = Guardian.objects.get(email__iexact=one.email)
        ties = set(Tie.objects.filter(guardian=row).values_list("student_id", "ended_on"))
    humans, signed_in = move.people(), move.logins()
    move.announce()
    move.connect_files(split(move, key, one, children))
    move.rehearse()
    hers = [question for question in move.asked(Topic.SAME) if row.pk in {c.row for c in question.candidates}]
    assert len(hers) == len(children)
    move.answer(hers[0].key, f"same:{row.pk}")
    back = f"also:{row.pk}"
    assert [move.change.answers[question.key] for question in hers[1:]] == [back] * (len(children) - 1)
    move.answer(hers[1].key, back.replace("also", "same"))  # or rather the other one
    assert move.change.answers[hers[0].key] == back
    move.answer(hers[1].key, back)
    with pytest.raises(OutOfTurn, match="Not everything is answered"):
        move.cut_over()
    move.answer(hers[1].key, f"same:{row.pk}")
    move.answer_rest()
    assert move.cut_over().status == "ok"
    done = runs.perform(school=move.school, run=move.here.request(3).pk, clock=move.here.clock(3))
    assert done.status == "ok"
    assert (move.people(), move.logins()) == (humans, signed_in)
    with scope.school(move.school.pk):
        assert set(Tie.objects.filter(guardian=row).values_list("student_id", "ended_on")) == ties
        ids = (
            MisIdentity.objects.filter(generation=2, guardian=row).order_by("id").values_list("external_id", flat=True)
        )
        assert (len(ids), ids.reverse()[0]) == (len(children), hers[1].ref)
        assert Refusal.objects.filter(run=done, fault="twice").count() == len(children) - 1


def test_a_feed_that_says_something_else_by_then_is_refused(move: Move) -> None:
    picture = move.here.truth.at(1)
    before = move.held(1)
    move.announce()
    move.connect_files(picture)
    move.rehearse()
    move.answer_rest()
    digest = move.change.digest
    gone = next(iter(picture.staff))
    csv_files.write(told_without_staff(move, gone), move.folder)
    run = move.cut_over()
    assert (run.status, move.change.state) == ("held", "rehearsed")
    assert "matched anew" in run.error
    assert move.change.digest != digest
    assert move.held(1) == before
    with scope.school(move.school.pk):
        assert connections.active().generation == 1
        assert not MisIdentity.objects.filter(generation=2).exists()
    assert [one.topic for one in move.asked(Topic.UNMATCHED)] == [Topic.UNMATCHED]
    move.answer_rest()
    assert move.cut_over().status == "ok"


def test_if_anything_at_stake_would_change_nothing_is_written(move: Move) -> None:
    before, signed_in = move.held(1), move.logins()
    move.announce()
    move.connect("wonde", 1)
    move.rehearse()
    move.answer_rest()

    def shrinking(kind: str) -> dict[int, str]:
        """Whatever hangs on an id of the old MIS is lost with it."""
        if kind != "student" or MisIdentity.objects.filter(generation=2).exists():
            return {}
        return {Student.objects.earliest("pk").pk: "one penny"}

    stakes.register(shrinking)
    run = move.cut_over()
    assert (run.status, run.error_kind, move.change.state) == ("failed", "doubtful", "rehearsed")
    assert "0 logins and the stakes of 1 people would not be what they were before" in run.error
    assert (move.held(1), move.logins()) == (before, signed_in)
    with scope.school(move.school.pk):
        assert connections.active().connector == "csv_files"
        assert not MisIdentity.objects.filter(generation=2).exists()
        assert not Change.objects.filter(run=run).exists()


def test_nobodys_address_changes_by_a_cut_over(move: Move) -> None:
    picture = move.here.truth.at(1)
    key, one = next((key, one) for key, one in picture.guardians.items() if one.email)
    move.announce()
    move.connect_files(told(move, 1, guardians=altered(picture.guardians, key, email="somebody.new@mail.example")))
    move.rehearse()
    assert move.change.found["readdressed"]["guardians"] == 1 or move.asked(Topic.SAME)
    for question in move.asked(Topic.SAME):
        move.answer(question.key, question.choices[0])
    move.answer_rest()
    signed_in = move.logins()
    assert move.cut_over().status == "ok"
    assert move.logins() == signed_in
    with scope.school(move.school.pk):
        assert Guardian.objects.filter(email__iexact=one.email).count() == 1


# --- frozen ---


def test_while_a_change_is_open_nobody_has_anything_read(move: Move) -> None:
    waiting = move.here.request(2)
    move.announce()
    with scope.school(move.school.pk):
        for trigger in (Run.Trigger.SCHEDULE, Run.Trigger.ONE_OFF, Run.Trigger.COMMAND, Run.Trigger.FIRST):
            with pytest.raises(connections.Frozen, match=r"change of MIS that was announced on 10 November 2026"):
                runs.request(school=move.school, trigger=trigger, at=move.at(2))
        joins.save_connection(
            school=move.school, product=None, connector="csv_files", given={"dates": "dmy"}, by=move.by, at=move.at(2)
        )
    done = runs.perform(school=move.school, run=waiting.pk, clock=move.here.clock(2))
    assert (done.status, done.error_kind) == ("failed", "refused")
    assert "still open" in done.error
    with pytest.raises(Refused, match="still open"):
        runs.preview(school=move.school, clock=move.here.clock(2))
    with scope.school(move.school.pk):
        assert connections.active().paused_reason == ""


def test_a_run_that_was_reading_when_it_was_announced_writes_nothing(move: Move) -> None:
    before = move.held(1)
    move.here.write(2)
    looks = iter(range(9))

    def clock() -> datetime.datetime:
        """The second look at the clock is when the reading begins: that is the moment of the announcement."""
        if next(looks) == 1:
            move.announce()
        return move.at(2)

    done = runs.perform(school=move.school, run=move.here.request(2).pk, clock=clock)
    assert (done.status, done.error_kind) == ("failed", "refused")
    assert move.held(1) == before


def test_the_old_mis_is_not_read_again_after_the_cut_over(move: Move) -> None:
    waiting = move.here.request(2)
    move.announce()
    move.connect("wonde", 1)
    move.go()
    done = runs.perform(school=move.school, run=waiting.pk, clock=move.here.clock(2))
    assert (done.status, done.error_kind) == ("failed", "refused")
    assert "before the school changed its MIS" in done.error


def test_calling_it_off_lets_the_old_mis_be_read_again(move: Move) -> None:
    move.announce()
    move.connect("wonde", 2)
    move.rehearse()
    assert move.change.records
    move.do(mis_change.cancel, reason="The head has changed her mind.")
    assert (move.change.state, move.change.records) == ("cancelled", {})
    assert move.here.sync(2).status == "ok"
    for verb, how in (
        (mis_change.cancel, {"reason": ""}),
        (mis_change.consult, {"text": "x"}),
        (mis_change.request_rehearsal, {"school": move.school}),
        (mis_change.request_cut_over, {"school": move.school, "reason": ""}),
        (mis_change.answer, {"key": "row:staff:1", "choice": STAY}),
    ):
        with pytest.raises(OutOfTurn, match="is over"):
            move.do(verb, **how)


def test_announcing_twice_is_once(move: Move) -> None:
    first = move.announce()
    assert move.announce().pk == first.pk
    move.do(mis_change.consult, text="The bursar agrees too.")
    assert move.change.consultation == "The bursar agrees too."
    with scope.school(move.school.pk):
        told = AuditEvent.objects.filter(action__startswith="mis_change.").order_by("id")
        assert list(told.values_list("action", flat=True)) == ["mis_change.announced", "mis_change.consulted"]


# --- stages ---


def test_each_stage_has_its_turn(move: Move) -> None:
    move.announce()
    for verb, how, words in (
        (mis_change.request_rehearsal, {"school": move.school}, "Connect the new MIS first"),
        (mis_change.request_cut_over, {"school": move.school, "reason": ""}, "Rehearse the change first"),
        (mis_change.answer, {"key": "row:staff:1", "choice": STAY}, "Rehearse the change first"),
        (mis_change.roll_back, {"school": move.school, "reason": ""}, "Only a change that was cut over"),
    ):
        with pytest.raises(OutOfTurn, match=words):
            move.do(verb, **how)
    move.connect("wonde", 1)
    move.rehearse()
    for key, choice in (("row:staff:0", STAY), (move.asked()[0].key, "dance")):
        with pytest.raises(NoSuchQuestion):
            move.answer(key, choice)
    with pytest.raises(NoSuchQuestion):
        move.do(mis_change.answer_all, kind=Kind.STAFF, choice="dance")


def test_other_settings_make_the_rehearsal_void(move: Move) -> None:
    move.announce()
    move.connect("wonde", 1)
    move.rehearse()
    move.answer_rest()
    assert move.change.answers
    link = move.connect("wonde", 1)
    assert (move.change.state, move.change.digest) == ("announced", "")
    assert move.change.answers, "answers about the same system's ids still hold"
    assert move.connect("managebac", 1).pk == link.pk
    assert move.change.answers == {}


def test_many_are_answered_at_once(move: Move) -> None:
    picture = move.here.truth.at(1)
    keys = list(picture.staff)[:5]
    move.announce()
    move.connect_files(told_without_staff(move, *keys))
    move.rehearse()
    first = move.asked(Topic.UNMATCHED)[0]
    move.answer(first.key, LEFT)
    assert move.do(mis_change.answer_all, kind=Kind.STAFF, choice=STAY) == 4
    assert move.change.answers[first.key] == LEFT
    move.answer_rest()
    move.cut_over()
    with scope.school(move.school.pk):
        assert list(StaffMember.objects.filter(status="left").values_list("pk", flat=True)) == [first.row]


def test_days_for_going_back_are_counted(move: Move) -> None:
    move.announce()
    move.connect("wonde", 1)
    move.go()
    late = move.at(2) + datetime.timedelta(days=14, seconds=1)
    with scope.school(move.school.pk):
        with pytest.raises(OutOfTurn, match="days for going back are over"):
            mis_change.roll_back(move.change, school=move.school, by=move.by, at=late, reason="x")
        running = Run.objects.create(
            trigger="one_off", status="running", local_date=move.at(2).date(), queued_at=move.at(2)
        )
        with pytest.raises(OutOfTurn, match="A sync is running"):
            mis_change.roll_back(move.change, school=move.school, by=move.by, at=move.at(3), reason="x")
        ends.end(running, Run.Status.FAILED, move.at(2))
    move.roll_back()
    with pytest.raises(OutOfTurn, match="Only a change that was cut over"):
        move.roll_back()


# --- workers ---


def test_a_rehearsal_whose_worker_was_lost_is_named_so_and_asked_for_anew(move: Move) -> None:
    move.announce()
    move.connect("wonde", 1)
    lost = move.do(mis_change.request_rehearsal, school=move.school)
    assert lost.is_lost(move.at(3))
    anew = move.do(mis_change.request_rehearsal, 3, school=move.school)
    with scope.school(move.school.pk):
        lost.refresh_from_db()
    assert (lost.error_kind, anew.pk == lost.pk) == ("lost", False)
    mis_change.rehearse(school=move.school, trial=anew.pk, clock=move.here.clock(3))
    assert move.change.state == "rehearsed"


def test_a_rehearsal_of_a_mis_that_does_not_answer_says_so(move: Move) -> None:
    move.announce()
    move.connect("wonde", 1)
    settings = {"token": "f" * 40}
    move.do(mis_change.connect_new, school=move.school, connector="wonde", settings=settings, product=None)
    trial = move.rehearse()
    assert (trial.error_kind, move.change.state) == ("refused", "announced")
    with scope.school(move.school.pk):
        assert connections.active().paused_reason == ""


def test_a_rehearsal_that_was_called_off_meanwhile_ends(move: Move) -> None:
    move.announce()
    move.connect("wonde", 1)
    trial = move.do(mis_change.request_rehearsal, school=move.school)
    move.do(mis_change.cancel, reason="")
    mis_change.rehearse(school=move.school, trial=trial.pk, clock=move.here.clock(2))
    with scope.school(move.school.pk):
        trial.refresh_from_db()
    assert trial.error_kind == "refused"


def test_a_cut_over_whose_worker_was_lost_has_changed_nothing_and_may_be_asked_for_anew(move: Move) -> None:
    before = move.held(1)
    move.announce()
    move.connect("wonde", 1)
    move.rehearse()
    move.answer_rest()
    run = move.do(mis_change.request_cut_over, school=move.school, reason="As agreed.")
    with pytest.raises(OutOfTurn, match="A worker is cutting over"):
        move.do(mis_change.cancel, reason="x")
    with scope.school(move.school.pk):
        Run.objects.filter(pk=run.pk).update(status="running", started_at=move.at(2), attempts=runs.MOST_ATTEMPTS)
    assert runs.release_stuck(at=move.at(3)) == 1
    with scope.school(move.school.pk):
        run.refresh_from_db()
    assert (run.status, move.change.state, move.held(1)) == ("failed", "rehearsed", before)
    assert "worker was lost" in run.error
    assert mis_change.cut_over(school=move.school, run=run.pk).status == "failed", "it is over"
    assert move.cut_over(3).status == "ok"


def test_a_cut_over_that_the_new_mis_refuses_pauses_nobody(move: Move) -> None:
    move.announce()
    link = move.connect("wonde", 1)
    move.rehearse()
    move.answer_rest()
    with scope.school(move.school.pk):
        link.settings = {**link.settings, "token": "f" * 40}
        link.save()
    run = move.cut_over()
    assert (run.status, run.error_kind, move.change.state) == ("failed", "refused", "rehearsed")
    with scope.school(move.school.pk):
        assert connections.active().paused_reason == ""
