"""What schools ask of support: a sync now, granted with a run or declined with a reason (R19)."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.admin.one_off import RUNS_A_PAGE, live_page
from sync.models import RunRequest
from sync.operations import connections, requests, runs
from sync.queries import requests as queries
from tenants import scope
from users.admin import LookIn


class DeclineForm(forms.Form):
    """Why not; the school reads it."""

    declined = forms.CharField(
        label=_("Why not, and what the school can do instead"),
        max_length=300,
        help_text=_("The school’s super users read this."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


@admin.register(RunRequest)
class RunRequestAdmin(LookIn):
    """Requests of the look-in's school; and, outside of any look-in, those of every school that wait."""

    list_display = ["id", "kind", "reason", "asked_at", "answered_at", "declined", "run"]
    list_filter = ["kind"]
    list_select_related = ["run"]

    def get_urls(self) -> Any:
        """Add the pages of all that waits: they are about every school, and open one to answer it."""
        views = [
            path("waiting/", self.admin_site.admin_view(self.waiting_view), name="sync_runrequest_waiting"),
            path("waiting/<int:pk>/grant/", self.admin_site.admin_view(self.grant_view), name="sync_runrequest_grant"),
            path(
                "waiting/<int:pk>/decline/",
                self.admin_site.admin_view(self.decline_view),
                name="sync_runrequest_decline",
            ),
        ]
        for view in views:
            scope.outside(view.callback)
        return [*views, *super().get_urls()]

    def waiting_view(self, request: HttpRequest) -> HttpResponse:
        """List what schools wait for, the longest waiting first."""
        self._demand_support(request)
        page = Paginator(queries.waiting_everywhere(), RUNS_A_PAGE).get_page(request.GET.get("page"))
        context = {"title": _("Requests of schools"), "page": page}
        return self._page(request, "admin/sync/runrequest/waiting.html", context)

    def grant_view(self, request: Any, pk: int) -> HttpResponse:
        """Start what a school asked for, and show it live; a look only leads back to the list."""
        self._demand_support(request)
        waiting = reverse("admin:sync_runrequest_waiting")
        wish = self._wish(request, pk)
        if request.method != "POST" or wish is None:
            return HttpResponseRedirect(waiting)
        try:
            with scope.school(wish.school.pk):
                run = requests.grant(request=wish, by=request.user.pk, at=timezone.now())
        except (requests.UnableToAsk, connections.NotConnected, connections.Paused, runs.NotShared) as fault:
            messages.error(request, f"{wish.school}: {fault}")
            return HttpResponseRedirect(waiting)
        except requests.NotWaiting as fault:
            messages.info(request, f"{wish.school}: {fault}")
            return HttpResponseRedirect(waiting)
        messages.success(
            request, _("%(school)s: run %(run)s waits for a worker.") % {"school": wish.school, "run": run.pk}
        )
        return HttpResponseRedirect(live_page(run.pk))

    def decline_view(self, request: Any, pk: int) -> HttpResponse:
        """Ask why not, and tell the school."""
        self._demand_support(request)
        wish, form = self._wish(request, pk), DeclineForm(request.POST or None)
        if wish and form.is_valid():
            self._decline(request, wish, form.cleaned_data["declined"])
        if wish is None or form.is_valid():
            return HttpResponseRedirect(reverse("admin:sync_runrequest_waiting"))
        context = {"title": _("Decline a request of %(school)s") % {"school": wish.school}, "wish": wish, "form": form}
        return self._page(request, "admin/sync/runrequest/decline.html", context)

    def _decline(self, request: Any, wish: RunRequest, why: str) -> None:
        try:
            with scope.school(wish.school.pk):
                requests.decline(request=wish, declined=why, by=request.user.pk, at=timezone.now())
        except requests.NotWaiting as fault:
            messages.info(request, f"{wish.school}: {fault}")
        else:
            messages.success(request, _("%(school)s is told why not.") % {"school": wish.school})

    def _wish(self, request: HttpRequest, pk: int) -> RunRequest | None:
        found = next((wish for wish in queries.waiting_everywhere() if wish.pk == pk), None)
        if found is None:
            messages.info(request, _("This request was answered or withdrawn in the meantime."))
        return found

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        every = self.admin_site.each_context(request)
        return render(request, template, {**every, **context, "opts": RunRequest._meta})

    def _demand_support(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
