"""A real Celery worker, a real broker and real SMTP: from the end of a run to the letter in a mailbox."""

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings
from django.utils import timezone
from pytest_django.fixtures import Settings

from local.processes import LOOPBACK
from messaging.models import Letter
from sync.models import Run
from sync.operations.ends import end
from tenants import scope
from tenants.models import School
from tests.factories import runs as made
from tests.messaging.conftest import MailServer
from tests.sync.test_worker import _here, broker, eventually

__all__ = ["broker"]  # a fixture
pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True, databases=["default", "owner"])]
OURS: Final = "help@schoolsbuddy.example"


@pytest.fixture
def _post_office(server: MailServer, broker: str, tmp_path: Path) -> Iterator[None]:
    """Two workers of the queue `mail`, on the test's database, broker and mail server."""
    environment = os.environ | {
        "DATABASE_URL": _here(settings.DATABASE_URL),
        "DATABASE_OWNER_URL": "",
        "REDIS_URL": broker,
        "EMAIL_HOST": LOOPBACK,
        "EMAIL_PORT": str(server.port),
        "SUPPORT_EMAIL": OURS,
    }
    command = [sys.executable, "-m", "celery", "-A", "schoolsbuddy", "worker", "-Q", "mail", "-c", "2"]
    with (tmp_path / "worker.log").open("ab") as log:
        worker = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle"],
            env=environment,
            cwd=settings.BASE_DIR,
            stdout=log,
            stderr=log,
        )
    yield
    worker.terminate()
    worker.wait()


@pytest.mark.usefixtures("_post_office")
def test_a_run_that_fails_is_a_letter_in_our_mailbox_and_its_end_another(
    northgate: School, server: MailServer, settings: Settings
) -> None:
    for status, error, subject in (
        ("failed", "broken", "Northgate School: your MIS’s answer cannot be read"),
        ("ok", "", "Northgate School: it works again"),
    ):
        with scope.school(northgate.pk):
            if not Run.objects.exists():
                made.connection()
            run = made.run(status="running")
            end(run, Run.Status(status), timezone.now(), error_kind=error, error=error and "A list is missing.")
        eventually(subject, functools.partial(_came, server, subject))
    eventually("both are settled", lambda: _sent(northgate) == 2)
    assert [mail["To"] for mail in server.taken] == [OURS, OURS]


def _came(server: MailServer, subject: str) -> bool:
    return any(mail["Subject"].strip() == subject for mail in server.taken)


def _sent(school: School) -> int:
    with scope.school(school.pk):
        return int(Letter.objects.filter(state=Letter.State.SENT).count())
