"""Our own whole run: files read, judged, gated, written, with change log and report."""

import secrets
from pathlib import Path
from typing import Final

import django

django.setup()

from django.db import connections  # noqa: E402 Django must be set up first
from django.utils import timezone  # noqa: E402

from sync.models import Run  # noqa: E402
from sync.operations import connections as links  # noqa: E402
from sync.operations import runs  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import School  # noqa: E402

READING: Final = "extract"  # the stage that is reading and decoding


class Ours:
    """Brings a new school to what the files say."""

    def __init__(self, _url: str, first: Path) -> None:
        self.school = School.objects.create(slug=f"bench-{secrets.token_hex(4)}", name="Bench")
        self.prepare(first)

    def prepare(self, feed: Path) -> None:
        """Ask for a run over these files; it is not part of what is measured."""
        with scope.school(self.school.pk):
            links.connect(school=self.school, connector="csv_files", given={"folder": str(feed)})
            self.run = runs.request(
                school=self.school, trigger=Run.Trigger.COMMAND, at=timezone.now(), reason="bench", enqueue=False
            )
        connections.close_all()

    def night(self, _feed: Path) -> float:
        """Carry out the run, and return the seconds of it that were reading.

        Raises:
            RuntimeError: the run did not end well, so its time says nothing.
        """
        done = runs.perform(school=self.school, run=self.run.pk)
        connections.close_all()
        if done.status not in {Run.Status.OK, Run.Status.PARTIAL}:
            raise RuntimeError(f"The run ended {done.status}: {done.error}")
        return float(next(stage["seconds"] for stage in done.stages if stage["name"] == READING))
