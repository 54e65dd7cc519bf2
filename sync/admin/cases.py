"""What waits for a person, and what people decided about it (R12)."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from sync.forms import DecisionForm
from sync.models import Decision, Hold, Run
from sync.operations import decisions
from sync.queries import dossiers, inbox
from users.admin import LookIn


def case_link(digest: str, words: str) -> str:
    """Return a link to the page of a case; what is held without a digest has none."""
    return (
        format_html('<a href="{}">{}</a>', reverse("admin:sync_hold_case", args=[digest]), words) if digest else words
    )


class HoldInline(admin.TabularInline[Hold, Run]):
    """What waits for a person."""

    model = Hold
    fields = ["kind", "to_case"]
    readonly_fields = ["to_case"]
    extra = 0

    @admin.display(description=_("Reason"))
    def to_case(self, hold: Hold) -> str:
        """Say why it waits, and lead to its page."""
        return case_link(hold.digest, hold.reason)


@admin.register(Hold)
class HoldAdmin(LookIn):
    """What runs held back, and the page on which support decides about it, with the reason of the moment."""

    list_display = ["run", "kind", "case", "to_case"]
    list_filter = ["case", "kind"]
    list_select_related = ["run"]
    ordering = ["-id"]
    fields = ["run", "kind", "case", "to_case", "refs"]
    readonly_fields = ["to_case"]

    @admin.display(description=_("Reason"))
    def to_case(self, hold: Hold) -> str:
        """Say why it waits, and lead to its page."""
        return case_link(hold.digest, hold.reason)

    def get_urls(self) -> Any:
        """Add the page of one case."""
        view = self.admin_site.admin_view(self.case_view)
        return [path("case/<str:digest>/", view, name="sync_hold_case"), *super().get_urls()]

    def case_view(self, request: HttpRequest, digest: str) -> HttpResponse:
        """Show a case of the look-in's school, and decide it or take that back, as Reception does.

        Raises:
            Http404: the school never had such a case.
            PermissionDenied: deciding takes a right of Django's own.
        """
        if turned_away := self._way_in(request):
            return turned_away
        dossier = dossiers.dossier(digest, at=timezone.now())
        if dossier is None:
            raise Http404("no such case")
        form = DecisionForm(dossier, request.POST or None, always_why=True)
        may_decide = request.user.has_perm("sync.add_decision")
        if request.method == "POST" and not may_decide:
            raise PermissionDenied
        if request.method == "POST" and self._said(request, dossier, form):
            return HttpResponseRedirect(reverse("admin:sync_hold_case", args=[digest]))
        context = {
            **self.admin_site.each_context(request),
            "title": dossier.heading.title,
            "dossier": dossier,
            "form": form,
            "may_decide": may_decide,
            "opts": Hold._meta,
        }
        return render(request, "admin/sync/hold/case.html", context)

    def _said(self, request: Any, dossier: dossiers.Dossier, form: DecisionForm) -> bool:
        """Do what the page was asked to do; False if its form has to be shown again."""
        by, at, said = request.user.pk, timezone.now(), dossier.item.decision
        takes_back = "withdraw" in request.POST and said is not None
        if not takes_back and not (dossier.open and self._is_sure(form)):
            return not dossier.open
        try:
            if takes_back and said:
                decisions.withdraw(said, by=by, at=at)
            else:
                chosen = form.cleaned_data
                decisions.decide(dossier.item.hold, choice=chosen["choice"], by=by, at=at, reason=chosen["reason"])
        except (decisions.WorldMoved, decisions.AlreadyDecided, decisions.CarriedOut) as fault:
            messages.error(request, str(fault))
        else:
            messages.success(request, _("Done. The next sync goes by it."))
        return True

    def _is_sure(self, form: DecisionForm) -> bool:
        if form.is_valid() and form.asks_again:
            form.add_error("sure", _("This cannot simply be taken back: tick the box if you are sure."))
        return form.is_valid()


@admin.register(Decision)
class DecisionAdmin(LookIn):
    """What people decided about holds."""

    list_display = ["to_case", "case", "kind", "by", "at", "reason", "expires_at", "withdrawn_at", "run"]
    list_filter = ["case", "kind", "choice"]
    list_select_related = ["by", "run"]
    date_hierarchy = "at"
    exclude = ["digest"]

    @admin.display(description=_("Decision"))
    def to_case(self, decision: Decision) -> str:
        """Say what was chosen, and lead to the page of the case."""
        return case_link(decision.digest, inbox.chosen(decision))
