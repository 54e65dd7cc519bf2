"""The reception portal."""

from django.apps import AppConfig


class ReceptionConfig(AppConfig):
    """Pages of super users: what the school's sync did."""

    name = "portals.reception"
    label = "reception_portal"
