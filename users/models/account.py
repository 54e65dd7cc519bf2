"""The login: one account per real e-mail address on the whole platform (D1, R26)."""

import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower, Trim
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from users.emails import DUMMY_SUFFIX


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts, and finds them whatever the case of the address."""

    def get_by_natural_key(self, username: str | None) -> "Account":
        """Find by address, case-insensitively: the unique index is case-insensitive too."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Create an account; without a password it can only be activated or signed in to by code."""
        account = self.model(email=email.strip().lower(), **fields)
        account.set_password(password)
        account.full_clean(exclude=["password"])
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """Create one of our own people who may use the Django admin."""
        return self.create_user(email, password, is_support=True, is_superuser=True, **fields)


class Account(AbstractBaseUser, PermissionsMixin):
    """A way in. It holds no personal data but its address; people are per school and tied to it by memberships."""

    email = models.EmailField(_("e-mail address"), max_length=254)
    is_active = models.BooleanField(default=True)
    is_support = models.BooleanField(default=False, help_text=_("One of our own people: may use the Django admin."))
    activated_at = models.DateTimeField(null=True, blank=True, help_text=_("When its owner first proved the address."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = AccountManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(Lower("email"), name="one_account_per_address"),
            models.CheckConstraint(
                condition=models.Q(email=Trim("email")) & ~models.Q(email=""), name="account_address"
            ),
            models.CheckConstraint(
                condition=~models.Q(email__iendswith=DUMMY_SUFFIX),
                name="dummies_have_no_account",
                violation_error_message=_("A placeholder address cannot sign in."),
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_staff(self) -> bool:
        """Django's word for "may enter the admin": our support, never a school's staff."""
        return self.is_support

    def activate(self, at: datetime.datetime) -> None:
        """Note the first time its owner proved the address."""
        if self.activated_at is None:
            self.activated_at = at
