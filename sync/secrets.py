"""A JSON field encrypted at rest with the keys of FIELD_KEYS, newest first; older keys still open old values."""

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class UnreadableSecret(RuntimeError):
    """None of FIELD_KEYS opens a stored value: a key was removed before `rotate`."""


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])


class EncryptedJSONField(models.TextField[Any, Any]):
    """Stores any JSON value as a Fernet token."""

    def get_prep_value(self, value: Any) -> Any:
        """Encrypt."""
        return _box().encrypt(json.dumps(value, sort_keys=True).encode()).decode()

    def from_db_value(self, value: Any, expression: object, connection: object) -> Any:
        """Decrypt.

        Raises:
            UnreadableSecret: no key opens it.
        """
        if value is None:
            return None
        try:
            return json.loads(_box().decrypt(value.encode()))
        except InvalidToken:
            raise UnreadableSecret("no key in FIELD_KEYS opens this value; put the older key back") from None

    def to_python(self, value: Any) -> Any:
        """Accept what a form or a fixture gives."""
        return json.loads(value) if isinstance(value, str) else value
