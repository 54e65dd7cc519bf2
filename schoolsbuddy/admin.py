"""The site of the Django admin: for support only, behind the product's own sign-in, its limits and factors."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class SupportAdminSite(AdminSite):
    """The admin with our name on it."""

    site_title = site_header = _("SchoolsBuddy support")
    index_title = _("Schools and their syncs")

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Send to the one front door."""
        return secure_admin_login(super().login)(request, extra_context)
