"""E-mail addresses of people: what is a dummy, and how one is made (R26, R29)."""

from typing import Final

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
