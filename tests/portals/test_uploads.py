"""The page on which a super user uploads a school's files, looks at what they would do, and has them synced."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from sync.models import Run
from sync.operations import connections, uploads
from tenants import scope
from tenants.models import School
from tests.conftest import Person
from tests.factories import people
from users.models import Student

FILES = "/s/northgate/reception/files/"
ROSTER = "ref,given_name,family_name,email\n1,Ann,Lee,\n2,Bo,Li,nonsense\n"


@pytest.fixture
def by_hand(northgate: School, tmp_path: Path, settings: Settings) -> School:
    """Northgate, giving us its files by hand."""
    settings.FILES_DIR = tmp_path / "files"
    with scope.school(northgate.pk):
        connections.connect(school=northgate, connector="csv_files", given={})
    return northgate


def send(person: Person, *files: tuple[str, str]) -> Any:
    chosen = [SimpleUploadedFile(name, text.encode()) for name, text in files]
    return person.client.post(FILES, {"chosen": chosen})


def seen(person: Person, *files: tuple[str, str]) -> tuple[str, str]:
    """Upload; return the address of the preview and its text."""
    answer = send(person, *files)
    assert answer.status_code == 302, answer.content.decode()
    page = person.client.get(answer["Location"])
    assert page.status_code == 200
    return answer["Location"], page.content.decode()


def test_an_upload_is_shown_before_it_is_done(rhea: Person, by_hand: School) -> None:
    where, text = seen(rhea, ("students.csv", ROSTER), ("house.csv", "x\n"))
    assert "2 read · 2 added" in text
    assert "e-mail address in the MIS is malformed" in text
    assert "Not read, because no list has this name: house.csv." in text
    assert "Sync now" in text
    with scope.school(by_hand.pk):
        assert not Student.objects.exists()
        assert not Run.objects.exists()
    answer = rhea.client.post(where)
    with scope.school(by_hand.pk):
        run = Run.objects.get()
        assert Path(connections.active().settings["folder"]).name in where
    assert answer["Location"] == f"/s/northgate/reception/runs/{run.pk}/"
    assert run.requested_by_id == rhea.account.pk


def test_rows_that_lean_on_a_faulty_one_are_counted_and_it_is_named_once(rhea: Person, by_hand: School) -> None:
    roster = "ref,given_name,family_name\n1,Ann,Lee\n77\n"
    guardians = "ref,given_name,family_name\nG1,Joe,Lee\nG2,Zoe,Lee\n"
    ties = "student_ref,guardian_ref\n1,G1\n99,G1\n99,G2\n"
    _, text = seen(rhea, ("students.csv", roster), ("guardians.csv", guardians), ("ties.csv", ties))
    assert "Take it out, or add what it names, which is not in students." in text
    assert "2 ties</summary><div><p>99</p>" in text
    assert ">The row has 1 columns but the header 3" in text


def test_wrong_files_are_named_and_the_present_ones_stay(rhea: Person, by_hand: School) -> None:
    with scope.school(by_hand.pk):
        before = connections.active().settings
    _, text = seen(rhea, ("students.csv", "ref,given_name\n1,Ann\n"))
    assert "students.csv has no column family_name" in text
    assert "the files from before are still in force" in text
    assert "Sync now" not in text
    with scope.school(by_hand.pk):
        assert connections.active().settings == before


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], "Choose at least one file."),
        ([("students.csv", "")], "One of the files is empty."),
        ([("students.csv", ROSTER), ("photo.png", "x")], "“photo.png” is not one of"),
    ],
)
def test_what_cannot_be_taken_is_said_beside_the_field(
    rhea: Person, by_hand: School, files: list[tuple[str, str]], words: str
) -> None:
    answer = send(rhea, *files)
    assert answer.status_code == 200
    text = answer.content.decode()
    assert words in text
    assert 'aria-invalid="true"' in text


def test_the_page_says_who_uploaded_and_when(rhea: Person, by_hand: School) -> None:
    where, _ = seen(rhea, ("students.csv", ROSTER))
    rhea.client.post(where)
    text = rhea.client.get(FILES).content.decode()
    assert "Uploaded: 1 file" in text
    assert "Put in force: 1 file" in text
    assert "rhea@northgate-school.example" in text


def test_names_of_files_are_text(rhea: Person, by_hand: School) -> None:
    _, text = seen(rhea, ("students.csv", ROSTER), ("<b>x.csv", "x\n"))
    assert "&lt;b&gt;x.csv" in text
    assert "<b>x" not in text


def test_a_batch_that_is_gone_leads_back(rhea: Person, by_hand: School) -> None:
    for ask in (rhea.client.get, rhea.client.post):
        answer = ask(f"{FILES}uploads/20261124T081500Z-0a1b2c3d/")
        assert "These files are no longer there." in answer.content.decode()
        assert "Sync now" not in answer.content.decode()


def test_a_batch_in_force_elsewhere_meanwhile_is_not_used(rhea: Person, by_hand: School) -> None:
    where, _ = seen(rhea, ("students.csv", ROSTER))
    with scope.school(by_hand.pk):
        connections.connect(school=by_hand, connector="csv_files", given={"place": "drop"})
    assert "does not come from uploaded files" in rhea.client.post(where).content.decode()
    with scope.school(by_hand.pk):
        assert not Run.objects.exists()


def test_only_schools_that_give_files_by_hand_see_the_form(rhea: Person, northgate: School) -> None:
    text = rhea.client.get(FILES).content.decode()
    assert 'type="file"' not in text
    assert "send them to support" in text
    assert send(rhea, ("students.csv", ROSTER)).status_code == 200
    with scope.school(northgate.pk):
        assert not uploads.is_welcome()


def test_uploads_are_for_super_users_of_this_school(
    alice: Person, bob: Person, charlie: Person, rhea: Person, by_hand: School
) -> None:
    where, _ = seen(rhea, ("students.csv", ROSTER))
    for person, codes in ((alice, {403}), (bob, {302}), (charlie, {404})):
        for answer in (send(person, ("students.csv", ROSTER)), person.client.get(where), person.client.post(where)):
            assert answer.status_code in codes
            assert where not in answer.get("Location", "")
    with scope.school(by_hand.pk):
        assert not Run.objects.exists()
    assert len(list(connections.default_folder(by_hand).iterdir())) == 1


def test_another_school_s_upload_is_not_to_be_seen(rhea: Person, by_hand: School, himal: School) -> None:
    where, _ = seen(rhea, ("students.csv", ROSTER))
    account = people.account("sita@himal.example")
    with scope.school(himal.pk):
        row = people.staff_member("Sita Rai", email=account.email)
        people.membership(account, staff_member=row)
        people.super_user(row)
    client = Client()
    client.force_login(account)
    text = client.get(where.replace("northgate", "himal")).content.decode()
    assert "no longer there" in text
    assert "students.csv" not in text


def test_a_form_from_elsewhere_is_not_obeyed(rhea: Person, by_hand: School) -> None:
    where, text = seen(rhea, ("students.csv", ROSTER))
    assert re.search("csrfmiddlewaretoken", text)
    client = Client(enforce_csrf_checks=True)
    client.force_login(rhea.account)
    assert client.post(where).status_code == 403
    assert client.post(FILES, {"chosen": SimpleUploadedFile("students.csv", b"x")}).status_code == 403


def test_the_template_of_attendance(rhea: Person, northgate: School) -> None:
    answer = rhea.client.get(f"{FILES}attendance.csv")
    assert answer.content.decode("utf-8-sig").startswith(
        "student_ref,date,session,code,meaning,minutes_late,lesson\r\n"
    )
    assert "attendance.csv" in rhea.client.get(FILES).content.decode()
