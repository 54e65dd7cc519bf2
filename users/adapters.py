"""How we differ from allauth's defaults: no sign-up, no mail to dummies, activation on the first proven sign-in."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from tenants import secrets
from users.emails import is_dummy
from users.models import Account


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc] # allauth is untyped
    """The rules of our front door."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: people come from the roster or from support (R26)."""
        return False

    def format_email_subject(self, subject: str) -> str:
        """Leave the site's domain out of the subject."""
        return subject

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send, but never to a dummy (R29)."""
        if is_dummy(email):
            return
        keep_address(Account.objects.filter(email__iexact=email).first())
        super().send_mail(template_prefix, email, context)

    def pre_login(self, request: HttpRequest, user: Account, **kwargs: Any) -> HttpResponse | None:
        """Make sure that the account's address can be proven by a code before the sign-in goes on."""
        keep_address(user)
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response

    def login(self, request: HttpRequest, user: Account) -> None:
        """Sign in; every factor was given by now, so the address is proven and the account active (R70)."""
        super().login(request, user)
        if user.activated_at is None:
            user.activate(timezone.now())
            user.save(update_fields=["activated_at"])


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc] # allauth is untyped
    """Second factors: their secrets are sealed at rest."""

    def encrypt(self, text: str) -> str:
        """Seal with the newest of FIELD_KEYS."""
        return secrets.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Open with whichever key fits."""
        return secrets.unseal(encrypted_text)


def keep_address(account: Account | None) -> None:
    """Give an account that the roster made the row in which allauth notes that its address was proven."""
    if account is not None:
        EmailAddress.objects.get_or_create(
            user=account, email=account.email.lower(), defaults={"primary": True, "verified": False}
        )
