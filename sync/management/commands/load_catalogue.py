"""`manage.py load_catalogue`: fill the catalogue of systems; part of every deploy, after `migrate`."""

from typing import Any

from django.core.management.base import BaseCommand

from sync.operations import catalogue


class Command(BaseCommand):
    """Adds what is missing and brings up to date what support has not touched; running it again does nothing."""

    help = "Fill the catalogue of school information systems; what support has added or changed stays."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load."""
        added, changed = catalogue.load()
        self.stdout.write(f"{added} systems added, {changed} brought up to date")
