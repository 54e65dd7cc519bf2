"""A school asks support for a sync now; support starts it or says why not (R19). Super users start none themselves."""

import datetime

from django.db import IntegrityError, transaction

from sync.models import Run, RunRequest
from sync.operations import runs, single
from sync.pipeline.narrow import Only
from sync.queries import requests
from tenants.models import School
from tenants.operations import record


class UnableToAsk(Exception):
    """Nothing could be read if it were granted; the message says why and what to do first."""


class AlreadyAsked(Exception):
    """The same wish waits already; the message says since when."""


class NotWaiting(Exception):
    """Somebody has withdrawn or answered it in the meantime."""


class NoReason(ValueError):
    """The other side reads why; the message says what to write."""


@transaction.atomic
def ask(*, school: School, kind: Run.Kind, reason: str, by: int, at: datetime.datetime, only: str = "") -> RunRequest:
    """Put the open school's wish for a sync before support; one waits for each kind and target.

    Raises:
        UnableToAsk, AlreadyAsked, NoReason: nothing was asked.
    """
    if not reason.strip():
        raise NoReason("Say why you need it now, so that support can judge it.")
    if words := requests.why_not(school, kind):
        raise UnableToAsk(words)
    try:
        with transaction.atomic():
            made: RunRequest = RunRequest.objects.create(
                kind=kind, only=only, reason=reason.strip(), asked_by_id=by, asked_at=at
            )
    except IntegrityError:
        first = RunRequest.objects.get(kind=kind, only=only, answered_at=None)
        raise AlreadyAsked(_already(first, school)) from None
    record(action="sync.asked", by=by, at=at, subject=_subject(made), reason=made.reason)
    return made


def _already(first: RunRequest, school: School) -> str:
    asked = school.local(first.asked_at)
    return f"This was asked on {asked.day} {asked:%B} at {asked:%H:%M} already, and waits for support’s answer."


@transaction.atomic
def withdraw(*, request: RunRequest, by: int, at: datetime.datetime) -> None:
    """Take a wish back that nobody has answered; only the audit trail remembers it.

    Raises:
        NotWaiting: it was answered or withdrawn already.
    """
    current = _waiting(request)
    record(action="sync.ask_withdrawn", by=by, at=at, subject=_subject(current), reason=current.reason)
    current.delete()


@transaction.atomic
def grant(*, request: RunRequest, by: int, at: datetime.datetime) -> Run:
    """Start the sync that the open school asked for, in the name and for the reason of whoever asked (R18).

    Raises:
        NotWaiting: it was answered or withdrawn already.
        UnableToAsk: by now nothing could be read; it waits on.
    """
    current = _waiting(request)
    if words := requests.why_not(current.school, current.kind):
        raise UnableToAsk(words)
    run = _run(current, at=at)
    _answer(current, by=by, at=at, run=run)
    record(action="sync.ask_granted", by=by, at=at, subject=_subject(current), reason=f"run:{run.pk}")
    return run


@transaction.atomic
def decline(*, request: RunRequest, declined: str, by: int, at: datetime.datetime) -> None:
    """Say no, with the words that the school reads.

    Raises:
        NotWaiting: it was answered or withdrawn already.
        NoReason: the school would not know why.
    """
    if not declined.strip():
        raise NoReason("Say why not, and what the school can do instead: its super users read this.")
    current = _waiting(request)
    _answer(current, by=by, at=at, declined=declined.strip())
    record(action="sync.ask_declined", by=by, at=at, subject=_subject(current), reason=current.declined)


def _run(request: RunRequest, *, at: datetime.datetime) -> Run:
    school, by, reason = request.school, request.asked_by_id, request.reason
    if not request.only:
        kind = Run.Kind(request.kind)
        return runs.request(school=school, kind=kind, trigger=Run.Trigger.ONE_OFF, by=by, reason=reason, at=at)
    try:
        return single.request(school=school, only=Only.of(request.only), by=by, reason=reason, at=at)
    except single.NobodyThere as fault:
        raise UnableToAsk(str(fault)) from None


def _waiting(request: RunRequest) -> RunRequest:
    """Lock a request that nobody has answered, so that two who answer at once give one answer."""
    found: RunRequest | None = RunRequest.objects.select_for_update().filter(pk=request.pk, answered_at=None).first()
    if found is None:
        raise NotWaiting("This request was answered or withdrawn in the meantime.")
    return found


def _answer(request: RunRequest, *, by: int, at: datetime.datetime, run: Run | None = None, declined: str = "") -> None:
    request.answered_by_id, request.answered_at, request.run, request.declined = by, at, run, declined
    request.save(update_fields=["answered_by", "answered_at", "run", "declined"])


def _subject(request: RunRequest) -> str:
    return f"run_request:{request.pk}"
