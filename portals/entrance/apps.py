"""The entrance portal."""

from django.apps import AppConfig


class EntranceConfig(AppConfig):
    """The way in: sign-in, the choice of school and mode, and what all pages share."""

    name = "portals.entrance"
    label = "entrance"
