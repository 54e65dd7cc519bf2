"""Secrets at rest: encrypted with the first of FIELD_KEYS, opened by any of them, so that keys can be replaced."""

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UnreadableSecret(RuntimeError):
    """None of FIELD_KEYS opens a stored value: a key was removed before `rotate`."""


def seal(text: str) -> str:
    """Encrypt with the newest key."""
    return seal_bytes(text.encode()).decode()


def unseal(token: str) -> str:
    """Decrypt with whichever key opens it.

    Raises:
        UnreadableSecret: none does.
    """
    return unseal_bytes(token.encode()).decode()


def seal_bytes(data: bytes) -> bytes:
    """Encrypt what is no text with the newest key."""
    return _box().encrypt(data)


def unseal_bytes(token: bytes) -> bytes:
    """Decrypt what is no text; errors as in `unseal`."""
    try:
        return _box().decrypt(token)
    except InvalidToken:
        raise UnreadableSecret("no key in FIELD_KEYS opens this value; put the older key back") from None


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


class EncryptedJSONField(models.TextField[Any, Any]):
    """Stores any JSON value as a Fernet token."""

    # What may be assigned and what is read, for django-stubs: not the text that a TextField holds.
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt."""
        return seal(json.dumps(value, sort_keys=True))

    def from_db_value(self, value: Any, expression: object, connection: object) -> Any:
        """Decrypt.

        Raises:
            UnreadableSecret: no key opens it.
        """
        return None if value is None else json.loads(unseal(value))

    def to_python(self, value: Any) -> Any:
        """Accept what a form or a fixture gives."""
        return json.loads(value) if isinstance(value, str) else value
