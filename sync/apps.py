"""The room where the MIS comes in."""

import importlib

from django.apps import AppConfig


class SyncConfig(AppConfig):
    """Connectors, the roster pipeline, runs and their reports."""

    name = "sync"
    verbose_name = "Sync"

    def ready(self) -> None:
        """Connect the receivers, which import models and so cannot be imported with the app itself."""
        importlib.import_module("sync.receivers")
