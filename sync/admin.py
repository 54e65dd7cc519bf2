"""Syncs, as our support sees them: one-off runs with a reason (R18), runs and their changes inside a look-in."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.connectors.wonde import Wonde
from sync.models import Change, Connection, Hold, MisProduct, Refusal, Run
from sync.operations import connections, notices, runs
from tenants import scope
from tenants.admin import SchoolAdmin, SupportAdmin
from tenants.models import School
from users.admin import LookIn

admin.site.unregister(School)


class ReasonForm(forms.Form):
    """Why a sync is wanted now; the school sees it."""

    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The school sees this with the run."))


@admin.register(School)
class SchoolSyncAdmin(SchoolAdmin):
    """Schools, with the one-off sync."""

    actions = ["sync_now"]

    def get_urls(self) -> Any:
        """Add the page that asks for the reason. It stands outside of any look-in: it opens each school in turn."""
        view = scope.outside(self.admin_site.admin_view(self.sync_now_view))
        return [path("sync-now/", view, name="tenants_school_sync_now"), *super().get_urls()]

    @admin.action(description=_("Run roster sync now"), permissions=["view"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[School]) -> HttpResponse:
        """Ask for the reason first."""
        chosen = ",".join(str(pk) for pk in queryset.values_list("pk", flat=True))
        return HttpResponseRedirect(f"{reverse('admin:tenants_school_sync_now')}?schools={chosen}")

    def sync_now_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason, then queue one run for each chosen school."""
        chosen = [int(pk) for pk in request.GET.get("schools", "").split(",") if pk.isdigit()]
        schools = list(School.objects.filter(pk__in=chosen))
        form = ReasonForm(request.POST or None)
        if schools and form.is_valid():
            for school in schools:
                self._request(request, school, form.cleaned_data["reason"])
            return HttpResponseRedirect(reverse("admin:tenants_school_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Run roster sync now"),
            "schools": schools,
            "form": form,
            "opts": School._meta,
        }
        return render(request, "admin/tenants/school/sync_now.html", context)

    def _request(self, request: HttpRequest, school: School, reason: str) -> None:
        if school.status != School.Status.ACTIVE:
            messages.error(request, _("%(school)s is suspended; nothing was started.") % {"school": school})
            return
        try:
            with scope.school(school.pk):
                run = runs.request(
                    school=school, trigger=Run.Trigger.ONE_OFF, at=timezone.now(), by=request.user.pk, reason=reason
                )
        except connections.NotConnected as fault:
            messages.error(request, f"{school}: {fault}")
            return
        messages.success(
            request,
            _("%(school)s: run %(run)s waits for a worker. Its progress is in Reception, and here inside a look-in.")
            % {"school": school, "run": run.pk},
        )


@admin.register(MisProduct)
class MisProductAdmin(SupportAdmin):
    """The catalogue: adding a system is data (R7)."""

    list_display = ["name", "partner", "connector"]
    search_fields = ["name", "partner"]


@admin.register(Connection)
class ConnectionAdmin(LookIn):
    """How the school is connected; never its secrets."""

    list_display = ["__str__", "connector", "generation", "active", "paused_reason"]
    fields = ["product", "connector", "generation", "active", "paused_reason", "notices_to"]
    readonly_fields = ["notices_to"]

    @admin.display(description=_("Address for webhooks"))
    def notices_to(self, connection: Connection) -> str:
        """Say what to enter in the partner's portal, so that it can tell us about this school."""
        if connection.connector != Wonde.key:
            return str(_("This partner posts nothing to us."))
        return str(settings.SITE_URL) + notices.address(school=connection.school, connection=connection)


class HoldInline(admin.TabularInline[Hold, Run]):
    """What waits for a person."""

    model = Hold
    fields = ["kind", "reason"]
    extra = 0


class RefusalInline(admin.TabularInline[Refusal, Run]):
    """What could not be taken."""

    model = Refusal
    fields = ["kind", "ref", "reason", "place"]
    extra = 0


@admin.register(Run)
class RunAdmin(LookIn):
    """Runs of the school of the look-in."""

    list_display = ["id", "local_date", "trigger", "status", "reason", "queued_at", "finished_at"]
    list_filter = ["status", "trigger"]
    date_hierarchy = "local_date"
    inlines = [HoldInline, RefusalInline]


@admin.register(Change)
class ChangeAdmin(LookIn):
    """What runs did, one line a field."""

    list_display = ["run", "kind", "action", "label", "field", "old", "new", "why"]
    list_filter = ["kind", "action"]
    search_fields = ["label", "ref"]
    list_select_related = ["run"]
