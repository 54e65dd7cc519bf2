"""Plans in a real database: it reaches what the plan says, with its log; an unchanged night writes nothing."""

import contextlib
import csv
import datetime
import random
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.world.model import Alters, Night, SchoolWorld, World
from sync.connectors.csv_files import CsvFiles
from sync.http import Http
from sync.models import Change, Hold, MisIdentity, Refusal, Run
from sync.pipeline.apply import apply
from sync.pipeline.extract import extract
from sync.pipeline.gate import gate
from sync.pipeline.held import Snapshot
from sync.pipeline.normalise import normalise
from sync.pipeline.plan import Plan, plan
from sync.pipeline.roster import Roster
from sync.pipeline.rules import Rules
from sync.pipeline.snapshot import rules_of, snapshot
from sync.records import Kind
from tenants import scope
from tenants.models import School
from tests.sync.conftest import Place, by_ref
from tests.sync.pipeline import builders, test_plan_laws
from users.models import Guardian, MedicalNote, SchoolClass, StaffMember, Student, Tie

WRITES_A_RUN: Final = {"sync_run", "sync_refusal", "tenants_auditevent"}  # the run itself, in its own words

committed = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


# --- any plan (the sketch in builders.applied says what to expect) ---


@pytest.fixture
def alder() -> School:
    return School.objects.create(slug="alder", name="Alder")


@pytest.mark.django_db
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(nights=st.lists(st.tuples(test_plan_laws.rosters(), test_plan_laws.rules), min_size=1, max_size=4))
def test_the_database_reaches_what_any_plan_says(alder: School, nights: list[tuple[Roster, Rules]]) -> None:
    with contextlib.suppress(_Undone), transaction.atomic(), scope.school(alder.pk):
        sketch = builders.nothing_held()
        for number, (said, rules) in enumerate(nights, start=1):
            _one_night(alder, said, rules, builders.night(number))
            sketch = builders.applied(plan(sketch, said, rules, night=builders.night(number)), sketch)
            assert by_ref(snapshot(generation=1)) == by_ref(sketch)
        connection.check_constraints()
        raise _Undone


class _Undone(Exception):
    """Ends an example without keeping anything of it."""


def _one_night(school: School, said: Roster, rules: Rules, night: datetime.date) -> Run:
    before = snapshot(generation=1)
    return carried_out(school, plan(before, said, rules, night=night), before)


def carried_out(school: School, wish: Plan, before: Snapshot) -> Run:
    """Apply a plan of what is held, as a run of its night that is over."""
    at = datetime.datetime.combine(wish.night, datetime.time(1), tzinfo=datetime.UTC)
    run: Run = Run.objects.create(trigger="command", local_date=wish.night, queued_at=at, status="running")
    apply(wish, before, run=run, school=school, at=at)
    Run.objects.filter(pk=run.pk).update(status="ok", finished_at=at)
    return run


def _plan_twice(school: School, first: Roster, second: Roster) -> Snapshot:
    with scope.school(school.pk):
        for number, said in enumerate((first, second), start=1):
            _one_night(school, said, builders.RULES, builders.night(number))
            connection.check_constraints()
        return snapshot(generation=1)


@pytest.mark.django_db
def test_a_newcomer_takes_the_address_that_somebody_gives_up_the_same_night(alder: School) -> None:
    old = builders.guardian("1", "Bo Li", email="x@home.example")
    moved = builders.guardian("1", "Bo Li", email="y@home.example")
    new = builders.guardian("2", "Ida Hale", email="x@home.example")
    after = _plan_twice(alder, builders.roster(old), builders.roster(moved, new))
    assert {ref: one[3] for ref, one in by_ref(after)["guardians"].items()} == {
        "1": "y@home.example",
        "2": "x@home.example",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("before", "now"),
    [("xy", "yx"), ("xyz", "yzx"), ("xyz", "zxy"), ("xy", "yz")],
)
def test_addresses_change_hands_without_meeting_the_unique_index(alder: School, before: str, now: str) -> None:
    def ring(letters: str) -> Roster:
        people = (
            builders.guardian(str(n), f"Bo{n} Li", email=f"{letter}@home.example") for n, letter in enumerate(letters)
        )
        return builders.roster(*people)

    after = _plan_twice(alder, ring(before), ring(now))
    assert "".join(one[3][0] for _, one in sorted(by_ref(after)["guardians"].items())) == now


@pytest.mark.django_db
def test_a_name_that_changes_is_found_under_its_new_folded_form(alder: School) -> None:
    _plan_twice(
        alder,
        builders.roster(builders.student("1", "Zoe Munoz")),
        builders.roster(builders.student("1", "Zoë Muñoz", preferred_name="Zö")),
    )
    with scope.school(alder.pk):
        assert Student.objects.named("muñoz zo").get().folded == "munoz zoe zo"


@pytest.mark.django_db
def test_an_identity_is_never_pointed_at_somebody_else_and_never_forgotten(alder: School) -> None:
    bob = builders.student("55", "Bob Stone", date_of_birth=datetime.date(2010, 1, 1))
    _plan_twice(alder, builders.roster(builders.student("55")), builders.roster(bob))
    with scope.school(alder.pk):
        assert Student.objects.get().given_name == "Ann"
        assert MisIdentity.objects.get().external_id == "55"
        assert Hold.objects.get().refs == ["55"]


# --- five nights of the demo world, through its files ---


@committed
@pytest.mark.parametrize("slug", ["himal", "northgate"])
def test_five_nights_end_where_the_truth_and_the_sketch_are(
    place: Callable[..., Place], demo_world: World, slug: str
) -> None:
    here = place(demo_world.school(slug))
    sketch = builders.nothing_held()
    for number in range(1, 6):
        picture = here.write(number)
        sketch = _sketched(here, sketch, picture)
        run = here.perform(number)
        assert run.status in {Run.Status.OK, Run.Status.PARTIAL}, run.error
        held = here.held()
        assert by_ref(held) == by_ref(sketch), f"night {number}"
        _assert_truth(held, picture, quarantined={"55", "701", "702"} if slug == "northgate" else set())


def _sketched(here: Place, sketch: Snapshot, picture: Night) -> Snapshot:
    records = extract(CsvFiles(CsvFiles.Settings(folder=str(here.folder)), Http())).records
    said = normalise(records, today=picture.date)
    with scope.school(here.school.pk):
        rules = rules_of(here.school, night=picture.date)
    return builders.applied(gate(plan(sketch, said, rules, night=picture.date), sketch, said, rules), sketch)


def _assert_truth(held: Snapshot, picture: Night, *, quarantined: set[str]) -> None:
    """Everybody the MIS names is here with the names it gives, and nobody it does not is active."""
    shelves: dict[Kind, Any] = {
        Kind.STUDENTS: picture.students,
        Kind.GUARDIANS: picture.guardians,
        Kind.STAFF: picture.staff,
    }
    for kind, shelf in shelves.items():
        true = {one.ref: one for one in shelf.values()}
        active = {
            ref
            for row, ref in held.refs(kind).items()
            if held.records[kind][row].here and held.records[kind][row].missing_since is None
        }
        gone = {ref for ref, one in true.items() if getattr(one, "left_on", None)}
        assert active - quarantined == true.keys() - gone - quarantined
        for ref in active - quarantined:
            row = held.identities[kind][ref]
            assert held.name(kind, row).casefold() == _nfc(f"{true[ref].given_name} {true[ref].family_name}".strip())
    ties = {(picture.students[t.student].ref, picture.guardians[t.guardian].ref) for t in picture.ties.values()}
    now = by_ref(held)
    here = {key for key, (_, is_here) in now["ties"].items() if is_here}
    assert {key for key in ties if not quarantined & set(key)} <= here
    assert len(now["medical"]) >= len(picture.medical) - 1


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


# --- order, repetition, and what is written ---


def _shuffle_rows(folder: Path, seed: int) -> None:
    for number, path in enumerate(sorted(folder.glob("*.csv"))):
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        random.Random(seed + number).shuffle(rows)
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])


@committed
def test_shuffled_files_end_in_the_same_database(place: Callable[..., Place], small_world: SchoolWorld) -> None:
    one, other = place(small_world, slug="one"), place(small_world, slug="other")
    for number in (1, 2):
        straight = one.sync(number)
        other.write(number)
        _shuffle_rows(other.folder, seed=number)
        shuffled = other.perform(number)
        assert shuffled.fingerprint == straight.fingerprint
        assert shuffled.counts == straight.counts
        assert by_ref(other.held()) == by_ref(one.held())


def written() -> dict[str, int]:
    """Rows inserted, updated and deleted so far, by table; only committed work of flushed sessions counts."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
    with connections["owner"].cursor() as cursor:
        cursor.execute("select pg_stat_force_next_flush()")
    with connections["owner"].cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute("select relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables")
        return dict(cursor.fetchall())


def written_by(act: Callable[[], object]) -> dict[str, int]:
    before = written()
    act()
    return {table: rows - before[table] for table, rows in written().items() if rows != before[table]}


@committed
def test_an_unchanged_night_writes_its_run_and_nothing_else(small: Place) -> None:
    first = written_by(lambda: small.sync(1))
    assert {"users_student", "users_tie", "sync_misidentity", "sync_change"} <= first.keys(), "the measure works"
    assert written_by(lambda: small.sync(1)).keys() <= WRITES_A_RUN
    again = written_by(lambda: small.sync(1, encoding="utf-16", delimiter=";"))
    assert again.keys() <= WRITES_A_RUN, "the same words in other bytes"


@committed
def test_one_new_telephone_writes_one_row_and_one_line(small: Place) -> None:
    small.sync(1)
    path = small.folder / "guardians.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["phone"] = "07700 900999"
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    counted = written_by(lambda: small.perform(1))
    assert {name: rows for name, rows in counted.items() if name not in WRITES_A_RUN} == {
        "users_guardian": 1,
        "sync_change": 1,
    }


@committed
def test_a_blank_restriction_is_no_news_every_night(small: Place) -> None:
    small.sync(1)
    path = small.folder / "ties.csv"
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    place = header.index("restricted")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *([*row[:place], "", *row[place + 1 :]] for row in rows)])
    small.perform(1)
    assert written_by(lambda: small.perform(1)).keys() <= WRITES_A_RUN


# --- the log ---


@committed
def test_every_change_is_logged_with_who_field_old_new_and_why(small: Place) -> None:
    small.sync(1)
    run = small.sync(2)
    before = small.truth.at(1).students
    told = [event.change for event in small.truth.events_on(2) if isinstance(event.change, Alters)]
    expected = [
        (before[change.identity].ref, before[change.identity].preferred_name, change.to["preferred_name"])
        for change in told
        if isinstance(change.identity, str) and "preferred_name" in change.to
    ]
    with scope.school(small.school.pk):
        lines = list(Change.objects.filter(run=run))
    assert expected, "somebody goes by another name"
    renamed = [
        line for line in lines if (line.kind, line.action, line.field) == ("students", "amend", "preferred_name")
    ]
    assert sorted((line.ref, line.old, line.new) for line in renamed) == sorted(expected)
    for line in lines:
        assert line.label
        if line.action in {"leave", "miss", "rejoin"}:
            assert line.why
    assert len(lines) == len({(x.kind, x.person_id, x.action, x.field, x.new, x.old, x.label) for x in lines})


@committed
def test_what_medical_notes_and_needs_say_is_nowhere_in_the_log(place: Callable[..., Place], demo_world: World) -> None:
    here = place(demo_world.school("himal"))
    for number in (1, 2, 3):
        here.sync(number)
    pictures = [here.truth.at(number) for number in (1, 2, 3)]
    secret = {text for p in pictures for note in p.medical.values() for text in (note.condition, note.details) if text}
    secret |= {need.need for p in pictures for need in p.dietary.values()}
    with scope.school(here.school.pk):
        columns = ("label", "ref", "field", "old", "new", "why")
        texts = {str(text) for line in Change.objects.values_list(*columns) for text in line}
        texts |= {f"{hold.reason} {hold.labels}" for hold in Hold.objects.all()}
        texts |= {refusal.reason for refusal in Refusal.objects.all()}
        assert Change.objects.filter(kind="medical").exists()
    assert not {word for word in secret for text in texts if word in text}


# --- nights that must not be believed (R12) ---


def _gone(here: Place) -> dict[str, int]:
    """How many are not simply here, by kind."""
    with scope.school(here.school.pk):
        people = {
            model.__name__: model.objects.exclude(status="active").count() for model in (Student, Guardian, StaffMember)
        }
        return people | {
            "classes": SchoolClass.objects.exclude(ended_on=None).count(),
            "ties": Tie.objects.exclude(ended_on=None).count(),
        }


def _links(here: Place) -> dict[Kind, int]:
    held = here.held()
    return {kind: len(held.links[kind]) for kind in held.links}


def empty_folder(here: Place) -> None:
    for path in here.folder.glob("*.csv"):
        path.unlink()


def no_students(here: Place) -> None:
    (here.folder / "students.csv").unlink()


def header_only(here: Place) -> None:
    here.write(2, fault="header_only")


def not_a_byte(here: Place) -> None:
    here.write(2, fault="empty")


def half(here: Place) -> None:
    here.write(2, fault="half")


def wrong_encoding(here: Place) -> None:
    for path in here.folder.glob("*.csv"):
        path.write_bytes(path.read_bytes().decode().encode("cp500", errors="replace"))  # an old mainframe's


def noise(here: Place) -> None:
    dice = random.Random(1)
    for path in here.folder.glob("*.csv"):
        path.write_bytes(dice.randbytes(4000))


@committed
@pytest.mark.parametrize(
    "spoil", [empty_folder, no_students, header_only, not_a_byte, half, wrong_encoding, noise], ids=lambda f: f.__name__
)
def test_a_bad_night_ends_nobody_has_a_name_and_is_repaired_by_the_next(
    place: Callable[..., Place], small_world: SchoolWorld, spoil: Callable[[Place], None]
) -> None:
    here, undisturbed = place(small_world), place(small_world, slug="undisturbed")
    for one in (here, undisturbed):
        one.sync(1)
    links = _links(here)
    here.write(2)
    spoil(here)
    run = here.perform(2)
    assert run.status in {Run.Status.FAILED, Run.Status.HELD, Run.Status.PARTIAL}
    assert run.error_kind in {"broken", "busy", "doubtful", "refused"} if run.status == Run.Status.FAILED else run.holds
    assert not any(_gone(here).values()), "nobody ended"
    assert all(_links(here)[kind] >= number for kind, number in links.items()), "nothing that joins people ended"
    for number in (3, 4, 5):
        assert here.sync(number).status in {Run.Status.OK, Run.Status.PARTIAL}
        undisturbed.sync(number)
    assert by_ref(here.held()) == by_ref(undisturbed.held())


@committed
def test_the_demo_worlds_half_night_ends_nothing(place: Callable[..., Place], demo_world: World) -> None:
    here = place(demo_world.school("northgate"))
    here.sync(3)
    before, links = _gone(here), _links(here)
    run = here.sync(4, fault="half")
    assert run.status in {Run.Status.HELD, Run.Status.PARTIAL}
    assert _gone(here) == before
    assert {kind: n for kind, n in _links(here).items() if n < links[kind]} == {}


# --- what a run says about itself ---


@committed
def test_a_run_says_what_it_did(small: Place) -> None:
    run = small.sync(1)
    truth = small.truth.at(1)
    assert run.status == Run.Status.OK
    assert (run.attempts, run.error, run.error_kind) == (1, "", "")
    assert run.local_date == truth.date
    assert run.kinds["students"] == len(truth.students)
    assert set(run.kinds) == {kind.value for kind in Kind}
    assert run.counts["students"] == {"rows": len(truth.students), "arrived": len(truth.students)}
    assert [stage["name"] for stage in run.stages] == ["extract", "normalise", "plan", "gate", "apply"]
    assert len(run.fingerprint) == len(run.plan_hash) == 64
    again = small.sync(1)
    assert again.fingerprint == run.fingerprint
    assert again.plan_hash != run.plan_hash
    with scope.school(small.school.pk):
        assert Change.objects.filter(run=run).count() > len(truth.students)
        assert not Change.objects.filter(run=again).exists()
        assert MedicalNote.objects.count() == len(truth.medical)


@committed
def test_refusals_and_holds_are_kept_with_their_run(place: Callable[..., Place], demo_world: World) -> None:
    here = place(demo_world.school("northgate"))
    first = here.sync(1)
    with scope.school(here.school.pk):
        refused = set(Refusal.objects.filter(run=first).values_list("kind", "ref"))
    assert {("staff", "804"), ("guardians", "631")} <= refused, "an unknown domain, a shared address"
    held = here.sync(4)
    with scope.school(here.school.pk):
        holds = {(hold.kind, tuple(hold.refs)) for hold in Hold.objects.filter(run=held)}
    assert ("guardians", ("701", "702")) in holds, "a swap is one case"
    assert held.status == Run.Status.PARTIAL
    assert held.counts["guardians"]["held"] == 2


@committed
def test_the_largest_priority_that_a_file_may_hold_has_room(small: Place) -> None:
    small.write(1)
    path = small.folder / "ties.csv"
    header, first, *rest = path.read_text().splitlines()
    place, cells = header.split(",").index("priority"), first.split(",")
    first = ",".join([*cells[:place], "999999", *cells[place + 1 :]])
    path.write_text("\r\n".join([header, first, *rest]))
    assert small.perform(1).status == Run.Status.OK
    assert 999_999 in {tie.values[1] for tie in small.held().links[Kind.TIES].values()}
