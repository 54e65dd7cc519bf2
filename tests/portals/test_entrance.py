"""The way in: choosing, joining a second school, themes, the gallery, and whether we are up."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisDown

from tenants import scope
from tenants.models import AuditEvent, School
from tests.conftest import Person, signed_in
from tests.factories import people
from users.models import Membership, Student


def text(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_a_visitor_is_greeted_without_a_query(django_assert_num_queries: Any, db: None):
    with django_assert_num_queries(0):
        assert "/accounts/login/" in text(Client(), "/")


def test_one_way_in_is_taken_at_once(alice: Person, bob: Person):
    assert alice.client.get("/")["Location"] == "/s/northgate/staff/"
    assert bob.client.get("/")["Location"] == "/s/northgate/parent/"


def test_two_ways_are_a_choice_and_the_last_one_is_remembered(rhea: Person):
    chooser = text(rhea.client, "/")
    assert "/s/northgate/staff/" in chooser
    assert "/s/northgate/reception/" in chooser
    rhea.client.get("/s/northgate/reception/")
    assert rhea.client.get("/")["Location"] == "/s/northgate/reception/"
    assert "/s/northgate/staff/" in text(rhea.client, "/?choose=1")


def test_a_student_s_membership_opens_no_way_yet(northgate: School, ana: Student):
    account = people.account("ana@mail.example")
    with scope.school(northgate.pk):
        people.membership(account, student=ana)
    client = signed_in(account)
    assert "No way in yet" in text(client, "/")
    assert client.get("/s/northgate/staff/").status_code == 404


def test_pages_of_the_account_ask_to_sign_in(db: None):
    assert Client().get("/account/")["Location"] == "/accounts/login/?next=/account/"


def test_a_remembered_way_that_is_closed_now_is_forgotten(alice: Person):
    alice.client.cookies["way"] = "himal/staff"
    assert alice.client.get("/")["Location"] == "/s/northgate/staff/"


def test_support_finds_its_desk_and_nobody_s_account_finds_words(dana: Person):
    assert "/admin/" in text(dana.client, "/")
    assert "No way in yet" not in text(dana.client, "/")
    client = signed_in(people.account("nobody@mail.example"))
    assert "Ask your school’s office" in text(client, "/")


@pytest.fixture
def asked(alice: Person, himal: School) -> Person:
    """Alice, whom Himal has found in its records as well."""
    with scope.school(himal.pk):
        people.membership(
            alice.account, confirmed=False, guardian=people.guardian("Alice H", email=alice.account.email)
        )
    return alice


def test_a_second_school_asks_first(asked: Person, himal: School):
    assert "Do you belong to Himal International School?" in text(asked.client, "/")
    assert asked.client.get("/s/himal/parent/")["Location"] == "/?choose=1"
    response = asked.client.post("/s/himal/joining/", {"answer": "yes"})
    assert response["Location"] == "/"
    assert asked.client.get("/s/himal/parent/").status_code == 200
    assert "Other schools" in text(asked.client, "/s/himal/parent/")
    with scope.school(himal.pk):
        assert AuditEvent.objects.get().action == "membership.confirmed"


def test_not_me_lets_go_and_leaves_the_school_a_line(asked: Person, himal: School):
    asked.client.post("/s/himal/joining/", {"answer": "no"})
    assert Membership.objects.get(school=himal).refused_at
    assert asked.client.get("/s/himal/parent/").status_code == 404
    assert "Himal" not in text(asked.client, "/?choose=1").replace("Himal International School will see", "")
    assert asked.client.post("/s/himal/joining/", {"answer": "yes"}).status_code == 404
    with scope.school(himal.pk):
        assert AuditEvent.objects.get().action == "membership.refused"


def test_there_must_be_something_to_answer(alice: Person, northgate: School, himal: School):
    assert alice.client.post("/s/himal/joining/", {"answer": "yes"}).status_code == 404
    assert alice.client.post("/s/northgate/joining/", {"answer": "no"}).status_code == 404
    assert Membership.objects.filter(account=alice.account).exists()


@pytest.mark.parametrize(
    ("theme", "media"), [("auto", "(prefers-color-scheme: dark)"), ("dark", "all"), ("light", None)]
)
def test_the_server_sends_the_right_theme(theme: str, media: str | None, db: None):
    client = Client()
    response = client.post("/account/theme", {"theme": theme, "next": "/gallery/"})
    assert response["Location"] == "/gallery/"
    page = text(client, "/")
    assert ("dark.css" in page) is (media is not None)
    if media:
        assert f'media="{media}"' in page


@pytest.mark.parametrize("back", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)"])
def test_the_theme_switch_leads_nowhere_else(back: str, db: None):
    assert Client().post("/account/theme", {"theme": "neon", "next": back})["Location"] == "/"


def test_a_theme_cookie_from_elsewhere_is_ignored(db: None):
    client = Client()
    client.cookies["theme"] = '"><script>'
    assert "<script>" not in text(client, "/").replace('<script type="module"', "")


def test_a_hue_is_a_stylesheet_for_a_year(db: None):
    response = Client().get("/theme/262.css")
    assert response.content == b"@layer tokens{:root{--h:262}}\n"
    assert response["Content-Type"].startswith("text/css")
    assert "immutable" in response["Cache-Control"]
    assert Client().get("/theme/360.css").status_code == 404


def test_a_school_has_its_hue(charlie: Person):
    assert "/theme/262.css" in text(charlie.client, "/s/himal/staff/")


def test_the_gallery_shows_every_component(db: None):
    page = text(Client(), "/gallery/")
    for file in sorted((Path(settings.BASE_DIR) / "templates" / "cotton").glob("*.html")):
        assert f'id="{file.stem}"' in page, file.stem


def test_we_are_up(db: None):
    assert Client().get("/healthz").content == b"ok"
    assert Client().get("/readyz").content == b"ok"


def test_we_say_what_is_down(db: None, monkeypatch: pytest.MonkeyPatch):
    def down(_key: str) -> None:
        raise RedisDown

    monkeypatch.setattr(cache, "get", down)
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.content == b"redis does not answer"


def test_an_address_is_changed_at_the_school(alice: Person):
    assert "school’s records" in text(alice.client, "/accounts/email/")
    assert alice.client.post("/accounts/email/", {"email": "x@mail.example", "action_add": ""}).status_code == 405


@pytest.mark.parametrize("path", ["/nowhere/", "/s/nowhere/staff/"])
def test_404_is_a_page_of_ours(path: str, db: None):
    response = Client().get(path)
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_every_page_forbids_inline_script_and_style(alice: Person):
    response = alice.client.get("/s/northgate/staff/")
    assert "script-src 'self'" in response["Content-Security-Policy"]
    page = response.content.decode()
    assert " style=" not in page
    assert "<style" not in page
    assert "onclick" not in page
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_box_at_sign_in_says_what_it_does(db: None):
    assert '<label for="id_remember">Stay signed in on this device</label>' in text(Client(), "/accounts/login/")
