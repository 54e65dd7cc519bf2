"""E-mail addresses of people: what is a dummy, and how one is made (R26, R29)."""

import unicodedata
from typing import Final

from email_validator import EmailNotValidError, validate_email

DUMMY_SUFFIX: Final = ".noemail.invalid"  # `.invalid` is reserved (RFC 2606): no mail can ever be delivered there


def dummy_address(*, school: str, kind: str, number: int) -> str:
    """Return the stable, unique placeholder of one person: `student-41@northgate.noemail.invalid`."""
    return f"{kind}-{number}@{school}{DUMMY_SUFFIX}"


def is_dummy(address: str) -> bool:
    """Whether this is a placeholder: never mailed, never a way in."""
    return address.lower().endswith(DUMMY_SUFFIX)


def domain_of(address: str) -> str:
    """Return what stands behind the last @, in lower case."""
    return address.rpartition("@")[2].lower()


def as_the_sync_writes_it(text: str) -> str:
    """Return an address that a person typed as a night would write it, "" if no mail could reach it (R26)."""
    try:
        found = validate_email(
            text.strip().lower(), check_deliverability=False, test_environment=True, strict=True
        ).normalized
    except EmailNotValidError:
        return ""
    return unicodedata.normalize("NFC", found.lower())
