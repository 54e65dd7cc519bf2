"""One person or class, read from the MIS now (R18): for who is here from their own page, for who is new by MIS id."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.models import Run
from sync.operations import connections, runs, single
from sync.pipeline.narrow import SUBJECTS, Only
from sync.queries.single import named
from sync.records import Kind
from tenants import scope
from tenants.models import School
from users.admin import LookIn

KINDS = {
    Kind.STUDENTS: _("Student"),
    Kind.GUARDIANS: _("Guardian"),
    Kind.STAFF: _("Member of staff"),
    Kind.CLASSES: _("Class"),
}


class OneForm(forms.Form):
    """Why; and whom, unless that is known from where somebody came."""

    kind = forms.ChoiceField(label=_("Who"), choices=[(kind.value, KINDS[kind]) for kind in SUBJECTS])
    ref = forms.CharField(
        label=_("Id in the MIS"), max_length=200, help_text=_("As the MIS writes it, leading zeros included.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The school sees this with the run."))

    def __init__(self, data: Any, *, only: Only | None) -> None:
        super().__init__(data)
        self.only = only
        if only:
            del self.fields["kind"], self.fields["ref"]

    def whom(self) -> Only:
        """Return whom it is about."""
        return self.only or Only(kind=Kind(self.cleaned_data["kind"]), ref=self.cleaned_data["ref"])


class OnePage(LookIn):
    """The page that asks for such a run, inside a look-in."""

    def get_urls(self) -> Any:
        """Add the page."""
        view = self.admin_site.admin_view(self.one_view)
        return [path("one/", view, name="sync_run_one"), *super().get_urls()]

    def one_view(self, request: Any) -> HttpResponse:
        """Say what will happen and, once a reason is given, queue the run and show it.

        Raises:
            PermissionDenied: only our support may.
            Http404: the address names nobody.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        if turned_away := self._way_in(request):
            return turned_away
        only = _whom(request)
        form = OneForm(request.POST or None, only=only)
        if form.is_valid() and (run := self._asked(request, form)):
            return HttpResponseRedirect(reverse("admin:sync_run_change", args=[run.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Read %(name)s from the MIS now") % {"name": named(only) if only else _("one person or class")},
            "form": form,
            "opts": Run._meta,
        }
        return render(request, "admin/sync/run/one.html", context)

    def _asked(self, request: Any, form: OneForm) -> Run | None:
        school, reason = School.objects.get(pk=scope.current()), form.cleaned_data["reason"]
        try:
            run = single.request(school=school, only=form.whom(), by=request.user.pk, at=timezone.now(), reason=reason)
        except (connections.NotConnected, connections.Frozen, runs.Unseen, single.NobodyThere) as fault:
            form.add_error(None, str(fault))
            return None
        messages.success(request, _("Run %(run)s waits for a worker: reload this page.") % {"run": run.pk})
        return run


def _whom(request: HttpRequest) -> Only | None:
    """Return whom the address names, None if nobody yet.

    Raises:
        Http404: it names somebody as nobody is named, or of another school.
    """
    if not (told := request.GET.get("only", "")):
        return None
    try:
        only = Only.of(told)
    except ValueError:
        raise Http404("nobody is named so") from None
    if not single.is_here(only):
        raise Http404("no such person or class at this school")
    return only


def link_to_one(kind: str, row: int) -> str:
    """Return the address at which this person or class is read now."""
    return f"{reverse('admin:sync_run_one')}?only={Only(kind=Kind(kind), row=row)}"
