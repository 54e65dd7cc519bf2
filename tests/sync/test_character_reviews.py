"""Broken names from the question to the corrected name, and every name whole on its way (R64, R66, R67)."""

import csv
import email
import email.policy
import io
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone

from sync.models import CharacterReview, Run
from sync.operations import characters
from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person, signed_in
from tests.factories import people
from tests.sync.conftest import Place
from users.models import LocalEdit, Student
from users.operations import support

NAMES = ("Muñoz", "Zoë", "Łucja", "O’Brien", "Ñandú", "Åsa", "François", "Søren", "محمد", "王小明")
GOLDEN = ("Żółć", "王小明", "محمد", "Ñandú", "O’Brien", "Zoë", "Nguyễn", "Şəhla̱", "א\u200dב", "Jane “=1” D'Arc")


def broken(name: str) -> str:
    return name.encode().decode("latin-1")


@pytest.fixture
def boss(db: None) -> Person:
    """One of our own people who may do everything in the admin."""
    account = people.account("boss@schoolsbuddy.example", is_support=True, is_superuser=True)
    return Person(account=account, client=signed_in(account))


@pytest.fixture
def inside(boss: Person, dana: Person, northgate: School) -> None:
    """Both look into Northgate."""
    for person in (boss, dana):
        support.open_grant(account=person.account, school=northgate, reason="ticket 9", at=timezone.now())


def ask(school: School) -> CharacterReview:
    return characters.ask_for_review(school=school, by=None, at=timezone.now())


def url(review: CharacterReview) -> str:
    return reverse("admin:sync_characterreview_change", args=[review.pk])


def test_three_hundred_names_are_one_review(boss: Person, inside: None, northgate: School):
    with scope.school(northgate.pk):
        for number in range(300):
            people.student(f"{number} {broken(NAMES[number % len(NAMES)])}")
        people.student("João CONCEIÇÃO")
        review = ask(northgate)
        assert ask(northgate) == review
        assert [p["proposed"] for p in review.proposals if p["sure"]] == [
            NAMES[int(Student.objects.get(pk=p["id"]).given_name) % len(NAMES)] for p in review.proposals
        ]
        assert len(review.proposals) == 300
        assert not LocalEdit.objects.exists()  # nothing applies itself
    text = boss.client.get(url(review)).content.decode()
    assert text.count('name="take"') == 300
    assert "CONCEIÇÃO" not in text
    answer = boss.client.post(url(review), {"take": range(300)}, follow=True).content.decode()
    assert "Names corrected: 300." in answer
    with scope.school(northgate.pk):
        assert not Student.objects.filter(family_name__contains="Ã").exclude(family_name="CONCEIÇÃO").exists()
        assert LocalEdit.objects.open().filter(replaced=broken("Muñoz"), value="Muñoz").count() == 30
        assert Student.objects.named("munoz").count() == 30
        review.refresh_from_db()
        assert (review.applied, review.reviewed_by_id) == (300, boss.account.pk)
        event = AuditEvent.objects.get(action="characters.reviewed")
        assert event.reason == "300 of 300 taken, 0 skipped. ticket 9"
    assert "300 taken." in boss.client.get(url(review)).content.decode().replace("\n", " ")


def test_only_what_is_ticked_and_still_so_is_taken(boss: Person, inside: None, northgate: School):
    with scope.school(northgate.pk):
        taken, moved, gone, left = (
            people.student(f"{letter} {broken('Muñoz')}", mis_email=None) for letter in ("A", "B", "C", "D")
        )
        unknown = people.student("E Mu?oz")
        review = ask(northgate)
        Student.objects.filter(pk=moved.pk).update(family_name="Munoz")
        Student.objects.filter(pk=gone.pk).update(status="left")
        places = {proposal["id"]: place for place, proposal in enumerate(review.proposals)}
    chosen = [places[row.pk] for row in (taken, moved, gone, unknown)]
    answer = boss.client.post(url(review), {"take": [*chosen, 99, "x"]}, follow=True).content.decode()
    for words in ("Names corrected: 1.", "The name has changed since.", "This person has left."):
        assert words in answer
    with scope.school(northgate.pk):
        names = {row.given_name: row.family_name for row in Student.objects.all()}
        assert names == {"A": "Muñoz", "B": "Munoz", "C": broken("Muñoz"), "D": broken("Muñoz"), "E": "Mu?oz"}
        assert left.pk in places
    answer = boss.client.post(url(review), {"take": chosen}, follow=True).content.decode()
    assert "ended already" in answer


def test_a_correction_that_cannot_be_made_is_told(northgate: School):
    with scope.school(northgate.pk):
        one = people.student(broken("Zoë"))
        review = CharacterReview.objects.create(
            asked_at=timezone.now(),
            proposals=[
                {"kind": "students", "id": one.pk, "field": "given_name", "now": one.given_name, "proposed": "x" * 600}
            ],
        )
        done = characters.close_review(review, chosen={0}, by=None, at=timezone.now(), reason="")
    assert done.applied == 0
    assert "longer than" in done.skipped[0].why


def test_nothing_to_review(northgate: School):
    with scope.school(northgate.pk), pytest.raises(characters.NothingToReview):
        ask(northgate)


def test_who_may_look_and_who_may_correct(dana: Person, boss: Person, alice: Person, northgate: School):
    with scope.school(northgate.pk):
        people.student(f"A {broken('Muñoz')}")
        review = ask(northgate)
    outside = boss.client.get(url(review))
    assert outside["Location"] == reverse("admin:users_supportgrant_add")
    for person in (boss, dana):
        support.open_grant(account=person.account, school=northgate, reason="ticket 9", at=timezone.now())
    text = dana.client.get(url(review)).content.decode()
    assert "Muñoz" in text
    assert 'name="take"' not in text
    assert dana.client.post(url(review), {"take": [0]}).status_code == 403
    assert boss.client.get(reverse("admin:sync_characterreview_change", args=[review.pk + 1])).status_code == 404
    assert boss.client.get(reverse("admin:sync_characterreview_changelist")).status_code == 200
    assert alice.client.get(url(review)).status_code in {302, 403}


def test_another_schools_review_stays_there(boss: Person, inside: None, himal: School):
    with scope.school(himal.pk):
        people.student(f"A {broken('Muñoz')}")
        review = ask(himal)
    assert boss.client.get(url(review)).status_code == 404


# Every name whole, from the file to the page, the file, the letter and the search (R64).


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_golden_names_arrive_to_the_letter(place: Any, small_world: Any):
    there: Place = place(small_world)
    given = io.StringIO(newline="")
    writer = csv.writer(given)
    writer.writerow(["ref", "given_name", "family_name", "email"])
    writer.writerows([f"{number}", name, f"Number{number}", "nonsense"] for number, name in enumerate(GOLDEN))
    (there.folder / "students.csv").write_bytes(given.getvalue().encode())
    assert there.perform(1).status == "ok"
    account = people.account("rhea@alder.example")
    with scope.school(there.school.pk):
        assert tuple(Student.objects.order_by("id").values_list("given_name", flat=True)) == GOLDEN
        head = people.staff_member("Rhea Head", email=account.email)
        people.membership(account, staff_member=head)
        people.super_user(head)
        assert [row.given_name for row in Student.objects.named("nguyen")] == ["Nguyễn"]
        assert [row.given_name for row in Student.objects.named("ZOLC")] == ["Żółć"]
        assert Run.objects.get().remarks == []
    base = f"/s/{there.school.slug}"
    client = signed_in(account)
    shown = client.get(f"{base}/reception/data-quality/malformed/").content.decode()
    found = client.get(f"{base}/staff/", {"q": "王小明"}).content.decode()
    lines = client.get(f"{base}/reception/data-quality/malformed.csv").content.decode("utf-8-sig")
    in_file = {line["Name"].rpartition(" ")[0] for line in csv.DictReader(io.StringIO(lines, newline=""))}
    assert in_file == set(GOLDEN)
    assert "王小明" in found
    for name in GOLDEN:
        assert as_html(name) in shown
        sent = EmailMessage(subject=f"For {name}", body=f"Dear {name}", to=["ann@mail.example"]).message().as_bytes()
        read = email.message_from_bytes(sent, policy=email.policy.default)
        assert read["Subject"] == f"For {name}"
        assert read.get_content().strip() == f"Dear {name}"


def as_html(name: str) -> str:
    return name.replace("'", "&#x27;")
