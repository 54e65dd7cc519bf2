"""Schools, as our support sees them."""

from typing import Any

from django.contrib import admin

from tenants.models import School, SchoolDomain


class DomainInline(admin.TabularInline[SchoolDomain, School]):
    """A school's staff domains (R39)."""

    model = SchoolDomain
    extra = 0


@admin.register(School)
class SchoolAdmin(admin.ModelAdmin[School]):
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
