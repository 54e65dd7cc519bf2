"""Schools, with the one-off sync (R18). It takes the place of the tenants' own page, so it is loaded after that."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sync.admin.one_off import MOST, OneOffPages
from sync.models import Run
from tenants.models import School

admin.site.unregister(School)


@admin.register(School)
class SchoolSyncAdmin(OneOffPages):
    """Schools, with the one-off sync."""

    actions = ["sync_now", "attendance_now"]

    @admin.action(description=_("Run roster sync now"), permissions=["view"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[School]) -> HttpResponse | None:
        """Ask for the reason first."""
        return self._ask(request, queryset, Run.Kind.ROSTER)

    @admin.action(description=_("Run attendance sync now"), permissions=["view"])
    def attendance_now(self, request: HttpRequest, queryset: QuerySet[School]) -> HttpResponse | None:
        """Ask for the reason first."""
        return self._ask(request, queryset, Run.Kind.ATTENDANCE)

    def _ask(self, request: HttpRequest, queryset: QuerySet[School], kind: Run.Kind) -> HttpResponse | None:
        chosen = [str(pk) for pk in queryset.values_list("pk", flat=True)[: MOST + 1]]
        if len(chosen) > MOST:
            words = _("Choose at most %(most)s schools at once: whoever else asks for a sync waits behind them.")
            messages.error(request, words % {"most": MOST})
            return None
        there = reverse("admin:tenants_school_sync_now")
        return HttpResponseRedirect(f"{there}?kind={kind.value}&schools={','.join(chosen)}")
