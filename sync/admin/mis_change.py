"""A change of MIS, as our support leads it: one page for each, stage by stage, inside a look-in (R25)."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sync.forms import SettingsForm
from sync.models import MisChange
from sync.operations import connections, mis_change
from sync.pipeline.cutover import Topic
from sync.queries import joining, moving
from sync.records import Kind
from tenants import scope
from tenants.models import School
from users.admin import LookIn


class ConsultationForm(forms.Form):
    """What was agreed with the school."""

    consultation = forms.CharField(
        label=_("Consultation"),
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80}),
        help_text=_("Who was asked, what was agreed, and when it happens. No data of children."),
    )


class ReasonForm(forms.Form):
    """Why, and a yes to what cannot be taken back with one push of a button."""

    reason = forms.CharField(label=_("Reason"), max_length=300, help_text=_("The school sees this."))
    sure = forms.BooleanField(label=_("I have looked at all of the above."))


@admin.register(MisChange)
class MisChangeAdmin(LookIn):
    """Changes of MIS of the school of the look-in."""

    list_display = ["__str__", "state", "old", "new", "opened_at", "ended_at"]
    list_select_related = ["old__product", "new__product"]
    change_list_template = "admin/sync/mischange/change_list.html"

    def get_urls(self) -> Any:
        """Add the pages of a change, in place of Django's own."""
        views = [
            path("announce/", self.admin_site.admin_view(self.announce_view), name="sync_mischange_announce"),
            path("<int:pk>/change/", self.admin_site.admin_view(self.project_view), name="sync_mischange_change"),
            path("<int:pk>/act/", self.admin_site.admin_view(self.act_view), name="sync_mischange_act"),
            path("<int:pk>/connect/", self.admin_site.admin_view(self.connect_view), name="sync_mischange_connect"),
        ]
        return [*views, *super().get_urls()]

    def announce_view(self, request: Any) -> HttpResponse:
        """Ask what was agreed, then freeze the reading."""
        if turned_away := self._way_in(request):
            return turned_away
        self._demand_right(request)
        form = ConsultationForm(request.POST or None)
        if form.is_valid():
            try:
                change = mis_change.announce(
                    by=request.user.pk, at=timezone.now(), consultation=form.cleaned_data["consultation"]
                )
            except connections.NotConnected as fault:
                messages.error(request, str(fault))
            else:
                return HttpResponseRedirect(reverse("admin:sync_mischange_change", args=[change.pk]))
        context = self._context(request, title=_("Announce a change of MIS"), form=form)
        return render(request, "admin/sync/mischange/announce.html", context)

    def project_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show how far a change is and what is to be done.

        Raises:
            Http404: the school has no such change.
        """
        if turned_away := self._way_in(request):
            return turned_away
        change = self._change(pk)
        topic = request.GET.get("topic", "")
        context = self._context(
            request,
            title=_("Change of MIS: %(old)s to %(new)s")
            % {"old": change.old, "new": change.new or _("a MIS that is not connected yet")},
            project=moving.project(change, now=timezone.now(), topic=topic, page=request.GET.get("page")),
            change=change,
            topic=topic,
            may_change=self._may_change(request),
            groups=joining.catalogue(),
            consultation=ConsultationForm({"consultation": change.consultation}),
            reasons={wish: ReasonForm(auto_id=f"{wish}_%s") for wish in ("cut_over", "cancel", "roll_back")},
        )
        return render(request, "admin/sync/mischange/project.html", context)

    def connect_view(self, request: Any, pk: int) -> HttpResponse:
        """Show and save how the new MIS is reached.

        Raises:
            Http404: no such change or system.
        """
        if turned_away := self._way_in(request):
            return turned_away
        self._demand_right(request)
        change = self._change(pk)
        system = joining.system(request.GET.get("system", ""))
        product = system.product if system else change.new.product if change.new else None
        key = system.product.connector if system else change.new.connector if change.new else ""
        connector = joining.connector_of(key)
        if connector is None:
            raise Http404("no such system")
        held = change.new.settings if change.new and change.new.connector == key else {}
        form = SettingsForm(connector, held, request.POST or None)
        if request.method == "POST" and form.is_valid():
            how = {"connector": key, "settings": form.given(), "product": product, "school": self._school()}
            return self._done(request, change, mis_change.connect_new, "Saved. Nothing was read yet.", **how)
        title = _("Settings of %(system)s") % {"system": product or connector.label}
        context = self._context(request, title=title, form=form, change=change)
        return render(request, "admin/sync/mischange/connect.html", context)

    def act_view(self, request: Any, pk: int) -> HttpResponse:
        """Take one step, if it is one that this form asks for.

        Raises:
            Http404: the school has no such change.
        """
        if turned_away := self._way_in(request):
            return turned_away
        self._demand_right(request)
        change, wish = self._change(pk), request.POST.get("wish", "")
        if wish not in _STEPS:
            return self._to(change)
        verb, said, form_of = _STEPS[wish]
        form = form_of(request.POST) if form_of else None
        if form is not None and not form.is_valid():
            messages.error(request, _("Say why, and that you have looked at it."))
            return self._to(change)
        return self._done(request, change, verb, said, **self._given(request, wish, form))

    def _given(self, request: Any, wish: str, form: forms.Form | None) -> dict[str, Any]:
        said: dict[str, Any] = form.cleaned_data if form else {}
        match wish:
            case "consult":
                return {"text": said["consultation"]}
            case "answer":
                return {"key": request.POST.get("key", ""), "choice": request.POST.get("choice", "")}
            case "answer_all":
                kind = request.POST.get("kind", "")
                known = kind in set(Kind)
                return {"kind": Kind(kind) if known else Kind.STUDENTS, "choice": request.POST.get("choice", "")}
            case "rehearse":
                return {"school": self._school()}
            case "cancel":
                return {"reason": said["reason"]}
        return {"school": self._school(), "reason": said["reason"]}

    def _done(self, request: Any, change: MisChange, verb: Any, said: str, **how: Any) -> HttpResponse:
        try:
            verb(change, by=request.user.pk, at=timezone.now(), **how)
        except (mis_change.OutOfTurn, mis_change.NoSuchQuestion, connections.BadSettings) as fault:
            messages.error(request, str(fault))
        else:
            messages.success(request, said)
        return self._to(change, request.POST.get("topic", ""))

    def _to(self, change: MisChange, topic: str = "") -> HttpResponse:
        there = reverse("admin:sync_mischange_change", args=[change.pk])
        return HttpResponseRedirect(f"{there}?topic={topic}#questions" if topic in set(Topic) else there)

    def _change(self, pk: int) -> MisChange:
        found = MisChange.objects.select_related("old__product", "new__product", "run").filter(pk=pk).first()
        if found is None:
            raise Http404("no such change")
        return found

    def _context(self, request: HttpRequest, **more: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": MisChange._meta, **more}

    def _may_change(self, request: HttpRequest) -> bool:
        return request.user.has_perm("sync.change_mischange")

    def _demand_right(self, request: HttpRequest) -> None:
        if not self._may_change(request):
            raise PermissionDenied

    def _school(self) -> School:
        return School.objects.get(pk=scope.current())


# What each button does: the operation, what is said then, and the form that has to be filled in for it.
_STEPS: Final[dict[str, tuple[Any, str, type[forms.Form] | None]]] = {
    "consult": (mis_change.consult, "Saved.", ConsultationForm),
    "rehearse": (mis_change.request_rehearsal, "It waits for a worker; look again in a minute.", None),
    "answer": (mis_change.answer, "Answered.", None),
    "answer_all": (mis_change.answer_all, "Answered for all of them.", None),
    "cut_over": (mis_change.request_cut_over, "It waits for a worker; look again in a minute.", ReasonForm),
    "cancel": (mis_change.cancel, "Called off. The old MIS is read again from tonight.", ReasonForm),
    "roll_back": (mis_change.roll_back, "Rolled back. The old MIS is read again from tonight.", ReasonForm),
}
