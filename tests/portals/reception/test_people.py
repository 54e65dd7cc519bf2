"""The pages about people: the list, one person whole, and why they cannot come in (R21, R47, R66)."""

import datetime
from typing import Any

import pytest
from django.utils import timezone

from sync.models import MisIdentity, Refusal
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person
from tests.factories import people, runs
from tests.portals.conftest import EVERY_REQUEST
from tests.portals.reception.conftest import PEOPLE, Here
from users.models import DietaryNeed, LocalEdit, MedicalNote
from users.operations.accounts import link_people

KINDS = ("students", "guardians", "staff")


def page(person: Person, path: str) -> str:
    response = person.client.get(path)
    assert response.status_code == 200
    return response.content.decode()


# The list.


def test_the_tabs_hold_each_kind_and_those_who_went(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        people.guardian("Gone Girl", email="g@mail.example", status="left")
        people.staff_member("Dee Leted", status="left", deleted_at=timezone.now())
    tabs = {tab: page(rhea, f"{PEOPLE}?tab={tab}") for tab in (*KINDS, "gone", "nonsense")}
    for tab, name in (("students", "Zoe MuÃ±oz"), ("guardians", "Mei Li"), ("staff", "Kit Moss")):
        assert [found for found in (*KINDS, "gone") if name in tabs[found]] == [tab]
    for words in ("Gone Girl", "Dee Leted", "Deleted by hand", "Guardian", "Member of staff"):
        assert words in tabs["gone"], words
    assert "Zoe MuÃ±oz" in tabs["nonsense"]


@pytest.mark.parametrize("words", ["nunez", "NÚÑEZ inés"])
def test_the_search_is_blind_to_accents_and_keeps_the_tab(rhea: Person, here: Here, words: str):
    with scope.school(here.school.pk):
        people.guardian("Inés Núñez", email="i@mail.example")
    text = page(rhea, f"{PEOPLE}?tab=guardians&q={words}")
    assert "Inés Núñez" in text
    assert "Mei Li" not in text
    assert '<input type="hidden" name="tab" value="guardians">' in text


def test_states_are_words(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        people.student("Mis Sing", status="missing", missing_since="2026-11-20", email="m@mail.example")
        LocalEdit.objects.create(student=here.zoe, field="family_name", value="Muñoz", at=timezone.now())
        people.guardian("By Hand", email="b@mail.example", source="manual")
    text = page(rhea, PEOPLE)
    for words in ("Missing from the MIS", "No e-mail address", "Corrected by you", "Year 4 · 4B"):
        assert words in text, words
    assert "Added by hand" in page(rhea, f"{PEOPLE}?tab=guardians")


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("tab", [*KINDS, "gone"])
def test_the_list_costs_the_same(rhea: Person, here: Here, tab: str, number: int, django_assert_num_queries: Any):
    status = {"status": "left"} if tab == "gone" else {}
    with scope.school(here.school.pk):
        for place in range(number):
            for make in (people.student, people.guardian, people.staff_member):
                make(f"Child Number{place}", **status)
    page(rhea, PEOPLE)  # the first request of a session notes the session
    with django_assert_num_queries(EVERY_REQUEST + 6):  # standing, roles, count, page, run, connection
        assert page(rhea, f"{PEOPLE}?tab={tab}").count("Child Number") == number * (3 if tab == "gone" else 1)


def test_fifty_to_a_page_and_small(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        for place in range(60):
            people.student(f"Child {place:02}", year="4", form="4B", status="missing")
    first = page(rhea, f"{PEOPLE}?q=child")
    assert "1–50 of 60" in first
    assert len(first.encode()) < 100_000
    assert "Child 59" in page(rhea, f"{PEOPLE}?q=child&page=2")


def test_empty_lists_say_what_to_do(rhea: Person, northgate: School):
    assert "Open the checklist" in page(rhea, PEOPLE)
    assert "Nobody found" in page(rhea, f"{PEOPLE}?q=xyz")
    assert "Nobody has left" in page(rhea, f"{PEOPLE}?tab=gone")


# One person.


def test_a_student_in_full(rhea: Person, here: Here):
    text = page(rhea, here.url("students"))
    for words in (
        "Zoe", "MuÃ±oz", "2 March 2017", "Year 4", "4B", "0207", "first seen 1 September 2026", "SIMS here via Wonde",
        "Change it in SIMS here via Wonde; it comes with the next sync.", "Mei Li", "Mother", "Willow", "was added",
        "Students of their year do not sign in", "Call 1st", "not shared by your MIS",
    ):  # fmt: skip
        assert words in text, words
    locked = text.count("Changed in your MIS only")
    assert (locked, text.count(f'href="{here.url("students", "correct/")}')) == (4, 4)  # birth, year, form, UPN


def test_an_edit_shows_what_is_current_and_what_the_mis_says(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        edit = LocalEdit.objects.create(
            student=here.zoe, field="family_name", value="Muñoz", replaced="MuÃ±oz", at=timezone.now()
        )
        LocalEdit.objects.create(guardian=here.mei, field="phone", value="1", replaced=None, at=timezone.now())
    text = page(rhea, here.url("students"))
    assert "Your edit stays until the MIS changes." in text
    assert f"{PEOPLE}edits/{edit.pk}/withdraw/" in text
    assert "corrected from" in text
    assert "Your edit stays until tonight" in page(rhea, here.url("guardians"))


def test_an_address_that_cannot_be_used_is_shown_beside_the_placeholder(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        adult = people.guardian("No Address", mis_email="office@mail.example")
    text = page(rhea, f"{PEOPLE}guardians/{adult.pk}/")
    assert "a placeholder stands in" in text
    assert "MIS says: office@mail.example" in text
    assert "noemail.invalid" not in text


def test_ids_of_an_earlier_mis_are_told(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        MisIdentity.objects.create(
            generation=2, kind="staff", external_id="A-77", staff_member=here.kit, first_seen_on="2026-11-01"
        )
    text = page(rhea, here.url("staff"))
    assert text.index("A-77") < text.index(">9<")
    assert "MIS no. 1" in text


def test_a_tie_shows_what_stands_against_it(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        for name, fields in (
            ("Ray Restricted", {"restricted": True}),
            ("Bo Blocked", {"blocked_at": timezone.now(), "blocked_why": "court letter"}),
            ("Eve Ended", {"ended_on": "2026-01-05"}),
            ("Han Dmade", {"by_hand": True, "parental_responsibility": False}),
        ):
            people.tie(people.guardian(name), here.zoe, **fields)
    text = page(rhea, here.url("students"))
    for words in (
        "Restricted by the MIS", "Blocked by you", "court letter", "Ended 5 January 2026", "Tied by hand",
        "has no parental responsibility", "Lift the block", "End the tie",
    ):  # fmt: skip
        assert words in text, words


def test_who_was_deleted_left_or_is_missing_is_said(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        deleted = people.staff_member("Dee Leted", status="left", deleted_at=timezone.now())
        gone = people.student("Gone Girl", status="left", left_on="2026-11-20")
        missing = people.guardian("Mis Sing", status="missing", missing_since="2026-11-21", source="manual")
    assert "until you restore them" in page(rhea, f"{PEOPLE}staff/{deleted.pk}/")
    assert "Left the school on 20 November 2026" in page(rhea, f"{PEOPLE}students/{gone.pk}/")
    text = page(rhea, f"{PEOPLE}guardians/{missing.pk}/")
    assert "Missing from the MIS since 21 November 2026" in text
    assert "Added by hand: no sync ends or doubles them." in text
    assert "Change the MIS id" not in text


def test_modes_are_those_of_this_school(rhea: Person, here: Here):
    assert rhea.staff_member
    assert "Comes in, in Staff or Reception mode." in page(rhea, f"{PEOPLE}staff/{rhea.staff_member.pk}/")
    with scope.school(here.school.pk):
        link_people(at=timezone.now())
    assert "Comes in, in Parent mode." in page(rhea, here.url("guardians"))
    assert "Comes in, in Staff mode." in page(rhea, here.url("staff"))


def test_nothing_of_another_school_shows_in_how_somebody_comes_in(rhea: Person, here: Here, himal: School):
    account = people.account(here.mei.email, activated_at=timezone.now())
    with scope.school(himal.pk):
        people.membership(account, guardian=people.guardian("Mei Li", email=account.email))
    with scope.school(here.school.pk):
        people.membership(account, guardian=here.mei, confirmed=False)
    for path in (here.url("guardians"), here.url("guardians", "why/")):
        text = page(rhea, path)
        assert "has not yet said that they belong to this school" in text
        assert "Himal" not in text
        assert "other school" not in text


@pytest.mark.parametrize("number", [1, 3])
def test_a_page_costs_the_same(rhea: Person, here: Here, number: int, django_assert_num_queries: Any):
    with scope.school(here.school.pk):
        for place in range(number):
            people.tie(people.guardian(f"Adult Number{place}"), here.zoe)
            people.school_class(f"Class {place}", here.zoe)
            field = ("given_name", "family_name", "preferred_name")[place]
            LocalEdit.objects.create(student=here.zoe, field=field, value="Zoë", replaced="Zoe", at=timezone.now())
            AuditEvent.objects.create(at=timezone.now(), action="medical.read", subject=f"student:{here.zoe.pk}")
            runs.change(here.run, "Zoe", "amend", field=f"f{place}", new="x", ref="0207", person_id=here.zoe.pk)
    page(rhea, PEOPLE)  # the first request of a session notes the session
    # standing, roles, person; ids, last run, refused, held, membership; source, edits, ties, classes (2);
    # history: ties, count, page, changes, approvals, edits, events; freshness (2)
    with django_assert_num_queries(EVERY_REQUEST + 22):
        assert page(rhea, here.url("students")).count("Adult Number") >= number


def test_medical_text_is_nowhere(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        MedicalNote.objects.create(student=here.zoe, ref="1", condition="Asthma", details="SECRET")
        DietaryNeed.objects.create(student=here.zoe, ref="1", need="SECRET")
        runs.change(here.run, "Zoe", "amend", kind="medical", old="SECRET", new="SECRET", person_id=here.zoe.pk)
    for rest in ("", "why/", "correct/given_name/", "id/", "guardian/"):
        text = page(rhea, here.url("students", rest))
        assert "SECRET" not in text
        assert "Asthma" not in text


def test_names_are_text_never_markup(rhea: Person, here: Here):
    evil = "<script>alert(1)</script>"
    with scope.school(here.school.pk):
        child = people.student(f"{evil} <b>x</b>", form="<i>")
        tie = people.tie(people.guardian(f"Eve {evil}"), child, relationship=evil, blocked_at=timezone.now())
        LocalEdit.objects.create(student=child, field="given_name", value=evil, replaced=evil, at=timezone.now())
    for path in (
        PEOPLE,
        f"{PEOPLE}students/{child.pk}/",
        f"{PEOPLE}students/{child.pk}/why/",
        f"{PEOPLE}ties/{tie.pk}/unblock/",
    ):
        text = page(rhea, path)
        assert evil not in text
        assert "<b>x" not in text


# Why they cannot come in.


def test_why_says_what_to_do_and_leads_there(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        adult = people.guardian("Ana Reyes", mis_email="")
        MisIdentity.objects.create(
            generation=1, kind="guardians", external_id="77", guardian=adult, first_seen_on=datetime.date(2026, 9, 1)
        )
    text = page(rhea, f"{PEOPLE}guardians/{adult.pk}/why/")
    assert "Your MIS has no address for them." in text
    assert f"{PEOPLE}guardians/{adult.pk}/correct/email/" in text
    with scope.school(here.school.pk):
        Refusal.objects.create(
            run=here.run, kind="guardians", ref="77", fault="email", field="email", reason="malformed"
        )
    assert "malformed or a placeholder" in page(rhea, f"{PEOPLE}guardians/{adult.pk}/why/")


def test_why_answers_for_each_student_of_a_guardian(rhea: Person, here: Here):
    with scope.school(here.school.pk):
        people.tie(here.mei, people.student("Bo Li"), blocked_at=timezone.now(), blocked_why="court letter")
        people.student("Cy Stranger")
    text = page(rhea, here.url("guardians", "why/?q=stranger"))
    assert text.count("They see everything a parent may") == 1
    assert text.count("They see nothing") == 2
    for words in ("safety: court letter", "Lift the block", "They are not tied to this student.", "Tie them"):
        assert words in text, words


def test_why_says_why_a_member_of_staff_has_no_parent_mode(rhea: Person, here: Here):
    assert "no parent mode" in page(rhea, here.url("staff", "why/"))
    with scope.school(here.school.pk):
        people.guardian("Kit Moss", email=here.kit.email)
        link_people(at=timezone.now())
    text = page(rhea, here.url("staff", "why/"))
    assert "of the same address" in text
    assert text.count("They can<") == 2


@pytest.mark.parametrize("number", [1, 3])
def test_why_costs_the_same(rhea: Person, here: Here, number: int, django_assert_num_queries: Any):
    with scope.school(here.school.pk):
        for place in range(number):
            people.tie(here.mei, people.student(f"Child Number{place}"), restricted=True)
    page(rhea, PEOPLE)  # the first request of a session notes the session
    # standing, roles, person; ids, last run, refused, held, membership, domains; ties; freshness (2)
    with django_assert_num_queries(EVERY_REQUEST + 12):
        assert page(rhea, here.url("guardians", "why/")).count("Child Number") == number


# Who may.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rest", ["", "why/", "id/", "correct/given_name/"])
def test_only_those_who_run_the_school_get_in(
    alice: Person, bob: Person, charlie: Person, here: Here, kind: str, rest: str
):
    url = here.url(kind, rest)
    assert alice.client.get(url).status_code == 403
    assert bob.client.get(url).status_code == 302
    assert charlie.client.get(url).status_code == 404


def test_the_list_is_for_those_who_run_the_school(alice: Person, charlie: Person, here: Here):
    assert alice.client.get(PEOPLE).status_code == 403
    assert charlie.client.get(PEOPLE).status_code == 404


def test_people_of_another_school_and_unknown_kinds_are_404(rhea: Person, here: Here, himal: School):
    with scope.school(himal.pk):
        foreign = people.student("Gita Secretly")
    assert "Gita" not in page(rhea, f"{PEOPLE}?q=gita")
    for path in (f"students/{foreign.pk}/", f"pupils/{here.zoe.pk}/", f"students/{foreign.pk}/why/"):
        assert rhea.client.get(f"{PEOPLE}{path}").status_code == 404
