"""Connection tests and previews."""

from django.contrib import admin

from sync.models import Trial
from users.admin import LookIn


@admin.register(Trial)
class TrialAdmin(LookIn):
    """Connection tests and previews of the school of the look-in."""

    list_display = ["id", "kind", "asked_at", "ended_at", "error_kind", "confirmed_at"]
    list_filter = ["kind"]
    exclude = ["made_with", "plan_hash"]
