"""Schools, as our support sees them."""

from typing import Any

from django.contrib import admin

from tenants.models import School, SchoolDomain


class SupportAdmin(admin.ModelAdmin[Any]):
    """Every one of our people may look; adding and changing takes a right of Django's own."""

    def has_module_permission(self, request: Any) -> bool:
        """List it for all our people."""
        return bool(getattr(request.user, "is_support", False))

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        """Show it to all our people."""
        return bool(getattr(request.user, "is_support", False))


class DomainInline(admin.TabularInline[SchoolDomain, School]):
    """A school's staff domains (R39)."""

    model = SchoolDomain
    extra = 0

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        """Show them with their school."""
        return bool(getattr(request.user, "is_support", False))


@admin.register(School)
class SchoolAdmin(SupportAdmin):
    """One school's settings; its people are seen through a look-in only."""

    list_display = ["name", "slug", "status", "timezone", "country"]
    list_filter = ["status", "country"]
    search_fields = ["name", "slug"]
    inlines = [DomainInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "status", "hue"]}),
        ("Where", {"fields": ["timezone", "locale", "currency", "country"]}),
        (
            "Rules of the roster",
            {
                "fields": [
                    "primary_years",
                    "student_access_years",
                    "block_own_domains_for_guardians",
                    "staff_leavers_authoritative",
                    "medical_synced",
                    "leaving_percent",
                    "leaving_count",
                ]
            },
        ),
    ]

    def has_delete_permission(self, request: Any, obj: Any = None) -> bool:
        """Never: a school is suspended, and its records outlive it."""
        return False
