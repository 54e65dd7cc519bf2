"""What members of staff see, and what they must never read into an empty box."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from sync.models import Run
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST
from users.models import DietaryNeed, MedicalNote, Student

HOME = "/s/northgate/staff/"
LIST_QUERIES = EVERY_REQUEST + 8  # standing, roles, count, page, years, classes, run, connection


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_costs_the_same_for_one_and_three(
    alice: Person, northgate: School, synced: Run, number: int, django_assert_num_queries: Any
):
    with scope.school(northgate.pk):
        for place in range(number):
            people.school_class(f"Class {place}", people.student(f"Ana Number{place}", year="4"))
    page(alice.client, "/account/")  # the first request of a session notes the session
    with django_assert_num_queries(LIST_QUERIES):
        assert page(alice.client, HOME).count("Ana Number") == number


@pytest.mark.parametrize("words", ["munoz", "Muñoz", "zoe MUN", "MUÑOZ zoë"])
def test_search_ignores_accents(alice: Person, northgate: School, ana: Student, words: str):
    with scope.school(northgate.pk):
        people.student("Zoë Muñoz")
    found = page(alice.client, f"{HOME}?q={words}")
    assert "Zoë Muñoz" in found
    assert "Ana Reyes" not in found


def test_filter_by_year_and_class(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        kofi = people.student("Kofi Mensah", year="10")
        people.student("Rose Field", year="Reception")
        willow = people.school_class("Willow", kofi)
    by_year = page(alice.client, f"{HOME}?year=4")
    assert "Ana Reyes" in by_year
    assert "Kofi" not in by_year
    by_class = page(alice.client, f"{HOME}?group={willow.pk}")
    assert "Kofi Mensah" in by_class
    assert "Ana Reyes" not in by_class
    assert by_year.index(">Reception<") < by_year.index(">Year 4<") < by_year.index(">Year 10<")


def test_a_filter_that_makes_no_sense_is_no_error(alice: Person, ana: Student):
    assert "Ana Reyes" in page(alice.client, f"{HOME}?year=nonsense&group=999999&page=zero")


def test_htmx_gets_the_results_alone(alice: Person, ana: Student):
    response = alice.client.get(HOME, headers={"HX-Request": "true"})
    assert "<html" not in response.content.decode()
    assert "Ana Reyes" in response.content.decode()
    restored = alice.client.get(HOME, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in restored.content.decode()


def test_paging(alice: Person, northgate: School):
    with scope.school(northgate.pk):
        for place in range(26):
            people.student(f"Child {place:02}")
    first, second = page(alice.client, HOME), page(alice.client, f"{HOME}?page=2")
    assert "1–25 of 26" in first
    assert "Child 25" in second
    assert "Child 00" not in second


def test_empty_pages_say_what_to_do(alice: Person):
    assert "No students yet" in page(alice.client, HOME)
    assert "Nobody found" in page(alice.client, f"{HOME}?q=xyz")
    assert "Never synced yet" in page(alice.client, HOME)


def test_leavers_are_not_listed_but_their_page_says_so(alice: Person, northgate: School):
    with scope.school(northgate.pk):
        gone = people.student("Gone Girl", status="left", left_on="2026-11-20")
    assert "Gone Girl" not in page(alice.client, HOME)
    assert "Left the school on 20 November 2026" in page(alice.client, f"{HOME}students/{gone.pk}/")


def test_names_are_text_never_markup(alice: Person, northgate: School, synced: Run):
    with scope.school(northgate.pk):
        evil = people.student('<script>alert(1)</script> "><img src=x>', preferred_name="<b>x</b>", form="<i>")
        people.tie(people.guardian("<u>Eve</u> Il", phone="<s>1</s>"), evil, relationship="<em>aunt</em>")
        people.school_class("<h1>7B</h1>", evil)
    for path in (HOME, f"{HOME}students/{evil.pk}/", f"{HOME}students/{evil.pk}/medical/"):
        text = page(alice.client, path)
        for markup in ("<script>alert", "<img src=x", "<b>x", "<i>", "<u>", "<s>", "<em>", "<h1>7B"):
            assert markup not in text, (path, markup)


def test_not_shared_and_none_are_two_things(alice: Person, northgate: School, ana: Student, synced: Run):
    with scope.school(northgate.pk):
        people.tie(people.guardian("Not Shared", phone=None, mis_email=None), ana, relationship=None)
    assert page(alice.client, f"{HOME}students/{ana.pk}/").count("not shared by your MIS") == 6
    with scope.school(northgate.pk):
        people.tie(people.guardian("Nothing There", phone="", mis_email=""), ana, relationship="")
        people.tie(people.guardian("Odd Address", phone="1", mis_email="n/a at all"), ana)
    text = page(alice.client, f"{HOME}students/{ana.pk}/")
    assert text.count(">none<") == 3
    assert "the address in your MIS cannot be used" in text


def test_a_restricted_contact_is_a_warning(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        people.tie(people.guardian("Ray Reyes"), ana, restricted=True)
        people.tie(people.guardian("Old Contact"), ana, ended_on="2026-01-01")
    text = page(alice.client, f"{HOME}students/{ana.pk}/")
    assert "A restriction is recorded" in text
    assert "Old Contact" not in text


def medical_text(client: Client, child: Student) -> str:
    response = client.post(f"{HOME}students/{child.pk}/medical/")
    assert response.status_code == 200
    return response.content.decode()


def test_medical_is_shown_on_purpose_only_and_logged(alice: Person, northgate: School, ana: Student, synced: Run):
    with scope.school(northgate.pk):
        MedicalNote.objects.create(student=ana, ref="1", condition="Asthma", details=None)
        DietaryNeed.objects.create(student=ana, ref="1", need="No nuts")
    for path in (HOME, f"{HOME}students/{ana.pk}/", f"{HOME}students/{ana.pk}/medical/"):
        text = page(alice.client, path)
        assert "Asthma" not in text
        assert "No nuts" not in text
    with scope.school(northgate.pk):
        assert not AuditEvent.objects.exists()
    shown = medical_text(alice.client, ana)
    assert "Asthma" in shown
    assert "No nuts" in shown
    assert "details not shared by your MIS" in shown
    with scope.school(northgate.pk):
        event = AuditEvent.objects.get()
    assert (event.action, event.subject, event.actor_id) == ("medical.read", f"student:{ana.pk}", alice.account.pk)


def test_an_empty_box_is_none_only_where_the_mis_shares(alice: Person, northgate: School, ana: Student):
    assert medical_text(alice.client, ana).count("never been synced") == 2
    with scope.school(northgate.pk):
        runs.run(ago=2, kinds={"students": 1, "medical": 0})
    shown = medical_text(alice.client, ana)
    assert shown.count("Your MIS lists none.") == 1
    assert shown.count("Not shared by your MIS.") == 1


def test_notes_from_before_are_marked_when_the_mis_stops_sharing(alice: Person, northgate: School, ana: Student):
    with scope.school(northgate.pk):
        MedicalNote.objects.create(student=ana, ref="1", condition="Asthma")
        runs.run(kinds={"students": 1})
    shown = medical_text(alice.client, ana)
    assert "Asthma" in shown
    assert "did not share this in the last sync" in shown


def test_medical_switched_off_hides_what_is_there(alice: Person, northgate: School, ana: Student, synced: Run):
    with scope.school(northgate.pk):
        MedicalNote.objects.create(student=ana, ref="1", condition="Asthma")
    School.objects.filter(pk=northgate.pk).update(medical_synced=False)
    shown = medical_text(alice.client, ana)
    assert "Switched off for this school" in shown
    assert "Asthma" not in shown


def test_pages_say_how_fresh_they_are(alice: Person, northgate: School, ana: Student, synced: Run):
    stamp = northgate.local(synced.finished_at or timezone.now())
    for path in (HOME, f"{HOME}students/{ana.pk}/"):
        assert f"From CSV files, {stamp:%H:%M}" in page(alice.client, path)


def test_a_failed_run_is_no_news(alice: Person, northgate: School):
    with scope.school(northgate.pk):
        runs.run(status="failed")
    assert "Never synced yet" in page(alice.client, HOME)


def test_a_page_is_small(alice: Person, northgate: School, synced: Run):
    with scope.school(northgate.pk):
        for place in range(25):
            people.school_class(f"Class {place}", people.student(f"Child {place}", year=str(place % 13)))
    assert len(alice.client.get(HOME).content) < 100_000
