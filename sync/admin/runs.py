"""Runs and their changes inside a look-in, and how one is undone."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync import sentences
from sync.admin.cases import HoldInline
from sync.admin.single import OnePage
from sync.models import Change, Refusal, Run
from sync.operations import runs, undo
from tenants import scope
from tenants.models import School
from users.admin import LookIn

UNDO_SHOWN: Final = 200  # of each list; the number of all is told


class ReasonForm(forms.Form):
    """Why a sync is wanted now; the school sees it."""

    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The school sees this with the run."))


class RefusalInline(admin.TabularInline[Refusal, Run]):
    """What could not be taken."""

    model = Refusal
    fields = ["kind", "ref", "reason", "place"]
    extra = 0


@admin.register(Run)
class RunAdmin(OnePage):
    """Runs of the school of the look-in."""

    list_display = [
        "id",
        "kind",
        "local_date",
        "slot",
        "trigger",
        "status",
        "late",
        "reason",
        "queued_at",
        "finished_at",
    ]
    list_filter = ["kind", "status", "trigger", "late", "slot", ("cancel_asked_at", admin.EmptyFieldListFilter)]
    date_hierarchy = "local_date"
    inlines = [HoldInline, RefusalInline]
    change_form_template = "admin/sync/run/change_form.html"
    change_list_template = "admin/sync/run/change_list.html"

    def get_urls(self) -> Any:
        """Add the page on which a run is undone, inside a look-in."""
        view = self.admin_site.admin_view(self.undo_view)
        return [path("<int:pk>/undo/", view, name="sync_run_undo"), *super().get_urls()]

    def undo_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what undoing a run would do and, once a reason is given, do it; as in Reception.

        Raises:
            PermissionDenied: undoing takes a right of Django's own.
            Http404: no such run at the school of the look-in.
        """
        if turned_away := self._way_in(request):
            return turned_away
        if not request.user.has_perm("sync.change_run"):
            raise PermissionDenied
        school, run = School.objects.get(pk=scope.current()), get_object_or_404(Run, pk=pk)
        form = ReasonForm(request.POST or None)
        try:
            if form.is_valid():
                made = undo.undo(
                    school=school,
                    run=run.pk,
                    by=request.user.pk,
                    at=timezone.now(),
                    reason=form.cleaned_data["reason"],
                    seen=request.POST.get("seen") or "nothing was shown",
                )
                messages.success(request, _("Run %(run)s put it back.") % {"run": made.pk})
                return HttpResponseRedirect(reverse("admin:sync_run_change", args=[made.pk]))
            found = undo.preview(school=school, run=run, at=timezone.now())
        except (undo.CannotUndo, runs.AnotherRunIsOn) as fault:
            messages.error(request, str(fault))
            return HttpResponseRedirect(reverse("admin:sync_run_change", args=[run.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Undo %(run)s") % {"run": run},
            "run": run,
            "restores": [sentences.put_back(one) for one in found.undoing.restores[:UNDO_SHOWN]],
            "left_alone": [(sentences.say(one.done), one.why) for one in found.undoing.left_alone[:UNDO_SHOWN]],
            "number": len(found.undoing.restores),
            "staying": len(found.undoing.left_alone),
            "later": found.later,
            "digest": found.undoing.digest(),
            "form": form,
            "opts": Run._meta,
        }
        return render(request, "admin/sync/run/undo.html", context)


@admin.register(Change)
class ChangeAdmin(LookIn):
    """What runs did, one line a field."""

    list_display = ["run", "kind", "action", "label", "field", "old", "new", "why"]
    list_filter = ["kind", "action"]
    search_fields = ["label", "ref"]
    list_select_related = ["run"]
