"""The room of accounts and people."""

import importlib

from django.apps import AppConfig

from users import stakes


class UsersConfig(AppConfig):
    """Accounts, people, ties, classes, memberships, roles and doors."""

    name = "users"
    verbose_name = "Users"

    def ready(self) -> None:
        """Say what is at stake here: somebody signs in as this person. (Models cannot be imported with the app.)"""
        stakes.register(importlib.import_module("users.queries").signed_in)
