"""`manage.py shell --school SLUG`: one of the four places where a school is opened (docs/architecture.md)."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import shell

from tenants import scope
from tenants.models import School


class Command(shell.Command):
    """Django's shell; with --school inside that school, in one transaction that an error rolls back."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add --school."""
        super().add_arguments(parser)
        parser.add_argument("--school", metavar="SLUG", help="Open this school for the whole session.")

    def handle(self, **options: Any) -> None:
        """Open the school, if one is named, and go on as Django does."""
        slug = options.pop("school")
        if slug is None:
            super().handle(**options)
            return
        school = School.objects.filter(slug=slug).first()
        if school is None:
            raise CommandError(f"there is no school “{slug}”")
        with scope.school(school.pk):
            super().handle(**options)
