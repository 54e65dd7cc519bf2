"""How long to wait: between requests, between tries, and when a host asks for it."""

import datetime
import email.utils
import random
import time
from collections.abc import Mapping
from typing import Final, Protocol

PACE: Final = 5.0  # requests per second to a host that nothing is known about
LONGEST_WAIT: Final = 120.0  # seconds between two tries, whatever the host asks for
_AGES: Final = 1_000_000_000  # a number of seconds from here on is a moment: no limit lasts thirty years
_THOUSANDTHS: Final = 1_000 * _AGES  # and from here on it is one in thousandths


class Pace(Protocol):
    """Keeps all workers together under a partner's rate limit."""

    def wait(self, host: str) -> None:
        """Return as soon as one more request may go to this host."""

    def rest(self, host: str, seconds: float) -> None:
        """Let nobody's request go to this host for a while: it asked for that."""


def backoff(attempt: int) -> float:
    """Seconds to wait after a failed try where the host does not say."""
    return float(2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311 so that workers do not come back in step


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a host wants to be left alone after a 429 or 5xx; None if nothing of use is said.

    `Retry-After` goes before `X-RateLimit-Reset`, whose form ManageBac does not document.
    """
    said = _retry_after(headers.get("Retry-After", "").strip())
    return said if said is not None else _reset(headers)


def spent(headers: Mapping[str, str]) -> float | None:
    """Seconds until a host answers again, if this was the last answer for now: `X-RateLimit-Remaining: 0`."""
    return _reset(headers) if headers.get("X-RateLimit-Remaining", "").strip() == "0" else None


def _retry_after(said: str) -> float | None:
    """As seconds or as a date (RFC 9110, 10.2.3)."""
    if said.isdecimal() and said.isascii():
        return min(float(said), LONGEST_WAIT)
    moment = _date(said)
    return None if moment is None else _bounded(moment - time.time())


def _reset(headers: Mapping[str, str]) -> float | None:
    """As seconds from now, or as a moment: in seconds or thousandths of Unix time, by ISO 8601, or as a date of HTTP.

    A moment that is over says nothing: either clock may be wrong.
    """
    said = headers.get("X-RateLimit-Reset", "").strip()
    number = _number(said)
    if number is not None and number >= _THOUSANDTHS:
        number /= 1_000
    if number is not None and number < _AGES:
        left = number
    else:
        moment = number or _iso(said) or _date(said)
        left = 0.0 if moment is None else moment - time.time()
    return _bounded(left) if left > 0 else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _number(said: str) -> float | None:
    try:
        return float(said) if said.replace(".", "", 1).isdecimal() and said.isascii() else None
    except ValueError:
        return None


def _iso(said: str) -> float | None:
    """A moment by ISO 8601; one without a zone is in UTC, as ManageBac says."""
    try:
        moment = datetime.datetime.fromisoformat(said)
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _date(said: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(said).timestamp()
    except (ValueError, OverflowError):
        return None
