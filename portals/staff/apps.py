"""The staff portal."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """Pages of members of staff."""

    name = "portals.staff"
    label = "staff_portal"
