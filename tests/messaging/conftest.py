"""Letters, and a mail server for them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from local.processes import LOOPBACK
from messaging.models import Letter
from messaging.operations import Recipient, write
from tenants import scope
from tenants.models import School
from tests.messaging.mail_server import MailServer, running


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that is up, and the one that we send to."""
    with running() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = LOOPBACK, made.port, 1
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
