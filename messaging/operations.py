"""Writing letters and delivering them. A letter is a row first; the mail server is spoken with between two scopes."""

import dataclasses
import datetime
import enum
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import timezone

from messaging import post, queries
from messaging.models import Letter
from messaging.signals import letter_written
from tenants import scope
from tenants.models import School
from users.emails import as_the_sync_writes_it, is_dummy
from users.models import Account

log = logging.getLogger(__name__)

# Longer than one try can take; a letter that is still being tried then was left by a worker that died.
LOST_AFTER: Final = datetime.timedelta(minutes=10)
# After each try that led to nothing; a letter is tried once more than there are pauses, over about five hours.
PAUSES: Final = tuple(datetime.timedelta(minutes=minutes) for minutes in (2, 15, 60, 240))
MOST_AT_ONCE: Final = 200  # letters of one sweep
KEPT_FOR: Final = datetime.timedelta(days=30)

Clock = Callable[[], datetime.datetime]


class NoMailbox(ValueError):
    """No mail may go there: a dummy, no address at all, or a login that nobody has ever used (R27, R29)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipient:
    """Somebody who can be written to; none can be made of a dummy.

    Raises:
        NoMailbox: see there.
    """

    address: str
    account: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no mailbox."""
        if not self.address or is_dummy(self.address) or as_the_sync_writes_it(self.address) != self.address:
            raise NoMailbox("this is no address that mail can go to")

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the owner of a login, who has proven its address once.

        Raises:
            NoMailbox: it was never used, or is shut.
        """
        if account.activated_at is None or not account.is_active:
            raise NoMailbox("nobody has proven this address")
        return cls(address=as_the_sync_writes_it(account.email), account=account.pk)

    @classmethod
    def ours(cls, address: str) -> Self:
        """Return a mailbox of our own."""
        return cls(address=as_the_sync_writes_it(address))


@transaction.atomic
def write(
    *,
    key: str,
    to: Iterable[Recipient],
    template: str,
    context: Mapping[str, object],
    by_school: School,
    at: datetime.datetime,
) -> list[Letter]:
    """Write a letter of the open school to each of these, and return the new ones; one about `key` exists once.

    `templates/messaging/<template>.txt` begins with the subject and an empty line; `.html` says the same.
    """
    said = {"school": by_school, "site": settings.SITE_URL, **context}
    subject, _, text = render_to_string(f"messaging/{template}.txt", said).strip().partition("\n\n")
    html = render_to_string(f"messaging/{template}.html", said | {"subject": subject})
    words = {"subject": " ".join(subject.split()), "text": text.strip() + "\n", "html": html}
    fresh = []
    for one in to:
        rest = words | {"account_id": one.account, "written_at": at, "due_at": at}
        letter, new = Letter.objects.get_or_create(key=key, address=one.address, defaults=rest)
        if new:
            fresh.append(letter)
            _tell(by_school.pk, letter.pk)
    return fresh


def _tell(school: int, letter: int) -> None:
    # Robust: without its message a letter waits for the next sweep, and nobody's page fails because the queue is away.
    transaction.on_commit(lambda: letter_written.send(sender=Letter, school=school, letter=letter), robust=True)


class Attempt(enum.StrEnum):
    """What one try came to."""

    SENT = "sent"
    FAILED = "failed"
    LATER = "later"
    UNREACHABLE = "unreachable"
    NOT_OURS = "not ours"  # it is settled, not due yet, or in another worker's hands


def deliver(*, school: int, letter: int, clock: Clock = timezone.now) -> Attempt:
    """Try to deliver a letter that is due. Any number of workers may try: one of them has it.

    It is marked before it is handed over and settled behind that, so a letter that was sent goes out again only if its
    worker dies between the mail server's yes and our noting it (see `post.hand_over`). It is never lost.
    """
    with scope.school(school):
        found = _mine(letter, at=clock())
    if found is None:
        return Attempt.NOT_OURS
    try:
        post.hand_over(found)
    except post.Undeliverable as fault:
        return _settled(school, found, Attempt.FAILED, clock(), fault=str(fault))
    except post.NotNow as fault:
        return _put_off(school, found, clock(), fault)
    return _settled(school, found, Attempt.SENT, clock())


def _mine(letter: int, *, at: datetime.datetime) -> Letter | None:
    """Mark the try before it is made; None if there is none to make."""
    due = Letter.objects.filter(pk=letter, state=Letter.State.WAITING, due_at__lte=at)
    mine = due.update(attempts=F("attempts") + 1, due_at=at + LOST_AFTER)
    found: Letter | None = Letter.objects.get(pk=letter) if mine else None
    return found


def _put_off(school: int, letter: Letter, at: datetime.datetime, fault: post.NotNow) -> Attempt:
    if letter.attempts > len(PAUSES):
        return _settled(school, letter, Attempt.FAILED, at, fault=str(fault))
    with scope.school(school):
        waits = Letter.objects.filter(pk=letter.pk, state=Letter.State.WAITING)
        waits.update(due_at=at + PAUSES[letter.attempts - 1], fault=str(fault))
    log.info("letter %s of school %s waits: %s", letter.pk, school, fault)
    return Attempt.UNREACHABLE if isinstance(fault, post.Unreachable) else Attempt.LATER


def _settled(school: int, letter: Letter, attempt: Attempt, at: datetime.datetime, *, fault: str = "") -> Attempt:
    state = Letter.State(attempt.value)
    with scope.school(school):
        # What was sent stays sent, even if another worker thought this one dead and met a fault.
        Letter.objects.filter(pk=letter.pk).exclude(state=Letter.State.SENT).update(
            state=state, settled_at=at, fault=fault
        )
    if fault:
        log.warning("letter %s of school %s was given up: %s", letter.pk, school, fault)
    return attempt


def sweep(*, clock: Clock = timezone.now) -> int:
    """Deliver what waits because its message was lost, its worker died or its pause is over; return how many went.

    A mail server that does not speak with us ends the turn: it would keep each letter waiting and use up its tries.
    """
    sent = 0
    for school, letter in queries.due(at=clock(), most=MOST_AT_ONCE):
        attempt = deliver(school=school, letter=letter, clock=clock)
        sent += attempt is Attempt.SENT
        if attempt is Attempt.UNREACHABLE:
            break
    return sent


def purge(*, at: datetime.datetime) -> int:
    """Forget the words of letters that were settled long ago: they may hold names. Return how many."""
    forgotten = 0
    for school in queries.kept_too_long(before=at - KEPT_FOR):
        with scope.school(school):
            old = Letter.objects.filter(settled_at__lt=at - KEPT_FOR).exclude(text="")
            forgotten += old.update(subject="", text="", html="")
    return forgotten
