"""Data quality in Reception: the page, a bucket, the files, and the question to support (R28, R64, R67)."""

import csv
import io
from typing import Any

import pytest

from portals.sheet import harmless
from sync.buckets import BUCKETS
from sync.models import CharacterReview
from sync.pipeline.roster import Fault
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST

HOME = "/s/northgate/reception/"
PAGE = f"{HOME}data-quality/"


# Standing, roles, source, run; then the rows and whom they name.
COSTS = {"no-email": 12, "shared": 11, "role-mailbox": 11, "duplicates": 9, "characters": 11}


def page(person: Person, path: str = PAGE) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def file(person: Person, key: str) -> list[list[str]]:
    response = person.client.get(f"{PAGE}{key}.csv")
    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="data-quality-{key}.csv"'
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))


def fill(number: int) -> None:
    """Put `number` rows into every bucket, and as many into what has been put right."""
    before, now = runs.judged(ago=8), runs.judged()
    for place in range(number):
        for bucket in BUCKETS:
            for fault in bucket.faults - {Fault.SHARED_ADDRESS, Fault.ROLE_MAILBOX, Fault.DANGLING}:
                runs.refuse(now, "guardians", f"g{place}", fault, field="email")
                runs.refuse(before, "guardians", f"old{place}", fault, field="email")
        child = people.student(f"Child {place} MuÃ±oz")
        for kind, model in (("shared", Fault.SHARED_ADDRESS), ("role", Fault.ROLE_MAILBOX)):
            one = people.guardian(f"One {kind}{place}", email=f"{kind}{place}@mail.example", phone="07700 900123")
            two = people.guardian(f"Two {kind}{place}", mis_email=f"{kind}{place}@mail.example", phone="07700 900123")
            runs.identity(two, f"{kind}-{place}")
            runs.refuse(now, "guardians", f"{kind}-{place}", model, field="email")
            if kind == "shared":
                people.tie(one, child)
                people.tie(two, child)
        runs.refuse(now, "enrolments", f"s{place}", Fault.DANGLING, other_ref="c1", field="student_ref")
        people.guardian(f"No {place}")
        people.staff_member(f"Kit {place}", missing_since=now.local_date, status="missing")


def test_before_the_first_sync(rhea: Person):
    assert "No sync has looked at your data yet" in page(rhea)
    assert "Nothing here" in page(rhea, f"{PAGE}malformed/")
    assert "Nothing yet" in page(rhea, f"{PAGE}fixed/")


def test_when_all_is_well(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.judged()
    text = page(rhea)
    assert "Nothing to put right" in text
    assert "Download all as CSV" not in text


def test_the_page_says_what_is_wrong_and_what_to_change(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.connection()
        fill(2)
    text = page(rhea)
    for words in ("Malformed e-mail addresses", "in CSV files", "Put right since", "Download all as CSV"):
        assert words in text
    # guardians of the shared addresses are there too; every bucket has a link to its page
    for bucket in BUCKETS:
        assert f"/data-quality/{bucket.key}/" in text, bucket.key
        assert bucket.title in page(rhea, f"{PAGE}{bucket.key}/")
    assert "See what was put right" in page(rhea, HOME)
    assert page(rhea, f"{PAGE}fixed/").count("old1") > 3


def test_a_bucket_shows_who_since_when_and_where(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        tom = people.guardian("Tom <b>Reyes", mis_email="")
        runs.identity(tom, "G-77")
        run = runs.judged()
        runs.refuse(run, "guardians", "G-77", Fault.EMAIL, field="email", place="guardians.csv, line 9")
    text = page(rhea, f"{PAGE}malformed/")
    for words in ("Tom &lt;b&gt;Reyes", "G-77", "field: e-mail", "guardians.csv, line 9", "we hold: no address"):
        assert words in text
    assert f"since {run.local_date.day} {run.local_date:%B %Y}" in text


def test_two_people_of_one_address_name_each_other(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        fill(1)
    text = page(rhea, f"{PAGE}shared/")
    assert text.count("One shared0") == text.count("Two shared0") == 2


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_costs_the_same(rhea: Person, northgate: School, number: int, django_assert_num_queries: Any):
    with scope.school(northgate.pk):
        fill(number)
    page(rhea, HOME)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 26):
        assert f'<span class="num">{number}</span>' in page(rhea)


@pytest.mark.parametrize("key", [bucket.key for bucket in BUCKETS])
@pytest.mark.parametrize("number", [1, 3])
def test_a_bucket_costs_the_same(
    rhea: Person, northgate: School, key: str, number: int, django_assert_num_queries: Any
):
    with scope.school(northgate.pk):
        fill(number)
    page(rhea, HOME)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + COSTS.get(key, 10)):
        page(rhea, f"{PAGE}{key}/")


def test_a_bucket_has_pages(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        run = runs.judged()
        for place in range(60):
            runs.refuse(run, "guardians", f"g{place:02}", Fault.EMAIL)
    assert "1–50 of 60" in page(rhea, f"{PAGE}malformed/")
    assert "g59" in page(rhea, f"{PAGE}malformed/?page=2")


def test_a_file_for_the_data_manager(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        people.guardian("=cmd|' /C calc'!A0 Żółć", mis_email=None)
        runs.judged(("guardians", "-12", Fault.EMAIL))
    header, row = file(rhea, "no-email")
    assert row[header.index("Name")] == "'=cmd|' /C calc'!A0 Żółć"
    assert file(rhea, "malformed")[1][2] == "'-12"
    assert [line[0] for line in file(rhea, "all")[1:]] == ["No e-mail address", "Malformed e-mail addresses"]
    with scope.school(northgate.pk):
        events = AuditEvent.objects.filter(action="data_quality.downloaded").order_by("id")
        assert [(event.actor_id, event.subject, event.reason) for event in events] == [
            (rhea.account.pk, "data_quality:no-email", "1 rows"),
            (rhea.account.pk, "data_quality:malformed", "1 rows"),
            (rhea.account.pk, "data_quality:all", "2 rows"),
        ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_no_cell_is_a_formula(cell: str):
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Ana", "O’Brien", "1+1", "a=b"])
def test_what_is_harmless_stays_to_the_letter(cell: str):
    assert harmless(cell) == cell


def test_support_is_asked_once(rhea: Person, northgate: School):
    with scope.school(northgate.pk):
        people.student("Zoë MuÃ±oz")
        runs.judged()
    assert "Ask support to review" in page(rhea)
    for _again in range(2):
        answer = rhea.client.post(f"{PAGE}review/", follow=True)
        assert "Support will look at these names" in answer.content.decode()
    with scope.school(northgate.pk):
        review = CharacterReview.objects.get()
        assert review.asked_by_id == rhea.account.pk
    text = page(rhea)
    assert "Support was asked to review 1 name " in text
    assert "Ask support to review" not in text


def test_there_may_be_nothing_to_review(rhea: Person):
    answer = rhea.client.post(f"{PAGE}review/", follow=True)
    assert "nothing to review" in answer.content.decode()


@pytest.mark.parametrize("path", ["", "malformed/", "fixed/", "malformed.csv", "all.csv"])
def test_data_quality_is_for_super_users(alice: Person, charlie: Person, northgate: School, path: str):
    assert alice.client.get(f"{PAGE}{path}").status_code == 403
    assert charlie.client.get(f"{PAGE}{path}").status_code == 404
    assert alice.client.post(f"{PAGE}review/").status_code == 403


@pytest.mark.parametrize("path", ["nonsense/", "nonsense.csv"])
def test_there_is_no_such_bucket(rhea: Person, path: str):
    assert rhea.client.get(f"{PAGE}{path}").status_code == 404


def test_another_schools_faults_stay_there(rhea: Person, himal: School):
    with scope.school(himal.pk):
        people.guardian("Gita Secretly", mis_email=None)
        runs.judged(("guardians", "theirs-1", Fault.EMAIL))
    assert "Secretly" not in page(rhea, f"{PAGE}no-email/")
    assert len(file(rhea, "all")) == 1
