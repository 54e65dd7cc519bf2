"""The room of letters."""

import importlib

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """The outbox and its delivery."""

    name = "messaging"
    verbose_name = "Messaging"

    def ready(self) -> None:
        """Connect the receivers, which import models and so cannot be imported with the app itself."""
        importlib.import_module("messaging.receivers")
