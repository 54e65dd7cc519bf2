"""A sync now: asked for with a reason, watched while it goes, and stopped (R18, R19). Outside of any look-in.

The pages show runs and numbers of every school and name nobody of them; a school is opened for each thing done to it.
"""

import datetime
from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from sync.admin.runs import ReasonForm
from sync.models import Run
from sync.operations import connections, one_off, runs
from sync.queries import one_off as queries
from tenants import scope
from tenants.admin import SchoolAdmin
from tenants.models import School

MOST: Final = 200  # schools at once: people wait for one-offs, and every school is read at night anyway
RUNS_A_PAGE: Final = 50
STALE: Final = datetime.timedelta(days=1)  # a page that has stood for longer asks afresh
TITLES: Final = {
    Run.Kind.ROSTER: _("Run roster sync now"),
    Run.Kind.ATTENDANCE: _("Run attendance sync now"),
}


class AskForm(ReasonForm):
    """Why, and when the page was made: sent twice, it asks once."""

    shown = forms.CharField(widget=forms.HiddenInput, required=False)

    def since(self, now: datetime.datetime) -> datetime.datetime:
        """Return when the page was made; what is no instant of the last day is now."""
        try:
            shown = parse_datetime(self.cleaned_data["shown"])
        except ValueError:
            return now
        is_instant = shown is not None and shown.tzinfo is not None
        return shown if shown and is_instant and now - STALE <= shown <= now else now


class OneOffPages(SchoolAdmin):
    """The pages of one-off syncs."""

    def get_urls(self) -> Any:
        """Add the pages: they open each school in turn, so they stand outside of any look-in."""
        views = [
            path("sync-now/", self.admin_site.admin_view(self.ask_view), name="tenants_school_sync_now"),
            path("syncs/", self.admin_site.admin_view(self.live_view), name="tenants_school_syncs"),
            path("syncs/cancel/", self.admin_site.admin_view(self.cancel_view), name="tenants_school_cancel_syncs"),
        ]
        for view in views:
            scope.outside(view.callback)
        return [*views, *super().get_urls()]

    def ask_view(self, request: HttpRequest) -> HttpResponse:
        """Say what would happen at each chosen school and, once a reason is given, ask for it and show it live."""
        self._demand_support(request)
        kind = Run.Kind.ATTENDANCE if request.GET.get("kind") == Run.Kind.ATTENDANCE else Run.Kind.ROSTER
        schools = list(School.objects.filter(pk__in=_ids(request, "schools")))
        form = AskForm(request.POST or None, initial={"shown": timezone.now().isoformat()})
        if schools and form.is_valid():
            started = [run for school in schools if (run := self._asked(request, school, kind, form))]
            there = _live(started) if started else request.get_full_path()
            return HttpResponseRedirect(there)
        prospects = queries.prospects_everywhere(schools, kind)
        context = {
            **self.admin_site.each_context(request),
            "title": TITLES[kind],
            "kind": kind,
            "prospects": prospects,
            "number": sum(not prospect.why_not for prospect in prospects),
            "form": form,
            "opts": School._meta,
        }
        return render(request, "admin/tenants/school/sync_now.html", context)

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """Show how these syncs go, or all one-offs of a day; it looks again by itself while something moves."""
        self._demand_support(request)
        chosen = _ids(request, "runs")
        found = queries.asked(now=timezone.now(), runs=chosen)
        moving = [each.run.pk for each in found if each.can_cancel]
        context = {
            **self.admin_site.each_context(request),
            "title": _("These syncs, live") if chosen else _("One-off syncs, live"),
            "page": Paginator(found, RUNS_A_PAGE).get_page(request.GET.get("page")),
            "moving": sum(each.moving for each in found),
            "number": len(found),
            "chosen": chosen,
            "cancel_all": _query(moving) if len(moving) > 1 else "",
            "opts": School._meta,
        }
        return render(request, "admin/tenants/school/syncs.html", context)

    def cancel_view(self, request: HttpRequest) -> HttpResponse:
        """Ask whether these syncs are to be stopped, and stop them."""
        self._demand_support(request)
        chosen = _ids(request, "runs")
        found = [each for each in queries.asked(now=timezone.now(), runs=chosen) if each.can_cancel] if chosen else []
        if request.method == "POST":
            for each in found:
                self._cancel(request, each.run)
            if not found:
                messages.info(request, _("There was nothing left to stop."))
            return HttpResponseRedirect(_live(chosen))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Stop these syncs?"),
            "asked": found,
            "back": _live(chosen),
            "opts": School._meta,
        }
        return render(request, "admin/tenants/school/cancel_syncs.html", context)

    def _asked(self, request: Any, school: School, kind: Run.Kind, form: AskForm) -> int | None:
        now = timezone.now()
        try:
            with scope.school(school.pk):
                run = one_off.ask(
                    school=school,
                    kind=kind,
                    reason=form.cleaned_data["reason"],
                    by=request.user.pk,
                    at=now,
                    shown=form.since(now),
                )
        except (one_off.UnableToRun, connections.NotConnected, connections.Paused, runs.NotShared) as fault:
            messages.error(request, f"{school}: {fault}")
            return None
        messages.success(request, _("%(school)s: run %(run)s waits for a worker.") % {"school": school, "run": run.pk})
        return run.pk

    def _cancel(self, request: Any, run: Run) -> None:
        with scope.school(run.school.pk):
            now = runs.cancel(run=run.pk, by=request.user.pk, at=timezone.now())
        messages.info(request, f"{run.school}: {runs.told(now)}")

    def _demand_support(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def live_page(run: int) -> str:
    """Return the address at which one run is watched."""
    return _live([run])


def _live(chosen: Iterable[int]) -> str:
    return f"{reverse('admin:tenants_school_syncs')}?{_query(chosen)}"


def _query(chosen: Iterable[int]) -> str:
    return "runs=" + ",".join(str(pk) for pk in chosen)


def _ids(request: HttpRequest, name: str) -> list[int]:
    """Return the ids that an address names, at most as many as are asked for at once."""
    words = request.GET.get(name, "").split(",")
    return [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19][:MOST]
