"""From the end of a run to the letter in a mailbox, through a real worker, broker and mail server."""

import functools
from typing import Final

import pytest
from django.utils import timezone

from local.processes import LOOPBACK
from messaging.models import Letter
from sync.models import Run
from sync.operations.ends import end
from tenants import scope
from tenants.models import School
from tests.factories import runs as made
from tests.messaging.mail_server import MailServer, running
from tests.sync.worker.conftest import Start
from tests.sync.worker.crew import eventually

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

OURS: Final = "help@schoolsbuddy.example"


def test_a_run_that_fails_is_a_letter_in_our_mailbox_and_its_end_another(
    northgate: School, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running() as server:
        for name, value in {"EMAIL_HOST": LOOPBACK, "EMAIL_PORT": str(server.port), "SUPPORT_EMAIL": OURS}.items():
            monkeypatch.setenv(name, value)
        start("-Q", "mail", "-c", "2")
        with scope.school(northgate.pk):
            made.connection()
        for status, error, subject in (
            (Run.Status.FAILED, "broken", "Northgate School: your MIS’s answer cannot be read"),
            (Run.Status.OK, "", "Northgate School: it works again"),
        ):
            with scope.school(northgate.pk):
                run = made.run(status="running")
                end(run, status, timezone.now(), error_kind=error, error=error and "A list is missing.")
            eventually(subject, functools.partial(_came, server, subject))
        eventually("both are settled", lambda: _sent(northgate) == len(server.taken))
    assert [mail["To"] for mail in server.taken] == [OURS, OURS]


def _came(server: MailServer, subject: str) -> bool:
    return any(mail["Subject"].strip() == subject for mail in server.taken)


def _sent(school: School) -> int:
    with scope.school(school.pk):
        return int(Letter.objects.filter(state=Letter.State.SENT).count())
