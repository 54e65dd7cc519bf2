"""What super users see of the sync."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from sync.connectors.csv_files.templates import template
from sync.models import Hold, MisProduct, Refusal, Slot, Trouble
from sync.pipeline.roster import Fault
from sync.records import Kind
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST

HOME = "/s/northgate/reception/"


def page(person: Person, path: str = HOME) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_before_the_first_run(rhea: Person):
    assert "Never synced yet" in page(rhea)
    assert "No run yet" in page(rhea, f"{HOME}runs/")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("ok", "2 added and 1 updated."),
        ("partial", "2 added and 1 updated; 3 held for a person to decide."),
        ("held", "Nothing was changed until somebody has looked at it."),
        ("failed", "The MIS refused our credentials."),
        ("queued", "A sync waits for its turn."),
        ("running", "What you see here is from before it."),
    ],
)
def test_the_front_desk_says_last_night_in_two_sentences(rhea: Person, northgate: School, status: str, words: str):
    held = 3 if status == "partial" else 0
    with scope.school(northgate.pk):
        runs.run(
            status=status,
            counts={"students": {"arrived": 2, "amended": 1, "held": held}},
            error="The MIS refused our credentials." if status == "failed" else "",
        )
    assert words in page(rhea)


def test_the_front_desk_tells_a_run_under_way_from_the_last_one(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.run(ago=1, counts={"students": {"arrived": 2}})
        going = runs.run(status="running")
    text = page(rhea)
    assert "2 added." in text
    assert f"/runs/{going.pk}/" in text


def test_the_source_is_named_after_the_product(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        product = MisProduct.objects.create(name="Sims for tests", partner="Wonde", connector="csv_files")
        runs.connection(product=product)
        runs.run()
    assert "From Sims for tests via Wonde, " in page(rhea)


def test_the_front_desk_counts(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        people.student("Ana Reyes", status="missing")
        people.guardian("No Address")
        people.student("Gone Girl", status="left")
    text = page(rhea)
    assert "1 missing from the MIS" in text
    assert "1 without an e-mail address" in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_runs_costs_the_same(rhea: Person, northgate: School, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        for ago in range(number):
            runs.run(ago=ago, counts={"students": {"arrived": 5}})
    page(rhea, HOME)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 6):  # standing, roles, count, page, run, connection
        assert page(rhea, f"{HOME}runs/").count("took 53 s") == number


@pytest.mark.parametrize("number", [1, 3])
def test_a_report_costs_the_same(rhea: Person, northgate: School, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        run = runs.run(counts={"students": {"arrived": number}})
        for place in range(number):
            runs.change(run, f"Child {place}", new="Year 4 · 4B", ref=str(place), person_id=place)
    # standing, roles, run, nights, holds, refusals, chips (2), records (count, page, changes), source, undos,
    # decisions
    page(rhea, HOME)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 14):
        assert page(rhea, f"{HOME}runs/{run.pk}/").count("was added") == number


def test_a_report_in_full(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.run(
            status="partial",
            counts={"students": {"arrived": 1, "amended": 2, "left": 1, "held": 1}, "guardians": {"arrived": 4}},
            stages=[{"name": "extract", "seconds": 41, "note": "9 files"}],
            remarks=["students.csv was read as Windows-1252"],
        )
        Hold.objects.create(
            run=run, kind="guardians", reason="Two addresses would swap.", labels=["Ian Ford", "<b>Abe</b>"]
        )
        Refusal.objects.create(
            run=run,
            kind="students",
            ref="0041",
            reason="The date of birth lies in the future.",
            place="students.csv, line 14",
        )
        runs.change(run, "Ana Reyes", new="Year 4, form 4B", person_id=1)
        for field, new in (("email", "mei@mail.example"), ("phone", "07700 900111")):
            runs.change(run, "Mei Li", "amend", kind="guardians", field=field, old="old", new=new, person_id=2)
        runs.change(run, "Zoë Muñoz", "amend", kind="medical", field="details", old="SECRET", new="SECRET", person_id=3)
        runs.change(run, "Isla Fox", "leave", new="2026-11-20", person_id=4)
    text = page(rhea, f"{HOME}runs/{run.pk}/")
    for words in (
        "Finished, part held", "4 guardians, 1 student", "41 s", "9 files", "Two addresses would swap.", "Ian Ford",
        "&lt;b&gt;Abe", "students.csv, line 14", "read as Windows-1252", "left on 20 November 2026",
        "A medical note of Zoë Muñoz changed.", "e-mail changed from", 'role="img"', "Show figures",
    ):  # fmt: skip
        assert words in text, words
    assert "SECRET" not in text
    assert text.count('<article class="rec">') == 4
    only = page(rhea, f"{HOME}runs/{run.pk}/?action=amend&kind=guardians")
    assert "Mei Li" in only
    assert "Isla Fox" not in only
    assert "No change of this kind" in page(rhea, f"{HOME}runs/{run.pk}/?action=end")
    assert "Isla Fox" in page(rhea, f"{HOME}runs/{run.pk}/?action=nonsense")


@pytest.mark.parametrize(("status", "polls"), [("queued", True), ("running", True), ("ok", False), ("failed", False)])
def test_a_report_looks_again_only_while_the_run_goes_on(rhea: Person, northgate: School, status: str, polls: bool):  # noqa: FBT001
    with scope.school(northgate.pk):
        run = runs.run(status=status, error="It failed." if status == "failed" else "")
    text = page(rhea, f"{HOME}runs/{run.pk}/")
    assert ('hx-trigger="every 2s"' in text) is polls
    assert ("Look again" in text) is polls


def test_a_report_pages_its_records_and_stays_small(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.run(counts={"students": {"arrived": 60}})
        for place in range(60):
            runs.change(run, f"Child {place:02}", new="Year 4 · 4B", ref=str(place), person_id=place)
    first = page(rhea, f"{HOME}runs/{run.pk}/")
    assert "1–50 of 60" in first
    assert len(first.encode()) < 100_000
    assert "Child 59" in page(rhea, f"{HOME}runs/{run.pk}/?page=2")


def test_another_school_s_runs_stay_there(rhea: Person, northgate: School, himal: School):
    with scope.school(himal.pk):
        run = runs.run()
        runs.change(run, "Gita Secretly")
    assert "No run yet" in page(rhea, f"{HOME}runs/")
    assert rhea.client.get(f"{HOME}runs/{run.pk}/").status_code == 404


def test_the_csv_files_are_explained_and_each_has_a_template(rhea: Person, northgate: School):
    text = page(rhea, f"{HOME}files/")
    for kind in Kind:
        assert f"{kind}.csv" in text
        response = rhea.client.get(f"{HOME}files/{kind}.csv")
        assert response.status_code == 200
        assert response["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert response.content == template(kind)
    assert "Without this file nothing is read" in text
    assert rhea.client.get(f"{HOME}files/secrets.csv").status_code == 404


def test_templates_are_for_super_users(alice: Person, northgate: School):
    assert alice.client.get(f"{HOME}files/students.csv").status_code == 403


def test_a_run_of_marks_has_a_page_of_its_own(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.run(
            kind="attendance",
            slot="morning",
            kinds={},
            counts={
                "attendance": {
                    "rows": 1215,
                    "new": 1204,
                    "changed": 3,
                    "same": 5,
                    "parked": 2,
                    "refused": 1,
                    "meanings": {"present": 1190, "absent": 22},
                }
            },
        )
        runs.refuse(run, "attendance", "m-1", Fault.DATE, reason="The mark’s date cannot be read.")
    text = page(rhea, f"{HOME}runs/{run.pk}/")
    for words in (
        "Attendance marks of",
        "1,204",
        "of 1,215 that your MIS gave",
        "1,190",
        "Absent",
        "The mark’s date cannot be",
    ):
        assert words in text, words
    for words in ("Added", "Held for a person", "What changed", "Undo this run"):
        assert words not in text, words


def test_a_run_of_marks_without_any_says_neither_present_nor_absent(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.run(kind="attendance", kinds={})
    assert "neither present nor absent" in page(rhea, f"{HOME}runs/{run.pk}/")


def test_a_late_run_says_how_late(rhea: Person, northgate: School):
    due = datetime.datetime(2026, 11, 24, 1, 34, tzinfo=datetime.UTC)
    with scope.school(northgate.pk):
        run = runs.run(slot="night", late=True, at=due + datetime.timedelta(minutes=41))
    Slot.objects.create(
        school=northgate,
        kind="roster",
        slot="night",
        local_date=run.local_date,
        due_at=due,
        claimed_at=due + datetime.timedelta(minutes=40),
        late=True,
        outcome="run",
        run=run.pk,
    )
    assert "The night was due at 01:34 and was caught up at 02:15, 41 min late." in page(rhea, f"{HOME}runs/{run.pk}/")
    assert "Late</span>" in page(rhea, f"{HOME}runs/")


def test_a_running_run_says_how_far_it_is(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.run(status="running", progress={"stage": "reading", "pages": 1, "rows": 1340})
    assert "Reading: 1 page and 1,340 rows so far." in page(rhea, f"{HOME}runs/{run.pk}/")


def test_runs_are_told_apart_by_what_they_read(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        night, morning = runs.run(), runs.run(kind="attendance", status="cancelled", kinds={})
    both, marks = page(rhea, f"{HOME}runs/"), page(rhea, f"{HOME}runs/?kind=attendance")
    assert f"/runs/{night.pk}/" in both
    assert f"/runs/{morning.pk}/" in both
    assert f"/runs/{night.pk}/" not in marks
    assert "Cancelled" in marks
    assert f"/runs/{night.pk}/" in page(rhea, f"{HOME}runs/?kind=nonsense")


def test_the_front_desk_speaks_of_the_night_and_not_of_marks(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
        runs.run(ago=1, counts={"students": {"arrived": 2}})
        runs.run(kind="attendance", status="failed", slot="morning", error="Your MIS was busy.", kinds={})
    text = page(rhea)
    assert "2 added." in text
    assert "What is read next" in text
    assert "tonight about " in text


@pytest.mark.parametrize(
    ("reason", "turn", "path"),
    [
        ("refused", "It is your turn.", "connection/"),
        ("held", "It is your turn.", "conflicts/"),
        ("busy", "It is nobody’s turn.", "runs/"),
        ("internal", "It is our turn.", "runs/"),
    ],
)
def test_the_front_desk_says_what_keeps_syncs_from_ending_well(
    rhea: Person, northgate: School, reason: str, turn: str, path: str
):
    now = timezone.now()
    with scope.school(northgate.pk):
        run = runs.run(status="failed", error="The token is wrong.")
        told = {"kind": "roster", "says": "The token is wrong.", "run": run, "last_at": now}
        Trouble.objects.create(reason=reason, since=now - datetime.timedelta(days=2), times=3, **told)
        Trouble.objects.create(reason="broken", since=now, over_at=now, **told | {"says": "This is over."})
    text = page(rhea)
    for words in ("The token is wrong.", "met 3 times", turn, f'href="{HOME}{path}"', "people and classes"):
        assert words in text, words
    assert "This is over." not in text


@pytest.mark.parametrize("number", [1, 3])
def test_the_front_desk_costs_the_same(rhea: Person, northgate: School, number: int, django_assert_num_queries: Any):
    now = timezone.now()
    with scope.school(northgate.pk):
        runs.connection()
        for place in range(number):
            run = runs.run(ago=place, kind="attendance", kinds={}, slot="morning")
            runs.run(ago=place)
            told = {"kind": "roster", "says": "No.", "run": run, "since": now, "last_at": now}
            Trouble.objects.create(reason=f"reason {place}", **told)
    page(rhea)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 20):
        assert page(rhea).count("It is our turn.") == number
