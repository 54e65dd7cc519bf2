"""A mail server of the tests' own, over real SMTP, that answers as it is told."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local.processes import LOOPBACK, free_port


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


@contextlib.contextmanager
def running() -> Iterator[MailServer]:
    """Run one inside the block."""
    server = MailServer()
    server.up()
    try:
        yield server
    finally:
        server.down()
