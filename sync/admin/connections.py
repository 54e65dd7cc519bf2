"""How the school of a look-in is connected, and the pages on which support joins it to its MIS."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.connectors.wonde import Wonde
from sync.forms import SettingsForm
from sync.models import Connection, Trial
from sync.operations import connections, notices, trials
from sync.operations import joining as operations
from sync.queries import joining
from tenants import scope
from tenants.models import School
from users.admin import LookIn


@admin.register(Connection)
class ConnectionAdmin(LookIn):
    """How the school is connected; never its secrets."""

    list_display = ["__str__", "connector", "generation", "active", "paused_reason"]
    fields = ["product", "connector", "generation", "active", "paused_reason", "notices_to"]
    readonly_fields = ["notices_to"]
    change_list_template = "admin/sync/connection/change_list.html"

    @admin.display(description=_("Address for webhooks"))
    def notices_to(self, connection: Connection) -> str:
        """Say what to enter in the partner's portal, so that it can tell us about this school."""
        if connection.connector != Wonde.key:
            return str(_("This partner posts nothing to us."))
        return str(settings.SITE_URL) + notices.address(school=connection.school, connection=connection)

    def get_urls(self) -> Any:
        """Add the page on which support joins a school to its MIS, inside a look-in."""
        views = [
            path("joining/", self.admin_site.admin_view(self.joining_view), name="sync_connection_joining"),
            path("settings/", self.admin_site.admin_view(self.settings_view), name="sync_connection_settings"),
            path("trial/", self.admin_site.admin_view(self.trial_view), name="sync_connection_trial"),
        ]
        return [*views, *super().get_urls()]

    def joining_view(self, request: HttpRequest) -> HttpResponse:
        """Show how far the school of the look-in is, what its connection test found, and which system it uses."""
        if turned_away := self._way_in(request):
            return turned_away
        school = self._school(request)
        now = joining.joining(school)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Join %(school)s to its MIS") % {"school": school},
            "joining": now,
            "lines": joining.shares(now.system, now.test if now.tested else None) if now.system else (),
            "groups": joining.catalogue(),
            "may_change": self._may_change(request),
            "lost": {
                trial.kind: trial.is_lost(timezone.now()) for trial in (now.test, now.preview) if trial is not None
            },
            "opts": Connection._meta,
        }
        return render(request, "admin/sync/connection/joining.html", context)

    def settings_view(self, request: HttpRequest) -> HttpResponse:
        """Show and save the settings of one system, as Reception does; the reason is the look-in's.

        Raises:
            PermissionDenied: changing takes a right of Django's own.
            Http404: no such system.
        """
        if turned_away := self._way_in(request):
            return turned_away
        if not self._may_change(request):
            raise PermissionDenied
        now = joining.joining(self._school(request))
        slug = request.GET.get("system")
        system = now.system if slug is None else joining.system(slug)
        key = system.product.connector if system else now.connection.connector if now.connection and not slug else ""
        connector = joining.connector_of(key)
        if connector is None:
            raise Http404("no such system")
        same = now.connection is not None and now.connection.connector == key
        form = SettingsForm(connector, now.connection.settings if now.connection and same else {}, request.POST or None)
        if request.method == "POST" and form.is_valid() and self._save(request, form, system):
            return HttpResponseRedirect(reverse("admin:sync_connection_joining"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Settings of %(system)s") % {"system": system.product if system else connector.label},
            "form": form,
            "changes": now.connection is not None and not same,
            "opts": Connection._meta,
        }
        return render(request, "admin/sync/connection/settings.html", context)

    def trial_view(self, request: Any) -> HttpResponse:
        """Ask for a test or a preview, or confirm a preview; every one of our people may, as with a sync."""
        if turned_away := self._way_in(request):
            return turned_away
        school, at, wish = self._school(request), timezone.now(), request.POST.get("wish", "")
        try:
            if wish in set(Trial.Kind.values):
                trials.ask(school=school, kind=Trial.Kind(wish), at=at, by=request.user.pk)
                messages.success(request, _("It waits for a worker; look again in some seconds."))
            elif wish == "confirm" and request.POST.get("preview", "").isdecimal():
                run = trials.confirm(school=school, trial=int(request.POST["preview"]), at=at, by=request.user.pk)
                messages.success(request, _("Run %(run)s waits for a worker.") % {"run": run.pk})
        except (connections.NotConnected, connections.Frozen, trials.NothingToConfirm) as fault:
            messages.error(request, str(fault))
        return HttpResponseRedirect(reverse("admin:sync_connection_joining"))

    def _save(self, request: Any, form: SettingsForm, system: joining.System | None) -> bool:
        try:
            operations.save_connection(
                school=self._school(request),
                product=system.product if system else None,
                connector=form.connector.key,
                given=form.given(),
                by=request.user.pk,
                at=timezone.now(),
                reason=request.support_grant.reason,
            )
        except operations.ChangeIsAProject as fault:
            messages.error(request, str(fault))
            return False
        messages.success(request, _("Saved. Nothing was sent to the MIS yet."))
        return True

    def _may_change(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.change_connection")

    def _school(self, request: HttpRequest) -> School:
        return School.objects.get(pk=scope.current())
