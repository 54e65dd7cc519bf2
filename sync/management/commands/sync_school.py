"""`manage.py sync_school SLUG --kind roster|attendance [--plan-only] [--confirm] [--json] [--files PATH…]`."""

import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sync.errors import SyncError
from sync.models import Run
from sync.operations import connections, ends, marks, runs
from sync.pipeline.lines import lines
from sync.pipeline.outlook import told
from sync.sentences import say
from tenants import scope
from tenants.models import School

HELD: Final = 3
FAILED: Final = 4

_WOULD: Final = {  # the words of `runs.counts` before anything is done
    "arrived": "would arrive",
    "amended": "would change",
    "missing": "would be missing",
    "left": "would leave",
    "returned": "would come back",
    "ended": "would end",
    "held": "would be held",
}

_PERFORM: Final = {Run.Kind.ROSTER: runs.perform, Run.Kind.ATTENDANCE: marks.perform}
_CANNOT: Final = (
    *(connections.NotConnected, connections.Frozen, connections.NoFiles, connections.BadSettings),
    runs.NotShared,
)


class Command(BaseCommand):
    """Runs one school's sync here and now, without the queue.

    Exit status: 0 done, 1 refused, 2 bad command line, 3 done but a part is held for a person, 4 failed.
    """

    help = "Sync one school now. Exit status: 0 done, 1 refused, 2 bad command line, 3 a part is held, 4 failed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("school", metavar="SLUG")
        parser.add_argument("--kind", choices=Run.Kind.values, default=Run.Kind.ROSTER)
        parser.add_argument("--plan-only", action="store_true", help="Say what would happen; write nothing.")
        parser.add_argument("--confirm", action="store_true", help="Make the first sync, whose plan you have seen.")
        parser.add_argument("--json", action="store_true", help="Answer in JSON, for scripts.")
        parser.add_argument("--files", nargs="+", type=Path, default=[], metavar="PATH", help="CSV files or folders.")
        parser.add_argument("--reason", default="from the command line")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sync."""
        school = School.objects.filter(slug=options["school"]).first()
        if school is None:
            raise CommandError(f"there is no school “{options['school']}”")
        if school.status != School.Status.ACTIVE:
            raise CommandError(f"{school} is suspended; nothing is read for it")
        if options["plan_only"] and options["kind"] == Run.Kind.ATTENDANCE:
            raise CommandError("--plan-only is of a roster: marks are taken in as they come")
        try:
            status = self._preview(school, options) if options["plan_only"] else self._run(school, options)
        except _CANNOT as fault:
            raise CommandError(str(fault)) from None
        except runs.Unseen as fault:
            raise CommandError(f"{fault} Or look at --plan-only, and then say --confirm.") from None
        except SyncError as fault:
            raise CommandError(f"{type(fault).__name__.lower()}: {fault}", returncode=FAILED) from None
        except runs.AnotherRunIsOn as fault:
            raise CommandError(f"{fault}; try again when it is over", returncode=FAILED) from None
        if status:
            raise SystemExit(status)

    def _preview(self, school: School, options: dict[str, Any]) -> int:
        with tempfile.TemporaryDirectory() as folder:
            if options["files"]:
                connections.gather(paths=options["files"], into=Path(folder))
            seen = runs.preview(school=school, folder=folder if options["files"] else "")
        counts = ends.counts(seen.plan, seen.roster)
        if options["json"]:
            self._write_json({"plan_only": True, "hash": seen.plan.digest(), "counts": counts} | in_full(seen))
        else:
            would = {
                kind: {_WOULD.get(word, word): number for word, number in words.items()}
                for kind, words in counts.items()
            }
            self._write(school, "would be done", would, _texts(seen), [hold.reason for hold in seen.plan.holds])
        return HELD if seen.plan.holds else 0

    def _run(self, school: School, options: dict[str, Any]) -> int:
        with scope.school(school.pk):
            if not options["confirm"]:
                runs.check_seen()
            if options["files"]:
                connections.place_files(school=school, paths=options["files"], at=timezone.now())
            run = runs.request(
                school=school,
                kind=Run.Kind(options["kind"]),
                trigger=Run.Trigger.COMMAND,
                at=timezone.now(),
                reason=options["reason"],
                enqueue=False,
            )
        done = _PERFORM[Run.Kind(run.kind)](school=school, run=run.pk)
        with scope.school(school.pk):
            holds = list(done.holds.values_list("reason", flat=True))
        if options["json"]:
            self._write_json(
                {
                    "run": done.pk,
                    "status": done.status,
                    "error": done.error,
                    "counts": done.counts,
                    "remarks": done.remarks,
                    "holds": holds,
                }
            )
        else:
            self._write(school, done.error or done.get_status_display(), done.counts, done.remarks, holds)
        return {Run.Status.FAILED: FAILED, Run.Status.HELD: HELD, Run.Status.PARTIAL: HELD}.get(
            Run.Status(done.status), 0
        )

    def _write_json(self, value: dict[str, Any]) -> None:
        self.stdout.write(json.dumps(value, ensure_ascii=False, indent=2))

    def _write(
        self, school: School, what: str, counts: dict[str, dict[str, Any]], remarks: list[str], holds: list[str]
    ) -> None:
        self.stdout.write(f"{school}: {what}")
        for kind, words in _flat(counts):
            self.stdout.write(f"  {kind:<11} " + ", ".join(f"{number} {word}" for word, number in words.items()))
        for text in remarks:
            self.stdout.write(f"  note: {text}")
        for text in holds:
            self.stdout.write(f"  held: {text}")


def _flat(counts: dict[str, dict[str, Any]]) -> Iterator[tuple[str, dict[str, int]]]:
    """Yield each line of counts; what is counted in more than one word has a line of its own, as meanings have."""
    for kind, words in sorted(counts.items()):
        yield kind, {word: number for word, number in words.items() if isinstance(number, int)}
        yield from ((word, more) for word, more in words.items() if isinstance(more, dict) and more)


def in_full(seen: runs.Preview) -> dict[str, Any]:
    """Return {changes, holds, refusals, remarks} as plain values: each change with its sentence and the reason.

    What a medical note or a dietary need says is not in it (R35).
    """
    return {
        "changes": [dataclasses.asdict(line) | {"sentence": str(say(line, "would"))} for line in lines(seen.plan)],
        "holds": [told(hold) for hold in seen.plan.holds],
        "refusals": msgspec.to_builtins(seen.plan.refusals),
        "remarks": _texts(seen),
    }


def _texts(seen: runs.Preview) -> list[str]:
    return list(seen.roster.remarks)
