"""Wonde's webhooks: JSON by POST, three attempts, and nothing that proves who sends it."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Final

ATTEMPTS: Final = 3


def deliver(url: str, payload: Mapping[str, object]) -> list[int]:
    """Post a payload until it is taken, three times at most; return the status of each attempt, 0 for no answer."""
    statuses: list[int] = []
    while len(statuses) < ATTEMPTS and not any(200 <= status < 300 for status in statuses):
        statuses.append(_post(url, json.dumps(payload).encode()))
    return statuses


def _post(url: str, body: bytes) -> int:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 a test's own server
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 the same
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code
    except OSError:
        return 0
