"""What a watchdog outside asks: whether the clock is alive, and the numbers of all schools together. No names."""

import datetime
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portals import gates
from portals.entrance import exposition
from portals.entrance.exposition import Gauge, by, plain
from sync.queries import health
from sync.queries.health import SILENT_AFTER, Vitals

_TEXT: Final = "text/plain; charset=utf-8"
_NO_DATABASE: Final = "the database does not answer, so nobody knows"


@require_safe
@never_cache
@gates.public
def clock(_request: HttpRequest) -> HttpResponse:
    """Say whether the dispatcher still has its turns; 503 with its age if it has not: the dead man's switch (R10)."""
    try:
        age = health.clock_age(at=timezone.now())
    except Error:
        return _said(_NO_DATABASE, HTTPStatus.SERVICE_UNAVAILABLE)
    if age is None:
        return _said(
            "the clock has never run: are beat and a worker of the queue clock up?", HTTPStatus.SERVICE_UNAVAILABLE
        )
    if age >= SILENT_AFTER:
        return _said(f"the clock is silent: its last turn was {_words(age)} ago", HTTPStatus.SERVICE_UNAVAILABLE)
    return _said(f"ok: the last turn was {_words(age)} ago", HTTPStatus.OK)


@require_safe
@never_cache
@gates.public
def metrics(request: HttpRequest) -> HttpResponse:
    """Give the numbers to whoever bears the token, as Prometheus reads them.

    Raises:
        Http404: nobody may read them, because no token was set.
    """
    if not settings.METRICS_TOKEN:
        raise Http404("no METRICS_TOKEN")
    if not constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {settings.METRICS_TOKEN}"):
        answer = _said("say “Authorization: Bearer” and the METRICS_TOKEN", HTTPStatus.UNAUTHORIZED)
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    try:
        vitals = health.vitals(at=timezone.now())
    except Error:
        return _said(_NO_DATABASE, HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(exposition.text(gauges(vitals)), content_type=exposition.CONTENT_TYPE)


def gauges(vitals: Vitals) -> Iterator[Gauge]:
    """Yield the numbers, all of them each time: what is nought is said as well."""
    age = math.inf if vitals.clock_age is None else vitals.clock_age.total_seconds()
    yield plain("schoolsbuddy_clock_age_seconds", "Since the last turn of the dispatcher.", age)
    yield plain("schoolsbuddy_clock_turn_seconds", "How long that turn took.", vitals.turn)
    yield plain("schoolsbuddy_clock_slots_left", "Slots that were due and wait for its next turn.", vitals.left)
    yield by("slot", "schoolsbuddy_slots_missed", "Slots that nobody claimed, in 24 hours.", vitals.missed)
    yield Gauge(
        "schoolsbuddy_runs",
        "Runs that wait or are carried out.",
        [
            ({"queue": name, "status": status}, number)
            for name, queue in vitals.queues.items()
            for status, number in (("queued", queue.waiting), ("running", queue.running))
        ],
    )
    oldest = {name: queue.oldest.total_seconds() for name, queue in vitals.queues.items()}
    yield by("queue", "schoolsbuddy_runs_oldest_seconds", "How long the first in the queue has waited.", oldest)
    yield by("error", "schoolsbuddy_runs_failed", "Runs that failed, in 24 hours.", vitals.failed)
    yield by("last_night", "schoolsbuddy_schools", "Schools, by what became of their last night.", vitals.nights)


def _said(words: str, status: HTTPStatus) -> HttpResponse:
    return HttpResponse(words, status=status, content_type=_TEXT)


def _words(age: datetime.timedelta) -> str:
    seconds = int(age.total_seconds())
    if seconds < 2 * 60:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 2 * 60 * 60 else f"{seconds // 3600} hours"
