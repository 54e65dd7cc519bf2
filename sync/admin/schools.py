"""Schools, with the one-off sync (R18). It takes the place of the tenants' own page, so it is loaded after that."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.admin.runs import ReasonForm
from sync.models import Run
from sync.operations import connections, runs
from tenants import scope
from tenants.admin import SchoolAdmin
from tenants.models import School

admin.site.unregister(School)


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
                runs.check_seen()
                run = runs.request(
                    school=school, trigger=Run.Trigger.ONE_OFF, at=timezone.now(), by=request.user.pk, reason=reason
                )
        except (connections.NotConnected, connections.Frozen, runs.Unseen) as fault:
            messages.error(request, f"{school}: {fault}")
            return
        messages.success(
            request,
            _("%(school)s: run %(run)s waits for a worker. Its progress is in Reception, and here inside a look-in.")
            % {"school": school, "run": run.pk},
        )
