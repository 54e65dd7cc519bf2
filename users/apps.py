"""The room of accounts and people."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Accounts, people, ties, classes, memberships, roles and doors."""

    name = "users"
    verbose_name = "Users"
