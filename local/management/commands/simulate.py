"""`manage.py simulate KEY [--school SLUG] [--night N] [--fault NAME …] [--port P] [--list]`."""

import shlex
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from local import services
from local.simulators import registry, server
from local.simulators.registry import Entry
from local.world.build import world
from local.world.model import NIGHTS, NoSuchSchool, SchoolWorld

_WIDTH: Final = 28


class Command(BaseCommand):
    """Serves one MIS simulator on the loopback until Ctrl-C. It is there with INSECURE_LOCAL only."""

    help = "Serve one MIS simulator on the loopback until Ctrl-C; with --list only say what there is."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        slugs = ", ".join(school.slug for school in world().schools)
        parser.add_argument("key", nargs="?", metavar="KEY", help=", ".join(registry.KEYS))
        parser.add_argument("--school", metavar="SLUG", help=f"{slugs}; the one on this MIS if it is not given")
        parser.add_argument("--night", type=int, choices=NIGHTS, default=1)
        parser.add_argument("--fault", nargs="+", action="extend", default=[], metavar="NAME")
        parser.add_argument("--port", type=int, default=0, help="a free one if it is not given")
        parser.add_argument("--list", action="store_true", help="List the simulators, or the faults of one, and end.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve, or list."""
        if options["key"] is None and not options["list"]:
            raise CommandError(f"name a simulator ({', '.join(registry.KEYS)}), or ask for --list")
        if options["key"] is None:
            self._write(_simulators())
            return
        try:
            entry = registry.entry(options["key"])
        except registry.UnknownSimulator as fault:
            raise CommandError(str(fault)) from None
        if options["list"]:
            self._write(_faults(entry))
        else:
            self._serve(entry, _school(entry, options["school"]), options)

    def _serve(self, entry: Entry, school: SchoolWorld, options: Mapping[str, Any]) -> None:
        try:
            simulator = entry.simulate(school, options["night"], faults=frozenset(options["fault"]))
        except ValueError as fault:
            raise CommandError(f"{fault}; `manage.py simulate {entry.key} --list` says which there are") from None
        services.exit_on_signals()
        try:
            with server.running(simulator, port=options["port"]) as url:
                self._write(_told(entry, school, url, options))
                threading.Event().wait()
        except (OSError, OverflowError) as fault:
            raise CommandError(f"port {options['port']} cannot be used: {fault}") from None
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _write(self, lines: Iterator[str]) -> None:
        self.stdout.write("\n".join(lines))
        self.stdout.flush()


def _school(entry: Entry, slug: str | None) -> SchoolWorld:
    schools = world()
    if slug is None:
        fitting = (school for school in schools.schools if registry.entry_of(school) is entry)
        return next(fitting, schools.schools[0])
    try:
        return schools.school(slug)
    except NoSuchSchool:
        there = ", ".join(school.slug for school in schools.schools)
        raise CommandError(f"the world has no school “{slug}”; there are {there}") from None


def _told(entry: Entry, school: SchoolWorld, url: str, options: Mapping[str, Any]) -> Iterator[str]:
    given = [f"--set {shlex.quote(f'{name}={value}')}" for name, value in entry.settings_for(school, url).items()]
    yield f"{school.name} on night {options['night']}, as {entry.reaches} tells it: {url}"
    yield "Switched on: " + (", ".join(sorted(set(options["fault"]))) or "no fault")
    yield ""
    yield "Connect a school to it:"
    yield f"  python manage.py connect_school {school.slug} --connector {entry.key} \\"
    yield " \\\n".join(f"    {one}" for one in given)
    yield ""
    yield from _faults(entry)
    yield ""
    yield "Ctrl-C ends it."


def _simulators() -> Iterator[str]:
    for entry in registry.ENTRIES:
        schools = [school.slug for school in world().schools if registry.entry_of(school) is entry]
        yield f"{entry.key:<{_WIDTH}} {entry.reaches}" + (f", as at {', '.join(schools)}" if schools else "")


def _faults(entry: Entry) -> Iterator[str]:
    for whose, there in ((entry.reaches, entry.simulator.FAULTS), ("any partner", server.COMMON_FAULTS)):
        yield f"Faults of {whose}, for --fault:"
        yield from (f"  {name:<{_WIDTH}} {what}" for name, what in there.items())
