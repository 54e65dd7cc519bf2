"""The front door: codes, passwords, activation, and nobody who should not."""

import json
import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.test import Client

from tests.conftest import Person
from tests.factories import people
from users.models import Account

pytestmark = pytest.mark.django_db


def from_the_roster(email: str = "new@mail.example") -> Account:
    """An account as the sync makes it: no password, nothing proven."""
    return Account.objects.create_user(email)


def code() -> str:
    found = re.search(r"^([A-Z0-9]{3,}-?[A-Z0-9]*)$", str(mail.outbox[-1].body), re.MULTILINE)
    assert found, mail.outbox[-1].body
    return found.group(1)


def test_a_code_proves_the_address_and_activates_the_account():
    account, client = from_the_roster(), Client()
    client.post("/accounts/login/code/", {"email": "NEW@mail.example"})
    assert mail.outbox[-1].to == ["new@mail.example"]
    response = client.post("/accounts/login/code/confirm/", {"code": code()})
    assert response["Location"] == "/"
    account.refresh_from_db()
    assert account.activated_at
    assert EmailAddress.objects.get(user=account).verified
    assert len(mail.outbox) == 1


def test_a_password_is_set_by_code_and_then_works():
    account, client = from_the_roster(), Client()
    client.post("/accounts/password/reset/", {"email": account.email})
    client.post("/accounts/password/reset/confirm/", {"code": code()})
    client.post("/accounts/password/reset/complete/", {"password1": people.PASSWORD, "password2": people.PASSWORD})
    again = Client()
    response = again.post("/accounts/login/", {"login": account.email, "password": people.PASSWORD})
    assert response["Location"] == "/"
    account.refresh_from_db()
    assert account.activated_at


def test_the_answer_is_the_same_for_known_and_unknown_addresses():
    from_the_roster()
    for path in ("/accounts/login/code/", "/accounts/password/reset/"):
        known = Client().post(path, {"email": "new@mail.example"})
        unknown = Client().post(path, {"email": "nobody@mail.example"})
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert "sign up" not in str(mail.outbox[-1].body)


def test_nobody_signs_up():
    response = Client().get("/accounts/signup/")
    assert "There is no sign-up" in response.content.decode()
    Client().post("/accounts/signup/", {"email": "x@mail.example", "password1": people.PASSWORD})
    assert not Account.objects.exists()


def test_a_dummy_gets_no_mail():
    Client().post("/accounts/login/code/", {"email": "student-1@northgate.noemail.invalid"})
    assert not mail.outbox


def test_an_account_that_is_switched_off_stays_out():
    people.account("off@mail.example", is_active=False)
    client = Client()
    client.post("/accounts/login/", {"login": "off@mail.example", "password": people.PASSWORD})
    assert client.get("/account/").status_code == 302


def test_the_sign_in_page_offers_no_sign_up():
    page = Client().get("/accounts/login/").content.decode()
    assert "signup" not in page
    assert "Send me a code by e-mail" in page
    assert "Use a passkey" in page


def test_the_secret_of_a_second_factor_is_sealed_at_rest(alice: Person):
    TOTP.activate(alice.account, "JBSWY3DPEHPK3PXP")
    stored = Authenticator.objects.get(user=alice.account).data
    assert "JBSWY3DPEHPK3PXP" not in json.dumps(stored)
    assert get_adapter().decrypt(stored["secret"]) == "JBSWY3DPEHPK3PXP"
