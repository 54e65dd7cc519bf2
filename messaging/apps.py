"""The room of letters."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """The outbox and its delivery."""

    name = "messaging"
    verbose_name = "Messaging"
