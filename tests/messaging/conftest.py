"""A mail server of the tests' own, over real SMTP, that answers as it is told; and letters for it."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.utils import timezone
from pytest_django.fixtures import Settings

from local.processes import LOOPBACK, free_port
from messaging.models import Letter
from messaging.operations import Recipient, write
from tenants import scope
from tenants.models import School


class MailServer:
    """Takes mails, until it is told to say something else, to keep silent, or to go away."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[EmailMessage] = []
        self.to_recipients = ""  # what it says instead of yes
        self.to_data = ""
        self.keeps_silent = 0.0  # seconds, behind a mail that it took
        self.silent_at_the_end = False
        self._running: Controller | None = None

    def up(self) -> None:
        """Answer from now on."""
        self._running = Controller(self, hostname=LOOPBACK, port=self.port)
        self._running.start()

    def down(self) -> None:
        """Refuse connections from now on."""
        if self._running:
            self._running.stop()
        self._running = None

    # aiosmtpd calls its handler by these names.
    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.to_recipients or "250 yes"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.to_data:
            return self.to_data
        content = envelope.content
        raw = content.encode() if isinstance(content, str) else content or b""
        self.taken.append(email.message_from_bytes(raw, policy=email.policy.default))
        await asyncio.sleep(self.keeps_silent)
        return "250 kept"

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        if self.silent_at_the_end:
            await asyncio.sleep(3)
        return "221 bye"


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that is up, and the one that we send to."""
    made = MailServer()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = LOOPBACK, made.port, 1
    with contextlib.ExitStack() as stack:
        stack.callback(made.down)
        made.up()
        yield made


@pytest.fixture
def letter(northgate: School) -> Callable[..., Letter]:
    """Write a letter of Northgate to somebody; its key says what it is about."""

    def make(key: str = "sample", to: str = "rhea@northgate-school.example", **more: Any) -> Letter:
        with scope.school(northgate.pk):
            said = {"what": "it waits", "read": "people", "says": "Three of <them>.", "next": "Look.", "link": "x"}
            [made] = write(
                key=key,
                to=[Recipient(address=to)],
                template="trouble_began",
                context=said,
                by_school=northgate,
                at=more.pop("at", timezone.now()),
            )
        return made

    return make
