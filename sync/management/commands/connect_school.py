"""`manage.py connect_school SLUG --connector KEY --set name=value …`."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sync.models import MisProduct
from sync.operations import connections
from sync.registry import UnknownConnector, connectors
from tenants import scope
from tenants.models import School


def pair(text: str) -> tuple[str, str]:
    """Read name=value."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"“{text}” is not name=value")
    return name, value


class Command(BaseCommand):
    """Connects a school to its MIS. Exit status 0 when it is connected, 1 when nothing was changed."""

    help = "Connect a school to its MIS; settings not given keep their present value."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("school", metavar="SLUG")
        parser.add_argument("--connector", required=True, metavar="KEY", help=", ".join(c.key for c in connectors()))
        parser.add_argument("--set", action="append", default=[], type=pair, metavar="name=value", dest="given")
        parser.add_argument("--product", default="", help="The MIS as it is called in the catalogue, such as SIMS.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Connect."""
        school = School.objects.filter(slug=options["school"]).first()
        if school is None:
            raise CommandError(f"there is no school “{options['school']}”")
        product = MisProduct.objects.filter(name=options["product"]).first() if options["product"] else None
        if options["product"] and product is None:
            raise CommandError(f"there is no MIS “{options['product']}” in the catalogue")
        try:
            with scope.school(school.pk):
                connection = connections.connect(
                    school=school, connector=options["connector"], given=dict(options["given"]), product=product
                )
        except (connections.BadSettings, UnknownConnector) as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write(f"{school} is connected: {connection}")
