"""The room of schools."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Schools, their domains, the open scope and the audit trail."""

    name = "tenants"
    verbose_name = "Schools"
