"""The parent portal."""

from django.apps import AppConfig


class ParentConfig(AppConfig):
    """Pages of guardians."""

    name = "portals.parent"
    label = "parent_portal"
