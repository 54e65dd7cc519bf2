"""The Django admin as our support sees it."""

from django.contrib.admin.apps import AdminConfig


class SupportAdminConfig(AdminConfig):
    """Uses our site, whose one front door is the product's own sign-in."""

    default_site = "schoolsbuddy.admin.SupportAdminSite"
